//! Record to plaintext.

use super::check::{RecordCheck, other_floe_parameters, split_preamble};
use super::{Join, RecordPreamble, RecordSummary, SegmentCryptoContext, SegmentWorkerError};
use crate::crypto::Crc64;
use crate::crypto::floe::FloeHeaderError;
use crate::format::{
    FrameIndex, ManifestEntry, SegmentHeader, SegmentHeaderError, SegmentIndex, SegmentReason, WireOffset,
};
use crate::stream_v2::frame_worker::{DecryptFrameWorker, FrameInput, FrameWorkerError};
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

    pub(super) const fn context(&self) -> &'c SegmentCryptoContext {
        self.context
    }

    /// Starts the segment that is due at `offset`.
    ///
    /// A wrong FLOE header does not end it here: only the digest, which comes last, tells whether the record rotted or
    /// was changed. No frame is opened then.
    ///
    /// # Errors
    /// [`SegmentWorkerError::InvalidSegment`] where the segment's header is not that of the segment that is due, so that
    /// the record's extent is unknown.
    pub fn begin(
        &self,
        index: SegmentIndex,
        offset: WireOffset,
        preamble: &RecordPreamble,
    ) -> Result<SegmentOpener<'c>, SegmentWorkerError> {
        let context = self.context;
        context.injected_panic(index);
        let record = RecordCheck::begin(
            &context.geometry,
            context.plaintext_total,
            index,
            offset,
            preamble,
        )?;
        Ok(SegmentOpener {
            context,
            record,
            worker: frame_worker(context, index, offset, preamble),
            opened: 0,
            plaintext_crc: Crc64::default(),
        })
    }
}

/// A segment on its way in. Call [`digest_frames`](Self::digest_frames) and then [`open_frames`](Self::open_frames) with
/// each portion in turn, in order, until all frames are done; then [`finish`](Self::finish).
#[derive(Debug)]
pub struct SegmentOpener<'c> {
    context: &'c SegmentCryptoContext,
    record: RecordCheck,
    /// The first failure takes the worker's place.
    worker: Result<DecryptFrameWorker, SegmentWorkerError>,
    opened: u32,
    plaintext_crc: Crc64,
}

impl SegmentOpener<'_> {
    /// What the record says of itself.
    #[must_use]
    pub const fn header(&self) -> &SegmentHeader {
        &self.record.header
    }

    /// The record as the EndRecord should name it.
    #[must_use]
    pub fn entry(&self) -> ManifestEntry {
        self.record.entry()
    }

    /// Adds frames to the record's digest, before they are opened.
    pub fn digest_frames(&mut self, slots: &[u8]) {
        self.record.digest_frames(slots);
    }

    /// Opens the next frames in place. Returns whether all of them verified: only then do the slots hold plaintext.
    /// After the first failure nothing more is opened, and [`finish`](Self::finish) says what it was.
    pub fn open_frames<J: Join>(&mut self, join: &J, slots: &mut [u8]) -> bool {
        let slot_size = self.context.geometry.frame_slot_size();
        let first = self.opened;
        self.opened += slots.len().div_ceil(slot_size) as u32;
        let Ok(worker) = &self.worker else { return false };
        if let Err(failure) = self.open_run(join, worker, first, slots) {
            self.worker = Err(failure);
            return false;
        }
        for content in contents(slots, slot_size) {
            self.plaintext_crc.update(content);
        }
        true
    }

    fn open_run<J: Join>(
        &self,
        join: &J,
        worker: &DecryptFrameWorker,
        first: u32,
        slots: &mut [u8],
    ) -> Result<(), SegmentWorkerError> {
        let slot_size = self.context.geometry.frame_slot_size();
        let count = slots.len().div_ceil(slot_size);
        if J::PARALLEL && count > 1 {
            let half = count / 2;
            let (left, right) = slots.split_at_mut(half * slot_size);
            let (left, right) = join.join(
                || self.open_run(join, worker, first, left),
                || self.open_run(join, worker, first + half as u32, right),
            );
            return left.and(right);
        }
        let last = self.record.frames() - 1;
        for (frame, slot) in (first..).zip(slots.chunks_mut(slot_size)) {
            let index = FrameIndex::new(frame);
            worker
                .open(FrameInput {
                    index,
                    is_final: frame == last,
                    slot,
                })
                .map_err(|source| {
                    let offset = self.record.frame_offset(frame);
                    frame_failure(self.record.header.index, index, offset, source)
                })?;
        }
        Ok(())
    }

    /// Compares the digest and says how the segment fared.
    ///
    /// # Errors
    /// `DigestMismatch` where the digest differs, whatever else was found: rot explains it. Otherwise the first failure.
    pub fn finish(self, stored_digest: &[u8]) -> Result<RecordSummary, SegmentWorkerError> {
        let (entry, frames) = (self.entry(), self.record.frames());
        let header = self.record.header;
        let segment = header.index;
        self.record.finish(stored_digest)?;
        self.worker?;
        if self.opened != frames {
            return Err(SegmentWorkerError::FrameWorkerDisconnected { segment });
        }
        Ok(RecordSummary {
            index: segment,
            is_final: header.is_final,
            plaintext_size: header.plaintext_size,
            frames,
            entry,
            output_crc64: self.plaintext_crc.value(),
        })
    }
}

/// What opens the frames of the record at `offset`, if its FLOE header is one made with the stream's key.
pub(super) fn frame_worker(
    context: &SegmentCryptoContext,
    index: SegmentIndex,
    offset: WireOffset,
    preamble: &RecordPreamble,
) -> Result<DecryptFrameWorker, SegmentWorkerError> {
    let (header_bytes, floe_header) = split_preamble(preamble);
    let keys = context
        .payload_key
        .start_opening(context.params, &header_bytes, &floe_header)
        .map_err(|error| SegmentWorkerError::invalid(index, offset, floe_failure(error)))?;
    DecryptFrameWorker::new(&keys, FrameIndex::ZERO)
        .map_err(|source| frame_failure(index, FrameIndex::ZERO, offset, source))
}

pub(super) fn frame_failure(
    segment: SegmentIndex,
    frame: FrameIndex,
    offset: WireOffset,
    source: FrameWorkerError,
) -> SegmentWorkerError {
    match source {
        FrameWorkerError::FrameParsing { error: source } => SegmentWorkerError::FramingError {
            segment,
            frame,
            offset,
            source,
        },
        _ => SegmentWorkerError::FrameDecryptionFailed {
            segment,
            frame,
            offset,
            source,
        },
    }
}

fn floe_failure(error: FloeHeaderError) -> SegmentHeaderError {
    match error {
        FloeHeaderError::Parameters => other_floe_parameters(),
        FloeHeaderError::Tag | FloeHeaderError::Crypto(_) => SegmentHeaderError::new(
            SegmentReason::FloeHeaderTag,
            "one made with this stream's key",
            "another",
        ),
    }
}
