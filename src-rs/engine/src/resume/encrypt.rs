//! Sealing.

use super::run::{Borrowed, Resuming, all, ended, sound};
use crate::crypto::Random;
use crate::error::{SealError, StartedOver};
use crate::keys::public_keys;
use crate::operation::options::{Control, EncryptOptions};
use crate::operation::report::{Report, ResumeReport};
use crate::resume::{
    Attempt, Continued, JournalDirection, JournalHeader, Place, Unfinished, find_sealing, resumed,
};
use crate::stream_v2::core::create::NewStream;
use crate::stream_v2::core::encrypt::seal_by_offset;
use crate::stream_v2::core::tally::Tally;
use crate::stream_v2::io::ReadAt;
use crate::stream_v2::segment_worker::RecordSummary;
use crate::telemetry::ProgressMeter;
use std::io::IoSliceMut;
use std::time::Instant;

/// Seals `source` into the attempt's output, or goes on with that.
///
/// # Errors
/// See [`SealError`]. Output and journal are then there for the next attempt.
pub(crate) fn encrypt_resumable(
    source: &dyn ReadAt,
    mut attempt: Attempt<'_>,
    options: &EncryptOptions<'_>,
    control: &Control<'_>,
) -> Result<Report, SealError> {
    let start = Instant::now();
    let random = &Random::system();
    let (size, output, flush) = (attempt.source.size, attempt.output, attempt.flush);
    let found = find_sealing(&mut attempt, options, random)?;
    let mut meter = control.meter(Some(size));
    let mut found = match found {
        None => None,
        Some((stream, continued)) => {
            let finished = sound_records(&stream, output, &continued, size, control, &meter)?;
            Some((stream, continued, finished))
        }
    };
    // The end of a stream that was closed is written again only if it is the same.
    let is_refused = |(_, continued, finished): &mut (_, Continued, Vec<Option<_>>)| {
        continued.entries.closed && finished.iter().any(Option::is_none)
    };
    if found.as_mut().is_some_and(is_refused) {
        attempt.lost = Some(StartedOver::OutputDamaged);
        meter = control.meter(Some(size));
        found = None;
    }
    let (stream, checkpoints, report) = match found {
        Some((stream, continued, finished)) => {
            output
                .truncate(stream.sealed_size(size))
                .map_err(SealError::writing)?;
            let report = resumed(&finished);
            (stream, attempt.go_on(continued, finished)?, report)
        }
        None => {
            let report = ResumeReport {
                started_over: attempt.lost,
                ..ResumeReport::default()
            };
            let (stream, keys, file_key) = NewStream::with_keys(options, Some(size), random)?;
            let mut header = JournalHeader {
                direction: JournalDirection::Seal,
                source: attempt.source,
                wrapped: None,
                public_keys: None,
                stream_header: stream.header.clone(),
            };
            let key = keys.journal_key()?;
            header.note_public_keys(&key, &public_keys(&options.recipients));
            if let Some(secret) = attempt.secret {
                header.wrap(secret, &stream.stream_id, &file_key, random)?;
            }
            (stream, attempt.start_over(&header, key)?, report)
        }
    };
    let resuming = Resuming {
        checkpoints,
        output,
        flush,
    };
    let sink = Borrowed(output);
    let tally = seal_by_offset(&stream, source, size, &sink, control, &meter, Some(&resuming))?;
    meter.finish();
    Ok(Report {
        resume: Some(ended(resuming.checkpoints, report)),
        ..stream.report(&tally, control.threads.count(), start)
    })
}

/// The report of an output that is complete, if this one is: the process ended when it had its place already.
///
/// # Errors
/// See [`SealError`].
pub(crate) fn encrypt_placed(
    mut attempt: Attempt<'_>,
    options: &EncryptOptions<'_>,
    control: &Control<'_>,
) -> Result<Option<Report>, SealError> {
    let start = Instant::now();
    let (size, output) = (attempt.source.size, attempt.output);
    let Some((stream, continued)) = find_sealing(&mut attempt, options, &Random::system())? else {
        return Ok(None);
    };
    let meter = control.meter(Some(size));
    let finished = sound_records(&stream, output, &continued, size, control, &meter)?;
    let Some(summaries) = all(&finished) else {
        return Ok(None);
    };
    let mut tally = Tally::sealing(&stream.header);
    summaries.iter().for_each(|summary| tally.add(summary));
    let end_offset = tally.output_size();
    let end = stream.end(&mut tally)?;
    let is_complete = holds(output, 0, &stream.header)
        && holds(output, end_offset, &end)
        && output.size().is_ok_and(|size| size == tally.output_size());
    Ok(is_complete.then(|| {
        meter.finish();
        Report {
            resume: Some(resumed(&finished)),
            ..stream.report(&tally, control.threads.count(), start)
        }
    }))
}

/// The records in the output that are what the journal calls finished.
fn sound_records(
    stream: &NewStream,
    output: &dyn Unfinished,
    continued: &Continued,
    size: u64,
    control: &Control<'_>,
    meter: &ProgressMeter<'_>,
) -> Result<Vec<Option<RecordSummary>>, SealError> {
    let place = Place::Records(stream.header_size());
    sound(&stream.context, output, continued, size, place, control, meter)
}

fn holds(output: &dyn Unfinished, offset: u64, due: &[u8]) -> bool {
    let mut bytes = vec![0; due.len()];
    let read = output.read_at(offset, &mut [IoSliceMut::new(&mut bytes)]);
    read.is_ok_and(|read| read == due.len()) && bytes == due
}
