//! Segments that an earlier attempt finished are not done again, and those that are done are noted in the journal.

use super::positioned::{SegmentTask, Worker};
use super::record::Halt;
use crate::headers::SegmentIndex;
use crate::recovery::{JournalEntry, LogManager, Trouble};
use crate::stream_v2::segment_worker::{Join, RecordSummary, SegmentWorkerError};
use crate::telemetry::StageTimes;

/// What an operation knows of its earlier attempts, and where it notes what it does for its next.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    /// For each segment, what is left of it if it is finished; empty where none is.
    finished: Vec<Option<RecordSummary>>,
    log: LogManager,
}

impl Checkpoints {
    /// `finished` segments were found sound in the output.
    pub(crate) const fn new(finished: Vec<Option<RecordSummary>>, log: LogManager) -> Self {
        Self { finished, log }
    }

    fn finished(&self, segment: SegmentIndex) -> Option<&RecordSummary> {
        let index = usize::try_from(segment.get()).ok()?;
        self.finished.get(index)?.as_ref()
    }

    /// Returns when the journal says, on the disk, that the output's end comes next.
    pub(crate) fn close(&self) {
        self.log.close();
    }

    /// Ends the journal's thread, and tells what went wrong there.
    pub(crate) fn end(self) -> Vec<SegmentWorkerError> {
        let error = |Trouble { segment, message }| SegmentWorkerError::CheckpointError { segment, message };
        self.log.end().map(error).into_iter().collect()
    }
}

/// A task that an earlier attempt may have done for some segments.
pub(crate) struct Resumable<'a, T> {
    pub(crate) task: T,
    /// None where the operation can't be resumed.
    pub(crate) checkpoints: Option<&'a Checkpoints>,
}

impl<T: SegmentTask<Output = RecordSummary>> SegmentTask for Resumable<'_, T> {
    type Output = RecordSummary;

    fn count(&self) -> u64 {
        self.task.count()
    }

    fn slot_size(&self) -> usize {
        self.task.slot_size()
    }

    /// What an earlier attempt did is no news.
    fn done(&self, summary: &RecordSummary, times: StageTimes) {
        let is_old = |checkpoints: &Checkpoints| checkpoints.finished(summary.index).is_some();
        if !self.checkpoints.is_some_and(is_old) {
            self.task.done(summary, times);
        }
    }

    fn run<J: Join>(&self, worker: &mut Worker<'_, J>, index: SegmentIndex) -> Result<RecordSummary, Halt> {
        let Some(checkpoints) = self.checkpoints else {
            return self.task.run(worker, index);
        };
        if let Some(summary) = checkpoints.finished(index) {
            return Ok(*summary);
        }
        let summary = self.task.run(worker, index)?;
        checkpoints.log.record(JournalEntry {
            index,
            record: summary.entry,
            output_crc64: summary.output_crc64,
        });
        Ok(summary)
    }
}
