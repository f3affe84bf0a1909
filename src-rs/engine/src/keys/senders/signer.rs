//! What signs a stream for its sender.

use super::key::SenderKey;
use super::message::SignedBytes;
use super::reasons::SignerReason;
use super::signature::SenderSignature;
use std::fmt;
use std::sync::Arc;

/// Signs streams. It is asked for its public key before a stream is begun, and for the signature when the stream ends.
pub trait Signer: Send + Sync + fmt::Debug {
    /// The public key, which the header announces.
    ///
    /// # Errors
    /// See [`SignerError`].
    fn public_key(&self, is_cancelled: &dyn Fn() -> bool) -> Result<SenderKey, SignerError>;

    /// The public key, if it is known without asking. A stream's size can then be computed at once.
    fn named_key(&self) -> Option<SenderKey>;

    /// Signs with the key that [`public_key`](Self::public_key) returned. May wait for a person or a device; returns soon after
    /// `is_cancelled` becomes true.
    ///
    /// # Errors
    /// See [`SignerError`].
    fn sign(
        &self,
        key: &SenderKey,
        signed: &SignedBytes,
        is_cancelled: &dyn Fn() -> bool,
    ) -> Result<SenderSignature, SignerError>;
}

/// How a stream is signed.
#[derive(Clone, Debug)]
pub struct Sender {
    /// What signs it.
    pub signer: Arc<dyn Signer>,
    /// Whether the header announces the sender. A stream whose signature was stripped is then refused by every reader.
    pub announce: bool,
}

/// Why a stream could not be signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignerError {
    /// The operation was cancelled.
    Cancelled,
    /// The signer failed.
    Failed {
        /// Why.
        reason: SignerReason,
        /// What the signer said, if it said anything.
        detail: Option<String>,
    },
}

impl SignerError {
    /// A failure of which the reason tells everything.
    pub(super) const fn because(reason: SignerReason) -> Self {
        Self::Failed { reason, detail: None }
    }

    /// A failure with what the system or the signer said.
    #[must_use]
    pub fn with(reason: SignerReason, detail: impl fmt::Display) -> Self {
        let detail = Some(detail.to_string());
        Self::Failed { reason, detail }
    }
}

/// A signer outside of the engine, such as a key management service. It signs with an ordinary key.
pub struct ExternalSigner<F> {
    point: [u8; 32],
    sign: F,
}

impl<F> ExternalSigner<F>
where
    F: Fn(&[u8], &dyn Fn() -> bool) -> Result<Vec<u8>, SignerError> + Send + Sync,
{
    /// A signer with this Ed25519 key. `sign` returns the 64 bytes of the signature of the bytes that it gets.
    #[must_use]
    pub const fn new(point: [u8; 32], sign: F) -> Self {
        Self { point, sign }
    }
}

impl<F> fmt::Debug for ExternalSigner<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ExternalSigner")
    }
}

impl<F> Signer for ExternalSigner<F>
where
    F: Fn(&[u8], &dyn Fn() -> bool) -> Result<Vec<u8>, SignerError> + Send + Sync,
{
    fn public_key(&self, _: &dyn Fn() -> bool) -> Result<SenderKey, SignerError> {
        Ok(SenderKey::ed25519(self.point))
    }

    fn named_key(&self) -> Option<SenderKey> {
        Some(SenderKey::ed25519(self.point))
    }

    fn sign(
        &self,
        key: &SenderKey,
        signed: &SignedBytes,
        is_cancelled: &dyn Fn() -> bool,
    ) -> Result<SenderSignature, SignerError> {
        let signature = (self.sign)(signed.as_bytes(), is_cancelled)?;
        match <[u8; 64]>::try_from(signature.as_slice()) {
            Ok(signature) => Ok(SenderSignature::ed25519(key.clone(), signature)),
            Err(_) => Err(SignerError::with(
                SignerReason::WrongSignature,
                format_args!("it has {} bytes, not 64", signature.len()),
            )),
        }
    }
}
