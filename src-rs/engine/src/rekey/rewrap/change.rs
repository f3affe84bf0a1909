//! Which slots stay, which go, and for whom there are new ones.

use super::{Change, PlacedSlot, SlotSelector};
use crate::error::SealError;
use crate::format::{MAX_SLOTS, PassphraseCost, RawKeySlot, SlotBody, SlotType, StreamHeader};
use crate::inspect::SlotInfo;
use crate::keys::{Recipient, UnlockLimits, opened_slots};
use crate::operation::options::{check_passphrase_costs, check_recipients, invalid};

/// The slots of a header that is to be.
pub(super) struct Slots<'a> {
    /// The old slots that stay as they are.
    pub(super) kept: Vec<RawKeySlot>,
    /// For whom there are new ones behind them.
    pub(super) added: &'a [Recipient],
    /// The old ones that go.
    pub(super) removed: Vec<PlacedSlot>,
}

/// Works out the change, and whether a header can have these slots. `older` is the header that a rewrap was about to replace with
/// this one when it was interrupted.
///
/// # Errors
/// `InvalidOption`, and what looking for an identity's slots meets.
pub(super) fn slots<'a>(
    header: &StreamHeader,
    older: Option<&StreamHeader>,
    change: &'a Change,
    limits: &UnlockLimits<'_>,
) -> Result<Slots<'a>, SealError> {
    let (added, goes) = match change {
        Change::Edit { add, remove } => (add, selected_by_any(header, older, remove, limits)?),
        Change::Replace(recipients) => {
            let is_known = |slot: &RawKeySlot| !matches!(slot.slot_type, SlotType::Unknown(_));
            (recipients, header.slots.iter().map(is_known).collect())
        }
    };
    if !added.is_empty() || matches!(change, Change::Replace(_)) {
        check_recipients(change.name_of_added(), added)?;
    }
    let (mut kept, mut removed) = (Vec::new(), Vec::new());
    for ((slot, position), goes) in header.slots.iter().zip(0..).zip(goes) {
        if goes {
            let slot = SlotInfo::new(slot);
            removed.push(PlacedSlot { position, slot });
        } else {
            kept.push(slot.clone());
        }
    }
    check_together(change.name_of_added(), &kept, added)?;
    Ok(Slots { kept, added, removed })
}

/// For each slot, whether any of the selectors selects it.
fn selected_by_any(
    header: &StreamHeader,
    older: Option<&StreamHeader>,
    selectors: &[SlotSelector],
    limits: &UnlockLimits<'_>,
) -> Result<Vec<bool>, SealError> {
    let mut any = vec![false; header.slots.len()];
    for selector in selectors {
        let selected = select(header, selector, limits)?;
        // What the interrupted rewrap removed need not be there any more: whoever repeats it gets what was asked for.
        let was_removed = |older| select(older, selector, limits).map(|selected| selected.contains(&true));
        let is_position = matches!(selector, SlotSelector::Position(_));
        if !selected.contains(&true) && (is_position || !older.map(was_removed).transpose()?.unwrap_or(false))
        {
            let problem = format!("selects nothing by {}", in_words(selector));
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
) -> Result<Vec<bool>, SealError> {
    let slots = || header.slots.iter().zip(0_u32..);
    Ok(match selector {
        SlotSelector::Position(wanted) => slots().map(|(_, position)| position == *wanted).collect(),
        SlotSelector::Type(wanted) => slots().map(|(slot, _)| slot.slot_type == *wanted).collect(),
        SlotSelector::KeyId(wanted) => slots()
            .map(|(slot, _)| slot.key_id().as_ref() == Some(wanted))
            .collect(),
        SlotSelector::Opens(identity) => {
            let opened = opened_slots(header, identity, limits)
                .map_err(|error| SealError::locked(error, String::new()))?;
            slots().map(|(_, position)| opened.contains(&position)).collect()
        }
    })
}

fn in_words(selector: &SlotSelector) -> String {
    match selector {
        SlotSelector::Position(position) => format!("the position {position}"),
        SlotSelector::Type(slot_type) => format!("the type {slot_type}"),
        SlotSelector::KeyId(id) => format!("the key id {id:?}"),
        SlotSelector::Opens(identity) => format!("an identity of the type {}", identity.slot_type()),
    }
}

/// Whether a header can have all of these slots.
fn check_together(name: &str, kept: &[RawKeySlot], added: &[Recipient]) -> Result<(), SealError> {
    match kept.len() + added.len() {
        0 => return Err(invalid("remove", "would leave nobody who can open the stream")),
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
        // What the header has already is no worse for staying.
        return Ok(());
    }
    check_passphrase_costs(name, &[kept, new].concat())
}
