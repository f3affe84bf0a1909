//! Limits on recipients.

use super::invalid;
use crate::error::SealError;
use crate::format::{
    HEADER_FIXED_SIZE, HEADER_TRAILER_SIZE, MAX_HEADER_SIZE, MAX_PASSPHRASE_SLOTS, MAX_SLOTS,
};
use crate::keys::{
    DEFAULT_MAX_PASSPHRASE_COST, DEFAULT_MAX_PASSPHRASE_MEMORY, MAX_KEY_ID, MAX_PASSPHRASE_LANES,
    MAX_PROVIDER_KEY_ID, MAX_PROVIDER_NAME, PassphraseCost, ProviderKey, Recipient,
};

/// Checks that a stream can be sealed for these recipients and opened by a reader with default options. `name` is the option
/// that lists them.
///
/// # Errors
/// `InvalidOption`.
pub(crate) fn check_recipients(name: &str, recipients: &[Recipient]) -> Result<(), SealError> {
    if !(1..=usize::from(MAX_SLOTS)).contains(&recipients.len()) {
        return Err(invalid(name, format!("must be 1 to {MAX_SLOTS}")));
    }
    for recipient in recipients {
        match recipient {
            Recipient::Key { id, .. } if id.len() > MAX_KEY_ID => {
                return Err(invalid("keyId", "must have at most 255 bytes"));
            }
            Recipient::Provider(key) => check_provider(key)?,
            Recipient::Passphrase { passphrase, .. } if passphrase.unassigned().is_some() => {
                // The character is a part of the secret, so it is not named.
                return Err(invalid(
                    "passphrase",
                    "has a character that this release's version of Unicode does not know: with a later version the same text may \
                     not open the stream",
                ));
            }
            Recipient::Key { .. }
            | Recipient::Passphrase { .. }
            | Recipient::X25519(_)
            | Recipient::Hybrid(_) => {}
        }
    }
    check_passphrases(name, recipients)?;
    let size = compact_header_size(recipients);
    if size > MAX_HEADER_SIZE as usize {
        let problem = format!("need a header of {size} bytes, more than {MAX_HEADER_SIZE}");
        return Err(invalid(name, problem));
    }
    Ok(())
}

fn check_provider(key: &ProviderKey) -> Result<(), SealError> {
    if !(1..=MAX_PROVIDER_NAME).contains(&key.name.len()) {
        return Err(invalid("provider", "must have a name of 1 to 255 bytes"));
    }
    if key.key_id.len() > MAX_PROVIDER_KEY_ID {
        return Err(invalid("provider", "must have a key id of at most 65535 bytes"));
    }
    if key.blob.is_empty() {
        return Err(invalid("provider", "must have wrapped a key"));
    }
    Ok(())
}

fn check_passphrases(name: &str, recipients: &[Recipient]) -> Result<(), SealError> {
    let costs: Vec<PassphraseCost> = recipients
        .iter()
        .filter_map(|recipient| match recipient {
            Recipient::Passphrase { cost, .. } => Some(*cost),
            _ => None,
        })
        .collect();
    check_passphrase_costs(name, &costs)
}

/// Checks that a reader with default options can open a stream with passphrase slots of these costs. `name` is the option that
/// lists the passphrases.
///
/// # Errors
/// `InvalidOption`.
pub(crate) fn check_passphrase_costs(name: &str, costs: &[PassphraseCost]) -> Result<(), SealError> {
    if costs.len() > MAX_PASSPHRASE_SLOTS {
        return Err(invalid(name, "must have at most 4 passphrases"));
    }
    if costs.iter().any(|cost| cost.lanes() > MAX_PASSPHRASE_LANES) {
        return Err(invalid("strength", "must have at most 255 lanes"));
    }
    if let Some(memory) = costs
        .iter()
        .map(|cost| u64::from(cost.memory_kib()))
        .find(|&memory| memory > DEFAULT_MAX_PASSPHRASE_MEMORY)
    {
        let problem = format!(
            "must be at most {DEFAULT_MAX_PASSPHRASE_MEMORY} KiB of memory for a passphrase, not {memory}"
        );
        return Err(invalid("strength", problem));
    }
    let work = costs.iter().map(|cost| cost.work()).fold(0, u64::saturating_add);
    if work > DEFAULT_MAX_PASSPHRASE_COST {
        let problem = format!(
            "must be at most {DEFAULT_MAX_PASSPHRASE_COST} KiB times passes for all passphrases, not {work}"
        );
        return Err(invalid("strength", problem));
    }
    Ok(())
}

/// Bytes of the header for these recipients, without padding.
pub(crate) fn compact_header_size(recipients: &[Recipient]) -> usize {
    let slots: usize = recipients.iter().map(Recipient::slot_size).sum();
    HEADER_FIXED_SIZE + EXTENSION_SIZES + slots + HEADER_TRAILER_SIZE
}

/// Size fields of the two extension areas, which are empty.
const EXTENSION_SIZES: usize = 8;
