//! Reports of finished operations and segments.

use crate::memory::CopiedBytes;
use crate::types::convert::object;
use crate::types::damage::SettledDamage;
use crate::types::failure::{SegmentWorkerError, StartedOver};
use sealstream::operation::report;
use sealstream::telemetry;
use sealstream::telemetry::Stage;

object! {
    /// Result of sealing or opening a stream.
    OperationReport from report: sealstream::Report {
        /// Bytes of the plaintext.
        plaintext_size: f64,
        /// Bytes of the sealed stream.
        sealed_size: f64,
        /// Number of segments.
        segments: f64,
        /// Number of frames in all segments.
        frames: f64,
        /// Threads that worked on segments.
        threads: u32,
        /// CRC-64/NVME of the output, 16 hexadecimal digits: of the sealed stream, or of the plaintext.
        crc64_nvme: String = crc64_text(report.output_crc64),
        /// The stream's id, 64 hexadecimal digits.
        stream_id: String,
        /// Milliseconds from start to end.
        elapsed_ms: f64 = report.elapsed,
        /// Time in each stage.
        stages: StageTimes = report.times,
        /// The stream's header, if it is detached: without it the stream can't be opened. `sealedSize` counts it, `crc64Nvme`
        /// does not.
        #[napi(ts_type = "Buffer")]
        header: Option<CopiedBytes> = report.header.clone(),
        /// What was found of an earlier attempt, with the option `resume`.
        resume: Option<ResumeReport> = report.resume.clone(),
        /// Details of opening; absent after sealing.
        opened: Option<Opened> = report.opened_by.clone().map(|by| (by, report)),
    }
}

object! {
    /// What a resumable operation found of an earlier attempt.
    ResumeReport from report: report::ResumeReport {
        /// Segments that were finished and valid, and were not processed again.
        segments_resumed: f64,
        /// Plaintext bytes of those segments.
        bytes_resumed: f64,
        /// Why nothing of an earlier attempt could be used. Absent if something was, or if there was no earlier attempt.
        started_over: Option<StartedOver>,
        /// Empty, unless the journal could not be written from some segment on. An interruption would then have cost more work.
        checkpoint_errors: Vec<SegmentWorkerError>,
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
    /// Details of opening a stream.
    Opened from opened: (report::OpenedBy, sealstream::Report) {
        /// The key slot that opened the stream.
        opened_by: OpenedBy = opened.0,
        /// The stream was opened with the header's copy at its end: the header was damaged, or older than its copy.
        header_from_copy: bool = opened.1.header_from_copy,
        /// The header's copy at the stream's end is damaged; the header itself is intact.
        header_copy_damaged: bool = opened.1.header_copy_damaged,
        /// The damage after which `onDamage` decided to continue, including segments that opened when read again: the first 10,000.
        damage: Vec<SettledDamage> = opened.1.damage.listed,
        /// The number of all of them.
        damage_count: f64 = opened.1.damage.count,
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
        /// The key's name, if it has one. For a key service, the service's id of its key.
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

/// A checksum as JavaScript sees it.
pub(crate) fn crc64_text(crc: u64) -> String {
    format!("{crc:016x}")
}
