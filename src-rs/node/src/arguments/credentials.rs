//! Recipients and identities, in Rust's memory and overwritten when they are dropped.

use crate::arguments::keys::{NativeKey, key_from_bytes};
use crate::memory::BytesCopy;
// The TypeScript type of `CredentialArgument` has the names that Rust has here.
use crate::memory::BytesCopy as Uint8Array;
use crate::types::failure::{OrThrow, invalid_argument};
use crate::types::names::PassphraseParameters;
use napi::bindgen_prelude::{ClassInstance, Either3};
use napi::{Env, Error, JsString, Result};
use napi_derive::napi;
use sealstream::crypto::CryptoError;
use sealstream::keys::{
    HybridIdentity, Passphrase, PassphraseCost, ProviderKey, X25519Identity, identity_from_text,
    key_pair_texts, public_key_text, recipient_from_text,
};
use sealstream::{Identity, Recipient, SecretKey};
use zeroize::Zeroizing;

/// A recipient, an identity, or both. A public key is only a recipient, a key pair only an identity.
#[napi]
#[derive(Clone, Default)]
pub struct NativeCredential {
    recipient: Option<Recipient>,
    identity: Option<Identity>,
}

#[napi]
impl NativeCredential {
    /// A key with a name.
    #[napi(factory)]
    pub fn key(key: CredentialArgument<'_>, id: String) -> Result<Self> {
        let key = key_of(&key)?;
        Ok(Recipient::Key { key, id }.into())
    }

    /// A passphrase; its UTF-8 is copied.
    #[napi(factory)]
    pub fn passphrase(
        #[napi(ts_arg_type = "Uint8Array")] text: BytesCopy,
        strength: PassphraseParameters,
    ) -> Result<Self> {
        let text = std::str::from_utf8(&text).map_err(|_| invalid_argument("must be well-formed UTF-8"))?;
        let cost = PassphraseCost::new(strength.memory_kib, strength.passes, strength.lanes)
            .ok_or_else(|| invalid_argument("has a strength that Argon2 does not have"))?;
        let passphrase = Passphrase::new(text).map_err(invalid_argument)?;
        Ok(Recipient::Passphrase { passphrase, cost }.into())
    }

    /// A public key in age's format.
    #[napi(factory)]
    pub fn public_key(text: String) -> Result<Self> {
        recipient_from_text(&text)
            .map(Self::from)
            .map_err(invalid_argument)
    }

    /// A new key pair.
    #[napi(factory)]
    pub fn generate_pair(env: &Env, is_hybrid: bool) -> Result<Self> {
        let identity: std::result::Result<_, CryptoError> = if is_hybrid {
            HybridIdentity::generate().map(Identity::Hybrid)
        } else {
            X25519Identity::generate().map(Identity::X25519)
        };
        Ok(identity.or_throw(env)?.into())
    }

    /// A secret key in age's format.
    #[napi(factory)]
    pub fn secret_key(text: String) -> Result<Self> {
        let text = Zeroizing::new(text);
        identity_from_text(&text)
            .map(Self::from)
            .map_err(invalid_argument)
    }

    /// A key that a provider wrapped or unwrapped.
    #[napi(factory)]
    pub fn provider(
        name: String,
        key_id: String,
        #[napi(ts_arg_type = "Uint8Array")] blob: BytesCopy,
        #[napi(ts_arg_type = "Uint8Array")] kek: BytesCopy,
    ) -> Result<Self> {
        let key = ProviderKey {
            name,
            key_id,
            blob: blob.to_vec(),
            kek: key_from_bytes(&kek)?,
        };
        Ok(Recipient::Provider(key).into())
    }

    /// The type of its slots.
    #[napi(getter, js_name = "type", ts_return_type = "SlotType")]
    pub fn slot_type(&self) -> Result<String> {
        let slot_type = self.recipient.as_ref().map(Recipient::slot_type);
        let slot_type = slot_type.or_else(|| self.identity.as_ref().map(Identity::slot_type));
        slot_type
            .map(|slot_type| slot_type.to_string())
            .ok_or_else(disposed)
    }

    /// The public key, of a pair or by itself.
    #[napi(getter)]
    pub fn public_text(&self) -> Result<String> {
        let text = self.in_use()?.recipient.as_ref().and_then(public_key_text);
        text.map_or_else(|| Ok(self.texts()?.0), Ok)
    }

    /// The secret key of a pair.
    #[napi(ts_return_type = "string")]
    pub fn secret_text<'env>(&self, env: &'env Env) -> Result<JsString<'env>> {
        env.create_string(self.texts()?.1.as_str())
    }

    /// A copy, which is disposed of separately.
    #[napi]
    pub fn copy(&self) -> Result<NativeCredential> {
        self.in_use().cloned()
    }

    /// Overwrites it. Further calls do nothing. Running operations keep their copy until they end.
    #[napi]
    pub fn dispose(&mut self) {
        *self = Self::default();
    }

    /// The identity that it holds.
    pub(crate) fn identity(&self) -> Result<&Identity> {
        let identity = self.in_use()?.identity.as_ref();
        identity.ok_or_else(|| invalid_argument("is a public key, which opens nothing"))
    }

    fn texts(&self) -> Result<(String, Zeroizing<String>)> {
        key_pair_texts(self.identity()?).ok_or_else(|| invalid_argument("not a key pair"))
    }

    fn in_use(&self) -> Result<&Self> {
        if self.recipient.is_none() && self.identity.is_none() {
            return Err(disposed());
        }
        Ok(self)
    }
}

impl From<Recipient> for NativeCredential {
    fn from(recipient: Recipient) -> Self {
        Self {
            identity: recipient.identity(),
            recipient: Some(recipient),
        }
    }
}

impl From<Identity> for NativeCredential {
    fn from(identity: Identity) -> Self {
        Self {
            recipient: None,
            identity: Some(identity),
        }
    }
}

/// A key, a recipient or an identity as an argument: the bytes of a key, or an object that Rust holds.
#[napi]
pub type CredentialArgument<'env> =
    Either3<Uint8Array, ClassInstance<'env, NativeKey>, ClassInstance<'env, NativeCredential>>;

/// The argument as a recipient. The copy belongs to the operation.
pub(crate) fn recipient_of(argument: &CredentialArgument<'_>) -> Result<Recipient> {
    if let Either3::C(credential) = argument {
        let recipient = credential.in_use()?.recipient.clone();
        return recipient.ok_or_else(|| invalid_argument("is an identity, which is no recipient"));
    }
    let (key, id) = (key_of(argument)?, String::new());
    Ok(Recipient::Key { key, id })
}

/// The argument as an identity. The copy belongs to the operation.
pub(crate) fn identity_of(argument: &CredentialArgument<'_>) -> Result<Identity> {
    match argument {
        Either3::C(credential) => credential.identity().cloned(),
        key => key_of(key).map(Identity::Key),
    }
}

/// The argument as a plain key. The copy belongs to the operation.
pub(crate) fn key_of(argument: &CredentialArgument<'_>) -> Result<SecretKey> {
    match argument {
        Either3::A(bytes) => key_from_bytes(bytes),
        Either3::B(key) => key.get().cloned(),
        Either3::C(_) => Err(invalid_argument("is not a plain key")),
    }
}

fn disposed() -> Error {
    invalid_argument("it was disposed of")
}
