//! Memory of JavaScript's that is written to.

use napi::bindgen_prelude::{BufferSlice, ToNapiValue, Uint8ArraySlice};
use napi::{Env, Error, Result, Status, sys};
use std::mem;
use zeroize::Zeroize;

/// The memory of `output`, which is refused if any of `read` shares a byte with it.
pub(crate) fn exclusive<'a, 'r>(
    output: &'a mut Uint8ArraySlice<'_>,
    read: impl IntoIterator<Item = &'r [u8]>,
) -> Result<&'a mut [u8]> {
    for bytes in read {
        check_apart(bytes, output)?;
    }
    // SAFETY: JavaScript, which could write to it or free it, does not run before the call returns, and threads can't
    // reach it, since the façade made it and neither shares nor transfers its memory. The caller names in `read` all that
    // it reads of JavaScript's, so that nothing else refers to these bytes; to others of the same ArrayBuffer it may.
    Ok(unsafe { output.as_mut() })
}

/// Refuses memory that is read and written at once. Only addresses are compared.
pub(crate) fn check_apart(input: &[u8], output: &[u8]) -> Result<()> {
    let (input, output) = (input.as_ptr_range(), output.as_ptr_range());
    if input.start < output.end && output.start < input.end {
        return Err(Error::new(Status::InvalidArg, "input and output overlap"));
    }
    Ok(())
}

/// Has `write` fill `memory`, which is all zeros afterwards if that fails or panics.
pub(crate) fn all_or_zeros<T, E>(
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

/// Bytes that become a buffer of JavaScript's own.
pub struct CopiedBytes(pub(crate) Vec<u8>);

impl ToNapiValue for CopiedBytes {
    unsafe fn to_napi_value(env: sys::napi_env, bytes: Self) -> Result<sys::napi_value> {
        let buffer = BufferSlice::copy_from(&Env::from_raw(env), bytes.0)?;
        // SAFETY: `env` is what the caller vouches for.
        unsafe { ToNapiValue::to_napi_value(env, &buffer) }
    }
}

/// Asks for huge pages behind a large buffer that was just allocated and not touched yet.
///
/// A fresh buffer of 64 MiB is 16,384 small pages, each of which the kernel finds and maps when a worker first writes to
/// it. That takes longer than sealing what goes into them: 38 ms in all against 20 ms with huge pages, on 2 cores.
#[cfg(target_os = "linux")]
pub(crate) fn expect_writes(memory: &mut [u8]) {
    use rustix::mm::{Advice, madvise};
    let skipped = memory.as_ptr().align_offset(HUGE_PAGE);
    let Some(whole) = memory.get_mut(skipped..) else {
        return;
    };
    let length = whole.len() / HUGE_PAGE * HUGE_PAGE;
    if length > 0 {
        // SAFETY: the range lies inside `memory`, and the advice changes no byte of it. A kernel that has no huge pages
        // refuses, which costs nothing.
        let _ = unsafe { madvise(whole.as_mut_ptr().cast(), length, Advice::LinuxHugepage) };
    }
}

/// Other systems choose for themselves.
#[cfg(not(target_os = "linux"))]
pub(crate) fn expect_writes(_: &mut [u8]) {}

/// Huge pages of x64, and of arm64 with pages of 4 KiB.
#[cfg(target_os = "linux")]
const HUGE_PAGE: usize = 2 * 1024 * 1024;
