//! Healing a sealed file from several damaged copies, without a key.

use crate::arguments::options::integer;
use crate::arguments::placement::PlacementSettings;
use crate::arguments::senders::senders_of;
use crate::arguments::sources::Source;
use crate::runtime::task::{RunSettings, Task};
use crate::types::convert::object;
use crate::types::report::{RepairStats, crc64_text};
use crate::types::sender::StreamSender;
use napi::bindgen_prelude::Object;
use napi::{Env, Result};
use napi_derive::napi;
use sealstream::repair::heal;
use sealstream::repair::heal::{EndRecordState, HeaderState, HealOptions, heal_file};
use std::path::Path;

/// How to heal; an absent option has the engine's default.
#[napi(object, object_to_js = false)]
#[derive(Default)]
pub struct HealSettings {
    /// The largest accepted segment size, in bytes.
    pub max_segment_size: Option<f64>,
    /// The senders of whom one must have signed the stream.
    pub senders: Option<Vec<String>>,
}

object! {
    /// Result of healing.
    HealReport from report: heal::HealReport {
        /// Bytes of the plaintext.
        plaintext_size: f64,
        /// Bytes of the sealed stream that was written.
        sealed_size: f64,
        /// Number of segments of the stream. All of them were checked.
        segments: f64,
        /// Segments that no copy had whole, and that were combined from several.
        combined: f64 = combined(&report.healed),
        /// Segments that the damaged copy did not have, in order. Adjacent ones of one origin are one entry.
        healed: Vec<HealedRun> = report.healed,
        /// What was taken from the damaged copy.
        damaged: CopyReport = report.copies.first().copied().unwrap_or(NO_COPY),
        /// What was taken from each replica, in the order of the replicas.
        replicas: Vec<CopyReport> = report.copies.get(1..).unwrap_or_default().to_vec(),
        /// The replica that the header comes from, from 0. Absent if it is the damaged copy's header or its copy.
        header_from: Option<u32> = report.header_from.checked_sub(1),
        /// The replica that the end record comes from, from 0. Absent if it is the damaged copy's.
        end_from: Option<u32> = report.end_from.checked_sub(1),
        /// Bytes after the end of the damaged copy's stream, which were left out.
        trailing_bytes: f64,
        /// CRC-64/NVME of the output in base64, as S3 takes it.
        sealed_crc64_nvme: String = crc64_text(report.output_crc64),
        /// The stream's id, 64 hexadecimal digits.
        stream_id: String,
        /// Who signed the stream, if it is signed.
        sender: Option<StreamSender>,
        /// Figures about the work.
        stats: RepairStats = (report.elapsed, report.threads, report.times),
    }
}

object! {
    /// Adjacent segments from one origin.
    HealedRun from run: heal::HealedRun {
        /// The first of them.
        segment: f64,
        /// Their number.
        segment_count: f64,
        /// The replica that had them, from 0. Absent if they were combined from several copies.
        replica: Option<u32>,
    }
}

object! {
    /// What was taken from a copy.
    CopyReport from copy: heal::CopyReport {
        /// Whole segments.
        segments: f64,
        /// Bytes that were read.
        bytes_read: f64,
        /// Its header: intact, read from its copy at the end, or lost.
        #[napi(ts_type = "'sound' | 'copy' | 'lost'")]
        header: String = match copy.header {
            HeaderState::Sound => "sound",
            HeaderState::FromCopy => "copy",
            HeaderState::Lost => "lost",
        },
        /// Its end record: the one that was taken, another one, or lost.
        #[napi(ts_type = "'taken' | 'differs' | 'lost'")]
        end: String = match copy.end {
            EndRecordState::Taken => "taken",
            EndRecordState::Differs => "differs",
            EndRecordState::Lost => "lost",
        },
    }
}

/// Heals into the new file `to`, which appears complete or not at all.
#[napi(catch_unwind, ts_return_type = "Promise<HealReport>")]
pub fn heal<'env>(
    env: &'env Env,
    damaged: Source,
    replicas: Vec<Source>,
    to: String,
    settings: HealSettings,
    placement: PlacementSettings,
    run: RunSettings<'_>,
) -> Result<Object<'env>> {
    let mut options = HealOptions::default();
    if let Some(size) = integer(env, "maxSegmentSize", settings.max_segment_size)? {
        options.max_segment_size = size;
    }
    options.senders = senders_of(env, settings.senders)?;
    let place = placement.unresumable(env)?;
    Task::parallel(run).launch(env, move |control| {
        let first = damaged.as_copy(&control.cancel)?;
        let others = replicas.iter().map(|replica| replica.as_copy(&control.cancel));
        let others = others.collect::<std::result::Result<Vec<_>, _>>()?;
        heal_file(&first, &others, Path::new(&to), options.clone(), place, control).map(HealReport::from)
    })
}

fn combined(healed: &[heal::HealedRun]) -> u64 {
    let combined = healed.iter().filter(|run| run.replica.is_none());
    combined.map(|run| run.segment_count).sum()
}

/// For a report without the damaged copy, which does not happen.
const NO_COPY: heal::CopyReport = heal::CopyReport {
    segments: 0,
    bytes_read: 0,
    header: HeaderState::Lost,
    end: EndRecordState::Lost,
};
