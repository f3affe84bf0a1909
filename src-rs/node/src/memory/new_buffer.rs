//! Memory for outputs. JavaScript allocates it, so that it is never copied, and sees it when it is complete.

use super::argument::fill;
use super::reference::Reference;
use napi::bindgen_prelude::{BufferSlice, ToNapiValue};
use napi::{Env, Result, check_status, sys};
use std::{ptr, slice};

/// A new `Buffer` that no JavaScript has seen. JavaScript gets it when a promise resolves with it.
pub struct NewBuffer {
    buffer: Reference,
    data: *mut u8,
    size: usize,
    /// The bytes that JavaScript gets.
    used: usize,
}

// SAFETY: the reference passes between threads; the memory is used by the owner of this alone.
unsafe impl Send for NewBuffer {}
// SAFETY: as above; `as_slice` only reads.
unsafe impl Sync for NewBuffer {}

impl NewBuffer {
    /// A buffer of `size` bytes with unspecified contents. Must be called on the JavaScript thread.
    pub(crate) fn new(env: &Env, size: usize) -> Result<Self> {
        let (mut data, mut value) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: the environment runs this. Both pointers are to variables that live during the call.
        check_status!(unsafe { sys::napi_create_buffer(env.raw(), size, &mut data, &mut value) })?;
        Ok(Self {
            buffer: Reference::new(env.raw(), value)?,
            data: data.cast(),
            size,
            used: size,
        })
    }

    pub(crate) const fn size(&self) -> usize {
        self.size
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        if self.size == 0 {
            return &[];
        }
        // SAFETY: V8 does not move or free the memory while the reference lives: no JavaScript has the buffer, to detach it.
        unsafe { slice::from_raw_parts(self.data, self.size) }
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        if self.size == 0 {
            return &mut [];
        }
        // SAFETY: as in `as_slice`, and this is borrowed mutably.
        unsafe { slice::from_raw_parts_mut(self.data, self.size) }
    }

    /// Only its first `used` bytes are for JavaScript.
    pub(crate) fn truncate(&mut self, used: usize) {
        self.used = used.min(self.size);
    }

    /// A buffer of `size` bytes that starts with the first `used` bytes of this one.
    pub(crate) fn resized(&self, env: &Env, used: usize, size: usize) -> Result<Self> {
        let mut other = Self::new(env, size)?;
        let count = used.min(self.size).min(size);
        other.as_mut_slice()[..count].copy_from_slice(&self.as_slice()[..count]);
        Ok(other)
    }
}

impl ToNapiValue for NewBuffer {
    unsafe fn to_napi_value(env: sys::napi_env, buffer: Self) -> Result<sys::napi_value> {
        if buffer.used == buffer.size {
            return buffer.buffer.get();
        }
        // In memory of its own: the rest is not the caller's.
        let exact = buffer.resized(&Env::from_raw(env), buffer.used, buffer.used)?;
        exact.buffer.get()
    }
}

/// A [`NewBuffer`] that an operation will fill.
pub(crate) struct Room(Option<NewBuffer>);

impl Room {
    /// Room for `size` bytes. Must be called on the JavaScript thread.
    pub(crate) fn new(env: &Env, size: usize) -> Result<Self> {
        NewBuffer::new(env, size).map(Self::from)
    }

    /// Has `write` fill the memory, and returns both. The memory is all zeros if that fails or panics.
    pub(crate) fn fill<T, E>(
        &mut self,
        write: impl FnOnce(&mut [u8]) -> std::result::Result<T, E>,
    ) -> std::result::Result<(NewBuffer, T), E>
    where
        E: From<Used>,
    {
        let Some(buffer) = &mut self.0 else {
            return Err(Used.into());
        };
        let memory = buffer.as_mut_slice();
        expect_writes(memory);
        let result = fill(memory, write)?;
        self.0
            .take()
            .map(|buffer| (buffer, result))
            .ok_or_else(|| Used.into())
    }
}

impl From<NewBuffer> for Room {
    fn from(buffer: NewBuffer) -> Self {
        Self(Some(buffer))
    }
}

/// The memory was filled before, which only a bug can cause.
pub(crate) struct Used;

impl From<Used> for sealstream::SealError {
    fn from(Used: Used) -> Self {
        Self::OutputTooSmall {
            available: 0,
            needed: 0,
        }
    }
}

/// Bytes that are copied into a new `Buffer`, whose memory JavaScript allocates.
#[derive(Clone)]
pub struct CopiedBytes(pub(crate) Vec<u8>);

impl ToNapiValue for CopiedBytes {
    unsafe fn to_napi_value(env: sys::napi_env, bytes: Self) -> Result<sys::napi_value> {
        let buffer = BufferSlice::copy_from(&Env::from_raw(env), bytes.0)?;
        // SAFETY: the caller vouches for `env`.
        unsafe { ToNapiValue::to_napi_value(env, &buffer) }
    }
}

/// Asks for huge pages for a large buffer that was just allocated and not touched yet.
///
/// A new buffer of 64 MiB is 16,384 small pages, which the kernel finds and maps one by one at a worker's first write. That takes
/// longer than sealing: 38 ms in all against 20 ms with huge pages, on 2 cores.
#[cfg(target_os = "linux")]
fn expect_writes(memory: &mut [u8]) {
    use rustix::mm::{Advice, madvise};
    let skipped = memory.as_ptr().align_offset(HUGE_PAGE);
    let Some(whole) = memory.get_mut(skipped..) else {
        return;
    };
    let length = whole.len() / HUGE_PAGE * HUGE_PAGE;
    if length > 0 {
        // SAFETY: the range is inside `memory`, and the advice changes none of its bytes. A kernel without huge pages refuses.
        let _ = unsafe { madvise(whole.as_mut_ptr().cast(), length, Advice::LinuxHugepage) };
    }
}

/// Other systems choose for themselves.
#[cfg(not(target_os = "linux"))]
fn expect_writes(_: &mut [u8]) {}

/// Huge pages of x64, and of arm64 with pages of 4 KiB.
#[cfg(target_os = "linux")]
const HUGE_PAGE: usize = 2 * 1024 * 1024;
