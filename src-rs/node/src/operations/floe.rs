//! Whole FLOE messages, on the JavaScript thread.

use crate::arguments::credentials::{CredentialArgument, bytes_of, key_of};
use crate::memory::Output;
use crate::types::failure::OrThrow;
use napi::bindgen_prelude::{BufferSlice, Uint8ArraySlice};
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
    plaintext: &[u8],
    output: Uint8ArraySlice<'_>,
    key: CredentialArgument<'_>,
    aad: Option<&[u8]>,
    segment_length: u32,
) -> Result<()> {
    let (secret, aad) = (key_of(&key)?, aad.unwrap_or_default());
    let mut output = Output::new(output, [plaintext, aad, bytes_of(&key)])?;
    let sealed =
        output.fill(|message| floe::seal_into(secret.expose(), aad, plaintext, segment_length, message));
    sealed.or_throw(env)
}

/// Opens a FLOE message; without a segment length, one of any segment length.
#[napi(catch_unwind, ts_return_type = "ReturnType<typeof Buffer.alloc>")]
pub fn floe_open<'env>(
    env: &'env Env,
    message: &[u8],
    key: CredentialArgument<'_>,
    aad: Option<&[u8]>,
    segment_length: Option<u32>,
) -> Result<BufferSlice<'env>> {
    let (key, aad) = (key_of(&key)?, aad.unwrap_or_default());
    let plaintext = floe::open(key.expose(), aad, message, segment_length).map(Zeroizing::new);
    BufferSlice::copy_from(env, plaintext.or_throw(env)?.as_slice())
}
