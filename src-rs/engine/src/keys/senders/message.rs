//! What a sender signs: everything in a stream that is visible and final.

use super::wire::put_string;
use crate::crypto::{SegmentHasher, StreamBinding};
use crate::format::DigestKind;
use std::fmt;

/// A message in progress: the fixed part first, then the manifest's entries.
pub struct SenderMessage(SegmentHasher);

impl SenderMessage {
    /// Starts the message of a stream with this binding, these totals and these end extensions in front of the sender's.
    #[must_use]
    pub fn new(
        binding: &StreamBinding,
        segment_count: u64,
        plaintext_total: u64,
        extensions_before: &[u8],
    ) -> Self {
        let mut hasher = SegmentHasher::new(DigestKind::Sha512);
        hasher.update(LABEL);
        hasher.update(binding.as_bytes());
        hasher.update(&segment_count.to_be_bytes());
        hasher.update(&plaintext_total.to_be_bytes());
        hasher.update(&(extensions_before.len() as u32).to_be_bytes());
        hasher.update(extensions_before);
        Self(hasher)
    }

    /// Adds encoded entries of the manifest.
    pub fn add_entries(&mut self, entries: &[u8]) {
        self.0.update(entries);
    }

    /// The bytes that are signed.
    #[must_use]
    pub fn finish(self) -> SignedBytes {
        let hash = self.0.finish();
        let mut out = Vec::with_capacity(SIGNED_SIZE);
        out.extend_from_slice(b"SSHSIG");
        put_string(&mut out, SENDER_NAMESPACE.as_bytes());
        put_string(&mut out, b"");
        put_string(&mut out, b"sha512");
        put_string(&mut out, hash.as_bytes());
        SignedBytes(out)
    }
}

/// The bytes that a sender signs, [`SIGNED_SIZE`] of them: OpenSSH's SSHSIG over SHA-512 of the message.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedBytes(Vec<u8>);

impl SignedBytes {
    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SignedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignedBytes")
    }
}

/// The namespace of the signatures, as `ssh-keygen -Y` takes it.
pub const SENDER_NAMESPACE: &str = "sealstream";
/// Bytes that are signed.
pub const SIGNED_SIZE: usize = 102;
const LABEL: &[u8] = b"sealstream v1 sender";
