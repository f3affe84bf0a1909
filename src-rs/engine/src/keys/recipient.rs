//! Recipients, for whom a stream is sealed, and identities, which open it.

use super::{HybridIdentity, HybridRecipient, Passphrase, PassphraseCost, X25519Identity, X25519Recipient};
use crate::crypto::SecretKey;
use crate::format::{HybridSlot, SLOT_PREFIX_SIZE, SLOT_SALT_SIZE, SlotType, WRAP_SIZE, X25519Slot};

/// A key, a passphrase or a provider that a stream is sealed for.
#[derive(Clone, Debug)]
pub enum Recipient {
    /// A 32-byte key.
    Key {
        /// The key.
        key: SecretKey,
        /// The key's name, at most [`MAX_KEY_ID`] bytes. It stands unencrypted in the header.
        id: String,
    },
    /// A passphrase.
    Passphrase {
        /// The passphrase.
        passphrase: Passphrase,
        /// The cost of every attempt to open the stream with a passphrase, right or wrong.
        cost: PassphraseCost,
    },
    /// An X25519 public key. A stream with such a recipient is not safe from quantum computers, even if it has other recipients.
    X25519(X25519Recipient),
    /// A post-quantum hybrid public key.
    Hybrid(HybridRecipient),
    /// A key of a provider.
    Provider(ProviderKey),
}

/// A key or passphrase that may open a stream.
#[derive(Clone, Debug)]
pub enum Identity {
    /// A 32-byte key.
    Key(SecretKey),
    /// A passphrase. Each slot that it is tried on takes the slot's cost.
    Passphrase(Passphrase),
    /// An X25519 secret key.
    X25519(X25519Identity),
    /// A post-quantum hybrid secret key.
    Hybrid(HybridIdentity),
    /// A key that a provider unwrapped. It fits only the slot with this name, key id and blob.
    Provider(ProviderKey),
}

/// A random key that a provider wrapped or unwrapped. To seal, the caller has the provider wrap a new key for every stream. To
/// open, the caller has it unwrap the blob in the header's slot.
#[derive(Clone, Debug)]
pub struct ProviderKey {
    /// The provider's name, 1 to [`MAX_PROVIDER_NAME`] bytes. It stands unencrypted in the header.
    pub name: String,
    /// The id of the provider's key that wrapped this one, at most [`MAX_PROVIDER_KEY_ID`] bytes. It stands unencrypted in the header.
    pub key_id: String,
    /// The wrapped key. Never empty; it must fit into the header.
    pub blob: Vec<u8>,
    /// The key: random, for one stream.
    pub kek: SecretKey,
}

impl Recipient {
    /// The identity that opens this recipient's slot. `None` for a public key, whose secret key the sealing side does not have.
    #[must_use]
    pub fn identity(&self) -> Option<Identity> {
        match self {
            Self::Key { key, .. } => Some(Identity::Key(key.clone())),
            Self::Passphrase { passphrase, .. } => Some(Identity::Passphrase(passphrase.clone())),
            Self::Provider(key) => Some(Identity::Provider(key.clone())),
            Self::X25519(_) | Self::Hybrid(_) => None,
        }
    }

    /// The type of this recipient's slot.
    #[must_use]
    pub const fn slot_type(&self) -> SlotType {
        match self {
            Self::Key { .. } => SlotType::Key,
            Self::Passphrase { .. } => SlotType::Passphrase,
            Self::X25519(_) => SlotType::X25519,
            Self::Hybrid(_) => SlotType::Hybrid,
            Self::Provider(_) => SlotType::Provider,
        }
    }

    /// Bytes of this recipient's slot in the header.
    #[must_use]
    pub fn slot_size(&self) -> usize {
        let wrapped = SLOT_SALT_SIZE + WRAP_SIZE;
        let body = match self {
            Self::Key { id, .. } => 1 + id.len() + wrapped,
            Self::Passphrase { .. } => 3 * 4 + wrapped,
            Self::X25519(_) => size_of::<X25519Slot>(),
            Self::Hybrid(_) => size_of::<HybridSlot>(),
            Self::Provider(key) => 1 + key.name.len() + 2 + key.key_id.len() + 4 + key.blob.len() + wrapped,
        };
        SLOT_PREFIX_SIZE + body
    }
}

impl Identity {
    /// The type of the slots that this identity may open.
    #[must_use]
    pub const fn slot_type(&self) -> SlotType {
        match self {
            Self::Key(_) => SlotType::Key,
            Self::Passphrase(_) => SlotType::Passphrase,
            Self::X25519(_) => SlotType::X25519,
            Self::Hybrid(_) => SlotType::Hybrid,
            Self::Provider(_) => SlotType::Provider,
        }
    }
}

/// The most bytes of a key id.
pub const MAX_KEY_ID: usize = 255;
/// The most bytes of a provider's name.
pub const MAX_PROVIDER_NAME: usize = 255;
/// The most bytes of the id of a provider's key.
pub const MAX_PROVIDER_KEY_ID: usize = 65_535;
