//! Memory of JavaScript's that is written to.

use napi::bindgen_prelude::Uint8ArraySlice;
use napi::{Error, Result, Status};
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
