//! Writes the new header: over the old one, or into a new file.

use super::plan::RewrapPlan;
use crate::error::{IoOperation, SealError};
use crate::format::Footer;
use crate::operation::options::Control;
use crate::stream_v2::io::{ReadWriteAt, WriteAt, append_range};
use std::fs::File;
use std::io::{IoSlice, Write};

/// Writes the copy, which starts at `copy_offset`, and then the header. Each is on the disk before the next is written, so
/// that one of the two is valid at any time.
///
/// If the header is damaged or older than the copy, the copy is first written over it: until then only the copy opens with
/// the keys of the last rewrap.
pub(crate) fn write_in_place(
    file: &dyn ReadWriteAt,
    plan: &RewrapPlan,
    copy_offset: u64,
) -> Result<(), SealError> {
    let write = |offset, bytes: &[u8]| {
        file.write_at(offset, &mut [IoSlice::new(bytes)])
            .map_err(SealError::writing)?;
        file.sync()
            .map_err(|error| SealError::io(IoOperation::Flush, None, &error))
    };
    if plan.report.header_from_copy {
        write(0, &plan.old.bytes)?;
    }
    write(copy_offset, &plan.header).inspect_err(|_| {
        // Best effort: the header is still valid, and the caller must get the first error.
        let _ = write(copy_offset, &plan.old.bytes);
    })?;
    write(0, &plan.header)
}

/// Writes the stream with its new header into a new file.
pub(super) fn copy_stream(
    from: &File,
    mut to: &File,
    plan: &RewrapPlan,
    control: &Control<'_>,
) -> Result<(), SealError> {
    let mut after_end_record = Vec::new();
    let copy = plan.old.core.header_copy.then_some(&plan.header[..]);
    Footer::append(&mut after_end_record, plan.end_record_size, copy);
    let size = plan.header.len() as u64 + plan.inner_size + after_end_record.len() as u64;
    to.reserve(size).map_err(SealError::writing)?;
    to.write_all(&plan.header).map_err(SealError::writing)?;
    let meter = control.meter(Some(plan.inner_size));
    let (offset, size) = (plan.old.size().into(), plan.inner_size);
    append_range(from, to, offset, size, &control.cancel, |bytes| meter.add(bytes))?;
    to.write_all(&after_end_record).map_err(SealError::writing)?;
    meter.finish();
    Ok(())
}
