//! Opens a header's key slots.

use super::labels::{HYBRID_LABEL, KEY_LABEL, PASSPHRASE_LABEL, PROVIDER_LABEL, X25519_LABEL, info};
use super::{Identity, MAX_PASSPHRASE_LANES, UnlockBudget, UnlockLimits};
use crate::crypto::{
    CryptoError, FileKey, Kem, StreamBinding, UnwrapError, X25519, XWing, overwrite_stack, unwrap_file_key,
};
use crate::format::{KeySlot, PassphraseSlot, ProviderSlot, SlotBody, SlotType, StreamHeader};

/// The key slot that opened a stream.
#[derive(Clone, Debug)]
pub struct Unlocked {
    /// The stream's key.
    pub file_key: FileKey,
    /// The slot's index in the header, from 0.
    pub slot: u32,
    /// The slot's type.
    pub slot_type: SlotType,
}

/// Why no key slot opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnlockError {
    /// No slot belongs to a given identity.
    #[error("none of the header's key slots opens with the given keys")]
    NoMatch,
    /// As `NoMatch`, and only passphrases could be tried.
    #[error("none of the header's passphrase slots opens with the passphrase")]
    WrongPassphrase,
    /// A slot belongs to a given identity, but was changed.
    #[error("a key slot was changed")]
    Tampered,
    /// A passphrase slot takes more memory than the limit.
    #[error("a passphrase slot takes {value} KiB of memory, more than {maximum}")]
    PassphraseMemory {
        /// The limit.
        maximum: u64,
        /// Its memory.
        value: u64,
    },
    /// The passphrase slots cost more than the limit.
    #[error("the passphrase slots cost {value} KiB times passes, more than {maximum}")]
    PassphraseCost {
        /// The limit.
        maximum: u64,
        /// Their total cost.
        value: u64,
    },
    /// A passphrase slot has more lanes than [`MAX_PASSPHRASE_LANES`].
    #[error("a passphrase slot has {lanes} lanes, more than {MAX_PASSPHRASE_LANES}")]
    PassphraseLanes {
        /// The slot's lanes.
        lanes: u32,
    },
    /// The headers have more slots for key pairs than are tried.
    #[error("more than {maximum} attempts to open slots for key pairs")]
    KeyAttempts {
        /// The limit.
        maximum: u64,
        /// Attempts that all headers up to this one take.
        value: u64,
    },
    /// A primitive failed, or the caller cancelled.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

/// Tries the header's slots in their order, each with every identity of its type. Key ids are hints for people and are not compared.
/// Before any slot is tried, the cost of all slots is taken from `budget`.
///
/// # Errors
/// See [`UnlockError`].
pub fn unlock(
    header: &StreamHeader,
    identities: &[Identity],
    limits: &UnlockLimits<'_>,
    budget: &mut UnlockBudget<'_>,
) -> Result<Unlocked, UnlockError> {
    budget.spend(header, identities, limits)?;
    let stream = StreamBinding::of(header);
    let (mut is_tampered, mut passphrases, mut others) = (false, false, false);
    let accepted = header.slots.iter().enumerate();
    for (index, raw) in accepted.filter(|(_, raw)| limits.accepts(raw.slot_type)) {
        let Some(body) = raw.parsed() else { continue };
        for identity in identities {
            budget.check_cancelled()?;
            let Some(opened) = open_slot(&body, identity, &stream, budget.is_cancelled()) else {
                continue;
            };
            match raw.slot_type {
                SlotType::Passphrase => passphrases = true,
                _ => others = true,
            }
            match opened {
                Ok(file_key) => {
                    return Ok(Unlocked {
                        file_key,
                        slot: index as u32,
                        slot_type: raw.slot_type,
                    });
                }
                Err(UnwrapError::WrongKey) => {}
                Err(UnwrapError::Tampered) => is_tampered = true,
                Err(UnwrapError::Crypto(error)) => return Err(error.into()),
            }
        }
    }
    Err(match (is_tampered, passphrases, others) {
        (true, ..) => UnlockError::Tampered,
        (false, true, false) => UnlockError::WrongPassphrase,
        (false, ..) => UnlockError::NoMatch,
    })
}

/// The indexes of all slots that `identity` opens, in their order. A passphrase is tried on every passphrase slot, so their total
/// cost is checked against the limit first. Slots of types that are not accepted are tried too.
///
/// # Errors
/// Those of the limits, or failure of a primitive.
pub fn opened_slots(
    header: &StreamHeader,
    identity: &Identity,
    limits: &UnlockLimits<'_>,
    budget: &mut UnlockBudget<'_>,
) -> Result<Vec<u32>, UnlockError> {
    let limits = UnlockLimits {
        accept: None,
        ..*limits
    };
    budget.spend(header, std::slice::from_ref(identity), &limits)?;
    let stream = StreamBinding::of(header);
    let mut opened = Vec::new();
    for (raw, index) in header.slots.iter().zip(0..) {
        budget.check_cancelled()?;
        let body = raw.parsed();
        match body.and_then(|body| open_slot(&body, identity, &stream, budget.is_cancelled())) {
            Some(Ok(_)) => opened.push(index),
            Some(Err(UnwrapError::Crypto(error))) => return Err(error.into()),
            Some(Err(UnwrapError::WrongKey | UnwrapError::Tampered)) | None => {}
        }
    }
    Ok(opened)
}

/// Opens a slot. `None` if the identity is of another type than the slot, or is for another slot of a provider.
pub(super) fn open_slot(
    body: &SlotBody,
    identity: &Identity,
    stream: &StreamBinding,
    is_cancelled: &dyn Fn() -> bool,
) -> Option<Result<FileKey, UnwrapError>> {
    let opened = open_unerased(body, identity, stream, is_cancelled);
    overwrite_stack();
    opened
}

/// As [`open_slot`], but leaves secrets on the stack.
#[inline(never)]
fn open_unerased(
    body: &SlotBody,
    identity: &Identity,
    stream: &StreamBinding,
    is_cancelled: &dyn Fn() -> bool,
) -> Option<Result<FileKey, UnwrapError>> {
    Some(match (body, identity) {
        (SlotBody::Key(slot), Identity::Key(key)) => {
            let aad = KeySlot::associated_data(&slot.id, &slot.salt);
            unwrap_file_key(key.expose(), &slot.salt, KEY_LABEL, stream, &aad, &slot.wrap)
        }
        (SlotBody::Passphrase(slot), Identity::Passphrase(passphrase)) => {
            let aad = PassphraseSlot::associated_data(&slot.salt, slot.cost);
            match passphrase.stretch(&slot.salt, slot.cost, is_cancelled) {
                Ok(kek) => unwrap_file_key(&kek, &slot.salt, PASSPHRASE_LABEL, stream, &aad, &slot.wrap),
                Err(error) => Err(error.into()),
            }
        }
        (SlotBody::X25519(slot), Identity::X25519(secret)) => {
            let info = info(X25519_LABEL, stream);
            X25519::open(secret.expose(), &info, &slot.encapsulated, &slot.sealed).map_err(hpke_failure)
        }
        (SlotBody::Hybrid(slot), Identity::Hybrid(secret)) => {
            let info = info(HYBRID_LABEL, stream);
            XWing::open(secret.expose(), &info, &slot.encapsulated, &slot.sealed).map_err(hpke_failure)
        }
        (SlotBody::Provider(slot), Identity::Provider(key))
            if (&slot.name, &slot.key_id, &slot.blob) == (&key.name, &key.key_id, &key.blob) =>
        {
            let aad = ProviderSlot::associated_data(&slot.name, &slot.key_id, &slot.blob, &slot.salt);
            unwrap_file_key(
                key.kek.expose(),
                &slot.salt,
                PROVIDER_LABEL,
                stream,
                &aad,
                &slot.wrap,
            )
        }
        _ => return None,
    })
}

/// HPKE does not distinguish a changed slot from one for another key.
fn hpke_failure(error: CryptoError) -> UnwrapError {
    match error {
        CryptoError::TagMismatch => UnwrapError::WrongKey,
        error => error.into(),
    }
}
