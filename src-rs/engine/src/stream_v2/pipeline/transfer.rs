//! Sealing and opening between a source and a sink with offsets.

use super::positioned::{Worker, run_positioned};
use super::record_reader::{Destination, RecordReader};
use super::task_error::TaskError;
use crate::error::{SealError, SizeRelation};
use crate::format::{FRAME_OVERHEAD, Manifest, ManifestEntry, SegmentHeader, SegmentIndex};
use crate::operation::options::Control;
use crate::stream_v2::framing::{PREFIX_SIZE, contents, contents_mut};
use crate::stream_v2::io::{ReadAt, WriteAt};
use crate::stream_v2::segment_worker::{
    DecryptSegmentWorker, EncryptSegmentWorker, RecordSummary, SegmentCryptoContext,
};
use crate::telemetry::{ProgressMeter, Stage, StageTimes};
use std::io::{IoSlice, IoSliceMut};

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

/// All segments of a stream, on their way from a source to a sink.
pub(crate) struct Transfer<'a> {
    pub(crate) context: &'a SegmentCryptoContext,
    pub(crate) source: &'a dyn ReadAt,
    pub(crate) sink: &'a dyn WriteAt,
    /// Bytes in front of the first record.
    pub(crate) header_size: u32,
    /// Plaintext bytes of the stream.
    pub(crate) plaintext_size: u64,
    pub(crate) meter: &'a ProgressMeter<'a>,
    /// `None` if the operation can't be resumed.
    pub(crate) checkpoints: Option<&'a dyn Checkpoints>,
}

impl Transfer<'_> {
    /// Seals all segments. Calls `done` with each, in any order and from any thread.
    ///
    /// # Errors
    /// The failure of the lowest segment that failed.
    pub(crate) fn seal(
        &self,
        control: &Control<'_>,
        times: &mut StageTimes,
        done: impl Fn(&RecordSummary) + Sync,
    ) -> Result<(), SealError> {
        self.run(control, times, done, |worker, index| {
            self.seal_segment(worker, index)
        })
    }

    /// Opens all segments, whose records must be those of the verified `manifest`. Calls `done` with each, in any order and from
    /// any thread.
    ///
    /// # Errors
    /// The failure of the lowest segment that failed.
    pub(crate) fn open(
        &self,
        manifest: &Manifest,
        control: &Control<'_>,
        times: &mut StageTimes,
        done: impl Fn(&RecordSummary) + Sync,
    ) -> Result<(), SealError> {
        self.run(control, times, done, |worker, index| {
            let named = manifest.entry(index);
            let opened = if self.context.hashes_first() {
                self.open_hashed(worker, index, named)
            } else {
                self.open_segment(worker, index, named)
            };
            opened.map_err(|failure| match failure {
                TaskError::Fatal(failure) => failure.after(self.meter.done()).into(),
                failure => failure,
            })
        })
    }

    fn run(
        &self,
        control: &Control<'_>,
        times: &mut StageTimes,
        done: impl Fn(&RecordSummary) + Sync,
        work: impl Fn(&mut Worker<'_>, SegmentIndex) -> Result<RecordSummary, TaskError> + Sync,
    ) -> Result<(), SealError> {
        let geometry = self.context.geometry();
        let count = geometry.segment_count(self.plaintext_size);
        run_positioned(count, geometry, control, times, |worker, index| {
            if let Some(summary) = self
                .checkpoints
                .and_then(|checkpoints| checkpoints.finished(index))
            {
                done(summary);
                return Ok(());
            }
            let before = worker.times;
            let summary = work(worker, index)?;
            if let Some(checkpoints) = self.checkpoints {
                checkpoints.record(&summary);
            }
            self.meter.segment(&summary.done(worker.times - before));
            done(&summary);
            Ok(())
        })
    }

    fn seal_segment(&self, worker: &mut Worker<'_>, index: SegmentIndex) -> Result<RecordSummary, TaskError> {
        let Worker {
            runner,
            batch_size,
            buffer,
            times,
        } = worker;
        let geometry = self.context.geometry();
        let slot_size = geometry.frame_slot_size();
        let header = SegmentHeader::expected(index, self.plaintext_size, geometry);
        let mut sealer = EncryptSegmentWorker::new(self.context).begin(header)?;
        let mut read_at = geometry.plaintext_offset(index);
        let mut write_at = geometry.record_offset(self.header_size, index).get();
        let mut frames_left = geometry.frames_wire_size(header.plaintext_size);
        let mut head: &[u8] = &sealer.preamble().clone();

        loop {
            let slots_at = write_at + head.len() as u64;
            let slots = buffer.take(
                frames_left.min(*batch_size),
                slots_at,
                read_at.wrapping_sub(PREFIX_SIZE as u64),
            );
            frames_left -= slots.len();
            let wanted = content_size(slots.len(), slot_size);
            let read = times.time(Stage::Read, || {
                let mut content: Vec<_> = contents_mut(slots, slot_size).map(IoSliceMut::new).collect();
                self.source.read_at(read_at, &mut content)
            });
            if read.map_err(SealError::reading)? != wanted {
                return Err(SealError::source_changed(self.plaintext_size, SizeRelation::Shorter).into());
            }
            runner.seal(&mut sealer, slots, times)?;
            self.meter.add(wanted as u64);
            // One call to the system writes the preamble and the digest together with the frames beside them.
            if frames_left == 0 {
                let (digest, summary) = times.time(Stage::Digest, || sealer.finish());
                self.write(
                    write_at,
                    times,
                    [head, slots, digest.as_bytes()].map(IoSlice::new),
                )?;
                return Ok(summary);
            }
            self.write(write_at, times, [head, slots].map(IoSlice::new))?;
            read_at += wanted as u64;
            write_at += (head.len() + slots.len()) as u64;
            head = &[];
        }
    }

    fn open_segment(
        &self,
        worker: &mut Worker<'_>,
        index: SegmentIndex,
        named: Option<ManifestEntry>,
    ) -> Result<RecordSummary, TaskError> {
        let geometry = self.context.geometry();
        let slot_size = geometry.frame_slot_size();
        let plaintext_size = geometry.segment_plaintext(self.plaintext_size, index);
        let offset = geometry.record_offset(self.header_size, index);
        let mut write_at = geometry.plaintext_offset(index);
        let destination = Destination::Plaintext(write_at);
        let record = RecordReader::new(self.source, geometry, index, offset, plaintext_size, destination);
        record.read(
            worker,
            |preamble| {
                let opener = DecryptSegmentWorker::new(self.context).begin(index, offset, preamble)?;
                Ok(opener.named(named))
            },
            |runner, opener, slots, times| {
                if !runner.open(opener, slots, times)? {
                    return Ok(());
                }
                let content: Vec<_> = contents(slots, slot_size).map(IoSlice::new).collect();
                self.write(write_at, times, content)?;
                let size = content_size(slots.len(), slot_size) as u64;
                write_at += size;
                self.meter.add(size);
                Ok(())
            },
            |opener, digest| opener.finish(digest),
        )
    }

    /// As [`open_segment`](Self::open_segment), but reads the whole record and checks its digest before any frame of it is opened.
    fn open_hashed(
        &self,
        worker: &mut Worker<'_>,
        index: SegmentIndex,
        named: Option<ManifestEntry>,
    ) -> Result<RecordSummary, TaskError> {
        let Worker {
            runner,
            buffer,
            times,
            ..
        } = worker;
        let geometry = self.context.geometry();
        let slot_size = geometry.frame_slot_size();
        let plaintext_size = geometry.segment_plaintext(self.plaintext_size, index);
        let offset = geometry.record_offset(self.header_size, index);
        let write_at = geometry.plaintext_offset(index);
        let destination = Destination::Plaintext(write_at);
        let mut record = RecordReader::new(self.source, geometry, index, offset, plaintext_size, destination);
        let slots = record.next(buffer, usize::MAX, times)?;
        let opener = DecryptSegmentWorker::new(self.context).begin(index, offset, record.preamble())?;
        let mut opener = opener.named(named);
        times.time(Stage::Digest, || opener.check_whole(slots, record.digest()))?;
        if runner.open(&mut opener, slots, times)? {
            let content: Vec<_> = contents(slots, slot_size).map(IoSlice::new).collect();
            self.write(write_at, times, content)?;
            self.meter.add(plaintext_size.into());
        }
        Ok(opener.finish(record.digest())?)
    }

    fn write<'b>(
        &self,
        offset: u64,
        times: &mut StageTimes,
        mut buffers: impl AsMut<[IoSlice<'b>]>,
    ) -> Result<(), SealError> {
        let written = times.time(Stage::Write, || self.sink.write_at(offset, buffers.as_mut()));
        written.map_err(SealError::writing)
    }
}

/// Content bytes in `size` bytes of frames.
fn content_size(size: usize, slot_size: usize) -> usize {
    size - size.div_ceil(slot_size) * FRAME_OVERHEAD
}
