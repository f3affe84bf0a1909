//! Salvage: every frame that verifies, out of any wreck of a sealed stream.
//!
//! First a header that unlocks, from wherever it can be had (`header`). Then one pass over all of the source for
//! markers (`scan`): what they stand before is a record of the stream only if its FLOE header tag says so
//! (`landmarks`); places where a record should be are looked at too (`expected`). Then each segment that was found
//! gives its frames (`recover`, `shifted`), and what comes out, with what does not, is a [`DamageMap`].
//!
//! Nothing is believed that was not authenticated, and the work is linear in the source's size whatever it holds: the
//! regions in which records are looked for do not overlap but within a budget (`places`).

mod deliver;
mod end;
mod expected;
mod file;
mod header;
mod landmarks;
mod map;
mod places;
mod recover;
mod scan;
mod shifted;

pub use file::salvage_file;
pub use map::{
    Cause, Conflict, ConflictKind, DamageMap, EndState, HeaderOrigin, HeaderPlace, LostRange, Outcome,
    Recovered,
};

use super::fault_tolerant::FaultTolerantSource;
use crate::error::SealError;
use crate::operation::options::{Control, DecryptOptions};
use crate::stream_v2::core::unlock::UnlockedStream;
use crate::stream_v2::io::{ReadAt, WriteAt};
use crate::telemetry::Stage;
use deliver::Delivery;
use landmarks::Survey;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// How to salvage.
#[derive(Clone, Debug)]
pub struct SalvageOptions<'a> {
    /// How to open the stream.
    pub open: DecryptOptions<'a>,
    /// A header of the stream that was kept elsewhere; it is preferred to the source's own where it unlocks and something
    /// in the source belongs to it.
    pub header: Option<&'a [u8]>,
    /// What stands for what is lost.
    pub lost: Lost,
}

impl<'a> SalvageOptions<'a> {
    /// The source's own header, and zeros for what is lost.
    #[must_use]
    pub const fn new(open: DecryptOptions<'a>) -> Self {
        Self {
            open,
            header: None,
            lost: Lost::Zeros,
        }
    }
}

/// What stands in the output for what is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// Zeros, so that everything is where it was.
    Zeros,
    /// Nothing: what was recovered, one frame behind the other.
    Omit,
}

/// Writes every frame of the stream in `source` that verifies to `sink`, and tells what is lost.
///
/// A source that can't be read in places is no failure: those are holes. The progress counts bytes of the source.
///
/// # Errors
/// The first failure of a header, where none unlocks; a sink that fails; `Cancelled`, `ThreadsUnavailable`.
pub fn salvage(
    source: &dyn ReadAt,
    sink: &dyn WriteAt,
    options: &SalvageOptions<'_>,
    control: &Control<'_>,
) -> Result<DamageMap, SealError> {
    salvage_counted(source, sink, options, control, &Work::default())
}

/// As [`salvage`]; counts what it tries.
pub(crate) fn salvage_counted(
    source: &dyn ReadAt,
    sink: &dyn WriteAt,
    options: &SalvageOptions<'_>,
    control: &Control<'_>,
    work: &Work,
) -> Result<DamageMap, SealError> {
    let start = Instant::now();
    options.open.check()?;
    let size = source.size().map_err(SealError::reading)?;
    let source = FaultTolerantSource::new(source, size);
    let stream = header::find(&source, options, &control.cancel)?;
    let survey = |stream| {
        let meter = control.meter(Some(size));
        let mut survey = Survey::new(stream, &source, work);
        survey.run(&control.cancel, &meter)?;
        survey.add_expected(&control.cancel)?;
        Ok::<_, SealError>((survey.finish(), meter))
    };
    let mut surveyed = survey(&stream)?;
    let own;
    if stream.place.origin == HeaderOrigin::Given && surveyed.0.places.is_empty() {
        // Nothing in the source belongs to the header that was given: it may be that of another stream.
        let without = SalvageOptions {
            header: None,
            ..options.clone()
        };
        if let Ok(found) = header::find(&source, &without, &control.cancel) {
            own = found;
            surveyed = survey(&own)?;
        }
    }
    let (findings, meter) = surveyed;
    let map = Delivery::new(&findings, &source, sink, options.lost, work).run(control, &meter)?;
    meter.finish();
    let mut times = map.times;
    times.add(Stage::Read, source.read_time());
    Ok(DamageMap {
        times,
        elapsed: start.elapsed(),
        ..map
    })
}

/// A header that unlocked, and where it was.
pub(crate) struct SalvagedStream {
    incoming: UnlockedStream,
    place: HeaderPlace,
}

/// What was tried, for the tests of what hostile sources cost.
#[derive(Debug, Default)]
pub(crate) struct Work {
    /// FLOE header tags that were computed.
    pub(crate) tags: AtomicU64,
    /// Frames that were decrypted, whether or not they verified.
    pub(crate) frames: AtomicU64,
}

impl Work {
    fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
