//! Copies byte ranges between files.

use crate::error::{SealError, SizeRelation};
use crate::operation::cancel::CancellationToken;
use std::fs::File;
use std::io;
use std::io::{Read, Seek, SeekFrom};

/// Appends `size` bytes of `from`, starting at `offset`, to `to`. `on_progress` gets the size of each portion copied.
/// Where the system can, it copies without passing the bytes through this process.
///
/// # Errors
/// `SourceChanged` if `from` has fewer bytes, `Io`, `Cancelled`.
pub(crate) fn append_range(
    mut from: &File,
    mut to: &File,
    offset: u64,
    size: u64,
    cancel: &CancellationToken,
    mut on_progress: impl FnMut(u64),
) -> Result<(), SealError> {
    from.seek(SeekFrom::Start(offset)).map_err(SealError::reading)?;
    let mut remaining = size;
    while remaining > 0 {
        cancel.check()?;
        let copied = io::copy(&mut from.take(remaining.min(PORTION)), &mut to).map_err(|error| {
            // The copy does not say which file failed. If the source is the cause, reading one byte fails again.
            match io::copy(&mut from.take(1), &mut io::sink()) {
                Err(_) => SealError::reading(error),
                Ok(_) => SealError::writing(error),
            }
        })?;
        if copied == 0 {
            return Err(SealError::source_changed(
                offset.saturating_add(size),
                SizeRelation::Shorter,
            ));
        }
        remaining -= copied;
        on_progress(copied);
    }
    Ok(())
}

/// Bytes copied between two checks of the token.
const PORTION: u64 = 8 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::IoOperation;

    #[test]
    fn the_error_names_the_failed_operation() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, b"0123456789").unwrap();
        let readable = File::open(&path).unwrap();
        let writable = File::create(folder.path().join("other")).unwrap();
        let unreadable = File::options().append(true).open(&path).unwrap();
        for (from, to, due) in [
            (&unreadable, &writable, IoOperation::Read),
            (&readable, &readable, IoOperation::Write),
        ] {
            let failure = append_range(from, to, 2, 5, &CancellationToken::new(), |_| {}).unwrap_err();
            assert!(
                matches!(failure, SealError::Io { operation, .. } if operation == due),
                "{failure}"
            );
        }
    }
}
