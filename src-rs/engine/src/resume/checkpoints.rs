//! The segments that earlier attempts finished, and the journal of those that this one finishes.

use super::journal::JournalEntry;
use super::log_manager::{LogManager, Trouble};
use crate::error::SealError;
use crate::format::SegmentIndex;
use crate::stream_v2::pipeline::Checkpoints;
use crate::stream_v2::segment_worker::{RecordSummary, SegmentWorkerError};

/// Checkpoints in a journal.
#[derive(Debug)]
pub(crate) struct JournalCheckpoints {
    /// For each segment, its summary if an earlier attempt finished it; empty if there is none.
    finished: Vec<Option<RecordSummary>>,
    log: LogManager,
}

impl JournalCheckpoints {
    /// `finished` segments were found valid in the output.
    pub(crate) const fn new(finished: Vec<Option<RecordSummary>>, log: LogManager) -> Self {
        Self { finished, log }
    }

    /// Returns once the journal says, on the disk, that the output's end comes next.
    pub(crate) fn close(&self) {
        self.log.close();
    }

    /// Ends the journal's thread, and returns what went wrong there.
    pub(crate) fn end(self) -> Vec<SegmentWorkerError> {
        let error = |Trouble { segment, message }| SegmentWorkerError::CheckpointError { segment, message };
        self.log.end().map(error).into_iter().collect()
    }
}

impl Checkpoints for JournalCheckpoints {
    fn finished(&self, segment: SegmentIndex) -> Option<&RecordSummary> {
        let index = usize::try_from(segment.get()).ok()?;
        self.finished.get(index)?.as_ref()
    }

    fn complete(&self) -> Result<(), SealError> {
        Ok(())
    }

    fn record(&self, summary: &RecordSummary) {
        self.log.record(JournalEntry {
            index: summary.index,
            record: summary.entry,
            output_crc64: summary.output_crc64,
        });
    }
}
