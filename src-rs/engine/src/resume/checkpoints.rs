//! Checkpoints in a journal: the segments that earlier attempts finished, and those that this attempt finishes.

use super::journal::JournalEntry;
use super::log_manager::LogManager;
use crate::error::{IoOperation, SealError, StartedOver};
use crate::format::SegmentIndex;
use crate::operation::report::ResumeReport;
use crate::stream_v2::io::ReadWriteAt;
use crate::stream_v2::pipeline::Checkpoints;
use crate::stream_v2::segment_worker::RecordSummary;

/// Checkpoints of one attempt.
pub(crate) struct JournalCheckpoints<'a> {
    /// The summary of each segment, if an earlier attempt finished it; empty if there was none.
    pub(super) finished: Vec<Option<RecordSummary>>,
    pub(super) log: LogManager,
    /// The output, if it is flushed before the journal is closed.
    pub(super) flushes: Option<&'a dyn ReadWriteAt>,
    pub(super) started_over: Option<StartedOver>,
}

impl JournalCheckpoints<'_> {
    /// Ends the journal's thread. The report has the error that it met.
    pub(super) fn end(self) -> ResumeReport {
        let resumed = || self.finished.iter().flatten();
        ResumeReport {
            segments_resumed: resumed().count() as u64,
            bytes_resumed: resumed().map(|summary| u64::from(summary.plaintext_size)).sum(),
            started_over: self.started_over,
            checkpoint_errors: self.log.end().into_iter().collect(),
        }
    }
}

impl Checkpoints for JournalCheckpoints<'_> {
    fn finished(&self, segment: SegmentIndex) -> Option<&RecordSummary> {
        let index = usize::try_from(segment.get()).ok()?;
        self.finished.get(index)?.as_ref()
    }

    fn record(&self, summary: &RecordSummary) {
        self.log.record(JournalEntry {
            index: summary.index,
            record: summary.entry,
            output_crc64: summary.output_crc64,
        });
    }

    /// Closes the journal. With `flush` all segments are on the disk before that: no segment can be added to a stream whose
    /// end was written, so if a power cut lost one, the stream would have to be sealed again from the beginning.
    fn complete(&self) -> Result<(), SealError> {
        if let Some(output) = self.flushes {
            output
                .sync()
                .map_err(|error| SealError::io(IoOperation::Flush, None, &error))?;
        }
        self.log.close();
        Ok(())
    }
}
