//! Decides whether a stream is signed by a sender that its reader trusts.

use super::key::SenderKey;
use super::message::SignedBytes;
use super::reasons::SenderReason;
use super::signature::SenderEntry;
use crate::format::DigestKind;

/// The sender of a stream, and whether the signature was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SenderStatus {
    /// The key that the stream claims; `None` if it can't be read.
    pub key: Option<SenderKey>,
    /// Why it is unverified; `None` if the signature is right.
    pub failure: Option<SenderReason>,
}

/// What decides about the sender of one stream.
#[derive(Clone, Copy, Debug)]
pub struct SenderCheck<'a> {
    /// The digest of the stream's records.
    pub digest: DigestKind,
    /// The value of the header's announcement, if it has one.
    pub announced: Option<&'a [u8]>,
    /// The senders that the reader trusts; `None` if it was given none.
    pub trusted: Option<&'a [SenderKey]>,
}

impl SenderCheck<'_> {
    /// Checks the value of the end extension *sender*. `signed` computes the signed bytes; it is called only if they decide.
    /// Returns `None` for a stream without announcement and signature, whose reader asks for none.
    ///
    /// # Errors
    /// The status with its reason, if the reader must refuse the stream.
    pub fn check(
        &self,
        entry: Option<&[u8]>,
        signed: impl FnOnce() -> SignedBytes,
    ) -> Result<Option<SenderStatus>, SenderStatus> {
        let is_required = self.announced.is_some() || self.trusted.is_some();
        let Some(value) = entry else {
            let status = SenderStatus {
                key: self.announced.and_then(SenderKey::announced),
                failure: Some(SenderReason::NoSignature),
            };
            return if is_required { Err(status) } else { Ok(None) };
        };
        let entry = SenderEntry::parse(value);
        let status = SenderStatus {
            failure: self.failure(&entry, signed),
            key: entry.key().cloned(),
        };
        if is_required && status.failure.is_some() {
            return Err(status);
        }
        Ok(Some(status))
    }

    fn failure(&self, entry: &SenderEntry, signed: impl FnOnce() -> SignedBytes) -> Option<SenderReason> {
        if !self.digest.is_collision_resistant() {
            return Some(SenderReason::WeakDigest);
        }
        if *entry == SenderEntry::UnknownAlgorithm {
            return Some(SenderReason::UnknownAlgorithm);
        }
        let key = entry.key();
        let is_announced = |announced| key.is_some_and(|key| key.announcement() == announced);
        if self.announced.is_some_and(|announced| !is_announced(announced)) {
            return Some(SenderReason::NotAnnounced);
        }
        let is_trusted = |trusted: &[SenderKey]| key.is_some_and(|key| trusted.contains(key));
        if self.trusted.is_some_and(|trusted| !is_trusted(trusted)) {
            return Some(SenderReason::AnotherSender);
        }
        match entry {
            SenderEntry::Signature(signature) if signature.verifies(&signed()) => None,
            _ => Some(SenderReason::BadSignature),
        }
    }
}
