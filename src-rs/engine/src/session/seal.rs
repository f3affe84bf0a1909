//! Seals a stream whose plaintext arrives in order.

use super::lock;
use crate::crypto::Random;
use crate::error::SealError;
use crate::format::{Geometry, SegmentHeader};
use crate::operation::cancel::CancellationToken;
use crate::operation::options::EncryptOptions;
use crate::operation::report::Report;
use crate::stream_v2::core::create::NewStream;
use crate::stream_v2::core::tally::Tally;
use crate::stream_v2::pipeline::record_layout::SegmentCutter;
use crate::stream_v2::pipeline::{PortionRunner, seal_in_place};
use crate::telemetry::{SegmentDone, StageTimes};
use std::sync::Mutex;
use std::time::Instant;

/// A stream that is sealed as its plaintext arrives. Its length is not known in advance.
pub struct SealSession {
    stream: NewStream,
    start: Instant,
    tally: Mutex<Tally>,
}

impl SealSession {
    /// Draws the stream's keys. The stream starts with the [`header`](Self::header).
    ///
    /// # Errors
    /// `InvalidOption`; `Crypto` if the system's random generator fails.
    pub fn new(options: &EncryptOptions<'_>) -> Result<Self, SealError> {
        Self::with_random(options, &Random::system())
    }

    /// As [`new`](Self::new), with a given source of random bytes. Only tests can make one that is not the system's.
    pub(crate) fn with_random(options: &EncryptOptions<'_>, random: &Random) -> Result<Self, SealError> {
        let start = Instant::now();
        let stream = NewStream::new(options, None, random)?;
        let tally = Mutex::new(stream.tally());
        Ok(Self { stream, start, tally })
    }

    /// The bytes in front of the first record.
    #[must_use]
    pub fn header(&self) -> &[u8] {
        &self.stream.header
    }

    /// The stream's sizes.
    #[must_use]
    pub const fn geometry(&self) -> &Geometry {
        self.stream.context.geometry()
    }

    /// Cuts this stream's plaintext into segments.
    #[must_use]
    pub const fn cutter(&self) -> SegmentCutter {
        SegmentCutter::new(*self.geometry())
    }

    /// Seals a segment in place. `record` has exactly the size of its record, with the plaintext where the cutter puts it.
    /// Segments may be sealed in any order and side by side. Every segment that was cut must be sealed.
    ///
    /// # Errors
    /// `Cancelled`; `Segment` if the system's random generator fails. The stream can't be completed then.
    pub fn seal(
        &self,
        header: SegmentHeader,
        record: &mut [u8],
        cancel: &CancellationToken,
    ) -> Result<SegmentDone, SealError> {
        let mut times = StageTimes::default();
        let context = &self.stream.context;
        let summary = seal_in_place(context, header, record, PortionRunner::serial(cancel), &mut times)?;
        let mut tally = lock(&self.tally);
        tally.add(&summary);
        tally.times += times;
        Ok(summary.done(times))
    }

    /// Bytes of the end of a stream with this many segments.
    #[must_use]
    pub fn end_size(&self, segments: u64) -> u64 {
        self.stream.end_size(segments)
    }

    /// The bytes behind the last record, and the report of the session, which ran on `threads` threads. All segments must
    /// have been sealed.
    ///
    /// # Errors
    /// `Segment` if one was not; `SigningFailed`, and `Cancelled` while a signer is asked.
    pub fn finish(&self, threads: usize, cancel: &CancellationToken) -> Result<(Vec<u8>, Report), SealError> {
        let mut tally = lock(&self.tally);
        let end = self.stream.end(&mut tally, cancel)?;
        Ok((end, self.stream.report(&tally, threads, self.start)))
    }
}
