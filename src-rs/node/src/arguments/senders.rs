//! Senders: what signs streams, and the public keys of those whose streams are accepted.

use crate::memory::{BytesCopy, CopiedBytes};
use crate::runtime::executor::waiting;
use crate::types::failure::{OrThrow, invalid_argument};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Result, Status};
use napi_derive::napi;
use sealstream::SealError;
use sealstream::keys::{
    AgentKey, AgentSigner, ExternalSigner, Sender, SenderKey, SenderSecret, SenderTextError, Signer,
    SignerError, SignerReason,
};
use sealstream::operation::invalid;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What signs streams. One that asks JavaScript serves one operation.
#[napi]
pub struct NativeSender {
    signer: Option<Arc<dyn Signer>>,
    key: SenderKey,
    answer: Arc<Answer>,
}

/// A signature from JavaScript, on its way to the thread that waits for it.
#[derive(Default)]
struct Answer {
    given: Mutex<Option<std::result::Result<Vec<u8>, String>>>,
    changed: Condvar,
}

/// Weak: the operation's promise keeps the event loop alive.
pub type OnSign = ThreadsafeFunction<CopiedBytes, (), CopiedBytes, Status, false, true>;

#[napi]
impl NativeSender {
    /// A signer that asks JavaScript. `ask` is called with the bytes to sign; the answer comes through `answer` or `fail`.
    #[napi(factory)]
    pub fn external(
        public_key: String,
        #[napi(ts_arg_type = "(bytes: Buffer) => void")] ask: OnSign,
    ) -> Result<Self> {
        let key = key_of(&public_key)?;
        if key.application().is_some() {
            return Err(invalid_argument(
                "is a security key, which only an SSH agent can use",
            ));
        }
        let answer = Arc::new(Answer::default());
        let answered = Arc::clone(&answer);
        let sign = move |bytes: &[u8], is_cancelled: &dyn Fn() -> bool| {
            *answered.lock() = None;
            match ask.call(
                CopiedBytes(bytes.to_vec()),
                ThreadsafeFunctionCallMode::NonBlocking,
            ) {
                Status::Ok => waiting(|| answered.wait(is_cancelled)),
                // The environment is ending.
                _ => Err(SignerError::Cancelled),
            }
        };
        let signer: Arc<dyn Signer> = Arc::new(ExternalSigner::new(*key.point(), sign));
        Ok(Self {
            signer: Some(signer),
            key,
            answer,
        })
    }

    /// The public key, as OpenSSH writes it.
    #[napi(getter)]
    #[must_use]
    pub fn public_key(&self) -> String {
        self.key.to_string()
    }

    /// Answers the last question.
    #[napi]
    pub fn answer(&self, #[napi(ts_arg_type = "Uint8Array")] signature: BytesCopy) {
        self.answer.give(Ok(signature.to_vec()));
    }

    /// Answers the last question with a failure.
    #[napi]
    pub fn fail(&self, message: String) {
        self.answer.give(Err(message));
    }

    /// Overwrites the secret key. Further calls do nothing. Running operations keep theirs until they end.
    #[napi]
    pub fn dispose(&mut self) {
        self.signer = None;
    }

    /// How a stream is signed.
    pub(crate) fn sender(&self, announce: bool) -> Result<Sender> {
        let signer = self.signer.clone();
        let signer = signer.ok_or_else(|| invalid_argument("it was disposed of"))?;
        Ok(Sender { signer, announce })
    }
}

impl From<SenderSecret> for NativeSender {
    fn from(secret: SenderSecret) -> Self {
        Self {
            key: secret.public().clone(),
            signer: Some(Arc::new(secret)),
            answer: Arc::default(),
        }
    }
}

impl Answer {
    fn lock(&self) -> MutexGuard<'_, Option<std::result::Result<Vec<u8>, String>>> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn give(&self, answer: std::result::Result<Vec<u8>, String>) {
        *self.lock() = Some(answer);
        self.changed.notify_all();
    }

    /// Waits for an answer. A cancelled operation does not get one.
    fn wait(&self, is_cancelled: &dyn Fn() -> bool) -> std::result::Result<Vec<u8>, SignerError> {
        let mut given = self.lock();
        loop {
            if let Some(answer) = given.take() {
                return answer.map_err(|message| SignerError::with(SignerReason::SignerFailed, message));
            }
            if is_cancelled() {
                return Err(SignerError::Cancelled);
            }
            let waited = self.changed.wait_timeout(given, CANCELLATION_CHECK);
            given = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Finds the agent of SSH_AUTH_SOCK and its key, and returns a signer that uses it.
pub(crate) fn find_agent_key(
    public_key: Option<SenderKey>,
    timeout: Option<Duration>,
) -> std::result::Result<NativeSender, SealError> {
    let mut agent = AgentSigner::new(public_key.map_or(AgentKey::Only, AgentKey::Public));
    agent.timeout = timeout.unwrap_or(agent.timeout);
    let key = agent.public_key(&|| false)?;
    agent.key = AgentKey::Public(key.clone());
    Ok(NativeSender {
        signer: Some(Arc::new(agent)),
        key,
        answer: Arc::default(),
    })
}

/// The senders of an option, as texts of OpenSSH.
pub(crate) fn senders_of(env: &Env, senders: Option<Vec<String>>) -> Result<Option<Vec<SenderKey>>> {
    let Some(senders) = senders else {
        return Ok(None);
    };
    let keys = senders.iter().enumerate().map(|(at, text)| {
        text.parse()
            .map_err(|problem: SenderTextError| invalid(&format!("senders[{at}]"), problem.to_string()))
    });
    let keys: std::result::Result<Vec<_>, _> = keys.collect();
    keys.or_throw(env).map(Some)
}

/// The public key of this text of OpenSSH.
pub(crate) fn key_of(text: &str) -> Result<SenderKey> {
    text.parse()
        .map_err(|problem: SenderTextError| invalid_argument(problem))
}

const CANCELLATION_CHECK: Duration = Duration::from_millis(50);
