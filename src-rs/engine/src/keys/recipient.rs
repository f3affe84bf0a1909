//! For whom a stream is sealed, and what opens it.

use super::{HybridIdentity, HybridRecipient, Passphrase, PassphraseCost, X25519Identity, X25519Recipient};
use crate::crypto::SecretKey;
use crate::format::{
    HybridSlot, KeySlot, PassphraseSlot, ProviderSlot, RawKeySlot, SLOT_SALT_SIZE, SlotType, WRAP_SIZE,
    X25519Slot,
};

/// Someone for whom a stream is sealed.
#[derive(Clone, Debug)]
pub enum Recipient {
    /// Whoever holds this 32-byte key.
    Key {
        /// The key.
        key: SecretKey,
        /// A name for it, at most [`MAX_KEY_ID`] bytes; anyone can read it in the header.
        id: String,
    },
    /// Whoever knows this passphrase.
    Passphrase {
        /// The passphrase.
        passphrase: Passphrase,
        /// What every attempt to open the stream with a passphrase costs, right or wrong.
        cost: PassphraseCost,
    },
    /// The holder of an X25519 secret key. The stream is then not safe from quantum computers, whoever else it is for.
    X25519(X25519Recipient),
    /// The holder of a post-quantum hybrid secret key.
    Hybrid(HybridRecipient),
    /// Whoever may use a key of a key service.
    Provider(ProviderKey),
}

/// Something that may open a stream.
#[derive(Clone, Debug)]
pub enum Identity {
    /// A 32-byte key.
    Key(SecretKey),
    /// A passphrase. Each slot that it is tried on costs what the slot says.
    Passphrase(Passphrase),
    /// An X25519 secret key.
    X25519(X25519Identity),
    /// A post-quantum hybrid secret key.
    Hybrid(HybridIdentity),
    /// A key that a key service unwrapped. It fits the one slot with this name, key id and blob.
    Provider(ProviderKey),
}

/// A random key that a key service has wrapped, or unwrapped again. Whoever seals has the service wrap a new one for every
/// stream; whoever opens finds the blob in the header's slots and has it unwrapped.
#[derive(Clone, Debug)]
pub struct ProviderKey {
    /// The service's name, 1 to [`MAX_PROVIDER_NAME`] bytes; anyone can read it in the header.
    pub name: String,
    /// Which of the service's keys wrapped this one, at most [`MAX_PROVIDER_KEY_ID`] bytes; anyone can read it.
    pub key_id: String,
    /// The key as the service wrapped it. Never empty; it has to fit into the header.
    pub blob: Vec<u8>,
    /// The key itself: random, and for one stream.
    pub kek: SecretKey,
}

impl Recipient {
    /// What opens this recipient's slot, where the sealing side has it: a public key's secret one it has not.
    #[must_use]
    pub fn identity(&self) -> Option<Identity> {
        match self {
            Self::Key { key, .. } => Some(Identity::Key(key.clone())),
            Self::Passphrase { passphrase, .. } => Some(Identity::Passphrase(passphrase.clone())),
            Self::Provider(key) => Some(Identity::Provider(key.clone())),
            Self::X25519(_) | Self::Hybrid(_) => None,
        }
    }

    /// Whether the sealing side has what opens this recipient's slot.
    #[must_use]
    pub const fn opens(&self) -> bool {
        !matches!(self, Self::X25519(_) | Self::Hybrid(_))
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
        // Only lengths count.
        let (salt, wrap) = ([0; SLOT_SALT_SIZE], [0; WRAP_SIZE]);
        let slot: RawKeySlot = match self {
            Self::Key { id, .. } => {
                let id = id.clone();
                KeySlot { id, salt, wrap }.to_raw()
            }
            Self::Passphrase { cost, .. } => {
                let cost = *cost;
                PassphraseSlot { salt, cost, wrap }.to_raw()
            }
            Self::X25519(_) => X25519Slot {
                encapsulated: [0; 32],
                sealed: [0; 48],
            }
            .to_raw(),
            Self::Hybrid(_) => HybridSlot {
                encapsulated: [0; 1120],
                sealed: [0; 48],
            }
            .to_raw(),
            Self::Provider(key) => ProviderSlot {
                name: key.name.clone(),
                key_id: key.key_id.clone(),
                blob: key.blob.clone(),
                salt,
                wrap,
            }
            .to_raw(),
        };
        slot.wire_size()
    }
}

impl Identity {
    /// The type of the slots that this may open.
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

/// Bytes of the longest key id.
pub const MAX_KEY_ID: usize = 255;
/// Bytes of the longest name of a key service.
pub const MAX_PROVIDER_NAME: usize = 255;
/// Bytes of the longest id of a key service's key.
pub const MAX_PROVIDER_KEY_ID: usize = 65_535;
