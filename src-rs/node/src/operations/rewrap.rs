//! Who can open a sealed file, changed in its header.

use crate::arguments::credentials::{CredentialArgument, identity_of, recipient_of};
use crate::arguments::options::{OpenPlan, OpenSettings};
use crate::operations::inspect::SlotInfo;
use crate::runtime::task::{Cancellation, Task};
use crate::types::names::SlotTypeName;
use crate::types::report::{OpenedBy, hex};
use napi::bindgen_prelude::{ClassInstance, Object};
use napi::{Env, Error, Result, Status};
use napi_derive::napi;
use sealstream::rekey::rewrap;
use sealstream::rekey::rewrap::{RewrapOptions, SlotChange, SlotSelector, rewrap_file};
use std::path::Path;

/// Key slots of a header: exactly one of its properties.
#[napi(object, object_to_js = false)]
pub struct SlotSelection {
    /// The slot at this position, from 0.
    pub position: Option<u32>,
    /// Every slot of this type.
    #[napi(js_name = "type")]
    pub slot_type: Option<SlotTypeName>,
    /// Every slot with this key id.
    pub key_id: Option<String>,
}

/// What becomes of a header's key slots.
#[napi(object, object_to_js = false)]
pub struct RewrapSettings<'env> {
    /// All slots give way to those that are added; else those that are selected.
    pub replace: bool,
    /// The slots that go.
    pub remove: Vec<SlotSelection>,
    /// Have a new file on the disk before the operation ends.
    pub flush: bool,
    /// Stops it.
    #[napi(ts_type = "Cancellation")]
    pub cancellation: Option<ClassInstance<'env, Cancellation>>,
}

/// A header that was rewritten.
#[napi(object, object_from_js = false)]
pub struct RewrapReport {
    /// The stream's id, 64 hexadecimal digits.
    pub stream_id: String,
    /// How often the header was rewritten, this time included.
    pub revision: u32,
    /// The header was written over the old one; else a new file took the old one's place.
    pub in_place: bool,
    /// Bytes of the header.
    pub header_size: u32,
    /// Who can open the stream now, in the order in which they are tried.
    pub slots: Vec<SlotInfo>,
    /// The slot of the old header that was opened. After a rewrap that was interrupted it can be one of the header before that,
    /// and not be among those that the change started from.
    pub opened_by: OpenedBy,
    /// The change started from the header's copy: the header itself was damaged, or older.
    pub header_from_copy: bool,
    /// The slots that are new, by their positions now.
    pub added: Vec<PlacedSlot>,
    /// The slots that went, by the positions that they had.
    pub removed: Vec<PlacedSlot>,
}

/// A key slot and its position.
#[napi(object, object_from_js = false)]
pub struct PlacedSlot {
    /// Position in the header, from 0.
    pub position: u32,
    /// The slot.
    pub slot: SlotInfo,
}

impl From<&rewrap::PlacedSlot> for PlacedSlot {
    fn from(placed: &rewrap::PlacedSlot) -> Self {
        Self {
            position: placed.position,
            slot: (&placed.slot).into(),
        }
    }
}

impl From<rewrap::RewrapReport> for RewrapReport {
    fn from(report: rewrap::RewrapReport) -> Self {
        Self {
            stream_id: hex(&report.stream_id),
            revision: report.revision.into(),
            in_place: report.in_place,
            header_size: report.header_size,
            slots: report.slots.iter().map(SlotInfo::from).collect(),
            opened_by: report.opened_by.into(),
            header_from_copy: report.header_from_copy,
            added: report.added.iter().map(PlacedSlot::from).collect(),
            removed: report.removed.iter().map(PlacedSlot::from).collect(),
        }
    }
}

impl TryFrom<SlotSelection> for SlotSelector {
    type Error = Error;

    fn try_from(selection: SlotSelection) -> Result<Self> {
        let SlotSelection {
            position,
            slot_type,
            key_id,
        } = selection;
        match (position, slot_type, key_id) {
            (Some(position), None, None) => Ok(Self::Position(position)),
            (None, Some(slot_type), None) => Ok(Self::Type(slot_type.into())),
            (None, None, Some(key_id)) => Ok(Self::KeyId(key_id)),
            // One that is left out would leave somebody in.
            _ => Err(Error::new(
                Status::InvalidArg,
                "a selection has exactly one of position, type and keyId",
            )),
        }
    }
}

/// Rewrites the header of the sealed file at `path`: `added` are for whom there are new slots, and the slots go that
/// `settings` selects or that one of `removed` opens.
#[napi(js_name = "rewrap", catch_unwind, ts_return_type = "Promise<RewrapReport>")]
pub fn rewrap_file_at<'env>(
    env: &'env Env,
    path: String,
    #[napi(ts_arg_type = "Array<Uint8Array | NativeKey | NativeCredential>")] identities: Vec<
        CredentialArgument<'_>,
    >,
    open: OpenSettings<'_>,
    #[napi(ts_arg_type = "Array<Uint8Array | NativeKey | NativeCredential>")] added: Vec<
        CredentialArgument<'_>,
    >,
    #[napi(ts_arg_type = "Array<Uint8Array | NativeKey | NativeCredential>")] removed: Vec<
        CredentialArgument<'_>,
    >,
    settings: RewrapSettings<'_>,
) -> Result<Object<'env>> {
    let plan = OpenPlan::new(&identities, open)?;
    let add = added.iter().map(recipient_of).collect::<Result<_>>()?;
    let selections = settings.remove.into_iter().map(SlotSelector::try_from);
    let mut remove: Vec<SlotSelector> = selections.collect::<Result<_>>()?;
    for identity in &removed {
        remove.push(SlotSelector::Opens(identity_of(identity)?));
    }
    let change = if settings.replace {
        SlotChange::Replace(add)
    } else {
        SlotChange::Edit { add, remove }
    };
    let options = RewrapOptions { change };
    let flush = settings.flush;
    // How long it takes is not known beforehand: a header that outgrows its room has the whole stream copied.
    Task::long(settings.cancellation.as_deref()).launch(env, move |control| {
        rewrap_file(Path::new(&path), &options, &plan.options(), flush, control).map(RewrapReport::from)
    })
}
