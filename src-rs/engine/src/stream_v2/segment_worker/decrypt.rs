//! Record to plaintext.

use super::check::{SegmentChecker, split_preamble};
use super::record_hasher::RecordHasher;
use super::{FrameOpener, Join, RecordPreamble, RecordSummary, SegmentCryptoContext, SegmentWorkerError};
use crate::crypto::Crc64;
use crate::format::{FrameIndex, Geometry, ManifestEntry, SegmentHeader, SegmentIndex, WireOffset};
use crate::stream_v2::framing::contents;

/// Opens segments of one stream.
#[derive(Clone, Copy, Debug)]
pub struct DecryptSegmentWorker<'c> {
    context: &'c SegmentCryptoContext,
}

impl<'c> DecryptSegmentWorker<'c> {
    /// A worker over a stream's context.
    #[must_use]
    pub const fn new(context: &'c SegmentCryptoContext) -> Self {
        Self { context }
    }

    /// Starts the record of segment `index`, `offset` bytes into the stream.
    ///
    /// A wrong FLOE header is not reported here, and no frame is opened then. [`SegmentOpener::finish`] reports it, or
    /// a wrong digest, which takes precedence.
    ///
    /// # Errors
    /// [`SegmentWorkerError::InvalidSegment`] if the segment header is not the expected one; the record's size is unknown then.
    pub fn begin(
        &self,
        index: SegmentIndex,
        offset: WireOffset,
        preamble: &RecordPreamble,
    ) -> Result<SegmentOpener, SegmentWorkerError> {
        let context = self.context;
        context.injected_panic(index);
        let (geometry, total) = (context.geometry, context.plaintext_total);
        let hasher = RecordHasher::new(geometry.digest());
        let mut record = SegmentChecker::start(&geometry, total, index, offset, preamble, hasher)?;
        let frames = FrameOpener::start(context, record.header, offset, &split_preamble(preamble).1);
        let frames = frames.map_err(|failure| record.verdict = Err(failure)).ok();
        Ok(SegmentOpener {
            record,
            frames,
            plaintext_crc: Crc64::default(),
        })
    }
}

/// Opens one record. Call [`digest_frames`](Self::digest_frames) and then [`open_frames`](Self::open_frames) with each
/// portion in order, then [`finish`](Self::finish).
#[derive(Debug)]
pub struct SegmentOpener {
    record: SegmentChecker,
    /// `None` after a failure, which is the record's verdict.
    frames: Option<FrameOpener>,
    plaintext_crc: Crc64,
}

impl SegmentOpener {
    /// Requires the record to be the one that a verified manifest names, if it is given. No frame of another one is opened, and
    /// [`finish`](Self::finish) returns the failure.
    #[must_use]
    pub fn named(self, entry: Option<ManifestEntry>) -> Self {
        let record = self.record.named(entry);
        let frames = self.frames.filter(|_| record.verdict.is_ok());
        Self {
            record,
            frames,
            ..self
        }
    }

    /// Hashes the whole record before any of it is opened: `slots` are all of its frames. Makes the checks of
    /// [`finish`](Self::finish) that do not need the frames to be opened.
    ///
    /// # Errors
    /// `DigestMismatch`, `InvalidSegment`.
    pub fn check_whole(&mut self, slots: &[u8], stored_digest: &[u8]) -> Result<(), SegmentWorkerError> {
        self.record.check_whole(slots, stored_digest)
    }

    /// The record's header.
    #[must_use]
    pub const fn header(&self) -> &SegmentHeader {
        &self.record.header
    }

    /// The stream's frame and segment sizes.
    #[must_use]
    pub const fn geometry(&self) -> &Geometry {
        self.record.geometry()
    }

    /// Adds frames to the record's digest. Call it before they are opened.
    pub fn digest_frames(&mut self, slots: &[u8]) {
        self.record.digest_frames(slots);
    }

    /// Opens the next frames in place. Returns whether all of them verified: only then `slots` hold plaintext. After a
    /// failure no frame is opened any more, and [`finish`](Self::finish) returns it.
    pub fn open_frames<J: Join>(&mut self, join: &J, slots: &mut [u8]) -> bool {
        let slot_size = self.geometry().frame_slot_size();
        let first = self.record.frames_done;
        self.record.frames_done += slots.len().div_ceil(slot_size) as u32;
        let Some(frames) = &self.frames else { return false };
        if let Err(failure) = open_run(join, frames, first, slots, slot_size) {
            self.record.verdict = Err(failure);
            self.frames = None;
            return false;
        }
        for content in contents(slots, slot_size) {
            self.plaintext_crc.update(content);
        }
        true
    }

    /// Compares the record's digest with `stored_digest` and returns the verdict on the segment. The summary's
    /// `output_crc64` is that of the plaintext.
    ///
    /// # Errors
    /// `DigestMismatch` for another digest, because damage explains any other failure; then the first failure.
    pub fn finish(self, stored_digest: &[u8]) -> Result<RecordSummary, SegmentWorkerError> {
        let summary = self.record.finish(stored_digest)?;
        Ok(RecordSummary {
            output_crc64: self.plaintext_crc.value(),
            ..summary
        })
    }
}

/// Opens consecutive frames; the first failure in their order is returned.
fn open_run<J: Join>(
    join: &J,
    frames: &FrameOpener,
    first: u32,
    slots: &mut [u8],
    slot_size: usize,
) -> Result<(), SegmentWorkerError> {
    let count = slots.len().div_ceil(slot_size);
    if join.is_parallel() && count > 1 {
        let half = count / 2;
        let (left, right) = slots.split_at_mut(half * slot_size);
        let (left, right) = join.join(
            || open_run(join, frames, first, left, slot_size),
            || open_run(join, frames, first + half as u32, right, slot_size),
        );
        return left.and(right);
    }
    for (frame, slot) in (first..).zip(slots.chunks_mut(slot_size)) {
        frames.open(FrameIndex::new(frame), slot)?;
    }
    Ok(())
}
