//! Changing who can open a sealed file.

use crate::arguments::credentials::{CredentialArgument, identity_of, recipient_of};
use crate::arguments::options::OpenSettings;
use crate::memory::{BytesCopy, CopiedBytes};
use crate::operations::inspect::SlotInfo;
use crate::runtime::task::{Cancellation, Task};
use crate::types::convert::object;
use crate::types::failure::invalid_argument;
use crate::types::names::SlotType;
use crate::types::report::OpenedBy;
use crate::types::warning::ReportWarning;
use napi::bindgen_prelude::{ClassInstance, Object};
use napi::{Env, Error, Result};
use napi_derive::napi;
use sealstream::rekey::rewrap;
use sealstream::rekey::rewrap::{SlotChange, SlotSelector, rewrap_file};
use std::path::Path;

/// Selects key slots of a header, by exactly one property.
#[napi(object, object_to_js = false)]
pub struct SlotSelection {
    /// The slot with this index, from 0.
    pub slot_index: Option<u32>,
    /// All slots of this type.
    #[napi(js_name = "type")]
    pub slot_type: Option<SlotType>,
    /// All slots with this key id.
    pub key_id: Option<String>,
}

/// How to change a header's key slots.
#[napi(object, object_to_js = false)]
pub struct RewrapSettings<'env> {
    /// Remove all slots that are not added, instead of the selected ones.
    pub replace: bool,
    /// The slots to remove.
    pub remove: Vec<SlotSelection>,
    /// Flush a new file to the disk before the operation ends.
    pub flush: bool,
    /// Cancels the operation.
    #[napi(ts_type = "Cancellation")]
    pub cancellation: Option<ClassInstance<'env, Cancellation>>,
}

object! {
    /// A rewritten header.
    RewrapReport from report: rewrap::RewrapReport {
        /// The stream's id, 64 hexadecimal digits.
        stream_id: String,
        /// How often the header was rewritten, this time included.
        revision: u32,
        /// Whether the header was written over the old one. Otherwise a new file replaced the old one.
        in_place: bool,
        /// Bytes of the header.
        header_size: u32,
        /// The slots that can open the stream now, in the order in which they are tried.
        slots: Vec<SlotInfo>,
        /// The slot of the old header that was opened. After an interrupted rewrap it can be a slot of the header before that, which
        /// is not among the slots that were changed.
        opened_by: OpenedBy,
        /// What the caller should know although the operation succeeded.
        warnings: Vec<ReportWarning> = ReportWarning::header_mended(report.header_from_copy).into_iter().collect::<Vec<_>>(),
        /// The new slots, by their indexes now.
        added: Vec<SlotInfo>,
        /// The removed slots, by the indexes that they had.
        removed: Vec<SlotInfo>,
    }
}

impl TryFrom<SlotSelection> for SlotSelector {
    type Error = Error;

    fn try_from(selection: SlotSelection) -> Result<Self> {
        match (selection.slot_index, selection.slot_type, selection.key_id) {
            (Some(index), None, None) => Ok(Self::Index(index)),
            (None, Some(slot_type), None) => Ok(Self::Type(slot_type.into())),
            (None, None, Some(key_id)) => Ok(Self::KeyId(key_id)),
            // A selection that is ignored would keep a slot that the caller wants removed.
            _ => Err(invalid_argument(
                "a selection has exactly one of slotIndex, type and keyId",
            )),
        }
    }
}

/// Rewrites the header of the sealed file at `path`. It adds a slot for each of `added`, and removes the slots that `settings`
/// selects or that one of `removed` opens.
#[napi(catch_unwind, ts_return_type = "Promise<RewrapReport>")]
pub fn rewrap<'env>(
    env: &'env Env,
    path: String,
    identities: Vec<CredentialArgument<'_>>,
    open: OpenSettings<'_>,
    added: Vec<CredentialArgument<'_>>,
    removed: Vec<CredentialArgument<'_>>,
    settings: RewrapSettings<'_>,
) -> Result<Object<'env>> {
    let open = open.for_identities(env, &identities)?;
    let flush = settings.flush;
    // It may take long: a header that outgrows its room has the whole stream copied.
    let task = Task::new(settings.cancellation.as_deref()).of_size(u64::MAX);
    let change = change(settings, &added, &removed)?;
    task.launch(env, move |control| {
        rewrap_file(Path::new(&path), &change, &open, flush, control).map(RewrapReport::from)
    })
}

/// Changes a header that is kept apart, as `rewrap` changes that of a file, and returns the new one.
#[napi(catch_unwind, ts_return_type = "Promise<ReturnType<typeof Buffer.alloc>>")]
pub fn rewrap_header<'env>(
    env: &'env Env,
    #[napi(ts_arg_type = "Uint8Array")] header: BytesCopy,
    identities: Vec<CredentialArgument<'_>>,
    open: OpenSettings<'_>,
    added: Vec<CredentialArgument<'_>>,
    removed: Vec<CredentialArgument<'_>>,
    settings: RewrapSettings<'_>,
) -> Result<Object<'env>> {
    let open = open.for_identities(env, &identities)?;
    let task = Task::new(settings.cancellation.as_deref()).for_slots(open.slot_types());
    let change = change(settings, &added, &removed)?;
    task.launch(env, move |control| {
        rewrap::rewrap_header(&header, &change, &open, &control.cancel).map(CopiedBytes)
    })
}

fn change(
    settings: RewrapSettings<'_>,
    added: &[CredentialArgument<'_>],
    removed: &[CredentialArgument<'_>],
) -> Result<SlotChange> {
    let add = added.iter().map(recipient_of).collect::<Result<_>>()?;
    let selected = settings.remove.into_iter().map(SlotSelector::try_from);
    let opened = removed
        .iter()
        .map(|identity| identity_of(identity).map(SlotSelector::Opens));
    let remove = selected.chain(opened).collect::<Result<_>>()?;
    Ok(if settings.replace {
        SlotChange::Replace(add)
    } else {
        SlotChange::Edit { add, remove }
    })
}
