//! One record's frames, a portion at a time: seal or open, digest, and look at the token in between.

use super::panic_guard::{Rayon, guard};
use crate::error::SealError;
use crate::format::{FRAME_OVERHEAD, SegmentHeaderError, SegmentIndex, SegmentReason, WireOffset};
use crate::operation::cancel::{CancellationToken, Cancelled};
use crate::operation::threads::Threads;
use crate::stream_v2::segment_worker::{
    DecryptSegmentWorker, DecryptedSegment, EncryptSegmentWorker, EncryptedSegment, Join, PREAMBLE_SIZE,
    RecordSummary, SegmentChecker, SegmentCryptoContext, SegmentInput, SegmentOpener, SegmentPlan,
    SegmentSealer, SegmentWire, SegmentWorkerError, Serial,
};
use crate::telemetry::{Stage, StageTimes};

/// Why work on a segment ended early.
#[derive(Debug)]
pub(crate) enum TaskError {
    /// The segment failed.
    Segment(SegmentWorkerError),
    /// The token was raised.
    Cancelled,
    /// The source or the sink failed, or something else that no other segment survives.
    Fatal(SealError),
}

impl From<SegmentWorkerError> for TaskError {
    fn from(error: SegmentWorkerError) -> Self {
        Self::Segment(error)
    }
}

impl From<Cancelled> for TaskError {
    fn from(Cancelled: Cancelled) -> Self {
        Self::Cancelled
    }
}

impl From<TaskError> for SealError {
    fn from(halt: TaskError) -> Self {
        match halt {
            TaskError::Segment(error) => error.into(),
            TaskError::Cancelled => Self::Cancelled,
            TaskError::Fatal(failure) => failure,
        }
    }
}

/// Takes frames through a worker in portions that stay in L2, and books the time.
pub(crate) struct PortionRunner<'a, J> {
    pub(crate) join: &'a J,
    pub(crate) cancel: &'a CancellationToken,
    pub(crate) slot_size: usize,
}

impl<J: Join> PortionRunner<'_, J> {
    /// Bytes of a portion: frames side by side need more of them at once.
    fn portion(&self, available: usize) -> usize {
        if J::PARALLEL {
            available.max(1)
        } else {
            portion_size(self.slot_size)
        }
    }

    /// Seals the frames in `slots` and adds them to the digest.
    pub(super) fn seal(
        &self,
        sealer: &mut SegmentSealer<'_>,
        slots: &mut [u8],
        times: &mut StageTimes,
    ) -> Result<(), TaskError> {
        for portion in slots.chunks_mut(self.portion(slots.len())) {
            self.cancel.check()?;
            times.time(Stage::Crypto, || sealer.seal_frames(self.join, portion))?;
            times.time(Stage::Digest, || sealer.digest_frames(portion));
        }
        Ok(())
    }

    /// Adds the frames in `slots` to the digest and looks at what can be seen without a key.
    pub(crate) fn look(
        &self,
        checker: &mut SegmentChecker,
        slots: &mut [u8],
        times: &mut StageTimes,
    ) -> Result<(), TaskError> {
        for portion in slots.chunks_mut(self.portion(slots.len())) {
            self.cancel.check()?;
            times.time(Stage::Digest, || checker.check_frames(portion));
        }
        Ok(())
    }

    /// Adds the frames in `slots` to the digest and opens them; returns whether all verified.
    pub(crate) fn open(
        &self,
        opener: &mut SegmentOpener<'_>,
        slots: &mut [u8],
        times: &mut StageTimes,
    ) -> Result<bool, TaskError> {
        let mut verified = true;
        for portion in slots.chunks_mut(self.portion(slots.len())) {
            self.cancel.check()?;
            times.time(Stage::Digest, || opener.digest_frames(portion));
            verified &= times.time(Stage::Crypto, || opener.open_frames(self.join, portion));
        }
        Ok(verified)
    }
}

/// What runs side by side on a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parallelism {
    /// Segments; the frames of each are taken one by one.
    Segments,
    /// The frames of a segment, because there are fewer segments than threads.
    Frames,
}

impl Parallelism {
    /// The choice for `segments` segments, where their number is known.
    pub(crate) fn choose(threads: &Threads, segments: Option<u64>) -> Self {
        match threads {
            Threads::Pool(pool)
                if segments.is_some_and(|count| count < pool.current_num_threads() as u64) =>
            {
                Self::Frames
            }
            _ => Self::Segments,
        }
    }
}

/// Seals a segment that is in memory. A panic costs this segment and nothing else.
pub(crate) fn seal_record(
    context: &SegmentCryptoContext,
    input: SegmentInput,
    parallelism: Parallelism,
    cancel: &CancellationToken,
    times: &mut StageTimes,
) -> Result<EncryptedSegment, TaskError> {
    let SegmentInput { plan, mut record } = input;
    record.resize(context.geometry().record_size(plan.plaintext_size) as usize, 0);
    let summary = seal_in_place(context, plan, &mut record, parallelism, cancel, times)?;
    Ok(EncryptedSegment { summary, record })
}

/// Seals the segment whose plaintext stands in its frames' slots of `record`, which has exactly the record's size. A panic
/// costs this segment and nothing else.
pub(crate) fn seal_in_place(
    context: &SegmentCryptoContext,
    plan: SegmentPlan,
    record: &mut [u8],
    parallelism: Parallelism,
    cancel: &CancellationToken,
    times: &mut StageTimes,
) -> Result<RecordSummary, TaskError> {
    let seal = || match parallelism {
        Parallelism::Segments => seal_with(context, plan, record, &Serial, cancel, times),
        Parallelism::Frames => seal_with(context, plan, record, &Rayon, cancel, times),
    };
    guard(plan.index, seal).map_err(TaskError::Segment).flatten()
}

fn seal_with<J: Join>(
    context: &SegmentCryptoContext,
    plan: SegmentPlan,
    record: &mut [u8],
    join: &J,
    cancel: &CancellationToken,
    times: &mut StageTimes,
) -> Result<RecordSummary, TaskError> {
    let geometry = context.geometry();
    let (expected, actual) = (geometry.record_size(plan.plaintext_size), record.len());
    let Some((preamble, rest)) = record
        .split_first_chunk_mut::<PREAMBLE_SIZE>()
        .filter(|_| actual as u64 == expected)
    else {
        return Err(wrong_size(plan.index, WireOffset::new(0), expected, actual));
    };
    let mut sealer = EncryptSegmentWorker::new(context).begin(plan)?;
    preamble.copy_from_slice(sealer.preamble());
    let (slots, digest_room) = rest.split_at_mut(geometry.frames_wire_size(plan.plaintext_size));
    let stepper = PortionRunner {
        join,
        cancel,
        slot_size: geometry.frame_slot_size(),
    };
    stepper.seal(&mut sealer, slots, times)?;
    let (digest, summary) = times.time(Stage::Digest, || sealer.finish());
    digest_room.copy_from_slice(digest.as_bytes());
    Ok(summary)
}

/// Opens a record that is in memory. A panic costs this segment and nothing else.
pub(crate) fn open_record(
    context: &SegmentCryptoContext,
    wire: SegmentWire,
    parallelism: Parallelism,
    cancel: &CancellationToken,
    times: &mut StageTimes,
) -> Result<DecryptedSegment, TaskError> {
    let SegmentWire {
        index,
        offset,
        mut record,
    } = wire;
    let summary = open_in_place(context, (index, offset), &mut record, parallelism, cancel, times)?;
    Ok(DecryptedSegment {
        summary,
        geometry: *context.geometry(),
        record,
    })
}

/// Opens the record of the segment that is due at a place, in its frames' slots. If that fails, what stands in `record` is
/// not to be shown to anybody. A panic costs this segment and nothing else.
pub(crate) fn open_in_place(
    context: &SegmentCryptoContext,
    place: (SegmentIndex, WireOffset),
    record: &mut [u8],
    parallelism: Parallelism,
    cancel: &CancellationToken,
    times: &mut StageTimes,
) -> Result<RecordSummary, TaskError> {
    let open = || match parallelism {
        Parallelism::Segments => open_with(context, place, record, &Serial, cancel, times),
        Parallelism::Frames => open_with(context, place, record, &Rayon, cancel, times),
    };
    guard(place.0, open).map_err(TaskError::Segment).flatten()
}

fn open_with<J: Join>(
    context: &SegmentCryptoContext,
    (index, offset): (SegmentIndex, WireOffset),
    record: &mut [u8],
    join: &J,
    cancel: &CancellationToken,
    times: &mut StageTimes,
) -> Result<RecordSummary, TaskError> {
    let geometry = context.geometry();
    let length = record.len();
    let Some((preamble, rest)) = record.split_first_chunk_mut::<PREAMBLE_SIZE>() else {
        return Err(wrong_size(
            index,
            offset,
            (PREAMBLE_SIZE + FRAME_OVERHEAD) as u64,
            length,
        ));
    };
    let mut opener = DecryptSegmentWorker::new(context).begin(index, offset, preamble)?;
    let expected = geometry.record_size(opener.header().plaintext_size);
    if length as u64 != expected {
        return Err(wrong_size(index, offset, expected, length));
    }
    let (slots, digest) = rest.split_at_mut(geometry.frames_wire_size(opener.header().plaintext_size));
    let stepper = PortionRunner {
        join,
        cancel,
        slot_size: geometry.frame_slot_size(),
    };
    stepper.open(&mut opener, slots, times)?;
    Ok(times.time(Stage::Digest, || opener.finish(digest))?)
}

fn wrong_size(index: SegmentIndex, offset: WireOffset, expected: u64, actual: usize) -> TaskError {
    let error = SegmentHeaderError::new(SegmentReason::WireSize, expected, actual);
    TaskError::Segment(SegmentWorkerError::invalid(index, offset, error))
}

/// Bytes that a worker moves at a time: as many whole frames as fit into half a MiB, at least one.
#[must_use]
pub const fn portion_size(slot_size: usize) -> usize {
    let frames = PORTION / slot_size;
    if frames == 0 {
        slot_size
    } else {
        frames * slot_size
    }
}

/// Half of the L2 cache of common server cores, so that the portion stays there from the read to the write. Measured with
/// files in the page cache: a quarter is 15% slower, because the file system is called twice as often.
const PORTION: usize = 520 * 1024;
