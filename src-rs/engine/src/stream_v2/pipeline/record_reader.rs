//! A record of a source with offsets, read in portions through one buffer.

use super::portion_buffer::PortionBuffer;
use super::portions::PortionRunner;
use super::positioned::Worker;
use super::task_error::TaskError;
use crate::error::SealError;
use crate::format::{FRAME_OVERHEAD, Geometry, MAX_DIGEST_SIZE, SegmentIndex, WireOffset};
use crate::stream_v2::framing::PREFIX_SIZE;
use crate::stream_v2::io::ReadAt;
use crate::stream_v2::segment_worker::{PREAMBLE_SIZE, RecordPreamble, SegmentWorkerError};
use crate::telemetry::{Stage, StageTimes};
use std::io::IoSliceMut;

/// Reads the record of a segment of known size.
pub(crate) struct RecordReader<'a> {
    source: &'a dyn ReadAt,
    segment: SegmentIndex,
    destination: Destination,
    slot_size: usize,
    position: u64,
    frames_size: usize,
    frames_read: usize,
    preamble: RecordPreamble,
    digest: [u8; MAX_DIGEST_SIZE],
    digest_size: usize,
}

/// Where the bytes will be written; the buffer is aligned for it.
#[derive(Clone, Copy)]
pub(crate) enum Destination {
    /// They will not be written.
    None,
    /// The whole record, to this offset.
    Record(u64),
    /// The plaintext, to this offset.
    Plaintext(u64),
}

impl<'a> RecordReader<'a> {
    /// Reads the record at `offset` of `segment`, which has `plaintext_size` bytes.
    pub(crate) fn new(
        source: &'a dyn ReadAt,
        geometry: &Geometry,
        segment: SegmentIndex,
        offset: WireOffset,
        plaintext_size: u32,
        destination: Destination,
    ) -> Self {
        Self {
            source,
            segment,
            destination,
            slot_size: geometry.frame_slot_size(),
            position: offset.get(),
            frames_size: geometry.frames_wire_size(plaintext_size),
            frames_read: 0,
            preamble: [0; PREAMBLE_SIZE],
            digest: [0; MAX_DIGEST_SIZE],
            digest_size: geometry.digest().size(),
        }
    }

    /// Reads the whole record: passes its preamble to `begin`, each portion of its frames to `work`, and its digest to
    /// `finish`.
    ///
    /// # Errors
    /// Those of the functions; `Io`; `Truncated` if the source ends within the record.
    pub(crate) fn read<T, O>(
        mut self,
        worker: &mut Worker<'_>,
        begin: impl FnOnce(&RecordPreamble) -> Result<T, SegmentWorkerError>,
        mut work: impl FnMut(PortionRunner<'_>, &mut T, &mut [u8], &mut StageTimes) -> Result<(), TaskError>,
        finish: impl FnOnce(T, &[u8]) -> Result<O, SegmentWorkerError>,
    ) -> Result<O, TaskError> {
        let Worker {
            runner,
            batch_size,
            buffer,
            times,
        } = worker;
        let mut slots = self.next(buffer, *batch_size, times)?;
        let mut state = begin(&self.preamble)?;
        loop {
            work(*runner, &mut state, slots, times)?;
            if self.is_at_end() {
                return Ok(times.time(Stage::Digest, || finish(state, self.digest()))?);
            }
            slots = self.next(buffer, *batch_size, times)?;
        }
    }

    /// Reads the next frames, at most `batch_size` bytes of them, into `buffer`. One call to the system reads the preamble
    /// before the first of them, and the digest behind the last, too.
    ///
    /// # Errors
    /// `Io`; `Truncated` if the source ends within the record.
    pub(crate) fn next<'b>(
        &mut self,
        buffer: &'b mut PortionBuffer,
        batch_size: usize,
        times: &mut StageTimes,
    ) -> Result<&'b mut [u8], SealError> {
        let head: &mut [u8] = if self.frames_read == 0 {
            &mut self.preamble
        } else {
            &mut []
        };
        let comes_from = self.position + head.len() as u64;
        let before = self.frames_read as u64;
        let goes_to = match self.destination {
            Destination::None => comes_from,
            Destination::Record(offset) => offset + PREAMBLE_SIZE as u64 + before,
            Destination::Plaintext(offset) => {
                let content = before - before / self.slot_size as u64 * FRAME_OVERHEAD as u64;
                (offset + content).wrapping_sub(PREFIX_SIZE as u64)
            }
        };
        let size = (self.frames_size - self.frames_read).min(batch_size);
        let slots = buffer.take(size, goes_to, comes_from);
        self.frames_read += size;
        let tail = if self.frames_read == self.frames_size {
            &mut self.digest[..self.digest_size]
        } else {
            &mut []
        };
        let wanted = head.len() + slots.len() + tail.len();
        let read = times.time(Stage::Read, || {
            let mut buffers = [
                IoSliceMut::new(head),
                IoSliceMut::new(slots),
                IoSliceMut::new(tail),
            ];
            self.source.read_at(self.position, &mut buffers)
        });
        let read = read.map_err(SealError::reading)?;
        self.position += read as u64;
        if read == wanted {
            return Ok(slots);
        }
        Err(SealError::truncated(self.segment, self.position))
    }

    /// The bytes in front of the frames, after the first read.
    pub(crate) const fn preamble(&self) -> &RecordPreamble {
        &self.preamble
    }

    /// The digest behind the frames, at the end.
    pub(crate) fn digest(&self) -> &[u8] {
        &self.digest[..self.digest_size]
    }

    /// Whether the whole record was read.
    pub(crate) const fn is_at_end(&self) -> bool {
        self.frames_read == self.frames_size
    }
}
