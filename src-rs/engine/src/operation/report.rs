//! What an operation did.

use super::damage::DamageLog;
use crate::crypto::Crc64Joiner;
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

/// Sums of an operation, by whichever path it went.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) totals: Totals,
    pub(crate) times: StageTimes,
    /// Bytes of the sealed stream so far.
    pub(crate) stream_size: u64,
}

impl Run {
    /// What every operation reports, with nothing of what only some have.
    pub(crate) fn report(&self, stream_id: [u8; 32], threads: usize, elapsed: Duration) -> Report {
        let Self {
            totals,
            times,
            stream_size,
        } = *self;
        Report {
            stream_size,
            plaintext_size: totals.plaintext_size,
            segments: totals.segments,
            frames: totals.frames,
            stream_id,
            output_crc64: totals.output_crc.value(),
            threads,
            times,
            elapsed,
            opened_by: None,
            header_from_copy: false,
            header_copy_damaged: false,
            damage: DamageLog::default(),
            header: None,
            resume: None,
        }
    }
}

/// Sums over segments, in order.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) segments: u64,
    pub(crate) frames: u64,
    pub(crate) plaintext_size: u64,
    pub(crate) output_crc: Crc64Joiner,
}

impl Totals {
    /// Adds the next segment, of which `output_size` bytes came out.
    pub(crate) fn add(&mut self, summary: &RecordSummary, output_size: u64) {
        self.segments += 1;
        self.frames += u64::from(summary.frames);
        self.plaintext_size += u64::from(summary.plaintext_size);
        self.output_crc.append(summary.output_crc64, output_size);
    }

    /// Adds segments that were lost, in whose place this much came out.
    pub(crate) fn add_lost(&mut self, segments: u64, output_crc64: u64, output_size: u64) {
        self.segments += segments;
        self.plaintext_size += output_size;
        self.output_crc.append(output_crc64, output_size);
    }
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
