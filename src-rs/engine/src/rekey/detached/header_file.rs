//! The file of a detached header.

use crate::error::{IoOperation, SealError};
use crate::files::{NewFile, Placement};
use crate::stream_v2::io::{OutputFile, Overwrite};
use std::fs::File;
use std::io::Write;
use std::path::Path;

/// Where to write a detached header. A new file is readable by its owner alone.
#[derive(Clone, Copy, Debug)]
pub struct HeaderFile<'a> {
    /// Path of the file.
    pub path: &'a Path,
    /// What to do if the file exists.
    pub overwrite: Overwrite,
}

/// Has `work` write `body`, and writes the header that it returns into `file`, if there is one. The file is created, and thus
/// checked, before the work.
///
/// The header file gets its name when nothing remains to be done for the body but its own name. Any failure before leaves
/// both targets unchanged, and the body never stands in its place without its header.
///
/// # Errors
/// Those of `work` and of [`NewFile::write`]. `SameFile` is also the error for a file that has the body's path.
pub(super) fn write_header_file<T>(
    file: Option<HeaderFile<'_>>,
    source: &File,
    body: &OutputFile,
    flush: bool,
    work: impl FnOnce() -> Result<(T, Vec<u8>), SealError>,
) -> Result<(T, Vec<u8>), SealError> {
    let Some(HeaderFile { path, overwrite }) = file else {
        return work();
    };
    let new = NewFile {
        from: path,
        sources: &[source],
        to: path,
        mode: None,
        placement: Placement { overwrite, flush },
    };
    new.write(|output| {
        let inspected = |error| SealError::io(IoOperation::Inspect, Some(path), &error);
        if output.has_same_target(body).map_err(inspected)? {
            return Err(SealError::SameFile {
                path: path.display().to_string(),
            });
        }
        let (result, header) = work()?;
        output.file().write_all(&header).map_err(SealError::writing)?;
        if flush {
            body.file()
                .sync_all()
                .map_err(|error| SealError::io(IoOperation::Flush, Some(body.target()), &error))?;
        }
        Ok((result, header))
    })
}
