//! Asks JavaScript what to do about damage, and waits for the answer.

use crate::runtime::executor::waiting;
use crate::types::damage::{self as js, Damage};
use napi::Status;
use napi::bindgen_prelude::ClassInstance;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;
use sealstream::CancellationToken;
use sealstream::operation::damage::{DamageDecision, DamageHandler};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
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
    /// A judge for one operation.
    #[napi(constructor)]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers the last question.
    #[napi]
    pub fn decide(&self, decision: js::DamageDecision) {
        *self.answer.lock() = Some(decision.into());
        self.answer.given.notify_all();
    }
}

impl Answer {
    fn lock(&self) -> MutexGuard<'_, Option<DamageDecision>> {
        self.decision.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for an answer. A cancelled operation does not get one.
    fn wait(&self, cancel: &CancellationToken) -> DamageDecision {
        let mut decision = self.lock();
        loop {
            if let Some(decision) = decision.take() {
                return decision;
            }
            if cancel.is_cancelled() {
                return DamageDecision::Abort;
            }
            let waited = self.given.wait_timeout(decision, CANCELLATION_CHECK);
            decision = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Weak: the operation's promise keeps the event loop alive.
pub type OnDamage = ThreadsafeFunction<Damage, (), Damage, Status, false, true>;

/// How an operation asks about damage.
#[napi(object, object_to_js = false)]
pub struct DamageSettings<'env> {
    /// Called with each damaged part. The answer comes through `judge`.
    #[napi(ts_type = "(damage: Damage) => void")]
    pub ask: OnDamage,
    /// Receives the answers.
    #[napi(ts_type = "DamageJudge")]
    pub judge: ClassInstance<'env, DamageJudge>,
}

/// A function for the operation's thread that asks JavaScript and waits for the answer.
pub(crate) fn asker(settings: DamageSettings<'_>) -> Arc<DamageHandler<'static>> {
    let (ask, answer) = (settings.ask, Arc::clone(&settings.judge.answer));
    Arc::new(move |damage, cancel| {
        *answer.lock() = None;
        match ask.call(damage.clone().into(), ThreadsafeFunctionCallMode::NonBlocking) {
            Status::Ok => waiting(|| answer.wait(cancel)),
            // The environment is ending.
            _ => DamageDecision::Abort,
        }
    })
}

const CANCELLATION_CHECK: Duration = Duration::from_millis(50);
