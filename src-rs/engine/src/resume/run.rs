//! The same operations between files, going on where an earlier attempt was interrupted.

use super::JournalCheckpoints;
use crate::error::{IoOperation, SealError};
use crate::format::SegmentIndex;
use crate::operation::options::Control;
use crate::operation::report::ResumeReport;
use crate::resume::{Continued, Place, Unfinished, ValidateTask};
use crate::stream_v2::io::WriteAt;
use crate::stream_v2::pipeline::{Checkpoints, run_positioned};
use crate::stream_v2::segment_worker::{RecordSummary, SegmentCryptoContext};
use crate::telemetry::{ProgressMeter, StageTimes};
use std::io::IoSlice;

/// What sealing that can be resumed has besides its data.
pub(crate) struct Resuming<'a> {
    pub(crate) checkpoints: JournalCheckpoints,
    pub(crate) output: &'a dyn Unfinished,
    pub(crate) flush: bool,
}

impl Checkpoints for Resuming<'_> {
    fn finished(&self, segment: SegmentIndex) -> Option<&RecordSummary> {
        self.checkpoints.finished(segment)
    }

    fn record(&self, summary: &RecordSummary) {
        self.checkpoints.record(summary);
    }

    /// All segments are done; the journal says so before anything else is written.
    ///
    /// With `flush` they are on the disk by then: a stream whose end was written takes no more segments, so after a power
    /// cut that lost some it would have to be sealed anew.
    fn complete(&self) -> Result<(), SealError> {
        if self.flush {
            let synced = self.output.sync();
            synced.map_err(|error| SealError::io(IoOperation::Flush, None, &error))?;
        }
        self.checkpoints.close();
        Ok(())
    }
}

/// Ends the journal's thread; the report also says what went wrong there.
pub(crate) fn ended(checkpoints: JournalCheckpoints, report: ResumeReport) -> ResumeReport {
    ResumeReport {
        checkpoint_errors: checkpoints.end(),
        ..report
    }
}

pub(crate) fn sound(
    context: &SegmentCryptoContext,
    output: &dyn Unfinished,
    continued: &Continued,
    plaintext_size: u64,
    place: Place<'_>,
    control: &Control<'_>,
    meter: &ProgressMeter<'_>,
) -> Result<Vec<Option<RecordSummary>>, SealError> {
    let task = ValidateTask {
        context,
        output,
        entries: &continued.entries.finished,
        plaintext_size,
        place,
        cancel: &control.cancel,
        meter,
    };
    let (count, geometry) = (task.entries.len() as u64, context.geometry());
    let mut times = StageTimes::default();
    run_positioned(count, geometry, control, &mut times, |worker, index| {
        task.run(worker, index)
    })
}

/// All segments' summaries, if all are finished.
pub(crate) fn all(finished: &[Option<RecordSummary>]) -> Option<Vec<RecordSummary>> {
    finished.iter().copied().collect()
}

/// An unfinished output as any other sink.
pub(crate) struct Borrowed<'a>(pub(crate) &'a dyn Unfinished);

impl WriteAt for Borrowed<'_> {
    fn reserve(&self, size: u64) -> std::io::Result<()> {
        self.0.reserve(size)
    }

    fn write_at(&self, offset: u64, buffers: &mut [IoSlice<'_>]) -> std::io::Result<()> {
        self.0.write_at(offset, buffers)
    }
}
