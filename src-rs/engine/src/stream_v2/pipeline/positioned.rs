//! Files and memory: every worker takes the next segment through its whole life alone, reading and writing by offset.
//!
//! Nothing is shared but immutable keys and a cursor, so there is no queue, no reordering and no copy between threads.
//! A worker's buffer holds one portion of a record, so memory does not grow with the segment size.

use super::panic_guard::{Rayon, guard};
use super::portion_buffer::PortionBuffer;
use super::reading::{Broken, RecordReader};
use super::record::{PortionRunner, TaskError, portion_size};
use crate::error::{SealError, SizeRelation};
use crate::format::{ManifestEntry, SegmentIndex, WireOffset};
use crate::operation::cancel::CancellationToken;
use crate::operation::threads::Threads;
use crate::stream_v2::framing::{PREFIX_SIZE, contents, contents_mut};
use crate::stream_v2::io::{ReadAt, WriteAt};
use crate::stream_v2::segment_worker::{
    DecryptSegmentWorker, EncryptSegmentWorker, Join, RecordSummary, SegmentCryptoContext, SegmentPlan,
    SegmentWorkerError, Serial,
};
use crate::telemetry::{ProgressMeter, Stage, StageTimes};
use std::io::{IoSlice, IoSliceMut};
use std::sync::atomic::{AtomicU64, Ordering};

/// What sealing and opening by offset share.
pub(crate) struct Transfer<'a> {
    pub(crate) context: &'a SegmentCryptoContext,
    pub(crate) source: &'a dyn ReadAt,
    pub(crate) sink: &'a dyn WriteAt,
    pub(crate) header_size: u32,
    pub(crate) plaintext_size: u64,
    pub(crate) cancel: &'a CancellationToken,
    pub(crate) meter: &'a ProgressMeter<'a>,
}

impl Transfer<'_> {
    fn segment_count(&self) -> u64 {
        self.context.geometry().segment_count(self.plaintext_size)
    }

    pub(super) fn stepper<'s, J: Join>(&'s self, join: &'s J) -> PortionRunner<'s, J> {
        PortionRunner {
            join,
            cancel: self.cancel,
            slot_size: self.context.geometry().frame_slot_size(),
        }
    }

    fn write(&self, offset: u64, buffers: &mut [IoSlice<'_>]) -> Result<(), TaskError> {
        let written = self.sink.write_at(offset, buffers);
        written.map_err(|error| TaskError::Fatal(SealError::writing(error)))
    }

    /// A record that can't be read to its end.
    fn broken(&self, next_segment: SegmentIndex, broken: Broken) -> TaskError {
        TaskError::Fatal(match broken {
            Broken::Failed(error) => SealError::reading(error),
            Broken::Ended(offset) => SealError::Truncated {
                next_segment,
                verified_bytes: self.meter.done(),
                offset,
            },
        })
    }

    fn read(&self, offset: u64, buffers: &mut [IoSliceMut<'_>]) -> Result<usize, TaskError> {
        let read = self.source.read_at(offset, buffers);
        read.map_err(|error| TaskError::Fatal(SealError::reading(error)))
    }
}

/// Work on one segment that does not care about the others.
pub(crate) trait SegmentTask: Sync {
    /// What is left of a segment when it is done.
    type Output: Send;

    /// Segments to work on: those from 0 on, unless the task counts some selection of them.
    fn count(&self) -> u64;

    /// Bytes of a full frame's slot.
    fn slot_size(&self) -> usize;

    /// Does the `index`th of [`count`](Self::count) segments.
    fn run<J: Join>(
        &self,
        worker: &mut Worker<'_, J>,
        index: SegmentIndex,
    ) -> Result<Self::Output, TaskError>;

    /// Hears that a segment is done, and the time that it took in each stage.
    fn done(&self, output: &Self::Output, times: StageTimes) {
        let _ = (output, times);
    }
}

/// What a worker has of its own, from its first segment to its last.
pub(crate) struct Worker<'a, J> {
    pub(crate) join: &'a J,
    /// Bytes of the frames that are worked on at a time.
    pub(crate) portion: usize,
    /// Its content is of no account.
    pub(crate) buffer: PortionBuffer,
    pub(crate) times: StageTimes,
}

/// Seals segments.
pub(crate) struct SealTask<'a>(pub(crate) Transfer<'a>);

impl SegmentTask for SealTask<'_> {
    type Output = RecordSummary;

    fn count(&self) -> u64 {
        self.0.segment_count()
    }

    fn done(&self, summary: &RecordSummary, times: StageTimes) {
        self.0.meter.segment(&summary.done(times));
    }

    fn slot_size(&self) -> usize {
        self.0.context.geometry().frame_slot_size()
    }

    fn run<J: Join>(
        &self,
        worker: &mut Worker<'_, J>,
        index: SegmentIndex,
    ) -> Result<RecordSummary, TaskError> {
        let Worker {
            join,
            portion,
            buffer,
            times,
        } = worker;
        let transfer = &self.0;
        let geometry = transfer.context.geometry();
        let slot_size = geometry.frame_slot_size();
        let plaintext_size = geometry.segment_plaintext(transfer.plaintext_size, index);
        let is_final = index.get() + 1 == transfer.segment_count();
        let plan = SegmentPlan {
            index,
            is_final,
            plaintext_size,
        };
        let mut sealer = EncryptSegmentWorker::new(transfer.context).begin(plan)?;
        let mut read_at = geometry.plaintext_offset(index);
        let mut write_at = geometry.record_offset(transfer.header_size, index).get();
        let mut frames_left = geometry.frames_wire_size(plaintext_size);
        let mut head: &[u8] = &sealer.preamble().clone();

        loop {
            let slots_at = write_at + head.len() as u64;
            let slots = buffer.take(
                frames_left.min(*portion),
                slots_at,
                read_at.wrapping_sub(PREFIX_SIZE as u64),
            );
            frames_left -= slots.len();
            let wanted = content_size(slots.len(), slot_size);
            let read = times.time(Stage::Read, || {
                let mut content: Vec<_> = contents_mut(slots, slot_size).map(IoSliceMut::new).collect();
                transfer.read(read_at, &mut content)
            })?;
            if read != wanted {
                let (expected, relation) = (transfer.plaintext_size, SizeRelation::Shorter);
                return Err(TaskError::Fatal(SealError::SourceChanged { expected, relation }));
            }
            transfer.stepper(*join).seal(&mut sealer, slots, times)?;
            transfer.meter.add(wanted as u64);
            // What stands around these frames goes out in the same call to the system.
            if frames_left == 0 {
                let (digest, summary) = times.time(Stage::Digest, || sealer.finish());
                let mut buffers = [
                    IoSlice::new(head),
                    IoSlice::new(slots),
                    IoSlice::new(digest.as_bytes()),
                ];
                times.time(Stage::Write, || transfer.write(write_at, &mut buffers))?;
                return Ok(summary);
            }
            let mut buffers = [IoSlice::new(head), IoSlice::new(slots)];
            times.time(Stage::Write, || transfer.write(write_at, &mut buffers))?;
            read_at += wanted as u64;
            write_at += (head.len() + slots.len()) as u64;
            head = &[];
        }
    }
}

/// Opens segments, each of which must be the sealing that the manifest names.
pub(crate) struct OpenTask<'a> {
    pub(crate) transfer: Transfer<'a>,
    pub(crate) manifest: &'a [ManifestEntry],
    /// Where the manifest stands.
    pub(crate) end_offset: WireOffset,
}

impl SegmentTask for OpenTask<'_> {
    type Output = RecordSummary;

    fn count(&self) -> u64 {
        self.transfer.segment_count()
    }

    fn done(&self, summary: &RecordSummary, times: StageTimes) {
        self.transfer.meter.segment(&summary.done(times));
    }

    fn slot_size(&self) -> usize {
        self.transfer.context.geometry().frame_slot_size()
    }

    fn run<J: Join>(
        &self,
        worker: &mut Worker<'_, J>,
        index: SegmentIndex,
    ) -> Result<RecordSummary, TaskError> {
        let Worker {
            join,
            portion,
            buffer,
            times,
        } = worker;
        let transfer = &self.transfer;
        let geometry = transfer.context.geometry();
        let slot_size = geometry.frame_slot_size();
        let plaintext_size = geometry.segment_plaintext(transfer.plaintext_size, index);
        let offset = geometry.record_offset(transfer.header_size, index);
        let mut record = RecordReader::new(transfer.source, geometry, offset, plaintext_size);
        let mut write_at = geometry.plaintext_offset(index);
        let mut opener = None;

        loop {
            let goes_to = write_at.wrapping_sub(PREFIX_SIZE as u64);
            let next = record.next(buffer, *portion, Some(goes_to), times);
            let Some(slots) = next.map_err(|broken| transfer.broken(index, broken))? else {
                break;
            };
            let opener = match &mut opener {
                Some(opener) => opener,
                none => none.insert(DecryptSegmentWorker::new(transfer.context).begin(
                    index,
                    offset,
                    record.preamble(),
                )?),
            };
            if !transfer.stepper(*join).open(opener, slots, times)? {
                continue;
            }
            times.time(Stage::Write, || {
                let mut content: Vec<_> = contents(slots, slot_size).map(IoSlice::new).collect();
                transfer.write(write_at, &mut content)
            })?;
            let opened = content_size(slots.len(), slot_size) as u64;
            write_at += opened;
            transfer.meter.add(opened);
        }
        let Some(opener) = opener else {
            return Err(SegmentWorkerError::FrameWorkerDisconnected { segment: index }.into()); // no segment is without frames
        };
        let summary = times.time(Stage::Digest, || opener.finish(record.digest()))?;
        if self.manifest.get(index.get() as usize) != Some(&summary.entry) {
            return Err(TaskError::Fatal(SealError::other_sealing(self.end_offset, index)));
        }
        Ok(summary)
    }
}

/// Runs `task` for every segment and returns what is left of each, in order. Where there are fewer segments than threads,
/// they are taken one by one and each is split over the threads.
///
/// # Errors
/// The failure of the lowest segment that failed; segments above it may not have been tried.
pub(crate) fn run_positioned<T: SegmentTask>(
    task: &T,
    threads: &Threads,
    times: &mut StageTimes,
) -> Result<Vec<T::Output>, SealError> {
    let count = task.count();
    let shared = Shared {
        task,
        count,
        cursor: AtomicU64::new(0),
        failed_at: AtomicU64::new(u64::MAX),
    };
    let portion = portion_size(task.slot_size());
    let workers = match threads {
        Threads::Serial => vec![shared.work(&Serial, portion)],
        Threads::Pool(pool) if count < pool.current_num_threads() as u64 => {
            vec![pool.install(|| shared.work(&Rayon, portion * pool.current_num_threads()))]
        }
        Threads::Pool(pool) => pool.broadcast(|_| shared.work(&Serial, portion)),
    };
    let mut outputs = Vec::with_capacity(usize::try_from(count).unwrap_or(0));
    let mut failure: Option<(u64, TaskError)> = None;
    for result in workers {
        *times += result.times;
        outputs.extend(result.outputs);
        failure = match (failure, result.failure) {
            (Some(a), Some(b)) => Some(if b.0 < a.0 { b } else { a }),
            (a, b) => a.or(b),
        };
    }
    if let Some((_, halt)) = failure {
        return Err(halt.into());
    }
    outputs.sort_unstable_by_key(|(index, _)| *index);
    Ok(outputs.into_iter().map(|(_, output)| output).collect())
}

struct Shared<'a, T> {
    task: &'a T,
    count: u64,
    /// The next segment that nobody has taken.
    cursor: AtomicU64,
    /// Segments from here on need not be tried. Those below were taken by somebody, who finishes them: so the lowest
    /// failure is always found, whatever the threads' speed.
    failed_at: AtomicU64,
}

struct WorkerResult<O> {
    outputs: Vec<(u64, O)>,
    failure: Option<(u64, TaskError)>,
    times: StageTimes,
}

impl<T: SegmentTask> Shared<'_, T> {
    fn work<J: Join>(&self, join: &J, portion: usize) -> WorkerResult<T::Output> {
        let mut worker = Worker {
            join,
            portion,
            buffer: PortionBuffer::default(),
            times: StageTimes::default(),
        };
        let mut outputs = Vec::new();
        let failure = loop {
            let next = self.cursor.fetch_add(1, Ordering::Relaxed);
            if next >= self.count || next > self.failed_at.load(Ordering::Relaxed) {
                break None;
            }
            let index = SegmentIndex::new(next);
            let before = worker.times;
            let done = guard(index, || self.task.run(&mut worker, index));
            match done.map_err(TaskError::Segment).flatten() {
                Ok(output) => {
                    self.task.done(&output, worker.times - before);
                    outputs.push((next, output));
                }
                Err(halt) => {
                    self.failed_at.fetch_min(next, Ordering::Relaxed);
                    break Some((next, halt));
                }
            }
        };
        WorkerResult {
            outputs,
            failure,
            times: worker.times,
        }
    }
}

/// Content bytes in `size` bytes of frames.
fn content_size(size: usize, slot_size: usize) -> usize {
    size - size.div_ceil(slot_size) * crate::format::FRAME_OVERHEAD
}
