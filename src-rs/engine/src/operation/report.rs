//! What an operation did.

use super::damage::DamageLog;
use crate::error::StartedOver;
use crate::format::SlotType;
use crate::stream_v2::segment_worker::{RecordSummary, SegmentWorkerError};
use crate::telemetry::{SegmentDone, StageTimes};
use std::time::Duration;

/// An operation that succeeded.
#[derive(Clone, Debug)]
pub struct Report {
    /// Bytes of the sealed stream.
    pub stream_size: u64,
    /// Bytes of the plaintext; of what came out, where something was lost.
    pub plaintext_size: u64,
    /// Segments.
    pub segments: u64,
    /// Frames of all segments.
    pub frames: u64,
    /// The stream's id.
    pub stream_id: [u8; 32],
    /// CRC-64/NVME of all that was written: the sealed stream, or the plaintext.
    pub output_crc64: u64,
    /// Threads that worked on segments.
    pub threads: usize,
    /// Time in each stage, summed over the threads.
    pub times: StageTimes,
    /// Time from start to end.
    pub elapsed: Duration,
    /// The slot that opened the stream; when sealing, none.
    pub opened_by: Option<OpenedBy>,
    /// The header's copy served: the header is damaged, or older than its copy.
    pub header_from_copy: bool,
    /// The header's copy is damaged; the header itself is sound.
    pub header_copy_damaged: bool,
    /// What could not be opened, where the caller decided to go on all the same.
    pub damage: DamageLog,
    /// The header, where it was kept apart from the stream. `stream_size` counts it, `output_crc64` does not.
    pub header: Option<Vec<u8>>,
    /// What was there of an earlier attempt, where the operation was one that can be resumed.
    pub resume: Option<ResumeReport>,
}

/// The key slot that opened a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedBy {
    /// Its position in the header, from 0.
    pub slot: u32,
    /// Its type.
    pub slot_type: SlotType,
    /// The key's name, where the slot has one; a key service's id of its key.
    pub key_id: Option<String>,
}

/// What an operation that can be resumed made of an earlier attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResumeReport {
    /// Segments that were finished and sound, and were not done again.
    pub segments_resumed: u64,
    /// Plaintext bytes of those.
    pub bytes_resumed: u64,
    /// There was an earlier attempt, and nothing of it was of use.
    pub started_over: Option<StartedOver>,
    /// The journal could not be written from some segment on, so an interruption would have cost more.
    pub checkpoint_errors: Vec<SegmentWorkerError>,
}

impl RecordSummary {
    /// The segment as listeners are told of it.
    pub(crate) fn done(&self, times: StageTimes) -> SegmentDone {
        SegmentDone {
            index: self.index.get(),
            plaintext_size: self.plaintext_size,
            wire_size: self.entry.wire_size,
            frames: self.frames,
            times,
        }
    }
}
