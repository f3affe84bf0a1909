//! Records in, one result for each out: for callers that find the records themselves and decide for each segment.

use super::ordered::run_ordered;
use super::portions::PortionRunner;
use super::record::open_record;
use super::task_error::TaskError;
use crate::error::SealError;
use crate::format::SegmentIndex;
use crate::operation::cancel::CancellationToken;
use crate::operation::threads::Threads;
use crate::stream_v2::segment_worker::{
    DecryptedSegment, SegmentCryptoContext, SegmentWire, SegmentWorkerError,
};
use crate::telemetry::StageTimes;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

/// Opens records on a pool, in order, each with a `Result` of its own.
#[derive(Clone, Debug)]
pub struct DecryptPipeline {
    context: Arc<SegmentCryptoContext>,
    threads: Threads,
    window: usize,
}

impl DecryptPipeline {
    /// A pipeline with at most `window` segments in flight.
    #[must_use]
    pub const fn new(context: Arc<SegmentCryptoContext>, threads: Threads, window: usize) -> Self {
        Self {
            context,
            threads,
            window,
        }
    }

    /// Opens every record that arrives and answers in the same order: one bad record does not stop the others. The
    /// pipeline ends when `input`'s sender is dropped; dropping the returned receiver ends it after the next record.
    /// Both channels push back: a caller that doesn't take results is sent no more.
    ///
    /// # Errors
    /// `ThreadsUnavailable`.
    pub fn process_stream(
        &self,
        input: Receiver<SegmentWire>,
    ) -> Result<Receiver<Result<DecryptedSegment, SegmentWorkerError>>, SealError> {
        let (output, results) = sync_channel(self.window.max(1));
        let Self {
            context,
            threads,
            window,
        } = self.clone();
        let run = move || {
            let cancel = CancellationToken::new();
            let open = |wire: SegmentWire| {
                let segment = wire.index;
                match open_record(
                    &context,
                    wire,
                    PortionRunner::serial(&cancel),
                    &mut StageTimes::default(),
                ) {
                    Ok(segment) => Ok(segment),
                    Err(TaskError::Segment(error)) => Err(error),
                    // Nobody raises this token, and there is no source or sink to fail.
                    Err(_) => Err(SegmentWorkerError::FrameWorkerDisconnected { segment }),
                }
            };
            let lost = || {
                Err(SegmentWorkerError::FrameWorkerDisconnected {
                    segment: SegmentIndex::ZERO,
                })
            };
            let deliver = |result| match output.send(result) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            };
            // Without a reader thread the channel closes, which the caller sees as the end.
            let _ = run_ordered(&threads, window, move || input.recv().ok(), open, lost, deliver);
        };
        let spawned = std::thread::Builder::new()
            .name("sealstream-pipeline".into())
            .spawn(run);
        spawned.map_err(|error| SealError::ThreadsUnavailable {
            message: error.to_string(),
        })?;
        Ok(results)
    }
}
