//! The limits and defaults of the format and the engine.

use napi_derive::napi;
use sealstream::{format, keys, operation};

/// The limits and defaults of the format and the engine.
#[napi(object, object_from_js = false)]
pub struct Limits {
    /// The smallest frame's content, in bytes.
    pub min_frame_size: u32,
    /// The largest frame's content, in bytes.
    pub max_frame_size: u32,
    /// The default frame size.
    pub default_frame_size: u32,
    /// The largest segment's plaintext, in bytes.
    pub max_segment_size: u32,
    /// The longest context, in bytes.
    pub max_context: u32,
    /// The longest key id, in bytes.
    pub max_key_id: u32,
    /// The largest number of key slots in a header.
    pub max_slots: u32,
    /// The largest accepted number of lanes of a passphrase.
    pub max_passphrase_lanes: u32,
    /// The longest name of a key service, in bytes.
    pub max_provider_name: u32,
    /// The longest id of a key service's key, in bytes.
    pub max_provider_key_id: u32,
    /// Bytes that a FLOE segment adds to its content. ENC_SEG_LEN is larger.
    pub floe_overhead: u32,
}

/// The limits and defaults of the format and the engine.
#[napi]
pub fn limits() -> Limits {
    Limits {
        min_frame_size: format::MIN_FRAME_SIZE,
        max_frame_size: format::MAX_FRAME_SIZE,
        default_frame_size: format::DEFAULT_FRAME_SIZE,
        max_segment_size: format::MAX_SEGMENT_SIZE,
        max_context: operation::options::MAX_CONTEXT as u32,
        max_key_id: keys::MAX_KEY_ID as u32,
        max_slots: format::MAX_SLOTS.into(),
        max_passphrase_lanes: keys::MAX_PASSPHRASE_LANES,
        max_provider_name: keys::MAX_PROVIDER_NAME as u32,
        max_provider_key_id: keys::MAX_PROVIDER_KEY_ID as u32,
        floe_overhead: format::FRAME_OVERHEAD as u32,
    }
}
