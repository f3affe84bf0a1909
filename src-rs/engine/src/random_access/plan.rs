//! What a read takes: frames that are there, and the bytes of the source that are not.

use super::cache::OpenFrame;
use super::lost;
use crate::error::SealError;
use crate::format::{ByteRange, FRAME_OVERHEAD, FrameIndex, Geometry, SegmentIndex, WireOffset};
use crate::stream_v2::segment_worker::{FrameOpener, PREAMBLE_SIZE, frame_offset};
use std::sync::Arc;

/// What reading a range of the plaintext takes. It holds what it found opened already, so what leaves the cache meanwhile
/// does not matter.
#[derive(Debug)]
pub struct ReadPlan {
    pub(super) geometry: Geometry,
    /// Of the plaintext, and inside it.
    pub(super) range: ByteRange,
    pub(super) parts: Vec<SegmentPart>,
}

/// The frames of one segment that a range covers.
#[derive(Debug)]
pub(super) struct SegmentPart {
    pub(super) segment: SegmentIndex,
    pub(super) record: WireOffset,
    /// Plaintext bytes of the segment.
    pub(super) plaintext_size: u32,
    /// The first of the frames.
    pub(super) first: u32,
    /// The frames, where they are opened already.
    pub(super) frames: Vec<Option<Arc<OpenFrame>>>,
    pub(super) opener: Option<Arc<FrameOpener>>,
}

/// One thing to read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Piece {
    /// Bytes between two things, which are of no use.
    Gap { size: usize },
    /// The bytes in front of a record's frames; which part's.
    Preamble { part: usize },
    /// A frame of a part.
    Frame { part: usize, frame: u32, size: usize },
}

/// What is read by one call: pieces one behind the other.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) wire: ByteRange,
    pub(super) pieces: Vec<Piece>,
}

impl ReadPlan {
    /// Bytes of the plaintext that the read gives: fewer than were asked for only at its end.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.range.size()
    }

    /// The stretches of the source that are needed. Two of which at most about a frame stands between are one: a request
    /// costs more than that.
    #[must_use]
    pub fn missing(&self) -> Vec<ByteRange> {
        let near = self.geometry.frame_slot_size() as u64;
        self.batches(near, u64::MAX).map(|batch| batch.wire).collect()
    }

    /// Whether everything is there already.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.parts
            .iter()
            .all(|part| part.frames.iter().all(Option::is_some))
    }

    /// Bytes of the source that have to be opened.
    #[must_use]
    pub fn work(&self) -> u64 {
        self.pieces().map(|(wire, _)| wire.size()).sum()
    }

    /// What is to be read, in order: pieces with at most `near` bytes between them together, up to `most` bytes at a time.
    pub(super) fn batches(&self, near: u64, most: u64) -> impl Iterator<Item = Batch> {
        let mut pieces = self.pieces().peekable();
        std::iter::from_fn(move || {
            let (mut wire, piece) = pieces.next()?;
            let mut batch = vec![piece];
            while let Some((next, piece)) =
                pieces.next_if(|(next, _)| next.start - wire.end <= near && next.end - wire.start <= most)
            {
                if next.start > wire.end {
                    let size = (next.start - wire.end) as usize;
                    batch.push(Piece::Gap { size });
                }
                batch.push(piece);
                wire.end = next.end;
            }
            Some(Batch { wire, pieces: batch })
        })
    }

    fn pieces(&self) -> impl Iterator<Item = (ByteRange, Piece)> {
        self.parts.iter().enumerate().flat_map(move |(at, part)| {
            let is_opened = part.opener.is_some() || part.frames.iter().all(Option::is_some);
            let preamble = (!is_opened).then(|| {
                let wire = ByteRange::at(part.record.get(), PREAMBLE_SIZE as u64);
                (wire, Piece::Preamble { part: at })
            });
            let frames = (part.first..).zip(&part.frames);
            let frames = frames
                .filter(|(_, opened)| opened.is_none())
                .map(move |(frame, _)| {
                    let size = part.frame_wire(&self.geometry, frame);
                    let piece = Piece::Frame {
                        part: at,
                        frame,
                        size: size.size() as usize,
                    };
                    (size, piece)
                });
            preamble.into_iter().chain(frames)
        })
    }

    /// Copies what `out` wants of a frame to its place there; returns whether it wants all of it. Never less: what is not
    /// written would come out as it was.
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
        let (from, to) = ends.ok_or_else(|| lost(part.segment))?;
        to.copy_from_slice(from);
        Ok(size == content.len())
    }
}

impl SegmentPart {
    /// Where a frame of the segment stands in the stream.
    pub(super) fn frame_wire(&self, geometry: &Geometry, frame: u32) -> ByteRange {
        let frame = FrameIndex::new(frame);
        let content = geometry.frame_content(self.plaintext_size, frame) as usize;
        let start = frame_offset(geometry, self.record, frame);
        ByteRange::at(start.get(), (content + FRAME_OVERHEAD) as u64)
    }
}
