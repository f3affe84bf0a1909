//! Seals a stream.

use super::check_room;
use crate::crypto::Random;
use crate::error::{SealError, SizeRelation};
use crate::operation::options::{Control, EncryptOptions};
use crate::operation::report::Report;
use crate::stream_v2::core::create::NewStream;
use crate::stream_v2::core::in_order::seal_in_order;
use crate::stream_v2::core::tally::Tally;
use crate::stream_v2::io::{InputSource, MemorySlots, OutputSink, ReadAt, ReadAtCursor, WriteAt};
use crate::stream_v2::pipeline::{Checkpoints, Transfer};
use crate::telemetry::{ProgressMeter, Stage};
use std::io::{IoSlice, IoSliceMut, Read};
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
    let size = match &source {
        InputSource::Positioned(source) => Some(source.size().map_err(SealError::reading)?),
        InputSource::Ordered(_) => None,
    };
    let known_size = size.unwrap_or(0);
    let stream = NewStream::new(options, size, random)?;
    let meter = control.meter(size);
    let seal_ordered = |reader: &mut (dyn Read + Send), sink: OutputSink<'_>| {
        seal_in_order(&stream, reader, size, &mut *sink.into_writer(), control, &meter)
    };
    let tally = match (source, sink) {
        (InputSource::Positioned(source), OutputSink::Positioned(sink)) => {
            seal_by_offset(&stream, &*source, known_size, &*sink, control, &meter, None)?
        }
        (InputSource::Positioned(source), OutputSink::Memory(memory)) => {
            check_room(memory, stream.sealed_size(known_size))?;
            let slot = stream.context.geometry().full_record_size();
            let sink = MemorySlots::new(memory, u64::from(stream.header_size()), slot);
            seal_by_offset(&stream, &*source, known_size, &sink, control, &meter, None)?
        }
        (InputSource::Positioned(source), sink) => seal_ordered(&mut ReadAtCursor::new(&*source, 0), sink)?,
        (InputSource::Ordered(mut reader), sink) => seal_ordered(&mut *reader, sink)?,
    };
    meter.finish();
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
    let mut tally = Tally::sealing(&stream.header);
    let transfer = Transfer {
        context: &stream.context,
        source,
        sink,
        header_size: stream.header_size(),
        plaintext_size: size,
        meter,
        checkpoints,
    };
    let summaries = transfer.seal(control, &mut tally.times)?;
    summaries.iter().for_each(|summary| tally.add(summary));
    let beyond = source.read_at(size, &mut [IoSliceMut::new(&mut [0])]);
    if beyond.map_err(SealError::reading)? != 0 {
        return Err(SealError::SourceChanged {
            expected: size,
            relation: SizeRelation::Longer,
        });
    }
    if let Some(checkpoints) = checkpoints {
        tally.times.time(Stage::Write, || checkpoints.complete())?;
    }
    let end_offset = tally.output_size();
    let end = stream.end(&mut tally)?;
    tally.times.time(Stage::Write, || write(end_offset, &end))?;
    Ok(tally)
}
