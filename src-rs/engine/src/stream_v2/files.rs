//! Sealing and opening whole files by path: output that appears complete or not at all.

use super::core::{
    decrypt_placed, decrypt_resumable, decrypt_stream_v2, encrypt_placed, encrypt_resumable,
    encrypt_stream_v2,
};
use super::damage::DamagePolicy;
use super::failure::{IoOperation, SealFailure, StartedOver};
use super::io::{FoundOutput, InputSource, OutputFile, OutputSink, Overwrite, UnfinishedFile, open_source};
use super::options::{Control, DecryptOptions, EncryptOptions, invalid};
use super::report::Report;
use super::resume::Attempt;
use crate::crypto::SecretKey;
use crate::recovery::{Claim, SourceMark};
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
/// See [`SealFailure`]. On any of them `to` is as it was and nothing is left beside it, but see
/// [`OutputFile::commit`] for a disk that fails at the last moment.
pub fn decrypt_file(
    from: &Path,
    to: &Path,
    options: &DecryptOptions<'_>,
    placement: Placement,
    control: &Control<'_>,
) -> Result<Report, SealFailure> {
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
/// See [`SealFailure`]; those of a journal are `JournalRefused` and `SourceChanged`, and `TargetBusy` is that of another
/// operation on the same target. `SameFile` is also that of a `from` that stands where the unfinished output or its journal
/// belongs. A journal that is of no use is no error: the report says why.
pub fn encrypt_file_resumable(
    from: &Path,
    to: &Path,
    options: &EncryptOptions<'_>,
    placement: Placement,
    secret: Option<&SecretKey>,
    control: &Control<'_>,
) -> Result<Report, SealFailure> {
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
) -> Result<Report, SealFailure> {
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
        placed: impl FnOnce(&File, Attempt<'_>) -> Result<Option<Report>, SealFailure>,
        convert: impl FnOnce(&File, Attempt<'_>) -> Result<Report, SealFailure>,
    ) -> Result<Report, SealFailure> {
        let Self {
            from, to, placement, ..
        } = *self;
        let looked = |error: std::io::Error| SealFailure::io(IoOperation::Inspect, Some(from), &error);
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
                    Err(SealFailure::Cancelled) => return Err(SealFailure::Cancelled),
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
        claim: &'o Claim,
    ) -> Result<Attempt<'o>, SealFailure> {
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
                journal.map_err(|error| SealFailure::io(IoOperation::Create, Some(self.to), &error))?,
            ),
            journal_path: claim.journal_path(),
            secret: self.secret,
            lost,
            flush: self.placement.flush,
        })
    }
}

/// Opens one file, and writes another that appears complete or not at all.
pub(super) fn convert(
    from: &Path,
    to: &Path,
    placement: Placement,
    mode_mask: u32,
    convert: impl FnOnce(&File, &OutputFile) -> Result<Report, SealFailure>,
) -> Result<Report, SealFailure> {
    let source = open_source(from)?;
    let output = OutputFile::create(Some(&source), to, placement.overwrite)?;
    let mode = mode_of(&source).map_err(|error| SealFailure::io(IoOperation::Inspect, Some(from), &error))?;
    let report = convert(&source, &output).map_err(|failure| failure.on_file(from, to))?;
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

pub(super) const ALL_BITS: u32 = 0o777;
pub(super) const OWNER_BITS: u32 = 0o700;
