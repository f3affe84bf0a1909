//! A client of ssh-agent (draft-ietf-sshm-ssh-agent): lists the agent's keys and has it sign.

use super::key::SenderKey;
use super::message::SignedBytes;
use super::reasons::SignerReason;
use super::signature::SenderSignature;
use super::signer::{Signer, SignerError};
use super::wire::{Fields, put_string};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Signs with a key that an SSH agent holds, on a security key too.
#[derive(Clone, Debug)]
pub struct AgentSigner {
    /// The agent's socket; `None` for the one that SSH_AUTH_SOCK names when it is asked.
    pub socket: Option<PathBuf>,
    /// Which of its keys signs.
    pub key: AgentKey,
    /// How long it may take to sign, which can need its user.
    pub timeout: Duration,
}

/// Which key of an agent signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentKey {
    /// This one.
    Public(SenderKey),
    /// The only Ed25519 key that it holds.
    Only,
}

impl AgentSigner {
    /// A signer that uses the agent of SSH_AUTH_SOCK and gives its user two minutes.
    #[must_use]
    pub const fn new(key: AgentKey) -> Self {
        Self {
            socket: None,
            key,
            timeout: DEFAULT_TIMEOUT,
        }
    }

    fn socket(&self) -> Result<PathBuf, SignerError> {
        let named = || std::env::var_os("SSH_AUTH_SOCK").filter(|path| !path.is_empty());
        let socket = self.socket.clone().or_else(|| named().map(PathBuf::from));
        socket.ok_or(SignerError::because(SignerReason::NoAgent))
    }

    fn keys(&self, is_cancelled: &dyn Fn() -> bool) -> Result<Vec<SenderKey>, SignerError> {
        let answer = ask(&self.socket()?, &[LIST], LIST_TIMEOUT, is_cancelled)?;
        parse_keys(&answer).ok_or_else(nonsense)
    }
}

impl Signer for AgentSigner {
    fn public_key(&self, is_cancelled: &dyn Fn() -> bool) -> Result<SenderKey, SignerError> {
        let mut keys = self.keys(is_cancelled)?;
        match &self.key {
            AgentKey::Public(key) if keys.contains(key) => Ok(key.clone()),
            AgentKey::Only if keys.len() > 1 => Err(SignerError::because(SignerReason::SeveralKeysInAgent)),
            AgentKey::Only => keys
                .pop()
                .ok_or(SignerError::because(SignerReason::KeyNotInAgent)),
            AgentKey::Public(_) => Err(SignerError::because(SignerReason::KeyNotInAgent)),
        }
    }

    fn named_key(&self) -> Option<SenderKey> {
        match &self.key {
            AgentKey::Public(key) => Some(key.clone()),
            AgentKey::Only => None,
        }
    }

    fn sign(
        &self,
        key: &SenderKey,
        signed: &SignedBytes,
        is_cancelled: &dyn Fn() -> bool,
    ) -> Result<SenderSignature, SignerError> {
        let mut request = vec![SIGN];
        put_string(&mut request, &key.to_blob());
        put_string(&mut request, signed.as_bytes());
        request.extend_from_slice(&[0; 4]);
        let answer = ask(&self.socket()?, &request, self.timeout, is_cancelled)?;
        if answer.first() == Some(&FAILURE) {
            return Err(SignerError::because(SignerReason::Refused));
        }
        let mut fields = Fields(&answer);
        let signature = (fields.byte() == Some(SIGNATURE))
            .then(|| fields.string())
            .flatten()
            .filter(|_| fields.is_empty());
        signature
            .and_then(|blob| SenderSignature::from_blob(key, blob))
            .ok_or_else(nonsense)
    }
}

/// The keys in an agent's answer that can sign streams.
fn parse_keys(answer: &[u8]) -> Option<Vec<SenderKey>> {
    let mut fields = Fields(answer);
    if fields.byte()? != KEYS {
        return None;
    }
    let mut keys = Vec::new();
    for _ in 0..fields.u32()? {
        keys.extend(SenderKey::from_blob(fields.string()?));
        fields.string()?;
    }
    Some(keys)
}

fn nonsense() -> SignerError {
    SignerError::with(SignerReason::AgentFailed, "its answer makes no sense")
}

/// Sends a request and returns the answer.
#[cfg(unix)]
fn ask(
    socket: &Path,
    request: &[u8],
    timeout: Duration,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<Vec<u8>, SignerError> {
    use std::io::Write;
    use std::os::unix::net::UnixStream;
    use std::time::Instant;

    let failed = |error: std::io::Error| {
        SignerError::with(
            SignerReason::AgentFailed,
            format_args!("{}: {error}", socket.display()),
        )
    };
    let deadline = Instant::now() + timeout;
    let mut stream = UnixStream::connect(socket).map_err(failed)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
    stream.set_write_timeout(Some(LIST_TIMEOUT)).map_err(failed)?;
    let mut message = Vec::new();
    put_string(&mut message, request);
    stream.write_all(&message).map_err(failed)?;
    let check = || {
        if is_cancelled() {
            return Err(SignerError::Cancelled);
        }
        if Instant::now() >= deadline {
            return Err(SignerError::because(SignerReason::TimedOut));
        }
        Ok(())
    };
    let mut size = [0; 4];
    fill(&mut stream, &mut size, &check, &failed)?;
    let size = u32::from_be_bytes(size) as usize;
    if !(1..=MAX_ANSWER).contains(&size) {
        return Err(nonsense());
    }
    let mut answer = vec![0; size];
    fill(&mut stream, &mut answer, &check, &failed)?;
    Ok(answer)
}

/// Reads exactly these bytes. Calls `check` at least every [`PATIENCE`].
#[cfg(unix)]
fn fill(
    stream: &mut std::os::unix::net::UnixStream,
    bytes: &mut [u8],
    check: &dyn Fn() -> Result<(), SignerError>,
    failed: &dyn Fn(std::io::Error) -> SignerError,
) -> Result<(), SignerError> {
    use std::io::{ErrorKind, Read};
    let mut filled = 0;
    while filled < bytes.len() {
        check()?;
        match stream.read(&mut bytes[filled..]) {
            Ok(0) => return Err(failed(ErrorKind::UnexpectedEof.into())),
            Ok(count) => filled += count,
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                ) => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(())
}

#[cfg(not(unix))]
fn ask(_: &Path, _: &[u8], _: Duration, _: &dyn Fn() -> bool) -> Result<Vec<u8>, SignerError> {
    Err(SignerError::because(SignerReason::AgentUnsupported))
}

const FAILURE: u8 = 5;
const LIST: u8 = 11;
const KEYS: u8 = 12;
const SIGN: u8 = 13;
const SIGNATURE: u8 = 14;
/// OpenSSH's limit on a message.
#[cfg(unix)]
const MAX_ANSWER: usize = 256 * 1024;
const LIST_TIMEOUT: Duration = Duration::from_secs(10);
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(120);
/// How often a cancelled operation is noticed.
#[cfg(unix)]
const PATIENCE: Duration = Duration::from_millis(50);
