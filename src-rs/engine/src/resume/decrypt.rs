//! Resumable opening.

use super::attempt::{Attempt, FoundJournal};
use super::journal::{JournalDirection, JournalHeader};
use super::validate::OutputLayout;
use crate::crypto::{JournalKey, StreamKeys};
use crate::error::SealError;
use crate::format::StreamHeader;
use crate::operation::options::{Control, DecryptOptions};
use crate::operation::report::Report;
use crate::stream_v2::core::decrypt::{open_by_offset, open_without_end};
use crate::stream_v2::core::seekable::SeekableStream;
use crate::stream_v2::core::unlock::UnlockedStream;
use crate::stream_v2::io::{OutputSink, ReadAt};
use std::time::Instant;

/// Opens the sealed stream in `source` into the attempt's output; resumes an earlier attempt if possible. The stream's end
/// is verified first.
///
/// # Errors
/// See [`SealError`]. Output and journal then stay for the next attempt, unless the journal is empty.
pub(crate) fn decrypt_resumable(
    source: &dyn ReadAt,
    mut attempt: Attempt<'_>,
    options: &DecryptOptions<'_>,
    control: &Control<'_>,
) -> Result<Report, SealError> {
    let start = Instant::now();
    let seekable = SeekableStream::open(source, options, &control.cancel)?;
    let stream = &seekable.stream;
    let sink = attempt.sink();
    let Some(end) = seekable.whole()? else {
        // Without a known end nothing can be resumed.
        attempt.check_can_start_over()?;
        let (tally, end) = open_without_end(stream, source, OutputSink::Positioned(sink), control)?;
        return Ok(stream.report(&tally, end, control.threads.count(), start));
    };
    let total = end.manifest.plaintext_total;
    let key = journal_key(stream, options)?;
    let found = find_journal(&mut attempt, stream, &key, total)?;
    let meter = control.meter(Some(total));
    let checkpoints = match found {
        Some(journal) => {
            let layout = OutputLayout::Plaintext(&end.manifest.entries);
            let finished = attempt.validate(&journal, &stream.context, total, layout, control, &meter)?;
            attempt.resume(journal, finished, total)?
        }
        None => {
            let header = JournalHeader {
                direction: JournalDirection::Open,
                source: attempt.source,
                // The identity that opens the stream gives the file key again.
                wrapped: None,
                public_keys: None,
                stream_header: stream.header.bytes.clone(),
            };
            attempt.start_over(&header, key, stream.context.geometry().digest())?
        }
    };
    let tally = open_by_offset(stream, source, &*sink, end, control, &meter, Some(&checkpoints))?;
    meter.finish();
    Ok(Report {
        resume: Some(checkpoints.end()),
        ..stream.report(&tally, end.end.clone(), control.threads.count(), start)
    })
}

fn journal_key(stream: &UnlockedStream, options: &DecryptOptions<'_>) -> Result<JournalKey, SealError> {
    let (header, file_key) = (&stream.header, &stream.unlocked.file_key);
    let keys = StreamKeys::of(header, file_key, &options.context)?;
    Ok(keys.journal_key()?)
}

/// The journal of an earlier attempt to open this stream, whose plaintext has `total` bytes; `None`, with the reason in
/// `attempt.started_over`, if there is none.
///
/// # Errors
/// `JournalRefused`, `SourceChanged`, `Io`.
fn find_journal(
    attempt: &mut Attempt<'_>,
    stream: &UnlockedStream,
    key: &JournalKey,
    total: u64,
) -> Result<Option<FoundJournal>, SealError> {
    let Some(stored) = attempt.read_header(JournalDirection::Open)? else {
        return Ok(None);
    };
    let (known, current) = (&stored.header.stream_header, &stream.header);
    if *known != current.bytes {
        let is_same_stream =
            StreamHeader::parse(known).is_ok_and(|known| known.core.stream_id == current.core.stream_id);
        return Err(if is_same_stream {
            // The stream was rewrapped.
            stored.header.source.changed(&attempt.source)
        } else {
            attempt.refused("it is of another stream")
        });
    }
    attempt.check_header(&stored, key)?;
    let segments = current.core.geometry.segment_count(total);
    let digest = current.core.geometry.digest();
    attempt
        .read_entries(&stored, key.clone(), digest, segments)
        .map(Some)
}
