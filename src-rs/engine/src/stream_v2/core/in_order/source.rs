//! The reading end.

use crate::error::SealError;
use crate::stream_v2::io::read_full;
use crate::telemetry::{Stage, StageTimes};
use std::io::Read;
use std::sync::mpsc::Receiver;

/// Where bytes come from, and buffers that were used before.
pub(super) struct Source<'a> {
    pub(super) reader: &'a mut (dyn Read + Send + 'a),
    pub(super) free: Receiver<Vec<u8>>,
    pub(super) times: StageTimes,
}

impl Source<'_> {
    pub(super) fn buffer(&self) -> Vec<u8> {
        self.free.try_recv().unwrap_or_default()
    }

    pub(super) fn read(&mut self, bytes: &mut [u8]) -> Result<usize, SealError> {
        let Self { reader, times, .. } = self;
        let read = times.time(Stage::Read, || read_full(*reader, bytes));
        read.map_err(SealError::reading)
    }
    /// Reads on behind the `filled` bytes of `buffer` until it has `size`, and returns how many it has. Memory grows with
    /// what arrives: a size that a header only claims is not allocated. Bytes of `buffer` past those are of no account.
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

/// Records of the default size are read at once.
const FIRST_READ: usize = 2 * 1024 * 1024;
