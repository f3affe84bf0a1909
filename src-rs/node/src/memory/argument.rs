//! Arrays as arguments of a call.

use super::array::{Place, PlaceSource};
use crate::runtime::spare_buffers::SpareBuffer;
use napi::bindgen_prelude::{FromNapiValue, TypeName, ValidateNapiValue};
use napi::{Error, Result, Status, ValueType, check_status, sys};
use sealstream::stream_v2::io::ReadAt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::{mem, slice};
use zeroize::{Zeroize, Zeroizing};

/// A `Uint8Array` that is read or written during the call. Each method asks V8 anew where its bytes are, because a conversion of a later
/// argument may have run JavaScript.
#[derive(Clone, Copy)]
pub struct BytesArgument<'env> {
    pub(super) env: sys::napi_env,
    pub(super) value: sys::napi_value,
    _call: PhantomData<&'env ()>,
}

impl BytesArgument<'_> {
    pub(super) fn place(&self) -> Result<Place> {
        Place::of(self.env, self.value)
    }

    /// Its bytes. 0 if it was detached.
    pub(crate) fn size(&self) -> Result<usize> {
        Ok(self.place()?.size)
    }

    /// A copy of all of its bytes.
    pub(crate) fn to_vec(self) -> Result<Vec<u8>> {
        let place = self.place()?;
        let mut copy = vec![0; place.size];
        // SAFETY: JavaScript does not run in between, and the copy is new.
        unsafe { place.copy(0, &mut copy) };
        Ok(copy)
    }

    /// A copy of all of its bytes, in memory that is used again.
    pub(crate) fn to_spare_buffer(self) -> Result<SpareBuffer> {
        SpareBuffer::filled(self.size()?, |copy| self.copy_to(0, copy).map(drop))
    }

    /// Copies the bytes from `offset` on to `target`, as many as both have, and returns their number.
    pub(crate) fn copy_to(&self, offset: usize, target: &mut [u8]) -> Result<usize> {
        // SAFETY: JavaScript does not run in between. `target` is memory of this addon's, or of a `NewBuffer`, which no array shows.
        Ok(unsafe { self.place()?.copy(offset, target) })
    }

    /// Has `read` read it by offset. `read` must not run JavaScript.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&dyn ReadAt) -> T) -> Result<T> {
        // SAFETY: JavaScript does not run before `read` returns. The engine reads into memory of its own.
        let source = unsafe { PlaceSource::new(self.place()?) };
        Ok(read(&source))
    }

    /// Has `read` read all of its bytes at once; of shared memory, a copy. `read` must not run JavaScript.
    pub(crate) fn read_all<T>(&self, read: impl FnOnce(&[u8]) -> T) -> Result<T> {
        let place = self.place()?;
        if place.is_shared || place.size == 0 {
            return Ok(read(&self.to_vec()?));
        }
        // SAFETY: these bytes are there, and JavaScript does not run before `read` returns.
        Ok(read(unsafe { slice::from_raw_parts(place.data, place.size) }))
    }

    /// Has `write` fill the memory, while it may read `inputs`. The memory is all zeros if that fails or panics. `write` must not run
    /// JavaScript. Throws if the memory is shared, or shares a byte with an input.
    pub(crate) fn fill<T, E>(
        &self,
        inputs: &[&Self],
        write: impl FnOnce(&mut [u8]) -> std::result::Result<T, E>,
    ) -> Result<std::result::Result<T, E>> {
        let place = self.place()?;
        for input in inputs {
            if place.overlaps(&input.place()?) {
                return Err(Error::new(Status::InvalidArg, "input and output overlap"));
            }
        }
        if place.is_shared {
            return Err(Error::new(Status::InvalidArg, "the output is shared memory"));
        }
        if place.size == 0 {
            return Ok(write(&mut []));
        }
        // SAFETY: these bytes are there, no input has any of them, and JavaScript does not run before `write` returns.
        Ok(fill(
            unsafe { slice::from_raw_parts_mut(place.data, place.size) },
            write,
        ))
    }
}

/// Has `write` fill `memory`, which is all zeros if that fails or panics.
pub(super) fn fill<T, E>(
    memory: &mut [u8],
    write: impl FnOnce(&mut [u8]) -> std::result::Result<T, E>,
) -> std::result::Result<T, E> {
    let unfinished = Unfinished(memory);
    let outcome = write(unfinished.0);
    if outcome.is_ok() {
        mem::forget(unfinished);
    }
    outcome
}

struct Unfinished<'a>(&'a mut [u8]);

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl FromNapiValue for BytesArgument<'_> {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        // Refuses what is no Uint8Array.
        Place::of(env, value)?;
        Ok(Self {
            env,
            value,
            _call: PhantomData,
        })
    }
}

impl TypeName for BytesArgument<'_> {
    fn type_name() -> &'static str {
        "Uint8Array"
    }

    fn value_type() -> ValueType {
        ValueType::Object
    }
}

impl ValidateNapiValue for BytesArgument<'_> {
    unsafe fn validate(env: sys::napi_env, value: sys::napi_value) -> Result<sys::napi_value> {
        let mut is_array = false;
        // SAFETY: the caller vouches for `env` and `value`.
        check_status!(unsafe { sys::napi_is_typedarray(env, value, &mut is_array) })?;
        if is_array {
            Ok(std::ptr::null_mut())
        } else {
            Err(Error::new(Status::InvalidArg, "must be a Uint8Array"))
        }
    }
}

/// A copy of the bytes of a `Uint8Array`, made when the argument is converted. It is overwritten when it is dropped, because it may be a
/// secret.
#[derive(Clone)]
pub struct BytesCopy(Zeroizing<Vec<u8>>);

impl Deref for BytesCopy {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl FromNapiValue for BytesCopy {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        // SAFETY: the caller vouches for `env` and `value`.
        let argument = unsafe { BytesArgument::from_napi_value(env, value) }?;
        Ok(Self(Zeroizing::new(argument.to_vec()?)))
    }
}

impl TypeName for BytesCopy {
    fn type_name() -> &'static str {
        BytesArgument::type_name()
    }

    fn value_type() -> ValueType {
        ValueType::Object
    }
}

impl ValidateNapiValue for BytesCopy {
    unsafe fn validate(env: sys::napi_env, value: sys::napi_value) -> Result<sys::napi_value> {
        // SAFETY: the caller vouches for `env` and `value`.
        unsafe { BytesArgument::validate(env, value) }
    }
}
