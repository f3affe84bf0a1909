//! The limits and defaults of the format and the engine.

use crate::types::convert::object;
use napi_derive::napi;
use sealstream::{format, keys, operation};

object! {
    /// The limits and defaults of the format and the engine.
    Limits from _engine: () {
        /// The smallest frame's content, in bytes.
        min_frame_size: u32 = format::MIN_FRAME_SIZE,
        /// The largest frame's content, in bytes.
        max_frame_size: u32 = format::MAX_FRAME_SIZE,
        /// The default frame size.
        default_frame_size: u32 = format::DEFAULT_FRAME_SIZE,
        /// The largest segment's plaintext, in bytes.
        max_segment_size: u32 = format::MAX_SEGMENT_SIZE,
        /// The largest header, in bytes.
        max_header_size: u32 = format::MAX_HEADER_SIZE,
        /// The longest context, in bytes.
        max_context: u32 = operation::options::MAX_CONTEXT,
        /// The longest key id, in bytes.
        max_key_id: u32 = keys::MAX_KEY_ID,
        /// The largest number of key slots in a header.
        max_slots: u32 = format::MAX_SLOTS,
        /// The largest accepted number of lanes of a passphrase.
        max_passphrase_lanes: u32 = keys::MAX_PASSPHRASE_LANES,
        /// The longest name of a provider, in bytes.
        max_provider_name: u32 = keys::MAX_PROVIDER_NAME,
        /// The longest id of a provider's key, in bytes.
        max_provider_key_id: u32 = keys::MAX_PROVIDER_KEY_ID,
        /// Bytes that a FLOE segment adds to its content. ENC_SEG_LEN is larger.
        floe_overhead: u32 = format::FRAME_OVERHEAD,
    }
}

/// The limits and defaults of the format and the engine.
#[napi]
pub fn limits() -> Limits {
    ().into()
}
