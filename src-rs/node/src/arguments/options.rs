//! What a caller can choose, as the façade passes it: checked there, and again by the engine.

use crate::arguments::credentials::{CredentialArgument, identity_of, recipient_of};
use crate::runtime::damage_judge::{DamageAsker, DamageSettings, asker};
use crate::types::names::{DigestName, SlotTypeName};
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use sealstream::format::{DigestKind, SlotType};
use sealstream::keys::DEFAULT_MAX_PASSPHRASE_COST;
use sealstream::operation::damage::DamagePolicy;
use sealstream::operation::options::{DEFAULT_MAX_SEGMENT_SIZE, HeaderLayout};
use sealstream::{DecryptOptions, EncryptOptions, Identity, Recipient};

/// How to seal; what is absent has the engine's default.
#[napi(object, object_to_js = false)]
#[derive(Default)]
pub struct SealSettings {
    /// Bytes that the reader must supply too.
    pub context: Option<Uint8Array>,
    /// Content bytes in a full frame.
    pub frame_size: Option<u32>,
    /// Plaintext bytes in a full segment.
    pub segment_size: Option<u32>,
    /// The digest behind each segment.
    pub digest: Option<DigestName>,
    /// Room for later changes of the header, and a copy of it at the end.
    pub rewrappable: Option<bool>,
    /// The header is to be kept apart; only for a file.
    pub detached: Option<bool>,
}

/// [`SealSettings`] in memory of Rust's, with the recipients.
pub(crate) struct SealPlan {
    options: EncryptOptions<'static>,
    context: Vec<u8>,
}

impl SealPlan {
    pub(crate) fn new(recipients: &[CredentialArgument<'_>], settings: SealSettings) -> napi::Result<Self> {
        let recipients = recipients.iter().map(recipient_of).collect::<napi::Result<_>>()?;
        let SealSettings {
            context,
            frame_size,
            segment_size,
            digest,
            rewrappable,
            detached: _,
        } = settings;
        let defaults = EncryptOptions::new(recipients);
        let options = EncryptOptions {
            frame_size: frame_size.unwrap_or(defaults.frame_size),
            segment_size,
            digest: digest.map_or(defaults.digest, DigestKind::from),
            header: if rewrappable == Some(true) {
                HeaderLayout::Rewrappable
            } else {
                HeaderLayout::Compact
            },
            ..defaults
        };
        Ok(Self {
            options,
            context: context.map(|context| context.to_vec()).unwrap_or_default(),
        })
    }

    pub(crate) fn options(&self) -> EncryptOptions<'_> {
        self.options.clone().with_context(&self.context)
    }

    /// Whether a passphrase has to be stretched before the first byte is sealed.
    pub(crate) fn stretches(&self) -> bool {
        let mut recipients = self.options.recipients.iter();
        recipients.any(|recipient| matches!(recipient, Recipient::Passphrase { .. }))
    }
}

/// How to open; what is absent has the engine's default.
#[napi(object, object_to_js = false)]
pub struct OpenSettings<'env> {
    /// The bytes that the stream was sealed with.
    pub context: Option<Uint8Array>,
    /// The types of key slots that are tried.
    pub accept_slots: Option<Vec<SlotTypeName>>,
    /// What the passphrase slots of a header may cost in all, in KiB times passes.
    pub max_passphrase_cost: Option<f64>,
    /// The largest segment size that is accepted, in bytes.
    pub max_segment_size: Option<u32>,
    /// Decides about segments that can't be opened; without it the first fails the operation.
    pub on_damage: Option<DamageSettings<'env>>,
}

/// [`OpenSettings`] in memory of Rust's, with the identities.
pub(crate) struct OpenPlan {
    options: DecryptOptions<'static>,
    context: Vec<u8>,
    questions: Option<DamageAsker>,
}

impl OpenPlan {
    pub(crate) fn new(
        identities: &[CredentialArgument<'_>],
        settings: OpenSettings<'_>,
    ) -> napi::Result<Self> {
        let identities = identities.iter().map(identity_of).collect::<napi::Result<_>>()?;
        let OpenSettings {
            context,
            accept_slots,
            max_passphrase_cost,
            max_segment_size,
            on_damage,
        } = settings;
        let accept = accept_slots.map(|types| types.into_iter().map(SlotType::from).collect());
        let cost = max_passphrase_cost.map_or(DEFAULT_MAX_PASSPHRASE_COST, |cost| cost as u64);
        Ok(Self {
            options: DecryptOptions {
                accept,
                max_passphrase_cost: cost,
                max_segment_size: max_segment_size.unwrap_or(DEFAULT_MAX_SEGMENT_SIZE),
                ..DecryptOptions::new(identities)
            },
            context: context.map(|context| context.to_vec()).unwrap_or_default(),
            questions: on_damage.map(asker),
        })
    }

    pub(crate) fn options(&self) -> DecryptOptions<'_> {
        DecryptOptions {
            on_damage: self
                .questions
                .as_deref()
                .map_or(DamagePolicy::Abort, DamagePolicy::Ask),
            ..self.options.clone().with_context(&self.context)
        }
    }

    /// Whether a passphrase may have to be stretched before the first byte is opened.
    pub(crate) fn stretches(&self) -> bool {
        let mut identities = self.options.identities.iter();
        identities.any(|identity| matches!(identity, Identity::Passphrase(_)))
    }
}
