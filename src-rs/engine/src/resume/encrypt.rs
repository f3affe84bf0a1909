//! Resumable sealing.

use super::attempt::{Attempt, CHANGED, FoundJournal};
use super::journal::{JournalDirection, JournalHeader};
use super::validate::OutputLayout;
use crate::crypto::{FileKey, JournalKey, Random, StreamBinding, StreamKeys};
use crate::error::{SealError, StartedOver};
use crate::format::StreamHeader;
use crate::keys::{Recipient, UnlockError, UnlockLimits, is_sealed_for, public_keys, unlock};
use crate::operation::cancel::CancellationToken;
use crate::operation::options::{Control, EncryptOptions, invalid};
use crate::operation::report::Report;
use crate::stream_v2::core::create::{NewStream, core_extensions, find_signer};
use crate::stream_v2::core::encrypt::seal_by_offset;
use crate::stream_v2::core::sender::StreamSigner;
use crate::stream_v2::io::ReadAt;
use std::time::Instant;

/// Seals `source` into the attempt's output; resumes an earlier attempt if possible.
///
/// # Errors
/// See [`SealError`]. Output and journal then stay for the next attempt, unless the journal is empty.
pub(crate) fn encrypt_resumable(
    source: &dyn ReadAt,
    mut attempt: Attempt<'_>,
    options: &EncryptOptions<'_>,
    control: &Control<'_>,
) -> Result<Report, SealError> {
    let start = Instant::now();
    let random = &Random::system();
    let size = attempt.source.size;
    let signer = find_signer(options)?;
    if signer.is_some() && attempt.secret.is_none() {
        return Err(invalid("resumeSecret", NEEDED_TO_SIGN));
    }
    let mut found = find_stream(&mut attempt, options, signer, random, &control.cancel)?;
    let mut meter = control.meter(Some(size));
    let mut finished = Vec::new();
    if let Some((stream, journal)) = &found {
        let layout = OutputLayout::Records {
            header_size: stream.header_size(),
        };
        finished = attempt.validate(journal, &stream.context, size, layout, control, &meter)?;
        // The end of this stream was written. Sealing a lost segment again would give it another end: seal a new stream.
        if journal.entries.closed && finished.iter().any(Option::is_none) {
            attempt.started_over = Some(StartedOver::OutputDamaged);
            meter = control.meter(Some(size));
            found = None;
        }
    }
    let sink = attempt.sink();
    let (stream, checkpoints) = match found {
        Some((stream, journal)) => {
            let sealed_size = stream.sealed_size(size);
            (stream, attempt.resume(journal, finished, sealed_size)?)
        }
        None => {
            attempt.check_can_start_over()?;
            let (stream, header, key) = create_stream(&attempt, options, random)?;
            let digest = stream.context.geometry().digest();
            (stream, attempt.start_over(&header, key, digest)?)
        }
    };
    let tally = seal_by_offset(&stream, source, size, &*sink, control, &meter, Some(&checkpoints))?;
    meter.finish();
    Ok(Report {
        resume: Some(checkpoints.end()),
        ..stream.report(&tally, control.threads.count(), start)
    })
}

fn create_stream(
    attempt: &Attempt<'_>,
    options: &EncryptOptions<'_>,
    random: &Random,
) -> Result<(NewStream, JournalHeader, JournalKey), SealError> {
    let (stream, keys, file_key) = NewStream::with_keys(options, Some(attempt.source.size), random)?;
    let mut header = JournalHeader {
        direction: JournalDirection::Seal,
        source: attempt.source,
        wrapped: None,
        public_keys: None,
        stream_header: stream.header.clone(),
    };
    let key = journal_key(&keys, attempt, options.sender.is_some())?;
    header.set_public_keys(&key, &public_keys(&options.recipients));
    if let Some(secret) = attempt.secret {
        header.wrap(secret, &stream.binding, &file_key, random)?;
    }
    Ok((stream, header, key))
}

/// The stream that an earlier attempt began to seal; `None`, with the reason in `attempt.started_over`, if there is none
/// that can be resumed.
///
/// # Errors
/// `JournalRefused`, `SourceChanged`, `InvalidOption`, `Io`.
fn find_stream(
    attempt: &mut Attempt<'_>,
    options: &EncryptOptions<'_>,
    signer: Option<StreamSigner>,
    random: &Random,
    cancel: &CancellationToken,
) -> Result<Option<(NewStream, FoundJournal)>, SealError> {
    let size = attempt.source.size;
    let geometry = options.geometry(Some(size))?;
    let Some(stored) = attempt.read_header(JournalDirection::Seal)? else {
        return Ok(None);
    };
    let Ok(header) = StreamHeader::parse(&stored.header.stream_header) else {
        return Err(attempt.refused("it has no stream header"));
    };
    let (recipients, is_signed) = (&options.recipients, signer.is_some());
    let found = file_key(attempt, &stored.header, &header, recipients, is_signed, cancel)?;
    let Some(file_key) = found else {
        let has_secret = attempt.secret.is_some()
            || options
                .recipients
                .iter()
                .any(|recipient| recipient.identity().is_some());
        attempt.started_over = Some(if has_secret {
            StartedOver::NoMatchingKey
        } else {
            StartedOver::NoSecret
        });
        return Ok(None);
    };
    let core = &header.core;
    if header.core_extensions != core_extensions(signer.as_ref()) {
        attempt.started_over = Some(StartedOver::OptionsDiffer);
        return Ok(None);
    }
    let keys = StreamKeys::of(&header, &file_key, &options.context)?;
    if !keys.verify_header(header.authenticated(), &header.mac) {
        return Err(attempt.refused(CHANGED));
    }
    // Before the journal's MAC, because its key depends on the context.
    if !keys.verify_context(&header.context_check)? {
        attempt.started_over = Some(StartedOver::OptionsDiffer);
        return Ok(None);
    }
    let key = journal_key(&keys, attempt, signer.is_some())?;
    attempt.check_header(&stored, &key)?;
    let same_options = core.geometry == geometry
        && core.header_copy == options.header.copy
        && header.bytes.len()
            == header
                .unpadded_size()
                .max(options.header.padded_size(Some(size)) as usize)
        && core.plaintext_size == Some(size)
        && stored
            .header
            .has_public_keys(&key, &public_keys(&options.recipients))
        && is_sealed_for(&header, &options.recipients)?;
    if !same_options {
        attempt.started_over = Some(StartedOver::OptionsDiffer);
        return Ok(None);
    }
    let journal = attempt.read_entries(&stored, key, geometry.digest(), geometry.segment_count(size))?;
    let stream = NewStream::resumed(header, &keys, signer, options, random)?;
    Ok(Some((stream, journal)))
}

/// The key of the journal's stream, if a recipient's key or the resume secret opens it.
fn file_key(
    attempt: &Attempt<'_>,
    journal: &JournalHeader,
    header: &StreamHeader,
    recipients: &[Recipient],
    is_signed: bool,
    cancel: &CancellationToken,
) -> Result<Option<FileKey>, SealError> {
    // Recipients know the file key, but only the secret makes the journal's.
    if let (true, Some(secret)) = (is_signed, attempt.secret) {
        return Ok(journal.unwrap(secret, &StreamBinding::of(header))?);
    }
    let identities: Vec<_> = recipients.iter().filter_map(Recipient::identity).collect();
    let (limits, is_cancelled) = (UnlockLimits::default(), || cancel.is_cancelled());
    match unlock(header, &identities, &limits, &mut limits.budget(&is_cancelled)) {
        Ok(unlocked) => return Ok(Some(unlocked.file_key)),
        Err(UnlockError::NoMatch | UnlockError::WrongPassphrase) => {}
        Err(UnlockError::Tampered) => return Err(attempt.refused(CHANGED)),
        // Sealing allows no such cost, so the header was changed.
        Err(
            UnlockError::PassphraseMemory { .. }
            | UnlockError::PassphraseCost { .. }
            | UnlockError::PassphraseLanes { .. }
            | UnlockError::KeyAttempts { .. },
        ) => {
            return Err(attempt.refused("its passphrase slots cost more than the limit for sealing"));
        }
        Err(UnlockError::Crypto(error)) => return Err(error.into()),
    }
    match attempt.secret {
        Some(secret) => Ok(journal.unwrap(secret, &StreamBinding::of(header))?),
        None => Ok(None),
    }
}

/// The journal's key. The recipients of a stream know its keys, so that of a stream that is to be signed also takes the resume
/// secret: a recipient could else have the sender sign records of its own.
fn journal_key(keys: &StreamKeys, attempt: &Attempt<'_>, is_signed: bool) -> Result<JournalKey, SealError> {
    Ok(match attempt.secret.filter(|_| is_signed) {
        Some(secret) => keys.signed_journal_key(secret)?,
        None => keys.journal_key()?,
    })
}

const NEEDED_TO_SIGN: &str =
    "is needed to resume a stream that is signed: a recipient could else change what the sender will sign";
