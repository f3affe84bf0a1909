//! Who may open a stream: recipients when it is sealed, identities when it is opened, key slots in between.

mod file;
mod text;

pub use file::{KeyFileError, read_key_file, write_key_file};
pub use text::{KeyTextError, key_from_base64, key_from_hex, key_to_hex};

use crate::crypto::{CryptoError, FileKey, SecretKey, UnwrapError, unwrap_file_key, wrap_file_key};
use crate::headers::{KeySlot, RawKeySlot, SlotType, StreamHeader};

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
}

impl Recipient {
    /// What opens this recipient's slot, where the sealing side has it.
    #[must_use]
    pub fn identity(&self) -> Option<Identity> {
        let Self::Key { key, .. } = self;
        Some(Identity::Key(key.clone()))
    }
}

/// Something that may open a stream.
#[derive(Clone, Debug)]
pub enum Identity {
    /// A 32-byte key.
    Key(SecretKey),
}

/// The slot that opened a stream.
#[derive(Clone, Debug)]
pub struct Unlocked {
    /// The stream's key.
    pub file_key: FileKey,
    /// The slot's position in the header, from 0.
    pub slot: u32,
    /// The slot's type.
    pub slot_type: SlotType,
}

/// Why no slot opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnlockError {
    /// No slot belongs to an offered identity.
    #[error("none of the header's key slots opens with what was offered")]
    NoMatch,
    /// A slot belongs to an offered identity, but was changed.
    #[error("a key slot was changed")]
    Tampered,
    /// A primitive failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

/// Wraps `file_key` for each recipient, each with a salt of its own that must never be used again.
///
/// # Errors
/// None for inputs that the format allows.
pub fn seal_slots(
    recipients: &[Recipient],
    salts: &[[u8; 32]],
    stream_id: &[u8; 32],
    file_key: &FileKey,
) -> Result<Vec<RawKeySlot>, CryptoError> {
    let seal = |(recipient, salt): (&Recipient, &[u8; 32])| match recipient {
        Recipient::Key { key, id } => {
            let aad = KeySlot::associated_data(id, salt);
            let wrap = wrap_file_key(key.expose(), salt, KEY_LABEL, stream_id, &aad, file_key)?;
            Ok(KeySlot {
                id: id.clone(),
                salt: *salt,
                wrap,
            }
            .to_raw())
        }
    };
    recipients.iter().zip(salts).map(seal).collect()
}

/// Tries the header's slots in their order, each with every identity of its type. A key's id is not looked at: it is
/// a hint for people, never a condition.
///
/// # Errors
/// See [`UnlockError`].
pub fn unlock(header: &StreamHeader, identities: &[Identity]) -> Result<Unlocked, UnlockError> {
    let mut failure = UnlockError::NoMatch;
    for (position, raw) in header.slots.iter().enumerate() {
        let Some(slot) = key_slot(raw) else { continue };
        let aad = KeySlot::associated_data(&slot.id, &slot.salt);
        for Identity::Key(key) in identities {
            let stream_id = &header.core.stream_id;
            match unwrap_file_key(key.expose(), &slot.salt, KEY_LABEL, stream_id, &aad, &slot.wrap) {
                Ok(file_key) => {
                    return Ok(Unlocked {
                        file_key,
                        slot: position as u32,
                        slot_type: raw.slot_type,
                    });
                }
                Err(UnwrapError::WrongKey) => {}
                Err(UnwrapError::Tampered) => failure = UnlockError::Tampered,
                Err(UnwrapError::Crypto(error)) => return Err(error.into()),
            }
        }
    }
    Err(failure)
}

/// Whether a header's slots are those of `recipients`, in their order and under their ids, as [`seal_slots`] makes them.
///
/// # Errors
/// Only of a primitive.
pub fn is_sealed_for(header: &StreamHeader, recipients: &[Recipient]) -> Result<bool, CryptoError> {
    if header.slots.len() != recipients.len() {
        return Ok(false);
    }
    for (raw, Recipient::Key { key, id }) in header.slots.iter().zip(recipients) {
        let Some(slot) = key_slot(raw).filter(|slot| slot.id == *id) else {
            return Ok(false);
        };
        let aad = KeySlot::associated_data(&slot.id, &slot.salt);
        let stream_id = &header.core.stream_id;
        match unwrap_file_key(key.expose(), &slot.salt, KEY_LABEL, stream_id, &aad, &slot.wrap) {
            Ok(_) => {}
            Err(UnwrapError::WrongKey | UnwrapError::Tampered) => return Ok(false),
            Err(UnwrapError::Crypto(error)) => return Err(error),
        }
    }
    Ok(true)
}

/// The key slot in `raw`, if it is one.
#[must_use]
pub fn key_slot(raw: &RawKeySlot) -> Option<KeySlot> {
    (raw.slot_type == SlotType::Key)
        .then(|| KeySlot::from_body(&raw.body))
        .flatten()
}

const KEY_LABEL: &[u8] = b"sealstream v1 key";
/// Bytes of the longest key id.
pub const MAX_KEY_ID: usize = 255;
