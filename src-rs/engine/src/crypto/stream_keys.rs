//! The keys of one stream, all derived from its file key and bound to its core and context.

use super::floe::FloeKey;
use super::kdf::{MacKey, Prk, RunningMac, sha384};
use super::{CryptoError, FileKey, overwrite_stack};
use subtle::ConstantTimeEq;

/// The root of a stream's keys.
#[derive(Clone, Debug)]
pub struct StreamKeys {
    prk: Prk,
    header_key: MacKey,
    /// core || SHA-384(core extensions) || SHA-384(context).
    binding: [u8; BINDING_SIZE],
}

/// What segments are sealed under.
pub type PayloadKey = FloeKey;

impl StreamKeys {
    /// Derives the root. `core` holds the stream id in its last 32 bytes; `context` is what the caller supplies at
    /// both ends and the stream does not hold.
    ///
    /// # Errors
    /// None for inputs that the format allows.
    pub fn derive(
        file_key: &FileKey,
        core: &[u8; 64],
        core_extensions: &[u8],
        context: &[u8],
    ) -> Result<Self, CryptoError> {
        let keys = Self::derive_on_the_stack(file_key, core, core_extensions, context);
        overwrite_stack();
        keys
    }

    #[inline(never)]
    fn derive_on_the_stack(
        file_key: &FileKey,
        core: &[u8; 64],
        core_extensions: &[u8],
        context: &[u8],
    ) -> Result<Self, CryptoError> {
        let prk = Prk::extract(&core[32..], file_key.expose());
        let header_key = MacKey::new(&*prk.expand(&[b"sealstream v1 header"])?);
        let mut binding = [0; BINDING_SIZE];
        binding[..64].copy_from_slice(core);
        binding[64..112].copy_from_slice(&sha384(core_extensions));
        binding[112..].copy_from_slice(&sha384(context));
        Ok(Self {
            prk,
            header_key,
            binding,
        })
    }

    /// The MAC of a header's bytes.
    #[must_use]
    pub fn header_mac(&self, bytes: &[u8]) -> [u8; 48] {
        self.header_key.sign(bytes)
    }

    /// Checks a header's MAC in constant time.
    #[must_use]
    pub fn verify_header(&self, bytes: &[u8], mac: &[u8; 48]) -> bool {
        self.header_key.verify(bytes, mac)
    }

    /// The value by which a reader tells a wrong context from a wrong key.
    ///
    /// # Errors
    /// None for inputs that the format allows.
    pub fn context_check(&self) -> Result<[u8; 32], CryptoError> {
        Ok(*self.expand(b"sealstream v1 context")?)
    }

    /// Compares the context check in constant time.
    ///
    /// # Errors
    /// None for inputs that the format allows.
    pub fn verify_context(&self, check: &[u8; 32]) -> Result<bool, CryptoError> {
        Ok(self.context_check()?.ct_eq(check).into())
    }

    /// The key that segments are sealed under.
    ///
    /// # Errors
    /// None for inputs that the format allows.
    pub fn payload_key(&self) -> Result<PayloadKey, CryptoError> {
        Ok(FloeKey::new(&*self.expand(b"sealstream v1 payload")?))
    }

    /// The key of the EndRecord's MAC.
    ///
    /// # Errors
    /// None for inputs that the format allows.
    pub fn end_key(&self) -> Result<EndKey, CryptoError> {
        Ok(EndKey(MacKey::new(&*self.expand(b"sealstream v1 end")?)))
    }

    /// The key of the journal's MACs.
    ///
    /// # Errors
    /// None for inputs that the format allows.
    pub fn journal_key(&self) -> Result<JournalKey, CryptoError> {
        Ok(JournalKey(MacKey::new(&*self.expand(b"sealstream v1 journal")?)))
    }

    fn expand<const N: usize>(&self, label: &[u8]) -> Result<zeroize::Zeroizing<[u8; N]>, CryptoError> {
        self.prk.expand(&[label, &self.binding])
    }
}

/// The key of the EndRecord's MAC.
#[derive(Clone, Debug)]
pub struct EndKey(MacKey);

impl EndKey {
    /// The MAC of an EndRecord's bytes.
    #[must_use]
    pub fn sign(&self, bytes: &[u8]) -> [u8; 48] {
        self.0.sign(bytes)
    }

    /// Starts the MAC of an EndRecord whose bytes come in pieces, so that none has to be held before it is authentic.
    #[must_use]
    pub fn start(&self) -> RunningMac {
        self.0.start()
    }

    /// Checks an EndRecord's MAC in constant time.
    #[must_use]
    pub fn verify(&self, bytes: &[u8], mac: &[u8; 48]) -> bool {
        self.0.verify(bytes, mac)
    }
}

/// The key of the MACs in the journal of an unfinished operation.
#[derive(Clone, Debug)]
pub struct JournalKey(MacKey);

impl JournalKey {
    /// The MAC of a part of a journal.
    #[must_use]
    pub fn sign(&self, bytes: &[u8]) -> [u8; 48] {
        self.0.sign(bytes)
    }

    /// Checks the MAC of a part of a journal in constant time.
    #[must_use]
    pub fn verify(&self, bytes: &[u8], mac: &[u8; 48]) -> bool {
        self.0.verify(bytes, mac)
    }
}

const BINDING_SIZE: usize = 64 + 48 + 48;
