//! Reads any range of a stream's plaintext.

use super::cache::{Cache, OpenFrame};
use super::plan::{Batch, Piece, ReadPlan, SegmentPart, frame_range};
use crate::crypto::SegmentHasher;
use crate::error::SealError;
use crate::format::{
    ByteRange, DigestValue, FRAME_OVERHEAD, FrameIndex, Geometry, SegmentIndex, SegmentReason, WireOffset,
};
use crate::operation::cancel::CancellationToken;
use crate::operation::options::DecryptOptions;
use crate::stream_v2::core::seekable::SeekableStream;
use crate::stream_v2::io::ReadAt;
use crate::stream_v2::pipeline::{PORTION, PortionRunner, open_in_place};
use crate::stream_v2::segment_worker::{FrameOpener, PREAMBLE_SIZE, SegmentWorkerError};
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
        cancel: &CancellationToken,
    ) -> Result<Self, SealError> {
        Self::new(SeekableStream::open(source, options, cancel)?, cache_bytes)
    }

    /// Same as [`open`](Self::open) for a stream that is already unlocked.
    ///
    /// # Errors
    /// The error of the stream's end.
    pub fn new(opened: SeekableStream, cache_bytes: usize) -> Result<Self, SealError> {
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
            whole_records: self.opened.stream.context.hashes_first(),
            parts: self
                .segments(range)
                .map(|index| self.part(index, range))
                .collect(),
        }
    }

    /// The contiguous range of the sealed stream that covers a range of the plaintext: from the preamble of the first record
    /// to the end of the last frame, or of its record if records are read as a whole. Empty for an empty range.
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
        let record = self.record(segment);
        let end = if self.opened.stream.context.hashes_first() {
            ByteRange::at(record.get(), geometry.record_size(plaintext_size)).end
        } else {
            frame_range(geometry, record, plaintext_size, frame).end
        };
        ByteRange { start, end }
    }

    /// Reads the bytes that `plan` needs from `source`, opens them, writes the plaintext to `out` and returns its size. After
    /// an error `out` may hold a part of the plaintext, all of it verified.
    ///
    /// # Errors
    /// `Segment` with segment, frame and byte offset; `Truncated` if the source became shorter; `Io`, `OutputTooSmall`, `Cancelled`.
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
            let opened = times.time(Stage::Crypto, || {
                self.open_batch(plan, &batch, buffers, &mut openers, out, cancel)
            });
            opened.map_err(|failure| self.explain(source, failure, cancel))?;
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
            Piece::Record { size, .. } => vec![0; size],
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
                Piece::Record { part, .. } => {
                    self.open_whole(plan, &plan.parts[part], &mut slot, out, cancel)?;
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

    /// Hashes and opens a whole record, and takes the frames that the plan needs.
    fn open_whole(
        &self,
        plan: &ReadPlan,
        part: &SegmentPart,
        record: &mut [u8],
        out: &mut [u8],
        cancel: &CancellationToken,
    ) -> Result<(), SealError> {
        let context = &self.opened.stream.context;
        let place = (part.segment, part.record, self.opened.named(part.segment));
        let runner = PortionRunner::serial(cancel);
        open_in_place(context, place, record, runner, &mut StageTimes::default())?;
        let slots = record.get(PREAMBLE_SIZE..).unwrap_or_default();
        let slots = slots.chunks(self.geometry().frame_slot_size());
        let frames = (part.first..).zip(&part.frames);
        for ((frame, cached), slot) in frames.zip(slots.skip(part.first as usize)) {
            if cached.is_some() {
                continue;
            }
            let content = self
                .geometry()
                .frame_content(part.plaintext_size, FrameIndex::new(frame));
            let slot = slot.get(..content as usize + FRAME_OVERHEAD).unwrap_or(slot);
            let frame_content = OpenFrame(slot.to_vec());
            plan.place(part, frame, frame_content.content(), out)?;
            self.cache.put_away(frame_content, Some((part.segment, frame)));
        }
        Ok(())
    }

    /// Frames are opened without hashing their record. Where one fails, the record's digest tells damage from tampering. If the
    /// source does not give the whole record, the failure stays.
    fn explain(&self, source: &dyn ReadAt, failure: SealError, cancel: &CancellationToken) -> SealError {
        let SealError::Segment { error } = &failure else {
            return failure;
        };
        if !may_be_damage(error) {
            return failure;
        }
        match self.check_digest(source, error.segment(), cancel) {
            Err(SealError::Segment { error }) => error.into(),
            _ => failure,
        }
    }

    /// Hashes the record of `segment` and compares its digest with the one at its end.
    ///
    /// # Errors
    /// `Segment` with `DigestMismatch`; `Truncated`, `Io`, `Cancelled`.
    pub fn check_digest(
        &self,
        source: &dyn ReadAt,
        segment: SegmentIndex,
        cancel: &CancellationToken,
    ) -> Result<(), SealError> {
        let place = self.opened.record(segment).sealed;
        let kind = self.geometry().digest();
        let content_end = place.end.saturating_sub(kind.size() as u64);
        let mut hasher = SegmentHasher::new(kind);
        let mut stored = Vec::new();
        let mut buffer = vec![0; place.size().min(PORTION as u64) as usize];
        let mut at = place.start;
        while at < place.end {
            cancel.check()?;
            let wanted = (place.end - at).min(buffer.len() as u64) as usize;
            let block = &mut buffer[..wanted];
            let read = source.read_at(at, &mut [IoSliceMut::new(block)]);
            if read.map_err(SealError::reading)? < wanted {
                return Err(SealError::truncated(segment, at));
            }
            let covered = content_end.saturating_sub(at).min(wanted as u64) as usize;
            hasher.update(&block[..covered]);
            stored.extend_from_slice(&block[covered..]);
            at += wanted as u64;
        }
        let (expected, actual) = (DigestValue::new(&stored), hasher.finish());
        if expected == actual {
            return Ok(());
        }
        Err(SegmentWorkerError::DigestMismatch {
            segment,
            offset: WireOffset::new(place.start),
            expected: format!("{expected:?}"),
            actual: format!("{actual:?}"),
        }
        .into())
    }

    /// The opener of the record with this preamble, which must be the sealing that the end names.
    fn opener(&self, part: &SegmentPart, preamble: &[u8]) -> Result<Arc<FrameOpener>, SealError> {
        let mut bytes = [0; PREAMBLE_SIZE];
        bytes.copy_from_slice(preamble);
        let context = &self.opened.stream.context;
        let named = self.opened.named(part.segment);
        let opener = FrameOpener::begin(context, part.segment, part.record, &bytes, named.as_ref())?;
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

/// Whether a wrong digest of the record would explain this failure of a part of it.
const fn may_be_damage(error: &SegmentWorkerError) -> bool {
    use SegmentReason as R;
    match error {
        SegmentWorkerError::FrameDecryptionFailed { .. } | SegmentWorkerError::FramingError { .. } => true,
        SegmentWorkerError::InvalidSegment { reason, .. } => {
            matches!(reason, R::FloeParameters | R::FloeHeaderTag | R::MessageTag)
        }
        _ => false,
    }
}

/// Unneeded bytes that are read rather than calling the system again: a page.
const NEAR: u64 = 4096;
/// A read of more than the cache's capacity divided by this is long.
const LONG_SHARE: u64 = 4;
