//! Records in order to plaintext in order.

use super::{delivery::Delivery, lost, source::Source};
use crate::headers::{
    END_MARKER, Geometry, ManifestEntry, SEGMENT_HEADER_SIZE, SegmentHeader, SegmentHeaderError,
    SegmentIndex, WireOffset,
};
use crate::stream_v2::failure::SealFailure;
use crate::stream_v2::incoming::IncomingStream;
use crate::stream_v2::options::Control;
use crate::stream_v2::pipeline::{SideBySide, open_record, run_ordered};
use crate::stream_v2::report::Run;
use crate::stream_v2::segment_worker::{DecryptedSegment, SegmentWire, SegmentWorkerError};
use crate::telemetry::{ProgressMeter, StageTimes};
use std::io::{Read, Write};
use std::sync::mpsc::channel;

/// Opens the records behind the header, up to and with the final one, and leaves `reader` at the end record.
pub(in crate::stream_v2) fn open_in_order(
    stream: &IncomingStream,
    reader: &mut (dyn Read + Send + '_),
    writer: &mut (dyn Write + Send + '_),
    control: &Control<'_>,
    meter: &ProgressMeter<'_>,
) -> Result<(Run, Vec<ManifestEntry>), SealFailure> {
    let geometry = *stream.context.geometry();
    let (buffers, free) = channel();
    let mut source = Source {
        reader,
        free,
        times: StageTimes::default(),
    };
    let start = WireOffset::new(u64::from(stream.header.size()));
    let mut records = Records {
        geometry,
        next: Some(SegmentIndex::ZERO),
        offset: start,
    };
    let mut delivery = Delivery::new(writer, buffers, control);

    let segments = stream
        .header
        .core
        .plaintext_size
        .map(|total| geometry.segment_count(total));
    let side_by_side = SideBySide::choose(&control.threads, segments);
    let work = |wire: Result<SegmentWire, SealFailure>| {
        let mut times = StageTimes::default();
        let opened = open_record(&stream.context, wire?, side_by_side, &control.cancel, &mut times)?;
        Ok((opened, times))
    };
    let consume = |opened: Result<(DecryptedSegment, StageTimes), SealFailure>| {
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
        stream_size: records.offset.get(),
    };
    Ok((run, delivery.entries))
}

/// Finds one record after the other by the sizes in their headers.
struct Records {
    geometry: Geometry,
    next: Option<SegmentIndex>,
    /// Where the next record starts.
    offset: WireOffset,
}

impl Records {
    fn next(&mut self, source: &mut Source<'_>) -> Option<Result<SegmentWire, SealFailure>> {
        let index = self.next.take()?;
        Some(self.read_record(index, source))
    }

    fn read_record(
        &mut self,
        index: SegmentIndex,
        source: &mut Source<'_>,
    ) -> Result<SegmentWire, SealFailure> {
        let offset = self.offset;
        // What was verified before is counted where segments are delivered.
        let truncated = |available: usize| SealFailure::Truncated {
            next_segment: index,
            verified_bytes: 0,
            offset: WireOffset::new(offset.get() + available as u64),
        };
        let invalid = |error| SealFailure::from(SegmentWorkerError::invalid(index, offset, error));
        let mut header_bytes = [0; SEGMENT_HEADER_SIZE];
        let read = source.read(&mut header_bytes)?;
        if read < SEGMENT_HEADER_SIZE {
            return Err(truncated(read));
        }
        if header_bytes.starts_with(&END_MARKER) {
            return Err(invalid(SegmentHeaderError::end_too_early(index)));
        }
        let header = SegmentHeader::parse(&header_bytes, &self.geometry).map_err(invalid)?;
        let size = self.geometry.record_size(header.plaintext_size) as usize;
        let mut record = source.buffer();
        record.resize(record.len().max(SEGMENT_HEADER_SIZE), 0);
        record[..SEGMENT_HEADER_SIZE].copy_from_slice(&header_bytes);
        let filled = source.read_growing(&mut record, SEGMENT_HEADER_SIZE, size)?;
        if filled < size {
            return Err(truncated(filled));
        }
        self.offset = WireOffset::new(offset.get() + size as u64);
        if !header.is_final {
            self.next = Some(SegmentIndex::new(index.get() + 1));
        }
        Ok(SegmentWire {
            index,
            offset,
            record,
        })
    }
}
