//! What a read needs: frames that are cached, and bytes of the source.

use super::cache::OpenFrame;
use crate::error::SealError;
use crate::format::{ByteRange, FRAME_OVERHEAD, FrameIndex, Geometry, SegmentIndex, WireOffset};
use crate::stream_v2::segment_worker::{FrameOpener, PREAMBLE_SIZE, frame_offset};
use std::sync::Arc;

/// What reading a range of the plaintext needs. It holds the frames that were cached, so they stay available even if the
/// cache removes them.
#[derive(Debug)]
pub struct ReadPlan {
    pub(super) geometry: Geometry,
    /// Range of the plaintext, within its size.
    pub(super) range: ByteRange,
    /// Records are read as a whole, so that they can be hashed before they are opened.
    pub(super) whole_records: bool,
    pub(super) parts: Vec<SegmentPart>,
}

/// The frames of one segment that a range covers.
#[derive(Debug)]
pub(super) struct SegmentPart {
    pub(super) segment: SegmentIndex,
    pub(super) record: WireOffset,
    /// Plaintext bytes of the segment.
    pub(super) plaintext_size: u32,
    /// Index of the first frame.
    pub(super) first: u32,
    /// The frames that are cached; `None` for the others.
    pub(super) frames: Vec<Option<Arc<OpenFrame>>>,
    pub(super) opener: Option<Arc<FrameOpener>>,
}

impl SegmentPart {
    /// Range of the whole record.
    pub(super) fn sealed(&self, geometry: &Geometry) -> ByteRange {
        ByteRange::at(self.record.get(), geometry.record_size(self.plaintext_size))
    }
}

/// One part of a read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Piece {
    /// Bytes that are not needed, between two other parts.
    Gap { size: usize },
    /// The preamble of the record at `part` of the plan.
    Preamble { part: usize },
    /// The whole record at `part` of the plan.
    Record { part: usize, size: usize },
    /// A frame of the record at `part` of the plan.
    Frame { part: usize, frame: u32, size: usize },
}

/// What one call reads: adjacent pieces.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) sealed: ByteRange,
    pub(super) pieces: Vec<Piece>,
}

impl ReadPlan {
    /// Plaintext bytes that the read returns: fewer than requested only at the end of the plaintext.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.range.size()
    }

    /// The ranges of the source that are needed, in order. Ranges less than a frame apart are joined: another request costs
    /// more than the bytes between.
    #[must_use]
    pub fn missing(&self) -> Vec<ByteRange> {
        let near = self.geometry.frame_slot_size() as u64;
        self.batches(near, u64::MAX).map(|batch| batch.sealed).collect()
    }

    /// Whether all frames are cached.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.parts
            .iter()
            .all(|part| part.frames.iter().all(Option::is_some))
    }

    /// Bytes of the source that must be opened.
    #[must_use]
    pub fn work(&self) -> u64 {
        self.pieces().map(|(sealed, _)| sealed.size()).sum()
    }

    /// The reads, in order. Pieces at most `near` bytes apart are read together, up to `most` bytes at a time.
    pub(super) fn batches(&self, near: u64, most: u64) -> impl Iterator<Item = Batch> {
        let mut pieces = self.pieces().peekable();
        std::iter::from_fn(move || {
            let (mut sealed, piece) = pieces.next()?;
            let mut batch = vec![piece];
            while let Some((next, piece)) =
                pieces.next_if(|(next, _)| next.start - sealed.end <= near && next.end - sealed.start <= most)
            {
                if next.start > sealed.end {
                    let size = (next.start - sealed.end) as usize;
                    batch.push(Piece::Gap { size });
                }
                batch.push(piece);
                sealed.end = next.end;
            }
            Some(Batch {
                sealed,
                pieces: batch,
            })
        })
    }

    fn pieces(&self) -> impl Iterator<Item = (ByteRange, Piece)> {
        self.parts.iter().enumerate().flat_map(move |(at, part)| {
            let is_cached = part.frames.iter().all(Option::is_some);
            let record = (self.whole_records && !is_cached).then(|| {
                let sealed = part.sealed(&self.geometry);
                let size = sealed.size() as usize;
                (sealed, Piece::Record { part: at, size })
            });
            let is_opened = part.opener.is_some() || is_cached || self.whole_records;
            let preamble = (!is_opened).then(|| {
                let sealed = ByteRange::at(part.record.get(), PREAMBLE_SIZE as u64);
                (sealed, Piece::Preamble { part: at })
            });
            let frames = (part.first..).zip(&part.frames);
            let frames = frames
                .filter(|(_, opened)| opened.is_none() && !self.whole_records)
                .map(move |(frame, _)| {
                    let index = FrameIndex::new(frame);
                    let sealed = frame_range(&self.geometry, part.record, part.plaintext_size, index);
                    let size = sealed.size() as usize;
                    (
                        sealed,
                        Piece::Frame {
                            part: at,
                            frame,
                            size,
                        },
                    )
                });
            record.into_iter().chain(preamble).chain(frames)
        })
    }

    /// Copies the part of a frame that is in the range to its place in `out`. Returns whether that is the whole frame. Fails
    /// rather than leave bytes of `out` unwritten.
    pub(super) fn place(
        &self,
        part: &SegmentPart,
        frame: u32,
        content: &[u8],
        out: &mut [u8],
    ) -> Result<bool, SealError> {
        let within = u64::from(frame) * u64::from(self.geometry.frame_size());
        let start = self.geometry.plaintext_offset(part.segment) + within;
        let wanted = ByteRange {
            start: start.max(self.range.start),
            end: (start + content.len() as u64).min(self.range.end),
        };
        let from = (wanted.start - start) as usize;
        let to = (wanted.start - self.range.start) as usize;
        let size = wanted.size() as usize;
        let ends = content.get(from..from + size).zip(out.get_mut(to..to + size));
        let (from, to) = ends.ok_or_else(|| SealError::no_result(part.segment))?;
        to.copy_from_slice(from);
        Ok(size == content.len())
    }
}

/// Range in the stream of a frame of the record at `record`, whose segment has `plaintext_size` bytes.
pub(super) fn frame_range(
    geometry: &Geometry,
    record: WireOffset,
    plaintext_size: u32,
    frame: FrameIndex,
) -> ByteRange {
    let content = geometry.frame_content(plaintext_size, frame) as usize;
    let start = frame_offset(geometry, record, frame);
    ByteRange::at(start.get(), (content + FRAME_OVERHEAD) as u64)
}
