//! Opens a stream.

use super::check_room;
use crate::error::SealError;
use crate::operation::damage::DamagePolicy;
use crate::operation::options::{Control, DecryptOptions, invalid};
use crate::operation::report::Report;
use crate::stream_v2::core::in_order::{open_around_damage, open_in_order};
use crate::stream_v2::core::locate::read_header;
use crate::stream_v2::core::seekable::SeekableStream;
use crate::stream_v2::core::tally::{StreamEnd, Tally};
use crate::stream_v2::core::trailer::VerifiedTrailer;
use crate::stream_v2::core::unlock::UnlockedStream;
use crate::stream_v2::io::{InputSource, MemorySlots, OutputSink, ReadAt, ReadAtCursor, WriteAt};
use crate::stream_v2::pipeline::{Checkpoints, NamedSealings, Transfer};
use crate::telemetry::ProgressMeter;
use std::io::Read;
use std::time::Instant;

/// Opens the sealed stream in `source` into `sink`.
///
/// If the source can be addressed by offset, the end of the stream is verified first, so a truncated stream is refused
/// before any plaintext is written. An ordered source is different, and so is a stream that does not state its length and
/// has no intact end: each segment is written as soon as it has verified, and the end is verified last. If that fails, the
/// caller must discard what the sink received.
///
/// # Errors
/// See [`SealError`]. If several segments fail, the error is that of the first.
pub fn decrypt_stream_v2(
    source: InputSource<'_>,
    sink: OutputSink<'_>,
    options: &DecryptOptions<'_>,
    control: &Control<'_>,
) -> Result<Report, SealError> {
    let start = Instant::now();
    let is_strict = matches!(options.on_damage, DamagePolicy::Abort);
    let (stream, tally, end) = match source {
        InputSource::Ordered(_) if !is_strict => {
            return Err(invalid("onDamage", "needs a source that can be read by offset"));
        }
        InputSource::Ordered(mut reader) => {
            let stream = UnlockedStream::unlock(read_header(&mut *reader)?, options)?;
            let (tally, end) = open_to_end(&stream, &mut *reader, sink, control)?;
            (stream, tally, end)
        }
        InputSource::Positioned(source) => {
            let seekable = SeekableStream::open(&*source, options)?;
            if !is_strict {
                return open_past_damage(
                    &seekable,
                    &*source,
                    sink,
                    options.on_damage.clone(),
                    control,
                    start,
                );
            }
            let (stream, trailer) = seekable.into_whole()?;
            let (tally, end) = match trailer {
                Some(trailer) => open_verified(&stream, &*source, sink, &trailer, control)?,
                None => open_endless(&stream, &*source, sink, control)?,
            };
            (stream, tally, end)
        }
    };
    Ok(stream.report(&tally, end, control.threads.count(), start))
}

/// Opens a stream whose trailer was verified before its segments.
fn open_verified(
    stream: &UnlockedStream,
    source: &dyn ReadAt,
    sink: OutputSink<'_>,
    trailer: &VerifiedTrailer,
    control: &Control<'_>,
) -> Result<(Tally, StreamEnd), SealError> {
    let total = trailer.manifest.plaintext_total;
    let meter = control.meter(Some(total));
    let tally = match sink {
        OutputSink::Positioned(sink) => {
            open_by_offset(stream, source, &*sink, trailer, control, &meter, None)?
        }
        OutputSink::Memory(memory) => {
            check_room(memory, total)?;
            let sink = MemorySlots::new(memory, 0, u64::from(stream.context.geometry().segment_size()));
            open_by_offset(stream, source, &sink, trailer, control, &meter, None)?
        }
        OutputSink::Ordered(mut writer) => {
            let mut reader = ReadAtCursor::new(source, u64::from(stream.header.size()));
            let (tally, _) = open_in_order(stream, &mut reader, &mut *writer, control, &meter)?;
            if let Some(segment) = trailer.manifest.first_difference(tally.entries()) {
                return Err(SealError::other_sealing(trailer.offset, segment));
            }
            tally
        }
    };
    meter.finish();
    Ok((tally, trailer.end))
}

/// Opens a stream that does not state its length and whose end can't be found: in order, up to the first failure.
pub(crate) fn open_endless(
    stream: &UnlockedStream,
    source: &dyn ReadAt,
    sink: OutputSink<'_>,
    control: &Control<'_>,
) -> Result<(Tally, StreamEnd), SealError> {
    let mut reader = ReadAtCursor::new(source, u64::from(stream.header.size()));
    open_to_end(stream, &mut reader, sink, control)
}

/// Opens records in order, then verifies the trailer behind them.
fn open_to_end(
    stream: &UnlockedStream,
    reader: &mut (dyn Read + Send + '_),
    sink: OutputSink<'_>,
    control: &Control<'_>,
) -> Result<(Tally, StreamEnd), SealError> {
    let meter = control.meter(stream.header.core.plaintext_size);
    let (tally, offset) = open_in_order(stream, reader, &mut *sink.into_writer(), control, &meter)?;
    let trailer = stream.expected_trailer(&tally, offset).verify(reader)?;
    meter.finish();
    Ok((tally, trailer.end))
}

/// Opens every segment that can be opened; `policy` decides about the others.
fn open_past_damage(
    seekable: &SeekableStream,
    source: &dyn ReadAt,
    sink: OutputSink<'_>,
    policy: DamagePolicy<'_>,
    control: &Control<'_>,
    start: Instant,
) -> Result<Report, SealError> {
    if let OutputSink::Memory(memory) = &sink {
        check_room(memory, seekable.plaintext_size().unwrap_or(0))?;
    }
    let meter = control.meter(seekable.plaintext_size());
    let (tally, damage) = open_around_damage(
        seekable,
        source,
        &mut *sink.into_writer(),
        policy,
        control,
        &meter,
    )?;
    meter.finish();
    let end = match seekable.trailer() {
        Ok(trailer) => trailer.end,
        Err(_) => StreamEnd::unverified(seekable.source_size()),
    };
    Ok(Report {
        damage,
        ..seekable
            .stream
            .report(&tally, end, control.threads.count(), start)
    })
}

/// Opens every segment of a stream whose trailer was verified, each into its place of `sink`.
pub(crate) fn open_by_offset(
    stream: &UnlockedStream,
    source: &dyn ReadAt,
    sink: &dyn WriteAt,
    trailer: &VerifiedTrailer,
    control: &Control<'_>,
    meter: &ProgressMeter<'_>,
    checkpoints: Option<&dyn Checkpoints>,
) -> Result<Tally, SealError> {
    let total = trailer.manifest.plaintext_total;
    let transfer = Transfer {
        context: &stream.context,
        source,
        sink,
        header_size: stream.header.size(),
        plaintext_size: total,
        meter,
        checkpoints,
    };
    let sealings = NamedSealings {
        entries: &trailer.manifest.entries,
        end_offset: trailer.offset,
    };
    sink.reserve(total).map_err(SealError::writing)?;
    let mut tally = Tally::opening();
    let summaries = transfer.open(sealings, control, &mut tally.times)?;
    summaries.iter().for_each(|summary| tally.add(summary));
    Ok(tally)
}
