//! What can be checked of a record without a key: its header, its extent, its frames' lengths and its digest.

use super::{PREAMBLE_SIZE, RecordPreamble, SegmentWorkerError, iv_and_tag};
use crate::crypto::floe::FloeParams;
use crate::crypto::{DigestValue, SegmentHasher};
use crate::format::{
    FLOE_HEADER_SIZE, FrameIndex, Geometry, ManifestEntry, SEGMENT_HEADER_SIZE, SegmentHeader,
    SegmentHeaderError, SegmentIndex, SegmentReason, WireOffset,
};
use crate::stream_v2::framing::split_frame;

/// What opening and checking a record share: the header that is due, and the digest.
#[derive(Debug)]
pub(super) struct RecordCheck {
    pub(super) geometry: Geometry,
    pub(super) header: SegmentHeader,
    pub(super) offset: WireOffset,
    message_tag: [u8; 32],
    hasher: SegmentHasher,
}

impl RecordCheck {
    /// Starts with the bytes in front of the frames; `total` is the stream's plaintext length, where it is known.
    pub(super) fn begin(
        geometry: &Geometry,
        total: Option<u64>,
        index: SegmentIndex,
        offset: WireOffset,
        preamble: &RecordPreamble,
    ) -> Result<Self, SegmentWorkerError> {
        let invalid = |error| SegmentWorkerError::invalid(index, offset, error);
        let (header_bytes, _) = split_preamble(preamble);
        let header = SegmentHeader::parse(&header_bytes, geometry).map_err(invalid)?;
        header.check_place(index, total, geometry).map_err(invalid)?;
        let mut hasher = SegmentHasher::new(geometry.digest());
        hasher.update(preamble);
        Ok(Self {
            geometry: *geometry,
            header,
            offset,
            message_tag: iv_and_tag(preamble).1,
            hasher,
        })
    }

    /// The record as the EndRecord should name it.
    pub(super) fn entry(&self) -> ManifestEntry {
        let wire_size = self.geometry.record_size(self.header.plaintext_size) as u32;
        ManifestEntry {
            wire_size,
            message_tag: self.message_tag,
        }
    }

    /// Adds frames to the digest.
    pub(super) fn digest_frames(&mut self, slots: &[u8]) {
        self.hasher.update(slots);
    }

    /// Frames of the record.
    pub(super) fn frames(&self) -> u32 {
        self.geometry.frame_count(self.header.plaintext_size)
    }

    /// Where a frame starts in the stream.
    pub(super) fn frame_offset(&self, frame: u32) -> WireOffset {
        frame_offset(&self.geometry, self.offset, FrameIndex::new(frame))
    }

    /// Compares the digest.
    pub(super) fn finish(self, stored_digest: &[u8]) -> Result<(), SegmentWorkerError> {
        let (expected, actual) = (DigestValue::new(stored_digest), self.hasher.finish());
        if expected == actual {
            return Ok(());
        }
        let (expected, actual) = (format!("{expected:?}"), format!("{actual:?}"));
        Err(SegmentWorkerError::DigestMismatch {
            segment: self.header.index,
            offset: self.offset,
            expected,
            actual,
        })
    }
}

/// A record on its way past a reader without a key. Call [`check_frames`](Self::check_frames) with each portion in turn, in
/// order, until all frames were seen; then [`finish`](Self::finish). Nothing that it finds right is authentic.
#[derive(Debug)]
pub struct SegmentChecker {
    record: RecordCheck,
    seen: u32,
    /// The first thing that is wrong, unless the digest explains it.
    flaw: Result<(), SegmentWorkerError>,
}

impl SegmentChecker {
    /// Starts the segment that is due at `offset`; `total` is the stream's plaintext length, where it is known.
    ///
    /// # Errors
    /// [`SegmentWorkerError::InvalidSegment`] where the segment's header is not that of the segment that is due, so that
    /// the record's extent is unknown.
    pub fn begin(
        geometry: &Geometry,
        total: Option<u64>,
        index: SegmentIndex,
        offset: WireOffset,
        preamble: &RecordPreamble,
    ) -> Result<Self, SegmentWorkerError> {
        let record = RecordCheck::begin(geometry, total, index, offset, preamble)?;
        let stated = FloeParams::of_header(&split_preamble(preamble).1);
        let is_due = stated.is_some_and(|params| params.encrypted_frame_size() == geometry.frame_slot_size());
        let flaw = if is_due {
            Ok(())
        } else {
            Err(SegmentWorkerError::invalid(
                index,
                offset,
                other_floe_parameters(),
            ))
        };
        Ok(Self {
            record,
            seen: 0,
            flaw,
        })
    }

    /// Adds the next frames to the digest and looks at their lengths. It leaves the bytes as they are.
    pub fn check_frames(&mut self, slots: &mut [u8]) {
        let record = &mut self.record;
        record.digest_frames(slots);
        let last = record.frames() - 1;
        let slot_size = record.geometry.frame_slot_size();
        for slot in slots.chunks_mut(slot_size) {
            let frame = self.seen;
            self.seen += 1;
            if self.flaw.is_ok()
                && let Err(source) = split_frame(slot, frame == last)
            {
                self.flaw = Err(SegmentWorkerError::FramingError {
                    segment: record.header.index,
                    frame: FrameIndex::new(frame),
                    offset: record.frame_offset(frame),
                    source,
                });
            }
        }
    }

    /// Compares the digest and says how the record fared, and as what the EndRecord should name it.
    ///
    /// # Errors
    /// `DigestMismatch` where the digest differs, whatever else was found: rot explains it. Otherwise the first failure.
    pub fn finish(self, stored_digest: &[u8]) -> Result<ManifestEntry, SegmentWorkerError> {
        let (entry, segment) = (self.record.entry(), self.record.header.index);
        let frames = self.record.frames();
        self.record.finish(stored_digest)?;
        self.flaw?;
        if self.seen != frames {
            return Err(SegmentWorkerError::FrameWorkerDisconnected { segment });
        }
        Ok(entry)
    }
}

/// Where a frame of the record at `record` starts in the stream.
pub(crate) fn frame_offset(geometry: &Geometry, record: WireOffset, frame: FrameIndex) -> WireOffset {
    let before = PREAMBLE_SIZE as u64 + u64::from(frame.get()) * geometry.frame_slot_size() as u64;
    WireOffset::new(record.get() + before)
}

/// The segment header and the FLOE header.
pub(super) fn split_preamble(
    preamble: &RecordPreamble,
) -> ([u8; SEGMENT_HEADER_SIZE], [u8; FLOE_HEADER_SIZE]) {
    let mut segment_header = [0; SEGMENT_HEADER_SIZE];
    segment_header.copy_from_slice(&preamble[..SEGMENT_HEADER_SIZE]);
    let mut floe_header = [0; FLOE_HEADER_SIZE];
    floe_header.copy_from_slice(&preamble[SEGMENT_HEADER_SIZE..]);
    (segment_header, floe_header)
}

/// A FLOE header that states another suite or frame size.
pub(super) fn other_floe_parameters() -> SegmentHeaderError {
    SegmentHeaderError::new(
        SegmentReason::FloeParameters,
        "those of the stream's header",
        "other",
    )
}
