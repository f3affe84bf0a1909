//! The same operations between files, going on where an earlier attempt was interrupted.

mod open;
mod seal;

pub(crate) use open::{decrypt_placed, decrypt_resumable};
pub(crate) use seal::{encrypt_placed, encrypt_resumable};

use crate::stream_v2::failure::{IoOperation, SealFailure};
use crate::stream_v2::io::{Unfinished, WriteAt};
use crate::stream_v2::options::Control;
use crate::stream_v2::pipeline::{Checkpoints, run_positioned};
use crate::stream_v2::report::ResumeReport;
use crate::stream_v2::resume::{Continued, Place, SoundTask};
use crate::stream_v2::segment_worker::{RecordSummary, SegmentCryptoContext};
use crate::telemetry::{ProgressMeter, StageTimes};
use std::io::IoSlice;

/// What sealing that can be resumed has besides its data.
pub(super) struct Resuming<'a> {
    checkpoints: Checkpoints,
    output: &'a dyn Unfinished,
    flush: bool,
}

impl Resuming<'_> {
    pub(super) const fn checkpoints(&self) -> &Checkpoints {
        &self.checkpoints
    }

    /// All segments are done; the journal says so before anything else is written.
    ///
    /// With `flush` they are on the disk by then: a stream whose end was written takes no more segments, so after a power
    /// cut that lost some it would have to be sealed anew.
    pub(super) fn close(&self) -> Result<(), SealFailure> {
        if self.flush {
            let synced = self.output.sync();
            synced.map_err(|error| SealFailure::io(IoOperation::Flush, None, &error))?;
        }
        self.checkpoints.close();
        Ok(())
    }
}

/// Ends the journal's thread; the report also says what went wrong there.
fn ended(checkpoints: Checkpoints, report: ResumeReport) -> ResumeReport {
    ResumeReport {
        checkpoint_errors: checkpoints.end(),
        ..report
    }
}

fn sound(
    context: &SegmentCryptoContext,
    output: &dyn Unfinished,
    continued: &Continued,
    plaintext_size: u64,
    place: Place<'_>,
    control: &Control<'_>,
    meter: &ProgressMeter<'_>,
) -> Result<Vec<Option<RecordSummary>>, SealFailure> {
    let task = SoundTask {
        context,
        output,
        entries: &continued.entries.finished,
        plaintext_size,
        place,
        cancel: &control.cancel,
        meter,
    };
    run_positioned(&task, &control.threads, &mut StageTimes::default())
}

/// All segments' summaries, if all are finished.
fn all(finished: &[Option<RecordSummary>]) -> Option<Vec<RecordSummary>> {
    finished.iter().copied().collect()
}

/// An unfinished output as any other sink.
struct Borrowed<'a>(&'a dyn Unfinished);

impl WriteAt for Borrowed<'_> {
    fn reserve(&self, size: u64) -> std::io::Result<()> {
        self.0.reserve(size)
    }

    fn write_at(&self, offset: u64, buffers: &mut [IoSlice<'_>]) -> std::io::Result<()> {
        self.0.write_at(offset, buffers)
    }
}
