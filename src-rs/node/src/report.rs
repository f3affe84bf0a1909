//! What an operation did, as JavaScript sees it.

use napi_derive::napi;
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
    /// What only opening tells.
    pub opened: Option<Opened>,
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
    /// The header was damaged, and its copy at the stream's end served.
    pub header_from_copy: bool,
    /// The header's copy at the stream's end is damaged; the header itself is sound.
    pub header_copy_damaged: bool,
}

/// A key slot that opened a stream.
#[napi(object, object_from_js = false)]
pub struct OpenedBy {
    /// Its position in the header, from 0.
    pub slot: u32,
    /// Its type, such as `key`.
    #[napi(js_name = "type")]
    pub slot_type: String,
}

impl From<sealstream::Report> for Report {
    fn from(report: sealstream::Report) -> Self {
        let opened = report.opened_by.map(|(slot, slot_type)| Opened {
            opened_by: OpenedBy {
                slot,
                slot_type: slot_type.to_string(),
            },
            header_from_copy: report.header_from_copy,
            header_copy_damaged: report.header_copy_damaged,
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
            opened,
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

pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
