//! Record to verdict, without a key: the checks of header, place, FLOE parameters, frame lengths and digest.

use super::record_hasher::RecordHasher;
use super::{PREAMBLE_SIZE, RecordPreamble, RecordSummary, SegmentWorkerError, iv_and_tag};
use crate::crypto::floe::FloeParams;
use crate::format::{
    DigestValue, FLOE_HEADER_SIZE, FrameIndex, Geometry, ManifestEntry, SEGMENT_HEADER_SIZE, SegmentHeader,
    SegmentHeaderError, SegmentIndex, SegmentReason, WireOffset,
};
use crate::stream_v2::framing::parse_header;
use base16ct::lower::encode_string;

/// Checks one record without a key. Call [`check_frames`](Self::check_frames) with each portion in order, then
/// [`finish`](Self::finish). A record that passes is undamaged; it may still be forged.
#[derive(Debug)]
pub struct SegmentChecker {
    geometry: Geometry,
    pub(super) header: SegmentHeader,
    offset: WireOffset,
    message_tag: [u8; 32],
    hasher: RecordHasher,
    /// The digest and the CRC-64, if the whole record was hashed before its frames were opened.
    hashed: Option<(DigestValue, u64)>,
    /// What a verified manifest says about the record.
    named: Option<ManifestEntry>,
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
            hashed: None,
            named: None,
            frames_done: 0,
            verdict: Ok(()),
        })
    }

    /// Requires the record to be the one that a verified manifest names, if it is given.
    #[must_use]
    pub fn named(mut self, entry: Option<ManifestEntry>) -> Self {
        self.named = entry;
        if let Some(named) = entry
            && self.verdict.is_ok()
        {
            let error = other_message_tag(&named, &self.message_tag);
            self.verdict = error.map_or(Ok(()), |error| Err(self.invalid(error)));
        }
        self
    }

    fn invalid(&self, error: SegmentHeaderError) -> SegmentWorkerError {
        SegmentWorkerError::invalid(self.header.index, self.offset, error)
    }

    fn check_floe_parameters(mut self, preamble: &RecordPreamble) -> Self {
        let stated = FloeParams::of_header(&split_preamble(preamble).1);
        if stated.is_none_or(|params| params.encrypted_frame_size() != self.geometry.frame_slot_size()) {
            self.verdict = Err(self.invalid(other_floe_parameters()));
        }
        self
    }

    /// The stream's frame and segment sizes.
    #[must_use]
    pub const fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// Adds the next frames to the digest, unless the whole record was hashed.
    pub(super) fn digest_frames(&mut self, slots: &[u8]) {
        if self.hashed.is_none() {
            self.hasher.update(slots);
        }
    }

    /// Hashes all frames of the record and makes every check that needs no frame to be opened.
    pub(super) fn check_whole(&mut self, slots: &[u8], stored: &[u8]) -> Result<(), SegmentWorkerError> {
        self.digest_frames(slots);
        let (actual, crc64) = self.hasher.clone().finish();
        self.hashed = Some((actual, crc64));
        self.check_stored(stored, actual)?;
        self.verdict.clone()?;
        self.check_named(actual)
    }

    /// Compares the digest of the record's bytes with the one at its end.
    fn check_stored(&self, stored: &[u8], actual: DigestValue) -> Result<(), SegmentWorkerError> {
        let expected = DigestValue::new(stored);
        if expected == actual {
            return Ok(());
        }
        Err(SegmentWorkerError::DigestMismatch {
            segment: self.header.index,
            offset: self.offset,
            expected: format!("{expected:?}"),
            actual: format!("{actual:?}"),
        })
    }

    /// Compares size and digest with the manifest's.
    fn check_named(&self, actual: DigestValue) -> Result<(), SegmentWorkerError> {
        let Some(named) = self.named else { return Ok(()) };
        let size = self.geometry.record_size(self.header.plaintext_size);
        if u64::from(named.wire_size) != size {
            let error = SegmentHeaderError::new(SegmentReason::RecordSize, named.wire_size, size);
            return Err(self.invalid(error));
        }
        if named.digest != actual {
            let values = [named.digest, actual].map(|digest| format!("{digest:?}"));
            let error = SegmentHeaderError::new(SegmentReason::Digest, &values[0], &values[1]);
            return Err(self.invalid(error));
        }
        Ok(())
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
    /// `DigestMismatch` if the digest differs, because damage explains any other failure; then the first failure; then
    /// `InvalidSegment` if the record is not the [named](Self::named) one.
    pub fn finish(self, stored_digest: &[u8]) -> Result<RecordSummary, SegmentWorkerError> {
        let frames = self.frames();
        let SegmentHeader {
            index,
            is_final,
            plaintext_size,
        } = self.header;
        let hashed = self.hashed.unwrap_or_else(|| self.hasher.clone().finish());
        let (actual, crc64) = hashed;
        self.check_stored(stored_digest, actual)?;
        self.verdict.clone()?;
        self.check_named(actual)?;
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

/// The failure of a record that is not the sealing that the manifest names.
pub(super) fn other_message_tag(named: &ManifestEntry, found: &[u8; 32]) -> Option<SegmentHeaderError> {
    (named.message_tag != *found).then(|| {
        let [expected, actual] = [&named.message_tag, found].map(|tag| encode_string(tag));
        SegmentHeaderError::new(SegmentReason::MessageTag, expected, actual)
    })
}

/// The failure of a FLOE header that states another suite or frame size.
pub(super) fn other_floe_parameters() -> SegmentHeaderError {
    SegmentHeaderError::new(
        SegmentReason::FloeParameters,
        "those of the stream's header",
        "other",
    )
}
