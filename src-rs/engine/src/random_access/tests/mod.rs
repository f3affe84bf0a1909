//! Tests of random access.

mod failing;
mod open_ranges;
mod reading;

use crate::error::SealError;
use crate::format::ByteRange;
use crate::operation::cancel::CancellationToken;
use crate::random_access::RangeReader;
use crate::stream_v2::io::{FetchedRange, FetchedRanges, ReadAt};
use crate::telemetry::StageTimes;
use crate::testing::support::reading as keys;
use std::io;
use std::io::IoSliceMut;
use std::sync::Mutex;

fn open(source: &dyn ReadAt, cache: usize) -> Result<RangeReader, SealError> {
    RangeReader::open(source, &keys(), cache, &CancellationToken::new())
}

/// Reads a range of the plaintext.
fn read(reader: &RangeReader, source: &dyn ReadAt, start: u64, length: usize) -> Result<Vec<u8>, SealError> {
    let plan = reader.plan(ByteRange::at(start, length as u64));
    let mut out = vec![0xEE; length];
    let times = &mut StageTimes::default();
    let size = reader.read(source, &plan, &mut out, &CancellationToken::new(), times)?;
    assert_eq!(size as u64, plan.size());
    assert!(
        out[size..].iter().all(|&byte| byte == 0xEE),
        "written past the end"
    );
    out.truncate(size);
    Ok(out)
}

/// Same, from a source that has only the ranges that the plan needs.
fn read_fetched(
    reader: &RangeReader,
    stream: &[u8],
    start: u64,
    length: usize,
) -> Result<Vec<u8>, SealError> {
    let missing = reader.plan(ByteRange::at(start, length as u64)).missing();
    read(reader, &fetched(stream, &missing), start, length)
}

fn fetched<'a>(stream: &'a [u8], ranges: &[ByteRange]) -> FetchedRanges<'a> {
    let part = |range: &ByteRange| FetchedRange {
        offset: range.start,
        size: range.end - range.start,
        bytes: Box::new(&stream[range.start as usize..range.end as usize]),
    };
    FetchedRanges::new(stream.len() as u64, ranges.iter().map(part).collect())
}

/// Memory that records all reads.
struct Counted<'a> {
    bytes: &'a [u8],
    reads: Mutex<Vec<ByteRange>>,
}

impl<'a> Counted<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            reads: Mutex::default(),
        }
    }

    /// The reads since the last call.
    fn take(&self) -> Vec<ByteRange> {
        std::mem::take(&mut self.reads.lock().unwrap())
    }
}

impl ReadAt for Counted<'_> {
    fn size(&self) -> io::Result<u64> {
        self.bytes.size()
    }

    fn read_at(&self, offset: u64, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let read = self.bytes.read_at(offset, buffers)?;
        self.reads
            .lock()
            .unwrap()
            .push(ByteRange::at(offset, read as u64));
        Ok(read)
    }
}
