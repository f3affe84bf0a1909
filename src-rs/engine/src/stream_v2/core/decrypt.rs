//! Opening.

use super::check_room;
use crate::error::SealError;
use crate::format::{ManifestEntry, WireOffset};
use crate::operation::damage::DamagePolicy;
use crate::operation::options::{Control, DecryptOptions, invalid};
use crate::operation::report::{Report, Run, Totals};
use crate::stream_v2::core::in_order::{open_around_damage_in_order, open_in_order};
use crate::stream_v2::core::seekable::SeekableStream;
use crate::stream_v2::core::trailer::{ExpectedTrailer, VerifiedTrailer};
use crate::stream_v2::core::unlock::{UnlockedStream, read_header};
use crate::stream_v2::io::{InputSource, MemorySlots, OutputSink, ReadAt, ReadAtCursor, WriteAt};
use crate::stream_v2::pipeline::{Checkpoints, NamedSealings, Transfer};
use crate::stream_v2::segment_worker::RecordSummary;
use crate::telemetry::{ProgressMeter, StageTimes};
use std::io::Read;
use std::time::Instant;

/// Opens the sealed stream in `source` into `sink`.
///
/// Of a source that can be addressed by offset the end is verified first, so that a cut stream is refused before a byte
/// comes out. An ordered source, and a stream that neither says how long it is nor has a sound end, releases each
/// segment when it has verified and meets the end last: what the sink got must be discarded if this fails.
///
/// # Errors
/// See [`SealError`]; of several segments that fail, the first.
pub fn decrypt_stream_v2(
    source: InputSource<'_>,
    sink: OutputSink<'_>,
    options: &DecryptOptions<'_>,
    control: &Control<'_>,
) -> Result<Report, SealError> {
    let start = Instant::now();
    let is_strict = matches!(options.on_damage, DamagePolicy::Abort);
    let source = match source {
        InputSource::Positioned(source) => source,
        InputSource::Ordered(_) if !is_strict => {
            return Err(invalid("onDamage", "needs a source that can be read by offset"));
        }
        InputSource::Ordered(mut reader) => {
            let stream = UnlockedStream::unlock(read_header(&mut *reader)?, options)?;
            let meter = control.meter(stream.header.core.plaintext_size);
            let (run, copy_damaged) = open_and_end(&stream, &mut *reader, sink, control, &meter)?;
            return Ok(opened_report(&stream, &run, copy_damaged, control, start));
        }
    };
    let opened = SeekableStream::open(&*source, options)?;
    if !is_strict {
        return open_around_damage(&opened, &*source, sink, options.on_damage, control, start);
    }
    let (stream, whole) = opened.into_whole()?;
    let (run, copy_damaged) = match whole {
        Some((total, end)) => {
            let run = open_ended(&stream, &*source, sink, total, &end, control)?;
            (run, end.header_copy_damaged)
        }
        None => open_endless(&stream, &*source, sink, control)?,
    };
    Ok(opened_report(&stream, &run, copy_damaged, control, start))
}

/// Opens a stream of `total` bytes whose end was verified before its segments.
fn open_ended(
    stream: &UnlockedStream,
    source: &dyn ReadAt,
    sink: OutputSink<'_>,
    total: u64,
    end: &VerifiedTrailer,
    control: &Control<'_>,
) -> Result<Run, SealError> {
    let meter = control.meter(Some(total));
    let run = match sink {
        OutputSink::Positioned(sink) => open_by_offset(stream, source, &*sink, end, control, &meter, None)?,
        OutputSink::Memory(memory) => {
            check_room(memory, total)?;
            let sink = MemorySlots::new(memory, 0, u64::from(stream.context.geometry().segment_size()));
            open_by_offset(stream, source, &sink, end, control, &meter, None)?
        }
        OutputSink::Ordered(mut writer) => {
            let mut reader = ReadAtCursor::new(source, u64::from(stream.header.size()));
            let (run, entries) = open_in_order(stream, &mut reader, &mut *writer, control, &meter)?;
            check_manifest(end, &entries)?;
            run
        }
    };
    meter.finish();
    Ok(Run {
        stream_size: end.stream_size,
        ..run
    })
}

/// Opens a stream that doesn't say how long it is and whose end is not to be found: in order, until something is wrong. Also
/// returns whether the header's copy is damaged.
pub(crate) fn open_endless(
    stream: &UnlockedStream,
    source: &dyn ReadAt,
    sink: OutputSink<'_>,
    control: &Control<'_>,
) -> Result<(Run, bool), SealError> {
    let mut reader = ReadAtCursor::new(source, u64::from(stream.header.size()));
    open_and_end(stream, &mut reader, sink, control, &control.meter(None))
}

/// Opens what can be opened and has the caller decide about the rest.
fn open_around_damage(
    opened: &SeekableStream,
    source: &dyn ReadAt,
    sink: OutputSink<'_>,
    policy: DamagePolicy<'_>,
    control: &Control<'_>,
    start: Instant,
) -> Result<Report, SealError> {
    if let OutputSink::Memory(memory) = &sink {
        check_room(memory, opened.plaintext_size().unwrap_or(0))?;
    }
    let meter = control.meter(opened.plaintext_size());
    let (run, damage) =
        open_around_damage_in_order(opened, source, &mut *sink.into_writer(), policy, control, &meter)?;
    meter.finish();
    let copy_damaged = opened.end().is_ok_and(|end| end.header_copy_damaged);
    Ok(Report {
        damage,
        ..opened_report(&opened.stream, &run, copy_damaged, control, start)
    })
}

pub(crate) fn open_by_offset(
    stream: &UnlockedStream,
    source: &dyn ReadAt,
    sink: &dyn WriteAt,
    end: &VerifiedTrailer,
    control: &Control<'_>,
    meter: &ProgressMeter<'_>,
    checkpoints: Option<&dyn Checkpoints>,
) -> Result<Run, SealError> {
    let header_size = stream.header.size();
    let total = end.manifest.plaintext_total;
    let transfer = Transfer {
        context: &stream.context,
        source,
        sink,
        header_size,
        plaintext_size: total,
        meter,
        checkpoints,
    };
    let sealings = NamedSealings {
        entries: &end.manifest.entries,
        end_offset: end.offset,
    };
    let mut times = StageTimes::default();
    sink.reserve(total).map_err(SealError::writing)?;
    let summaries = transfer.open(sealings, control, &mut times)?;
    Ok(Run {
        totals: opened_totals(&summaries),
        times,
        stream_size: end.stream_size,
    })
}

pub(crate) fn opened_totals(summaries: &[RecordSummary]) -> Totals {
    let mut totals = Totals::default();
    summaries
        .iter()
        .for_each(|summary| totals.add(summary, u64::from(summary.plaintext_size)));
    totals
}

/// Opens records in order and verifies the end behind them. Also returns whether the header's copy is damaged.
fn open_and_end(
    stream: &UnlockedStream,
    reader: &mut (dyn Read + Send + '_),
    sink: OutputSink<'_>,
    control: &Control<'_>,
    meter: &ProgressMeter<'_>,
) -> Result<(Run, bool), SealError> {
    let (run, entries) = open_in_order(stream, reader, &mut *sink.into_writer(), control, meter)?;
    let expectation = ExpectedTrailer {
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

fn check_manifest(end: &VerifiedTrailer, read: &[Option<ManifestEntry>]) -> Result<(), SealError> {
    let difference = end.manifest.first_difference(read);
    difference.map_or(Ok(()), |segment| {
        Err(SealError::other_sealing(end.offset, segment))
    })
}

pub(crate) fn opened_report(
    stream: &UnlockedStream,
    run: &Run,
    header_copy_damaged: bool,
    control: &Control<'_>,
    start: Instant,
) -> Report {
    let (stream_id, threads) = (stream.header.core.stream_id, control.threads.count());
    stream.opened(
        run.report(stream_id, threads, start.elapsed()),
        header_copy_damaged,
    )
}
