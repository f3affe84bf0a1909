//! Creates a header's key slots.

use super::labels::{HYBRID_LABEL, KEY_LABEL, PASSPHRASE_LABEL, PROVIDER_LABEL, X25519_LABEL, info};
use super::unlock::open_slot;
use super::{ProviderKey, Recipient};
use crate::crypto::{
    CryptoError, FileKey, Kem, Random, StreamBinding, UnwrapError, X25519, XWing, overwrite_stack,
    wrap_file_key,
};
use crate::format::{
    HybridSlot, KeySlot, PassphraseSlot, ProviderSlot, RawKeySlot, SLOT_SALT_SIZE, SlotBody, SlotType,
    StreamHeader, X25519Slot,
};

/// Wraps `file_key` for each recipient of `stream`. Each passphrase takes the time and memory of its cost.
///
/// # Errors
/// The random generator fails, or the system has too few resources to stretch a passphrase.
pub fn seal_slots(
    recipients: &[Recipient],
    stream: &StreamBinding,
    file_key: &FileKey,
    random: &Random,
) -> Result<Vec<RawKeySlot>, CryptoError> {
    let slots = recipients
        .iter()
        .map(|recipient| seal_slot(recipient, stream, file_key, random))
        .collect();
    overwrite_stack();
    slots
}

#[inline(never)]
fn seal_slot(
    recipient: &Recipient,
    stream: &StreamBinding,
    file_key: &FileKey,
    random: &Random,
) -> Result<RawKeySlot, CryptoError> {
    Ok(match recipient {
        Recipient::Key { key, id } => {
            let salt = salt(random)?;
            let aad = KeySlot::associated_data(id, &salt);
            let wrap = wrap_file_key(key.expose(), &salt, KEY_LABEL, stream, &aad, file_key)?;
            let id = id.clone();
            KeySlot { id, salt, wrap }.to_raw()
        }
        Recipient::Passphrase { passphrase, cost } => {
            let (salt, cost) = (salt(random)?, *cost);
            let kek = passphrase.stretch(&salt, cost, &|| false)?;
            let aad = PassphraseSlot::associated_data(&salt, cost);
            let wrap = wrap_file_key(&kek, &salt, PASSPHRASE_LABEL, stream, &aad, file_key)?;
            PassphraseSlot { salt, cost, wrap }.to_raw()
        }
        Recipient::X25519(public) => {
            let info = info(X25519_LABEL, stream);
            let (encapsulated, sealed) = X25519::seal(public.as_bytes(), &info, file_key, random)?;
            X25519Slot { encapsulated, sealed }.to_raw()
        }
        Recipient::Hybrid(public) => {
            let info = info(HYBRID_LABEL, stream);
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
            let wrap = wrap_file_key(kek.expose(), &salt, PROVIDER_LABEL, stream, &aad, file_key)?;
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

/// Whether the header's slots belong to `recipients`, in their order, as [`seal_slots`] makes them. A key must open its slot and
/// have the slot's id; a passphrase must open its slot and have the slot's cost. For a provider only its name and key id are
/// compared, because it wraps a new key each time. For a public key only the slot's type is compared: the slot does not say which
/// key it is for, see [`public_keys`].
///
/// # Errors
/// Failure of a primitive.
pub fn is_sealed_for(header: &StreamHeader, recipients: &[Recipient]) -> Result<bool, CryptoError> {
    if header.slots.len() != recipients.len() {
        return Ok(false);
    }
    let stream = StreamBinding::of(header);
    for (raw, recipient) in header.slots.iter().zip(recipients) {
        let Some(body) = raw.parsed() else {
            return Ok(false);
        };
        let must_open = match (&body, recipient) {
            (SlotBody::Key(slot), Recipient::Key { id, .. }) if slot.id == *id => true,
            (SlotBody::Passphrase(slot), Recipient::Passphrase { cost, .. }) if slot.cost == *cost => true,
            (SlotBody::Provider(slot), Recipient::Provider(key)) => {
                if (&slot.name, &slot.key_id) != (&key.name, &key.key_id) {
                    return Ok(false);
                }
                false
            }
            (SlotBody::X25519(_), Recipient::X25519(_)) | (SlotBody::Hybrid(_), Recipient::Hybrid(_)) => {
                false
            }
            _ => return Ok(false),
        };
        let identity = recipient.identity().filter(|_| must_open);
        let opened = identity.and_then(|identity| open_slot(&body, &identity, &stream, &|| false));
        match opened {
            Some(Ok(_)) | None => {}
            Some(Err(UnwrapError::WrongKey | UnwrapError::Tampered)) => return Ok(false),
            Some(Err(UnwrapError::Crypto(error))) => return Err(error),
        }
    }
    Ok(true)
}

/// The public keys among the recipients, each after its slot index and type. Their slots do not hold them.
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

fn salt(random: &Random) -> Result<[u8; SLOT_SALT_SIZE], CryptoError> {
    let mut salt = [0; SLOT_SALT_SIZE];
    random.fill(&mut salt)?;
    Ok(salt)
}
