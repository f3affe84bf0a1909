//! What is done at once on the JavaScript thread: small payloads, for which a promise costs more than the work.

use crate::arguments::credentials::{CredentialArgument, bytes_of};
use crate::arguments::keys::{self, KeyArgument, key_of};
use crate::arguments::options::{OpenPlan, OpenSettings, SealPlan, SealSettings};
use crate::memory::{all_or_zeros, exclusive};
use crate::types::failure::{floe_rejection, rejection};
use napi::bindgen_prelude::{BufferSlice, Uint8ArraySlice};
use napi::{Env, Result};
use napi_derive::napi;
use sealstream::stream_v2::io::{InputSource, OutputSink};
use sealstream::{Control, decrypt_stream_v2, encrypt_stream_v2, floe};
use zeroize::Zeroizing;

/// Seals `input` into the start of `output` and returns how many bytes it took. If it throws, `output` is as it was or
/// all zeros.
#[napi(catch_unwind)]
pub fn encrypt_sync(
    env: &Env,
    input: &[u8],
    mut output: Uint8ArraySlice<'_>,
    #[napi(ts_arg_type = "Array<Uint8Array | NativeKey | NativeCredential>")] recipients: Vec<
        CredentialArgument<'_>,
    >,
    settings: SealSettings,
) -> Result<f64> {
    // First, because it copies what the settings refer to.
    let plan = SealPlan::new(&recipients, settings)?;
    let memory = exclusive(&mut output, recipients.iter().map(bytes_of).chain([input]))?;
    let sealed = all_or_zeros(memory, |memory| {
        let source = InputSource::memory(input);
        encrypt_stream_v2(
            source,
            OutputSink::Memory(memory),
            &plan.options(),
            &Control::serial(),
        )
    });
    match sealed {
        Ok(report) => Ok(report.stream_size as f64),
        Err(failure) => Err(rejection(env, &failure)?),
    }
}

/// Opens `input` into `output` and returns how many bytes came out. If it throws, `output` is as it was or all zeros.
#[napi(catch_unwind)]
pub fn decrypt_sync(
    env: &Env,
    input: &[u8],
    mut output: Uint8ArraySlice<'_>,
    #[napi(ts_arg_type = "Array<Uint8Array | NativeKey | NativeCredential>")] identities: Vec<
        CredentialArgument<'_>,
    >,
    settings: OpenSettings<'_>,
) -> Result<f64> {
    let plan = OpenPlan::new(&identities, settings)?;
    let memory = exclusive(&mut output, identities.iter().map(bytes_of).chain([input]))?;
    let opened = all_or_zeros(memory, |memory| {
        let source = InputSource::memory(input);
        decrypt_stream_v2(
            source,
            OutputSink::Memory(memory),
            &plan.options(),
            &Control::serial(),
        )
    });
    match opened {
        Ok(report) => Ok(report.plaintext_size as f64),
        Err(failure) => Err(rejection(env, &failure)?),
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

/// Seals `plaintext` into `output`, whose size is that of [`floe_size`]. If it throws, `output` is as it was or all zeros.
#[napi(catch_unwind)]
pub fn floe_seal(
    env: &Env,
    plaintext: &[u8],
    mut output: Uint8ArraySlice<'_>,
    #[napi(ts_arg_type = "Uint8Array | NativeKey")] key: KeyArgument<'_>,
    aad: Option<&[u8]>,
    segment_length: u32,
) -> Result<()> {
    let secret = key_of(&key)?;
    let aad = aad.unwrap_or_default();
    let memory = exclusive(&mut output, [plaintext, aad, keys::bytes_of(&key)])?;
    let sealed = all_or_zeros(memory, |message| {
        floe::seal_into(secret.expose(), aad, plaintext, segment_length, message)
    });
    match sealed {
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
