//! Salvage: wrecks of every kind, and what must come out of them.

mod cases;
mod hostile;
mod model;
mod wreck;

use crate::error::SealError;
use crate::operation::options::Control;
use crate::repair::salvage::{AttemptCounters, DamageMap, SalvageOptions, salvage, salvage_counted};
use crate::stream_v2::io::ReadAt;
use crate::testing::support::{Output, fresh, reading};

/// Salvages; what came out is given only where it was no failure.
fn salvage_with(
    source: &dyn ReadAt,
    options: &SalvageOptions<'_>,
    control: &Control<'_>,
) -> Result<(Vec<u8>, DamageMap), SealError> {
    let output = Output::default();
    let map = salvage(source, &&output, options, &fresh(control))?;
    Ok((output.into_bytes(), map))
}

fn salvage_bytes(wreck: &[u8]) -> Result<(Vec<u8>, DamageMap), SealError> {
    salvage_with(&wreck, &SalvageOptions::new(reading()), &Control::serial())
}

/// Salvages and counts what was tried: header tags and frames.
fn salvage_costs(wreck: &[u8]) -> (DamageMap, u64, u64) {
    let (output, counters) = (Output::default(), AttemptCounters::default());
    let options = SalvageOptions::new(reading());
    let map = salvage_counted(&wreck, &&output, &options, &Control::serial(), &counters).unwrap();
    (map, counters.tags.into_inner(), counters.frames.into_inner())
}
