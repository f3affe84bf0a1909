//! A header of another size, or without a copy to fall back on: the stream moves to a new file that takes the old one's place.

use super::plan::Plan;
use crate::error::SealError;
use crate::format::{FOOTER_SIZE, Footer};
use crate::operation::options::Control;
use crate::stream_v2::io::{ChangedFile, WriteAt, append_bytes};
use std::fs::File;
use std::io::Write;
use std::path::Path;

/// Writes the new file and gives it the old one's name; `path` is what messages call that.
pub(super) fn write(
    file: &ChangedFile,
    path: &Path,
    plan: &Plan,
    flush: bool,
    control: &Control<'_>,
) -> Result<(), SealError> {
    let output = file.successor()?;
    fill(file.file(), output.file(), plan, control).map_err(|failure| failure.on_file(path, path))?;
    file.give_way(output, flush)
}

fn fill(from: &File, mut to: &File, plan: &Plan, control: &Control<'_>) -> Result<(), SealError> {
    let tail = tail(plan);
    let size = plan.header.len() as u64 + plan.inner_size + tail.len() as u64;
    to.reserve(size).map_err(SealError::writing)?;
    to.write_all(&plan.header).map_err(SealError::writing)?;
    let meter = control.meter(Some(plan.inner_size));
    let (offset, size) = (plan.old.size().into(), plan.inner_size);
    append_bytes(from, to, offset, size, &control.cancel, |bytes| meter.add(bytes))?;
    to.write_all(&tail).map_err(SealError::writing)?;
    meter.finish();
    Ok(())
}

/// What stands behind the end record.
fn tail(plan: &Plan) -> Vec<u8> {
    let mut tail = Vec::new();
    if plan.old.core.header_copy {
        tail.extend_from_slice(&plan.header);
    }
    let record = plan.end_record_size;
    let footer = Footer {
        end_size: record + (tail.len() + FOOTER_SIZE) as u64,
    };
    tail.extend_from_slice(&footer.encode());
    tail
}
