//! Passphrases that are drawn.

use crate::types::failure::rejection;
use napi::{Env, JsString, Result};
use napi_derive::napi;
use sealstream::keys;

/// A passphrase of this many words. Rust's copy is overwritten; JavaScript's can't be.
#[napi]
pub fn generate_passphrase(env: &Env, words: u32) -> Result<JsString<'_>> {
    match keys::generate_passphrase(words as usize) {
        Ok(text) => env.create_string(text.as_str()),
        Err(error) => Err(rejection(env, &error.into())?),
    }
}
