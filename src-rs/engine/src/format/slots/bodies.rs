//! Slot bodies of the known types: bytes to fields and back (docs/FORMAT.md, "Key slots").

use super::{PassphraseCost, RawKeySlot, SLOT_SALT_SIZE, SlotType, WRAP_SIZE};
use crate::format::cursor::Cursor;

/// A type 1 slot: the file key wrapped under a 32-byte key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySlot {
    /// Name of the key, at most 255 bytes of UTF-8. A hint for users and key lookup; a reader must not require it.
    pub id: String,
    /// Random, new for every slot written.
    pub salt: [u8; SLOT_SALT_SIZE],
    /// The wrapped file key, its tag, and the commitment to the wrapping key.
    pub wrap: [u8; WRAP_SIZE],
}

impl KeySlot {
    /// The bytes that the wrap authenticates: the slot type, and the body in front of the wrapped key.
    #[must_use]
    pub fn associated_data(id: &str, salt: &[u8; SLOT_SALT_SIZE]) -> Vec<u8> {
        let mut bytes = SlotType::Key.code().to_be_bytes().to_vec();
        bytes.push(id.len() as u8);
        bytes.extend_from_slice(id.as_bytes());
        bytes.extend_from_slice(salt);
        bytes
    }

    /// The slot as bytes of the header.
    #[must_use]
    pub fn to_raw(&self) -> RawKeySlot {
        raw(
            SlotType::Key,
            Self::associated_data(&self.id, &self.salt),
            &self.wrap,
        )
    }

    /// Parses the body of a type 1 slot; `None` for wrong sizes, or an id that is not UTF-8.
    #[must_use]
    pub fn from_body(body: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(body, 0);
        let id_length = cursor.u8()?;
        let slot = Self {
            id: text(&mut cursor, id_length.into())?,
            salt: cursor.array()?,
            wrap: cursor.array()?,
        };
        cursor.rest().is_empty().then_some(slot)
    }
}

/// A type 2 slot: the file key wrapped under a key that Argon2id derives from a passphrase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassphraseSlot {
    /// Random, new for every slot written. The salt of Argon2 and of the wrap.
    pub salt: [u8; SLOT_SALT_SIZE],
    /// Argon2's parameters.
    pub cost: PassphraseCost,
    /// The wrapped file key, its tag, and the commitment to the wrapping key.
    pub wrap: [u8; WRAP_SIZE],
}

impl PassphraseSlot {
    /// The bytes that the wrap authenticates: the slot type, and the body in front of the wrapped key.
    #[must_use]
    pub fn associated_data(salt: &[u8; SLOT_SALT_SIZE], cost: PassphraseCost) -> Vec<u8> {
        let mut bytes = SlotType::Passphrase.code().to_be_bytes().to_vec();
        bytes.extend_from_slice(salt);
        for parameter in [cost.memory_kib(), cost.passes(), cost.lanes()] {
            bytes.extend_from_slice(&parameter.to_be_bytes());
        }
        bytes
    }

    /// The slot as bytes of the header.
    #[must_use]
    pub fn to_raw(&self) -> RawKeySlot {
        let front = Self::associated_data(&self.salt, self.cost);
        raw(SlotType::Passphrase, front, &self.wrap)
    }

    /// Parses the body of a type 2 slot; `None` for a wrong size, or parameters that Argon2 does not allow.
    #[must_use]
    pub fn from_body(body: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(body, 0);
        let slot = Self {
            salt: cursor.array()?,
            cost: PassphraseCost::new(cursor.u32()?, cursor.u32()?, cursor.u32()?)?,
            wrap: cursor.array()?,
        };
        cursor.rest().is_empty().then_some(slot)
    }
}

/// A slot with the file key sealed by HPKE for a public key, whose encapsulated key has `N` bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HpkeSlot<const N: usize> {
    /// The encapsulated key.
    pub encapsulated: [u8; N],
    /// The sealed file key and its tag.
    pub sealed: [u8; 48],
}

/// A type 3 slot, for an X25519 public key.
pub type X25519Slot = HpkeSlot<32>;
/// A type 5 slot, for an X-Wing public key.
pub type HybridSlot = HpkeSlot<1120>;

impl<const N: usize> HpkeSlot<N> {
    const TYPE: SlotType = if N == 32 {
        SlotType::X25519
    } else {
        SlotType::Hybrid
    };

    /// The slot as bytes of the header.
    #[must_use]
    pub fn to_raw(&self) -> RawKeySlot {
        let slot_type = Self::TYPE;
        let body = [&self.encapsulated[..], &self.sealed].concat();
        RawKeySlot { slot_type, body }
    }

    /// Parses the slot's body; `None` for a body of another size.
    #[must_use]
    pub fn from_body(body: &[u8]) -> Option<Self> {
        let (encapsulated, sealed) = body.split_first_chunk()?;
        Some(Self {
            encapsulated: *encapsulated,
            sealed: sealed.try_into().ok()?,
        })
    }
}

/// A type 4 slot: the file key wrapped under a random key, which a provider has wrapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderSlot {
    /// The provider's name, at most 255 bytes of UTF-8.
    pub name: String,
    /// The provider's name of the key that wrapped the random key, at most 65,535 bytes of UTF-8.
    pub key_id: String,
    /// The random key as the provider wrapped it.
    pub blob: Vec<u8>,
    /// Random, new for every slot written.
    pub salt: [u8; SLOT_SALT_SIZE],
    /// The wrapped file key, its tag, and the commitment to the wrapping key.
    pub wrap: [u8; WRAP_SIZE],
}

impl ProviderSlot {
    /// The bytes that the wrap authenticates: the slot type, and the body in front of the wrapped key.
    #[must_use]
    pub fn associated_data(name: &str, key_id: &str, blob: &[u8], salt: &[u8; SLOT_SALT_SIZE]) -> Vec<u8> {
        let mut bytes = SlotType::Provider.code().to_be_bytes().to_vec();
        bytes.push(name.len() as u8);
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(&(key_id.len() as u16).to_be_bytes());
        bytes.extend_from_slice(key_id.as_bytes());
        bytes.extend_from_slice(&(blob.len() as u32).to_be_bytes());
        bytes.extend_from_slice(blob);
        bytes.extend_from_slice(salt);
        bytes
    }

    /// The slot as bytes of the header.
    #[must_use]
    pub fn to_raw(&self) -> RawKeySlot {
        let front = Self::associated_data(&self.name, &self.key_id, &self.blob, &self.salt);
        raw(SlotType::Provider, front, &self.wrap)
    }

    /// Parses the body of a type 4 slot; `None` for wrong sizes, or texts that are not UTF-8.
    #[must_use]
    pub fn from_body(body: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(body, 0);
        let name_length = cursor.u8()?;
        let name = text(&mut cursor, name_length.into())?;
        let id_length = cursor.u16()?;
        let key_id = text(&mut cursor, id_length.into())?;
        let blob_length = cursor.u32()?;
        let slot = Self {
            name,
            key_id,
            blob: cursor.take(blob_length as usize)?.to_vec(),
            salt: cursor.array()?,
            wrap: cursor.array()?,
        };
        cursor.rest().is_empty().then_some(slot)
    }
}

/// A slot whose body is its associated data without the type, and its wrap.
fn raw(slot_type: SlotType, mut associated_data: Vec<u8>, wrap: &[u8; WRAP_SIZE]) -> RawKeySlot {
    let mut body = associated_data.split_off(2);
    body.extend_from_slice(wrap);
    RawKeySlot { slot_type, body }
}

fn text(cursor: &mut Cursor<'_>, length: usize) -> Option<String> {
    std::str::from_utf8(cursor.take(length)?).ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::SlotBody;

    fn all() -> Vec<RawKeySlot> {
        let (salt, wrap) = ([1; 32], [2; 80]);
        vec![
            KeySlot {
                id: "a key".into(),
                salt,
                wrap,
            }
            .to_raw(),
            PassphraseSlot {
                salt,
                cost: PassphraseCost::default(),
                wrap,
            }
            .to_raw(),
            X25519Slot {
                encapsulated: [3; 32],
                sealed: [4; 48],
            }
            .to_raw(),
            ProviderSlot {
                name: "vault".into(),
                key_id: "key/7".into(),
                blob: vec![5; 70_000],
                salt,
                wrap,
            }
            .to_raw(),
            HybridSlot {
                encapsulated: [6; 1120],
                sealed: [7; 48],
            }
            .to_raw(),
        ]
    }

    #[test]
    fn bodies_have_the_format_s_sizes_and_parse_to_what_was_encoded() {
        let sizes: Vec<_> = all().iter().map(|raw| raw.body.len()).collect();
        let provider = 1 + 5 + 2 + 5 + 4 + 70_000 + 32 + 80;
        assert_eq!(
            sizes,
            [1 + 5 + 32 + 80, 32 + 12 + 80, 32 + 48, provider, 1120 + 48]
        );
        for raw in all() {
            let again = match raw.parsed().unwrap() {
                SlotBody::Key(slot) => slot.to_raw(),
                SlotBody::Passphrase(slot) => slot.to_raw(),
                SlotBody::X25519(slot) => slot.to_raw(),
                SlotBody::Provider(slot) => slot.to_raw(),
                SlotBody::Hybrid(slot) => slot.to_raw(),
            };
            assert_eq!(again, raw);
        }
    }

    #[test]
    fn a_body_of_another_size_is_refused() {
        for raw in all() {
            for size in [0, 1, raw.body.len() - 1, raw.body.len() + 1] {
                let mut other = raw.clone();
                other.body.resize(size, 0);
                assert_eq!(other.parsed(), None, "{} of {size} bytes", raw.slot_type);
            }
        }
    }

    #[test]
    fn a_text_that_is_not_utf_8_is_refused() {
        for (of, at) in [(0, 1), (3, 1), (3, 1 + 5 + 2)] {
            let mut raw = all().swap_remove(of);
            raw.body[at] = 0xff;
            assert_eq!(raw.parsed(), None);
        }
    }

    #[test]
    fn parameters_that_argon2_does_not_allow_are_refused() {
        for at in [32, 36, 40] {
            let mut raw = all().swap_remove(1);
            raw.body[at..at + 4].fill(0);
            assert_eq!(raw.parsed(), None, "{at}");
        }
    }
}
