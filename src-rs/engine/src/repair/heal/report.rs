//! What healing did.

use super::manifest::EndState;
use crate::format::SegmentIndex;
use crate::telemetry::StageTimes;
use std::time::Duration;

/// A stream that was made whole.
#[derive(Clone, Debug)]
pub struct HealReport {
    /// Bytes of the sealed stream that was written.
    pub stream_size: u64,
    /// Bytes of its plaintext.
    pub plaintext_size: u64,
    /// Segments of the stream, all of which were checked.
    pub segments: u64,
    /// The stream's id.
    pub stream_id: [u8; 32],
    /// The copy whose header was taken; 0 is the damaged one.
    pub header_from: usize,
    /// The copy whose end record was taken; 0 is the damaged one.
    pub end_from: usize,
    /// Every copy, the damaged one first, then the replicas as they were given.
    pub copies: Vec<CopyReport>,
    /// Segments that the damaged copy had not, in order, those side by side and of one origin as one.
    pub healed: Vec<HealedRun>,
    /// Bytes behind the end of the damaged copy's stream, which were left out.
    pub trailing_bytes: u64,
    /// CRC-64/NVME of all that was written.
    pub output_crc64: u64,
    /// Threads that worked on segments.
    pub threads: usize,
    /// Time in each stage, summed over the threads.
    pub times: StageTimes,
    /// Time from start to end.
    pub elapsed: Duration,
}

/// What a copy gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyReport {
    /// Whole segments that were taken from it.
    pub segments: u64,
    /// Bytes that were read of it.
    pub bytes_read: u64,
    /// Its header.
    pub header: HeaderState,
    /// Its end record.
    pub end: EndState,
}

/// What is left of a copy's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderState {
    /// It is sound.
    Sound,
    /// It is damaged, and the copy of it is sound.
    FromCopy,
    /// Neither is sound, or what is there says something else than the other copies.
    Lost,
}

/// Segments side by side that came from one origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HealedRun {
    /// The first of them.
    pub first: SegmentIndex,
    /// How many.
    pub count: u64,
    /// The replica that had them, counted from 0; none where they were combined from several copies.
    pub replica: Option<usize>,
}
