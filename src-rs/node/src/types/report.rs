//! What an operation did, as JavaScript sees it.

use crate::memory::CopiedBytes;
use crate::types::damage::SettledDamage;
use crate::types::failure::{SegmentWorkerError, StartedOver};
use napi_derive::napi;
use sealstream::operation::{damage, report};
use sealstream::telemetry;
use sealstream::telemetry::{Stage, StageTimes};
use std::fmt::Write;
use std::time::Duration;

/// What an operation did.
#[napi(object, object_from_js = false)]
pub struct Report {
    /// Bytes of the plaintext.
    pub plaintext_size: f64,
    /// Bytes of the sealed stream.
    pub stream_size: f64,
    /// Segments of the stream.
    pub segments: f64,
    /// Frames of all segments.
    pub frames: f64,
    /// Threads that worked on segments.
    pub threads: u32,
    /// CRC-64/NVME of all that was written, 16 hexadecimal digits: of the sealed stream, or of the plaintext.
    pub crc64_nvme: String,
    /// The stream's id, 64 hexadecimal digits.
    pub stream_id: String,
    /// Milliseconds from start to end.
    pub elapsed_ms: f64,
    /// Where the time went.
    pub stages: Stages,
    /// The stream's header, where it was to be kept apart: without it nobody can open the stream. `streamSize` counts it,
    /// `crc64Nvme` does not.
    #[napi(ts_type = "Buffer")]
    pub header: Option<CopiedBytes>,
    /// What was there of an earlier attempt, where `resume` was asked for.
    pub resume: Option<ResumeReport>,
    /// What only opening tells.
    pub opened: Option<Opened>,
}

/// What an operation that can be resumed made of an earlier attempt.
#[napi(object, object_from_js = false)]
pub struct ResumeReport {
    /// Segments that were finished and sound, and were not done again.
    pub segments_resumed: f64,
    /// Plaintext bytes of those.
    pub bytes_resumed: f64,
    /// There was an earlier attempt and nothing of it was of use: why.
    pub started_over: Option<StartedOver>,
    /// Empty, unless the journal could not be written from some segment on: an interruption would then have cost more.
    pub checkpoint_errors: Vec<SegmentWorkerError>,
}

/// Milliseconds in each stage, summed over all threads.
#[napi(object, object_from_js = false)]
pub struct Stages {
    /// Reading from the source.
    pub read_ms: f64,
    /// AES-GCM.
    pub crypto_ms: f64,
    /// Digests and checksums.
    pub digest_ms: f64,
    /// Writing to the target.
    pub write_ms: f64,
    /// Waiting for other threads.
    pub wait_ms: f64,
}

/// What only opening tells.
#[napi(object, object_from_js = false)]
pub struct Opened {
    /// The key slot that opened the stream.
    pub opened_by: OpenedBy,
    /// The copy of the header at the stream's end served: the header was damaged, or older than its copy.
    pub header_from_copy: bool,
    /// The header's copy at the stream's end is damaged; the header itself is sound.
    pub header_copy_damaged: bool,
    /// What could not be opened, or only after trying again, where `onDamage` decided to go on: the first 10,000.
    pub damage: Vec<SettledDamage>,
    /// How many of those there were in all.
    pub damage_count: f64,
}

/// A key slot that opened a stream.
#[napi(object, object_from_js = false)]
pub struct OpenedBy {
    /// Its position in the header, from 0.
    pub slot: u32,
    /// Its type, such as `key`.
    #[napi(js_name = "type")]
    pub slot_type: String,
    /// The key's name, where it has one; a key service's id of its key.
    pub key_id: Option<String>,
}

impl From<sealstream::Report> for Report {
    fn from(report: sealstream::Report) -> Self {
        let opened = report.opened_by.map(|opened_by| Opened {
            opened_by: opened_by.into(),
            header_from_copy: report.header_from_copy,
            header_copy_damaged: report.header_copy_damaged,
            damage: report.damage.listed.iter().map(settled).collect(),
            damage_count: report.damage.count as f64,
        });
        Self {
            plaintext_size: report.plaintext_size as f64,
            stream_size: report.stream_size as f64,
            segments: report.segments as f64,
            frames: report.frames as f64,
            threads: u32::try_from(report.threads).unwrap_or(u32::MAX),
            crc64_nvme: format!("{:016x}", report.output_crc64),
            stream_id: hex(&report.stream_id),
            elapsed_ms: milliseconds(report.elapsed),
            stages: report.times.into(),
            header: report.header.map(CopiedBytes),
            resume: report.resume.map(ResumeReport::from),
            opened,
        }
    }
}

fn settled((damage, outcome): &(damage::Damage, damage::DamageOutcome)) -> SettledDamage {
    SettledDamage {
        damage: damage.into(),
        outcome: (*outcome).into(),
    }
}

impl From<report::OpenedBy> for OpenedBy {
    fn from(by: report::OpenedBy) -> Self {
        Self {
            slot: by.slot,
            slot_type: by.slot_type.to_string(),
            key_id: by.key_id,
        }
    }
}

impl From<report::ResumeReport> for ResumeReport {
    fn from(report: report::ResumeReport) -> Self {
        let errors = report.checkpoint_errors.iter();
        Self {
            segments_resumed: report.segments_resumed as f64,
            bytes_resumed: report.bytes_resumed as f64,
            started_over: report.started_over.as_ref().map(StartedOver::from),
            checkpoint_errors: errors.map(SegmentWorkerError::from).collect(),
        }
    }
}

impl From<StageTimes> for Stages {
    fn from(times: StageTimes) -> Self {
        Self {
            read_ms: milliseconds(times.of(Stage::Read)),
            crypto_ms: milliseconds(times.of(Stage::Crypto)),
            digest_ms: milliseconds(times.of(Stage::Digest)),
            write_ms: milliseconds(times.of(Stage::Write)),
            wait_ms: milliseconds(times.of(Stage::Wait)),
        }
    }
}

/// A segment that is done: sealed, or opened and verified.
#[napi(object, object_from_js = false)]
pub struct SegmentDone {
    /// Position in the stream, from 0.
    pub index: f64,
    /// Plaintext bytes.
    pub plaintext_size: u32,
    /// Bytes of its record in the sealed stream.
    pub wire_size: u32,
    /// Frames.
    pub frames: u32,
    /// Where the time went that it took, on however many threads.
    pub stages: Stages,
}

impl From<&telemetry::SegmentDone> for SegmentDone {
    fn from(done: &telemetry::SegmentDone) -> Self {
        Self {
            index: done.index as f64,
            plaintext_size: done.plaintext_size,
            wire_size: done.wire_size,
            frames: done.frames,
            stages: done.times.into(),
        }
    }
}

/// Bytes as hexadecimal digits; nothing secret comes here.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            // Writing to a string can't fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// A time in milliseconds.
pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
