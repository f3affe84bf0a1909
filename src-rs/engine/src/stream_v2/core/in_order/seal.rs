//! Plaintext in order to records in order.

use super::delivery::Delivery;
use super::lost;
use super::source::Source;
use crate::crypto::Crc64;
use crate::error::{SealError, SizeRelation};
use crate::format::Geometry;
use crate::operation::options::Control;
use crate::operation::report::Run;
use crate::stream_v2::core::create::NewStream;
use crate::stream_v2::pipeline::record_layout::SegmentCutter;
use crate::stream_v2::pipeline::{Parallelism, PortionRunner, run_ordered, seal_record};
use crate::stream_v2::segment_worker::{EncryptedSegment, SegmentInput};
use crate::telemetry::{ProgressMeter, StageTimes};
use std::io::{Read, Write};
use std::sync::mpsc::channel;

/// Seals all of `reader` into `writer`; `total` is the reader's length where it is known.
pub(crate) fn seal_in_order(
    stream: &NewStream,
    reader: &mut (dyn Read + Send + '_),
    total: Option<u64>,
    writer: &mut (dyn Write + Send + '_),
    control: &Control<'_>,
    meter: &ProgressMeter<'_>,
) -> Result<Run, SealError> {
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
        cutter: SegmentCutter::new(geometry),
        is_done: false,
        ahead: None,
    };
    let mut delivery = Delivery::new(writer, buffers, control);
    delivery.write(&stream.header)?;
    delivery
        .totals
        .output_crc
        .append(Crc64::of(&stream.header), stream.header.len() as u64);

    let parallelism = Parallelism::choose(&control.threads, total.map(|total| geometry.segment_count(total)));
    let runner = PortionRunner {
        parallelism,
        cancel: &control.cancel,
    };
    let work = |input: Result<SegmentInput, SealError>| {
        let mut times = StageTimes::default();
        let sealed = seal_record(&stream.context, input?, runner, &mut times)?;
        Ok((sealed, times))
    };
    let consume = |sealed: Result<(EncryptedSegment, StageTimes), SealError>| {
        delivery.accept(sealed, |delivery, EncryptedSegment { summary, record }, times| {
            delivery.write(&record)?;
            delivery.totals.add(&summary, record.len() as u64);
            delivery.entries.push(summary.entry);
            meter.add(u64::from(summary.plaintext_size));
            meter.segment(&summary.done(times));
            Ok(record)
        })
    };
    run_ordered(
        &control.threads,
        control.window(&geometry),
        || plaintext.next(&mut source),
        work,
        lost,
        consume,
    )?;
    delivery.check()?;
    let end = stream.end(
        delivery.totals.plaintext_size,
        std::mem::take(&mut delivery.entries),
    );
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

/// The segments of a reader, each read straight into its frames' slots.
struct PlaintextSegments {
    geometry: Geometry,
    total: Option<u64>,
    cutter: SegmentCutter,
    is_done: bool,
    /// The byte that was read to see whether the segment before was the last.
    ahead: Option<u8>,
}

impl PlaintextSegments {
    fn next(&mut self, source: &mut Source<'_>) -> Option<Result<SegmentInput, SealError>> {
        if self.is_done {
            return None;
        }
        let segment = self.read_segment(source);
        self.is_done = segment.as_ref().map_or(true, |input| input.plan.is_final);
        Some(segment)
    }

    fn read_segment(&mut self, source: &mut Source<'_>) -> Result<SegmentInput, SealError> {
        let geometry = self.geometry;
        let index = self.cutter.index();
        let due = match self.total {
            Some(total) => geometry.segment_plaintext(total, index),
            None => geometry.segment_size(),
        };
        let mut record = source.buffer();
        while self.cutter.filled() < due {
            let room = self.cutter.room();
            let wanted = room.len().min((due - self.cutter.filled()) as usize);
            let end = room.start + wanted;
            if record.len() < end {
                record.resize(end, 0);
            }
            let content = &mut record[room.start..end];
            let ahead = self.ahead.take();
            if let (Some(byte), Some(first)) = (ahead, content.first_mut()) {
                *first = byte;
            }
            let before = usize::from(ahead.is_some());
            let count = before + source.read(content.get_mut(before..).unwrap_or_default())?;
            self.cutter.advance(count);
            if count < wanted {
                break;
            }
        }
        let is_final = match self.total {
            Some(total) => {
                let changed = |relation| SealError::SourceChanged {
                    expected: total,
                    relation,
                };
                if self.cutter.filled() < due {
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
                if self.cutter.filled() == due && source.read(&mut byte)? != 0 {
                    self.ahead = Some(byte[0]);
                }
                self.ahead.is_none()
            }
        };
        let plan = self.cutter.cut(is_final);
        Ok(SegmentInput { plan, record })
    }
}
