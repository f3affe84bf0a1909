//! The result of healing.

use super::end_record::EndRecordState;
use crate::format::SegmentIndex;
use crate::keys::SenderStatus;
use crate::telemetry::StageTimes;
use std::time::Duration;

/// The result of healing.
#[derive(Clone, Debug)]
pub struct HealReport {
    /// Bytes of the sealed stream that was written.
    pub sealed_size: u64,
    /// Bytes of its plaintext.
    pub plaintext_size: u64,
    /// Segments of the stream. All were checked.
    pub segments: u64,
    /// The stream's id.
    pub stream_id: [u8; 32],
    /// Who signed the stream, and whether that is verified.
    pub sender: Option<SenderStatus>,
    /// The copy whose header was taken, from 0 for the damaged one.
    pub header_from: usize,
    /// The copy whose end record was taken, from 0 for the damaged one.
    pub end_from: usize,
    /// All copies: first the damaged one, then the replicas in the given order.
    pub copies: Vec<CopyReport>,
    /// Segments that were not taken from the damaged copy, in order. Adjacent ones with the same origin are one run.
    pub healed: Vec<HealedRun>,
    /// Bytes after the end of the damaged copy's stream. They were omitted.
    pub trailing_bytes: u64,
    /// CRC-64/NVME of the whole output.
    pub output_crc64: u64,
    /// Threads that worked on segments.
    pub threads: usize,
    /// Time in each stage, summed over the threads.
    pub times: StageTimes,
    /// Time from start to end.
    pub elapsed: Duration,
}

/// What was taken from a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyReport {
    /// Whole segments that were taken from it.
    pub segments: u64,
    /// Bytes that were read of it.
    pub bytes_read: u64,
    /// Its header.
    pub header: HeaderState,
    /// Its end record.
    pub end: EndRecordState,
}

/// The state of a copy's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderState {
    /// It is sound.
    Sound,
    /// It is damaged, but its copy is sound.
    FromCopy,
    /// Neither is sound, or it contradicts the other copies' headers.
    Lost,
}

/// Adjacent segments with the same origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HealedRun {
    /// The first segment.
    pub segment: SegmentIndex,
    /// The number of segments.
    pub segment_count: u64,
    /// The replica that they were taken from, from 0. `None` if they were combined from several copies.
    pub replica: Option<usize>,
}
