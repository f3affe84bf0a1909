//! Sizes in bytes of frames, segments and records, and their offsets (docs/FORMAT.md, "Sizes").

use super::{DigestKind, FrameIndex, SegmentIndex, WireOffset};

/// A frame or segment size that the format does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GeometryError {
    /// The frame size is out of range.
    #[error("frame size {0} is not between {MIN_FRAME_SIZE} and {MAX_FRAME_SIZE}")]
    FrameSize(u32),
    /// The segment size is out of range or not a multiple of the frame size.
    #[error(
        "segment size {segment_size} is not a multiple of the frame size {frame_size}, up to {MAX_SEGMENT_SIZE}"
    )]
    SegmentSize {
        /// The refused size.
        segment_size: u32,
        /// The frame size; the segment size must be a multiple of it.
        frame_size: u32,
    },
}

/// Frame size, segment size and digest, which all segments of a stream share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    frame_size: u32,
    segment_size: u32,
    digest: DigestKind,
}

impl Geometry {
    /// Checks both sizes.
    ///
    /// # Errors
    /// A size that docs/FORMAT.md does not allow.
    pub fn new(frame_size: u32, segment_size: u32, digest: DigestKind) -> Result<Self, GeometryError> {
        if !(MIN_FRAME_SIZE..=MAX_FRAME_SIZE).contains(&frame_size) {
            return Err(GeometryError::FrameSize(frame_size));
        }
        let multiple = segment_size.is_multiple_of(frame_size);
        if !multiple || !(frame_size..=MAX_SEGMENT_SIZE).contains(&segment_size) {
            return Err(GeometryError::SegmentSize {
                segment_size,
                frame_size,
            });
        }
        Ok(Self {
            frame_size,
            segment_size,
            digest,
        })
    }

    /// Content bytes in a full frame.
    #[must_use]
    pub const fn frame_size(&self) -> u32 {
        self.frame_size
    }

    /// Plaintext bytes in a full segment.
    #[must_use]
    pub const fn segment_size(&self) -> u32 {
        self.segment_size
    }

    /// The digest behind each record.
    #[must_use]
    pub const fn digest(&self) -> DigestKind {
        self.digest
    }

    /// Bytes of a full frame on the wire, which is also FLOE's ENC_SEG_LEN.
    #[must_use]
    pub const fn frame_slot_size(&self) -> usize {
        self.frame_size as usize + FRAME_OVERHEAD
    }

    /// Frames that hold `content_size` bytes; an empty segment has one empty frame.
    #[must_use]
    pub const fn frame_count(&self, content_size: u32) -> u32 {
        if content_size == 0 {
            1
        } else {
            content_size.div_ceil(self.frame_size)
        }
    }

    /// Content bytes of one frame of a segment with `content_size` bytes; 0 past its last frame.
    #[must_use]
    pub fn frame_content(&self, content_size: u32, frame: FrameIndex) -> u32 {
        let before = u64::from(frame.get()) * u64::from(self.frame_size);
        u64::from(content_size)
            .saturating_sub(before)
            .min(u64::from(self.frame_size)) as u32
    }

    /// Bytes of all frames of a segment on the wire.
    #[must_use]
    pub const fn frames_wire_size(&self, content_size: u32) -> usize {
        content_size as usize + FRAME_OVERHEAD * self.frame_count(content_size) as usize
    }

    /// Bytes of a whole record: headers, frames, digest.
    #[must_use]
    pub const fn record_size(&self, content_size: u32) -> u64 {
        (SEGMENT_HEADER_SIZE + FLOE_HEADER_SIZE + self.digest.size()) as u64
            + self.frames_wire_size(content_size) as u64
    }

    /// Bytes of the record of a full segment.
    #[must_use]
    pub const fn full_record_size(&self) -> u64 {
        self.record_size(self.segment_size)
    }

    /// Segments of a stream with this much plaintext; an empty one has one.
    #[must_use]
    pub const fn segment_count(&self, plaintext_size: u64) -> u64 {
        if plaintext_size == 0 {
            1
        } else {
            plaintext_size.div_ceil(self.segment_size as u64)
        }
    }

    /// Plaintext bytes of one segment of a stream with `plaintext_size` bytes; 0 past its last segment.
    #[must_use]
    pub fn segment_plaintext(&self, plaintext_size: u64, segment: SegmentIndex) -> u32 {
        let before = segment.get().saturating_mul(u64::from(self.segment_size));
        plaintext_size
            .saturating_sub(before)
            .min(u64::from(self.segment_size)) as u32
    }

    /// Plaintext bytes of one segment; of a full segment if the stream's size is unknown.
    pub(crate) fn expected_plaintext(&self, plaintext_size: Option<u64>, segment: SegmentIndex) -> u32 {
        plaintext_size.map_or(self.segment_size, |size| self.segment_plaintext(size, segment))
    }

    /// Offset of a segment's plaintext.
    #[must_use]
    pub const fn plaintext_offset(&self, segment: SegmentIndex) -> u64 {
        segment.get().saturating_mul(self.segment_size as u64)
    }

    /// Where the end record starts after `total` bytes of plaintext.
    pub(crate) fn trailer_offset(&self, header_size: u32, total: u64) -> u64 {
        u64::from(header_size).saturating_add(self.records_size(total))
    }

    /// Offset of a segment's record. All records before it are full.
    #[must_use]
    pub const fn record_offset(&self, header_size: u32, segment: SegmentIndex) -> WireOffset {
        WireOffset::new(
            (header_size as u64).saturating_add(segment.get().saturating_mul(self.full_record_size())),
        )
    }

    /// Bytes of all records of a stream with this much plaintext.
    #[must_use]
    pub fn records_size(&self, plaintext_size: u64) -> u64 {
        let last = self.segment_count(plaintext_size) - 1;
        let last_content = self.segment_plaintext(plaintext_size, SegmentIndex::new(last));
        last.saturating_mul(self.full_record_size())
            .saturating_add(self.record_size(last_content))
    }
}

/// The default segment size in bytes: [`DEFAULT_SEGMENT_SIZE`] rounded up to whole frames, doubled until the plaintext has
/// at most 65,536 segments, up to 64 MiB. Every reader accepts 64 MiB.
///
/// Writers and readers keep about a hundred bytes for each segment, so this bounds their memory for terabytes.
#[must_use]
pub fn default_segment_size(frame_size: u32, plaintext_size: Option<u64>) -> u32 {
    let frame_size = frame_size.max(1);
    let mut size = DEFAULT_SEGMENT_SIZE.next_multiple_of(frame_size);
    while size <= LARGEST_DEFAULT / 2
        && plaintext_size.is_some_and(|plain| plain.div_ceil(size.into()) > MAX_DEFAULT_SEGMENTS)
    {
        size *= 2;
    }
    size
}

/// Number of segments above which the default segment size grows.
const MAX_DEFAULT_SEGMENTS: u64 = 65_536;
/// The readers' default limit.
const LARGEST_DEFAULT: u32 = 64 * 1024 * 1024;
/// Bytes of the segment header in front of every record.
pub const SEGMENT_HEADER_SIZE: usize = 32;
/// Bytes of the FLOE header in front of a segment's frames.
pub const FLOE_HEADER_SIZE: usize = 74;
/// Bytes that a frame adds to its content: length 4, IV 12, tag 16.
pub const FRAME_OVERHEAD: usize = 32;
/// The smallest frame.
pub const MIN_FRAME_SIZE: u32 = 1024;
/// The largest frame.
pub const MAX_FRAME_SIZE: u32 = 16 * 1024 * 1024;
/// The largest segment.
pub const MAX_SEGMENT_SIZE: u32 = 1024 * 1024 * 1024;
/// The largest plaintext, 2^63 - 1 bytes.
pub const MAX_PLAINTEXT_SIZE: u64 = (1 << 63) - 1;
/// Default frame size: the AEAD's cost for each frame is below 1%.
pub const DEFAULT_FRAME_SIZE: u32 = 64 * 1024;
/// Default segment size.
pub const DEFAULT_SEGMENT_SIZE: u32 = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Geometry {
        Geometry::new(1024, 4096, DigestKind::Crc64Nvme).unwrap()
    }

    #[test]
    fn counts_and_sizes_change_exactly_at_the_edges() {
        let g = small();
        let fixed = 32 + 74 + 8;
        for (content, frames) in [
            (0, 1),
            (1, 1),
            (1023, 1),
            (1024, 1),
            (1025, 2),
            (4095, 4),
            (4096, 4),
        ] {
            assert_eq!(g.frame_count(content), frames, "{content}");
            assert_eq!(
                g.record_size(content),
                fixed + u64::from(content) + 32 * u64::from(frames)
            );
        }
        for (plain, segments, last) in [
            (0, 1, 0),
            (1, 1, 1),
            (4095, 1, 4095),
            (4096, 1, 4096),
            (4097, 2, 1),
            (8192, 2, 4096),
        ] {
            assert_eq!(g.segment_count(plain), segments, "{plain}");
            assert_eq!(g.segment_plaintext(plain, SegmentIndex::new(segments - 1)), last);
            assert_eq!(g.segment_plaintext(plain, SegmentIndex::new(segments)), 0);
            let all = (segments - 1) * g.full_record_size() + g.record_size(last);
            assert_eq!(g.records_size(plain), all);
        }
    }

    #[test]
    fn the_last_frame_s_content_ends_with_the_segment() {
        let g = small();
        let content = |frame| g.frame_content(2049, FrameIndex::new(frame));
        assert_eq!(
            [content(0), content(1), content(2), content(3)],
            [1024, 1024, 1, 0]
        );
    }

    #[test]
    fn sizes_outside_the_format_are_refused() {
        let new = |f, s| Geometry::new(f, s, DigestKind::None);
        assert_eq!(new(1023, 1023), Err(GeometryError::FrameSize(1023)));
        assert_eq!(
            new(MAX_FRAME_SIZE + 1, MAX_FRAME_SIZE + 1),
            Err(GeometryError::FrameSize(MAX_FRAME_SIZE + 1))
        );
        for segment_size in [0, 512, 1025, 1024 * 1024 * 1024 + 1024] {
            assert_eq!(
                new(1024, segment_size),
                Err(GeometryError::SegmentSize {
                    segment_size,
                    frame_size: 1024
                })
            );
        }
        assert!(new(MAX_FRAME_SIZE, MAX_SEGMENT_SIZE).is_ok());
    }

    #[test]
    fn the_default_segment_grows_with_the_stream_and_fits_the_frames() {
        const MIB: u64 = 1 << 20;
        let size = |plain| default_segment_size(DEFAULT_FRAME_SIZE, plain);
        assert_eq!(
            [size(None), size(Some(0)), size(Some(65_536 * MIB))],
            [1 << 20; 3]
        );
        assert_eq!(
            [size(Some(65_536 * MIB + 1)), size(Some(131_072 * MIB))],
            [2 << 20; 2]
        );
        assert_eq!(size(Some(MAX_PLAINTEXT_SIZE)), 64 << 20);
        for frame_size in [MIN_FRAME_SIZE, 1025, 65_537, 3_000_000, MAX_FRAME_SIZE] {
            for plain in [None, Some(1 << 40), Some(MAX_PLAINTEXT_SIZE)] {
                assert!(
                    Geometry::new(
                        frame_size,
                        default_segment_size(frame_size, plain),
                        DigestKind::None
                    )
                    .is_ok()
                );
            }
        }
    }

    #[test]
    fn the_largest_record_fits_its_field() {
        let g = Geometry::new(MIN_FRAME_SIZE, MAX_SEGMENT_SIZE, DigestKind::Sha512).unwrap();
        assert!(g.full_record_size() <= u64::from(u32::MAX));
    }
}
