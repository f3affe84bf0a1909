//! Record to verdict, without a key: the checks of header, place, FLOE parameters, frame lengths and digest.

use super::record_hasher::RecordHasher;
use super::{PREAMBLE_SIZE, RecordPreamble, RecordSummary, SegmentWorkerError, iv_and_tag};
use crate::crypto::floe::FloeParams;
use crate::format::{
    DigestValue, FLOE_HEADER_SIZE, FrameIndex, Geometry, ManifestEntry, SEGMENT_HEADER_SIZE, SegmentHeader,
    SegmentHeaderError, SegmentIndex, SegmentReason, WireOffset,
};
use crate::stream_v2::framing::parse_header;

/// Checks one record without a key. Call [`check_frames`](Self::check_frames) with each portion in order, then
/// [`finish`](Self::finish). A record that passes is undamaged; it may still be forged.
#[derive(Debug)]
pub struct SegmentChecker {
    geometry: Geometry,
    pub(super) header: SegmentHeader,
    offset: WireOffset,
    message_tag: [u8; 32],
    hasher: RecordHasher,
    /// Frames that were checked or opened.
    pub(super) frames_done: u32,
    /// The first failure. A wrong digest takes precedence.
    pub(super) verdict: Result<(), SegmentWorkerError>,
}

impl SegmentChecker {
    /// Starts the record of segment `index`, `offset` bytes into the stream. `total` is the stream's plaintext size in
    /// bytes, if known.
    ///
    /// # Errors
    /// [`SegmentWorkerError::InvalidSegment`] if the segment header is not the expected one; the record's size is unknown then.
    pub fn begin(
        geometry: &Geometry,
        total: Option<u64>,
        index: SegmentIndex,
        offset: WireOffset,
        preamble: &RecordPreamble,
    ) -> Result<Self, SegmentWorkerError> {
        let hasher = RecordHasher::new(geometry.digest());
        let checker = Self::start(geometry, total, index, offset, preamble, hasher)?;
        Ok(checker.check_floe_parameters(preamble))
    }

    /// Same as [`begin`](Self::begin) for a stream of unknown size, but the summary contains the CRC-64 of the whole
    /// record.
    ///
    /// # Errors
    /// Same as [`begin`](Self::begin).
    pub(crate) fn begin_with_crc64(
        geometry: &Geometry,
        index: SegmentIndex,
        offset: WireOffset,
        preamble: &RecordPreamble,
    ) -> Result<Self, SegmentWorkerError> {
        let hasher = RecordHasher::with_crc64(geometry.digest());
        let checker = Self::start(geometry, None, index, offset, preamble, hasher)?;
        Ok(checker.check_floe_parameters(preamble))
    }

    /// Checks header and place. The FLOE header is left to the caller.
    pub(super) fn start(
        geometry: &Geometry,
        total: Option<u64>,
        index: SegmentIndex,
        offset: WireOffset,
        preamble: &RecordPreamble,
        mut hasher: RecordHasher,
    ) -> Result<Self, SegmentWorkerError> {
        let header = check_header(geometry, total, index, offset, preamble)?;
        hasher.update(preamble);
        Ok(Self {
            geometry: *geometry,
            header,
            offset,
            message_tag: iv_and_tag(preamble).1,
            hasher,
            frames_done: 0,
            verdict: Ok(()),
        })
    }

    fn check_floe_parameters(mut self, preamble: &RecordPreamble) -> Self {
        let stated = FloeParams::of_header(&split_preamble(preamble).1);
        if stated.is_none_or(|params| params.encrypted_frame_size() != self.geometry.frame_slot_size()) {
            let error = other_floe_parameters();
            self.verdict = Err(SegmentWorkerError::invalid(self.header.index, self.offset, error));
        }
        self
    }

    /// The stream's frame and segment sizes.
    #[must_use]
    pub const fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// Adds the next frames to the digest.
    pub(super) fn digest_frames(&mut self, slots: &[u8]) {
        self.hasher.update(slots);
    }

    /// Adds the next frames to the digest and checks their length fields.
    pub fn check_frames(&mut self, slots: &[u8]) {
        self.digest_frames(slots);
        for slot in slots.chunks(self.geometry.frame_slot_size()) {
            let frame = FrameIndex::new(self.frames_done);
            self.frames_done += 1;
            if self.verdict.is_ok()
                && let Err(source) = parse_header(slot, self.frames_done == self.frames())
            {
                self.verdict = Err(SegmentWorkerError::FramingError {
                    segment: self.header.index,
                    frame,
                    offset: frame_offset(&self.geometry, self.offset, frame),
                    source,
                });
            }
        }
    }

    /// Frames of the record.
    pub(super) fn frames(&self) -> u32 {
        self.geometry.frame_count(self.header.plaintext_size)
    }

    /// Compares the record's digest with `stored_digest` and returns the verdict on the record. The summary's
    /// `output_crc64` is that of the record after `begin_with_crc64`, and has no meaning else.
    ///
    /// # Errors
    /// `DigestMismatch` if the digest differs, because damage explains any other failure; then the first failure.
    pub fn finish(self, stored_digest: &[u8]) -> Result<RecordSummary, SegmentWorkerError> {
        let frames = self.frames();
        let SegmentHeader {
            index,
            is_final,
            plaintext_size,
        } = self.header;
        let expected = DigestValue::new(stored_digest);
        let (actual, crc64) = self.hasher.finish();
        if expected != actual {
            return Err(SegmentWorkerError::DigestMismatch {
                segment: index,
                offset: self.offset,
                expected: format!("{expected:?}"),
                actual: format!("{actual:?}"),
            });
        }
        self.verdict?;
        if self.frames_done != frames {
            return Err(SegmentWorkerError::FrameWorkerDisconnected { segment: index });
        }
        Ok(RecordSummary {
            index,
            is_final,
            plaintext_size,
            frames,
            entry: ManifestEntry::new(&self.geometry, plaintext_size, self.message_tag, actual),
            output_crc64: crc64,
        })
    }
}

/// Parses the header of the record at `offset` and checks that it belongs to segment `index`.
pub(super) fn check_header(
    geometry: &Geometry,
    total: Option<u64>,
    index: SegmentIndex,
    offset: WireOffset,
    preamble: &RecordPreamble,
) -> Result<SegmentHeader, SegmentWorkerError> {
    let parsed = SegmentHeader::parse(&split_preamble(preamble).0, geometry);
    let placed = parsed.and_then(|header| header.check_place(index, total, geometry).map(|()| header));
    placed.map_err(|error| SegmentWorkerError::invalid(index, offset, error))
}

/// Offset in the stream of a frame of the record at `record`.
pub(crate) fn frame_offset(geometry: &Geometry, record: WireOffset, frame: FrameIndex) -> WireOffset {
    let before = PREAMBLE_SIZE as u64 + u64::from(frame.get()) * geometry.frame_slot_size() as u64;
    WireOffset::new(record.get() + before)
}

/// Whether `record` ends with the digest of the bytes before it: an undamaged record of any segment and sealing.
pub(crate) fn has_right_digest(geometry: &Geometry, record: &[u8]) -> bool {
    let Some(size) = record.len().checked_sub(geometry.digest().size()) else {
        return false;
    };
    let (content, digest) = record.split_at(size);
    let mut hasher = RecordHasher::new(geometry.digest());
    hasher.update(content);
    hasher.finish().0.as_bytes() == digest
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

/// The failure of a FLOE header that states another suite or frame size.
pub(super) fn other_floe_parameters() -> SegmentHeaderError {
    SegmentHeaderError::new(
        SegmentReason::FloeParameters,
        "those of the stream's header",
        "other",
    )
}
