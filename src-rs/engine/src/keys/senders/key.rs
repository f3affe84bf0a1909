//! The public key of a sender, as a stream holds it and as OpenSSH writes it.

use super::wire::{Fields, put_string};
use base64ct::{Base64, Encoding};
use std::fmt;
use std::str::FromStr;

/// The public key of a sender. Two keys are the same sender only if their applications are the same too.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SenderKey {
    point: [u8; 32],
    /// The application of a security key, which OpenSSH signs with the message; `None` for an ordinary key.
    application: Option<Vec<u8>>,
}

impl SenderKey {
    /// An ordinary Ed25519 key. Whether its encoding is acceptable is decided where a signature is verified.
    #[must_use]
    pub const fn ed25519(point: [u8; 32]) -> Self {
        Self {
            point,
            application: None,
        }
    }

    /// A security key (FIDO) with its application, such as `ssh:`.
    #[must_use]
    pub const fn security_key(point: [u8; 32], application: Vec<u8>) -> Self {
        Self {
            point,
            application: Some(application),
        }
    }

    /// The 32 bytes of the Ed25519 key.
    #[must_use]
    pub const fn point(&self) -> &[u8; 32] {
        &self.point
    }

    /// The application of a security key.
    #[must_use]
    pub fn application(&self) -> Option<&[u8]> {
        self.application.as_deref()
    }

    /// OpenSSH's name of the key's type.
    #[must_use]
    pub const fn type_name(&self) -> &'static str {
        match self.application {
            None => ED25519,
            Some(_) => SECURITY_KEY,
        }
    }

    /// The algorithm and the key, as the header announces them.
    #[must_use]
    pub fn announcement(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(33);
        out.push(self.algorithm());
        out.extend_from_slice(&self.point);
        out.extend_from_slice(self.application.as_deref().unwrap_or_default());
        out
    }

    /// The key that a header announces; `None` for an unknown algorithm or a wrong length.
    #[must_use]
    pub fn announced(value: &[u8]) -> Option<Self> {
        let (algorithm, rest) = value.split_first()?;
        let (point, application) = rest.split_first_chunk()?;
        match *algorithm {
            ALGORITHM_ED25519 if application.is_empty() => Some(Self::ed25519(*point)),
            ALGORITHM_SECURITY_KEY => Some(Self::security_key(*point, application.to_vec())),
            _ => None,
        }
    }

    /// The format's number of the algorithm.
    pub(super) const fn algorithm(&self) -> u8 {
        match self.application {
            None => ALGORITHM_ED25519,
            Some(_) => ALGORITHM_SECURITY_KEY,
        }
    }

    /// The key in OpenSSH's wire encoding.
    pub(super) fn to_blob(&self) -> Vec<u8> {
        let mut blob = Vec::new();
        put_string(&mut blob, self.type_name().as_bytes());
        put_string(&mut blob, &self.point);
        if let Some(application) = &self.application {
            put_string(&mut blob, application);
        }
        blob
    }

    /// Reads a key in OpenSSH's wire encoding.
    pub(super) fn from_blob(blob: &[u8]) -> Option<Self> {
        let mut fields = Fields(blob);
        let name = fields.string()?;
        let point = fields.string()?.try_into().ok()?;
        let key = match name {
            name if name == ED25519.as_bytes() => Self::ed25519(point),
            name if name == SECURITY_KEY.as_bytes() => Self::security_key(point, fields.string()?.to_vec()),
            _ => return None,
        };
        fields.is_empty().then_some(key)
    }

    /// Reads the key of this type from its Base64.
    pub(super) fn from_type_and_base64(name: &str, base64: &str) -> Option<Self> {
        let key = Self::from_blob(&Base64::decode_vec(base64).ok()?)?;
        (key.type_name() == name).then_some(key)
    }
}

/// The text is no public key of a sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a public key of OpenSSH: ssh-ed25519 AAAA… or sk-ssh-ed25519@openssh.com AAAA…")]
pub struct SenderTextError;

impl FromStr for SenderKey {
    type Err = SenderTextError;

    /// Reads one line of OpenSSH: type, Base64, and a comment, which is ignored.
    fn from_str(text: &str) -> Result<Self, SenderTextError> {
        let mut words = text.split_ascii_whitespace();
        let is_one_line = !text.trim().contains(['\n', '\r']);
        let (name, base64) = words.next().zip(words.next()).ok_or(SenderTextError)?;
        let key = Self::from_type_and_base64(name, base64).filter(|_| is_one_line);
        key.ok_or(SenderTextError)
    }
}

impl fmt::Display for SenderKey {
    /// As OpenSSH writes it, without a comment.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}",
            self.type_name(),
            Base64::encode_string(&self.to_blob())
        )
    }
}

impl fmt::Debug for SenderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// OpenSSH's name of an ordinary Ed25519 key.
pub(super) const ED25519: &str = "ssh-ed25519";
/// OpenSSH's name of an Ed25519 key on a security key.
pub(super) const SECURITY_KEY: &str = "sk-ssh-ed25519@openssh.com";
pub(super) const ALGORITHM_ED25519: u8 = 1;
pub(super) const ALGORITHM_SECURITY_KEY: u8 = 2;
