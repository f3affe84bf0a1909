//! Report of an operation.

use super::damage::DamageLog;
use crate::error::StartedOver;
use crate::format::{Metadata, SlotType};
use crate::keys::SenderStatus;
use crate::stream_v2::segment_worker::{RecordSummary, SegmentWorkerError};
use crate::telemetry::{SegmentDone, StageTimes};
use std::time::Duration;

/// Report of an operation that succeeded.
#[derive(Clone, Debug)]
pub struct Report {
    /// Bytes of the sealed stream.
    pub sealed_size: u64,
    /// Bytes of the plaintext; if segments were lost, bytes of the output.
    pub plaintext_size: u64,
    /// Number of segments.
    pub segments: u64,
    /// Number of frames in all segments.
    pub frames: u64,
    /// The stream's id.
    pub stream_id: [u8; 32],
    /// CRC-64/NVME of the output: the sealed stream, or the plaintext.
    pub output_crc64: u64,
    /// Number of threads that processed segments.
    pub threads: usize,
    /// Time in each stage, summed over the threads.
    pub times: StageTimes,
    /// Time from start to end.
    pub elapsed: Duration,
    /// The key slot that opened the stream; `None` when sealing.
    pub opened_by: Option<OpenedBy>,
    /// Who signed the stream, and whether that is verified; `None` for a stream without a signature and when its end could not be
    /// verified. When sealing, the sender that signed it.
    pub sender: Option<SenderStatus>,
    /// The header's copy was used: the header is damaged, or older than its copy.
    pub header_from_copy: bool,
    /// The header's copy is newer, but did not open or is not authentic, so the older header was used.
    pub newer_copy_unused: bool,
    /// The header's copy is damaged; the header itself is intact.
    pub header_copy_damaged: bool,
    /// Facts of the file that was sealed, if the stream has them; `None` when sealing.
    pub metadata: Option<Metadata>,
    /// Damage after which the operation went on.
    pub damage: DamageLog,
    /// The header, if it is detached from the stream. `sealed_size` includes it, `output_crc64` does not.
    pub header: Option<Vec<u8>>,
    /// What was used of an earlier attempt, if the operation can be resumed.
    pub resume: Option<ResumeReport>,
}

/// The key slot that opened a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedBy {
    /// Its index in the header, from 0.
    pub slot_index: u32,
    /// Its type.
    pub slot_type: SlotType,
    /// The key's name, if the slot has one; for a provider, the provider's id of the key.
    pub key_id: Option<String>,
}

/// What a resumable operation used of an earlier attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResumeReport {
    /// Segments that were finished and intact, and were not processed again.
    pub segments_resumed: u64,
    /// Plaintext bytes of these segments.
    pub bytes_resumed: u64,
    /// Why nothing of an earlier attempt could be used.
    pub started_over: Option<StartedOver>,
    /// Segments that the journal could not record; an interruption would have repeated them.
    pub checkpoint_errors: Vec<SegmentWorkerError>,
}

impl RecordSummary {
    /// The segment as progress listeners receive it.
    pub(crate) fn done(&self, times: StageTimes) -> SegmentDone {
        SegmentDone {
            segment: self.index.get(),
            plaintext_size: self.plaintext_size,
            sealed_size: self.entry.wire_size,
            frames: self.frames,
            times,
        }
    }
}
