//! Sealing.

use super::check_room;
use crate::crypto::{Crc64, Random};
use crate::error::{SealError, SizeRelation};
use crate::operation::options::{Control, EncryptOptions};
use crate::operation::report::{Report, Run, Totals};
use crate::stream_v2::core::create::NewStream;
use crate::stream_v2::core::in_order::seal_in_order;
use crate::stream_v2::io::{InputSource, MemorySlots, OutputSink, ReadAt, ReadAtCursor, WriteAt};
use crate::stream_v2::pipeline::{Checkpoints, Transfer};
use crate::stream_v2::segment_worker::RecordSummary;
use crate::telemetry::{ProgressMeter, Stage, StageTimes};
use std::io::{IoSlice, IoSliceMut};
use std::time::Instant;

/// Seals everything in `source` into `sink`.
///
/// Where both ends can be addressed by offset, every thread takes segments through their whole life alone. Otherwise
/// segments go through a bounded window in order. The plaintext is the same either way.
///
/// # Errors
/// See [`SealError`]. What was written to the sink by then is of no use; give it to [`OutputFile`](crate::stream_v2::io::OutputFile)
/// or discard it.
pub fn encrypt_stream_v2(
    source: InputSource<'_>,
    sink: OutputSink<'_>,
    options: &EncryptOptions<'_>,
    control: &Control<'_>,
) -> Result<Report, SealError> {
    encrypt_with(&Random::system(), source, sink, options, control)
}

/// As [`encrypt_stream_v2`], with random bytes from elsewhere: only tests can make such a source.
pub(crate) fn encrypt_with(
    random: &Random,
    source: InputSource<'_>,
    sink: OutputSink<'_>,
    options: &EncryptOptions<'_>,
    control: &Control<'_>,
) -> Result<Report, SealError> {
    let start = Instant::now();
    let (stream, run) = match source {
        InputSource::Ordered(mut reader) => {
            let stream = NewStream::new(options, None, random)?;
            let meter = control.meter(None);
            let mut writer = sink.into_writer();
            let run = seal_in_order(&stream, &mut *reader, None, &mut *writer, control, &meter)?;
            meter.finish();
            (stream, run)
        }
        InputSource::Positioned(source) => {
            let size = source.size().map_err(SealError::reading)?;
            let stream = NewStream::new(options, Some(size), random)?;
            let run = seal_sized(&stream, &*source, size, sink, control)?;
            (stream, run)
        }
    };
    Ok(sealed_report(&stream, &run, control, start))
}

/// Seals a source whose size is known and whose bytes can be had in any order.
fn seal_sized(
    stream: &NewStream,
    source: &dyn ReadAt,
    size: u64,
    sink: OutputSink<'_>,
    control: &Control<'_>,
) -> Result<Run, SealError> {
    let meter = control.meter(Some(size));
    let run = match sink {
        OutputSink::Ordered(mut writer) => {
            let mut reader = ReadAtCursor::new(source, 0);
            seal_in_order(stream, &mut reader, Some(size), &mut *writer, control, &meter)?
        }
        OutputSink::Positioned(sink) => seal_by_offset(stream, source, size, &*sink, control, &meter, None)?,
        OutputSink::Memory(memory) => {
            check_room(memory, stream.sealed_size(size))?;
            let slot = stream.context.geometry().full_record_size();
            let sink = MemorySlots::new(memory, u64::from(stream.header_size()), slot);
            seal_by_offset(stream, source, size, &sink, control, &meter, None)?
        }
    };
    meter.finish();
    Ok(run)
}

/// Writes the header, every segment in its place, and the end. Calls `checkpoints.complete` between those two.
pub(crate) fn seal_by_offset(
    stream: &NewStream,
    source: &dyn ReadAt,
    size: u64,
    sink: &dyn WriteAt,
    control: &Control<'_>,
    meter: &ProgressMeter<'_>,
    checkpoints: Option<&dyn Checkpoints>,
) -> Result<Run, SealError> {
    let header_size = stream.header_size();
    let context = &stream.context;
    let write = |offset, bytes: &[u8]| {
        let written = sink.write_at(offset, &mut [IoSlice::new(bytes)]);
        written.map_err(SealError::writing)
    };
    let sealed_size = stream.sealed_size(size);
    sink.reserve(sealed_size).map_err(SealError::writing)?;
    write(0, &stream.header)?;
    let mut times = StageTimes::default();
    let transfer = Transfer {
        context,
        source,
        sink,
        header_size,
        plaintext_size: size,
        meter,
        checkpoints,
    };
    let summaries = transfer.seal(control, &mut times)?;
    let beyond = source.read_at(size, &mut [IoSliceMut::new(&mut [0])]);
    if beyond.map_err(SealError::reading)? != 0 {
        return Err(SealError::SourceChanged {
            expected: size,
            relation: SizeRelation::Longer,
        });
    }
    checkpoints.map_or(Ok(()), |checkpoints| {
        times.time(Stage::Write, || checkpoints.complete())
    })?;
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
pub(crate) fn sealed_end(
    stream: &NewStream,
    size: u64,
    summaries: &[RecordSummary],
) -> (Totals, u64, Vec<u8>) {
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

pub(crate) fn sealed_report(stream: &NewStream, run: &Run, control: &Control<'_>, start: Instant) -> Report {
    run.report(stream.stream_id, control.threads.count(), start.elapsed())
}
