//! Plaintext in order to records in order.

use super::{delivery::Delivery, lost, source::Source};
use crate::crypto::Crc64;
use crate::headers::{FRAME_OVERHEAD, Geometry, SegmentIndex};
use crate::stream_v2::failure::{SealFailure, SizeRelation};
use crate::stream_v2::framing::content_mut;
use crate::stream_v2::options::Control;
use crate::stream_v2::outgoing::OutgoingStream;
use crate::stream_v2::pipeline::{SideBySide, run_ordered, seal_record};
use crate::stream_v2::report::Run;
use crate::stream_v2::segment_worker::{EncryptedSegment, PREAMBLE_SIZE, SegmentInput, SegmentPlan};
use crate::telemetry::{ProgressMeter, StageTimes};
use std::io::{Read, Write};
use std::sync::mpsc::channel;

/// Seals all of `reader` into `writer`; `total` is the reader's length where it is known.
pub(in crate::stream_v2) fn seal_in_order(
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
