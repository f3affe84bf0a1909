//! For whom a stream is sealed and what opens it, in Rust's memory and overwritten when it goes.

use crate::arguments::keys::{KeyArgument, NativeKey, key_from_bytes, key_of};
use crate::types::failure::rejection;
use crate::types::names::PassphraseStrength;
use napi::bindgen_prelude::{ClassInstance, Either3};
use napi::{Env, Error, JsString, Result, Status};
use napi_derive::napi;
use sealstream::crypto::CryptoError;
use sealstream::keys::{
    HybridIdentity, Passphrase, PassphraseCost, ProviderKey, X25519Identity, identity_from_text,
    recipient_from_text,
};
use sealstream::{Identity, Recipient};
use zeroize::Zeroizing;

/// Someone to seal for, something to open with, or both.
#[napi]
pub struct NativeCredential {
    held: Option<Held>,
}

#[derive(Clone)]
enum Held {
    /// A public key, which opens nothing.
    Public(Recipient),
    /// A key pair, for whose public key there is a recipient of its own.
    Pair(Identity),
    /// What both seals and opens.
    Shared(Recipient, Identity),
}

#[napi]
impl NativeCredential {
    /// A key with a name.
    #[napi(factory)]
    pub fn key(
        #[napi(ts_arg_type = "Uint8Array | NativeKey")] key: KeyArgument<'_>,
        id: String,
    ) -> Result<Self> {
        let key = key_of(&key)?;
        Ok(Recipient::Key { key, id }.into())
    }

    /// A passphrase, of which the UTF-8 is copied.
    #[napi(factory)]
    pub fn passphrase(text: &[u8], strength: PassphraseStrength) -> Result<Self> {
        let text = std::str::from_utf8(text).map_err(|_| invalid("must be well-formed UTF-8"))?;
        let PassphraseStrength {
            memory_kib,
            passes,
            lanes,
        } = strength;
        let cost = PassphraseCost::new(memory_kib, passes, lanes)
            .ok_or_else(|| invalid("has a strength that Argon2 does not have"))?;
        let passphrase = Passphrase::new(text).map_err(invalid)?;
        Ok(Recipient::Passphrase { passphrase, cost }.into())
    }

    /// A public key as age writes it.
    #[napi(factory)]
    pub fn public_key(text: String) -> Result<Self> {
        recipient_from_text(&text).map(Self::from).map_err(invalid)
    }

    /// A new key pair.
    #[napi(factory)]
    pub fn generate_pair(env: &Env, is_hybrid: bool) -> Result<Self> {
        let generate = || -> std::result::Result<Identity, CryptoError> {
            Ok(if is_hybrid {
                Identity::Hybrid(HybridIdentity::generate()?)
            } else {
                Identity::X25519(X25519Identity::generate()?)
            })
        };
        match generate() {
            Ok(identity) => Ok(identity.into()),
            Err(error) => Err(rejection(env, &error.into())?),
        }
    }

    /// A secret key as age writes it.
    #[napi(factory)]
    pub fn secret_key(text: String) -> Result<Self> {
        let text = Zeroizing::new(text);
        identity_from_text(&text).map(Self::from).map_err(invalid)
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
        let slot_type = match self.get()? {
            Held::Public(recipient) | Held::Shared(recipient, _) => recipient.slot_type(),
            Held::Pair(identity) => identity.slot_type(),
        };
        Ok(slot_type.to_string())
    }

    /// The public key of a pair.
    #[napi(getter)]
    pub fn public_text(&self) -> Result<String> {
        match self.pair()? {
            Identity::X25519(secret) => Ok(secret.recipient().to_string()),
            Identity::Hybrid(secret) => Ok(secret.recipient().to_string()),
            _ => Err(invalid("not a key pair")),
        }
    }

    /// The secret key of a pair.
    #[napi(ts_return_type = "string")]
    pub fn secret_text<'env>(&self, env: &'env Env) -> Result<JsString<'env>> {
        let text = match self.pair()? {
            Identity::X25519(secret) => secret.to_text(),
            Identity::Hybrid(secret) => secret.to_text(),
            _ => return Err(invalid("not a key pair")),
        };
        env.create_string(text.as_str())
    }

    /// The same once more, to be held and disposed of by itself.
    #[napi]
    pub fn copy(&self) -> Result<NativeCredential> {
        let held = Some(self.get()?.clone());
        Ok(Self { held })
    }

    /// Overwrites it. Doing it twice is fine; operations under way keep their copy until they end.
    #[napi]
    pub fn dispose(&mut self) {
        self.held = None;
    }

    /// The key pair that it holds.
    pub(crate) fn pair(&self) -> Result<&Identity> {
        match self.get()? {
            Held::Pair(identity) => Ok(identity),
            Held::Public(_) | Held::Shared(..) => Err(invalid("not a key pair")),
        }
    }

    fn get(&self) -> Result<&Held> {
        self.held.as_ref().ok_or_else(|| invalid("it was disposed of"))
    }
}

impl From<Recipient> for NativeCredential {
    fn from(recipient: Recipient) -> Self {
        let held = match recipient.identity() {
            Some(identity) => Held::Shared(recipient, identity),
            None => Held::Public(recipient),
        };
        Self { held: Some(held) }
    }
}

impl From<Identity> for NativeCredential {
    fn from(identity: Identity) -> Self {
        let held = Some(Held::Pair(identity));
        Self { held }
    }
}

/// What a call names to seal for or to open with: a key's bytes, or what Rust holds.
pub type CredentialArgument<'env> =
    Either3<&'env [u8], ClassInstance<'env, NativeKey>, ClassInstance<'env, NativeCredential>>;

/// The bytes of JavaScript's that an argument refers to.
pub(crate) fn bytes_of<'a>(argument: &'a CredentialArgument<'_>) -> &'a [u8] {
    match argument {
        Either3::A(bytes) => bytes,
        Either3::B(_) | Either3::C(_) => &[],
    }
}

/// For whom an argument seals. The copy goes with the operation.
pub(crate) fn recipient_of(argument: &CredentialArgument<'_>) -> Result<Recipient> {
    let key = match argument {
        Either3::A(bytes) => key_from_bytes(bytes)?,
        Either3::B(key) => key.get()?.clone(),
        Either3::C(credential) => {
            return match credential.get()? {
                Held::Public(recipient) | Held::Shared(recipient, _) => Ok(recipient.clone()),
                Held::Pair(_) => Err(invalid("opens streams, and none can be sealed for it")),
            };
        }
    };
    let id = String::new();
    Ok(Recipient::Key { key, id })
}

/// What an argument opens. The copy goes with the operation.
pub(crate) fn identity_of(argument: &CredentialArgument<'_>) -> Result<Identity> {
    let key = match argument {
        Either3::A(bytes) => key_from_bytes(bytes)?,
        Either3::B(key) => key.get()?.clone(),
        Either3::C(credential) => {
            return match credential.get()? {
                Held::Pair(identity) | Held::Shared(_, identity) => Ok(identity.clone()),
                Held::Public(_) => Err(invalid("is a public key, which opens nothing")),
            };
        }
    };
    Ok(Identity::Key(key))
}

fn invalid(problem: impl ToString) -> Error {
    Error::new(Status::InvalidArg, problem.to_string())
}
