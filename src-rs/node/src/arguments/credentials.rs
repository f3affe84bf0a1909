//! Recipients and identities, in Rust's memory and overwritten when they are dropped.

use crate::arguments::keys::{KeyArgument, NativeKey, key_from_bytes, key_of};
use crate::types::failure::{OrThrow, invalid_argument};
use crate::types::names::PassphraseStrength;
use napi::bindgen_prelude::{ClassInstance, Either3};
use napi::{Env, JsString, Result};
use napi_derive::napi;
use sealstream::crypto::CryptoError;
use sealstream::keys::{
    HybridIdentity, Passphrase, PassphraseCost, ProviderKey, X25519Identity, identity_from_text,
    recipient_from_text,
};
use sealstream::{Identity, Recipient};
use zeroize::Zeroizing;

/// A recipient, an identity, or both.
#[napi]
pub struct NativeCredential {
    held: Option<Held>,
}

/// A public key is a recipient only, and a key pair an identity only.
#[derive(Clone)]
struct Held {
    recipient: Option<Recipient>,
    identity: Option<Identity>,
}

#[napi]
impl NativeCredential {
    /// A key with a name.
    #[napi(factory)]
    pub fn key(key: KeyArgument<'_>, id: String) -> Result<Self> {
        let key = key_of(&key)?;
        Ok(Recipient::Key { key, id }.into())
    }

    /// A passphrase; its UTF-8 is copied.
    #[napi(factory)]
    pub fn passphrase(text: &[u8], strength: PassphraseStrength) -> Result<Self> {
        let text = std::str::from_utf8(text).map_err(|_| invalid_argument("must be well-formed UTF-8"))?;
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

    /// A key that a key service wrapped or unwrapped.
    #[napi(factory)]
    pub fn provider(name: String, key_id: String, blob: &[u8], kek: &[u8]) -> Result<Self> {
        let key = ProviderKey {
            name,
            key_id,
            blob: blob.to_vec(),
            kek: key_from_bytes(kek)?,
        };
        Ok(Recipient::Provider(key).into())
    }

    /// The type of its slots.
    #[napi(getter, js_name = "type", ts_return_type = "SlotTypeName")]
    pub fn slot_type(&self) -> Result<String> {
        let Held { recipient, identity } = self.get()?;
        let slot_type = recipient.as_ref().map(Recipient::slot_type);
        let slot_type = slot_type.or_else(|| identity.as_ref().map(Identity::slot_type));
        Ok(slot_type
            .map(|slot_type| slot_type.to_string())
            .unwrap_or_default())
    }

    /// The public key of a pair.
    #[napi(getter)]
    pub fn public_text(&self) -> Result<String> {
        match self.pair()? {
            Identity::X25519(secret) => Ok(secret.recipient().to_string()),
            Identity::Hybrid(secret) => Ok(secret.recipient().to_string()),
            _ => Err(invalid_argument("not a key pair")),
        }
    }

    /// The secret key of a pair.
    #[napi(ts_return_type = "string")]
    pub fn secret_text<'env>(&self, env: &'env Env) -> Result<JsString<'env>> {
        let text = match self.pair()? {
            Identity::X25519(secret) => secret.to_text(),
            Identity::Hybrid(secret) => secret.to_text(),
            _ => return Err(invalid_argument("not a key pair")),
        };
        env.create_string(text.as_str())
    }

    /// A copy, which is disposed of separately.
    #[napi]
    pub fn copy(&self) -> Result<NativeCredential> {
        let held = Some(self.get()?.clone());
        Ok(Self { held })
    }

    /// Overwrites it. Further calls do nothing. Running operations keep their copy until they end.
    #[napi]
    pub fn dispose(&mut self) {
        self.held = None;
    }

    /// The key pair that it holds.
    pub(crate) fn pair(&self) -> Result<&Identity> {
        match self.get()? {
            Held {
                recipient: None,
                identity: Some(identity),
            } => Ok(identity),
            _ => Err(invalid_argument("not a key pair")),
        }
    }

    fn get(&self) -> Result<&Held> {
        self.held
            .as_ref()
            .ok_or_else(|| invalid_argument("it was disposed of"))
    }
}

impl From<Recipient> for NativeCredential {
    fn from(recipient: Recipient) -> Self {
        let held = Held {
            identity: recipient.identity(),
            recipient: Some(recipient),
        };
        Self { held: Some(held) }
    }
}

impl From<Identity> for NativeCredential {
    fn from(identity: Identity) -> Self {
        let held = Held {
            recipient: None,
            identity: Some(identity),
        };
        Self { held: Some(held) }
    }
}

/// A recipient or an identity as an argument: the bytes of a key, or an object that Rust holds.
#[napi]
pub type CredentialArgument<'env> =
    Either3<&'env [u8], ClassInstance<'env, NativeKey>, ClassInstance<'env, NativeCredential>>;

/// The argument as a recipient. The copy belongs to the operation.
pub(crate) fn recipient_of(argument: &CredentialArgument<'_>) -> Result<Recipient> {
    let key = match argument {
        Either3::A(bytes) => key_from_bytes(bytes)?,
        Either3::B(key) => key.get()?.clone(),
        Either3::C(credential) => {
            let recipient = credential.get()?.recipient.clone();
            return recipient.ok_or_else(|| invalid_argument("is an identity, which is no recipient"));
        }
    };
    let id = String::new();
    Ok(Recipient::Key { key, id })
}

/// The argument as an identity. The copy belongs to the operation.
pub(crate) fn identity_of(argument: &CredentialArgument<'_>) -> Result<Identity> {
    match argument {
        Either3::A(bytes) => key_from_bytes(bytes).map(Identity::Key),
        Either3::B(key) => Ok(Identity::Key(key.get()?.clone())),
        Either3::C(credential) => {
            let identity = credential.get()?.identity.clone();
            identity.ok_or_else(|| invalid_argument("is a public key, which opens nothing"))
        }
    }
}
