//! Key slots on their way out.

use super::{ProviderKey, Recipient};
use crate::crypto::{
    CryptoError, FileKey, Kem, Random, UnwrapError, X25519, XWing, overwrite_stack, unwrap_file_key,
    wrap_file_key,
};
use crate::format::{
    HybridSlot, KeySlot, PassphraseSlot, ProviderSlot, RawKeySlot, SLOT_SALT_SIZE, SlotBody, SlotType,
    StreamHeader, X25519Slot,
};

/// Wraps `file_key` for each recipient. A passphrase costs what it says.
///
/// # Errors
/// Where the system gives no random bytes, or none of what a passphrase needs.
pub fn seal_slots(
    recipients: &[Recipient],
    stream_id: &[u8; 32],
    file_key: &FileKey,
    random: &Random,
) -> Result<Vec<RawKeySlot>, CryptoError> {
    let slots = recipients
        .iter()
        .map(|recipient| seal_slot(recipient, stream_id, file_key, random))
        .collect();
    overwrite_stack();
    slots
}

#[inline(never)]
fn seal_slot(
    recipient: &Recipient,
    stream_id: &[u8; 32],
    file_key: &FileKey,
    random: &Random,
) -> Result<RawKeySlot, CryptoError> {
    Ok(match recipient {
        Recipient::Key { key, id } => {
            let salt = salt(random)?;
            let aad = KeySlot::associated_data(id, &salt);
            let wrap = wrap_file_key(key.expose(), &salt, KEY_LABEL, stream_id, &aad, file_key)?;
            let id = id.clone();
            KeySlot { id, salt, wrap }.to_raw()
        }
        Recipient::Passphrase { passphrase, cost } => {
            let (salt, cost) = (salt(random)?, *cost);
            let kek = passphrase.stretch(&salt, cost)?;
            let aad = PassphraseSlot::associated_data(&salt, cost);
            let wrap = wrap_file_key(&kek, &salt, PASSPHRASE_LABEL, stream_id, &aad, file_key)?;
            PassphraseSlot { salt, cost, wrap }.to_raw()
        }
        Recipient::X25519(public) => {
            let info = info(X25519_LABEL, stream_id);
            let (encapsulated, sealed) = X25519::seal(public.as_bytes(), &info, file_key, random)?;
            X25519Slot { encapsulated, sealed }.to_raw()
        }
        Recipient::Hybrid(public) => {
            let info = info(HYBRID_LABEL, stream_id);
            let (encapsulated, sealed) = XWing::seal(public.as_bytes(), &info, file_key, random)?;
            HybridSlot { encapsulated, sealed }.to_raw()
        }
        Recipient::Provider(key) => {
            let ProviderKey {
                name,
                key_id,
                blob,
                kek,
            } = key;
            let salt = salt(random)?;
            let aad = ProviderSlot::associated_data(name, key_id, blob, &salt);
            let wrap = wrap_file_key(kek.expose(), &salt, PROVIDER_LABEL, stream_id, &aad, file_key)?;
            let (name, key_id, blob) = (name.clone(), key_id.clone(), blob.clone());
            ProviderSlot {
                name,
                key_id,
                blob,
                salt,
                wrap,
            }
            .to_raw()
        }
    })
}

/// Whether a header's slots are those of `recipients`, in their order, as [`seal_slots`] makes them. A key has to open its slot,
/// under its id; a passphrase too, at its cost. A key service has to have the same name and key id, for it wraps a new key each time.
/// Of public keys it is only seen that there are as many: whose they are does not stand in the header, see [`public_keys`].
///
/// # Errors
/// Only of a primitive.
pub fn is_sealed_for(header: &StreamHeader, recipients: &[Recipient]) -> Result<bool, CryptoError> {
    if header.slots.len() != recipients.len() {
        return Ok(false);
    }
    for (raw, recipient) in header.slots.iter().zip(recipients) {
        let stream_id = &header.core.stream_id;
        let unwrapped = match (raw.parsed(), recipient) {
            (Some(SlotBody::Key(slot)), Recipient::Key { key, id }) if slot.id == *id => {
                unwrap_key(&slot, key.expose(), stream_id)
            }
            (Some(SlotBody::Passphrase(slot)), Recipient::Passphrase { passphrase, cost })
                if slot.cost == *cost =>
            {
                let kek = passphrase.stretch(&slot.salt, slot.cost)?;
                unwrap_passphrase(&slot, &kek, stream_id)
            }
            (Some(SlotBody::Provider(slot)), Recipient::Provider(key))
                if (&slot.name, &slot.key_id) == (&key.name, &key.key_id) =>
            {
                continue;
            }
            (Some(SlotBody::X25519(_)), Recipient::X25519(_))
            | (Some(SlotBody::Hybrid(_)), Recipient::Hybrid(_)) => continue,
            _ => return Ok(false),
        };
        match unwrapped {
            Ok(_) => {}
            Err(UnwrapError::WrongKey | UnwrapError::Tampered) => return Ok(false),
            Err(UnwrapError::Crypto(error)) => return Err(error),
        }
    }
    Ok(true)
}

/// The public keys among the recipients, each behind its position and its type: what a slot of theirs does not say. Empty
/// without any.
#[must_use]
pub fn public_keys(recipients: &[Recipient]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (position, recipient) in recipients.iter().enumerate() {
        let (slot_type, key) = match recipient {
            Recipient::X25519(public) => (SlotType::X25519, &public.as_bytes()[..]),
            Recipient::Hybrid(public) => (SlotType::Hybrid, &public.as_bytes()[..]),
            Recipient::Key { .. } | Recipient::Passphrase { .. } | Recipient::Provider(_) => continue,
        };
        bytes.extend_from_slice(&(position as u16).to_be_bytes());
        bytes.extend_from_slice(&slot_type.code().to_be_bytes());
        bytes.extend_from_slice(key);
    }
    bytes
}

pub(super) fn unwrap_key(
    slot: &KeySlot,
    key: &[u8; 32],
    stream_id: &[u8; 32],
) -> Result<FileKey, UnwrapError> {
    let aad = KeySlot::associated_data(&slot.id, &slot.salt);
    unwrap_file_key(key, &slot.salt, KEY_LABEL, stream_id, &aad, &slot.wrap)
}

pub(super) fn unwrap_passphrase(
    slot: &PassphraseSlot,
    kek: &[u8; 32],
    stream_id: &[u8; 32],
) -> Result<FileKey, UnwrapError> {
    let aad = PassphraseSlot::associated_data(&slot.salt, slot.cost);
    unwrap_file_key(kek, &slot.salt, PASSPHRASE_LABEL, stream_id, &aad, &slot.wrap)
}

pub(super) fn unwrap_provider(
    slot: &ProviderSlot,
    kek: &[u8; 32],
    stream_id: &[u8; 32],
) -> Result<FileKey, UnwrapError> {
    let aad = ProviderSlot::associated_data(&slot.name, &slot.key_id, &slot.blob, &slot.salt);
    unwrap_file_key(kek, &slot.salt, PROVIDER_LABEL, stream_id, &aad, &slot.wrap)
}

pub(super) fn open_x25519(
    slot: &X25519Slot,
    secret: &[u8; 32],
    stream_id: &[u8; 32],
) -> Result<FileKey, CryptoError> {
    X25519::open(
        secret,
        &info(X25519_LABEL, stream_id),
        &slot.encapsulated,
        &slot.sealed,
    )
}

pub(super) fn open_hybrid(
    slot: &HybridSlot,
    secret: &[u8; 32],
    stream_id: &[u8; 32],
) -> Result<FileKey, CryptoError> {
    XWing::open(
        secret,
        &info(HYBRID_LABEL, stream_id),
        &slot.encapsulated,
        &slot.sealed,
    )
}

fn salt(random: &Random) -> Result<[u8; SLOT_SALT_SIZE], CryptoError> {
    let mut salt = [0; SLOT_SALT_SIZE];
    random.fill(&mut salt)?;
    Ok(salt)
}

fn info(label: &[u8], stream_id: &[u8; 32]) -> Vec<u8> {
    [label, stream_id].concat()
}

const KEY_LABEL: &[u8] = b"sealstream v1 key";
const PASSPHRASE_LABEL: &[u8] = b"sealstream v1 passphrase";
const PROVIDER_LABEL: &[u8] = b"sealstream v1 provider";
const X25519_LABEL: &[u8] = b"sealstream v1 x25519";
const HYBRID_LABEL: &[u8] = b"sealstream v1 mlkem768x25519";
