//! The same operations between files, going on where an earlier attempt was interrupted.

use super::verify_end;
use super::{
    open_and_end, open_by_offset, opened_report, opened_totals, seal_by_offset, sealed_end, sealed_report,
};
use crate::crypto::{JournalKey, Random, StreamKeys};
use crate::recovery::{JournalDirection, JournalHeader};
use crate::stream_v2::ending::{VerifiedEnd, claimed_total};
use crate::stream_v2::failure::{IoOperation, SealFailure, StartedOver};
use crate::stream_v2::incoming::{IncomingStream, find_header};
use crate::stream_v2::io::{OutputSink, ReadAt, ReadAtCursor, Unfinished, WriteAt};
use crate::stream_v2::options::{Control, DecryptOptions, EncryptOptions};
use crate::stream_v2::outgoing::OutgoingStream;
use crate::stream_v2::pipeline::{Checkpoints, run_positioned};
use crate::stream_v2::report::{Report, ResumeReport, Run};
use crate::stream_v2::resume::{Attempt, Continued, Place, SoundTask, find_opening, find_sealing, resumed};
use crate::stream_v2::segment_worker::{RecordSummary, SegmentCryptoContext};
use crate::telemetry::{ProgressMeter, StageTimes};
use std::io::{IoSlice, IoSliceMut};
use std::time::Instant;

/// What an operation that can be resumed has besides its data.
pub(super) struct Resuming<'a> {
    checkpoints: Checkpoints,
    output: &'a dyn Unfinished,
    flush: bool,
}

impl Resuming<'_> {
    pub(super) const fn checkpoints(&self) -> &Checkpoints {
        &self.checkpoints
    }

    /// All segments are done; the journal says so before anything else is written.
    ///
    /// With `flush` they are on the disk by then: a stream whose end was written takes no more segments, so after a power
    /// cut that lost some it would have to be sealed anew.
    pub(super) fn close(&self) -> Result<(), SealFailure> {
        if self.flush {
            let synced = self.output.sync();
            synced.map_err(|error| SealFailure::io(IoOperation::Flush, None, &error))?;
        }
        self.checkpoints.close();
        Ok(())
    }

    fn end(self, report: ResumeReport) -> ResumeReport {
        ResumeReport {
            checkpoint_errors: self.checkpoints.end(),
            ..report
        }
    }
}

/// Seals `source` into the attempt's output, or goes on with that.
///
/// # Errors
/// See [`SealFailure`]. Output and journal are then there for the next attempt.
pub(crate) fn encrypt_resumable(
    source: &dyn ReadAt,
    mut attempt: Attempt<'_>,
    options: &EncryptOptions<'_>,
    control: &Control<'_>,
) -> Result<Report, SealFailure> {
    let start = Instant::now();
    let random = &Random::system();
    let (size, output, flush) = (attempt.source.size, attempt.output, attempt.flush);
    let found = find_sealing(&mut attempt, options, random)?;
    let mut meter = ProgressMeter::new(Some(size), control.progress);
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
        meter = ProgressMeter::new(Some(size), control.progress);
        found = None;
    }
    let (stream, checkpoints, report) = match found {
        Some((stream, continued, finished)) => {
            output
                .truncate(stream.sealed_size(size))
                .map_err(SealFailure::writing)?;
            let report = resumed(&finished);
            (stream, attempt.go_on(continued, finished)?, report)
        }
        None => {
            let report = ResumeReport {
                started_over: attempt.lost,
                ..ResumeReport::default()
            };
            let (stream, keys, file_key) = OutgoingStream::with_keys(options, Some(size), random)?;
            let mut header = JournalHeader {
                direction: JournalDirection::Seal,
                source: attempt.source,
                wrapped: None,
                stream_header: stream.header.clone(),
            };
            if let Some(secret) = attempt.secret {
                header.wrap(secret, &stream.stream_id, &file_key, random)?;
            }
            (stream, attempt.start_over(&header, keys.journal_key()?)?, report)
        }
    };
    let resuming = Resuming {
        checkpoints,
        output,
        flush,
    };
    let sink = Borrowed(output);
    let run = seal_by_offset(&stream, source, size, &sink, control, &meter, Some(&resuming))?;
    meter.finish();
    Ok(Report {
        resume: Some(resuming.end(report)),
        ..sealed_report(&stream, &run, control, start)
    })
}

/// The report of an output that is complete, if this one is: the process ended when it had its place already.
///
/// # Errors
/// See [`SealFailure`].
pub(crate) fn encrypt_placed(
    mut attempt: Attempt<'_>,
    options: &EncryptOptions<'_>,
    control: &Control<'_>,
) -> Result<Option<Report>, SealFailure> {
    let start = Instant::now();
    let (size, output) = (attempt.source.size, attempt.output);
    let Some((stream, continued)) = find_sealing(&mut attempt, options, &Random::system())? else {
        return Ok(None);
    };
    let meter = ProgressMeter::new(Some(size), control.progress);
    let finished = sound_records(&stream, output, &continued, size, control, &meter)?;
    let Some(summaries) = all(&finished) else {
        return Ok(None);
    };
    let (totals, end_offset, end) = sealed_end(&stream, size, &summaries);
    let run = Run {
        totals,
        times: StageTimes::default(),
        stream_size: end_offset + end.len() as u64,
    };
    let is_complete = holds(output, 0, &stream.header)
        && holds(output, end_offset, &end)
        && output.size().is_ok_and(|size| size == run.stream_size);
    Ok(is_complete.then(|| {
        meter.finish();
        Report {
            resume: Some(resumed(&finished)),
            ..sealed_report(&stream, &run, control, start)
        }
    }))
}

/// The records in the output that are what the journal calls finished.
fn sound_records(
    stream: &OutgoingStream,
    output: &dyn Unfinished,
    continued: &Continued,
    size: u64,
    control: &Control<'_>,
    meter: &ProgressMeter<'_>,
) -> Result<Vec<Option<RecordSummary>>, SealFailure> {
    let place = Place::Records(stream.header_size());
    sound(&stream.context, output, continued, size, place, control, meter)
}

/// Opens the sealed stream in `source` into the attempt's output, or goes on with that. The stream's end is verified first.
///
/// # Errors
/// See [`SealFailure`]. Output and journal are then there for the next attempt.
pub(crate) fn decrypt_resumable(
    source: &dyn ReadAt,
    mut attempt: Attempt<'_>,
    options: &DecryptOptions<'_>,
    control: &Control<'_>,
) -> Result<Report, SealFailure> {
    let start = Instant::now();
    let (output, flush) = (attempt.output, attempt.flush);
    let (stream, end) = match opening(source, attempt.source.size, options)? {
        Opening::Verified(stream, end) => (stream, end),
        Opening::Endless(stream) => {
            // Nothing of this can be resumed, and it ends with what is wrong.
            let meter = ProgressMeter::new(None, control.progress);
            let mut reader = ReadAtCursor::new(source, u64::from(stream.header.size()));
            let sink = OutputSink::Positioned(Box::new(Borrowed(output)));
            let (run, copy_damaged) = open_and_end(&stream, &mut reader, sink, control, &meter)?;
            return Ok(opened_report(&stream, &run, copy_damaged, control, start));
        }
    };
    let total = end.manifest.plaintext_total;
    let key = journal_key(&stream, options)?;
    let found = find_opening(&mut attempt, &stream, &key, total)?;
    let meter = ProgressMeter::new(Some(total), control.progress);
    let (checkpoints, report) = match found {
        Some(continued) => {
            let finished = sound_plaintext(&stream, &end, output, &continued, control, &meter)?;
            output.truncate(total).map_err(SealFailure::writing)?;
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
                stream_header: stream.header.bytes.clone(),
            };
            (attempt.start_over(&header, key)?, report)
        }
    };
    let resuming = Resuming {
        checkpoints,
        output,
        flush,
    };
    let sink = Borrowed(output);
    let run = open_by_offset(&stream, source, &sink, &end, control, &meter, Some(&resuming))?;
    meter.finish();
    Ok(Report {
        resume: Some(resuming.end(report)),
        ..opened_report(&stream, &run, end.header_copy_damaged, control, start)
    })
}

/// The report of an output that is complete, if this one is: the process ended when it had its place already.
///
/// # Errors
/// See [`SealFailure`].
pub(crate) fn decrypt_placed(
    source: &dyn ReadAt,
    mut attempt: Attempt<'_>,
    options: &DecryptOptions<'_>,
    control: &Control<'_>,
) -> Result<Option<Report>, SealFailure> {
    let start = Instant::now();
    let output = attempt.output;
    let Opening::Verified(stream, end) = opening(source, attempt.source.size, options)? else {
        return Ok(None);
    };
    let total = end.manifest.plaintext_total;
    let key = journal_key(&stream, options)?;
    let Some(continued) = find_opening(&mut attempt, &stream, &key, total)? else {
        return Ok(None);
    };
    let meter = ProgressMeter::new(Some(total), control.progress);
    let finished = sound_plaintext(&stream, &end, output, &continued, control, &meter)?;
    let is_complete = output.size().is_ok_and(|size| size == total);
    let Some(summaries) = all(&finished).filter(|_| is_complete) else {
        return Ok(None);
    };
    meter.finish();
    let run = Run {
        totals: opened_totals(&summaries),
        times: StageTimes::default(),
        stream_size: end.stream_size,
    };
    Ok(Some(Report {
        resume: Some(resumed(&finished)),
        ..opened_report(&stream, &run, end.header_copy_damaged, control, start)
    }))
}

enum Opening {
    /// The stream's end was found and is sound.
    Verified(IncomingStream, VerifiedEnd),
    /// The stream neither says how long it is nor has an end that does.
    Endless(IncomingStream),
}

fn opening(source: &dyn ReadAt, size: u64, options: &DecryptOptions<'_>) -> Result<Opening, SealFailure> {
    let mut stream = IncomingStream::unlock(find_header(source, size)?, options)?;
    let stated = stream.header.core.plaintext_size;
    let Some(total) = stated.or_else(|| claimed_total(source, size, &stream.header)) else {
        return Ok(Opening::Endless(stream));
    };
    let end = verify_end(&stream, source, size, total)?;
    stream.context = stream.context.with_total(total);
    Ok(Opening::Verified(stream, end))
}

fn journal_key(stream: &IncomingStream, options: &DecryptOptions<'_>) -> Result<JournalKey, SealFailure> {
    let (header, file_key) = (&stream.header, &stream.unlocked.file_key);
    let keys = StreamKeys::derive(
        file_key,
        &header.core.encode(),
        &header.core_extensions,
        options.context,
    )?;
    Ok(keys.journal_key()?)
}

/// The plaintext in the output that is what the journal calls finished.
fn sound_plaintext(
    stream: &IncomingStream,
    end: &VerifiedEnd,
    output: &dyn Unfinished,
    continued: &Continued,
    control: &Control<'_>,
    meter: &ProgressMeter<'_>,
) -> Result<Vec<Option<RecordSummary>>, SealFailure> {
    let place = Place::Plaintext(&end.manifest.entries);
    let total = end.manifest.plaintext_total;
    sound(&stream.context, output, continued, total, place, control, meter)
}

fn sound(
    context: &SegmentCryptoContext,
    output: &dyn Unfinished,
    continued: &Continued,
    plaintext_size: u64,
    place: Place<'_>,
    control: &Control<'_>,
    meter: &ProgressMeter<'_>,
) -> Result<Vec<Option<RecordSummary>>, SealFailure> {
    let task = SoundTask {
        context,
        output,
        entries: &continued.entries.finished,
        plaintext_size,
        place,
        cancel: &control.cancel,
        meter,
    };
    run_positioned(&task, &control.threads, &mut StageTimes::default())
}

/// All segments' summaries, if all are finished.
fn all(finished: &[Option<RecordSummary>]) -> Option<Vec<RecordSummary>> {
    finished.iter().copied().collect()
}

fn holds(output: &dyn Unfinished, offset: u64, due: &[u8]) -> bool {
    let mut bytes = vec![0; due.len()];
    let read = output.read_at(offset, &mut [IoSliceMut::new(&mut bytes)]);
    read.is_ok_and(|read| read == due.len()) && bytes == due
}

/// An unfinished output as any other sink.
struct Borrowed<'a>(&'a dyn Unfinished);

impl WriteAt for Borrowed<'_> {
    fn reserve(&self, size: u64) -> std::io::Result<()> {
        self.0.reserve(size)
    }

    fn write_at(&self, offset: u64, buffers: &mut [IoSlice<'_>]) -> std::io::Result<()> {
        self.0.write_at(offset, buffers)
    }
}
