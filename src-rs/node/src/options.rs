//! What a caller can choose, as the façade passes it: checked there, and again by the engine.

use crate::damage::{DamageAsker, DamageSettings, asker};
use crate::keys::{KeyArgument, key_of};
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use sealstream::headers::DigestKind;
use sealstream::stream_v2::damage::DamagePolicy;
use sealstream::stream_v2::options::{DEFAULT_MAX_SEGMENT_SIZE, HeaderLayout};
use sealstream::{DecryptOptions, EncryptOptions, Identity, Recipient, SecretKey, headers, keys, stream_v2};

/// The digest behind each segment, by which anyone can tell rot, without a key.
#[napi(string_enum)]
#[derive(Clone, Copy)]
pub enum DigestName {
    /// None.
    #[napi(value = "none")]
    None,
    /// CRC-64/NVME.
    #[napi(value = "crc64-nvme")]
    Crc64Nvme,
    /// SHA-256.
    #[napi(value = "sha256")]
    Sha256,
    /// SHA-512.
    #[napi(value = "sha512")]
    Sha512,
    /// BLAKE3.
    #[napi(value = "blake3")]
    Blake3,
}

impl From<DigestName> for DigestKind {
    fn from(name: DigestName) -> Self {
        match name {
            DigestName::None => Self::None,
            DigestName::Crc64Nvme => Self::Crc64Nvme,
            DigestName::Sha256 => Self::Sha256,
            DigestName::Sha512 => Self::Sha512,
            DigestName::Blake3 => Self::Blake3,
        }
    }
}

impl From<DigestKind> for DigestName {
    fn from(kind: DigestKind) -> Self {
        match kind {
            DigestKind::None => Self::None,
            DigestKind::Crc64Nvme => Self::Crc64Nvme,
            DigestKind::Sha256 => Self::Sha256,
            DigestKind::Sha512 => Self::Sha512,
            DigestKind::Blake3 => Self::Blake3,
        }
    }
}

/// How to seal; what is absent has the engine's default.
#[napi(object, object_to_js = false)]
#[derive(Default)]
pub struct SealSettings {
    /// A name for the key, in clear in the header.
    pub key_id: Option<String>,
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
}

/// [`SealSettings`] in memory of Rust's, with the key.
pub(crate) struct SealPlan {
    options: EncryptOptions<'static>,
    context: Vec<u8>,
}

impl SealPlan {
    pub(crate) fn new(key: &KeyArgument<'_>, settings: SealSettings) -> napi::Result<Self> {
        Ok(Self::with_key(key_of(key)?, settings))
    }

    /// For sizes, which depend on everything but the key.
    pub(crate) fn without_key(settings: SealSettings) -> napi::Result<Self> {
        let any =
            SecretKey::from_bytes(&[0; 32]).map_err(|error| napi::Error::from_reason(error.to_string()))?;
        Ok(Self::with_key(any, settings))
    }

    fn with_key(key: SecretKey, settings: SealSettings) -> Self {
        let SealSettings {
            key_id,
            context,
            frame_size,
            segment_size,
            digest,
            rewrappable,
        } = settings;
        let defaults = EncryptOptions::new(vec![Recipient::Key {
            key,
            id: key_id.unwrap_or_default(),
        }]);
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
        Self {
            options,
            context: context.map(|context| context.to_vec()).unwrap_or_default(),
        }
    }

    pub(crate) fn options(&self) -> EncryptOptions<'_> {
        self.options.clone().with_context(&self.context)
    }
}

/// How to open; what is absent has the engine's default.
#[napi(object, object_to_js = false)]
pub struct OpenSettings<'env> {
    /// The bytes that the stream was sealed with.
    pub context: Option<Uint8Array>,
    /// The largest segment size that is accepted, in bytes.
    pub max_segment_size: Option<u32>,
    /// Decides about segments that can't be opened; without it the first fails the operation.
    pub on_damage: Option<DamageSettings<'env>>,
}

/// [`OpenSettings`] in memory of Rust's, with the keys.
pub(crate) struct OpenPlan {
    identities: Vec<Identity>,
    context: Vec<u8>,
    max_segment_size: u32,
    questions: Option<DamageAsker>,
}

impl OpenPlan {
    pub(crate) fn new(keys: &[KeyArgument<'_>], settings: OpenSettings<'_>) -> napi::Result<Self> {
        let identity = |key: &KeyArgument<'_>| key_of(key).map(Identity::Key);
        Ok(Self {
            identities: keys.iter().map(identity).collect::<napi::Result<_>>()?,
            context: settings
                .context
                .map(|context| context.to_vec())
                .unwrap_or_default(),
            max_segment_size: settings.max_segment_size.unwrap_or(DEFAULT_MAX_SEGMENT_SIZE),
            questions: settings.on_damage.map(asker),
        })
    }

    pub(crate) fn options(&self) -> DecryptOptions<'_> {
        DecryptOptions {
            max_segment_size: self.max_segment_size,
            on_damage: self
                .questions
                .as_deref()
                .map_or(DamagePolicy::Abort, DamagePolicy::Ask),
            ..DecryptOptions::new(self.identities.clone()).with_context(&self.context)
        }
    }
}

/// What the format and the engine allow and choose.
#[napi(object, object_from_js = false)]
pub struct Limits {
    /// The smallest frame's content, in bytes.
    pub min_frame_size: u32,
    /// The largest frame's content, in bytes.
    pub max_frame_size: u32,
    /// The frame size where none is named.
    pub default_frame_size: u32,
    /// The largest segment's plaintext, in bytes.
    pub max_segment_size: u32,
    /// The longest context, in bytes.
    pub max_context: u32,
    /// The longest key id, in bytes.
    pub max_key_id: u32,
    /// The bytes that a FLOE segment adds to its content; ENC_SEG_LEN is larger.
    pub floe_overhead: u32,
}

/// What the format and the engine allow and choose.
#[napi]
pub fn limits() -> Limits {
    Limits {
        min_frame_size: headers::MIN_FRAME_SIZE,
        max_frame_size: headers::MAX_FRAME_SIZE,
        default_frame_size: headers::DEFAULT_FRAME_SIZE,
        max_segment_size: headers::MAX_SEGMENT_SIZE,
        max_context: stream_v2::options::MAX_CONTEXT as u32,
        max_key_id: keys::MAX_KEY_ID as u32,
        floe_overhead: headers::FRAME_OVERHEAD as u32,
    }
}
