//! A sender's secret key in a file of OpenSSH.

use super::key::SenderKey;
use super::message::SignedBytes;
use super::signature::SenderSignature;
use super::signer::{Signer, SignerError};
use crate::crypto::{Ed25519Key, Random};
use crate::keys::file::{KeyFileError, read_protected, write_new};
use crate::keys::file_reason::KeyFileReason;
use ssh_key::private::{Ed25519Keypair, Ed25519PrivateKey, KeypairData};
use ssh_key::public::Ed25519PublicKey;
use ssh_key::{LineEnding, PrivateKey};
use std::path::Path;
use zeroize::Zeroizing;

/// A sender's secret key in memory.
#[derive(Debug)]
pub struct SenderSecret {
    key: Ed25519Key,
    public: SenderKey,
}

impl SenderSecret {
    /// The key of a 32-byte seed; `None` for no seed. The caller overwrites its own copy.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Option<Self> {
        let key = Ed25519Key::from_seed(seed).ok()?;
        let public = SenderKey::ed25519(key.public_key());
        Some(Self { key, public })
    }

    /// The public key.
    #[must_use]
    pub const fn public(&self) -> &SenderKey {
        &self.public
    }

    /// Reads the text of an OpenSSH private key. `passphrase` opens an encrypted one.
    ///
    /// # Errors
    /// `NoSenderKey`, `UnsupportedKey`, `SecurityKey`, `PassphraseNeeded`, `WrongPassphrase`.
    pub fn from_openssh(text: &[u8], passphrase: Option<&[u8]>) -> Result<Self, KeyFileReason> {
        let key = PrivateKey::from_openssh(text).map_err(|_| KeyFileReason::NoSenderKey)?;
        let key = match (key.is_encrypted(), passphrase) {
            (false, _) => key,
            (true, None) => return Err(KeyFileReason::PassphraseNeeded),
            (true, Some(passphrase)) => key
                .decrypt(passphrase)
                .map_err(|_| KeyFileReason::WrongPassphrase)?,
        };
        match key.key_data() {
            KeypairData::Ed25519(pair) => {
                let seed = Zeroizing::new(pair.private.to_bytes());
                // A public key beside it that is not its own would make a signer reveal the secret one.
                let secret = Self::from_seed(&seed).filter(|secret| *secret.public.point() == pair.public.0);
                secret.ok_or(KeyFileReason::NoSenderKey)
            }
            KeypairData::SkEd25519(_) => Err(KeyFileReason::SecurityKey),
            _ => Err(KeyFileReason::UnsupportedKey),
        }
    }
}

impl Signer for SenderSecret {
    fn public_key(&self, _: &dyn Fn() -> bool) -> Result<SenderKey, SignerError> {
        Ok(self.public.clone())
    }

    fn named_key(&self) -> Option<SenderKey> {
        Some(self.public.clone())
    }

    fn sign(
        &self,
        _: &SenderKey,
        signed: &SignedBytes,
        _: &dyn Fn() -> bool,
    ) -> Result<SenderSignature, SignerError> {
        let signature = self.key.sign(signed.as_bytes());
        Ok(SenderSignature::ed25519(self.public.clone(), signature))
    }
}

/// Reads an OpenSSH private key from a file that only its owner can read, unless `allow_readable`.
///
/// # Errors
/// `Io`, and `Refused` with the reasons of [`SenderSecret::from_openssh`], `ReadableByOthers`, `NotARegularFile` and `TooLarge`.
pub fn read_sender_key_file(
    path: &Path,
    passphrase: Option<&[u8]>,
    allow_readable: bool,
) -> Result<SenderSecret, KeyFileError> {
    read_protected(path, allow_readable, MAX_FILE_SIZE, |content| {
        Ok(SenderSecret::from_openssh(content, passphrase)?)
    })
}

/// Writes a new OpenSSH private key, which only its owner can read, and returns its public key.
///
/// # Errors
/// `Exists`: a file of keys is never overwritten. `Io`.
pub fn write_sender_key_file(path: &Path, comment: &str) -> Result<SenderKey, KeyFileError> {
    let unavailable = || std::io::Error::other("the system's random generator failed");
    let mut seed = Zeroizing::new([0; 32]);
    Random::system()
        .fill(seed.as_mut_slice())
        .map_err(|_| unavailable())?;
    let public = SenderSecret::from_seed(&seed).ok_or_else(unavailable)?.public;
    let pair = Ed25519Keypair {
        public: Ed25519PublicKey(*public.point()),
        private: Ed25519PrivateKey::from_bytes(&seed),
    };
    let text = PrivateKey::new(KeypairData::Ed25519(pair), comment)
        .and_then(|key| key.to_openssh(LineEnding::LF))
        .map_err(|error| std::io::Error::other(error.to_string()))?;
    write_new(path, &text)?;
    Ok(public)
}

const MAX_FILE_SIZE: usize = 64 * 1024;
