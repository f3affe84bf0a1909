//! Bytes of one file to another.

use crate::stream_v2::cancel::CancellationToken;
use crate::stream_v2::failure::{SealFailure, SizeRelation};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// Appends the `size` bytes of `from` that start at `offset` to what was written to `to`; `told` hears of every portion. The
/// system copies them without a detour through this process where it can.
///
/// # Errors
/// `SourceChanged` where there are fewer, `Io`, `Cancelled`.
pub(crate) fn append_bytes(
    mut from: &File,
    mut to: &File,
    offset: u64,
    size: u64,
    cancel: &CancellationToken,
    mut told: impl FnMut(u64),
) -> Result<(), SealFailure> {
    from.seek(SeekFrom::Start(offset)).map_err(SealFailure::reading)?;
    let mut left = size;
    while left > 0 {
        cancel.check()?;
        let copied = io::copy(&mut from.take(left.min(PORTION)), &mut to).map_err(SealFailure::writing)?;
        if copied == 0 {
            return Err(SealFailure::SourceChanged {
                expected: offset.saturating_add(size),
                relation: SizeRelation::Shorter,
            });
        }
        left -= copied;
        told(copied);
    }
    Ok(())
}

/// Bytes that are copied before the token is looked at.
const PORTION: u64 = 8 * 1024 * 1024;
