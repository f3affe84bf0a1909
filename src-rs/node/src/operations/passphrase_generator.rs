//! Generated passphrases.

use crate::types::failure::OrThrow;
use napi::{Env, JsString, Result};
use napi_derive::napi;
use sealstream::keys;

/// A random passphrase of this many words. Rust's copy is overwritten; JavaScript's can't be.
#[napi]
pub fn generate_passphrase(env: &Env, words: u32) -> Result<JsString<'_>> {
    let text = keys::generate_passphrase(words as usize).or_throw(env)?;
    env.create_string(text.as_str())
}
