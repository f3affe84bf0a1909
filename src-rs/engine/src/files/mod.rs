//! Sealing and opening whole files by path. The output appears complete or not at all.

mod metadata;
mod new_file;

#[cfg(test)]
pub(crate) mod tests;

use metadata::restore;
pub use new_file::SourceFile;
pub(crate) use new_file::{ALL_BITS, OWNER_BITS};
pub use new_file::{NewFile, Placement, UnfinishedFile};

use crate::crypto::SecretKey;
use crate::error::{IoOperation, SealError};
use crate::operation::damage::DamagePolicy;
use crate::operation::options::{Control, DecryptOptions, EncryptOptions, invalid};
use crate::operation::report::Report;
use crate::resume::{Attempt, ResumableOutput, SourceMark, decrypt_resumable, encrypt_resumable};
use crate::stream_v2::core::{decrypt_stream_v2, encrypt_stream_v2};
use crate::stream_v2::io::{InputSource, OutputFile, OutputSink};
use std::path::Path;

/// Seals the regular file `from` into the new file `to`, which gets the permission bits of `from`.
///
/// # Errors
/// See [`SealError`]. `to` is then unchanged and no file is left beside it, but see
/// [`OutputFile::commit`](crate::stream_v2::io::OutputFile::commit) for a disk that fails at the last moment.
pub fn encrypt_file(
    from: &Path,
    to: &Path,
    options: &EncryptOptions<'_>,
    placement: Placement,
    control: &Control<'_>,
) -> Result<Report, SealError> {
    let source = SourceFile::open(from)?;
    let options = &*source.with_metadata(options)?;
    source.convert(to, placement, ALL_BITS, |output| {
        let (source, sink) = (
            InputSource::positioned(&source.file),
            OutputSink::positioned(output.file()),
        );
        encrypt_stream_v2(source, sink, options, control)
    })
}

/// Opens the sealed file `from` into the new file `to`, which gets the owner's permission bits of `from`: users who may
/// read the sealed bytes need not be allowed to read the plaintext.
///
/// # Errors
/// As [`encrypt_file`].
pub fn decrypt_file(
    from: &Path,
    to: &Path,
    options: &DecryptOptions<'_>,
    placement: Placement,
    control: &Control<'_>,
) -> Result<Report, SealError> {
    let source = SourceFile::open(from)?;
    source.convert(to, placement, OWNER_BITS, |output| {
        let (source, sink) = (
            InputSource::positioned(&source.file),
            OutputSink::positioned(output.file()),
        );
        let report = decrypt_stream_v2(source, sink, options, control)?;
        restore_metadata(&report, output, options)?;
        Ok(report)
    })
}

/// Gives the output of opening what `options` say of the metadata.
pub(crate) fn restore_metadata(
    report: &Report,
    output: &mut OutputFile,
    options: &DecryptOptions<'_>,
) -> Result<(), SealError> {
    let metadata = report.metadata.as_ref().filter(|_| options.restore_metadata);
    if let Some(mode) = restore(metadata, output.file())? {
        output.set_new_mode(mode);
    }
    Ok(())
}

/// As [`encrypt_file`], but the unfinished output and its journal stay beside `to` until the operation succeeds. The next
/// attempt finds them and does only what is missing. `secret` opens the journal even if none of the recipients' keys does.
///
/// # Errors
/// See [`SealError`]. `JournalRefused` and `SourceChanged` concern the journal, and `TargetBusy` another operation on the
/// same target. `SameFile` is also the error for a `from` that has the name of the unfinished output or its journal. A
/// journal that can't be used is no error: the report says why.
pub fn encrypt_file_resumable(
    from: &Path,
    to: &Path,
    options: &EncryptOptions<'_>,
    placement: Placement,
    secret: Option<&SecretKey>,
    control: &Control<'_>,
) -> Result<Report, SealError> {
    let source = SourceFile::open(from)?;
    let options = &*source.with_metadata(options)?;
    convert_resumable(&source, to, placement, ALL_BITS, secret, false, |attempt| {
        encrypt_resumable(&source.file, attempt, options, control)
    })
}

/// As [`decrypt_file`], but the unfinished output and its journal stay beside `to` until the operation succeeds. The next
/// attempt finds them and does only what is missing.
///
/// # Errors
/// As [`encrypt_file_resumable`], and `InvalidOption` for a policy other than `Abort`: a journal lists only undamaged
/// segments.
pub fn decrypt_file_resumable(
    from: &Path,
    to: &Path,
    options: &DecryptOptions<'_>,
    placement: Placement,
    control: &Control<'_>,
) -> Result<Report, SealError> {
    if !matches!(options.on_damage, DamagePolicy::Abort) {
        return Err(invalid("onDamage", "must be 'abort' when resume is set"));
    }
    let source = SourceFile::open(from)?;
    let restores = options.restore_metadata;
    convert_resumable(&source, to, placement, OWNER_BITS, None, restores, |attempt| {
        decrypt_resumable(&source.file, attempt, options, control)
    })
}

/// As [`SourceFile::convert`], with an output that stays for the next attempt.
fn convert_resumable(
    source: &SourceFile<'_>,
    to: &Path,
    placement: Placement,
    mode_mask: u32,
    secret: Option<&SecretKey>,
    restores_metadata: bool,
    work: impl Fn(Attempt<'_>) -> Result<Report, SealError>,
) -> Result<Report, SealError> {
    let from = source.path;
    let mark = SourceMark::of(&source.file)
        .map_err(|error| SealError::io(IoOperation::Inspect, Some(from), &error))?;
    let attempt = |output: &ResumableOutput| {
        let lock = output.lock();
        let journal = lock.journal().try_clone();
        work(Attempt {
            source: mark,
            output: output.file(),
            is_target: output.is_target(),
            journal: Box::new(journal.map_err(|error| SealError::io(IoOperation::Create, Some(to), &error))?),
            journal_path: lock.journal_path(),
            secret,
            started_over: lock.started_over(),
            flush: placement.flush && !output.is_target(),
        })
    };
    let mut output = ResumableOutput::open(&source.file, to, placement.overwrite)?;
    let mut result = attempt(&output);
    if output.is_target() && !matches!(result, Ok(_) | Err(SealError::Cancelled)) {
        // The target is not this operation's complete output, or can't be read. An error with another cause occurs again.
        output.start_over()?;
        result = attempt(&output);
    }
    let report = result.map_err(|error| error.on_file(from, to))?;
    let metadata = report.metadata.as_ref().filter(|_| restores_metadata);
    let mode = restore(metadata, output.file()).map_err(|error| error.on_file(from, to))?;
    output.commit(mode.or(source.mode.map(|mode| mode & mode_mask)), placement.flush)?;
    Ok(report)
}
