//! Why a sender is unverified, and why a stream could not be signed.

use std::fmt;

/// Why the sender of a stream is unverified. The first that holds, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SenderReason {
    /// The stream has no signature.
    NoSignature,
    /// The digest of its records is not collision resistant, so a signature proves nothing about them.
    WeakDigest,
    /// The signature's algorithm is not one of this version.
    UnknownAlgorithm,
    /// The header announces another sender.
    NotAnnounced,
    /// Another sender than those that the reader trusts.
    AnotherSender,
    /// The signature is wrong, or its key is not acceptable.
    BadSignature,
}

impl fmt::Display for SenderReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSignature => "it has no signature",
            Self::WeakDigest => "its digest is not collision resistant, so its signature proves nothing",
            Self::UnknownAlgorithm => {
                "its signature has an algorithm that this release does not know (use a newer release)"
            }
            Self::NotAnnounced => "its signature is not of the sender that its header announces",
            Self::AnotherSender => "another sender signed it",
            Self::BadSignature => "its signature is wrong",
        })
    }
}

/// Why a signer failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignerReason {
    /// No agent is named: the environment variable SSH_AUTH_SOCK is not set.
    NoAgent,
    /// The agent can't be reached, or its answers make no sense.
    AgentFailed,
    /// Agents are reached by a Unix socket, which this system does not have.
    AgentUnsupported,
    /// The agent does not hold the key.
    KeyNotInAgent,
    /// No key was named, and the agent holds several that could sign.
    SeveralKeysInAgent,
    /// The agent, or its user, refused to sign.
    Refused,
    /// The signer did not answer in time.
    TimedOut,
    /// The signature that it gave is wrong.
    WrongSignature,
    /// The signer that the caller supplied failed.
    SignerFailed,
}

impl fmt::Display for SignerReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoAgent => "no SSH agent is running: SSH_AUTH_SOCK is not set",
            Self::AgentFailed => "the SSH agent failed",
            Self::AgentUnsupported => "SSH agents are supported only where they have a Unix socket",
            Self::KeyNotInAgent => "the SSH agent does not hold the sender's key; add it with ssh-add",
            Self::SeveralKeysInAgent => {
                "the SSH agent holds several Ed25519 keys; name the public key of one"
            }
            Self::Refused => "the SSH agent refused to sign",
            Self::TimedOut => "the signer did not answer in time",
            Self::WrongSignature => "the signer gave a wrong signature",
            Self::SignerFailed => "the signer failed",
        })
    }
}
