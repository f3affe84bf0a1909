//! A sender's signature: the value of the end extension *sender*.

use super::key::{ALGORITHM_ED25519, ALGORITHM_SECURITY_KEY, SenderKey};
use super::message::SignedBytes;
use super::wire::Fields;
use crate::crypto::{SegmentHasher, verify_ed25519};
use crate::format::DigestKind;

/// A signature with the key that made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SenderSignature {
    key: SenderKey,
    signature: [u8; 64],
    /// What a security key signs with the message: flags, and the count of its signatures.
    presence: Option<(u8, u32)>,
}

impl SenderSignature {
    /// A signature of an ordinary key. `key` is no security key.
    pub(super) const fn ed25519(key: SenderKey, signature: [u8; 64]) -> Self {
        Self {
            key,
            signature,
            presence: None,
        }
    }

    /// The signature that an agent made with `key`, in OpenSSH's wire encoding.
    pub(super) fn from_blob(key: &SenderKey, blob: &[u8]) -> Option<Self> {
        let mut fields = Fields(blob);
        let name = fields.string()?;
        let signature = fields.string()?.try_into().ok()?;
        let presence = match key.application() {
            None => None,
            Some(_) => Some((fields.byte()?, fields.u32()?)),
        };
        let is_whole = name == key.type_name().as_bytes() && fields.is_empty();
        is_whole.then(|| Self {
            key: key.clone(),
            signature,
            presence,
        })
    }

    /// Whether the signature is that of `signed` under its key. A security key must have tested the presence of its user.
    #[must_use]
    pub fn verifies(&self, signed: &SignedBytes) -> bool {
        let point = self.key.point();
        match (self.key.application(), self.presence) {
            (None, None) => verify_ed25519(point, signed.as_bytes(), &self.signature),
            (Some(application), Some((flags, counter))) => {
                let mut message = Vec::with_capacity(69);
                message.extend_from_slice(&sha256(application));
                message.push(flags);
                message.extend_from_slice(&counter.to_be_bytes());
                message.extend_from_slice(&sha256(signed.as_bytes()));
                flags & USER_PRESENT != 0 && verify_ed25519(point, &message, &self.signature)
            }
            _ => false,
        }
    }

    /// The value of the extension.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![self.key.algorithm()];
        out.extend_from_slice(self.key.point());
        out.extend_from_slice(&self.signature);
        if let Some((flags, counter)) = self.presence {
            out.push(flags);
            out.extend_from_slice(&counter.to_be_bytes());
        }
        out.extend_from_slice(self.key.application().unwrap_or_default());
        out
    }

    /// The sender's key.
    #[must_use]
    pub const fn key(&self) -> &SenderKey {
        &self.key
    }

    /// Bytes of the value that a key's signature will have.
    #[must_use]
    pub fn encoded_size(key: &SenderKey) -> usize {
        let presence = key.application().map_or(0, |application| 5 + application.len());
        1 + 32 + 64 + presence
    }
}

/// The value of the extension, as far as it can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SenderEntry {
    /// The algorithm is not one of this version.
    UnknownAlgorithm,
    /// The value has a wrong length. The key is there if the value is long enough to hold it.
    Malformed(Option<SenderKey>),
    /// A signature that can be verified.
    Signature(SenderSignature),
}

impl SenderEntry {
    /// Reads the extension's value.
    #[must_use]
    pub fn parse(value: &[u8]) -> Self {
        let mut fields = Fields(value);
        let algorithm = fields.byte();
        let point = fields.take(32).and_then(|point| <[u8; 32]>::try_from(point).ok());
        let signature = fields.take(64).and_then(|bytes| <[u8; 64]>::try_from(bytes).ok());
        match algorithm {
            Some(ALGORITHM_ED25519) => match (point, signature) {
                (Some(point), Some(signature)) if fields.is_empty() => {
                    Self::Signature(SenderSignature::ed25519(SenderKey::ed25519(point), signature))
                }
                _ => Self::Malformed(point.map(SenderKey::ed25519)),
            },
            Some(ALGORITHM_SECURITY_KEY) => {
                let presence = fields.byte().zip(fields.u32());
                match (point, signature, presence) {
                    (Some(point), Some(signature), Some(presence)) => Self::Signature(SenderSignature {
                        key: SenderKey::security_key(point, fields.0.to_vec()),
                        signature,
                        presence: Some(presence),
                    }),
                    _ => Self::Malformed(None),
                }
            }
            _ => Self::UnknownAlgorithm,
        }
    }

    /// The key that the entry claims.
    #[must_use]
    pub const fn key(&self) -> Option<&SenderKey> {
        match self {
            Self::UnknownAlgorithm => None,
            Self::Malformed(key) => key.as_ref(),
            Self::Signature(signature) => Some(&signature.key),
        }
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hasher = SegmentHasher::new(DigestKind::Sha256);
    hasher.update(bytes);
    let mut out = [0; 32];
    out.copy_from_slice(hasher.finish().as_bytes());
    out
}

/// Flag of a security key: its user was present.
const USER_PRESENT: u8 = 1;
