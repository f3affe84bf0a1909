//! Secret keys: in Rust's memory, overwritten when they go.

use crate::types::failure::rejection;
use napi::bindgen_prelude::{ClassInstance, Either, Uint8ArraySlice};
use napi::{Env, Error, Result, Status};
use napi_derive::napi;
use sealstream::SecretKey;
use sealstream::keys::{key_from_base64, key_from_hex};

/// A key that JavaScript holds without seeing its bytes.
#[napi]
pub struct NativeKey {
    key: Option<SecretKey>,
}

#[napi]
impl NativeKey {
    /// A new key from the system's generator.
    #[napi(factory)]
    pub fn generate(env: &Env) -> Result<Self> {
        match SecretKey::generate() {
            Ok(key) => Ok(key.into()),
            Err(error) => Err(rejection(env, &error.into())?),
        }
    }

    /// Copies 32 bytes.
    #[napi(factory)]
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        key_from_bytes(bytes).map(Self::from)
    }

    /// Reads 64 hexadecimal digits, in constant time; `null` for any other text.
    #[napi]
    pub fn from_hex(text: String) -> Option<NativeKey> {
        let text = zeroize::Zeroizing::new(text);
        key_from_hex(&text).ok().map(Self::from)
    }

    /// Reads 44 characters of padded Base64, in constant time; `null` for any other text.
    #[napi]
    pub fn from_base64(text: String) -> Option<NativeKey> {
        let text = zeroize::Zeroizing::new(text);
        key_from_base64(&text).ok().map(Self::from)
    }

    /// Copies the key out, into exactly 32 bytes.
    #[napi]
    pub fn export_into(&self, mut bytes: Uint8ArraySlice<'_>) -> Result<()> {
        // SAFETY: JavaScript does not run meanwhile.
        let target = unsafe { bytes.as_mut() };
        let key = self.get()?.expose();
        if target.len() != key.len() {
            return Err(Error::new(Status::InvalidArg, "a key has 32 bytes"));
        }
        target.copy_from_slice(key);
        Ok(())
    }

    /// The key once more, to be held and disposed of by itself.
    #[napi]
    pub fn copy(&self) -> Result<NativeKey> {
        self.get().cloned().map(Self::from)
    }

    /// Overwrites the key. Doing it twice is fine; operations under way keep their copy until they end.
    #[napi]
    pub fn dispose(&mut self) {
        self.key = None;
    }

    /// Whether the key was disposed of.
    #[napi(getter)]
    #[must_use]
    pub fn is_disposed(&self) -> bool {
        self.key.is_none()
    }

    pub(crate) fn get(&self) -> Result<&SecretKey> {
        self.key
            .as_ref()
            .ok_or_else(|| Error::new(Status::InvalidArg, "the key was disposed of"))
    }
}

impl From<SecretKey> for NativeKey {
    fn from(key: SecretKey) -> Self {
        Self { key: Some(key) }
    }
}

/// A key as an argument: its bytes, or one that Rust holds.
pub type KeyArgument<'env> = Either<&'env [u8], ClassInstance<'env, NativeKey>>;

/// The bytes of JavaScript's that an argument refers to.
pub(crate) fn bytes_of<'a>(argument: &'a KeyArgument<'_>) -> &'a [u8] {
    match argument {
        Either::A(bytes) => bytes,
        Either::B(_) => &[],
    }
}

/// The key of an argument. The caller's copy goes with the operation.
pub(crate) fn key_of(argument: &KeyArgument<'_>) -> Result<SecretKey> {
    match argument {
        Either::A(bytes) => key_from_bytes(bytes),
        Either::B(key) => key.get().cloned(),
    }
}

pub(crate) fn key_from_bytes(bytes: &[u8]) -> Result<SecretKey> {
    SecretKey::from_bytes(bytes).map_err(|error| Error::new(Status::InvalidArg, error.to_string()))
}
