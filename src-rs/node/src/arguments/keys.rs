//! Secret keys, in Rust's memory and overwritten when they are dropped.

use crate::memory::{BytesArgument, BytesCopy};
use crate::types::failure::{OrThrow, invalid_argument};
use napi::{Env, Result};
use napi_derive::napi;
use sealstream::SecretKey;
use sealstream::keys::{key_from_base64, key_from_hex};
use zeroize::Zeroizing;

/// A key that JavaScript holds without seeing its bytes.
#[napi]
pub struct NativeKey {
    key: Option<SecretKey>,
}

#[napi]
impl NativeKey {
    /// A new key from the system's random generator.
    #[napi(factory)]
    pub fn generate(env: &Env) -> Result<Self> {
        SecretKey::generate().map(Self::from).or_throw(env)
    }

    /// A copy of 32 bytes.
    #[napi(factory)]
    pub fn from_bytes(#[napi(ts_arg_type = "Uint8Array")] bytes: BytesCopy) -> Result<Self> {
        key_from_bytes(&bytes).map(Self::from)
    }

    /// Reads 64 hexadecimal digits, in constant time; `null` for any other text.
    #[napi]
    pub fn from_hex(text: String) -> Option<NativeKey> {
        let text = Zeroizing::new(text);
        key_from_hex(&text).ok().map(Self::from)
    }

    /// Reads 44 characters of padded Base64, in constant time; `null` for any other text.
    #[napi]
    pub fn from_base64(text: String) -> Option<NativeKey> {
        let text = Zeroizing::new(text);
        key_from_base64(&text).ok().map(Self::from)
    }

    /// Copies the key into an array of exactly 32 bytes.
    #[napi]
    pub fn export_into(&self, #[napi(ts_arg_type = "Uint8Array")] bytes: BytesArgument<'_>) -> Result<()> {
        let key = self.get()?.expose();
        bytes.fill(&[], |target| {
            if target.len() != key.len() {
                return Err(invalid_argument("a key has 32 bytes"));
            }
            target.copy_from_slice(key);
            Ok(())
        })?
    }

    /// A copy, which is disposed of separately.
    #[napi]
    pub fn copy(&self) -> Result<NativeKey> {
        self.get().cloned().map(Self::from)
    }

    /// Overwrites the key. Further calls do nothing. Running operations keep their copy until they end.
    #[napi]
    pub fn dispose(&mut self) {
        self.key = None;
    }

    pub(crate) fn get(&self) -> Result<&SecretKey> {
        self.key
            .as_ref()
            .ok_or_else(|| invalid_argument("the key was disposed of"))
    }
}

impl From<SecretKey> for NativeKey {
    fn from(key: SecretKey) -> Self {
        Self { key: Some(key) }
    }
}

/// A copy of a key's 32 bytes.
pub(crate) fn key_from_bytes(bytes: &[u8]) -> Result<SecretKey> {
    SecretKey::from_bytes(bytes).map_err(invalid_argument)
}
