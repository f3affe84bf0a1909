//! What is lost of a stream, and what the caller decides to make of it.

use super::cancel::CancellationToken;
use crate::error::SealError;
use crate::format::{ByteRange, SegmentIndex};
use std::fmt;
use std::sync::Arc;

/// A segment that could not be opened, or the stream's end that could not be verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The segment; the number of segments where it is the end.
    pub segment: SegmentIndex,
    /// What of the plaintext is concerned: nothing, where it is the end.
    pub plaintext: ByteRange,
    /// Where it stands in the sealed stream, or should.
    pub wire: ByteRange,
    /// What is wrong.
    pub failure: SealError,
    /// How often it was tried again.
    pub retries: u32,
}

/// What to do about one damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DamageDecision {
    /// Fail with it.
    Abort,
    /// Leave the segment out of the output: what follows moves up.
    Skip,
    /// Write zeros in its place.
    Zero,
    /// Read it again.
    Retry,
}

/// Decides about one damage of an operation with this token.
pub type DamageHandler<'a> = dyn Fn(&Damage, &CancellationToken) -> DamageDecision + Send + Sync + 'a;

/// Who decides about damage.
#[derive(Clone, Default)]
pub enum DamagePolicy<'a> {
    /// Nobody: the first damage fails the operation.
    #[default]
    Abort,
    /// Always the same; a constant `Retry` would never end, and is taken as `Abort`.
    Always(DamageDecision),
    /// The caller, who is asked for one damage at a time, in the stream's order, on the operation's own thread. The
    /// operation waits for the answer, and a retry is bounded by nothing but the answers: who lets it wait looks at the
    /// operation's token meanwhile.
    Ask(Arc<DamageHandler<'a>>),
}

impl DamagePolicy<'_> {
    pub(crate) fn decide(&self, damage: &Damage, cancel: &CancellationToken) -> DamageDecision {
        match self {
            Self::Abort | Self::Always(DamageDecision::Retry) => DamageDecision::Abort,
            Self::Always(decision) => *decision,
            Self::Ask(ask) => ask(damage, cancel),
        }
    }
}

impl fmt::Debug for DamagePolicy<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Abort => f.write_str("Abort"),
            Self::Always(decision) => f.debug_tuple("Always").field(decision).finish(),
            Self::Ask(_) => f.write_str("Ask"),
        }
    }
}

/// What became of a damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DamageOutcome {
    /// It was left out.
    Skipped,
    /// Zeros stand in its place.
    Zeroed,
    /// Trying again helped.
    Recovered,
}

/// The damage of an operation that went on all the same.
#[derive(Clone, Debug, Default)]
pub struct DamageLog {
    /// The first [`LISTED`] of them, in order.
    pub listed: Vec<(Damage, DamageOutcome)>,
    /// All of them.
    pub count: u64,
}

impl DamageLog {
    pub(crate) fn add(&mut self, damage: Damage, outcome: DamageOutcome) {
        self.count += 1;
        if self.listed.len() < LISTED {
            self.listed.push((damage, outcome));
        }
    }
}

impl SealError {
    /// Whether it concerns one segment, or the end, so that the rest of the stream may be sound.
    #[must_use]
    pub const fn is_damage(&self) -> bool {
        use crate::error::IoOperation;
        matches!(
            self,
            Self::Segment { .. }
                | Self::Truncated { .. }
                | Self::EndDamaged { .. }
                | Self::EndTampered { .. }
                | Self::TrailingData { .. }
                | Self::Io {
                    operation: IoOperation::Read,
                    ..
                }
        )
    }
}

/// Damages that a report lists; the caller is asked about every one of them.
pub const LISTED: usize = 10_000;
