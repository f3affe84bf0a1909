//! Sealing and opening on the JavaScript thread: small payloads, for which a promise costs more than the work.

use crate::arguments::credentials::CredentialArgument;
use crate::arguments::options::{OpenSettings, SealSettings};
use crate::memory::BytesArgument;
use crate::types::failure::OrThrow;
use napi::{Env, Result};
use napi_derive::napi;
use sealstream::stream_v2::io::{InputSource, OutputSink};
use sealstream::{Control, decrypt_stream_v2, encrypt_stream_v2};

/// Seals `bytes` into the start of `output` and returns the sealed stream's size. If it throws, `output` is unchanged or all zeros.
#[napi(catch_unwind)]
pub fn encrypt_sync(
    env: &Env,
    #[napi(ts_arg_type = "Uint8Array")] bytes: BytesArgument<'_>,
    #[napi(ts_arg_type = "Uint8Array")] output: BytesArgument<'_>,
    recipients: Vec<CredentialArgument<'_>>,
    settings: SealSettings<'_>,
) -> Result<f64> {
    let options = settings.for_recipients(env, &recipients)?;
    let sealed = bytes.read(|source| {
        output.fill(&[&bytes], |memory| {
            let (source, sink) = (InputSource::positioned(source), OutputSink::Memory(memory));
            encrypt_stream_v2(source, sink, &options, &Control::serial())
        })
    })?;
    Ok(sealed?.or_throw(env)?.sealed_size as f64)
}

/// Opens `bytes` into `output` and returns the plaintext's size. If it throws, `output` is unchanged or all zeros.
#[napi(catch_unwind)]
pub fn decrypt_sync(
    env: &Env,
    #[napi(ts_arg_type = "Uint8Array")] bytes: BytesArgument<'_>,
    #[napi(ts_arg_type = "Uint8Array")] output: BytesArgument<'_>,
    identities: Vec<CredentialArgument<'_>>,
    settings: OpenSettings<'_>,
) -> Result<f64> {
    let options = settings.for_identities(env, &identities)?;
    let opened = bytes.read(|source| {
        output.fill(&[&bytes], |memory| {
            let (source, sink) = (InputSource::positioned(source), OutputSink::Memory(memory));
            decrypt_stream_v2(source, sink, &options, &Control::serial())
        })
    })?;
    Ok(opened?.or_throw(env)?.plaintext_size as f64)
}
