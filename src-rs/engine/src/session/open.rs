//! Opens a stream whose bytes arrive in order.

use super::lock;
use crate::error::SealError;
use crate::format::{
    END_RECORD_FIXED_SIZE, EndRecord, FOOTER_SIZE, Geometry, HEADER_FIXED_SIZE, SEGMENT_HEADER_SIZE,
    SegmentIndex, WireOffset, check_prefix, end_record_size,
};
use crate::operation::cancel::CancellationToken;
use crate::operation::damage::{Damage, DamageDecision, DamageLog, Step};
use crate::operation::options::{DecryptOptions, check_output_size, invalid};
use crate::operation::report::Report;
use crate::stream_v2::core::locate::read_header;
use crate::stream_v2::core::seekable::SeekableStream;
use crate::stream_v2::core::tally::{StreamEnd, Tally};
use crate::stream_v2::core::unlock::UnlockedStream;
use crate::stream_v2::framing::PREFIX_SIZE;
use crate::stream_v2::io::ReadAt;
use crate::stream_v2::pipeline::record_layout::{RecordCursor, RecordPlace};
use crate::stream_v2::pipeline::{PortionRunner, open_in_place};
use crate::stream_v2::segment_worker::PREAMBLE_SIZE;
use crate::telemetry::{SegmentDone, StageTimes};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Instant;

/// A sealed stream that is opened as its bytes arrive. The caller collects one part after the other: the header, each
/// record, the end. [`header_size`](Self::header_size) and [`part_size`](Self::part_size) tell how long a part is.
pub struct OpenSession {
    stream: UnlockedStream,
    max_output_size: u64,
    start: Instant,
    state: Mutex<State>,
}

struct State {
    tally: Tally,
    /// Failures that await a decision, by segment.
    undecided: BTreeMap<u64, (RecordPlace, SealError)>,
    log: DamageLog,
}

/// Where the plaintext of an opened record is in its memory: slots of one size at equal distances. The last is shorter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlaintextSlots {
    /// Where the first slot starts.
    pub start: usize,
    /// Bytes from the start of a slot to the start of the next.
    pub stride: usize,
    /// Plaintext bytes in a slot.
    pub size: usize,
}

impl OpenSession {
    /// Bytes of the header that starts with these bytes. While they are too few to tell, the number of bytes that tell.
    /// Does not check the header; [`new`](Self::new) does.
    #[must_use]
    pub fn header_size(bytes: &[u8]) -> u64 {
        let known = check_prefix(bytes).map_or(0, u64::from);
        known.max(HEADER_FIXED_SIZE as u64)
    }

    /// Unlocks the stream with this header. If the input ended early, pass what arrived: the error then tells what is wrong.
    ///
    /// # Errors
    /// Every failure of a header.
    pub fn new(
        header: &[u8],
        options: &DecryptOptions<'_>,
        cancel: &CancellationToken,
    ) -> Result<Self, SealError> {
        let start = Instant::now();
        let mut reader = header;
        let stream = UnlockedStream::unlock(read_header(&mut reader)?, options, cancel)?;
        Ok(Self::over(stream, options, start))
    }

    /// Unlocks the stream in `source`, whose bytes behind the [`header`](Self::size_of_header) then arrive in order. A copy of the
    /// header replaces one that is damaged or older.
    ///
    /// The end is verified first, so that a stream that was cut fails before its first segment. Not so if `accepts_damage`: the
    /// caller then decides about it when it is reached.
    ///
    /// # Errors
    /// Every failure of a header, and of reading it; without `accepts_damage` those of an end.
    pub fn of_source(
        source: &dyn ReadAt,
        options: &DecryptOptions<'_>,
        accepts_damage: bool,
        cancel: &CancellationToken,
    ) -> Result<Self, SealError> {
        let start = Instant::now();
        let opened = SeekableStream::open(source, options, cancel)?;
        match opened.end_failure() {
            Some(failure) if !accepts_damage => Err(failure.clone()),
            _ => Ok(Self::over(opened.stream, options, start)),
        }
    }

    fn over(stream: UnlockedStream, options: &DecryptOptions<'_>, start: Instant) -> Self {
        let digest = stream.context.geometry().digest();
        Self {
            stream,
            max_output_size: options.max_output_size,
            start,
            state: Mutex::new(State {
                tally: Tally::opening(digest),
                undecided: BTreeMap::new(),
                log: DamageLog::default(),
            }),
        }
    }

    /// Bytes of the header.
    #[must_use]
    pub fn size_of_header(&self) -> u32 {
        self.stream.header.size()
    }

    /// The stream's sizes.
    #[must_use]
    pub const fn geometry(&self) -> &Geometry {
        self.stream.context.geometry()
    }

    /// A cursor at the first record.
    #[must_use]
    pub fn cursor(&self) -> RecordCursor {
        self.stream.cursor(self.stream.header.core.plaintext_size)
    }

    /// Bytes of the part that starts with these bytes at the cursor. While they are too few to tell, the number of bytes
    /// that tell. For the end this is one byte more than its size, which detects trailing data.
    ///
    /// # Errors
    /// `InvalidSegment` if no record of this stream starts with these bytes.
    pub fn part_size(&self, cursor: &RecordCursor, bytes: &[u8]) -> Result<u64, SealError> {
        let header_size = SEGMENT_HEADER_SIZE as u64;
        if !cursor.is_at_end() {
            return bytes.first_chunk().map_or(Ok(header_size), |header| {
                Ok(cursor.measure(header)?.sealed.size())
            });
        }
        let Some(fixed) = bytes.first_chunk::<END_RECORD_FIXED_SIZE>() else {
            return Ok(END_RECORD_FIXED_SIZE as u64);
        };
        let digest = self.geometry().digest();
        // Bytes that are no end record are examined as another segment.
        Ok(
            EndRecord::extensions_size(fixed).map_or(header_size, |extensions| {
                let record = end_record_size(digest, cursor.index().get(), u64::from(extensions));
                record + self.stream.header.copy_size() + FOOTER_SIZE as u64 + 1
            }),
        )
    }

    /// Where the plaintext of every opened record is in its memory.
    #[must_use]
    pub const fn plaintext_slots(&self) -> PlaintextSlots {
        let geometry = self.geometry();
        let start = PREAMBLE_SIZE + PREFIX_SIZE;
        if geometry.frame_size() < MIN_SLOT_SIZE {
            let size = geometry.segment_size() as usize;
            return PlaintextSlots {
                start,
                stride: size,
                size,
            };
        }
        PlaintextSlots {
            start,
            stride: geometry.frame_slot_size(),
            size: geometry.frame_size() as usize,
        }
    }

    /// Opens the record at `place` in its memory: its plaintext then is where [`plaintext_slots`](Self::plaintext_slots)
    /// tells. Records may be opened in any order and side by side.
    ///
    /// # Errors
    /// `Segment`: the caller must not reveal the contents of `record`, and may ask for the [`damage`](Self::damage);
    /// `Cancelled`.
    pub fn open(
        &self,
        place: &RecordPlace,
        record: &mut [u8],
        cancel: &CancellationToken,
    ) -> Result<SegmentDone, SealError> {
        let mut times = StageTimes::default();
        let context = &self.stream.context;
        let at = (place.segment, WireOffset::new(place.sealed.start), None);
        let opened = open_in_place(context, at, record, PortionRunner::serial(cancel), &mut times);
        match opened.map_err(SealError::from) {
            Ok(summary) => {
                self.gather(record, summary.plaintext_size as usize);
                let tally = &mut lock(&self.state).tally;
                tally.add(&summary);
                tally.times += times;
                Ok(summary.done(times))
            }
            Err(failure) => Err(self.keep(place, failure)),
        }
    }

    /// The failure of segment `index`, or of the end, if it is damage that awaits a decision.
    #[must_use]
    pub fn damage(&self, index: SegmentIndex) -> Option<Damage> {
        let state = lock(&self.state);
        let (place, failure) = state.undecided.get(&index.get())?;
        Some(place.damage(failure.clone()))
    }

    /// Applies the decision about a damaged part (see [`damage`](Self::damage)), and returns whether zeros are to be written in its place.
    ///
    /// # Errors
    /// `LimitExceeded` if zeros would make the output larger than the limit. The part's own error if the decision is `Abort`; `InvalidOption` if it is `Retry`, as a stream can't be read again, or
    /// if no failure of this part awaits a decision.
    pub fn decide(&self, index: SegmentIndex, decision: DamageDecision) -> Result<bool, SealError> {
        let mut state = lock(&self.state);
        let unusable = |problem| invalid("onDamage", problem);
        let undecided = state.undecided.remove(&index.get());
        let (place, failure) = undecided.ok_or_else(|| unusable("is about a segment that has no damage"))?;
        let Step::GiveUp { zeros } = state.log.apply(place.damage(failure), decision)? else {
            return Err(unusable(
                "can't be 'retry' for a stream, which can't be read again",
            ));
        };
        if zeros {
            check_output_size(place.plaintext.end, self.max_output_size)?;
        }
        state.tally.add_lost(place, zeros);
        Ok(zeros)
    }

    /// Verifies `bytes`, with which the input ended, as the end of the stream behind the cursor. All records before must have
    /// been opened.
    ///
    /// # Errors
    /// `Truncated`, `EndDamaged`, `EndTampered`, `TrailingData`, `InvalidSegment`. The caller may ask for the
    /// [`damage`](Self::damage).
    pub fn verify_end(&self, cursor: &RecordCursor, bytes: &[u8]) -> Result<StreamEnd, SealError> {
        let verified = self.verify_trailer(cursor, bytes);
        // Only a verified end proves who signed the stream, so no decision accepts a damaged one.
        let needs_sender = self.stream.needs_sender();
        verified.map_err(|failure| match needs_sender {
            true => failure,
            false => self.keep(&cursor.missing(), failure),
        })
    }

    fn verify_trailer(&self, cursor: &RecordCursor, mut bytes: &[u8]) -> Result<StreamEnd, SealError> {
        let tally = &lock(&self.state).tally;
        if !cursor.is_at_end() {
            let truncated = cursor.truncated(bytes.len() as u64);
            return Err(truncated.after(tally.verified_bytes()));
        }
        tally.check_complete()?;
        let trailer = self
            .stream
            .expected_trailer(tally, cursor.offset())
            .verify(&mut bytes)?;
        Ok(trailer.1)
    }

    /// Report of the session, which ran on `threads` threads. Without a verified `end` the stream's size is where `cursor`
    /// is.
    #[must_use]
    pub fn report(&self, end: Option<StreamEnd>, cursor: &RecordCursor, threads: usize) -> Report {
        let state = lock(&self.state);
        let end = end.unwrap_or(StreamEnd::unverified(cursor.offset().get()));
        Report {
            damage: state.log.clone(),
            ..self.stream.report(&state.tally, end, threads, self.start)
        }
    }

    /// Keeps a failure of one part until the caller decides about it, and returns it.
    fn keep(&self, place: &RecordPlace, failure: SealError) -> SealError {
        if failure.is_damage() {
            let undecided = &mut lock(&self.state).undecided;
            undecided.insert(place.segment.get(), (*place, failure.clone()));
        }
        failure
    }

    /// Moves the contents of small frames together: handling so many slots would cost more than the copy.
    fn gather(&self, record: &mut [u8], plaintext_size: usize) {
        let geometry = self.geometry();
        if geometry.frame_size() >= MIN_SLOT_SIZE {
            return;
        }
        let (size, stride) = (geometry.frame_size() as usize, geometry.frame_slot_size());
        let start = self.plaintext_slots().start;
        for frame in 1..plaintext_size.div_ceil(size) {
            let from = start + frame * stride;
            let count = size.min(plaintext_size - frame * size);
            record.copy_within(from..from + count, start + frame * size);
        }
    }
}

/// The smallest frames whose contents stay where they are.
const MIN_SLOT_SIZE: u32 = 32 * 1024;
