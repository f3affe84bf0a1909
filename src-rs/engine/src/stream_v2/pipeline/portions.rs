//! A record's frames in portions that stay in the L2 cache.

use super::task_error::TaskError;
use crate::operation::cancel::CancellationToken;
use crate::operation::options::Control;
use crate::operation::threads::Threads;
use crate::stream_v2::segment_worker::{Join, SegmentChecker, SegmentOpener, SegmentSealer};
use crate::telemetry::{Stage, StageTimes};

/// What runs in parallel on a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parallelism {
    /// Segments. The frames of each are processed in sequence.
    Segments,
    /// The frames of one segment after the other, because there are fewer segments than threads.
    Frames,
}

/// Splits the frames of one segment over the pool that it is called in, by work stealing.
impl Join for Parallelism {
    fn is_parallel(&self) -> bool {
        *self == Self::Frames
    }

    fn join<A, B, RA, RB>(&self, a: A, b: B) -> (RA, RB)
    where
        A: FnOnce() -> RA + Send,
        B: FnOnce() -> RB + Send,
        RA: Send,
        RB: Send,
    {
        match self {
            Self::Segments => (a(), b()),
            Self::Frames => rayon::join(a, b),
        }
    }
}

/// Passes frames to a segment worker in portions, measures the time, and checks for cancellation.
#[derive(Clone, Copy)]
pub(crate) struct PortionRunner<'a> {
    pub(crate) parallelism: Parallelism,
    pub(crate) cancel: &'a CancellationToken,
}

impl<'a> PortionRunner<'a> {
    /// A runner for each of `segments` segments, if their number is known.
    pub(crate) fn new(control: &'a Control<'_>, segments: Option<u64>) -> Self {
        let has_spare_threads = |count| match &control.threads {
            Threads::Pool(pool) => count < pool.current_num_threads() as u64,
            Threads::Serial => false,
        };
        Self {
            parallelism: match segments.is_some_and(has_spare_threads) {
                true => Parallelism::Frames,
                false => Parallelism::Segments,
            },
            cancel: &control.cancel,
        }
    }

    /// Processes frames in sequence on the caller's thread.
    pub(crate) const fn serial(cancel: &'a CancellationToken) -> Self {
        Self {
            parallelism: Parallelism::Segments,
            cancel,
        }
    }

    /// Seals the frames in `slots` and adds them to the digest.
    pub(crate) fn seal(
        self,
        sealer: &mut SegmentSealer<'_>,
        slots: &mut [u8],
        times: &mut StageTimes,
    ) -> Result<(), TaskError> {
        self.each(slots, sealer.geometry().frame_slot_size(), |portion| {
            times.time(Stage::Crypto, || sealer.seal_frames(&self.parallelism, portion))?;
            times.time(Stage::Digest, || sealer.digest_frames(portion));
            Ok(())
        })
    }

    /// Adds the frames in `slots` to the digest and opens them. Returns whether all verified.
    pub(crate) fn open(
        self,
        opener: &mut SegmentOpener,
        slots: &mut [u8],
        times: &mut StageTimes,
    ) -> Result<bool, TaskError> {
        let mut verified = true;
        self.each(slots, opener.geometry().frame_slot_size(), |portion| {
            times.time(Stage::Digest, || opener.digest_frames(portion));
            verified &= times.time(Stage::Crypto, || opener.open_frames(&self.parallelism, portion));
            Ok(())
        })?;
        Ok(verified)
    }

    /// Adds the frames in `slots` to the digest and checks their length fields.
    pub(crate) fn check(
        self,
        checker: &mut SegmentChecker,
        slots: &mut [u8],
        times: &mut StageTimes,
    ) -> Result<(), TaskError> {
        self.each(slots, checker.geometry().frame_slot_size(), |portion| {
            times.time(Stage::Digest, || checker.check_frames(portion));
            Ok(())
        })
    }

    fn each(
        self,
        slots: &mut [u8],
        slot_size: usize,
        mut work: impl FnMut(&mut [u8]) -> Result<(), TaskError>,
    ) -> Result<(), TaskError> {
        // The threads of the pool share all frames that the caller passes.
        let portion = match self.parallelism {
            Parallelism::Segments => portion_size(slot_size),
            Parallelism::Frames => slots.len().max(1),
        };
        slots.chunks_mut(portion).try_for_each(|portion| {
            self.cancel.check()?;
            work(portion)
        })
    }
}

/// Bytes that a thread processes at a time: as many whole frames as fit into 520 KiB, at least one.
#[must_use]
pub const fn portion_size(slot_size: usize) -> usize {
    let frames = PORTION / slot_size;
    if frames == 0 {
        slot_size
    } else {
        frames * slot_size
    }
}

/// Eight frames of 64 KiB with their overhead: half of the L2 cache of common server cores, so that a portion stays there from the read to the write. Portions of 256
/// KiB are 15% slower (measured with files in the page cache), because the file system is called twice as often.
pub(crate) const PORTION: usize = 520 * 1024;
