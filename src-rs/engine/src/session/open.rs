//! Opening.

use super::tally::{LostSegment, Tally};
use crate::crypto::Crc64;
use crate::error::SealError;
use crate::format::{
    END_RECORD_FIXED_SIZE, EndRecord, FOOTER_SIZE, Geometry, HEADER_FIXED_SIZE, SEGMENT_HEADER_SIZE,
    WireOffset, check_prefix, end_record_size,
};
use crate::operation::cancel::CancellationToken;
use crate::operation::options::DecryptOptions;
use crate::operation::report::{Report, Run};
use crate::stream_v2::core::trailer::ExpectedTrailer;
use crate::stream_v2::core::unlock::{UnlockedStream, read_header};
use crate::stream_v2::framing::PREFIX_SIZE;
use crate::stream_v2::pipeline::record_layout::{RecordCursor, RecordPlace};
use crate::stream_v2::pipeline::{PortionRunner, open_in_place};
use crate::stream_v2::segment_worker::PREAMBLE_SIZE;
use crate::telemetry::{SegmentDone, StageTimes};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// A sealed stream that is opened as its bytes come. Whoever holds it collects one part after the other (the header, each
/// record, the end), each of which says how long it is: [`header_size`](Self::header_size), [`part_size`](Self::part_size).
pub struct OpenSession {
    stream: UnlockedStream,
    started: Instant,
    tally: Mutex<Tally>,
}

/// An end that was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionEnd {
    stream_size: u64,
    header_copy_damaged: bool,
}

/// Where the plaintext stands in the memory of a record that was opened: in pieces of one size, but for the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pieces {
    /// Where the first one starts.
    pub start: usize,
    /// From the start of one to that of the next.
    pub stride: usize,
    /// Bytes of each.
    pub size: usize,
}

impl OpenSession {
    /// Bytes of the header that starts with these, as far as they tell: at least the ones that tell more. What is wrong
    /// with it is for [`new`](Self::new) to say.
    #[must_use]
    pub fn header_size(bytes: &[u8]) -> u64 {
        let known = check_prefix(bytes).map_or(0, u64::from);
        known.max(HEADER_FIXED_SIZE as u64)
    }

    /// Unlocks the stream with this header, or as much of it as came before its input ended.
    ///
    /// # Errors
    /// All that can be wrong with a header.
    pub fn new(header: &[u8], options: &DecryptOptions<'_>) -> Result<Self, SealError> {
        let started = Instant::now();
        let mut reader = header;
        Ok(Self {
            stream: UnlockedStream::unlock(read_header(&mut reader)?, options)?,
            started,
            tally: Mutex::default(),
        })
    }

    /// The stream's sizes.
    #[must_use]
    pub const fn geometry(&self) -> &Geometry {
        self.stream.context.geometry()
    }

    /// What finds this stream's records.
    #[must_use]
    pub fn cursor(&self) -> RecordCursor {
        let first = WireOffset::new(u64::from(self.stream.header.size()));
        RecordCursor::new(*self.geometry(), first, self.stream.header.core.plaintext_size)
    }

    /// Bytes of the part that starts with these at the cursor, as far as they tell: at least the ones that tell more. Of the
    /// end it is one byte more than there should be, by which a stream that goes on is known.
    ///
    /// # Errors
    /// `InvalidSegment`, where no record of this stream starts like this.
    pub fn part_size(&self, cursor: &RecordCursor, bytes: &[u8]) -> Result<u64, SealError> {
        let header_size = SEGMENT_HEADER_SIZE as u64;
        if !cursor.is_at_end() {
            return bytes
                .first_chunk()
                .map_or(Ok(header_size), |header| Ok(cursor.measure(header)?.wire.size()));
        }
        let Some(fixed) = bytes.first_chunk::<END_RECORD_FIXED_SIZE>() else {
            return Ok(END_RECORD_FIXED_SIZE as u64);
        };
        // What is no end record is looked at as if it were another segment.
        Ok(
            EndRecord::extensions_size(fixed).map_or(header_size, |extensions| {
                let record = end_record_size(cursor.index().get(), u64::from(extensions));
                record + self.stream.header.copy_size() + FOOTER_SIZE as u64 + 1
            }),
        )
    }

    /// Where the plaintext stands in the memory of every record that was opened.
    #[must_use]
    pub const fn pieces(&self) -> Pieces {
        let geometry = self.geometry();
        let start = PREAMBLE_SIZE + PREFIX_SIZE;
        if geometry.frame_size() < SMALLEST_PIECE {
            let size = geometry.segment_size() as usize;
            return Pieces {
                start,
                stride: size,
                size,
            };
        }
        Pieces {
            start,
            stride: geometry.frame_slot_size(),
            size: geometry.frame_size() as usize,
        }
    }

    /// Opens the record at the cursor, in place: its plaintext then stands where [`pieces`](Self::pieces) says. Records may
    /// be opened in any order and side by side.
    ///
    /// # Errors
    /// `Segment`, after which nothing of `record` may be shown to anybody; `Cancelled`.
    pub fn open(
        &self,
        cursor: &RecordCursor,
        record: &mut [u8],
        cancel: &CancellationToken,
    ) -> Result<SegmentDone, SealError> {
        let mut times = StageTimes::default();
        let context = &self.stream.context;
        let place = (cursor.index(), cursor.offset());
        let summary = open_in_place(context, place, record, PortionRunner::serial(cancel), &mut times)?;
        self.gather(record, summary.plaintext_size as usize);
        let output_size = u64::from(summary.plaintext_size);
        self.tally().add(summary, output_size, times);
        Ok(summary.done(times))
    }

    /// Says that what stood at a place came to nothing, and that `zeros` or nothing come out instead; the place may be all
    /// that is missing at the stream's end. `is_final` if what follows is the end.
    pub fn lose(&self, place: &RecordPlace, is_final: bool, zeros: bool) {
        let plaintext_size = place.plaintext.size();
        let segments = self.geometry().segment_count(plaintext_size);
        let output = if zeros {
            (Crc64::of_zeros(plaintext_size), plaintext_size)
        } else {
            (0, 0)
        };
        let lost = LostSegment {
            segments,
            plaintext_size,
            is_final,
            output,
        };
        self.tally().add_lost(place.index, lost);
    }

    /// Says what a stream that ends with these bytes behind the cursor is worth, when all records before are opened.
    ///
    /// # Errors
    /// `Truncated`, `EndDamaged`, `EndTampered`, `TrailingData`, `InvalidSegment`.
    pub fn verify_end(&self, cursor: &RecordCursor, bytes: &[u8]) -> Result<SessionEnd, SealError> {
        let tally = self.tally();
        let verified_bytes = tally.totals.plaintext_size;
        if !cursor.is_at_end() {
            return Err(cursor.truncated(bytes.len() as u64).after(verified_bytes));
        }
        tally.check_complete()?;
        let expectation = ExpectedTrailer {
            header: &self.stream.header,
            end_key: Some(&self.stream.end_key),
            offset: cursor.offset(),
            segments: tally.totals.segments,
            plaintext_total: tally.plaintext_size,
            entries: Some(&tally.entries),
            verified_bytes,
        };
        let mut reader = bytes;
        let end = expectation.verify(&mut reader)?;
        Ok(SessionEnd {
            stream_size: end.stream_size,
            header_copy_damaged: end.header_copy_damaged,
        })
    }

    /// What the session did on `threads` threads, when it came to its `end`; without one that was sound, `cursor` is where it
    /// came to.
    #[must_use]
    pub fn report(&self, end: Option<SessionEnd>, cursor: &RecordCursor, threads: usize) -> Report {
        let tally = self.tally();
        let run = Run {
            totals: tally.totals,
            times: tally.times,
            stream_size: end.map_or(cursor.offset().get(), |end| end.stream_size),
        };
        drop(tally);
        let report = run.report(self.stream.header.core.stream_id, threads, self.started.elapsed());
        self.stream
            .opened(report, end.is_some_and(|end| end.header_copy_damaged))
    }

    /// Moves small frames' contents together: so many pieces would cost more than the copy.
    fn gather(&self, record: &mut [u8], plaintext_size: usize) {
        let geometry = self.geometry();
        if geometry.frame_size() >= SMALLEST_PIECE {
            return;
        }
        let (size, stride) = (geometry.frame_size() as usize, geometry.frame_slot_size());
        let start = self.pieces().start;
        for frame in 1..plaintext_size.div_ceil(size) {
            let from = start + frame * stride;
            let count = size.min(plaintext_size - frame * size);
            record.copy_within(from..from + count, start + frame * size);
        }
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        // Nothing panics while it holds the lock.
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Frames from here on are pieces of their own.
const SMALLEST_PIECE: u32 = 32 * 1024;
