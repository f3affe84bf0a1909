//! Options of sealing and opening: from what the façade passes to what the engine takes.
//!
//! The façade has checked types and names. The engine checks values, before any input is read.

use crate::arguments::credentials::{CredentialArgument, identity_of, recipient_of};
use crate::arguments::senders::{NativeSender, senders_of};
use crate::memory::BytesCopy;
use crate::runtime::damage_judge::{DamageSettings, asker};
use crate::types::convert::MAX_SAFE_INTEGER;
use crate::types::failure::OrThrow;
use crate::types::names::{DigestName, SlotType};
use napi::bindgen_prelude::ClassInstance;
use napi::{Env, Result};
use napi_derive::napi;
use sealstream::format;
use sealstream::format::DigestKind;
use sealstream::operation::damage::DamagePolicy;
use sealstream::operation::invalid;
use sealstream::operation::options::HeaderLayout;
use sealstream::{DecryptOptions, EncryptOptions};

/// How to seal; an absent option has the engine's default.
#[napi(object, object_to_js = false)]
#[derive(Default)]
pub struct SealSettings<'env> {
    /// Bytes that must also be given to open the stream.
    #[napi(ts_type = "Uint8Array")]
    pub context: Option<BytesCopy>,
    /// Content bytes in a full frame.
    pub frame_size: Option<f64>,
    /// Plaintext bytes in a full segment.
    pub segment_size: Option<f64>,
    /// What signs the stream.
    #[napi(ts_type = "NativeSender")]
    pub sender: Option<ClassInstance<'env, NativeSender>>,
    /// Whether the header announces the sender; by default it does.
    pub announce_sender: Option<bool>,
    /// The digest after each segment; `blake3` by default if the stream is signed.
    pub digest: Option<DigestName>,
    /// Writes a copy of the header at the end.
    pub header_copy: Option<bool>,
    /// Bytes up to which the header is padded; 0 for no padding.
    pub header_size: Option<f64>,
    /// Keeps the file's facts in the stream; only for files.
    pub metadata: Option<bool>,
    /// Keeps the header apart from the stream; for files and streams.
    pub detached: Option<bool>,
}

impl SealSettings<'_> {
    /// The engine's options to seal for these recipients, with a copy of the context.
    pub(crate) fn for_recipients(
        self,
        env: &Env,
        recipients: &[CredentialArgument<'_>],
    ) -> Result<EncryptOptions<'static>> {
        let recipients = recipients.iter().map(recipient_of).collect::<Result<_>>()?;
        let mut defaults = EncryptOptions::new(recipients);
        if let Some(sender) = &self.sender {
            defaults = defaults.signed_by(sender.sender(self.announce_sender.unwrap_or(true))?);
        }
        let options = EncryptOptions {
            context: copied(self.context),
            frame_size: integer(env, "frameSize", self.frame_size)?.unwrap_or(defaults.frame_size),
            segment_size: integer(env, "segmentSize", self.segment_size)?,
            digest: self.digest.map_or(defaults.digest, DigestKind::from),
            header: HeaderLayout {
                copy: self.header_copy == Some(true),
                size: integer(env, "headerSize", self.header_size)?,
            },
            keep_metadata: self.metadata == Some(true),
            ..defaults
        };
        options.geometry(None).or_throw(env)?;
        Ok(options)
    }
}

/// How to open; an absent option has the engine's default.
#[napi(object, object_to_js = false)]
pub struct OpenSettings<'env> {
    /// The bytes that the stream was sealed with.
    #[napi(ts_type = "Uint8Array")]
    pub context: Option<BytesCopy>,
    /// The senders of whom one must have signed the stream, as texts of OpenSSH.
    pub senders: Option<Vec<String>>,
    /// The types of key slots that are tried.
    pub accept_slots: Option<Vec<SlotType>>,
    /// Limit on the memory of each passphrase slot, in KiB.
    pub max_passphrase_memory: Option<f64>,
    /// Limit on the total cost of a header's passphrase slots, in KiB times passes.
    pub max_passphrase_cost: Option<f64>,
    /// The largest accepted segment size, in bytes.
    pub max_segment_size: Option<f64>,
    /// Restores what the stream keeps of the file; only for files.
    pub metadata: Option<bool>,
    /// The largest output that zeros in the place of lost bytes may make, in bytes.
    pub max_output_size: Option<f64>,
    /// Decides about segments that can't be opened. Without it the first one fails the operation.
    pub on_damage: Option<DamageSettings<'env>>,
}

impl OpenSettings<'_> {
    /// The engine's options to open with these identities, with a copy of the context.
    pub(crate) fn for_identities(
        self,
        env: &Env,
        identities: &[CredentialArgument<'_>],
    ) -> Result<DecryptOptions<'static>> {
        let identities = identities.iter().map(identity_of).collect::<Result<_>>()?;
        let defaults = DecryptOptions::new(identities);
        let options = DecryptOptions {
            context: copied(self.context),
            senders: senders_of(env, self.senders)?,
            accept: self
                .accept_slots
                .map(|types| types.into_iter().map(format::SlotType::from).collect()),
            max_passphrase_memory: integer(env, "maxPassphraseMemory", self.max_passphrase_memory)?
                .unwrap_or(defaults.max_passphrase_memory),
            max_passphrase_cost: integer(env, "maxPassphraseCost", self.max_passphrase_cost)?
                .unwrap_or(defaults.max_passphrase_cost),
            max_segment_size: integer(env, "maxSegmentSize", self.max_segment_size)?
                .unwrap_or(defaults.max_segment_size),
            max_size: MAX_SAFE_INTEGER,
            restore_metadata: self.metadata == Some(true),
            max_output_size: integer(env, "maxOutputSize", self.max_output_size)?
                .unwrap_or(defaults.max_output_size),
            on_damage: self
                .on_damage
                .map_or(DamagePolicy::Abort, |settings| DamagePolicy::Ask(asker(settings))),
            ..defaults
        };
        options.check().or_throw(env)?;
        Ok(options)
    }
}

/// A number that must be a non-negative integer of this type.
pub(crate) fn integer<T: TryFrom<u64>>(env: &Env, option: &str, number: Option<f64>) -> Result<Option<T>> {
    let Some(number) = number else {
        return Ok(None);
    };
    let is_integer = number >= 0.0 && number.fract() == 0.0;
    let converted = is_integer.then(|| T::try_from(number as u64).ok()).flatten();
    let valid = converted.ok_or_else(|| {
        let max = u64::MAX >> (64 - 8 * size_of::<T>());
        invalid(
            option,
            format!("must be an integer from 0 to {max}, not {number}"),
        )
    });
    valid.or_throw(env).map(Some)
}

fn copied(bytes: Option<BytesCopy>) -> std::borrow::Cow<'static, [u8]> {
    bytes.map(|bytes| bytes.to_vec()).unwrap_or_default().into()
}
