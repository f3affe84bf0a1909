//! The two public operations: a source and a sink in, a report out.

mod resumable;

use resumable::Resuming;
pub(crate) use resumable::{decrypt_placed, decrypt_resumable, encrypt_placed, encrypt_resumable};

use super::ending::{EndExpectation, VerifiedEnd, claimed_total};
use super::failure::{EndDisagreement, SealFailure, SizeRelation};
use super::in_order::{open_in_order, seal_in_order};
use super::incoming::{IncomingStream, find_header, read_header};
use super::io::{InputSource, MemorySlots, OutputSink, ReadAt, ReadAtCursor, WriteAt};
use super::options::{Control, DecryptOptions, EncryptOptions};
use super::outgoing::OutgoingStream;
use super::pipeline::{OpenTask, Resumable, SealTask, Transfer, run_positioned};
use super::report::{Report, Run, Totals};
use super::segment_worker::RecordSummary;
use crate::crypto::{Crc64, Random};
use crate::headers::{ManifestEntry, SegmentIndex, WireOffset};
use crate::telemetry::{ProgressMeter, Stage, StageTimes};
use std::io::{IoSlice, IoSliceMut, Read};
use std::time::Instant;

/// Seals everything in `source` into `sink`.
///
/// Where both ends can be addressed by offset, every thread takes segments through their whole life alone. Otherwise
/// segments go through a bounded window in order. The plaintext is the same either way.
///
/// # Errors
/// See [`SealFailure`]. What was written to the sink by then is of no use; give it to [`OutputFile`](super::io::OutputFile)
/// or discard it.
pub fn encrypt_stream_v2(
    source: InputSource<'_>,
    sink: OutputSink<'_>,
    options: &EncryptOptions<'_>,
    control: &Control<'_>,
) -> Result<Report, SealFailure> {
    encrypt_with(&Random::system(), source, sink, options, control)
}

/// As [`encrypt_stream_v2`], with random bytes from elsewhere: only tests can make such a source.
pub(crate) fn encrypt_with(
    random: &Random,
    source: InputSource<'_>,
    sink: OutputSink<'_>,
    options: &EncryptOptions<'_>,
    control: &Control<'_>,
) -> Result<Report, SealFailure> {
    let start = Instant::now();
    let source = match source {
        InputSource::Positioned(source) => source,
        InputSource::Ordered(mut reader) => {
            let stream = OutgoingStream::new(options, None, random)?;
            let meter = ProgressMeter::new(None, control.progress);
            let run = seal_in_order(
                &stream,
                &mut *reader,
                None,
                &mut *sink.into_writer(),
                control,
                &meter,
            )?;
            meter.finish();
            return Ok(sealed_report(&stream, &run, control, start));
        }
    };
    let size = source.size().map_err(SealFailure::reading)?;
    let stream = OutgoingStream::new(options, Some(size), random)?;
    let meter = ProgressMeter::new(Some(size), control.progress);
    let run = match sink {
        OutputSink::Ordered(mut writer) => {
            let mut reader = ReadAtCursor::new(&*source, 0);
            seal_in_order(&stream, &mut reader, Some(size), &mut *writer, control, &meter)?
        }
        OutputSink::Positioned(sink) => {
            seal_by_offset(&stream, &*source, size, &*sink, control, &meter, None)?
        }
        OutputSink::Memory(memory) => {
            check_room(memory, stream.sealed_size(size))?;
            let slot = stream.context.geometry().full_record_size();
            let sink = MemorySlots::new(memory, u64::from(stream.header_size()), slot);
            seal_by_offset(&stream, &*source, size, &sink, control, &meter, None)?
        }
    };
    meter.finish();
    Ok(sealed_report(&stream, &run, control, start))
}

fn seal_by_offset(
    stream: &OutgoingStream,
    source: &dyn ReadAt,
    size: u64,
    sink: &dyn WriteAt,
    control: &Control<'_>,
    meter: &ProgressMeter<'_>,
    resuming: Option<&Resuming<'_>>,
) -> Result<Run, SealFailure> {
    let header_size = stream.header_size();
    let context = &stream.context;
    let write = |offset, bytes: &[u8]| {
        let written = sink.write_at(offset, &mut [IoSlice::new(bytes)]);
        written.map_err(SealFailure::writing)
    };
    let sealed_size = stream.sealed_size(size);
    sink.reserve(sealed_size).map_err(SealFailure::writing)?;
    write(0, &stream.header)?;
    let mut times = StageTimes::default();
    let cancel = &control.cancel;
    let task = SealTask(Transfer {
        context,
        source,
        sink,
        header_size,
        plaintext_size: size,
        cancel,
        meter,
    });
    let task = Resumable {
        task,
        checkpoints: resuming.map(Resuming::checkpoints),
    };
    let summaries = run_positioned(&task, &control.threads, &mut times)?;
    let beyond = source.read_at(size, &mut [IoSliceMut::new(&mut [0])]);
    if beyond.map_err(SealFailure::reading)? != 0 {
        return Err(SealFailure::SourceChanged {
            expected: size,
            relation: SizeRelation::Longer,
        });
    }
    resuming.map_or(Ok(()), |resuming| times.time(Stage::Write, || resuming.close()))?;
    let (totals, end_offset, end) = sealed_end(stream, size, &summaries);
    times.time(Stage::Write, || write(end_offset, &end))?;
    Ok(Run {
        totals,
        times,
        stream_size: end_offset + end.len() as u64,
    })
}

/// Sums over a sealed stream, and where its end stands and what that is. It follows from the segments: the same segments
/// have the same end.
fn sealed_end(stream: &OutgoingStream, size: u64, summaries: &[RecordSummary]) -> (Totals, u64, Vec<u8>) {
    let header_size = u64::from(stream.header_size());
    let mut totals = Totals::default();
    totals.output_crc.append(Crc64::of(&stream.header), header_size);
    summaries
        .iter()
        .for_each(|summary| totals.add(summary, u64::from(summary.entry.wire_size)));
    let end = stream.end(size, summaries.iter().map(|summary| summary.entry).collect());
    totals.output_crc.append(Crc64::of(&end), end.len() as u64);
    let end_offset = header_size + stream.context.geometry().records_size(size);
    (totals, end_offset, end)
}

fn sealed_report(stream: &OutgoingStream, run: &Run, control: &Control<'_>, start: Instant) -> Report {
    Report {
        stream_size: run.stream_size,
        plaintext_size: run.totals.plaintext_size,
        segments: run.totals.segments,
        frames: run.totals.frames,
        stream_id: stream.stream_id,
        output_crc64: run.totals.output_crc.value(),
        threads: control.threads.count(),
        times: run.times,
        elapsed: start.elapsed(),
        opened_by: None,
        header_from_copy: false,
        header_copy_damaged: false,
        resume: None,
    }
}

/// Opens the sealed stream in `source` into `sink`.
///
/// Of a source that can be addressed by offset the end is verified first, so that a cut stream is refused before a byte
/// comes out. An ordered source, and a stream that neither says how long it is nor has a sound end, releases each
/// segment when it has verified and meets the end last: what the sink got must be discarded if this fails.
///
/// # Errors
/// See [`SealFailure`]; of several segments that fail, the first.
pub fn decrypt_stream_v2(
    source: InputSource<'_>,
    sink: OutputSink<'_>,
    options: &DecryptOptions<'_>,
    control: &Control<'_>,
) -> Result<Report, SealFailure> {
    let start = Instant::now();
    let source = match source {
        InputSource::Positioned(source) => source,
        InputSource::Ordered(mut reader) => {
            let stream = IncomingStream::unlock(read_header(&mut *reader)?, options)?;
            let meter = ProgressMeter::new(stream.header.core.plaintext_size, control.progress);
            let (run, copy_damaged) = open_and_end(&stream, &mut *reader, sink, control, &meter)?;
            return Ok(opened_report(&stream, &run, copy_damaged, control, start));
        }
    };
    let size = source.size().map_err(SealFailure::reading)?;
    let mut stream = IncomingStream::unlock(find_header(&*source, size)?, options)?;
    let total = stream
        .header
        .core
        .plaintext_size
        .or_else(|| claimed_total(&*source, size, &stream.header));
    let meter = ProgressMeter::new(total, control.progress);
    let Some(total) = total else {
        // The stream doesn't say how long it is and its end is not to be found: read on until something is wrong.
        let mut reader = ReadAtCursor::new(&*source, u64::from(stream.header.size()));
        let (run, copy_damaged) = open_and_end(&stream, &mut reader, sink, control, &meter)?;
        return Ok(opened_report(&stream, &run, copy_damaged, control, start));
    };
    let end = verify_end(&stream, &*source, size, total)?;
    stream.context = stream.context.with_total(total);
    let run = match sink {
        OutputSink::Positioned(sink) => {
            open_by_offset(&stream, &*source, &*sink, &end, control, &meter, None)?
        }
        OutputSink::Memory(memory) => {
            check_room(memory, total)?;
            let sink = MemorySlots::new(memory, 0, u64::from(stream.context.geometry().segment_size()));
            open_by_offset(&stream, &*source, &sink, &end, control, &meter, None)?
        }
        OutputSink::Ordered(mut writer) => {
            let mut reader = ReadAtCursor::new(&*source, u64::from(stream.header.size()));
            let (run, entries) = open_in_order(&stream, &mut reader, &mut *writer, control, &meter)?;
            check_manifest(&end, &entries)?;
            run
        }
    };
    meter.finish();
    let run = Run {
        stream_size: end.stream_size,
        ..run
    };
    Ok(opened_report(
        &stream,
        &run,
        end.header_copy_damaged,
        control,
        start,
    ))
}

/// Verifies the end of a stream whose length is known, before any of its segments.
fn verify_end(
    stream: &IncomingStream,
    source: &dyn ReadAt,
    size: u64,
    total: u64,
) -> Result<VerifiedEnd, SealFailure> {
    let geometry = stream.context.geometry();
    let header_size = u64::from(stream.header.size());
    let records = geometry.records_size(total);
    let segments = geometry.segment_count(total);
    if size.saturating_sub(header_size) < records {
        let whole = size.saturating_sub(header_size) / geometry.full_record_size();
        let next_segment = SegmentIndex::new(whole.min(segments - 1));
        return Err(SealFailure::Truncated {
            next_segment,
            verified_bytes: 0,
            offset: WireOffset::new(size),
        });
    }
    let offset = WireOffset::new(header_size + records);
    let expectation = EndExpectation {
        header: &stream.header,
        end_key: &stream.end_key,
        offset,
        segments,
        plaintext_total: total,
        entries: None,
        verified_bytes: 0,
    };
    expectation.verify(&mut ReadAtCursor::new(source, offset.get()))
}

fn open_by_offset(
    stream: &IncomingStream,
    source: &dyn ReadAt,
    sink: &dyn WriteAt,
    end: &VerifiedEnd,
    control: &Control<'_>,
    meter: &ProgressMeter<'_>,
    resuming: Option<&Resuming<'_>>,
) -> Result<Run, SealFailure> {
    let (context, cancel) = (&stream.context, &control.cancel);
    let header_size = stream.header.size();
    let total = end.manifest.plaintext_total;
    let transfer = Transfer {
        context,
        source,
        sink,
        header_size,
        plaintext_size: total,
        cancel,
        meter,
    };
    let task = OpenTask {
        transfer,
        manifest: &end.manifest.entries,
        end_offset: end.offset,
    };
    let task = Resumable {
        task,
        checkpoints: resuming.map(Resuming::checkpoints),
    };
    let mut times = StageTimes::default();
    sink.reserve(total).map_err(SealFailure::writing)?;
    let summaries = run_positioned(&task, &control.threads, &mut times)?;
    resuming.map_or(Ok(()), |resuming| times.time(Stage::Write, || resuming.close()))?;
    Ok(Run {
        totals: opened_totals(&summaries),
        times,
        stream_size: end.stream_size,
    })
}

fn opened_totals(summaries: &[RecordSummary]) -> Totals {
    let mut totals = Totals::default();
    summaries
        .iter()
        .for_each(|summary| totals.add(summary, u64::from(summary.plaintext_size)));
    totals
}

/// Opens records in order and verifies the end behind them.
fn open_and_end(
    stream: &IncomingStream,
    reader: &mut (dyn Read + Send + '_),
    sink: OutputSink<'_>,
    control: &Control<'_>,
    meter: &ProgressMeter<'_>,
) -> Result<(Run, bool), SealFailure> {
    let (run, entries) = open_in_order(stream, reader, &mut *sink.into_writer(), control, meter)?;
    let expectation = EndExpectation {
        header: &stream.header,
        end_key: &stream.end_key,
        offset: WireOffset::new(run.stream_size),
        segments: run.totals.segments,
        plaintext_total: run.totals.plaintext_size,
        entries: Some(&entries),
        verified_bytes: run.totals.plaintext_size,
    };
    let end = expectation.verify(reader)?;
    meter.finish();
    Ok((
        Run {
            stream_size: end.stream_size,
            ..run
        },
        end.header_copy_damaged,
    ))
}

fn check_manifest(end: &VerifiedEnd, read: &[ManifestEntry]) -> Result<(), SealFailure> {
    let difference = end.manifest.first_difference(read);
    difference.map_or(Ok(()), |segment| {
        Err(SealFailure::EndTampered {
            offset: end.offset,
            disagreement: EndDisagreement::Segment,
            segment: Some(segment),
        })
    })
}

fn check_room(memory: &[u8], needed: u64) -> Result<(), SealFailure> {
    let available = memory.len() as u64;
    if available < needed {
        Err(SealFailure::OutputTooSmall { available, needed })
    } else {
        Ok(())
    }
}

fn opened_report(
    stream: &IncomingStream,
    run: &Run,
    header_copy_damaged: bool,
    control: &Control<'_>,
    start: Instant,
) -> Report {
    Report {
        stream_size: run.stream_size,
        plaintext_size: run.totals.plaintext_size,
        segments: run.totals.segments,
        frames: run.totals.frames,
        stream_id: stream.header.core.stream_id,
        output_crc64: run.totals.output_crc.value(),
        threads: control.threads.count(),
        times: run.times,
        elapsed: start.elapsed(),
        opened_by: Some((stream.unlocked.slot, stream.unlocked.slot_type)),
        header_from_copy: stream.from_copy,
        header_copy_damaged,
        resume: None,
    }
}
