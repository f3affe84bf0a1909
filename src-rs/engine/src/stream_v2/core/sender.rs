//! The sender's part of a stream: announced in the header, signed and verified at the end.

use super::end_scan::{EndBytes, EndScan};
use crate::crypto::StreamBinding;
use crate::error::SealError;
use crate::format::{
    CORE_SENDER, END_SENDER, EndRecord, HeaderFields, append_extension, extension_size, find_extension,
};
use crate::keys::{
    Sender, SenderCheck, SenderKey, SenderMessage, SenderSignature, SenderStatus, SignedBytes, SignerError,
    SignerReason,
};
use crate::operation::cancel::CancellationToken;

/// What signs a stream when it ends.
#[derive(Debug)]
pub(crate) struct StreamSigner {
    sender: Sender,
    key: SenderKey,
}

impl StreamSigner {
    /// Asks the signer for its public key. Call it before any other work.
    pub(crate) fn find(sender: &Sender) -> Result<Self, SealError> {
        let key = sender.signer.public_key(&|| false)?;
        Ok(Self {
            sender: sender.clone(),
            key,
        })
    }

    /// As [`find`](Self::find), but does not ask a signer whose key is known.
    pub(crate) fn named(sender: &Sender) -> Result<Self, SealError> {
        match sender.signer.named_key() {
            Some(key) => Ok(Self {
                sender: sender.clone(),
                key,
            }),
            None => Self::find(sender),
        }
    }

    /// The core extensions of the stream.
    pub(crate) fn core_extensions(&self) -> Vec<u8> {
        let mut area = Vec::new();
        if self.sender.announce {
            append_extension(&mut area, CORE_SENDER, &self.key.announcement());
        }
        area
    }

    /// The sender, for the report of a stream that was signed.
    pub(crate) fn status(&self) -> SenderStatus {
        SenderStatus {
            key: Some(self.key.clone()),
            failure: None,
        }
    }

    /// Bytes of the entry that [`sign`](Self::sign) adds to the end record.
    pub(crate) fn entry_size(&self) -> usize {
        extension_size(SenderSignature::encoded_size(&self.key))
    }

    /// Signs the record and adds the signature behind its other extensions.
    ///
    /// # Errors
    /// `SigningFailed`; `Cancelled`.
    pub(crate) fn sign(
        &self,
        binding: &StreamBinding,
        record: &mut EndRecord,
        cancel: &CancellationToken,
    ) -> Result<(), SealError> {
        let signed = signed_bytes(binding, record, &record.extensions);
        let is_cancelled = || cancel.is_cancelled();
        let signature = self.sender.signer.sign(&self.key, &signed, &is_cancelled)?;
        if *signature.key() != self.key || !signature.verifies(&signed) {
            let reason = SignerReason::WrongSignature;
            return Err(SignerError::Failed { reason, detail: None }.into());
        }
        append_extension(&mut record.extensions, END_SENDER, &signature.encode());
        Ok(())
    }
}

/// Whether the header announces a sender. Every reader then refuses the stream without that sender's signature.
pub(crate) fn announces_sender(header: &HeaderFields) -> bool {
    find_extension(&header.core_extensions, CORE_SENDER).is_some()
}

/// The sender that the header announces. Nothing proves it.
pub(crate) fn announced_sender(header: &HeaderFields) -> Option<SenderKey> {
    SenderKey::announced(find_extension(&header.core_extensions, CORE_SENDER)?)
}

/// Checks the signature of an end record that is otherwise right, for a reader that trusts `trusted`, if it was given senders.
///
/// # Errors
/// `SenderUnverified`.
pub(crate) fn check_sender(
    header: &HeaderFields,
    record: &EndRecord,
    trusted: Option<&[SenderKey]>,
) -> Result<Option<SenderStatus>, SealError> {
    check_entry(header, &record.extensions, trusted, || {
        let before = before_sender(&record.extensions);
        signed_bytes(&StreamBinding::of(header), record, before)
    })
}

/// Hashes what a sender signed while an end record is scanned, so that the record need not be held.
pub(crate) struct SenderScan<'a> {
    header: &'a HeaderFields,
    segments: u64,
    total: u64,
    /// Runs of bytes that are no entries: the fixed fields, the extensions, the record's trailer.
    others: u32,
    /// Of a record that is signed.
    message: Option<SenderMessage>,
}

impl<'a> SenderScan<'a> {
    pub(crate) fn new(header: &'a HeaderFields, record: &EndScan<'_>) -> Self {
        Self {
            header,
            segments: record.segments,
            total: record.total,
            others: 0,
            message: None,
        }
    }

    /// Takes the record's bytes in their order.
    pub(crate) fn take(&mut self, kind: EndBytes, bytes: &[u8]) {
        match kind {
            EndBytes::Entries => self
                .message
                .iter_mut()
                .for_each(|message| message.add_entries(bytes)),
            EndBytes::Others => {
                self.others = self.others.saturating_add(1);
                if self.others == EXTENSIONS && find_extension(bytes, END_SENDER).is_some() {
                    let binding = StreamBinding::of(self.header);
                    let before = before_sender(bytes);
                    self.message = Some(SenderMessage::new(&binding, self.segments, self.total, before));
                }
            }
        }
    }

    /// Checks the signature of the record that was taken, whose sizes and `extensions` are right.
    ///
    /// # Errors
    /// `SenderUnverified`.
    pub(crate) fn check(
        self,
        extensions: &[u8],
        trusted: Option<&[SenderKey]>,
    ) -> Result<Option<SenderStatus>, SealError> {
        let Self { header, message, .. } = self;
        let empty = || SenderMessage::new(&StreamBinding::of(header), 0, 0, &[]);
        check_entry(header, extensions, trusted, || {
            message.unwrap_or_else(empty).finish()
        })
    }
}

/// The extensions in front of the sender's, which is the last.
fn before_sender(extensions: &[u8]) -> &[u8] {
    let size = find_extension(extensions, END_SENDER).map_or(0, |value| extension_size(value.len()));
    let before = extensions.len().saturating_sub(size);
    extensions.get(..before).unwrap_or_default()
}

fn check_entry(
    header: &HeaderFields,
    extensions: &[u8],
    trusted: Option<&[SenderKey]>,
    signed: impl FnOnce() -> SignedBytes,
) -> Result<Option<SenderStatus>, SealError> {
    let check = SenderCheck {
        digest: header.core.geometry.digest(),
        announced: find_extension(&header.core_extensions, CORE_SENDER),
        trusted,
    };
    let entry = find_extension(extensions, END_SENDER);
    check.check(entry, signed).map_err(SealError::from)
}

fn signed_bytes(binding: &StreamBinding, record: &EndRecord, extensions_before: &[u8]) -> SignedBytes {
    let count = record.entries.len();
    let mut message = SenderMessage::new(binding, count, record.plaintext_total, extensions_before);
    message.add_entries(record.entries.as_bytes());
    message.finish()
}

/// The extensions are the second run of an end record's bytes.
const EXTENSIONS: u32 = 2;
