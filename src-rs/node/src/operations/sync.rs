//! Sealing and opening on the JavaScript thread: small payloads, for which a promise costs more than the work.

use crate::arguments::credentials::CredentialArgument;
use crate::arguments::options::{OpenSettings, SealSettings};
use crate::memory::Output;
use crate::types::failure::OrThrow;
use napi::bindgen_prelude::Uint8ArraySlice;
use napi::{Env, Result};
use napi_derive::napi;
use sealstream::stream_v2::io::{InputSource, OutputSink};
use sealstream::{Control, decrypt_stream_v2, encrypt_stream_v2};

/// Seals `bytes` into the start of `output` and returns the sealed stream's size. If it throws, `output` is unchanged or all zeros.
#[napi(catch_unwind)]
pub fn encrypt_sync(
    env: &Env,
    bytes: &[u8],
    output: Uint8ArraySlice<'_>,
    recipients: Vec<CredentialArgument<'_>>,
    settings: SealSettings,
) -> Result<f64> {
    // The options are copies, so only `bytes` is read from here on.
    let options = settings.for_recipients(env, &recipients)?;
    let sealed = Output::new(output, [bytes])?.fill(|memory| {
        let (source, sink) = (InputSource::memory(bytes), OutputSink::Memory(memory));
        encrypt_stream_v2(source, sink, &options, &Control::serial())
    });
    Ok(sealed.or_throw(env)?.stream_size as f64)
}

/// Opens `bytes` into `output` and returns the plaintext's size. If it throws, `output` is unchanged or all zeros.
#[napi(catch_unwind)]
pub fn decrypt_sync(
    env: &Env,
    bytes: &[u8],
    output: Uint8ArraySlice<'_>,
    identities: Vec<CredentialArgument<'_>>,
    settings: OpenSettings<'_>,
) -> Result<f64> {
    let options = settings.for_identities(env, &identities)?;
    let opened = Output::new(output, [bytes])?.fill(|memory| {
        let (source, sink) = (InputSource::memory(bytes), OutputSink::Memory(memory));
        decrypt_stream_v2(source, sink, &options, &Control::serial())
    });
    Ok(opened.or_throw(env)?.plaintext_size as f64)
}
