//! What is done at once on the JavaScript thread: small payloads, for which a promise costs more than the work.

use crate::buffers::check_apart;
use crate::failure::{floe_rejection, rejection};
use crate::keys::{KeyArgument, key_of};
use crate::options::{OpenPlan, OpenSettings, SealPlan, SealSettings};
use napi::bindgen_prelude::{BufferSlice, Uint8ArraySlice};
use napi::{Env, Error, Result, Status};
use napi_derive::napi;
use sealstream::stream_v2::io::{InputSource, OutputSink};
use sealstream::{Control, decrypt_stream_v2, encrypt_stream_v2, floe};
use zeroize::{Zeroize, Zeroizing};

/// Seals `input` into `output` from the byte `at` on, and returns how many bytes it took.
#[napi(catch_unwind)]
pub fn encrypt_sync(
    env: &Env,
    input: &[u8],
    mut output: Uint8ArraySlice<'_>,
    at: u32,
    #[napi(ts_arg_type = "Uint8Array | NativeKey")] key: KeyArgument<'_>,
    settings: SealSettings,
) -> Result<f64> {
    // SAFETY: JavaScript does not run meanwhile, and no other slice overlaps it.
    let memory = room(unsafe { output.as_mut() }, at)?;
    check_apart(input, memory)?;
    let plan = SealPlan::new(&key, settings)?;
    let sink = OutputSink::Memory(memory);
    match encrypt_stream_v2(
        InputSource::memory(input),
        sink,
        &plan.options(),
        &Control::serial(),
    ) {
        Ok(report) => Ok(report.stream_size as f64),
        Err(failure) => Err(rejection(env, &failure)?),
    }
}

/// Opens `input` into `output` and returns how many bytes came out. If it throws, `output` is all zeros.
#[napi(catch_unwind)]
pub fn decrypt_sync(
    env: &Env,
    input: &[u8],
    mut output: Uint8ArraySlice<'_>,
    #[napi(ts_arg_type = "Array<Uint8Array | NativeKey>")] keys: Vec<KeyArgument<'_>>,
    settings: OpenSettings,
) -> Result<f64> {
    // SAFETY: JavaScript does not run meanwhile, and no other slice overlaps it.
    let memory = unsafe { output.as_mut() };
    check_apart(input, memory)?;
    let plan = OpenPlan::new(&keys, settings)?;
    let sink = OutputSink::Memory(&mut *memory);
    match decrypt_stream_v2(
        InputSource::memory(input),
        sink,
        &plan.options(),
        &Control::serial(),
    ) {
        Ok(report) => Ok(report.plaintext_size as f64),
        Err(failure) => {
            memory.zeroize();
            Err(rejection(env, &failure)?)
        }
    }
}

/// Bytes of the FLOE message with `plaintext_size` bytes inside.
#[napi(catch_unwind)]
pub fn floe_size(env: &Env, plaintext_size: f64, segment_length: u32) -> Result<f64> {
    match floe::sealed_size(plaintext_size as usize, segment_length) {
        Ok(size) => Ok(size as f64),
        Err(failure) => Err(floe_rejection(env, &failure)?),
    }
}

/// Seals `plaintext` into the `size` bytes of `output` from the byte `at` on; `size` is that of [`floe_size`].
#[napi(catch_unwind)]
#[allow(clippy::too_many_arguments)] // JavaScript passes what an object would only wrap.
pub fn floe_seal(
    env: &Env,
    plaintext: &[u8],
    mut output: Uint8ArraySlice<'_>,
    at: u32,
    size: f64,
    #[napi(ts_arg_type = "Uint8Array | NativeKey")] key: KeyArgument<'_>,
    aad: Option<&[u8]>,
    segment_length: u32,
) -> Result<()> {
    // SAFETY: JavaScript does not run meanwhile, and no other slice overlaps it.
    let memory = room(unsafe { output.as_mut() }, at)?;
    let message = memory.get_mut(..size as usize).ok_or_else(no_room)?;
    check_apart(plaintext, message)?;
    let key = key_of(&key)?;
    match floe::seal_into(
        key.expose(),
        aad.unwrap_or_default(),
        plaintext,
        segment_length,
        message,
    ) {
        Ok(()) => Ok(()),
        Err(failure) => Err(floe_rejection(env, &failure)?),
    }
}

/// Opens a FLOE message; its segment length may be any if none is given.
#[napi(catch_unwind)]
pub fn floe_open<'env>(
    env: &'env Env,
    message: &[u8],
    #[napi(ts_arg_type = "Uint8Array | NativeKey")] key: KeyArgument<'_>,
    aad: Option<&[u8]>,
    segment_length: Option<u32>,
) -> Result<BufferSlice<'env>> {
    let key = key_of(&key)?;
    match floe::open(key.expose(), aad.unwrap_or_default(), message, segment_length).map(Zeroizing::new) {
        Ok(plaintext) => BufferSlice::copy_from(env, plaintext.as_slice()),
        Err(failure) => Err(floe_rejection(env, &failure)?),
    }
}

fn room(memory: &mut [u8], at: u32) -> Result<&mut [u8]> {
    memory.get_mut(at as usize..).ok_or_else(no_room)
}

fn no_room() -> Error {
    Error::new(Status::InvalidArg, "the output has no room there")
}
