//! Reports of finished operations and segments.

use crate::memory::CopiedBytes;
use crate::types::convert::object;
use crate::types::damage::SettledDamage;
use crate::types::failure::StartedOver;
use crate::types::sender::StreamSender;
use crate::types::warning::{ReportWarning, warnings};
use base64ct::{Base64, Encoding};
use sealstream::format::{Modified, SlotType};
use sealstream::operation::report;
use sealstream::telemetry;
use sealstream::telemetry::Stage;
use std::time::Duration;

object! {
    /// Result of encrypting.
    EncryptReport from report: sealstream::Report {
        /// Bytes of the plaintext.
        plaintext_size: f64,
        /// Bytes of the sealed stream, its header included.
        sealed_size: f64,
        /// The stream's id, 64 hexadecimal digits.
        stream_id: String,
        /// CRC-64/NVME of the output in base64, as S3 takes it. It does not cover a header that is kept apart.
        sealed_crc64_nvme: String = crc64_text(report.output_crc64),
        /// Who signed the stream, with the option `senderKey`.
        sender: Option<StreamSender> = report.sender.clone(),
        /// The stream's header, if it is kept apart: without it the stream can't be decrypted.
        #[napi(ts_type = "ReturnType<typeof Buffer.alloc>")]
        header: Option<CopiedBytes> = report.header.clone(),
        /// What was used of an earlier attempt, with the option `resume`.
        resume: Option<ResumeReport> = report.resume.clone(),
        /// What the caller should know although the operation succeeded.
        warnings: Vec<ReportWarning> = warnings(&report),
        /// Figures about the work.
        stats: OperationStats = &report,
    }
}

object! {
    /// Result of decrypting.
    DecryptReport from report: sealstream::Report {
        /// Bytes of the plaintext. If segments were lost, bytes of the output.
        plaintext_size: f64,
        /// Bytes of the sealed stream, its header included.
        sealed_size: f64,
        /// The stream's id, 64 hexadecimal digits.
        stream_id: String,
        /// The key slot that opened the stream.
        opened_by: OpenedBy = report.opened_by.clone().unwrap_or(UNOPENED),
        /// What the stream keeps of the file that was encrypted, if it was encrypted with `metadata`.
        metadata: Option<FileMetadata> = report.metadata.clone(),
        /// Who signed the stream, if it is signed.
        sender: Option<StreamSender> = report.sender.clone(),
        /// CRC-64/NVME of the output in base64, as S3 takes it.
        plaintext_crc64_nvme: String = crc64_text(report.output_crc64),
        /// The damage after which `onDamage` decided to continue, including segments that opened when read again: the first 10,000.
        damage: Vec<SettledDamage> = report.damage.listed.clone(),
        /// The number of all of them.
        damage_count: f64 = report.damage.count,
        /// What was used of an earlier attempt, with the option `resume`.
        resume: Option<ResumeReport> = report.resume.clone(),
        /// What the caller should know although the operation succeeded.
        warnings: Vec<ReportWarning> = warnings(&report),
        /// Figures about the work.
        stats: OperationStats = &report,
    }
}

object! {
    /// What a stream keeps of the file that was encrypted. The encrypting side chose it; its recipients alone can read it.
    FileMetadata from metadata: sealstream::format::Metadata {
        /// The time of the last modification: milliseconds since 1970-01-01 UTC.
        mtime_ms: Option<f64> = metadata.modified.map(milliseconds),
        /// The permission bits, 0 to 0o777.
        mode: Option<u32> = metadata.permissions,
        /// The name without folders, for display alone: it may contain anything, so never use it as a path.
        name: Option<String> = metadata.name.as_deref().map(display_name),
        /// The file had holes.
        is_sparse: bool,
    }
}

fn milliseconds(time: Modified) -> f64 {
    time.seconds as f64 * 1000.0 + f64::from(time.nanoseconds) / 1_000_000.0
}

/// The name in UTF-8, with U+FFFD for other bytes.
fn display_name(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

object! {
    /// Figures about an operation on all segments of a stream.
    OperationStats from report: &sealstream::Report {
        /// Milliseconds from start to end.
        elapsed_ms: f64 = report.elapsed,
        /// Threads that worked on segments.
        threads: u32,
        /// Number of segments.
        segments: f64,
        /// Number of frames in all segments.
        frames: f64,
        /// Time in each stage.
        stages: StageTimes = report.times,
    }
}

object! {
    /// Figures about a repair or a check.
    RepairStats from run: (Duration, usize, telemetry::StageTimes) {
        /// Milliseconds from start to end.
        elapsed_ms: f64 = run.0,
        /// Threads that worked on segments.
        threads: u32 = run.1,
        /// Time in each stage.
        stages: StageTimes = run.2,
    }
}

object! {
    /// What a resumable operation used of an earlier attempt.
    ResumeReport from report: report::ResumeReport {
        /// Segments that were finished and valid, and were not processed again.
        segments_resumed: f64,
        /// Plaintext bytes of those segments.
        bytes_resumed: f64,
        /// Why nothing of an earlier attempt could be used. Absent if something was, or if there was no earlier attempt.
        started_over: Option<StartedOver>,
    }
}

object! {
    /// Milliseconds in each stage, summed over all threads.
    StageTimes from times: telemetry::StageTimes {
        /// Reading from the source.
        read_ms: f64 = times.of(Stage::Read),
        /// AES-GCM.
        crypto_ms: f64 = times.of(Stage::Crypto),
        /// Digests and checksums.
        digest_ms: f64 = times.of(Stage::Digest),
        /// Writing to the target.
        write_ms: f64 = times.of(Stage::Write),
        /// Waiting for other threads.
        wait_ms: f64 = times.of(Stage::Wait),
    }
}

object! {
    /// A key slot that opened a stream.
    OpenedBy from by: report::OpenedBy {
        /// Its index in the header, from 0.
        slot_index: u32,
        /// Its type, such as `key`.
        #[napi(js_name = "type", ts_type = "SlotType | (string & {})")]
        slot_type: String,
        /// The key's name, if it has one. For a provider, the provider's id of its key.
        key_id: Option<String>,
    }
}

object! {
    /// A segment that was sealed, or opened and verified.
    SegmentDone from done: telemetry::SegmentDone {
        /// The segment, from 0.
        segment: f64,
        /// Plaintext bytes.
        plaintext_size: u32,
        /// Bytes of its record in the sealed stream.
        sealed_size: u32,
        /// Number of frames.
        frames: u32,
        /// Time in each stage, summed over all threads that worked on the segment.
        stages: StageTimes = done.times,
    }
}

/// A CRC-64 as object stores write it: its 8 bytes, the most significant first, in base64.
pub(crate) fn crc64_text(crc: u64) -> String {
    Base64::encode_string(&crc.to_be_bytes())
}

/// For a report of decrypting without a key slot, which does not happen.
const UNOPENED: report::OpenedBy = report::OpenedBy {
    slot_index: 0,
    slot_type: SlotType::Key,
    key_id: None,
};
