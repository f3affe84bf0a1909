//! Damage on its way to JavaScript, and what JavaScript decides about it on its way back.

use crate::executor::waiting;
use crate::failure::SealFailure;
use crate::ranges::Range;
use napi::Status;
use napi::bindgen_prelude::ClassInstance;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;
use sealstream::CancellationToken;
use sealstream::operation::damage;
use sealstream::operation::damage::{DamageDecision, DamageOutcome};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

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

/// Carries one answer at a time from JavaScript to the thread that waits for it.
#[napi]
#[derive(Default)]
pub struct DamageJudge {
    answer: Arc<Answer>,
}

#[derive(Default)]
struct Answer {
    decision: Mutex<Option<DamageDecision>>,
    given: Condvar,
}

#[napi]
impl DamageJudge {
    /// One for a single operation.
    #[napi(constructor)]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers the question that was asked last.
    #[napi]
    pub fn decide(&self, decision: DamageDecisionName) {
        *self.answer.lock() = Some(decision.into());
        self.answer.given.notify_all();
    }
}

impl Answer {
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<DamageDecision>> {
        self.decision.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until somebody answers; an operation that is cancelled has no answer to wait for.
    fn wait(&self, cancel: &CancellationToken) -> DamageDecision {
        let mut decision = self.lock();
        loop {
            if let Some(decision) = decision.take() {
                return decision;
            }
            if cancel.is_cancelled() {
                return DamageDecision::Abort;
            }
            let waited = self.given.wait_timeout(decision, LOOK_UP);
            decision = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Weak, as the listener to progress is: the operation's promise keeps the event loop alive.
pub type OnDamage = ThreadsafeFunction<Damage, (), Damage, Status, false, true>;

/// How an operation asks about damage.
#[napi(object, object_to_js = false)]
pub struct DamageSettings<'env> {
    /// Is told of each damage, and answers through `judge`.
    #[napi(ts_type = "(damage: Damage) => void")]
    pub ask: OnDamage,
    /// Where the answers come from.
    #[napi(ts_type = "DamageJudge")]
    pub judge: ClassInstance<'env, DamageJudge>,
}

/// [`DamageSettings`] on the operation's thread.
pub(crate) type DamageAsker =
    Box<dyn Fn(&damage::Damage, &CancellationToken) -> DamageDecision + Send + Sync>;

/// Asks JavaScript and waits for the answer.
pub(crate) fn asker(settings: DamageSettings<'_>) -> DamageAsker {
    let (ask, answer) = (settings.ask, Arc::clone(&settings.judge.answer));
    Box::new(move |damage, cancel| {
        *answer.lock() = None;
        match ask.call(damage.into(), ThreadsafeFunctionCallMode::NonBlocking) {
            Status::Ok => waiting(|| answer.wait(cancel)),
            // The environment is going away.
            _ => DamageDecision::Abort,
        }
    })
}

const LOOK_UP: Duration = Duration::from_millis(50);
