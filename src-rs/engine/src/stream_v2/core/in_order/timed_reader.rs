//! Reads a source in order and measures the time.

use crate::error::SealError;
use crate::stream_v2::io::read_full;
use crate::telemetry::{Stage, StageTimes};
use std::io::Read;

/// An ordered source, and the time that reading it took.
pub(super) struct TimedReader<'a> {
    pub(super) reader: &'a mut (dyn Read + Send + 'a),
    pub(super) times: StageTimes,
}

impl<'a> TimedReader<'a> {
    pub(super) fn new(reader: &'a mut (dyn Read + Send + 'a)) -> Self {
        Self {
            reader,
            times: StageTimes::default(),
        }
    }

    /// Fills `bytes` and returns how many bytes there were; fewer only at the source's end.
    pub(super) fn read(&mut self, bytes: &mut [u8]) -> Result<usize, SealError> {
        let Self { reader, times } = self;
        let read = times.time(Stage::Read, || read_full(*reader, bytes));
        read.map_err(SealError::reading)
    }

    /// Reads on after the first `filled` bytes of `buffer` until it has `size`, and returns how many it has. Contents after
    /// those are unspecified. Allocates as bytes arrive; a size that only the record's header claims is not yet trusted.
    pub(super) fn read_growing(
        &mut self,
        buffer: &mut Vec<u8>,
        mut filled: usize,
        size: usize,
    ) -> Result<usize, SealError> {
        buffer.truncate(size);
        while filled < size {
            let end = size.min(buffer.len().max(2 * filled).max(FIRST_READ));
            buffer.resize(end, 0);
            filled += self.read(&mut buffer[filled..end])?;
            if filled < end {
                break;
            }
        }
        Ok(filled)
    }
}

/// Records of the default size are read in one step.
const FIRST_READ: usize = 2 * 1024 * 1024;
