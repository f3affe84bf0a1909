//! Seals the plaintext of an ordered source.

use super::delivery::Delivery;
use super::timed_reader::TimedReader;
use crate::error::{SealError, SizeRelation};
use crate::format::{Geometry, SegmentIndex};
use crate::operation::options::Control;
use crate::stream_v2::core::create::NewStream;
use crate::stream_v2::core::tally::Tally;
use crate::stream_v2::pipeline::record_layout::SegmentCutter;
use crate::stream_v2::pipeline::{PortionRunner, seal_record};
use crate::stream_v2::segment_worker::{EncryptedSegment, SegmentInput};
use std::io::{Read, Write};

/// Seals all bytes of `reader` into `writer`; `total` is their number, if it is known.
pub(crate) fn seal_in_order(
    stream: &NewStream,
    reader: &mut (dyn Read + Send + '_),
    total: Option<u64>,
    writer: &mut (dyn Write + Send + '_),
    control: &Control<'_>,
) -> Result<Tally, SealError> {
    let geometry = *stream.context.geometry();
    let mut plaintext = PlaintextSegments {
        reader: TimedReader::new(reader),
        geometry,
        total,
        cutter: SegmentCutter::new(geometry),
        is_done: false,
        ahead: None,
    };
    let runner = PortionRunner::new(control, total.map(|total| geometry.segment_count(total)));
    let mut delivery = Delivery::new(stream.tally(), writer, control, total);
    delivery.write(&stream.header)?;
    delivery.run(
        &geometry,
        |buffer| plaintext.next(buffer),
        |input, times| Ok(seal_record(&stream.context, input, runner, times)?),
        |delivery, EncryptedSegment { summary, record }, times| {
            delivery.write(&record)?;
            delivery.count(&summary, times);
            Ok(Some(record))
        },
    )?;
    let end = stream.end(&mut delivery.tally, &control.cancel)?;
    delivery.write(&end)?;
    delivery.flush()?;
    Ok(delivery.finish(plaintext.reader.times))
}

/// Reads the plaintext of one segment after the other, straight into the slots of its frames.
struct PlaintextSegments<'a> {
    reader: TimedReader<'a>,
    geometry: Geometry,
    total: Option<u64>,
    cutter: SegmentCutter,
    is_done: bool,
    /// First byte of the next segment, which was read to see whether the last segment is final.
    ahead: Option<u8>,
}

impl PlaintextSegments<'_> {
    fn next(&mut self, buffer: Vec<u8>) -> Option<Result<SegmentInput, SealError>> {
        if self.is_done {
            return None;
        }
        let segment = self.read_segment(buffer);
        self.is_done = segment.as_ref().map_or(true, |input| input.header.is_final);
        Some(segment)
    }

    fn read_segment(&mut self, mut record: Vec<u8>) -> Result<SegmentInput, SealError> {
        let index = self.cutter.index();
        let expected = self.geometry.expected_plaintext(self.total, index);
        while self.cutter.filled() < expected {
            let room = self.cutter.room();
            let wanted = room.len().min((expected - self.cutter.filled()) as usize);
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
            let count = before + self.reader.read(content.get_mut(before..).unwrap_or_default())?;
            self.cutter.advance(count);
            if count < wanted {
                break;
            }
        }
        let is_full = self.cutter.filled() == expected;
        let is_final = match self.total {
            Some(total) => self.check_size(index, total, is_full)?,
            None => {
                let mut byte = [0];
                if is_full && self.reader.read(&mut byte)? != 0 {
                    self.ahead = Some(byte[0]);
                }
                self.ahead.is_none()
            }
        };
        let header = self.cutter.cut(is_final);
        Ok(SegmentInput { header, record })
    }

    /// Whether segment `index` is the final one of a source of `total` bytes, which must still have that size.
    fn check_size(&mut self, index: SegmentIndex, total: u64, is_full: bool) -> Result<bool, SealError> {
        let is_final = index.get() + 1 == self.geometry.segment_count(total);
        let relation = if !is_full {
            SizeRelation::Shorter
        } else if is_final && self.reader.read(&mut [0])? != 0 {
            SizeRelation::Longer
        } else {
            return Ok(is_final);
        };
        Err(SealError::source_changed(total, relation))
    }
}
