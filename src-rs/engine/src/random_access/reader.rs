//! Reads any range of a stream's plaintext.

use super::cache::{Cache, OpenFrame};
use super::plan::{Batch, Piece, ReadPlan, SegmentPart, frame_range};
use crate::error::SealError;
use crate::format::{ByteRange, FrameIndex, Geometry, SegmentIndex, WireOffset};
use crate::operation::cancel::CancellationToken;
use crate::operation::options::{DecryptOptions, invalid};
use crate::stream_v2::core::seekable::SeekableStream;
use crate::stream_v2::io::ReadAt;
use crate::stream_v2::pipeline::PORTION;
use crate::stream_v2::segment_worker::{FrameOpener, PREAMBLE_SIZE};
use crate::telemetry::{Stage, StageTimes};
use std::io::IoSliceMut;
use std::sync::Arc;

/// Reads ranges of a stream's plaintext. It does not hold the source: the caller passes the same source, or the bytes
/// fetched from it, to every call.
pub struct RangeReader {
    /// Its trailer is verified.
    opened: SeekableStream,
    size: u64,
    cache: Cache,
}

impl RangeReader {
    /// Unlocks the stream and verifies its end, but no segment. Keeps up to `cache_bytes` bytes of opened frames.
    ///
    /// # Errors
    /// Every error of header, end and source. A stream that states no size and has no valid end is refused.
    pub fn open(
        source: &dyn ReadAt,
        options: &DecryptOptions<'_>,
        cache_bytes: usize,
    ) -> Result<Self, SealError> {
        Self::new(SeekableStream::open(source, options)?, cache_bytes)
    }

    /// Same as [`open`](Self::open) for a stream that is already unlocked.
    ///
    /// # Errors
    /// The error of the stream's end.
    pub fn new(opened: SeekableStream, cache_bytes: usize) -> Result<Self, SealError> {
        if opened.stream.senders.is_some() {
            return Err(invalid("senders", SINGLE_FRAMES));
        }
        let size = opened.trailer().map_err(Clone::clone)?.manifest.plaintext_total;
        let cache = Cache::new(cache_bytes, opened.geometry().frame_slot_size());
        Ok(Self { opened, size, cache })
    }

    /// The stream.
    #[must_use]
    pub const fn opened(&self) -> &SeekableStream {
        &self.opened
    }

    /// Plaintext bytes.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// What reading this range of the plaintext needs. The range is cut at the end of the plaintext.
    #[must_use]
    pub fn plan(&self, range: ByteRange) -> ReadPlan {
        let range = self.clamped(range);
        ReadPlan {
            geometry: *self.geometry(),
            range,
            parts: self
                .segments(range)
                .map(|index| self.part(index, range))
                .collect(),
        }
    }

    /// The contiguous range of the sealed stream that covers a range of the plaintext: from the preamble of the first record
    /// to the end of the last frame. Empty for an empty range.
    #[must_use]
    pub fn sealed_range(&self, range: ByteRange) -> ByteRange {
        let range = self.clamped(range);
        let geometry = self.geometry();
        let segment_size = u64::from(geometry.segment_size());
        let start = self.record(SegmentIndex::new(range.start / segment_size)).get();
        let Some(last) = range.end.checked_sub(1).filter(|&last| last >= range.start) else {
            return ByteRange::at(start, 0);
        };
        let segment = SegmentIndex::new(last / segment_size);
        let frame = FrameIndex::new((last % segment_size / u64::from(geometry.frame_size())) as u32);
        let plaintext_size = geometry.segment_plaintext(self.size, segment);
        let end = frame_range(geometry, self.record(segment), plaintext_size, frame).end;
        ByteRange { start, end }
    }

    /// Reads the bytes that `plan` needs from `source`, opens them, writes the plaintext to `out` and returns its size. After
    /// an error `out` may hold a part of the plaintext, all of it verified.
    ///
    /// # Errors
    /// `Segment` with segment, frame and byte offset; `EndTampered` with the segment, if its record is not the sealing that
    /// the end names; `Truncated` if the source became shorter; `Io`, `OutputTooSmall`, `Cancelled`.
    pub fn read(
        &self,
        source: &dyn ReadAt,
        plan: &ReadPlan,
        out: &mut [u8],
        cancel: &CancellationToken,
        times: &mut StageTimes,
    ) -> Result<usize, SealError> {
        let too_small = SealError::OutputTooSmall {
            available: out.len() as u64,
            needed: plan.size(),
        };
        let size = usize::try_from(plan.size()).unwrap_or(usize::MAX);
        let out = out.get_mut(..size).ok_or(too_small)?;
        for part in &plan.parts {
            for (frame, opened) in (part.first..).zip(&part.frames) {
                if let Some(opened) = opened {
                    plan.place(part, frame, opened.content(), out)?;
                }
            }
        }
        let mut openers: Vec<_> = plan.parts.iter().map(|part| part.opener.clone()).collect();
        // Reads no bytes outside of `missing`: the caller may have fetched nothing else.
        let near = NEAR.min(self.geometry().frame_slot_size() as u64);
        for batch in plan.batches(near, PORTION as u64) {
            cancel.check()?;
            let buffers = times.time(Stage::Read, || self.read_batch(source, plan, &batch))?;
            times.time(Stage::Crypto, || {
                self.open_batch(plan, &batch, buffers, &mut openers, out, cancel)
            })?;
        }
        Ok(size)
    }

    /// Reads the pieces of a batch, each into a buffer of its own, because the cache keeps those of frames.
    fn read_batch(
        &self,
        source: &dyn ReadAt,
        plan: &ReadPlan,
        batch: &Batch,
    ) -> Result<Vec<Vec<u8>>, SealError> {
        let buffer = |piece: &Piece| match *piece {
            Piece::Gap { size } => vec![0; size],
            Piece::Preamble { .. } => vec![0; PREAMBLE_SIZE],
            Piece::Frame { size, .. } => self.cache.buffer(size),
        };
        let mut buffers: Vec<_> = batch.pieces.iter().map(buffer).collect();
        let mut slices: Vec<_> = buffers.iter_mut().map(|bytes| IoSliceMut::new(bytes)).collect();
        let read = source
            .read_at(batch.sealed.start, &mut slices)
            .map_err(SealError::reading)? as u64;
        if read < batch.sealed.size() {
            let offset = batch.sealed.start + read;
            let reached = plan.parts.iter().rfind(|part| part.record.get() <= offset);
            return Err(SealError::truncated(
                reached.map_or(SegmentIndex::ZERO, |part| part.segment),
                offset,
            ));
        }
        Ok(buffers)
    }

    fn open_batch(
        &self,
        plan: &ReadPlan,
        batch: &Batch,
        buffers: Vec<Vec<u8>>,
        openers: &mut [Option<Arc<FrameOpener>>],
        out: &mut [u8],
        cancel: &CancellationToken,
    ) -> Result<(), SealError> {
        // Of a long read, only the frames at its ends are likely to be read again soon: by a read beside it.
        let is_long = plan.size() > self.cache.capacity() as u64 / LONG_SHARE;
        for (piece, mut slot) in batch.pieces.iter().zip(buffers) {
            match *piece {
                Piece::Gap { .. } => {}
                Piece::Preamble { part } => {
                    openers[part] = Some(self.opener(&plan.parts[part], &slot)?);
                }
                Piece::Frame { part, frame, .. } => {
                    cancel.check()?;
                    let (opener, part) = (&openers[part], &plan.parts[part]);
                    // The preamble comes before its frames.
                    let opener = opener
                        .as_ref()
                        .ok_or_else(|| SealError::no_result(part.segment))?;
                    let content = opener.open(FrameIndex::new(frame), &mut slot)?;
                    let is_whole = plan.place(part, frame, content, out)?;
                    let key = (!(is_long && is_whole)).then_some((part.segment, frame));
                    self.cache.put_away(OpenFrame(slot), key);
                }
            }
        }
        Ok(())
    }

    /// The opener of the record with this preamble, which must be the sealing that the end names.
    fn opener(&self, part: &SegmentPart, preamble: &[u8]) -> Result<Arc<FrameOpener>, SealError> {
        let mut bytes = [0; PREAMBLE_SIZE];
        bytes.copy_from_slice(preamble);
        let context = &self.opened.stream.context;
        let opener = FrameOpener::begin(context, part.segment, part.record, &bytes)?;
        let end = self.opened.trailer().map_err(Clone::clone)?;
        let named = end.manifest.entries.entry(part.segment);
        if named.is_none_or(|named| named.message_tag != *opener.message_tag()) {
            return Err(SealError::other_sealing(end.offset, part.segment));
        }
        let opener = Arc::new(opener);
        self.cache.keep_opener(part.segment, &opener);
        Ok(opener)
    }

    fn part(&self, segment: SegmentIndex, range: ByteRange) -> SegmentPart {
        let geometry = self.geometry();
        let start = geometry.plaintext_offset(segment);
        let frame_at = |position: u64| (position / u64::from(geometry.frame_size())) as u32;
        let first = frame_at(range.start.saturating_sub(start));
        let size = u64::from(geometry.segment_size());
        let last = frame_at((range.end - 1 - start).min(size - 1));
        SegmentPart {
            segment,
            record: self.record(segment),
            plaintext_size: geometry.segment_plaintext(self.size, segment),
            first,
            frames: self.cache.frames((first..=last).map(|frame| (segment, frame))),
            opener: self.cache.opener(segment),
        }
    }

    /// The segments that a range inside the plaintext covers.
    fn segments(&self, range: ByteRange) -> impl Iterator<Item = SegmentIndex> {
        let size = u64::from(self.geometry().segment_size());
        let behind = if range.size() == 0 {
            0
        } else {
            range.end.div_ceil(size)
        };
        (range.start / size..behind).map(SegmentIndex::new)
    }

    fn clamped(&self, range: ByteRange) -> ByteRange {
        let start = range.start.min(self.size());
        ByteRange {
            start,
            end: range.end.clamp(start, self.size()),
        }
    }

    fn record(&self, segment: SegmentIndex) -> WireOffset {
        self.geometry()
            .record_offset(self.opened.stream.header.size(), segment)
    }

    const fn geometry(&self) -> &Geometry {
        self.opened.geometry()
    }
}

/// A recipient can seal a single frame anew, so reading frames without hashing their record proves nothing about the sender.
const SINGLE_FRAMES: &str = "can't be used to read ranges, of which only single frames are read";
/// Unneeded bytes that are read rather than calling the system again: a page.
const NEAR: u64 = 4096;
/// A read of more than the cache's capacity divided by this is long.
const LONG_SHARE: u64 = 4;
