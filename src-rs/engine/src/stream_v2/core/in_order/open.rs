//! Records in order to plaintext in order.

use super::delivery::Delivery;
use super::lost;
use super::source::Source;
use crate::error::SealError;
use crate::format::{ManifestEntry, SEGMENT_HEADER_SIZE, WireOffset};
use crate::operation::options::Control;
use crate::operation::report::Run;
use crate::stream_v2::core::unlock::UnlockedStream;
use crate::stream_v2::pipeline::record_layout::RecordCursor;
use crate::stream_v2::pipeline::{Parallelism, PortionRunner, open_record, run_ordered};
use crate::stream_v2::segment_worker::{DecryptedSegment, SegmentWire};
use crate::telemetry::{ProgressMeter, StageTimes};
use std::io::{Read, Write};
use std::sync::mpsc::channel;

/// Opens the records behind the header, up to and with the final one, and leaves `reader` at the end record. Also returns which
/// sealings they are.
pub(crate) fn open_in_order(
    stream: &UnlockedStream,
    reader: &mut (dyn Read + Send + '_),
    writer: &mut (dyn Write + Send + '_),
    control: &Control<'_>,
    meter: &ProgressMeter<'_>,
) -> Result<(Run, Vec<Option<ManifestEntry>>), SealError> {
    let geometry = *stream.context.geometry();
    let (buffers, free) = channel();
    let mut source = Source {
        reader,
        free,
        times: StageTimes::default(),
    };
    let start = WireOffset::new(u64::from(stream.header.size()));
    let mut records = Records {
        cursor: RecordCursor::new(geometry, start, stream.header.core.plaintext_size),
        has_failed: false,
    };
    let mut delivery = Delivery::new(writer, buffers, control);

    let segments = stream
        .header
        .core
        .plaintext_size
        .map(|total| geometry.segment_count(total));
    let parallelism = Parallelism::choose(&control.threads, segments);
    let runner = PortionRunner {
        parallelism,
        cancel: &control.cancel,
    };
    let work = |wire: Result<SegmentWire, SealError>| {
        let mut times = StageTimes::default();
        let opened = open_record(&stream.context, wire?, runner, &mut times)?;
        Ok((opened, times))
    };
    let consume = |opened: Result<(DecryptedSegment, StageTimes), SealError>| {
        delivery.accept(opened, |delivery, segment: DecryptedSegment, times| {
            for frame in segment.frames() {
                delivery.write(frame)?;
            }
            let size = u64::from(segment.summary.plaintext_size);
            delivery.totals.add(&segment.summary, size);
            delivery.entries.push(segment.summary.entry);
            meter.add(size);
            meter.segment(&segment.summary.done(times));
            Ok(segment.into_buffer())
        })
    };
    run_ordered(
        &control.threads,
        control.window(&geometry),
        || records.next(&mut source),
        work,
        lost,
        consume,
    )?;
    delivery.check()?;
    delivery.flush()?;
    delivery.times += source.times;
    let run = Run {
        totals: delivery.totals,
        times: delivery.times,
        stream_size: records.cursor.offset().get(),
    };
    Ok((run, delivery.entries.into_iter().map(Some).collect()))
}

/// The records of a reader.
struct Records {
    cursor: RecordCursor,
    has_failed: bool,
}

impl Records {
    fn next(&mut self, source: &mut Source<'_>) -> Option<Result<SegmentWire, SealError>> {
        if self.has_failed || self.cursor.is_at_end() {
            return None;
        }
        let record = self.read_record(source);
        self.has_failed = record.is_err();
        Some(record)
    }

    fn read_record(&mut self, source: &mut Source<'_>) -> Result<SegmentWire, SealError> {
        let (index, offset) = (self.cursor.index(), self.cursor.offset());
        let mut header = [0; SEGMENT_HEADER_SIZE];
        let read = source.read(&mut header)?;
        if read < SEGMENT_HEADER_SIZE {
            return Err(self.cursor.truncated(read as u64));
        }
        let size = self.cursor.measure(&header)?.wire.size() as usize;
        let mut record = source.buffer();
        record.resize(record.len().max(SEGMENT_HEADER_SIZE), 0);
        record[..SEGMENT_HEADER_SIZE].copy_from_slice(&header);
        let filled = source.read_growing(&mut record, SEGMENT_HEADER_SIZE, size)?;
        if filled < size {
            return Err(self.cursor.truncated(filled as u64));
        }
        self.cursor.advance(&header)?;
        Ok(SegmentWire {
            index,
            offset,
            record,
        })
    }
}
