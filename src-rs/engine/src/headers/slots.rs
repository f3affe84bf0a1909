//! Key slots: who may open a stream, as it stands in the header.

use super::{HeaderError, HeaderField, cursor::Cursor, extensions::is_critical};
use std::fmt;

/// The kind of a key slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SlotType {
    /// A 32-byte key.
    Key,
    /// A passphrase, by Argon2id.
    Passphrase,
    /// An X25519 key pair, by HPKE.
    X25519,
    /// A key service.
    Provider,
    /// A post-quantum hybrid key pair (X-Wing), by HPKE.
    Hybrid,
    /// A kind that this release does not know.
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

/// A slot as its bytes: what a reader keeps of a type that it can't use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawKeySlot {
    /// The kind.
    pub slot_type: SlotType,
    /// The bytes after type and length.
    pub body: Vec<u8>,
}

/// A type 1 slot, parsed: the file key wrapped under a 32-byte key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySlot {
    /// A name for the key, at most 255 bytes of UTF-8: a hint for people and for key lookup, never a condition.
    pub id: String,
    /// Random, new for every slot written.
    pub salt: [u8; SLOT_SALT_SIZE],
    /// The wrapped file key, its tag, and the commitment to the wrapping key.
    pub wrap: [u8; WRAP_SIZE],
}

impl KeySlot {
    /// The bytes that the wrap authenticates: the type and the body in front of `wrapped`.
    #[must_use]
    pub fn associated_data(id: &str, salt: &[u8; SLOT_SALT_SIZE]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(3 + id.len() + SLOT_SALT_SIZE);
        bytes.extend_from_slice(&SlotType::Key.code().to_be_bytes());
        bytes.push(id.len() as u8);
        bytes.extend_from_slice(id.as_bytes());
        bytes.extend_from_slice(salt);
        bytes
    }

    /// The slot as bytes of the header.
    #[must_use]
    pub fn to_raw(&self) -> RawKeySlot {
        let mut body = Self::associated_data(&self.id, &self.salt).split_off(2);
        body.extend_from_slice(&self.wrap);
        RawKeySlot {
            slot_type: SlotType::Key,
            body,
        }
    }

    /// Parses the body of a type 1 slot; `None` where its sizes or its id's UTF-8 are wrong.
    #[must_use]
    pub fn from_body(body: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(body, 0);
        let id_length = cursor.u8()?;
        let id = std::str::from_utf8(cursor.take(usize::from(id_length))?)
            .ok()?
            .to_owned();
        let slot = Self {
            id,
            salt: cursor.array()?,
            wrap: cursor.array()?,
        };
        cursor.rest().is_empty().then_some(slot)
    }
}

impl RawKeySlot {
    /// Bytes of the slot in the header.
    #[must_use]
    pub fn wire_size(&self) -> usize {
        SLOT_PREFIX_SIZE + self.body.len()
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.slot_type.code().to_be_bytes());
        out.extend_from_slice(&(self.body.len() as u32).to_be_bytes());
        out.extend_from_slice(&self.body);
    }

    pub(super) fn parse(cursor: &mut Cursor<'_>) -> Result<Self, HeaderError> {
        let at = cursor.position();
        let refuse =
            |found: String, expected: &str| HeaderError::field(HeaderField::Slots, at, found, expected);
        let Some((code, length)) = cursor.u16().zip(cursor.u32()) else {
            return Err(refuse("a slot cut short".into(), "a type and a length"));
        };
        let Some(body) = cursor.take(length as usize) else {
            return Err(refuse(
                format!("a slot of {length} bytes"),
                "slots that fit into the header",
            ));
        };
        let slot_type = SlotType::from_code(code);
        if is_critical(code) {
            let found = format!("the unknown critical type {code:#06x}");
            return Err(refuse(found, "types of version 1 (use a newer release)"));
        }
        if slot_type == SlotType::Key && KeySlot::from_body(body).is_none() {
            return Err(refuse(
                format!("a malformed key slot of {length} bytes"),
                "an id, a salt and a wrapped key",
            ));
        }
        Ok(Self {
            slot_type,
            body: body.to_vec(),
        })
    }
}

/// Bytes of a slot's salt.
pub const SLOT_SALT_SIZE: usize = 32;
/// Bytes of a wrapped file key: ciphertext 32, tag 16, commitment 32.
pub const WRAP_SIZE: usize = 80;
const SLOT_PREFIX_SIZE: usize = 6;
