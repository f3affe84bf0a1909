//! Sealing and opening whole files by path: output that appears complete or not at all.

use super::core::{decrypt_stream_v2, encrypt_stream_v2};
use super::failure::{IoOperation, SealFailure};
use super::io::{InputSource, OutputFile, OutputSink, Overwrite, open_source};
use super::options::{Control, DecryptOptions, EncryptOptions};
use super::report::Report;
use std::fs::File;
use std::path::Path;

/// How to put the output in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// What to do where the target exists.
    pub overwrite: Overwrite,
    /// Have the bytes and the name on the disk before the operation ends.
    pub flush: bool,
}

/// Seals the regular file `from` into the new file `to`, which gets the permission bits of `from`.
///
/// # Errors
/// See [`SealFailure`]. On any of them `to` is as it was and nothing is left beside it, but see
/// [`OutputFile::commit`] for a disk that fails at the last moment.
pub fn encrypt_file(
    from: &Path,
    to: &Path,
    options: &EncryptOptions<'_>,
    placement: Placement,
    control: &Control<'_>,
) -> Result<Report, SealFailure> {
    convert(from, to, placement, ALL_BITS, |source, sink| {
        encrypt_stream_v2(source, sink, options, control)
    })
}

/// Opens the sealed file `from` into the new file `to`, which gets the permission bits of `from` without those of group
/// and others: who may read the sealed bytes need not be who may read the plaintext.
///
/// # Errors
/// See [`SealFailure`]. On any of them `to` is as it was and nothing is left beside it, but see
/// [`OutputFile::commit`] for a disk that fails at the last moment.
pub fn decrypt_file(
    from: &Path,
    to: &Path,
    options: &DecryptOptions<'_>,
    placement: Placement,
    control: &Control<'_>,
) -> Result<Report, SealFailure> {
    convert(from, to, placement, OWNER_BITS, |source, sink| {
        decrypt_stream_v2(source, sink, options, control)
    })
}

fn convert(
    from: &Path,
    to: &Path,
    placement: Placement,
    mode_mask: u32,
    convert: impl FnOnce(InputSource<'_>, OutputSink<'_>) -> Result<Report, SealFailure>,
) -> Result<Report, SealFailure> {
    let source = open_source(from)?;
    let output = OutputFile::create(Some(&source), to, placement.overwrite)?;
    let mode = mode_of(&source).map_err(|error| SealFailure::io(IoOperation::Inspect, Some(from), &error))?;
    let report = convert(InputSource::file(source), OutputSink::file(output.file()))
        .map_err(|failure| failure.on_file(from, to))?;
    output.commit(mode.map(|mode| mode & mode_mask), placement.flush)?;
    Ok(report)
}

#[cfg(unix)]
pub(super) fn mode_of(file: &File) -> std::io::Result<Option<u32>> {
    use std::os::unix::fs::PermissionsExt;
    file.metadata()
        .map(|metadata| Some(metadata.permissions().mode()))
}

#[cfg(not(unix))]
pub(super) fn mode_of(_: &File) -> std::io::Result<Option<u32>> {
    Ok(None)
}

const ALL_BITS: u32 = 0o777;
pub(super) const OWNER_BITS: u32 = 0o700;
