//! What a key slot shows without a key.

use crate::format::{PassphraseCost, ProviderSlot, RawKeySlot, SlotBody};
use std::fmt;

/// What a key slot shows without a key. None of it is authenticated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotInfo {
    /// Its index in the header, from 0.
    pub slot_index: u32,
    /// The slot's type, such as `key`.
    pub slot_type: String,
    /// The key's name, if the slot has one, or the id of a provider's key.
    pub key_id: Option<String>,
    /// The cost of an attempt with a passphrase.
    pub passphrase_cost: Option<PassphraseCost>,
    /// What a provider must unwrap.
    pub provider: Option<ProviderInfo>,
}

/// The part of a key slot that is for a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderInfo {
    /// The provider's name.
    pub name: String,
    /// The wrapped key.
    pub blob: Vec<u8>,
}

impl SlotInfo {
    pub(crate) fn new(slot_index: u32, raw: &RawKeySlot) -> Self {
        let (passphrase_cost, provider) = match raw.parsed() {
            Some(SlotBody::Passphrase(slot)) => (Some(slot.cost), None),
            Some(SlotBody::Provider(ProviderSlot { name, blob, .. })) => {
                (None, Some(ProviderInfo { name, blob }))
            }
            Some(SlotBody::Key(_) | SlotBody::X25519(_) | SlotBody::Hybrid(_)) | None => (None, None),
        };
        Self {
            slot_index,
            slot_type: raw.slot_type.to_string(),
            key_id: raw.key_id(),
            passphrase_cost,
            provider,
        }
    }

    /// What the slots of a header show.
    pub(crate) fn list(slots: &[RawKeySlot]) -> Vec<Self> {
        let numbered = (0..).zip(slots);
        numbered.map(|(index, slot)| Self::new(index, slot)).collect()
    }
}

/// The words for it in a message that helps to find the right key.
impl fmt::Display for SlotInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.key_id.as_deref().unwrap_or_default();
        match (self.slot_type.as_str(), &self.provider) {
            ("key", _) if id.is_empty() => f.write_str("a key without a name"),
            ("key", _) => write!(f, "key {:?}", shorten(id)),
            ("passphrase", _) => f.write_str("a passphrase"),
            ("x25519", _) => f.write_str("an X25519 key"),
            ("hybrid", _) => f.write_str("a post-quantum hybrid key"),
            (_, Some(provider)) => write!(f, "key {:?} of {:?}", shorten(id), provider.name),
            (other, None) => write!(f, "{other}, which this release can't open"),
        }
    }
}

/// An id, shortened for a message: it can have 65,535 bytes.
fn shorten(id: &str) -> String {
    match id.char_indices().nth(MAX_ID_IN_MESSAGE) {
        Some((at, _)) => format!("{}…", id.get(..at).unwrap_or_default()),
        None => id.to_owned(),
    }
}

/// Characters of a key's id in a message.
const MAX_ID_IN_MESSAGE: usize = 100;
