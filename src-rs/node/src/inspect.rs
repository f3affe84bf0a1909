//! What can be told without a key: what a stream says of itself, and sizes.

use crate::failure::rejection;
use crate::operations::Task;
use crate::options::{DigestName, SealPlan, SealSettings};
use crate::report::hex;
use napi::bindgen_prelude::Object;
use napi::{Env, Result};
use napi_derive::napi;
use sealstream::stream_v2::inspect::inspect;
use sealstream::stream_v2::{io::open_source, sealed_size};
use std::path::PathBuf;

/// All that is visible of a stream without a key. None of it is authenticated.
#[napi(object, object_from_js = false)]
pub struct StreamInfo {
    /// The stream's id, 64 hexadecimal digits.
    pub stream_id: String,
    /// Content bytes in a full frame.
    pub frame_size: u32,
    /// Plaintext bytes in a full segment.
    pub segment_size: u32,
    /// The digest behind each segment.
    pub digest: DigestName,
    /// Plaintext bytes: what the header states, or else what the end claims; absent where neither can be found.
    pub plaintext_size: Option<f64>,
    /// Segments, where the plaintext's size is known.
    pub segments: Option<f64>,
    /// Bytes of the source.
    pub stream_size: f64,
    /// Bytes of the header.
    pub header_size: u32,
    /// How often the header was rewritten for other keys.
    pub header_revision: u32,
    /// Whether the stream carries a copy of its header.
    pub has_header_copy: bool,
    /// The header is damaged, and this was read from its copy.
    pub header_from_copy: bool,
    /// Who can open the stream.
    pub slots: Vec<SlotInfo>,
}

/// A key slot as anyone can see it.
#[napi(object, object_from_js = false)]
pub struct SlotInfo {
    /// The slot's type, such as `key`.
    #[napi(js_name = "type")]
    pub slot_type: String,
    /// The key's name, where it has one.
    pub key_id: Option<String>,
}

impl From<sealstream::stream_v2::inspect::StreamInfo> for StreamInfo {
    fn from(info: sealstream::stream_v2::inspect::StreamInfo) -> Self {
        let slots = info.slots.into_iter().map(|slot| SlotInfo {
            slot_type: slot.slot_type,
            key_id: slot.key_id,
        });
        Self {
            stream_id: hex(&info.stream_id),
            frame_size: info.frame_size,
            segment_size: info.segment_size,
            digest: info.digest.into(),
            plaintext_size: info.plaintext_size.map(|size| size as f64),
            segments: info.segments.map(|segments| segments as f64),
            stream_size: info.stream_size as f64,
            header_size: info.header_size,
            header_revision: info.header_revision.into(),
            has_header_copy: info.has_header_copy,
            header_from_copy: info.header_from_copy,
            slots: slots.collect(),
        }
    }
}

/// Reads what the sealed file at `path` says of itself.
#[napi(catch_unwind, ts_return_type = "Promise<StreamInfo>")]
pub fn inspect_file<'env>(env: &'env Env, path: String) -> Result<Object<'env>> {
    let path = PathBuf::from(path);
    Task::short().launch(env, move |_| {
        let source = open_source(&path)?;
        inspect(&source)
            .map(StreamInfo::from)
            .map_err(|failure| failure.on_file(&path, &path))
    })
}

/// Reads what a stream in memory says of itself.
#[napi(catch_unwind)]
pub fn inspect_bytes(env: &Env, bytes: &[u8]) -> Result<StreamInfo> {
    match inspect(&bytes) {
        Ok(info) => Ok(info.into()),
        Err(failure) => Err(rejection(env, &failure)?),
    }
}

/// Bytes that opening `bytes` needs room for: what the stream says, and never more than it has itself.
#[napi(catch_unwind)]
pub fn room_for_plaintext(env: &Env, bytes: &[u8]) -> Result<f64> {
    match inspect(&bytes) {
        Ok(info) => Ok(info.plaintext_size.unwrap_or(u64::MAX).min(bytes.len() as u64) as f64),
        Err(failure) => Err(rejection(env, &failure)?),
    }
}

/// Bytes of the sealed stream of `plaintext_size` bytes.
#[napi(catch_unwind)]
pub fn ciphertext_size(env: &Env, plaintext_size: f64, settings: SealSettings) -> Result<f64> {
    let plan = SealPlan::without_key(settings)?;
    match sealed_size(plaintext_size as u64, &plan.options()) {
        Ok(size) => Ok(size as f64),
        Err(failure) => Err(rejection(env, &failure)?),
    }
}
