//! Sealing.

use super::tally::Tally;
use crate::crypto::{Crc64, Random};
use crate::error::SealError;
use crate::format::{Geometry, SegmentHeader};
use crate::operation::cancel::CancellationToken;
use crate::operation::options::EncryptOptions;
use crate::operation::report::{Report, Run};
use crate::stream_v2::core::create::NewStream;
use crate::stream_v2::pipeline::record_layout::SegmentCutter;
use crate::stream_v2::pipeline::{PortionRunner, seal_in_place};
use crate::telemetry::{SegmentDone, StageTimes};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// A stream that is sealed as its plaintext comes; how much will come is not known.
pub struct SealSession {
    stream: NewStream,
    started: Instant,
    tally: Mutex<Tally>,
}

impl SealSession {
    /// Draws the stream's keys. Its header comes out first: [`header`](Self::header).
    ///
    /// # Errors
    /// `InvalidOption`; `Crypto` where the system gives no random bytes.
    pub fn new(options: &EncryptOptions<'_>) -> Result<Self, SealError> {
        Self::with_random(options, &Random::system())
    }

    /// As [`new`](Self::new), with random bytes from elsewhere: only tests can make such a source.
    pub(crate) fn with_random(options: &EncryptOptions<'_>, random: &Random) -> Result<Self, SealError> {
        let started = Instant::now();
        let stream = NewStream::new(options, None, random)?;
        let mut tally = Tally::default();
        let header_size = u64::from(stream.header_size());
        tally
            .totals
            .output_crc
            .append(Crc64::of(&stream.header), header_size);
        Ok(Self {
            stream,
            started,
            tally: Mutex::new(tally),
        })
    }

    /// What stands in front of the first record.
    #[must_use]
    pub fn header(&self) -> &[u8] {
        &self.stream.header
    }

    /// The stream's sizes.
    #[must_use]
    pub const fn geometry(&self) -> &Geometry {
        self.stream.context.geometry()
    }

    /// What cuts this stream's plaintext.
    #[must_use]
    pub const fn cutter(&self) -> SegmentCutter {
        SegmentCutter::new(*self.geometry())
    }

    /// Seals a segment in place: `record` has the size of its record, and its plaintext stands where the cutter puts it.
    /// Segments may be sealed in any order and side by side; every one that was cut must be.
    ///
    /// # Errors
    /// `Cancelled`; `Segment` where the system gives no random bytes. The stream can't be completed then.
    pub fn seal(
        &self,
        plan: SegmentHeader,
        record: &mut [u8],
        cancel: &CancellationToken,
    ) -> Result<SegmentDone, SealError> {
        let mut times = StageTimes::default();
        let context = &self.stream.context;
        let summary = seal_in_place(context, plan, record, PortionRunner::serial(cancel), &mut times)?;
        self.tally()
            .add(summary, u64::from(summary.entry.wire_size), times);
        Ok(summary.done(times))
    }

    /// Bytes of the end of a stream with this many segments.
    #[must_use]
    pub fn end_size(&self, segments: u64) -> u64 {
        self.stream.end_size(segments)
    }

    /// What stands behind the last record, and what the session did on `threads` threads, when all segments are sealed.
    ///
    /// # Errors
    /// `Segment` if one of them is not.
    pub fn finish(&self, threads: usize) -> Result<(Vec<u8>, Report), SealError> {
        let mut tally = self.tally();
        tally.check_complete()?;
        let Tally {
            mut totals,
            entries,
            times,
            ..
        } = std::mem::take(&mut *tally);
        drop(tally);
        let entries = entries.into_iter().flatten().collect();
        let records = self.geometry().records_size(totals.plaintext_size);
        let end = self.stream.end(totals.plaintext_size, entries);
        totals.output_crc.append(Crc64::of(&end), end.len() as u64);
        let run = Run {
            totals,
            times,
            stream_size: self.header().len() as u64 + records + end.len() as u64,
        };
        let report = run.report(self.stream.stream_id, threads, self.started.elapsed());
        Ok((end, report))
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        // Nothing panics while it holds the lock.
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
