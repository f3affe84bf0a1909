//! A header written over the old one, so that at every moment one of the two sound headers is on the disk.

use super::plan::Plan;
use crate::error::{IoOperation, SealError};
use crate::resume::Unfinished;
use std::io::IoSlice;

/// Writes the copy, which stands at `copy_at`, and then the header; each is on the disk before anything else is written.
///
/// Where the header itself is damaged or older than the copy, it is first made what the copy is: until then the copy is the only
/// one that opens with the keys that the stream was last given.
pub(crate) fn write(target: &dyn Unfinished, plan: &Plan, copy_at: u64) -> Result<(), SealError> {
    let write = |offset, bytes: &[u8]| {
        target
            .write_at(offset, &mut [IoSlice::new(bytes)])
            .map_err(SealError::writing)?;
        target
            .sync()
            .map_err(|error| SealError::io(IoOperation::Flush, None, &error))
    };
    if plan.from_copy {
        write(0, &plan.old.bytes)?;
    }
    write(copy_at, &plan.header).inspect_err(|_| {
        // Best effort: the header is sound whatever became of its copy, and the failure is what the caller must hear of.
        let _ = write(copy_at, &plan.old.bytes);
    })?;
    write(0, &plan.header)
}
