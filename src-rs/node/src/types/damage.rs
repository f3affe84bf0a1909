//! Damaged segments, as JavaScript sees them.

use crate::types::failure::SealFailure;
use crate::types::range::Range;
use napi_derive::napi;
use sealstream::operation::damage;
use sealstream::operation::damage::{DamageDecision, DamageOutcome};

/// A segment that could not be opened, or the stream's end that could not be verified.
#[napi(object, object_from_js = false)]
pub struct Damage {
    /// The segment, from 0; the number of segments where it is the stream's end.
    pub index: f64,
    /// What of the plaintext is concerned; nothing, where it is the end.
    #[napi(ts_type = "ByteRange")]
    pub plaintext_range: Range,
    /// Where it stands in the sealed stream, or should.
    #[napi(ts_type = "ByteRange")]
    pub wire_range: Range,
    /// What is wrong.
    pub failure: SealFailure,
    /// The same in words.
    pub message: String,
    /// How often it was tried again.
    pub retries: u32,
}

impl From<&damage::Damage> for Damage {
    fn from(damage: &damage::Damage) -> Self {
        Self {
            index: damage.segment.get() as f64,
            plaintext_range: damage.plaintext.into(),
            wire_range: damage.wire.into(),
            failure: SealFailure::from(&damage.failure),
            message: damage.failure.to_string(),
            retries: damage.retries,
        }
    }
}

/// What became of a damage.
#[napi(string_enum)]
pub enum DamageOutcomeName {
    /// It was left out of the output.
    #[napi(value = "skipped")]
    Skipped,
    /// Zeros stand in its place.
    #[napi(value = "zeroed")]
    Zeroed,
    /// Trying again helped.
    #[napi(value = "recovered")]
    Recovered,
}

impl From<DamageOutcome> for DamageOutcomeName {
    fn from(outcome: DamageOutcome) -> Self {
        match outcome {
            DamageOutcome::Skipped => Self::Skipped,
            DamageOutcome::Zeroed => Self::Zeroed,
            DamageOutcome::Recovered => Self::Recovered,
        }
    }
}

/// A damage that an operation went on after.
#[napi(object, object_from_js = false)]
pub struct SettledDamage {
    /// What it was.
    pub damage: Damage,
    /// What became of it.
    pub outcome: DamageOutcomeName,
}

/// What to do about a damage.
#[napi(string_enum)]
#[derive(Clone, Copy)]
pub enum DamageDecisionName {
    /// Fail with it.
    #[napi(value = "abort")]
    Abort,
    /// Leave the segment out: what follows moves up.
    #[napi(value = "skip")]
    Skip,
    /// Write zeros in its place.
    #[napi(value = "zero")]
    Zero,
    /// Read it again.
    #[napi(value = "retry")]
    Retry,
}

impl From<DamageDecisionName> for DamageDecision {
    fn from(name: DamageDecisionName) -> Self {
        match name {
            DamageDecisionName::Abort => Self::Abort,
            DamageDecisionName::Skip => Self::Skip,
            DamageDecisionName::Zero => Self::Zero,
            DamageDecisionName::Retry => Self::Retry,
        }
    }
}
