//! Key slots of the stream header: each holds the file key, wrapped for one recipient.

mod bodies;
mod cost;

pub use bodies::{HpkeSlot, HybridSlot, KeySlot, PassphraseSlot, ProviderSlot, X25519Slot};
pub use cost::PassphraseCost;

use super::cursor::Cursor;
use super::extensions::is_critical;
use super::{HeaderError, HeaderField};
use std::fmt;

/// The type of a key slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SlotType {
    /// A 32-byte key.
    Key,
    /// A passphrase, by Argon2id.
    Passphrase,
    /// An X25519 key pair, by HPKE.
    X25519,
    /// A provider.
    Provider,
    /// A post-quantum hybrid key pair (X-Wing), by HPKE.
    Hybrid,
    /// A type that this release does not know.
    Unknown(u16),
}

impl SlotType {
    /// The number on the wire.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::Key => 1,
            Self::Passphrase => 2,
            Self::X25519 => 3,
            Self::Provider => 4,
            Self::Hybrid => 5,
            Self::Unknown(code) => code,
        }
    }

    const fn from_code(code: u16) -> Self {
        match code {
            1 => Self::Key,
            2 => Self::Passphrase,
            3 => Self::X25519,
            4 => Self::Provider,
            5 => Self::Hybrid,
            other => Self::Unknown(other),
        }
    }

    const fn layout(self) -> &'static str {
        match self {
            Self::Key => "an id, a salt and a wrapped key",
            Self::Passphrase => "a salt, a cost that Argon2 allows, and a wrapped key",
            Self::X25519 => "an encapsulated key of 32 bytes and a sealed key of 48",
            Self::Provider => "a name, a key id, a blob, a salt and a wrapped key",
            Self::Hybrid => "an encapsulated key of 1120 bytes and a sealed key of 48",
            Self::Unknown(_) => "anything",
        }
    }
}

impl fmt::Display for SlotType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key => f.write_str("key"),
            Self::Passphrase => f.write_str("passphrase"),
            Self::X25519 => f.write_str("x25519"),
            Self::Provider => f.write_str("provider"),
            Self::Hybrid => f.write_str("hybrid"),
            Self::Unknown(code) => write!(f, "unknown ({code})"),
        }
    }
}

/// A slot as bytes. A reader keeps slots of unknown types in this form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawKeySlot {
    /// The type.
    pub slot_type: SlotType,
    /// The bytes behind type and length.
    pub body: Vec<u8>,
}

/// A parsed slot of a known type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SlotBody {
    /// Type 1.
    Key(KeySlot),
    /// Type 2.
    Passphrase(PassphraseSlot),
    /// Type 3.
    X25519(X25519Slot),
    /// Type 4.
    Provider(ProviderSlot),
    /// Type 5.
    Hybrid(Box<HybridSlot>),
}

impl RawKeySlot {
    /// Bytes of the slot in the header.
    #[must_use]
    pub fn wire_size(&self) -> usize {
        SLOT_PREFIX_SIZE + self.body.len()
    }

    /// The parsed slot; `None` for an unknown type or a malformed body. A parsed header has no malformed bodies.
    #[must_use]
    pub fn parsed(&self) -> Option<SlotBody> {
        let body = &self.body;
        match self.slot_type {
            SlotType::Key => KeySlot::from_body(body).map(SlotBody::Key),
            SlotType::Passphrase => PassphraseSlot::from_body(body).map(SlotBody::Passphrase),
            SlotType::X25519 => X25519Slot::from_body(body).map(SlotBody::X25519),
            SlotType::Provider => ProviderSlot::from_body(body).map(SlotBody::Provider),
            SlotType::Hybrid => HybridSlot::from_body(body).map(Box::new).map(SlotBody::Hybrid),
            SlotType::Unknown(_) => None,
        }
    }

    /// Name of the key, if the slot has one. Readable without a key.
    #[must_use]
    pub fn key_id(&self) -> Option<String> {
        let id = match self.parsed()? {
            SlotBody::Key(slot) => slot.id,
            SlotBody::Provider(slot) => slot.key_id,
            SlotBody::Passphrase(_) | SlotBody::X25519(_) | SlotBody::Hybrid(_) => return None,
        };
        (!id.is_empty()).then_some(id)
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.slot_type.code().to_be_bytes());
        out.extend_from_slice(&(self.body.len() as u32).to_be_bytes());
        out.extend_from_slice(&self.body);
    }

    pub(super) fn parse(cursor: &mut Cursor<'_>) -> Result<Self, HeaderError> {
        let at = cursor.position();
        let refuse =
            |found: String, expected: &str| HeaderError::refuse(HeaderField::Slots, at, found, expected);
        let Some((code, length)) = cursor.u16().zip(cursor.u32()) else {
            return refuse("a slot cut short".into(), "a type and a length");
        };
        let Some(body) = cursor.take(length as usize) else {
            return refuse(
                format!("a slot of {length} bytes"),
                "slots that fit into the header",
            );
        };
        let slot_type = SlotType::from_code(code);
        if is_critical(code) {
            let found = format!("the unknown critical type {code:#06x}");
            return refuse(found, "types of version 1 (use a newer release)");
        }
        let slot = Self {
            slot_type,
            body: body.to_vec(),
        };
        let is_unknown = matches!(slot_type, SlotType::Unknown(_));
        if !is_unknown && slot.parsed().is_none() {
            let found = format!("a malformed {slot_type} slot of {length} bytes");
            return refuse(found, slot_type.layout());
        }
        Ok(slot)
    }
}

/// Bytes of a slot's salt.
pub const SLOT_SALT_SIZE: usize = 32;
/// Bytes of a wrapped file key: ciphertext 32, tag 16, commitment 32.
pub const WRAP_SIZE: usize = 80;
/// Bytes in front of a slot's body: type 2, length 4.
pub const SLOT_PREFIX_SIZE: usize = 6;
