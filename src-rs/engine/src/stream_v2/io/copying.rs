//! Bytes of one file to another.

use crate::error::{SealError, SizeRelation};
use crate::operation::cancel::CancellationToken;
use std::fs::File;
use std::io;
use std::io::{Read, Seek, SeekFrom};

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
) -> Result<(), SealError> {
    from.seek(SeekFrom::Start(offset)).map_err(SealError::reading)?;
    let mut left = size;
    while left > 0 {
        cancel.check()?;
        let copied = io::copy(&mut from.take(left.min(PORTION)), &mut to).map_err(|error| {
            // The copy does not say which end failed: one that can't be read still can't.
            match io::copy(&mut from.take(1), &mut io::sink()) {
                Err(_) => SealError::reading(error),
                Ok(_) => SealError::writing(error),
            }
        })?;
        if copied == 0 {
            return Err(SealError::SourceChanged {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::IoOperation;

    #[test]
    fn the_end_that_fails_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("it");
        std::fs::write(&path, b"0123456789").unwrap();
        let readable = File::open(&path).unwrap();
        let writable = File::create(folder.path().join("other")).unwrap();
        let unreadable = File::options().append(true).open(&path).unwrap();
        for (from, to, due) in [
            (&unreadable, &writable, IoOperation::Read),
            (&readable, &readable, IoOperation::Write),
        ] {
            let failure = append_bytes(from, to, 2, 5, &CancellationToken::new(), |_| {}).unwrap_err();
            assert!(
                matches!(failure, SealError::Io { operation, .. } if operation == due),
                "{failure}"
            );
        }
    }
}
