//! Key slots on their way in: which of them opens with what was offered.

use super::seal::{open_hybrid, open_x25519, unwrap_key, unwrap_passphrase, unwrap_provider};
use super::{DEFAULT_MAX_PASSPHRASE_COST, Identity, MAX_PASSPHRASE_LANES};
use crate::crypto::{CryptoError, FileKey, UnwrapError, overwrite_stack};
use crate::format::{PassphraseCost, ProviderSlot, SlotBody, SlotType, StreamHeader};

/// What a reader tries, and what it spends on that.
#[derive(Clone, Copy, Debug)]
pub struct UnlockLimits<'a> {
    /// The types of slots that are tried; all where it is `None`.
    pub accept: Option<&'a [SlotType]>,
    /// Memory times passes of the header's passphrase slots, in KiB, in all and for each passphrase. Nothing is spent on a header
    /// that asks for more.
    pub max_passphrase_cost: u64,
}

impl UnlockLimits<'_> {
    /// Whether slots of this type are tried.
    #[must_use]
    pub fn accepts(&self, slot_type: SlotType) -> bool {
        self.accept.is_none_or(|accepted| accepted.contains(&slot_type))
    }

    /// What the header's passphrase slots cost in all, memory times passes in KiB, where any would be tried with these
    /// identities; else 0.
    #[must_use]
    pub fn passphrase_cost(&self, header: &StreamHeader, identities: &[Identity]) -> u64 {
        let has_passphrase = identities
            .iter()
            .any(|identity| identity.slot_type() == SlotType::Passphrase);
        if !has_passphrase || !self.accepts(SlotType::Passphrase) {
            return 0;
        }
        passphrase_costs(header)
            .map(PassphraseCost::work)
            .fold(0, u64::saturating_add)
    }

    fn check_cost(&self, header: &StreamHeader, identities: &[Identity]) -> Result<(), UnlockError> {
        let (maximum, value) = (self.max_passphrase_cost, self.passphrase_cost(header, identities));
        if value > maximum {
            return Err(UnlockError::PassphraseCost { maximum, value });
        }
        match passphrase_costs(header).map(PassphraseCost::lanes).max() {
            Some(lanes) if value > 0 && lanes > MAX_PASSPHRASE_LANES => {
                Err(UnlockError::PassphraseLanes { lanes })
            }
            _ => Ok(()),
        }
    }
}

impl Default for UnlockLimits<'_> {
    fn default() -> Self {
        Self {
            accept: None,
            max_passphrase_cost: DEFAULT_MAX_PASSPHRASE_COST,
        }
    }
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
    /// As `NoMatch`, and all that could be tried were passphrases.
    #[error("none of the header's passphrase slots opens with the passphrase")]
    WrongPassphrase,
    /// A slot belongs to an offered identity, but was changed.
    #[error("a key slot was changed")]
    Tampered,
    /// The passphrase slots ask for more than the reader spends.
    #[error("the passphrase slots cost {value} KiB times passes, more than {maximum}")]
    PassphraseCost {
        /// The limit.
        maximum: u64,
        /// What they ask for in all.
        value: u64,
    },
    /// A passphrase slot has more lanes than [`MAX_PASSPHRASE_LANES`].
    #[error("a passphrase slot has {lanes} lanes, more than {MAX_PASSPHRASE_LANES}")]
    PassphraseLanes {
        /// How many it has.
        lanes: u32,
    },
    /// A primitive failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

/// Tries the header's slots in their order, each with every identity of its type. A key's id is not looked at: it is
/// a hint for people, never a condition. Before any passphrase is tried, all passphrase slots together are checked against
/// the limit.
///
/// # Errors
/// See [`UnlockError`].
pub fn unlock(
    header: &StreamHeader,
    identities: &[Identity],
    limits: &UnlockLimits<'_>,
) -> Result<Unlocked, UnlockError> {
    limits.check_cost(header, identities)?;
    let (mut is_tampered, mut passphrases, mut others) = (false, false, false);
    let accepted = header.slots.iter().enumerate();
    for (position, raw) in accepted.filter(|(_, raw)| limits.accepts(raw.slot_type)) {
        let Some(body) = raw.parsed() else { continue };
        for identity in identities {
            let Some(opened) = open(&body, identity, &header.core.stream_id) else {
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
                        slot: position as u32,
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

/// The positions of all slots that `identity` opens, in their order. A passphrase is tried on every slot of its type, so all of them
/// together are checked against the limit first; slots of types that are not accepted are tried as well.
///
/// # Errors
/// `PassphraseCost` and `PassphraseLanes`, or that of a primitive.
pub fn opened_slots(
    header: &StreamHeader,
    identity: &Identity,
    limits: &UnlockLimits<'_>,
) -> Result<Vec<u32>, UnlockError> {
    let limits = UnlockLimits {
        accept: None,
        ..*limits
    };
    limits.check_cost(header, std::slice::from_ref(identity))?;
    let mut opened = Vec::new();
    for (raw, position) in header.slots.iter().zip(0..) {
        let body = raw.parsed();
        match body.and_then(|body| open(&body, identity, &header.core.stream_id)) {
            Some(Ok(_)) => opened.push(position),
            Some(Err(UnwrapError::Crypto(error))) => return Err(error.into()),
            Some(Err(UnwrapError::WrongKey | UnwrapError::Tampered)) | None => {}
        }
    }
    Ok(opened)
}

/// The slots whose key a key service has to unwrap, in their order. Nothing in them has been authenticated: ask only a
/// service, and for a key of its, that is to be trusted.
pub fn provider_slots(header: &StreamHeader) -> impl Iterator<Item = ProviderSlot> {
    header.slots.iter().filter_map(|raw| match raw.parsed() {
        Some(SlotBody::Provider(slot)) => Some(slot),
        _ => None,
    })
}

fn passphrase_costs(header: &StreamHeader) -> impl Iterator<Item = PassphraseCost> {
    header.slots.iter().filter_map(|raw| match raw.parsed() {
        Some(SlotBody::Passphrase(slot)) => Some(slot.cost),
        _ => None,
    })
}

/// As [`open_slot`], which leaves secrets on the stack.
fn open(body: &SlotBody, identity: &Identity, stream_id: &[u8; 32]) -> Option<Result<FileKey, UnwrapError>> {
    let opened = open_slot(body, identity, stream_id);
    overwrite_stack();
    opened
}

/// `None` where the identity is not of the slot's type, or the slot is none of a key service's that it is for.
#[inline(never)]
fn open_slot(
    body: &SlotBody,
    identity: &Identity,
    stream_id: &[u8; 32],
) -> Option<Result<FileKey, UnwrapError>> {
    Some(match (body, identity) {
        (SlotBody::Key(slot), Identity::Key(key)) => unwrap_key(slot, key.expose(), stream_id),
        (SlotBody::Passphrase(slot), Identity::Passphrase(passphrase)) => {
            match passphrase.stretch(&slot.salt, slot.cost) {
                Ok(kek) => unwrap_passphrase(slot, &kek, stream_id),
                Err(error) => Err(error.into()),
            }
        }
        (SlotBody::X25519(slot), Identity::X25519(secret)) => {
            by_hpke(open_x25519(slot, secret.expose(), stream_id))
        }
        (SlotBody::Hybrid(slot), Identity::Hybrid(secret)) => {
            by_hpke(open_hybrid(slot, secret.expose(), stream_id))
        }
        (SlotBody::Provider(slot), Identity::Provider(key))
            if (&slot.name, &slot.key_id, &slot.blob) == (&key.name, &key.key_id, &key.blob) =>
        {
            unwrap_provider(slot, key.kek.expose(), stream_id)
        }
        _ => return None,
    })
}

/// A slot that was changed looks to HPKE like another's.
fn by_hpke(opened: Result<FileKey, CryptoError>) -> Result<FileKey, UnwrapError> {
    opened.map_err(|error| match error {
        CryptoError::TagMismatch => UnwrapError::WrongKey,
        error => error.into(),
    })
}
