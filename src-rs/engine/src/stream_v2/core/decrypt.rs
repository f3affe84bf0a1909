//! Opens a stream.

use super::{PreparedSink, check_room, prepare};
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
use crate::stream_v2::io::{HoleWriter, InputSource, OutputSink, ReadAt, ReadAtCursor, WriteAt};
use crate::stream_v2::pipeline::{Checkpoints, Transfer};
use crate::telemetry::{ProgressMeter, StageTimes};
use std::sync::{Mutex, PoisonError};
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
    let threads = control.threads.count();
    let is_strict = matches!(options.on_damage, DamagePolicy::Abort);
    let source = match source {
        InputSource::Positioned(source) => source,
        InputSource::Ordered(_) if !is_strict => {
            return Err(invalid("onDamage", "needs a source that can be read by offset"));
        }
        InputSource::Ordered(mut reader) => {
            let stream = UnlockedStream::unlock(read_header(&mut *reader)?, options, &control.cancel)?;
            let (tally, end) = open_in_order(&stream, &mut *reader, &mut *sink.into_writer(), control)?;
            return Ok(stream.report(&tally, end, threads, start));
        }
    };
    let seekable = SeekableStream::open(&*source, options, &control.cancel)?;
    let stream = &seekable.stream;
    let trailer = if is_strict { seekable.whole()? } else { None };
    let mut writer = if let Some(trailer) = trailer {
        let total = trailer.manifest.plaintext_total;
        match prepare(sink, total, 0, seekable.geometry().segment_size().into())? {
            PreparedSink::ByOffset(sink) => {
                let meter = control.meter(Some(total));
                let tally = open_by_offset(stream, &*source, &*sink, trailer, control, &meter, None)?;
                meter.finish();
                return Ok(stream.report(&tally, trailer.end.clone(), threads, start));
            }
            PreparedSink::InOrder(writer) => HoleWriter::Other(writer),
        }
    } else if is_strict {
        let (tally, end) = open_without_end(stream, &*source, sink, control)?;
        return Ok(stream.report(&tally, end, threads, start));
    } else {
        check_room(&sink, seekable.plaintext_size().unwrap_or(0))?;
        sink.into_hole_writer()
    };
    let (tally, damage) = open_around_damage(&seekable, &*source, &mut writer, options, control)?;
    let end = match seekable.trailer() {
        Ok(trailer) => trailer.end.clone(),
        Err(_) => StreamEnd::unverified(seekable.source_size()),
    };
    Ok(Report {
        damage,
        ..stream.report(&tally, end, threads, start)
    })
}

/// Opens a stream that does not state its length and whose end can't be found: in order, up to the first failure.
pub(crate) fn open_without_end(
    stream: &UnlockedStream,
    source: &dyn ReadAt,
    sink: OutputSink<'_>,
    control: &Control<'_>,
) -> Result<(Tally, StreamEnd), SealError> {
    let mut reader = ReadAtCursor::new(source, u64::from(stream.header.size()));
    open_in_order(stream, &mut reader, &mut *sink.into_writer(), control)
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
    sink.reserve(total).map_err(SealError::writing)?;
    let mut times = StageTimes::default();
    let shared = Mutex::new(Tally::opening(stream.header.core.geometry.digest()));
    transfer.open(&trailer.manifest.entries, control, &mut times, |summary| {
        Tally::add_to(&shared, summary);
    })?;
    let mut tally = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
    tally.times += times;
    Ok(tally)
}
