//! Opening.

use super::run::{Borrowed, all, ended, sound};
use crate::crypto::{JournalKey, StreamKeys};
use crate::error::SealError;
use crate::operation::options::{Control, DecryptOptions};
use crate::operation::report::{Report, ResumeReport};
use crate::resume::{
    Attempt, Continued, JournalDirection, JournalHeader, Place, Unfinished, find_opening, resumed,
};
use crate::stream_v2::core::decrypt::{open_by_offset, open_endless};
use crate::stream_v2::core::seekable::SeekableStream;
use crate::stream_v2::core::tally::Tally;
use crate::stream_v2::core::trailer::VerifiedTrailer;
use crate::stream_v2::core::unlock::UnlockedStream;
use crate::stream_v2::io::{OutputSink, ReadAt};
use crate::stream_v2::segment_worker::RecordSummary;
use crate::telemetry::ProgressMeter;
use std::time::Instant;

/// Opens the sealed stream in `source` into the attempt's output, or goes on with that. The stream's end is verified first.
///
/// # Errors
/// See [`SealError`]. Output and journal are then there for the next attempt.
pub(crate) fn decrypt_resumable(
    source: &dyn ReadAt,
    mut attempt: Attempt<'_>,
    options: &DecryptOptions<'_>,
    control: &Control<'_>,
) -> Result<Report, SealError> {
    let start = Instant::now();
    let output = attempt.output;
    let (stream, whole) = SeekableStream::open(source, options)?.into_whole()?;
    let Some(end) = whole else {
        // Nothing of this can be resumed, and it ends with what is wrong.
        let sink = OutputSink::Positioned(Box::new(Borrowed(output)));
        let (tally, end) = open_endless(&stream, source, sink, control)?;
        return Ok(stream.report(&tally, end, control.threads.count(), start));
    };
    let total = end.manifest.plaintext_total;
    let key = journal_key(&stream, options)?;
    let found = find_opening(&mut attempt, &stream, &key, total)?;
    let meter = control.meter(Some(total));
    let (checkpoints, report) = match found {
        Some(continued) => {
            let finished = sound_plaintext(&stream, &end, output, &continued, control, &meter)?;
            output.truncate(total).map_err(SealError::writing)?;
            let report = resumed(&finished);
            (attempt.go_on(continued, finished)?, report)
        }
        None => {
            let report = ResumeReport {
                started_over: attempt.lost,
                ..ResumeReport::default()
            };
            let header = JournalHeader {
                direction: JournalDirection::Open,
                source: attempt.source,
                // Whoever opens the stream has the file key.
                wrapped: None,
                public_keys: None,
                stream_header: stream.header.bytes.clone(),
            };
            (attempt.start_over(&header, key)?, report)
        }
    };
    let sink = Borrowed(output);
    let tally = open_by_offset(&stream, source, &sink, &end, control, &meter, Some(&checkpoints))?;
    meter.finish();
    Ok(Report {
        resume: Some(ended(checkpoints, report)),
        ..stream.report(&tally, end.end, control.threads.count(), start)
    })
}

/// The report of an output that is complete, if this one is: the process ended when it had its place already.
///
/// # Errors
/// See [`SealError`].
pub(crate) fn decrypt_placed(
    source: &dyn ReadAt,
    mut attempt: Attempt<'_>,
    options: &DecryptOptions<'_>,
    control: &Control<'_>,
) -> Result<Option<Report>, SealError> {
    let start = Instant::now();
    let output = attempt.output;
    let (stream, whole) = SeekableStream::open(source, options)?.into_whole()?;
    let Some(end) = whole else {
        return Ok(None);
    };
    let total = end.manifest.plaintext_total;
    let key = journal_key(&stream, options)?;
    let Some(continued) = find_opening(&mut attempt, &stream, &key, total)? else {
        return Ok(None);
    };
    let meter = control.meter(Some(total));
    let finished = sound_plaintext(&stream, &end, output, &continued, control, &meter)?;
    let is_complete = output.size().is_ok_and(|size| size == total);
    let Some(summaries) = all(&finished).filter(|_| is_complete) else {
        return Ok(None);
    };
    meter.finish();
    let mut tally = Tally::opening();
    summaries.iter().for_each(|summary| tally.add(summary));
    Ok(Some(Report {
        resume: Some(resumed(&finished)),
        ..stream.report(&tally, end.end, control.threads.count(), start)
    }))
}

fn journal_key(stream: &UnlockedStream, options: &DecryptOptions<'_>) -> Result<JournalKey, SealError> {
    let (header, file_key) = (&stream.header, &stream.unlocked.file_key);
    let keys = StreamKeys::derive(
        file_key,
        &header.core.encode(),
        &header.core_extensions,
        &options.context,
    )?;
    Ok(keys.journal_key()?)
}

/// The plaintext in the output that is what the journal calls finished.
fn sound_plaintext(
    stream: &UnlockedStream,
    end: &VerifiedTrailer,
    output: &dyn Unfinished,
    continued: &Continued,
    control: &Control<'_>,
    meter: &ProgressMeter<'_>,
) -> Result<Vec<Option<RecordSummary>>, SealError> {
    let place = Place::Plaintext(&end.manifest.entries);
    let total = end.manifest.plaintext_total;
    sound(&stream.context, output, continued, total, place, control, meter)
}
