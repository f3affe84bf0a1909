//! Sealing and opening in order: the segments of a reader through the pipeline's window into a writer.

use super::failure::{IoOperation, SealFailure, SizeRelation};
use super::framing::content_mut;
use super::incoming::IncomingStream;
use super::io::read_full;
use super::options::Control;
use super::outgoing::OutgoingStream;
use super::pipeline::{SideBySide, open_record, run_ordered, seal_record};
use super::report::{Run, Totals};
use super::segment_worker::{
    DecryptedSegment, EncryptedSegment, PREAMBLE_SIZE, SegmentInput, SegmentPlan, SegmentWire,
    SegmentWorkerError,
};
use crate::crypto::Crc64;
use crate::headers::{
    FRAME_OVERHEAD, Geometry, ManifestEntry, SEGMENT_HEADER_SIZE, SegmentHeader, SegmentHeaderError,
    SegmentIndex, SegmentReason, WireOffset,
};
use crate::telemetry::{ProgressMeter, Stage, StageTimes};
use std::io::{Read, Write};
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;

/// Seals all of `reader` into `writer`; `total` is the reader's length where it is known.
pub(crate) fn seal_in_order(
    stream: &OutgoingStream,
    reader: &mut (dyn Read + Send + '_),
    total: Option<u64>,
    writer: &mut (dyn Write + Send + '_),
    control: &Control<'_>,
    meter: &ProgressMeter<'_>,
) -> Result<Run, SealFailure> {
    let geometry = *stream.context.geometry();
    let (buffers, free) = channel();
    let mut source = Source {
        reader,
        free,
        times: StageTimes::default(),
    };
    let mut plaintext = PlaintextSegments {
        geometry,
        total,
        next: Some(SegmentIndex::ZERO),
        ahead: None,
    };
    let mut delivery = Delivery::new(writer, buffers, control);
    delivery.write(&stream.header)?;
    delivery
        .totals
        .output_crc
        .append(Crc64::of(&stream.header), stream.header.len() as u64);

    let side_by_side = SideBySide::choose(&control.threads, total.map(|total| geometry.segment_count(total)));
    let work = |input: Result<SegmentInput, SealFailure>| {
        let mut times = StageTimes::default();
        let sealed = seal_record(&stream.context, input?, side_by_side, &control.cancel, &mut times)?;
        Ok((sealed, times))
    };
    let consume = |sealed: Result<(EncryptedSegment, StageTimes), SealFailure>| {
        delivery.accept(sealed, |delivery, EncryptedSegment { summary, record }| {
            delivery.write(&record)?;
            delivery.totals.add(&summary, record.len() as u64);
            delivery.entries.push(summary.entry);
            meter.add(u64::from(summary.plaintext_size));
            Ok(record)
        })
    };
    run_ordered(
        &control.threads,
        control.window(),
        || plaintext.next(&mut source),
        work,
        lost,
        consume,
    )?;
    delivery.outcome?;
    let end = stream.end(
        delivery.totals.plaintext_size,
        std::mem::take(&mut delivery.entries),
    );
    delivery.outcome = Ok(());
    delivery.write(&end)?;
    delivery.flush()?;
    delivery
        .totals
        .output_crc
        .append(Crc64::of(&end), end.len() as u64);
    delivery.times += source.times;
    Ok(Run {
        totals: delivery.totals,
        times: delivery.times,
        stream_size: delivery.written,
    })
}

/// Opens the records behind the header, up to and with the final one, and leaves `reader` at the end record.
pub(crate) fn open_in_order(
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
        delivery.accept(opened, |delivery, segment: DecryptedSegment| {
            for frame in segment.frames() {
                delivery.write(frame)?;
            }
            let size = u64::from(segment.summary.plaintext_size);
            delivery.totals.add(&segment.summary, size);
            delivery.entries.push(segment.summary.entry);
            meter.add(size);
            Ok(segment.into_buffer())
        })
    };
    run_ordered(
        &control.threads,
        control.window(),
        || records.next(&mut source),
        work,
        lost,
        consume,
    )?;
    delivery.outcome?;
    delivery.outcome = Ok(());
    delivery.flush()?;
    delivery.times += source.times;
    let run = Run {
        totals: delivery.totals,
        times: delivery.times,
        stream_size: records.offset.get(),
    };
    Ok((run, delivery.entries))
}

/// A result that never came, which only a bug in the pool could bring about.
fn lost<T>() -> Result<T, SealFailure> {
    Err(SegmentWorkerError::FrameWorkerDisconnected {
        segment: SegmentIndex::ZERO,
    }
    .into())
}

/// The reading end: where bytes come from, and buffers that were used before.
struct Source<'a> {
    reader: &'a mut (dyn Read + Send + 'a),
    free: Receiver<Vec<u8>>,
    times: StageTimes,
}

impl Source<'_> {
    fn buffer(&self) -> Vec<u8> {
        self.free.try_recv().unwrap_or_default()
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<usize, SealFailure> {
        let Self { reader, times, .. } = self;
        let read = times.time(Stage::Read, || read_full(*reader, bytes));
        read.map_err(|error| SealFailure::io(IoOperation::Read, None, &error))
    }
}

/// Cuts plaintext into segments, each read straight into its frames' slots.
struct PlaintextSegments {
    geometry: Geometry,
    total: Option<u64>,
    next: Option<SegmentIndex>,
    /// The byte that was read to see whether the segment before was the last.
    ahead: Option<u8>,
}

impl PlaintextSegments {
    fn next(&mut self, source: &mut Source<'_>) -> Option<Result<SegmentInput, SealFailure>> {
        let index = self.next.take()?;
        let segment = self.read_segment(index, source);
        if let Ok(input) = &segment
            && !input.plan.is_final
        {
            self.next = Some(SegmentIndex::new(index.get() + 1));
        }
        Some(segment)
    }

    fn read_segment(
        &mut self,
        index: SegmentIndex,
        source: &mut Source<'_>,
    ) -> Result<SegmentInput, SealFailure> {
        let geometry = self.geometry;
        let due = match self.total {
            Some(total) => geometry.segment_plaintext(total, index),
            None => geometry.segment_size(),
        };
        let mut record = source.buffer();
        let mut plaintext_size = 0;
        let mut position = PREAMBLE_SIZE;
        while plaintext_size < due {
            let wanted = geometry.frame_size().min(due - plaintext_size);
            let end = position + wanted as usize + FRAME_OVERHEAD;
            if record.len() < end {
                record.resize(end, 0);
            }
            let content = content_mut(&mut record[position..end]);
            let ahead = self.ahead.take();
            if let (Some(byte), Some(first)) = (ahead, content.first_mut()) {
                *first = byte;
            }
            let before = usize::from(ahead.is_some());
            let count = before + source.read(content.get_mut(before..).unwrap_or_default())?;
            plaintext_size += count as u32;
            position = end;
            if count < wanted as usize {
                break;
            }
        }
        let is_final = match self.total {
            Some(total) => {
                let changed = |relation| SealFailure::SourceChanged {
                    expected: total,
                    relation,
                };
                if plaintext_size < due {
                    return Err(changed(SizeRelation::Shorter));
                }
                let is_final = index.get() + 1 == geometry.segment_count(total);
                if is_final && source.read(&mut [0])? != 0 {
                    return Err(changed(SizeRelation::Longer));
                }
                is_final
            }
            None => {
                let mut byte = [0];
                if plaintext_size == due && source.read(&mut byte)? != 0 {
                    self.ahead = Some(byte[0]);
                }
                self.ahead.is_none()
            }
        };
        Ok(SegmentInput {
            plan: SegmentPlan {
                index,
                is_final,
                plaintext_size,
            },
            record,
        })
    }
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
        if header_bytes.starts_with(END_MARKER) {
            let due = format!("segment {index}");
            return Err(invalid(SegmentHeaderError::new(
                SegmentReason::EndTooEarly,
                due,
                "the end record",
            )));
        }
        let header = SegmentHeader::parse(&header_bytes, &self.geometry).map_err(invalid)?;
        let size = self.geometry.record_size(header.plaintext_size) as usize;
        let mut record = source.buffer();
        record.resize(size, 0);
        let (head, rest) = record.split_at_mut(SEGMENT_HEADER_SIZE);
        head.copy_from_slice(&header_bytes);
        let read = source.read(rest)?;
        if read < rest.len() {
            return Err(truncated(SEGMENT_HEADER_SIZE + read));
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

/// The writing end: results in order, until the first failure.
struct Delivery<'a, 'c> {
    writer: &'a mut (dyn Write + Send + 'a),
    buffers: Sender<Vec<u8>>,
    control: &'a Control<'c>,
    written: u64,
    totals: Totals,
    entries: Vec<ManifestEntry>,
    times: StageTimes,
    idle_since: Instant,
    outcome: Result<(), SealFailure>,
}

impl<'a, 'c> Delivery<'a, 'c> {
    fn new(
        writer: &'a mut (dyn Write + Send + 'a),
        buffers: Sender<Vec<u8>>,
        control: &'a Control<'c>,
    ) -> Self {
        Self {
            writer,
            buffers,
            control,
            written: 0,
            totals: Totals::default(),
            entries: Vec::new(),
            times: StageTimes::default(),
            idle_since: Instant::now(),
            outcome: Ok(()),
        }
    }

    /// Takes the next result; `deliver` writes it and gives its buffer back.
    fn accept<T>(
        &mut self,
        result: Result<(T, StageTimes), SealFailure>,
        deliver: impl FnOnce(&mut Self, T) -> Result<Vec<u8>, SealFailure>,
    ) -> ControlFlow<()> {
        self.times.add(Stage::Wait, self.idle_since.elapsed());
        let delivered = if self.control.cancel.is_cancelled() {
            Err(SealFailure::Cancelled)
        } else {
            result
        };
        let delivered = delivered.and_then(|(item, times)| {
            self.times += times;
            deliver(self, item)
        });
        self.idle_since = Instant::now();
        match delivered {
            Ok(buffer) => {
                // The reader may have ended already, and then needs no buffers.
                let _ = self.buffers.send(buffer);
                ControlFlow::Continue(())
            }
            Err(failure) => {
                self.outcome = Err(self.explain(failure));
                ControlFlow::Break(())
            }
        }
    }

    /// Adds what only the delivering end knows, and stops a reader that waits.
    fn explain(&self, failure: SealFailure) -> SealFailure {
        self.control.cancel.cancel();
        match failure {
            SealFailure::Truncated {
                next_segment, offset, ..
            } => SealFailure::Truncated {
                next_segment,
                verified_bytes: self.totals.plaintext_size,
                offset,
            },
            other => other,
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), SealFailure> {
        let Self { writer, times, .. } = self;
        let written = times.time(Stage::Write, || writer.write_all(bytes));
        written.map_err(write_failure)?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SealFailure> {
        self.writer.flush().map_err(write_failure)
    }
}

fn write_failure(error: std::io::Error) -> SealFailure {
    SealFailure::io(IoOperation::Write, None, &error)
}

/// The first bytes of an end record.
const END_MARKER: &[u8] = b"SEND";
