//! The keys of one stream. All are derived from its file key and bound to its core and context.

use super::floe::FloeKey;
use super::kdf::{MacKey, Prk, sha384};
use super::{CryptoError, ExtensionKeys, FileKey, Random, SecretKey, overwrite_stack};
use crate::format::{ExtensionArea, HeaderFields};
use std::ops::Deref;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The root of a stream's keys.
#[derive(Clone, Debug)]
pub struct StreamKeys {
    prk: Prk,
    header_key: MacKey<HeaderPurpose>,
    /// core || SHA-384(core extensions) || SHA-384(context).
    binding: [u8; BINDING_SIZE],
}

/// The key that segments are sealed under.
pub type PayloadKey = FloeKey;

/// What every wrap of a stream's file key is bound to, and what a sender signs: the header's fixed fields. A slot that is moved into a
/// header with another core, other core extensions or another context opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamBinding([u8; 48]);

impl StreamBinding {
    /// SHA-384(core || SHA-384(core extensions) || context check), from a header that is written or read.
    #[must_use]
    pub fn of(header: &HeaderFields) -> Self {
        Self::new(
            &header.core.encode(),
            &header.core_extensions,
            &header.context_check,
        )
    }

    /// As [`of`](Self::of), from the fields alone.
    #[must_use]
    pub fn new(core: &[u8; 64], core_extensions: &[u8], context_check: &[u8; 32]) -> Self {
        let mut bound = [0; 64 + 48 + 32];
        bound[..64].copy_from_slice(core);
        bound[64..112].copy_from_slice(&sha384(core_extensions));
        bound[112..].copy_from_slice(context_check);
        Self(sha384(&bound))
    }

    /// The 48 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 48] {
        &self.0
    }
}

impl StreamKeys {
    /// Derives the root of the stream with this header, as [`derive`](Self::derive) does.
    ///
    /// # Errors
    /// None for inputs that the format allows.
    pub fn of(header: &HeaderFields, file_key: &FileKey, context: &[u8]) -> Result<Self, CryptoError> {
        Self::derive(file_key, &header.core.encode(), &header.core_extensions, context)
    }

    /// Derives the root. `core` holds the stream id in its last 32 bytes. `context` is supplied by the caller on sealing and on
    /// opening; the stream does not hold it.
    ///
    /// # Errors
    /// None for inputs that the format allows.
    pub fn derive(
        file_key: &FileKey,
        core: &[u8; 64],
        core_extensions: &[u8],
        context: &[u8],
    ) -> Result<Self, CryptoError> {
        let keys = Self::derive_unerased(file_key, core, core_extensions, context);
        overwrite_stack();
        keys
    }

    #[inline(never)]
    fn derive_unerased(
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

    /// The value by which a reader distinguishes a wrong context from a wrong key.
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

    /// The keys of the end record.
    ///
    /// # Errors
    /// None for inputs that the format allows.
    pub fn end_key(&self) -> Result<EndKey, CryptoError> {
        Ok(EndKey {
            mac: MacKey::new(&*self.expand(b"sealstream v1 end")?),
            extensions: self.extension_keys(),
        })
    }

    /// The key of the journal's MACs.
    ///
    /// # Errors
    /// None for inputs that the format allows.
    pub fn journal_key(&self) -> Result<JournalKey, CryptoError> {
        Ok(MacKey::new(&*self.expand(b"sealstream v1 journal")?))
    }

    /// The key of the journal's MACs for a stream that is to be signed. Recipients know [`journal_key`](Self::journal_key), and
    /// could have records of their own signed with it.
    ///
    /// # Errors
    /// None for inputs that the format allows.
    pub fn signed_journal_key(&self, resume_secret: &SecretKey) -> Result<JournalKey, CryptoError> {
        let key = self.expand_secret(resume_secret, b"sealstream v1 signed journal")?;
        Ok(MacKey::new(&key))
    }

    /// The key of the MACs of parts' receipts.
    ///
    /// # Errors
    /// None for inputs that the format allows.
    pub fn part_key(&self) -> Result<PartKey, CryptoError> {
        Ok(MacKey::new(&*self.expand(b"sealstream v1 part")?))
    }

    /// The same for a stream that is to be signed, with a secret that the makers of parts share.
    ///
    /// # Errors
    /// None for inputs that the format allows.
    pub fn signed_part_key(&self, receipt_secret: &SecretKey) -> Result<PartKey, CryptoError> {
        let key = self.expand_secret(receipt_secret, b"sealstream v1 signed part")?;
        Ok(MacKey::new(&key))
    }

    /// A key from a secret that the recipients do not know, bound to the stream.
    fn expand_secret(
        &self,
        secret: &SecretKey,
        label: &[u8],
    ) -> Result<zeroize::Zeroizing<[u8; 48]>, CryptoError> {
        let stream_id = &self.binding[32..64];
        let prk = Prk::extract(stream_id, secret.expose());
        let key = prk.expand(&[label, &self.binding]);
        overwrite_stack();
        key
    }

    /// The root of the keys of sealed extension entries.
    #[must_use]
    pub fn extension_keys(&self) -> ExtensionKeys {
        let mut bound = [0; 64 + 48];
        bound[..64].copy_from_slice(&self.binding[..64]);
        bound[64..].copy_from_slice(&self.binding[112..]);
        ExtensionKeys::new(self.prk.clone(), bound)
    }

    fn expand<const N: usize>(&self, label: &[u8]) -> Result<Zeroizing<[u8; N]>, CryptoError> {
        self.prk.expand(&[label, &self.binding])
    }
}

/// The keys of the end record: that of its MAC, and those of its sealed entries.
#[derive(Clone, Debug)]
pub struct EndKey {
    mac: MacKey<EndPurpose>,
    extensions: ExtensionKeys,
}

impl Deref for EndKey {
    type Target = MacKey<EndPurpose>;

    fn deref(&self) -> &MacKey<EndPurpose> {
        &self.mac
    }
}

impl EndKey {
    /// Seals the inner entries of the end record's entry of type `code`, and returns the entry's value.
    ///
    /// # Errors
    /// [`CryptoError::RandomUnavailable`].
    pub fn seal_entry(&self, code: u16, inner: &[u8], random: &Random) -> Result<Vec<u8>, CryptoError> {
        self.extensions.seal(ExtensionArea::End, code, inner, random)
    }

    /// Opens the value of the end record's sealed entry of type `code`, after the end record's MAC was checked.
    ///
    /// # Errors
    /// [`CryptoError::TagMismatch`].
    pub fn open_entry(&self, code: u16, value: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        self.extensions.open(ExtensionArea::End, code, value)
    }
}

/// The key of the MACs in the journal of an unfinished operation.
pub type JournalKey = MacKey<JournalPurpose>;

/// The key of the MACs of parts' receipts.
pub type PartKey = MacKey<PartPurpose>;

/// Purposes of MAC keys, so that the compiler tells the keys apart.
#[derive(Clone, Copy, Debug)]
pub enum HeaderPurpose {}
/// See [`EndKey`].
#[derive(Clone, Copy, Debug)]
pub enum EndPurpose {}
/// See [`PartKey`].
#[derive(Clone, Copy, Debug)]
pub enum PartPurpose {}
/// See [`JournalKey`].
#[derive(Clone, Copy, Debug)]
pub enum JournalPurpose {}

const BINDING_SIZE: usize = 64 + 48 + 48;
