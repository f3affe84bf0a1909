//! JavaScript's memory: every read and write of it goes through this module.
//!
//! The contract, which the façade keeps:
//!
//! - Bytes that an operation reads do not change, move or go away until its promise has settled. A reference holds them in place,
//!   and [`teardown`](crate::runtime::teardown) keeps their environment alive.
//! - Bytes that an operation writes are new: JavaScript neither reads, writes, shares nor transfers them until the promise has
//!   settled.
//! - During a call without a promise JavaScript does not run, so that only the call itself can break the first two rules.
//!
//! [`Output`] checks what can be checked: that no byte is read and written at once.

#![allow(unsafe_code, reason = "references to memory that another language owns")]

use napi::bindgen_prelude::{BufferSlice, ToNapiValue, Uint8Array, Uint8ArraySlice};
use napi::{Env, Error, Result, Status, sys};
use std::mem;
use zeroize::Zeroize;

/// Bytes that a call or an operation reads.
pub(crate) fn input(bytes: &Uint8Array) -> &[u8] {
    bytes
}

/// Memory that one call or one operation writes.
pub(crate) struct Output<B: Writable = Uint8Array>(B);

impl<B: Writable> Output<B> {
    /// Takes `memory` to write to, while `inputs` are read. Fails if they share a byte.
    pub(crate) fn new<'a>(memory: B, inputs: impl IntoIterator<Item = &'a [u8]>) -> Result<Self> {
        let output = memory.addresses();
        for input in inputs {
            let input = input.as_ptr_range();
            if input.start < output.end && output.start < input.end {
                return Err(Error::new(Status::InvalidArg, "input and output overlap"));
            }
        }
        Ok(Self(memory))
    }

    /// Has `write` fill the memory. It is all zeros if that fails or panics.
    pub(crate) fn fill<T, E>(
        &mut self,
        write: impl FnOnce(&mut [u8]) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        // SAFETY: nothing else reads or writes these bytes; see the contract and `new`.
        let unfinished = Unfinished(unsafe { self.0.exclusive() });
        let outcome = write(unfinished.0);
        if outcome.is_ok() {
            mem::forget(unfinished);
        }
        outcome
    }
}

/// The array types of napi that refer to JavaScript's memory.
pub(crate) trait Writable {
    fn addresses(&self) -> std::ops::Range<*const u8>;
    /// # Safety
    /// Nothing else may read or write these bytes while the reference lives.
    unsafe fn exclusive(&mut self) -> &mut [u8];
}

macro_rules! writable {
    ($($array:ty),*) => {
        $(impl Writable for $array {
            fn addresses(&self) -> std::ops::Range<*const u8> {
                self.as_ptr_range()
            }

            unsafe fn exclusive(&mut self) -> &mut [u8] {
                // SAFETY: the caller ensures that nothing else reads or writes these bytes.
                unsafe { self.as_mut() }
            }
        })*
    };
}

writable!(Uint8Array, Uint8ArraySlice<'_>);

struct Unfinished<'a>(&'a mut [u8]);

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        self.0.zeroize();
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
pub(crate) fn expect_writes(memory: &mut [u8]) {
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
pub(crate) fn expect_writes(_: &mut [u8]) {}

/// Huge pages of x64, and of arm64 with pages of 4 KiB.
#[cfg(target_os = "linux")]
const HUGE_PAGE: usize = 2 * 1024 * 1024;
