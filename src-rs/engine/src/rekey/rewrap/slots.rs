//! Selects the key slots that stay and those that are removed.

use super::{SlotChange, SlotSelector};
use crate::error::SealError;
use crate::format::{MAX_SLOTS, PassphraseCost, RawKeySlot, SlotBody, SlotType, StreamHeader};
use crate::inspect::SlotInfo;
use crate::keys::{Recipient, UnlockLimits, opened_slots};
use crate::operation::cancel::CancellationToken;
use crate::operation::options::{check_passphrase_costs, check_recipients, invalid};

/// The slots of the new header.
pub(super) struct SlotLists<'a> {
    /// Old slots that stay unchanged.
    pub(super) kept: Vec<RawKeySlot>,
    /// Recipients of the new slots, which follow.
    pub(super) added: &'a [Recipient],
    /// Old slots that are removed.
    pub(super) removed: Vec<SlotInfo>,
}

/// Applies the change, and checks that a header can have the resulting slots. `older` is the header that an interrupted rewrap
/// was replacing with this one.
///
/// # Errors
/// `InvalidOption`, and those of finding the slots that an identity opens.
pub(super) fn change_slots<'a>(
    header: &StreamHeader,
    older: Option<&StreamHeader>,
    change: &'a SlotChange,
    limits: &UnlockLimits<'_>,
    cancel: &CancellationToken,
) -> Result<SlotLists<'a>, SealError> {
    let (added, removes) = match change {
        SlotChange::Edit { add, remove } => (add, selected_by_any(header, older, remove, limits, cancel)?),
        SlotChange::Replace(recipients) => {
            let is_known = |slot: &RawKeySlot| !matches!(slot.slot_type, SlotType::Unknown(_));
            (recipients, header.slots.iter().map(is_known).collect())
        }
    };
    if !added.is_empty() || matches!(change, SlotChange::Replace(_)) {
        check_recipients(change.name_of_added(), added)?;
    }
    let (mut kept, mut removed) = (Vec::new(), Vec::new());
    for ((slot, index), is_removed) in header.slots.iter().zip(0..).zip(removes) {
        if is_removed {
            removed.push(SlotInfo::new(index, slot));
        } else {
            kept.push(slot.clone());
        }
    }
    check_slots(change.name_of_added(), &kept, added)?;
    Ok(SlotLists { kept, added, removed })
}

/// For each slot, whether any of the selectors selects it.
fn selected_by_any(
    header: &StreamHeader,
    older: Option<&StreamHeader>,
    selectors: &[SlotSelector],
    limits: &UnlockLimits<'_>,
    cancel: &CancellationToken,
) -> Result<Vec<bool>, SealError> {
    let mut any = vec![false; header.slots.len()];
    for selector in selectors {
        let selected = select(header, selector, limits, cancel)?;
        // A slot that the interrupted rewrap removed can be missing: repeating the same rewrap succeeds.
        let was_removed =
            |older| select(older, selector, limits, cancel).map(|selected| selected.contains(&true));
        let is_index = matches!(selector, SlotSelector::Index(_));
        if !selected.contains(&true) && (is_index || !older.map(was_removed).transpose()?.unwrap_or(false)) {
            let problem = format!("selects no slot by {}", describe(selector));
            return Err(invalid("remove", problem));
        }
        any.iter_mut()
            .zip(selected)
            .for_each(|(any, selected)| *any |= selected);
    }
    Ok(any)
}

/// For each slot, whether this selector selects it.
fn select(
    header: &StreamHeader,
    selector: &SlotSelector,
    limits: &UnlockLimits<'_>,
    cancel: &CancellationToken,
) -> Result<Vec<bool>, SealError> {
    let slots = || header.slots.iter().zip(0_u32..);
    Ok(match selector {
        SlotSelector::Index(wanted) => slots().map(|(_, index)| index == *wanted).collect(),
        SlotSelector::Type(wanted) => slots().map(|(slot, _)| slot.slot_type == *wanted).collect(),
        SlotSelector::KeyId(wanted) => slots()
            .map(|(slot, _)| slot.key_id().as_ref() == Some(wanted))
            .collect(),
        SlotSelector::Opens(identity) => {
            let is_cancelled = || cancel.is_cancelled();
            let opened = opened_slots(header, identity, limits, &mut limits.budget(&is_cancelled))
                .map_err(|error| SealError::locked(error, header, limits))?;
            slots().map(|(_, index)| opened.contains(&index)).collect()
        }
    })
}

fn describe(selector: &SlotSelector) -> String {
    match selector {
        SlotSelector::Index(index) => format!("the slot index {index}"),
        SlotSelector::Type(slot_type) => format!("the type {slot_type}"),
        SlotSelector::KeyId(id) => format!("the key id {id:?}"),
        SlotSelector::Opens(identity) => format!("an identity of the type {}", identity.slot_type()),
    }
}

/// Checks that a header can have all of these slots.
fn check_slots(name: &str, kept: &[RawKeySlot], added: &[Recipient]) -> Result<(), SealError> {
    match kept.len() + added.len() {
        0 => return Err(invalid("remove", "would leave no key slot to open the stream")),
        count if count <= usize::from(MAX_SLOTS) => {}
        count => {
            return Err(invalid(
                name,
                format!("would make {count} key slots in all, more than {MAX_SLOTS}"),
            ));
        }
    }
    let kept = kept.iter().filter_map(|slot| match slot.parsed() {
        Some(SlotBody::Passphrase(slot)) => Some(slot.cost),
        _ => None,
    });
    let new = added.iter().filter_map(|recipient| match recipient {
        Recipient::Passphrase { cost, .. } => Some(*cost),
        _ => None,
    });
    let (kept, new): (Vec<PassphraseCost>, Vec<PassphraseCost>) = (kept.collect(), new.collect());
    if new.is_empty() {
        // Costs of slots that the header already has are not checked.
        return Ok(());
    }
    check_passphrase_costs(name, &[kept, new].concat())
}
