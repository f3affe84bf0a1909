//! Damaged parts of a stream: what they are, and the one place that decides about them.

use super::cancel::CancellationToken;
use crate::error::{IoOperation, SealError};
use crate::format::{ByteRange, SegmentIndex};
use std::fmt;
use std::sync::Arc;

/// A segment that could not be opened, or the stream's end that could not be verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The first segment, or the number of segments if the end is damaged.
    pub segment: SegmentIndex,
    /// Number of segments: more than 1 for those that are missing, 0 if the end is damaged.
    pub segment_count: u64,
    /// Plaintext bytes of the segments; an empty range if the end is damaged.
    pub plaintext: ByteRange,
    /// Where the segments or the end stand in the sealed stream, or should stand.
    pub sealed: ByteRange,
    /// The error.
    pub failure: SealError,
    /// Number of retries so far.
    pub retries: u32,
}

/// What to do about one damaged part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DamageDecision {
    /// Fail with its error.
    Abort,
    /// Leave the segment out of the output; later segments move up.
    Skip,
    /// Write zeros in its place.
    Zero,
    /// Read it again.
    Retry,
}

/// Decides about one damaged part. The token is that of the operation.
pub type DamageHandler<'a> = dyn Fn(&Damage, &CancellationToken) -> DamageDecision + Send + Sync + 'a;

/// Decides about damage.
#[derive(Clone, Default)]
pub enum DamagePolicy<'a> {
    /// The first damaged part fails the operation.
    #[default]
    Abort,
    /// The same decision each time. A constant `Retry` would never end and counts as `Abort`.
    Always(DamageDecision),
    /// Asks the caller about one damaged part at a time, in the stream's order, on the operation's own thread. The operation
    /// waits for the answer. Retries are not limited. A function that waits must watch the operation's token.
    Ask(Arc<DamageHandler<'a>>),
}

impl DamagePolicy<'_> {
    fn decide(&self, damage: &Damage, cancel: &CancellationToken) -> DamageDecision {
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

/// How the operation continued after a damaged part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DamageOutcome {
    /// It was left out.
    Skipped,
    /// Zeros stand in its place.
    Zeroed,
    /// A retry succeeded.
    Recovered,
}

/// The damaged parts that an operation found.
#[derive(Clone, Debug, Default)]
pub struct DamageLog {
    /// The first [`MAX_LISTED`] of them, in order.
    pub listed: Vec<(Damage, DamageOutcome)>,
    /// Number of all of them.
    pub count: u64,
}

impl DamageLog {
    fn add(&mut self, damage: Damage, outcome: DamageOutcome) {
        self.count += 1;
        if self.listed.len() < MAX_LISTED {
            self.listed.push((damage, outcome));
        }
    }

    /// Applies the decision about a damaged part, and logs it unless the part is to be read again.
    ///
    /// # Errors
    /// The part's own error if the decision is `Abort`.
    pub(crate) fn apply(&mut self, damage: Damage, decision: DamageDecision) -> Result<Step, SealError> {
        let outcome = match decision {
            DamageDecision::Abort => return Err(damage.failure),
            DamageDecision::Retry => return Ok(Step::Retry(damage)),
            DamageDecision::Skip => DamageOutcome::Skipped,
            DamageDecision::Zero => DamageOutcome::Zeroed,
        };
        self.add(damage, outcome);
        Ok(Step::GiveUp {
            zeros: outcome == DamageOutcome::Zeroed,
        })
    }
}

/// Next step after a decision.
pub(crate) enum Step {
    /// Read it again.
    Retry(Damage),
    /// Continue without it.
    GiveUp {
        /// Write zeros in its place.
        zeros: bool,
    },
}

/// Decides about the failures of one operation and logs the outcomes. Works the same for segments and for the end.
pub(crate) struct DamageDecider<'a> {
    policy: DamagePolicy<'a>,
    cancel: &'a CancellationToken,
    log: DamageLog,
}

/// Result for one part of a stream after all decisions about it.
pub(crate) enum Settled<T> {
    Intact(T),
    Lost {
        /// Zeros are to be written in its place.
        zeros: bool,
    },
}

impl<'a> DamageDecider<'a> {
    pub(crate) fn new(policy: DamagePolicy<'a>, cancel: &'a CancellationToken) -> Self {
        Self {
            policy,
            cancel,
            log: DamageLog::default(),
        }
    }

    /// Settles the `result` of reading one part of a stream: asks the policy about a failure, and reads again if it says so.
    /// `describe` adds the place to a failure.
    ///
    /// # Errors
    /// The failure if it concerns more than this part or the decision is `Abort`; `Cancelled`.
    pub(crate) fn settle<T>(
        &mut self,
        mut result: Result<T, SealError>,
        describe: impl Fn(SealError) -> Damage,
        mut read_again: impl FnMut() -> Result<T, SealError>,
    ) -> Result<Settled<T>, SealError> {
        let mut retried: Option<Damage> = None;
        loop {
            let failure = match result {
                Ok(intact) => {
                    if let Some(damage) = retried {
                        self.log.add(damage, DamageOutcome::Recovered);
                    }
                    return Ok(Settled::Intact(intact));
                }
                Err(failure) if failure.is_damage() => failure,
                Err(failure) => return Err(failure),
            };
            self.cancel.check()?;
            let damage = Damage {
                retries: retried.map_or(0, |damage| damage.retries + 1),
                ..describe(failure)
            };
            let decision = self.policy.decide(&damage, self.cancel);
            // A cancelled operation does not take an answer: it may have been given only to end the wait.
            self.cancel.check()?;
            match self.log.apply(damage, decision)? {
                Step::GiveUp { zeros } => return Ok(Settled::Lost { zeros }),
                Step::Retry(damage) => retried = Some(damage),
            }
            result = read_again();
        }
    }

    pub(crate) fn into_log(self) -> DamageLog {
        self.log
    }
}

impl SealError {
    /// Whether the failure concerns one segment or the end, so that the rest of the stream may be intact.
    #[must_use]
    pub const fn is_damage(&self) -> bool {
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

/// Most damaged parts that a report lists. The caller is asked about all.
pub const MAX_LISTED: usize = 10_000;
