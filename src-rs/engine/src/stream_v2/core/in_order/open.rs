//! Opens the records of an ordered source.

use super::delivery::Delivery;
use super::timed_reader::TimedReader;
use crate::error::SealError;
use crate::format::{SEGMENT_HEADER_SIZE, WireOffset};
use crate::operation::options::Control;
use crate::stream_v2::core::tally::{StreamEnd, Tally};
use crate::stream_v2::core::unlock::UnlockedStream;
use crate::stream_v2::pipeline::record_layout::RecordCursor;
use crate::stream_v2::pipeline::{PortionRunner, open_record};
use crate::stream_v2::segment_worker::SegmentWire;
use std::io::{Read, Write};

/// Opens the records of `reader`, which stands behind the header, then verifies the trailer behind them.
pub(crate) fn open_in_order(
    stream: &UnlockedStream,
    reader: &mut (dyn Read + Send + '_),
    writer: &mut (dyn Write + Send + '_),
    control: &Control<'_>,
) -> Result<(Tally, StreamEnd), SealError> {
    let geometry = *stream.context.geometry();
    let total = stream.header.core.plaintext_size;
    let mut records = Records {
        reader: TimedReader::new(reader),
        cursor: stream.cursor(total),
        has_failed: false,
    };
    let runner = PortionRunner::new(control, total.map(|total| geometry.segment_count(total)));
    let mut delivery = Delivery::new(Tally::opening(geometry.digest()), writer, control, total);
    delivery.run(
        &geometry,
        |buffer| records.next(buffer),
        |wire, times| Ok(open_record(&stream.context, wire, runner, times)?),
        Delivery::deliver_opened,
    )?;
    delivery.flush()?;
    let TimedReader { reader, times } = records.reader;
    let trailer = stream.expected_trailer(&delivery.tally, records.cursor.offset());
    let end = trailer.verify(reader)?.1;
    Ok((delivery.finish(times), end))
}

/// Reads one record after the other.
struct Records<'a> {
    reader: TimedReader<'a>,
    cursor: RecordCursor,
    has_failed: bool,
}

impl Records<'_> {
    fn next(&mut self, buffer: Vec<u8>) -> Option<Result<SegmentWire, SealError>> {
        if self.has_failed || self.cursor.is_at_end() {
            return None;
        }
        let record = self.read_record(buffer);
        self.has_failed = record.is_err();
        Some(record)
    }

    fn read_record(&mut self, mut record: Vec<u8>) -> Result<SegmentWire, SealError> {
        let mut header = [0; SEGMENT_HEADER_SIZE];
        let read = self.reader.read(&mut header)?;
        if read < SEGMENT_HEADER_SIZE {
            return Err(self.cursor.truncated(read as u64));
        }
        let place = self.cursor.measure(&header)?;
        let size = place.sealed.size() as usize;
        record.resize(record.len().max(SEGMENT_HEADER_SIZE), 0);
        record[..SEGMENT_HEADER_SIZE].copy_from_slice(&header);
        let filled = self.reader.read_growing(&mut record, SEGMENT_HEADER_SIZE, size)?;
        if filled < size {
            return Err(self.cursor.truncated(filled as u64));
        }
        self.cursor.advance(&place);
        Ok(SegmentWire {
            index: place.segment,
            offset: WireOffset::new(place.sealed.start),
            named: None,
            record,
        })
    }
}
