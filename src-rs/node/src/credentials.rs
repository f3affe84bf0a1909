//! For whom a stream is sealed and what opens it, in Rust's memory and overwritten when it goes.

use crate::failure::rejection;
use crate::keys::{KeyArgument, NativeKey, file_failure, key_from_bytes, key_of};
use crate::operations::Task;
use napi::bindgen_prelude::{ClassInstance, Either3, Object};
use napi::{Env, Error, JsString, Result, Status};
use napi_derive::napi;
use sealstream::crypto::CryptoError;
use sealstream::error::IoOperation;
use sealstream::format::SlotType;
use sealstream::keys::{
    HybridIdentity, Passphrase, PassphraseCost, ProviderKey, X25519Identity, identity_from_text,
    read_identity_file, recipient_from_text, write_identity_file,
};
use sealstream::{Identity, Recipient};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// A type of key slots that this release can open.
#[napi(string_enum)]
#[derive(Clone, Copy)]
pub enum SlotTypeName {
    /// A 32-byte key.
    #[napi(value = "key")]
    Key,
    /// A passphrase.
    #[napi(value = "passphrase")]
    Passphrase,
    /// An X25519 key pair.
    #[napi(value = "x25519")]
    X25519,
    /// A key service.
    #[napi(value = "provider")]
    Provider,
    /// A post-quantum hybrid key pair.
    #[napi(value = "hybrid")]
    Hybrid,
}

impl From<SlotTypeName> for SlotType {
    fn from(name: SlotTypeName) -> Self {
        match name {
            SlotTypeName::Key => Self::Key,
            SlotTypeName::Passphrase => Self::Passphrase,
            SlotTypeName::X25519 => Self::X25519,
            SlotTypeName::Provider => Self::Provider,
            SlotTypeName::Hybrid => Self::Hybrid,
        }
    }
}

/// What every attempt with a passphrase costs.
#[napi(object)]
#[derive(Clone, Copy)]
pub struct PassphraseStrength {
    /// Memory, in KiB: at least 8 for each lane.
    #[napi(js_name = "memoryKiB")]
    pub memory_kib: u32,
    /// Passes over that memory, at least 1.
    pub passes: u32,
    /// Lanes that can be worked on side by side, at least 1.
    pub lanes: u32,
}

impl From<PassphraseCost> for PassphraseStrength {
    fn from(cost: PassphraseCost) -> Self {
        Self {
            memory_kib: cost.memory_kib(),
            passes: cost.passes(),
            lanes: cost.lanes(),
        }
    }
}

/// The strengths that have a name.
#[napi(object, object_from_js = false)]
pub struct PassphraseStrengths {
    /// Where somebody waits for every file.
    pub interactive: PassphraseStrength,
    /// Unless told otherwise.
    pub default: PassphraseStrength,
    /// Where there is time and memory.
    pub sensitive: PassphraseStrength,
}

/// The strengths that have a name.
#[napi]
#[must_use]
pub fn passphrase_strengths() -> PassphraseStrengths {
    PassphraseStrengths {
        interactive: PassphraseCost::INTERACTIVE.into(),
        default: PassphraseCost::default().into(),
        sensitive: PassphraseCost::SENSITIVE.into(),
    }
}

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
        match self.get()? {
            Held::Pair(Identity::X25519(secret)) => Ok(secret.recipient().to_string()),
            Held::Pair(Identity::Hybrid(secret)) => Ok(secret.recipient().to_string()),
            _ => Err(invalid("not a key pair")),
        }
    }

    /// The secret key of a pair.
    #[napi(ts_return_type = "string")]
    pub fn secret_text<'env>(&self, env: &'env Env) -> Result<JsString<'env>> {
        let text = match self.get()? {
            Held::Pair(Identity::X25519(secret)) => secret.to_text(),
            Held::Pair(Identity::Hybrid(secret)) => secret.to_text(),
            _ => return Err(invalid("not a key pair")),
        };
        env.create_string(text.as_str())
    }

    /// Writes a new file with the pair.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn write_file<'env>(&self, env: &'env Env, path: String) -> Result<Object<'env>> {
        let Held::Pair(identity) = self.get()?.clone() else {
            return Err(invalid("not a key pair"));
        };
        Task::short().launch(env, move |_| {
            let path = Path::new(&path);
            write_identity_file(path, &identity)
                .map_err(|error| file_failure(IoOperation::Create, path, error))
        })
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

/// Reads a file of key pairs. On Unix one that group or others can read is refused unless `allow_readable`.
#[napi(ts_return_type = "Promise<Array<NativeCredential>>")]
pub fn read_pairs<'env>(env: &'env Env, path: String, allow_readable: bool) -> Result<Object<'env>> {
    let path = PathBuf::from(path);
    Task::short().launch(env, move |_| {
        let identities = read_identity_file(&path, allow_readable)
            .map_err(|error| file_failure(IoOperation::Open, &path, error))?;
        Ok(identities
            .into_iter()
            .map(NativeCredential::from)
            .collect::<Vec<_>>())
    })
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
