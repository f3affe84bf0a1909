//! Changes the key slots of a sealed file. The sealed data stays as it is.
//!
//! Only the header and its copy are written: in place if the new header has the old one's size and there is a copy, else into
//! a new file. The stream's key stays the same, so anyone who had it, or kept an older header or another copy of the file, can
//! still open the stream. To revoke access, the plaintext must be sealed again.

mod header;
mod locked_file;
mod plan;
mod slots;
mod write;

pub use header::rewrap_header;
pub(crate) use plan::RewrapPlan;
pub(crate) use write::write_in_place;

use crate::error::SealError;
use crate::format::SlotType;
use crate::inspect::SlotInfo;
use crate::keys::{Identity, Recipient};
use crate::operation::options::{Control, DecryptOptions};
use crate::operation::report::OpenedBy;
use locked_file::LockedFile;
use std::path::Path;

/// A change of a stream's key slots.
#[derive(Clone, Debug)]
pub enum SlotChange {
    /// Removes slots, and adds new ones after those that stay. If both lists are empty, the header is rewritten with the next
    /// revision and the same slots: this repairs a damaged copy and finishes an interrupted rewrap.
    Edit {
        /// Recipients of the new slots.
        add: Vec<Recipient>,
        /// Slots to remove, selected among those of the old header.
        remove: Vec<SlotSelector>,
    },
    /// Replaces all slots of known types by those of these recipients. Slots of unknown types stay.
    Replace(Vec<Recipient>),
}

impl SlotChange {
    /// The option that lists the new recipients.
    const fn name_of_added(&self) -> &'static str {
        match self {
            Self::Edit { .. } => "add",
            Self::Replace(_) => "replace",
        }
    }
}

/// Selects key slots of a header. A selector must select at least one.
#[derive(Clone, Debug)]
pub enum SlotSelector {
    /// The slot with this index, from 0.
    Index(u32),
    /// Every slot of this type.
    Type(SlotType),
    /// Every slot of a key, or a provider's key, with this id.
    KeyId(String),
    /// Every slot that this identity opens. A passphrase is derived for each passphrase slot of the header, within the cost
    /// limit for opening.
    Opens(Identity),
}

/// Result of a rewrap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RewrapReport {
    /// The stream's id.
    pub stream_id: [u8; 32],
    /// Number of times that the header was rewritten, including this time.
    pub revision: u16,
    /// The header was rewritten in place. Else a new file replaced the old one.
    pub in_place: bool,
    /// Bytes of the header.
    pub header_size: u32,
    /// The slots of the new header.
    pub slots: Vec<SlotInfo>,
    /// The slot that was opened. After an interrupted rewrap it can be a slot of the older header, which the change did not
    /// start from.
    pub opened_by: OpenedBy,
    /// The change started from the header's copy, because the header was damaged or older.
    pub header_from_copy: bool,
    /// The new slots, with their indexes in the new header.
    pub added: Vec<SlotInfo>,
    /// The removed slots, with their indexes in the old header.
    pub removed: Vec<SlotInfo>,
}

/// Changes the key slots of the sealed file at `path`. The sealed data stays as it is, byte for byte.
///
/// If header and copy differ because a rewrap was interrupted, the newer one is changed, whichever of the two opens.
///
/// In place, the copy is written first, and each write is on the disk before the next, so that the file opens whenever the
/// operation ends: with the old and the new keys until the header is written, then with the new ones. A new file gets the old
/// one's permission bits but not its other hard links; `flush` waits until it is on the disk. Progress counts the bytes copied
/// to a new file; in place there are none.
///
/// # Errors
/// Those of opening the stream and its end: a truncated stream, or one with a damaged end, must be healed first.
/// `InvalidOption` for a selector without a match, and for slots that a header can't have. `TargetBusy` if another rewrap of
/// the file is running. `SourceChanged` if another file took its place before the new one could. `NotARegularFile`, `Io`,
/// `Cancelled`. The file is then unchanged, with one exception: if the disk fails between the header's copy and the header,
/// it opens with the old and the new keys.
pub fn rewrap_file(
    path: &Path,
    change: &SlotChange,
    open: &DecryptOptions<'_>,
    flush: bool,
    control: &Control<'_>,
) -> Result<RewrapReport, SealError> {
    let locked = LockedFile::open(path)?;
    let on_file = |failure: SealError| failure.on_file(path, path);
    let plan = RewrapPlan::new(&locked.file, change, open, &control.cancel).map_err(on_file)?;
    match plan.copy_offset() {
        Some(offset) => write_in_place(&locked.file, &plan, offset).map_err(on_file)?,
        None => locked.replace(flush, |output| {
            write::copy_stream(&locked.file, output, &plan, control).map_err(on_file)
        })?,
    }
    Ok(plan.report)
}
