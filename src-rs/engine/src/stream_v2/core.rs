//! The two public operations: a source and a sink in, a report out.

mod resumable;

use resumable::Resuming;
pub(crate) use resumable::{decrypt_placed, decrypt_resumable, encrypt_placed, encrypt_resumable};

use super::damage::{DamageLog, DamagePolicy};
use super::ending::{EndExpectation, VerifiedEnd};
use super::failure::{SealFailure, SizeRelation};
use super::in_order::{open_in_order, open_tolerantly, seal_in_order};
use super::incoming::{IncomingStream, read_header};
use super::io::{InputSource, MemorySlots, OutputSink, ReadAt, ReadAtCursor, WriteAt};
use super::opened::OpenedStream;
use super::options::{Control, DecryptOptions, EncryptOptions, invalid};
use super::outgoing::OutgoingStream;
use super::pipeline::{OpenTask, Resumable, SealTask, Transfer, run_positioned};
use super::report::{Report, Run, Totals};
use super::segment_worker::RecordSummary;
use crate::crypto::{Crc64, Random};
use crate::headers::{ManifestEntry, WireOffset};
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
            let meter = control.meter(None);
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
    let meter = control.meter(Some(size));
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
        damage: DamageLog::default(),
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
            if !matches!(options.on_damage, DamagePolicy::Abort) {
                return Err(invalid("onDamage", "needs a source that can be read by offset"));
            }
            let stream = IncomingStream::unlock(read_header(&mut *reader)?, options)?;
            let meter = control.meter(stream.header.core.plaintext_size);
            let (run, copy_damaged) = open_and_end(&stream, &mut *reader, sink, control, &meter)?;
            return Ok(opened_report(&stream, &run, copy_damaged, control, start));
        }
    };
    let opened = OpenedStream::open(&*source, options)?;
    if !matches!(options.on_damage, DamagePolicy::Abort) {
        return open_around_damage(&opened, &*source, sink, options.on_damage, control, start);
    }
    let (stream, whole) = opened.into_whole()?;
    let meter = control.meter(whole.as_ref().map(|(total, _)| *total));
    let Some((total, end)) = whole else {
        // The stream doesn't say how long it is and its end is not to be found: read on until something is wrong.
        let mut reader = ReadAtCursor::new(&*source, u64::from(stream.header.size()));
        let (run, copy_damaged) = open_and_end(&stream, &mut reader, sink, control, &meter)?;
        return Ok(opened_report(&stream, &run, copy_damaged, control, start));
    };
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

/// Opens what can be opened and has the caller decide about the rest.
fn open_around_damage(
    opened: &OpenedStream,
    source: &dyn ReadAt,
    sink: OutputSink<'_>,
    policy: DamagePolicy<'_>,
    control: &Control<'_>,
    start: Instant,
) -> Result<Report, SealFailure> {
    if let OutputSink::Memory(memory) = &sink {
        check_room(memory, opened.plaintext_size().unwrap_or(0))?;
    }
    let meter = control.meter(opened.plaintext_size());
    let (run, damage) = open_tolerantly(opened, source, &mut *sink.into_writer(), policy, control, &meter)?;
    meter.finish();
    let copy_damaged = opened.end().is_ok_and(|end| end.header_copy_damaged);
    Ok(Report {
        damage,
        ..opened_report(&opened.stream, &run, copy_damaged, control, start)
    })
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
        end_key: Some(&stream.end_key),
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
        Err(SealFailure::other_sealing(end.offset, segment))
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
        damage: DamageLog::default(),
        resume: None,
    }
}
