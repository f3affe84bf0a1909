//! Sealing and opening whole files by path: output that appears complete or not at all.

#[cfg(test)]
pub(crate) mod tests;

use crate::crypto::SecretKey;
use crate::error::{IoOperation, SealError, StartedOver};
use crate::operation::damage::DamagePolicy;
use crate::operation::options::{Control, DecryptOptions, EncryptOptions, invalid};
use crate::operation::report::Report;
use crate::resume::{
    Attempt, FoundOutput, SourceMark, UnfinishedFile, decrypt_placed, decrypt_resumable, encrypt_placed,
    encrypt_resumable,
};
use crate::stream_v2::core::{decrypt_stream_v2, encrypt_stream_v2};
use crate::stream_v2::io::{InputSource, OutputFile, OutputSink, Overwrite, TargetLock, open_source};
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
/// See [`SealError`]. On any of them `to` is as it was and nothing is left beside it, but see
/// [`OutputFile::commit`] for a disk that fails at the last moment.
pub fn encrypt_file(
    from: &Path,
    to: &Path,
    options: &EncryptOptions<'_>,
    placement: Placement,
    control: &Control<'_>,
) -> Result<Report, SealError> {
    convert(from, to, placement, ALL_BITS, |source, output| {
        let (source, sink) = (
            InputSource::Positioned(Box::new(source)),
            OutputSink::file(output.file()),
        );
        encrypt_stream_v2(source, sink, options, control)
    })
}

/// Opens the sealed file `from` into the new file `to`, which gets the permission bits of `from` without those of group
/// and others: who may read the sealed bytes need not be who may read the plaintext.
///
/// # Errors
/// See [`SealError`]. On any of them `to` is as it was and nothing is left beside it, but see
/// [`OutputFile::commit`] for a disk that fails at the last moment.
pub fn decrypt_file(
    from: &Path,
    to: &Path,
    options: &DecryptOptions<'_>,
    placement: Placement,
    control: &Control<'_>,
) -> Result<Report, SealError> {
    convert(from, to, placement, OWNER_BITS, |source, output| {
        let (source, sink) = (
            InputSource::Positioned(Box::new(source)),
            OutputSink::file(output.file()),
        );
        decrypt_stream_v2(source, sink, options, control)
    })
}

/// As [`encrypt_file`], but an unfinished output and its journal stay beside `to` until the operation succeeds, and an
/// operation that finds them does only what is missing. With `secret` the journal can be opened by whoever has that, also
/// where none of the recipients' keys opens the stream.
///
/// # Errors
/// See [`SealError`]; those of a journal are `JournalRefused` and `SourceChanged`, and `TargetBusy` is that of another
/// operation on the same target. `SameFile` is also that of a `from` that stands where the unfinished output or its journal
/// belongs. A journal that is of no use is no error: the report says why.
pub fn encrypt_file_resumable(
    from: &Path,
    to: &Path,
    options: &EncryptOptions<'_>,
    placement: Placement,
    secret: Option<&SecretKey>,
    control: &Control<'_>,
) -> Result<Report, SealError> {
    let ends = Ends {
        from,
        to,
        placement,
        secret,
    };
    ends.convert_resumable(
        ALL_BITS,
        |_, attempt| encrypt_placed(attempt, options, control),
        |source, attempt| encrypt_resumable(source, attempt, options, control),
    )
}

/// As [`decrypt_file`], but an unfinished output and its journal stay beside `to` until the operation succeeds, and an
/// operation that finds them does only what is missing.
///
/// # Errors
/// As [`encrypt_file_resumable`], and `InvalidOption` for a decision about damage: a journal notes what is sound.
pub fn decrypt_file_resumable(
    from: &Path,
    to: &Path,
    options: &DecryptOptions<'_>,
    placement: Placement,
    control: &Control<'_>,
) -> Result<Report, SealError> {
    if !matches!(options.on_damage, DamagePolicy::Abort) {
        return Err(invalid(
            "onDamage",
            "can't be anything but 'abort' together with resume",
        ));
    }
    let ends = Ends {
        from,
        to,
        placement,
        secret: None,
    };
    ends.convert_resumable(
        OWNER_BITS,
        |source, attempt| decrypt_placed(source, attempt, options, control),
        |source, attempt| decrypt_resumable(source, attempt, options, control),
    )
}

/// The two ends of an operation that can be resumed.
struct Ends<'a> {
    from: &'a Path,
    to: &'a Path,
    placement: Placement,
    secret: Option<&'a SecretKey>,
}

impl Ends<'_> {
    fn convert_resumable(
        &self,
        mode_mask: u32,
        placed: impl FnOnce(&File, Attempt<'_>) -> Result<Option<Report>, SealError>,
        convert: impl FnOnce(&File, Attempt<'_>) -> Result<Report, SealError>,
    ) -> Result<Report, SealError> {
        let Self {
            from, to, placement, ..
        } = *self;
        let looked = |error: std::io::Error| SealError::io(IoOperation::Inspect, Some(from), &error);
        let source = open_source(from)?;
        let mark = SourceMark::of(&source).map_err(looked)?;
        let mode = mode_of(&source).map_err(looked)?;
        let output = match FoundOutput::find(Some(&source), to, placement.overwrite)? {
            FoundOutput::Unfinished(output) => output,
            FoundOutput::Placed(output) => {
                let report = output.open().and_then(|target| {
                    let file = UnfinishedFile(&target);
                    placed(&source, self.attempt(mark, &file, output.claim())?)
                });
                match report {
                    Ok(Some(report)) => {
                        output.accept();
                        return Ok(report);
                    }
                    Err(SealError::Cancelled) => return Err(SealError::Cancelled),
                    // What stands there is not this operation's, or can't be read. Whatever else is wrong shows again.
                    Ok(None) | Err(_) => output.write_again()?,
                }
            }
        };
        let file = UnfinishedFile(output.file());
        let attempt = self.attempt(mark, &file, output.claim())?;
        let report = convert(&source, attempt).map_err(|failure| failure.on_file(from, to))?;
        output.commit(mode.map(|mode| mode & mode_mask), placement.flush)?;
        Ok(report)
    }

    fn attempt<'o>(
        &'o self,
        source: SourceMark,
        output: &'o UnfinishedFile<'o>,
        claim: &'o TargetLock,
    ) -> Result<Attempt<'o>, SealError> {
        let journal = claim.journal().try_clone();
        let lost = if claim.distrusted() {
            Some(StartedOver::Distrusted)
        } else if claim.resumes() && claim.lacked_partial() {
            Some(StartedOver::OutputMissing)
        } else {
            None
        };
        Ok(Attempt {
            source,
            output,
            journal: Box::new(
                journal.map_err(|error| SealError::io(IoOperation::Create, Some(self.to), &error))?,
            ),
            journal_path: claim.journal_path(),
            secret: self.secret,
            lost,
            flush: self.placement.flush,
        })
    }
}

/// Opens one file, and writes another that appears complete or not at all.
pub(crate) fn convert(
    from: &Path,
    to: &Path,
    placement: Placement,
    mode_mask: u32,
    convert: impl FnOnce(&File, &OutputFile) -> Result<Report, SealError>,
) -> Result<Report, SealError> {
    let source = open_source(from)?;
    let output = OutputFile::create(Some(&source), to, placement.overwrite)?;
    let mode = mode_of(&source).map_err(|error| SealError::io(IoOperation::Inspect, Some(from), &error))?;
    let report = convert(&source, &output).map_err(|failure| failure.on_file(from, to))?;
    output.commit(mode.map(|mode| mode & mode_mask), placement.flush)?;
    Ok(report)
}

#[cfg(unix)]
pub(crate) fn mode_of(file: &File) -> std::io::Result<Option<u32>> {
    use std::os::unix::fs::PermissionsExt;
    file.metadata()
        .map(|metadata| Some(metadata.permissions().mode()))
}

#[cfg(not(unix))]
pub(crate) fn mode_of(_: &File) -> std::io::Result<Option<u32>> {
    Ok(None)
}

pub(crate) const ALL_BITS: u32 = 0o777;
pub(crate) const OWNER_BITS: u32 = 0o700;
