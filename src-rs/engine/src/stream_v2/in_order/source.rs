//! The reading end.

use crate::stream_v2::failure::{IoOperation, SealFailure};
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

    pub(super) fn read(&mut self, bytes: &mut [u8]) -> Result<usize, SealFailure> {
        let Self { reader, times, .. } = self;
        let read = times.time(Stage::Read, || read_full(*reader, bytes));
        read.map_err(|error| SealFailure::io(IoOperation::Read, None, &error))
    }
}
