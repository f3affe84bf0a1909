//! The loop that sealing and opening in order share.

use crate::error::SealError;
use crate::format::{Geometry, SegmentIndex};
use crate::operation::options::Control;
use crate::stream_v2::core::tally::Tally;
use crate::stream_v2::pipeline::record_layout::RecordPlace;
use crate::stream_v2::pipeline::run_ordered;
use crate::stream_v2::segment_worker::{DecryptedSegment, RecordSummary};
use crate::telemetry::{ProgressMeter, Stage, StageTimes};
use std::io::Write;
use std::ops::ControlFlow;
use std::sync::mpsc::channel;
use std::time::Instant;

/// Writes results in order and counts them, until the first failure.
pub(super) struct Delivery<'a, W: ?Sized> {
    writer: &'a mut W,
    control: &'a Control<'a>,
    meter: ProgressMeter<'a>,
    pub(super) tally: Tally,
}

impl<'a, W: Write + Send + ?Sized> Delivery<'a, W> {
    /// A delivery of `total` plaintext bytes.
    pub(super) fn new(tally: Tally, writer: &'a mut W, control: &'a Control<'a>, total: Option<u64>) -> Self {
        Self {
            writer,
            control,
            meter: control.meter(total),
            tally,
        }
    }

    /// Has `work` done on the pool on each item that `read` gives, and calls `deliver` with the results in the same order.
    ///
    /// `read` gets a buffer to fill and returns `None` after the last item. `deliver` returns a buffer that can be used
    /// again. Ends after the stream's final segment or the first failure.
    pub(super) fn run<I: Send, O: Send>(
        &mut self,
        geometry: &Geometry,
        mut read: impl FnMut(Vec<u8>) -> Option<Result<I, SealError>> + Send,
        work: impl Fn(I, &mut StageTimes) -> Result<O, SealError> + Sync,
        mut deliver: impl FnMut(&mut Self, O, StageTimes) -> Result<Option<Vec<u8>>, SealError>,
    ) -> Result<(), SealError> {
        let control = self.control;
        let (buffers, free_buffers) = channel();
        let mut outcome = Ok(());
        let mut idle_since = Instant::now();
        let work = |item: Result<I, SealError>| {
            let mut times = StageTimes::default();
            work(item?, &mut times).map(|result| (result, times))
        };
        let consume = |result: Result<(O, StageTimes), SealError>| {
            self.tally.times.add(Stage::Wait, idle_since.elapsed());
            let delivered = control
                .cancel
                .check()
                .map_err(SealError::from)
                .and(result)
                .and_then(|(result, times)| deliver(self, result, times));
            idle_since = Instant::now();
            match delivered {
                Ok(buffer) => {
                    if let Some(buffer) = buffer {
                        // The reader may have ended; it then needs no buffers.
                        let _ = buffers.send(buffer);
                    }
                    if self.tally.is_complete() {
                        ControlFlow::Break(())
                    } else {
                        ControlFlow::Continue(())
                    }
                }
                Err(failure) => {
                    // Stops a reader that waits.
                    control.cancel.cancel();
                    outcome = Err(failure.after(self.tally.verified_bytes()));
                    ControlFlow::Break(())
                }
            }
        };
        run_ordered(
            &control.threads,
            control.window(geometry),
            move || read(free_buffers.try_recv().unwrap_or_default()),
            work,
            || Err(SealError::no_result(SegmentIndex::ZERO)),
            consume,
        )?;
        outcome
    }

    /// Counts a segment whose output was written.
    pub(super) fn count(&mut self, summary: &RecordSummary, times: StageTimes) {
        self.tally.add(summary);
        self.tally.times += times;
        self.meter.add(u64::from(summary.plaintext_size));
        self.meter.segment(&summary.done(times));
    }

    /// Counts segments that could not be opened, in whose place zeros were written, or nothing.
    pub(super) fn count_lost(&mut self, place: RecordPlace, zeros: bool) {
        self.meter.add(place.plaintext.size());
        self.tally.add_lost(place, zeros);
    }

    /// Writes the plaintext of a segment that was opened, and returns its buffer.
    pub(super) fn deliver_opened(
        &mut self,
        segment: DecryptedSegment,
        times: StageTimes,
    ) -> Result<Option<Vec<u8>>, SealError> {
        for frame in segment.frames() {
            self.write(frame)?;
        }
        self.count(&segment.summary, times);
        Ok(Some(segment.into_buffer()))
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), SealError> {
        let Self { writer, tally, .. } = self;
        let written = tally.times.time(Stage::Write, || writer.write_all(bytes));
        written.map_err(SealError::writing)
    }

    /// The writer, to leave a hole in it.
    pub(super) const fn writer(&mut self) -> &mut W {
        self.writer
    }

    pub(super) fn flush(&mut self) -> Result<(), SealError> {
        self.writer.flush().map_err(SealError::writing)
    }

    /// Reports the final progress and returns the sums; `reading` is the time that the reader took.
    pub(super) fn finish(mut self, reading: StageTimes) -> Tally {
        self.meter.finish();
        self.tally.times += reading;
        self.tally
    }
}
