//! Who can open a sealed file, changed without touching what is sealed.
//!
//! Only the header says who can open a stream, so only the header and its copy are written: in place where the new header has
//! the old one's size and there is a copy to fall back on, and else through a new file. The stream's key stays the same:
//! whoever had it, or kept an older header or another copy of the file, can still open it. Only sealing anew revokes.

mod change;
mod in_place;
mod new_file;
mod plan;

#[cfg(test)]
pub(crate) use in_place::write as write_in_place;
pub(crate) use plan::Plan;

use crate::error::SealError;
use crate::format::SlotType;
use crate::inspect::SlotInfo;
use crate::keys::{Identity, Recipient};
use crate::operation::options::{Control, DecryptOptions};
use crate::operation::report::OpenedBy;
use crate::stream_v2::io::ChangedFile;
use std::path::Path;

/// What becomes of a stream's key slots.
#[derive(Clone, Debug)]
pub enum Change {
    /// Slots are added behind those that stay. With neither an addition nor a removal the header is written again as it is, with
    /// the next revision: this mends a damaged copy of it and ends a rewrap that was interrupted.
    Edit {
        /// For whom.
        add: Vec<Recipient>,
        /// Which slots go. All are looked for among those that the header has before anything is added.
        remove: Vec<SlotSelector>,
    },
    /// The slots of all types that this release knows give way to those of these recipients; slots of other types stay.
    Replace(Vec<Recipient>),
}

impl Change {
    /// What callers call the list of those for whom slots are added.
    const fn name_of_added(&self) -> &'static str {
        match self {
            Self::Edit { .. } => "add",
            Self::Replace(_) => "replace",
        }
    }
}

/// Key slots of a header. A selector has to select at least one.
#[derive(Clone, Debug)]
pub enum SlotSelector {
    /// The slot at this position, from 0.
    Position(u32),
    /// Every slot of this type.
    Type(SlotType),
    /// Every slot of a key with this name, and every slot of a key service's key with this id.
    KeyId(String),
    /// Every slot that this opens. A passphrase costs what all passphrase slots of the header ask for, within the limit for
    /// opening it.
    Opens(Identity),
}

/// What to do with a file's header.
#[derive(Clone, Debug)]
pub struct RewrapOptions {
    /// Who may open the stream from now on.
    pub change: Change,
}

/// A header that was rewritten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RewrapReport {
    /// The stream's id.
    pub stream_id: [u8; 32],
    /// How often the header was rewritten, this time included.
    pub revision: u16,
    /// The header was written over the old one; else a new file took the old one's place.
    pub in_place: bool,
    /// Bytes of the header.
    pub header_size: u32,
    /// Who can open the stream now.
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedSlot {
    /// Position in the header, from 0.
    pub position: u32,
    /// The slot.
    pub slot: SlotInfo,
}

/// Changes who can open the sealed file at `path`. What is sealed stays as it is, byte for byte.
///
/// Of a header and a copy that differ since a rewrap was interrupted, the newer one is what is changed, whichever of the two
/// opens.
///
/// In place the header's copy is written first, and each of the two is on the disk before the next step, so that whatever ends
/// the operation leaves a file that opens: until the header is written with the keys of before and of after, then with those of
/// after. Where a new file is needed it gets the old one's permission bits but not its other names, and `flush` says whether it
/// is to be on the disk before this returns. Progress counts the bytes that are copied to a new file; in place there are none.
///
/// # Errors
/// Those of opening the stream, its end included: a stream that is cut or whose end is damaged has to be healed first.
/// `InvalidOption` for a selector that selects nothing, and for slots that a header can't have; `TargetBusy` where another rewrap
/// of the file is under way; `SourceChanged` where another file has taken its place before a new one could; `NotARegularFile`,
/// `Io`, `Cancelled`. The file is as it was then, with one exception: where the disk
/// fails between the header's copy and the header, it opens with the keys of before and after.
pub fn rewrap_file(
    path: &Path,
    options: &RewrapOptions,
    open: &DecryptOptions<'_>,
    flush: bool,
    control: &Control<'_>,
) -> Result<RewrapReport, SealError> {
    let file = ChangedFile::open(path)?;
    let target = file.bytes();
    let on_file = |failure: SealError| failure.on_file(path, path);
    let plan = Plan::make(&target, options, open, &control.cancel).map_err(on_file)?;
    match plan.copy_at() {
        Some(copy_at) => in_place::write(&target, &plan, copy_at).map_err(on_file)?,
        None => new_file::write(&file, path, &plan, flush, control)?,
    }
    Ok(plan.report)
}
