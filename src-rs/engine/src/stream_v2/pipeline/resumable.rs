//! Segments that an earlier attempt finished are not done again, and those that are done become checkpoints.

use super::positioned::{SegmentTask, Worker};
use super::record::TaskError;
use crate::error::SealError;
use crate::format::SegmentIndex;
use crate::stream_v2::segment_worker::{Join, RecordSummary};
use crate::telemetry::StageTimes;

/// The finished segments of an operation that can be resumed.
pub(crate) trait Checkpoints: Sync {
    /// Summary of a segment that an earlier attempt finished.
    fn finished(&self, segment: SegmentIndex) -> Option<&RecordSummary>;

    /// Records a segment that this attempt finished. It does not wait for the disk.
    fn record(&self, summary: &RecordSummary);

    /// Called when all segments are finished, before the end of the output is written.
    ///
    /// # Errors
    /// `Io`, if the output can't be flushed.
    fn complete(&self) -> Result<(), SealError>;
}

/// A task that an earlier attempt may have done for some segments.
pub(crate) struct Resumable<'a, T> {
    pub(crate) task: T,
    /// `None` if the operation can't be resumed.
    pub(crate) checkpoints: Option<&'a dyn Checkpoints>,
}

impl<T: SegmentTask<Output = RecordSummary>> SegmentTask for Resumable<'_, T> {
    type Output = RecordSummary;

    fn count(&self) -> u64 {
        self.task.count()
    }

    fn slot_size(&self) -> usize {
        self.task.slot_size()
    }

    /// Segments of an earlier attempt are not reported again.
    fn done(&self, summary: &RecordSummary, times: StageTimes) {
        let is_old = |checkpoints: &dyn Checkpoints| checkpoints.finished(summary.index).is_some();
        if !self.checkpoints.is_some_and(is_old) {
            self.task.done(summary, times);
        }
    }

    fn run<J: Join>(
        &self,
        worker: &mut Worker<'_, J>,
        index: SegmentIndex,
    ) -> Result<RecordSummary, TaskError> {
        let Some(checkpoints) = self.checkpoints else {
            return self.task.run(worker, index);
        };
        if let Some(summary) = checkpoints.finished(index) {
            return Ok(*summary);
        }
        let summary = self.task.run(worker, index)?;
        checkpoints.record(&summary);
        Ok(summary)
    }
}
