//! The file in which a header is kept that is apart from its stream.

use crate::error::{IoOperation, SealError};
use crate::stream_v2::io::{OutputFile, Overwrite};
use std::fs::File;
use std::io::Write;
use std::path::Path;

/// Where a header goes that is kept apart. The file is its owner's alone, unless it replaces another.
#[derive(Clone, Copy, Debug)]
pub struct HeaderFile<'a> {
    /// Its path.
    pub path: &'a Path,
    /// What to do where the file exists.
    pub overwrite: Overwrite,
}

/// A header's file beside its place.
pub(super) struct UnnamedHeader<'a> {
    path: &'a Path,
    output: OutputFile,
}

impl<'a> HeaderFile<'a> {
    /// Finds out, before any work, whether the file can be written; `body` is where the rest of what `source` gives goes.
    ///
    /// # Errors
    /// As those of [`OutputFile::create`]; `SameFile` is also that of the body's own path.
    pub(super) fn create(self, source: &File, body: &OutputFile) -> Result<UnnamedHeader<'a>, SealError> {
        let Self { path, overwrite } = self;
        let output = OutputFile::create(Some(source), path, overwrite)?;
        let inspected = |error| SealError::io(IoOperation::Inspect, Some(path), &error);
        if output.has_the_name_of(body).map_err(inspected)? {
            let path = path.display().to_string();
            return Err(SealError::SameFile { path });
        }
        Ok(UnnamedHeader { path, output })
    }
}

impl UnnamedHeader<'_> {
    /// Writes the header and gives it its name, when nothing is left to be done for `body` but that: whatever fails until then leaves
    /// both places as they were, and there is no moment at which the body stands in its place and its header does not.
    ///
    /// # Errors
    /// As those of [`OutputFile::commit`].
    pub(super) fn keep(self, header: &[u8], body: &OutputFile, flush: bool) -> Result<(), SealError> {
        let Self { path, output } = self;
        output
            .file()
            .write_all(header)
            .map_err(|error| SealError::writing(error).on_file(path, path))?;
        if flush {
            body.file()
                .sync_all()
                .map_err(|error| SealError::io(IoOperation::Flush, None, &error))?;
        }
        output.commit(None, flush)
    }
}
