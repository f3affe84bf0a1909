//! One whole sealed file out of several damaged copies, without a key.

use crate::arguments::placement::PlacementSettings;
use crate::arguments::sources::Source;
use crate::runtime::task::{RunSettings, Task};
use crate::types::report::{Stages, hex, milliseconds};
use napi::bindgen_prelude::Object;
use napi::{Env, Result};
use napi_derive::napi;
use sealstream::repair::heal as engine;
use sealstream::repair::heal::{EndRecordState, HeaderState, HealOptions, heal_file};
use std::path::Path;

/// How to heal; what is absent has the engine's default.
#[napi(object, object_to_js = false)]
#[derive(Default)]
pub struct HealSettings {
    /// The largest segment size that is accepted, in bytes.
    pub max_segment_size: Option<u32>,
}

impl From<HealSettings> for HealOptions {
    fn from(settings: HealSettings) -> Self {
        let defaults = Self::default();
        Self {
            max_segment_size: settings.max_segment_size.unwrap_or(defaults.max_segment_size),
        }
    }
}

/// What healing did.
#[napi(object, object_from_js = false)]
pub struct HealReport {
    /// Bytes of the plaintext.
    pub plaintext_size: f64,
    /// Bytes of the sealed stream that was written.
    pub stream_size: f64,
    /// Segments of the stream, all of which were checked.
    pub segments: f64,
    /// Segments that no copy had whole, and that were put together from several.
    pub combined: f64,
    /// Segments that the damaged copy had not, in order; those side by side and of one origin are one entry.
    pub healed: Vec<HealedRun>,
    /// What the damaged copy gave.
    pub damaged: CopyReport,
    /// What each replica gave, in the order of the replicas.
    pub replicas: Vec<CopyReport>,
    /// The replica whose header was taken, counted from 0; absent where it is the damaged copy's own or the copy of that.
    pub header_from: Option<u32>,
    /// The replica whose end record was taken, counted from 0; absent where it is the damaged copy's own.
    pub end_from: Option<u32>,
    /// Bytes behind the end of the damaged copy's stream, which were left out.
    pub trailing_bytes: f64,
    /// Threads that worked on segments.
    pub threads: u32,
    /// CRC-64/NVME of all that was written, 16 hexadecimal digits.
    pub crc64_nvme: String,
    /// The stream's id, 64 hexadecimal digits.
    pub stream_id: String,
    /// Milliseconds from start to end.
    pub elapsed_ms: f64,
    /// Where the time went.
    pub stages: Stages,
}

/// Segments side by side that came from one origin.
#[napi(object, object_from_js = false)]
pub struct HealedRun {
    /// The first of them.
    pub first: f64,
    /// How many.
    pub count: f64,
    /// The replica that had them, counted from 0; absent where they were put together from several copies.
    pub replica: Option<u32>,
}

/// What a copy gave.
#[napi(object, object_from_js = false)]
pub struct CopyReport {
    /// Whole segments that were taken from it.
    pub segments: f64,
    /// Bytes that were read of it.
    pub bytes_read: f64,
    /// Its header: sound, read from its copy at the end, or lost.
    #[napi(ts_type = "'sound' | 'copy' | 'lost'")]
    pub header: &'static str,
    /// Its end record: the one that was taken, another one, or lost.
    #[napi(ts_type = "'taken' | 'differs' | 'lost'")]
    pub end: &'static str,
}

impl From<engine::HealReport> for HealReport {
    fn from(report: engine::HealReport) -> Self {
        let mut copies = report.copies.into_iter().map(CopyReport::from);
        let damaged = copies.next().unwrap_or(CopyReport::NONE);
        let combined = report.healed.iter().filter(|run| run.replica.is_none());
        Self {
            plaintext_size: report.plaintext_size as f64,
            stream_size: report.stream_size as f64,
            segments: report.segments as f64,
            combined: combined.map(|run| run.count).sum::<u64>() as f64,
            healed: report.healed.into_iter().map(HealedRun::from).collect(),
            damaged,
            replicas: copies.collect(),
            header_from: replica(report.header_from),
            end_from: replica(report.end_from),
            trailing_bytes: report.trailing_bytes as f64,
            threads: u32::try_from(report.threads).unwrap_or(u32::MAX),
            crc64_nvme: format!("{:016x}", report.output_crc64),
            stream_id: hex(&report.stream_id),
            elapsed_ms: milliseconds(report.elapsed),
            stages: report.times.into(),
        }
    }
}

impl From<engine::HealedRun> for HealedRun {
    fn from(run: engine::HealedRun) -> Self {
        Self {
            first: run.first.get() as f64,
            count: run.count as f64,
            replica: run.replica.and_then(|replica| u32::try_from(replica).ok()),
        }
    }
}

impl CopyReport {
    const NONE: Self = Self {
        segments: 0.0,
        bytes_read: 0.0,
        header: "lost",
        end: "lost",
    };
}

impl From<engine::CopyReport> for CopyReport {
    fn from(copy: engine::CopyReport) -> Self {
        Self {
            segments: copy.segments as f64,
            bytes_read: copy.bytes_read as f64,
            header: match copy.header {
                HeaderState::Sound => "sound",
                HeaderState::FromCopy => "copy",
                HeaderState::Lost => "lost",
            },
            end: match copy.end {
                EndRecordState::Taken => "taken",
                EndRecordState::Differs => "differs",
                EndRecordState::Lost => "lost",
            },
        }
    }
}

/// A copy's place among the replicas; the damaged one, which comes first, has none.
fn replica(copy: usize) -> Option<u32> {
    copy.checked_sub(1)
        .and_then(|replica| u32::try_from(replica).ok())
}

/// Heals into the new file `to`, which appears complete or not at all.
#[napi(js_name = "heal", catch_unwind, ts_return_type = "Promise<HealReport>")]
pub fn heal_into<'env>(
    env: &'env Env,
    damaged: Source,
    replicas: Vec<Source>,
    to: String,
    settings: HealSettings,
    placement: PlacementSettings,
    run: RunSettings<'_>,
) -> Result<Object<'env>> {
    let options = HealOptions::from(settings);
    let placement = placement.for_one_attempt();
    Task::large(run).launch(env, move |control| {
        let placement = placement.clone()?;
        let first = damaged.as_copy()?;
        let others: Vec<_> = replicas
            .iter()
            .map(Source::as_copy)
            .collect::<std::result::Result<_, _>>()?;
        heal_file(first, &others, Path::new(&to), options, placement, control).map(HealReport::from)
    })
}
