//! Record to plaintext.

use super::{Join, PREAMBLE_SIZE, RecordPreamble, RecordSummary, SegmentCryptoContext, SegmentWorkerError};
use crate::crypto::{Crc64, DigestValue, SegmentHasher, floe::FloeHeaderError};
use crate::headers::{
    FLOE_HEADER_SIZE, FrameIndex, ManifestEntry, SEGMENT_HEADER_SIZE, SegmentHeader, SegmentHeaderError,
    SegmentIndex, SegmentReason, WireOffset,
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
        let invalid = |error| SegmentWorkerError::invalid(index, offset, error);
        let mut header_bytes = [0; SEGMENT_HEADER_SIZE];
        header_bytes.copy_from_slice(&preamble[..SEGMENT_HEADER_SIZE]);
        let mut floe_header = [0; FLOE_HEADER_SIZE];
        floe_header.copy_from_slice(&preamble[SEGMENT_HEADER_SIZE..]);

        let header = SegmentHeader::parse(&header_bytes, &context.geometry).map_err(invalid)?;
        header
            .check_place(index, context.plaintext_total, &context.geometry)
            .map_err(invalid)?;
        let mut hasher = SegmentHasher::new(context.geometry.digest());
        hasher.update(preamble);
        let keys = context
            .payload_key
            .start_opening(context.params, &header_bytes, &floe_header);
        let mut message_tag = [0; 32];
        message_tag.copy_from_slice(&floe_header[FLOE_HEADER_SIZE - 32..]);
        let worker = match keys {
            Ok(keys) => DecryptFrameWorker::new(&keys, FrameIndex::ZERO)
                .map_err(|source| frame_failure(index, FrameIndex::ZERO, offset, source)),
            Err(error) => Err(invalid(floe_failure(error))),
        };
        Ok(SegmentOpener {
            context,
            header,
            offset,
            message_tag,
            worker,
            opened: 0,
            hasher,
            plaintext_crc: Crc64::default(),
        })
    }
}

/// A segment on its way in. Call [`digest_frames`](Self::digest_frames) and then [`open_frames`](Self::open_frames) with
/// each portion in turn, in order, until all frames are done; then [`finish`](Self::finish).
#[derive(Debug)]
pub struct SegmentOpener<'c> {
    context: &'c SegmentCryptoContext,
    header: SegmentHeader,
    offset: WireOffset,
    message_tag: [u8; 32],
    /// The first failure takes the worker's place.
    worker: Result<DecryptFrameWorker, SegmentWorkerError>,
    opened: u32,
    hasher: SegmentHasher,
    plaintext_crc: Crc64,
}

impl SegmentOpener<'_> {
    /// What the record says of itself.
    #[must_use]
    pub const fn header(&self) -> &SegmentHeader {
        &self.header
    }

    /// The record as the EndRecord should name it.
    #[must_use]
    pub fn entry(&self) -> ManifestEntry {
        let wire_size = self.context.geometry.record_size(self.header.plaintext_size) as u32;
        ManifestEntry {
            wire_size,
            message_tag: self.message_tag,
        }
    }

    /// Adds frames to the record's digest, before they are opened.
    pub fn digest_frames(&mut self, slots: &[u8]) {
        self.hasher.update(slots);
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
        let last = self.context.geometry.frame_count(self.header.plaintext_size) - 1;
        for (frame, slot) in (first..).zip(slots.chunks_mut(slot_size)) {
            let index = FrameIndex::new(frame);
            worker
                .open(FrameInput {
                    index,
                    is_final: frame == last,
                    slot,
                })
                .map_err(|source| {
                    let before = PREAMBLE_SIZE as u64 + u64::from(frame) * slot_size as u64;
                    frame_failure(
                        self.header.index,
                        index,
                        WireOffset::new(self.offset.get() + before),
                        source,
                    )
                })?;
        }
        Ok(())
    }

    /// Compares the digest and says how the segment fared.
    ///
    /// # Errors
    /// `DigestMismatch` where the digest differs, whatever else was found: rot explains it. Otherwise the first failure.
    pub fn finish(self, stored_digest: &[u8]) -> Result<RecordSummary, SegmentWorkerError> {
        let entry = self.entry();
        let segment = self.header.index;
        let (expected, actual) = (DigestValue::new(stored_digest), self.hasher.finish());
        if expected != actual {
            let (expected, actual) = (format!("{expected:?}"), format!("{actual:?}"));
            return Err(SegmentWorkerError::DigestMismatch {
                segment,
                offset: self.offset,
                expected,
                actual,
            });
        }
        self.worker?;
        let frames = self.context.geometry.frame_count(self.header.plaintext_size);
        if self.opened != frames {
            return Err(SegmentWorkerError::FrameWorkerDisconnected { segment });
        }
        Ok(RecordSummary {
            index: segment,
            is_final: self.header.is_final,
            plaintext_size: self.header.plaintext_size,
            frames,
            entry,
            output_crc64: self.plaintext_crc.value(),
        })
    }
}

fn frame_failure(
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
    let (reason, expected, actual) = match error {
        FloeHeaderError::Parameters => (
            SegmentReason::FloeParameters,
            "those of the stream's header",
            "other",
        ),
        FloeHeaderError::Tag | FloeHeaderError::Crypto(_) => (
            SegmentReason::FloeHeaderTag,
            "one made with this stream's key",
            "another",
        ),
    };
    SegmentHeaderError::new(reason, expected, actual)
}
