//! Asks JavaScript what to do about damage, and waits for the answer.

use crate::runtime::executor::waiting;
use crate::types::damage::{Damage, DamageDecisionName};
use napi::Status;
use napi::bindgen_prelude::ClassInstance;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;
use sealstream::CancellationToken;
use sealstream::operation::damage;
use sealstream::operation::damage::DamageDecision;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

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
