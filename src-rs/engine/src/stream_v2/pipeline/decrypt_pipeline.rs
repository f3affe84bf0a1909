//! Opens a channel of records, for callers that find the records themselves and decide about each segment.

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

/// Opens records on a pool and returns one `Result` for each, in order. It shares the opener
/// (`open_record`) and the ordered window (`run_ordered`) with decryption
/// from and to ordered streams.
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

    /// Opens every record of `input` and returns the results in the same order. A bad record does not affect the others.
    /// The pipeline ends when the sender of `input` is dropped, or at the next record after the returned receiver is
    /// dropped. Both channels are bounded: a caller that takes no results can't send more records.
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
            let disconnected = |segment| SegmentWorkerError::FrameWorkerDisconnected { segment };
            let open = |wire: SegmentWire| {
                let segment = wire.index;
                let runner = PortionRunner::serial(&cancel);
                open_record(&context, wire, runner, &mut StageTimes::default()).map_err(|error| match error {
                    TaskError::Segment(error) => error,
                    // The token is never cancelled, and there is no source or sink to fail.
                    TaskError::Cancelled | TaskError::Fatal(_) => disconnected(segment),
                })
            };
            let lost = || Err(disconnected(SegmentIndex::ZERO));
            let deliver = |result| match output.send(result) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            };
            // Without a reader thread the channel closes, and the caller sees the end.
            let _ = run_ordered(&threads, window, move || input.recv().ok(), open, lost, deliver);
        };
        std::thread::Builder::new()
            .name("sealstream-pipeline".into())
            .spawn(run)
            .map_err(SealError::no_threads)?;
        Ok(results)
    }
}
