//! Why a file of keys is refused, and what it holds instead of the keys that were expected.

use std::fmt;

/// Why a file of keys was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyFileReason {
    /// Users other than its owner can read a file of secrets. Only checked on Unix.
    ReadableByOthers,
    /// It is a directory, a pipe, a device or the like.
    NotARegularFile,
    /// It is larger than any file of keys.
    TooLarge,
    /// A key file holds no key: 32 bytes, 64 hexadecimal digits or 44 Base64 characters.
    NoKey,
    /// A key file holds more than one key.
    SeveralKeys,
    /// A line of an identity file holds no secret key of a pair, or the file has none.
    NoSecretKey,
    /// A line of a recipients file holds no public key, or the file has none.
    NoPublicKey,
    /// It holds a key where a key pair or a public key was expected.
    HoldsKey,
    /// It holds the secret key of a pair where a key or a public key was expected.
    HoldsKeyPair,
    /// It holds a public key where a secret one was expected.
    HoldsPublicKey,
    /// It is encrypted with a passphrase.
    Encrypted,
    /// It holds a key of a kind that this release can't use: of an age plugin, of SSH, of OpenPGP.
    UnsupportedKey,
    /// A file of a sender's secret key holds no OpenSSH private key of Ed25519.
    NoSenderKey,
    /// A private key is encrypted, and no passphrase was given.
    PassphraseNeeded,
    /// The passphrase does not open a private key.
    WrongPassphrase,
    /// A private key is on a security key, which only an agent can use.
    SecurityKey,
    /// A line holds no public key of a sender, or a file holds none that may sign streams.
    NoSender,
    /// A line trusts an authority, or holds a certificate, and certificates are not checked.
    CertAuthority,
    /// A line limits how long its key is valid, and a stream does not tell when it was signed.
    ValidityLimit,
}

impl fmt::Display for KeyFileReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReadableByOthers => {
                "other users can read it; make it readable only by you with chmod 600, or allow that"
            }
            Self::NotARegularFile => "it is not a regular file",
            Self::TooLarge => "it is too large for a file of keys",
            Self::NoKey => {
                "it holds no key; a key is 32 bytes, or one line of 64 hexadecimal digits or 44 Base64 characters"
            }
            Self::SeveralKeys => "it holds more than one key; a key file holds one",
            Self::NoSecretKey => "not a secret key; each line holds AGE-SECRET-KEY-1… or AGE-SECRET-KEY-PQ-1…",
            Self::NoPublicKey => "not a public key; each line holds age1… or age1pq1…",
            Self::HoldsKey => "it is a key file, not a file of key pairs or public keys",
            Self::HoldsKeyPair => "it holds the secret key of a key pair",
            Self::HoldsPublicKey => "it holds a public key, and a secret one is needed",
            Self::Encrypted => "it is encrypted with a passphrase; decrypt it first",
            Self::UnsupportedKey => "it holds a key of a kind that this release can't use",
            Self::NoSenderKey => "it holds no private key of OpenSSH of the type ed25519",
            Self::PassphraseNeeded => "it is protected by a passphrase; give that, or use an SSH agent",
            Self::WrongPassphrase => "the passphrase does not open it",
            Self::SecurityKey => {
                "its secret is on a security key; add it to an SSH agent with ssh-add, and sign through that"
            }
            Self::NoSender => {
                "not a public key of a sender; each line holds ssh-ed25519 AAAA… or sk-ssh-ed25519@openssh.com AAAA…"
            }
            Self::CertAuthority => {
                "it trusts a certificate authority, and certificates are not checked; name the keys themselves"
            }
            Self::ValidityLimit => {
                "it limits how long the key is valid, and a stream does not prove when it was signed; leave out the key or the limit"
            }
        })
    }
}

/// What a line holds that is not the expected key, as far as its first characters tell.
pub(super) fn recognize(line: &[u8]) -> Option<KeyFileReason> {
    if line.starts_with(b"age1") {
        let is_key = line.len() >= SHORTEST_PUBLIC_KEY && line.iter().all(u8::is_ascii_alphanumeric);
        return is_key.then_some(KeyFileReason::HoldsPublicKey);
    }
    let starts = STARTS.iter().find(|(start, _)| line.starts_with(start));
    starts.map(|(_, reason)| *reason)
}

/// Characters of an X25519 public key.
const SHORTEST_PUBLIC_KEY: usize = 62;

const STARTS: &[(&[u8], KeyFileReason)] = &[
    (b"AGE-SECRET-KEY-", KeyFileReason::HoldsKeyPair),
    (b"AGE-PLUGIN-", KeyFileReason::UnsupportedKey),
    (b"age-encryption.org/", KeyFileReason::Encrypted),
    (b"-----BEGIN AGE ENCRYPTED FILE", KeyFileReason::Encrypted),
    (b"-----BEGIN ENCRYPTED PRIVATE KEY", KeyFileReason::Encrypted),
    (b"-----BEGIN PGP MESSAGE", KeyFileReason::Encrypted),
    (b"-----BEGIN ", KeyFileReason::UnsupportedKey),
    (b"ssh-", KeyFileReason::UnsupportedKey),
    (b"ecdsa-sha2-", KeyFileReason::UnsupportedKey),
];
