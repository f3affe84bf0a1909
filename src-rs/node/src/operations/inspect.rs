//! What can be told without a key: what a stream says of itself, and sizes.

use crate::arguments::credentials::CredentialArgument;
use crate::arguments::options::{SealPlan, SealSettings};
use crate::arguments::sources::Source;
use crate::runtime::task::Task;
use crate::types::failure::rejection;
use crate::types::names::DigestName;
use crate::types::names::PassphraseStrength;
use crate::types::report::hex;
use napi::bindgen_prelude::{Object, Uint8Array};
use napi::{Env, Result};
use napi_derive::napi;
use sealstream::inspect;
use sealstream::stream_v2::io::open_source;
use sealstream::stream_v2::sealed_size;
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
    /// This was read from the header's copy: the header itself is damaged, or older.
    pub header_from_copy: bool,
    /// Who can open the stream.
    pub slots: Vec<SlotInfo>,
    /// Whether no slot is known to fall to a quantum computer: none is for an X25519 key, or of an unknown type.
    pub is_post_quantum: bool,
}

/// A key slot as anyone can see it.
#[napi(object, object_from_js = false)]
pub struct SlotInfo {
    /// The slot's type, such as `key`.
    #[napi(js_name = "type")]
    pub slot_type: String,
    /// The key's name, where it has one; a key service's id of its key.
    pub key_id: Option<String>,
    /// What an attempt with a passphrase costs.
    pub passphrase_cost: Option<PassphraseStrength>,
    /// The name of the key service that can open it.
    pub provider: Option<String>,
}

impl From<&inspect::SlotInfo> for SlotInfo {
    fn from(slot: &inspect::SlotInfo) -> Self {
        Self {
            slot_type: slot.slot_type.clone(),
            key_id: slot.key_id.clone(),
            passphrase_cost: slot.passphrase_cost.map(PassphraseStrength::from),
            provider: slot.provider.as_ref().map(|provider| provider.name.clone()),
        }
    }
}

/// A slot that a key service can open. Nothing in it has been authenticated.
#[napi(object, object_from_js = false)]
pub struct ServiceSlot {
    /// The service's name.
    pub name: String,
    /// The service's id of its key.
    pub key_id: String,
    /// What it has to unwrap.
    pub blob: Uint8Array,
}

fn service_slots(slots: Vec<inspect::SlotInfo>) -> Vec<ServiceSlot> {
    let slots = slots.into_iter();
    slots
        .filter_map(|slot| {
            let provider = slot.provider?;
            Some(ServiceSlot {
                name: provider.name,
                key_id: slot.key_id.unwrap_or_default(),
                blob: provider.blob.into(),
            })
        })
        .collect()
}

/// The slots of the stream in `source` that a key service can open.
#[napi(catch_unwind, ts_return_type = "Promise<Array<ServiceSlot>>")]
pub fn source_service_slots<'env>(env: &'env Env, source: Source) -> Result<Object<'env>> {
    Task::short().launch(env, move |_| {
        let opened = source.open()?;
        let slots = inspect::inspect_all_slots(&*opened).map_err(|failure| source.blame(failure))?;
        Ok(service_slots(slots))
    })
}

/// The same of the header that starts with these bytes, which are all of it at least.
#[napi(catch_unwind)]
pub fn header_service_slots(env: &Env, header: &[u8]) -> Result<Vec<ServiceSlot>> {
    match inspect::inspect_slots(header) {
        Ok(slots) => Ok(service_slots(slots)),
        Err(failure) => Err(rejection(env, &failure)?),
    }
}

impl From<inspect::StreamInfo> for StreamInfo {
    fn from(info: inspect::StreamInfo) -> Self {
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
            slots: info.slots.iter().map(SlotInfo::from).collect(),
            is_post_quantum: info.is_post_quantum,
        }
    }
}

/// Reads what the sealed file at `path` says of itself.
#[napi(catch_unwind, ts_return_type = "Promise<StreamInfo>")]
pub fn inspect_file<'env>(env: &'env Env, path: String) -> Result<Object<'env>> {
    let path = PathBuf::from(path);
    Task::short().launch(env, move |_| {
        let source = open_source(&path)?;
        inspect::inspect(&source)
            .map(StreamInfo::from)
            .map_err(|failure| failure.on_file(&path, &path))
    })
}

/// Reads what a stream in memory says of itself.
#[napi(catch_unwind)]
pub fn inspect_bytes(env: &Env, bytes: &[u8]) -> Result<StreamInfo> {
    match inspect::inspect(&bytes) {
        Ok(info) => Ok(info.into()),
        Err(failure) => Err(rejection(env, &failure)?),
    }
}

/// Bytes that opening `bytes` needs room for: what the stream says, and never more than it has itself.
#[napi(catch_unwind)]
pub fn room_for_plaintext(env: &Env, bytes: &[u8]) -> Result<f64> {
    match inspect::inspect(&bytes) {
        Ok(info) => Ok(info.plaintext_size.unwrap_or(u64::MAX).min(bytes.len() as u64) as f64),
        Err(failure) => Err(rejection(env, &failure)?),
    }
}

/// Bytes of the sealed stream of `plaintext_size` bytes.
#[napi(catch_unwind)]
pub fn ciphertext_size(
    env: &Env,
    plaintext_size: f64,
    #[napi(ts_arg_type = "Array<Uint8Array | NativeKey | NativeCredential>")] recipients: Vec<
        CredentialArgument<'_>,
    >,
    settings: SealSettings,
) -> Result<f64> {
    let plan = SealPlan::new(&recipients, settings)?;
    match sealed_size(plaintext_size as u64, &plan.options()) {
        Ok(size) => Ok(size as f64),
        Err(failure) => Err(rejection(env, &failure)?),
    }
}
