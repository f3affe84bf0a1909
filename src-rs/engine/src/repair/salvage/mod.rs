//! Recovers every frame that verifies from a damaged sealed stream.
//!
//! 1. `header` finds a header that unlocks.
//! 2. `survey` collects records: `markers` finds their markers in one pass over the source, and `predicted` looks where records with
//!    damaged markers should be. A record counts only if its FLOE header tag verifies.
//! 3. `recover` opens the frames of each segment in their own slots, and `displaced` those that moved.
//! 4. `output` writes the frames, and lists what is lost in a [`DamageMap`].
//!
//! Only authenticated data is used. The work is linear in the source's size: `found_record` limits how far records
//! are searched.

mod damage_map;
mod displaced;
mod end_record;
mod file;
mod found_record;
mod header;
mod markers;
mod output;
mod predicted;
mod recover;
mod survey;

pub use damage_map::{
    Conflict, DamageMap, HeaderLocation, HeaderOrigin, LossCause, LossReason, LostRange, LostRanges, Outcome,
    Recovered, Resolution, TrailerState,
};
pub use file::salvage_file;

use self::header::MAX_KEY_ATTEMPTS;
use super::fault_tolerant::FaultTolerantSource;
use crate::error::SealError;
use crate::format::SegmentIndex;
use crate::operation::options::{Control, DecryptOptions};
use crate::stream_v2::core::stream_size::{check_size, check_stated_size};
use crate::stream_v2::core::unlock::UnlockedStream;
use crate::stream_v2::io::{ReadAt, WriteAt};
use crate::telemetry::Stage;
use output::Output;
use recover::Recovery;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use survey::Survey;

/// How to salvage.
#[derive(Clone, Debug)]
pub struct SalvageOptions<'a> {
    /// Options for opening the stream.
    pub open: DecryptOptions<'a>,
    /// A detached header of the stream. Used instead of the source's own if it unlocks and the source has a record that belongs to it.
    pub header: Option<&'a [u8]>,
    /// What the output has for lost bytes.
    pub lost: LostBytes,
}

impl<'a> SalvageOptions<'a> {
    /// Uses the source's own header, and writes zeros for lost bytes.
    #[must_use]
    pub const fn new(open: DecryptOptions<'a>) -> Self {
        Self {
            open,
            header: None,
            lost: LostBytes::Zero,
        }
    }
}

/// What the output has for lost bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LostBytes {
    /// Zeros, so that recovered bytes keep their offsets.
    Zero,
    /// Nothing: recovered frames follow each other.
    Skip,
}

/// Writes every frame of the stream in `source` that verifies to `sink`, and returns what was recovered and what is lost.
///
/// Ranges of the source that can't be read count as lost. Progress counts bytes of the source.
///
/// # Errors
/// The first failure of a header if none unlocks; `LimitExceeded`; a failure of the sink; `Cancelled`, `ThreadsUnavailable`.
pub fn salvage(
    source: &dyn ReadAt,
    sink: &dyn WriteAt,
    options: &SalvageOptions<'_>,
    control: &Control<'_>,
) -> Result<DamageMap, SealError> {
    salvage_counted(source, sink, options, control, &AttemptCounters::default())
}

/// As [`salvage`], and counts attempts.
pub(crate) fn salvage_counted(
    source: &dyn ReadAt,
    sink: &dyn WriteAt,
    options: &SalvageOptions<'_>,
    control: &Control<'_>,
    counters: &AttemptCounters,
) -> Result<DamageMap, SealError> {
    let start = Instant::now();
    options.open.check()?;
    let size = source.size().map_err(SealError::reading)?;
    check_size(size, options.open.max_size)?;
    let source = FaultTolerantSource::new(source, size);
    let (limits, is_cancelled) = (options.open.limits(), || control.cancel.is_cancelled());
    let mut budget = limits.budget(&is_cancelled).with_attempts(MAX_KEY_ATTEMPTS);
    let stream = header::find(&source, options, &mut budget, &control.cancel)?;
    let run_survey = |stream| {
        let meter = control.meter(Some(size));
        let survey = Survey::run(stream, &source, counters, &control.cancel, &meter)?;
        Ok::<_, SealError>((survey, meter))
    };
    let mut surveyed = run_survey(&stream)?;
    let own;
    if stream.header.origin == HeaderOrigin::Given && surveyed.0.records.is_empty() {
        // No record in the source belongs to the given header, which may be another stream's.
        let without = SalvageOptions {
            header: None,
            ..options.clone()
        };
        if let Ok(found) = header::find(&source, &without, &mut budget, &control.cancel) {
            own = found;
            surveyed = run_survey(&own)?;
        }
    }
    let (survey, meter) = surveyed;
    let header = &survey.stream.unlocked.header;
    // If the size is not known, up to the highest segment that was found.
    let seen = || {
        survey
            .geometry
            .plaintext_offset(SegmentIndex::new(survey.segments))
    };
    let total = survey.total.unwrap_or_else(seen);
    check_stated_size(header, Some(total), options.open.max_size)?;
    let recovery = Recovery {
        survey: &survey,
        cancel: &control.cancel,
    };
    let mut map = Output::new(recovery, sink, options).run(control, &meter)?;
    meter.finish();
    map.times.add(Stage::Read, source.read_time());
    map.threads = control.threads.count();
    map.elapsed = start.elapsed();
    Ok(map)
}

/// The unlocked stream, and where its header was found.
pub(crate) struct SalvageStream {
    unlocked: UnlockedStream,
    header: HeaderLocation,
}

/// Counts attempts, for tests of the cost of hostile sources.
#[derive(Debug, Default)]
pub(crate) struct AttemptCounters {
    /// Computed FLOE header tags.
    pub(crate) tags: AtomicU64,
    /// Decrypted frames, whether or not they verified.
    pub(crate) frames: AtomicU64,
}

impl AttemptCounters {
    fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
