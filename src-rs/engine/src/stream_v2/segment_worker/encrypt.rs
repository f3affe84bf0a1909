//! Plaintext to record.

use super::record_hasher::RecordHasher;
use super::{Join, PREAMBLE_SIZE, RecordPreamble, RecordSummary, SegmentCryptoContext, SegmentWorkerError};
use crate::crypto::{CryptoError, FrameIv};
use crate::format::{DigestValue, FrameIndex, Geometry, ManifestEntry, SEGMENT_HEADER_SIZE, SegmentHeader};
use crate::stream_v2::frame_worker::{EncryptFrameWorker, FrameInput, FrameWorkerError};

/// Seals segments of one stream.
#[derive(Clone, Copy, Debug)]
pub struct EncryptSegmentWorker<'c> {
    context: &'c SegmentCryptoContext,
}

impl<'c> EncryptSegmentWorker<'c> {
    /// A worker over a stream's context.
    #[must_use]
    pub const fn new(context: &'c SegmentCryptoContext) -> Self {
        Self { context }
    }

    /// Starts a segment: draws its message IV and derives its keys.
    ///
    /// # Errors
    /// `FrameEncryptionFailed`, only if the system's random generator fails.
    pub fn begin(&self, header: SegmentHeader) -> Result<SegmentSealer<'c>, SegmentWorkerError> {
        let context = self.context;
        context.injected_panic(header.index);
        let failed = |source: FrameWorkerError| failed(header, FrameIndex::ZERO, source);
        let header_bytes = header.encode(&context.geometry);
        let (floe_header, keys) = context
            .payload_key
            .start_sealing(context.params, &header_bytes, &context.random)
            .map_err(|error| failed(error.into()))?;
        let worker = EncryptFrameWorker::new(&keys, FrameIndex::ZERO).map_err(failed)?;
        let mut preamble = [0; PREAMBLE_SIZE];
        preamble[..SEGMENT_HEADER_SIZE].copy_from_slice(&header_bytes);
        preamble[SEGMENT_HEADER_SIZE..].copy_from_slice(&floe_header);

        let mut hasher = RecordHasher::with_crc64(context.geometry.digest());
        hasher.update(&preamble);
        Ok(SegmentSealer {
            context,
            header,
            preamble,
            worker,
            message_tag: *keys.header_tag(),
            ivs: Vec::new(),
            ivs_used: 0,
            sealed: 0,
            hasher,
        })
    }
}

/// Seals one segment. Call [`seal_frames`](Self::seal_frames) and then [`digest_frames`](Self::digest_frames) with each
/// portion in order, then [`finish`](Self::finish).
#[derive(Debug)]
pub struct SegmentSealer<'c> {
    context: &'c SegmentCryptoContext,
    header: SegmentHeader,
    preamble: RecordPreamble,
    worker: EncryptFrameWorker,
    message_tag: [u8; 32],
    /// IVs drawn ahead for frames in order.
    ivs: Vec<FrameIv>,
    /// How many of them were used.
    ivs_used: usize,
    sealed: u32,
    hasher: RecordHasher,
}

impl SegmentSealer<'_> {
    /// The stream's frame and segment sizes.
    #[must_use]
    pub const fn geometry(&self) -> &Geometry {
        &self.context.geometry
    }

    /// The bytes in front of the frames.
    #[must_use]
    pub const fn preamble(&self) -> &RecordPreamble {
        &self.preamble
    }

    /// Seals the next frames in place. The content part of each slot holds plaintext. Only the segment's last slot may be
    /// shorter than the others.
    ///
    /// # Errors
    /// `FrameEncryptionFailed`, if the system's random generator fails or `slots` has more frames than are left.
    pub fn seal_frames<J: Join>(&mut self, join: &J, slots: &mut [u8]) -> Result<(), SegmentWorkerError> {
        let geometry = &self.context.geometry;
        let count = slots.len().div_ceil(geometry.frame_slot_size());
        let first = FrameIndex::new(self.sealed);
        let left = geometry.frame_count(self.header.plaintext_size) - self.sealed;
        if count > left as usize {
            return Err(failed(
                self.header,
                first,
                FrameWorkerError::InvalidHeader { frame: first },
            ));
        }
        if self.ivs.len() - self.ivs_used < count {
            let draw = (left as usize).min(count.max(FrameIv::PER_DRAW));
            self.ivs = FrameIv::draw(&self.context.random, draw, &mut Vec::new())
                .map_err(|error| failed(self.header, first, error.into()))?;
            self.ivs_used = 0;
        }
        let Some(ivs) = self.ivs.get(self.ivs_used..self.ivs_used + count) else {
            return Err(failed(self.header, first, CryptoError::RandomUnavailable.into()));
        };
        self.seal_run(join, self.sealed, slots, ivs)?;
        self.ivs_used += count;
        self.sealed += count as u32;
        Ok(())
    }

    fn seal_run<J: Join>(
        &self,
        join: &J,
        first: u32,
        slots: &mut [u8],
        ivs: &[FrameIv],
    ) -> Result<(), SegmentWorkerError> {
        let slot_size = self.context.geometry.frame_slot_size();
        if join.is_parallel() && ivs.len() > 1 {
            let half = ivs.len() / 2;
            let (left, right) = slots.split_at_mut(half * slot_size);
            let (left_ivs, right_ivs) = ivs.split_at(half);
            let (left, right) = join.join(
                || self.seal_run(join, first, left, left_ivs),
                || self.seal_run(join, first + half as u32, right, right_ivs),
            );
            return left.and(right);
        }
        let last = self.context.geometry.frame_count(self.header.plaintext_size) - 1;
        for ((frame, slot), &iv) in (first..).zip(slots.chunks_mut(slot_size)).zip(ivs) {
            let index = FrameIndex::new(frame);
            let input = FrameInput {
                index,
                is_final: frame == last,
                slot,
            };
            self.worker
                .seal(input, iv)
                .map_err(|error| failed(self.header, index, error))?;
        }
        Ok(())
    }

    /// Adds the frames that were just sealed to the record's digest, while they are in the cache.
    pub fn digest_frames(&mut self, slots: &[u8]) {
        self.hasher.update(slots);
    }

    /// Returns the record's digest and the segment's result.
    #[must_use]
    pub fn finish(self) -> (DigestValue, RecordSummary) {
        let geometry = &self.context.geometry;
        let SegmentHeader {
            index,
            is_final,
            plaintext_size,
        } = self.header;
        let frames = geometry.frame_count(plaintext_size);
        debug_assert_eq!(self.sealed, frames, "a record was ended before its last frame");
        let (digest, output_crc64) = self.hasher.finish();
        let entry = ManifestEntry::new(geometry, plaintext_size, self.message_tag, digest);
        (
            digest,
            RecordSummary {
                index,
                is_final,
                plaintext_size,
                frames,
                entry,
                output_crc64,
            },
        )
    }
}

fn failed(header: SegmentHeader, frame: FrameIndex, source: FrameWorkerError) -> SegmentWorkerError {
    SegmentWorkerError::FrameEncryptionFailed {
        segment: header.index,
        frame,
        source,
    }
}
