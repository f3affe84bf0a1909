//! Seals a stream.

use super::{PreparedSink, prepare};
use crate::crypto::Random;
use crate::error::{SealError, SizeRelation};
use crate::operation::options::{Control, EncryptOptions};
use crate::operation::report::Report;
use crate::stream_v2::core::create::NewStream;
use crate::stream_v2::core::in_order::seal_in_order;
use crate::stream_v2::core::tally::Tally;
use crate::stream_v2::io::{InputSource, OutputSink, ReadAt, ReadAtCursor, WriteAt};
use crate::stream_v2::pipeline::{Checkpoints, Transfer};
use crate::telemetry::{ProgressMeter, Stage, StageTimes};
use std::io::{IoSlice, IoSliceMut};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Seals all bytes of `source` into `sink`.
///
/// If both can be addressed by offset, each thread reads, seals and writes segments of its own. Otherwise segments pass
/// in order through a bounded window in memory. Opening gives the same plaintext either way.
///
/// # Errors
/// See [`SealError`]. The caller must then discard what was written to the sink;
/// [`OutputFile`](crate::stream_v2::io::OutputFile) does.
pub fn encrypt_stream_v2(
    source: InputSource<'_>,
    sink: OutputSink<'_>,
    options: &EncryptOptions<'_>,
    control: &Control<'_>,
) -> Result<Report, SealError> {
    encrypt_with(&Random::system(), source, sink, options, control)
}

/// As [`encrypt_stream_v2`], with a given source of random bytes. Only tests can make one that is not the system's.
pub(crate) fn encrypt_with(
    random: &Random,
    source: InputSource<'_>,
    sink: OutputSink<'_>,
    options: &EncryptOptions<'_>,
    control: &Control<'_>,
) -> Result<Report, SealError> {
    let start = Instant::now();
    let (stream, tally) = match source {
        InputSource::Ordered(mut reader) => {
            let stream = NewStream::new(options, None, random)?;
            let tally = seal_in_order(&stream, &mut *reader, None, &mut *sink.into_writer(), control)?;
            (stream, tally)
        }
        InputSource::Positioned(source) => {
            let size = source.size().map_err(SealError::reading)?;
            let stream = NewStream::new(options, Some(size), random)?;
            let slot = stream.context.geometry().full_record_size();
            let tally = match prepare(sink, stream.sealed_size(size), stream.header_size(), slot)? {
                PreparedSink::ByOffset(sink) => {
                    let meter = control.meter(Some(size));
                    let tally = seal_by_offset(&stream, &*source, size, &*sink, control, &meter, None)?;
                    meter.finish();
                    tally
                }
                PreparedSink::InOrder(mut writer) => {
                    let mut reader = ReadAtCursor::new(&*source, 0);
                    seal_in_order(&stream, &mut reader, Some(size), &mut *writer, control)?
                }
            };
            (stream, tally)
        }
    };
    Ok(stream.report(&tally, control.threads.count(), start))
}

/// Seals `size` bytes of `source`: writes the header, each record at its offset, and the end of the stream.
///
/// Calls `checkpoints.complete` when all records are written, before the end of the stream.
pub(crate) fn seal_by_offset(
    stream: &NewStream,
    source: &dyn ReadAt,
    size: u64,
    sink: &dyn WriteAt,
    control: &Control<'_>,
    meter: &ProgressMeter<'_>,
    checkpoints: Option<&dyn Checkpoints>,
) -> Result<Tally, SealError> {
    let write = |offset, bytes: &[u8]| {
        let written = sink.write_at(offset, &mut [IoSlice::new(bytes)]);
        written.map_err(SealError::writing)
    };
    sink.reserve(stream.sealed_size(size))
        .map_err(SealError::writing)?;
    write(0, &stream.header)?;
    let tally = stream.tally();
    let transfer = Transfer {
        context: &stream.context,
        source,
        sink,
        header_size: stream.header_size(),
        plaintext_size: size,
        meter,
        checkpoints,
    };
    let mut times = StageTimes::default();
    let shared = Mutex::new(tally);
    transfer.seal(control, &mut times, |summary| Tally::add_to(&shared, summary))?;
    let mut tally = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
    tally.times += times;
    let beyond = source.read_at(size, &mut [IoSliceMut::new(&mut [0])]);
    if beyond.map_err(SealError::reading)? != 0 {
        return Err(SealError::source_changed(size, SizeRelation::Longer));
    }
    if let Some(checkpoints) = checkpoints {
        tally.times.time(Stage::Write, || checkpoints.complete())?;
    }
    let end_offset = tally.output_size();
    let end = stream.end(&mut tally, &control.cancel)?;
    tally.times.time(Stage::Write, || write(end_offset, &end))?;
    Ok(tally)
}
