//! A caller's bytes as an object that the façade passes on, from the call to the end of its operations.

use super::argument::BytesArgument;
use super::held::HeldBytes;
use crate::types::failure::{OrThrow, invalid_argument};
use napi::bindgen_prelude::{BufferSlice, ClassInstance, FromNapiValue, TypeName, ValidateNapiValue};
use napi::{Env, Result, ValueType, sys};
use napi_derive::napi;
use sealstream::SealError;
use sealstream::error::IoOperation;
use std::io::IoSliceMut;

/// The bytes of a `Uint8Array` as they were when this was made. The caller may do anything with the array afterwards: bytes of up to 1 MiB
/// are copied, and an operation that reads larger ones fails if their memory is no longer there.
#[napi]
pub struct CallerBytes {
    held: Option<HeldBytes>,
}

#[napi]
impl CallerBytes {
    /// Takes `bytes` as they are now; with `copies`, all of them are copied.
    #[napi(constructor)]
    pub fn new(
        env: &Env,
        #[napi(ts_arg_type = "Uint8Array")] bytes: BytesArgument<'_>,
        copies: Option<bool>,
    ) -> Result<Self> {
        let held = HeldBytes::take(env, bytes, copies == Some(true))?;
        Ok(Self { held: Some(held) })
    }

    /// The number of bytes.
    #[napi(getter)]
    pub fn size(&self) -> Result<f64> {
        Ok(self.get()?.size() as f64)
    }

    /// A copy of all bytes.
    #[napi(catch_unwind, ts_return_type = "ReturnType<typeof Buffer.alloc>")]
    pub fn copy<'env>(&self, env: &'env Env) -> Result<BufferSlice<'env>> {
        let held = self.get()?;
        let copy = held.read_now(|source| {
            let mut copy = vec![0; held.size()];
            let read = source.read_at(0, &mut [IoSliceMut::new(&mut copy)]);
            read.map_err(|error| SealError::io(IoOperation::Read, None, &error))?;
            Ok(copy)
        });
        BufferSlice::copy_from(env, copy.or_throw(env)?)
    }

    /// Frees the bytes when no operation needs them. Further calls do nothing.
    #[napi]
    pub fn release(&mut self) {
        self.held = None;
    }

    fn get(&self) -> Result<&HeldBytes> {
        self.held
            .as_ref()
            .ok_or_else(|| invalid_argument("the bytes were released"))
    }
}

impl FromNapiValue for HeldBytes {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        // SAFETY: the caller vouches for `env` and `value`. It checks the object's type tag.
        let bytes = unsafe { ClassInstance::<'_, CallerBytes>::from_napi_value(env, value) }?;
        bytes.get().cloned()
    }
}

impl TypeName for HeldBytes {
    fn type_name() -> &'static str {
        "CallerBytes"
    }

    fn value_type() -> ValueType {
        ValueType::Object
    }
}

impl ValidateNapiValue for HeldBytes {}
