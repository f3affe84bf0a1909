//! Whole FLOE messages, on the JavaScript thread.

use crate::arguments::credentials::{CredentialArgument, key_of};
use crate::memory::{BytesArgument, BytesCopy};
use crate::types::failure::OrThrow;
use napi::bindgen_prelude::BufferSlice;
use napi::{Env, Result};
use napi_derive::napi;
use sealstream::floe;
use zeroize::Zeroizing;

/// Bytes of the FLOE message for a plaintext of `plaintext_size` bytes.
#[napi(catch_unwind)]
pub fn floe_size(env: &Env, plaintext_size: f64, segment_length: u32) -> Result<f64> {
    let size = floe::sealed_size(plaintext_size as usize, segment_length);
    Ok(size.or_throw(env)? as f64)
}

/// Seals `plaintext` into `output`, which has the size from [`floe_size`]. If it throws, `output` is unchanged or all zeros.
#[napi(catch_unwind)]
pub fn floe_seal(
    env: &Env,
    #[napi(ts_arg_type = "Uint8Array")] plaintext: BytesArgument<'_>,
    #[napi(ts_arg_type = "Uint8Array")] output: BytesArgument<'_>,
    key: CredentialArgument<'_>,
    #[napi(ts_arg_type = "Uint8Array | undefined | null")] aad: Option<BytesCopy>,
    segment_length: u32,
) -> Result<()> {
    let (secret, aad) = (key_of(&key)?, aad.as_deref().unwrap_or_default());
    let sealed = plaintext.read_all(|bytes| {
        output.fill(&[&plaintext], |message| {
            floe::seal_into(secret.expose(), aad, bytes, segment_length, message)
        })
    })?;
    sealed?.or_throw(env)
}

/// Opens a FLOE message; without a segment length, one of any segment length.
#[napi(catch_unwind, ts_return_type = "ReturnType<typeof Buffer.alloc>")]
pub fn floe_open<'env>(
    env: &'env Env,
    #[napi(ts_arg_type = "Uint8Array")] message: BytesArgument<'_>,
    key: CredentialArgument<'_>,
    #[napi(ts_arg_type = "Uint8Array | undefined | null")] aad: Option<BytesCopy>,
    segment_length: Option<u32>,
) -> Result<BufferSlice<'env>> {
    let (key, aad) = (key_of(&key)?, aad.as_deref().unwrap_or_default());
    let opened = message.read_all(|message| floe::open(key.expose(), aad, message, segment_length))?;
    let plaintext = opened.map(Zeroizing::new).or_throw(env)?;
    BufferSlice::copy_from(env, plaintext.as_slice())
}
