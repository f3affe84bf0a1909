//! What can be read without a key: the header's fields, and sizes.

use crate::arguments::credentials::CredentialArgument;
use crate::arguments::options::SealSettings;
use crate::arguments::sources::Source;
use crate::memory::{BytesArgument, CopiedBytes, HeldBytes};
use crate::operations::buffers::room_for;
use crate::runtime::task::Task;
use crate::types::convert::{MAX_SAFE_INTEGER, object};
use crate::types::failure::OrThrow;
use crate::types::names::{DigestName, PassphraseParameters};
use napi::bindgen_prelude::Object;
use napi::{Env, Result};
use napi_derive::napi;
use sealstream::stream_v2::io::open_source;
use sealstream::{inspect, stream_v2};
use std::path::PathBuf;

object! {
    /// What a stream's header tells without a key. None of it is authenticated.
    StreamInfo from info: inspect::StreamInfo {
        /// The stream's id, 64 hexadecimal digits.
        stream_id: String,
        /// Content bytes in a full frame.
        frame_size: u32,
        /// Plaintext bytes in a full segment.
        segment_size: u32,
        /// The digest after each segment.
        digest: DigestName,
        /// Plaintext bytes as the header or else the end states; absent if neither does.
        plaintext_size: Option<f64>,
        /// Number of segments; absent if the plaintext's size is not known.
        segments: Option<f64>,
        /// Bytes of the source.
        sealed_size: f64,
        /// Bytes of the header.
        header_size: u32,
        /// How often the header was rewritten for other keys.
        header_revision: u32,
        /// Whether the stream has a copy of its header.
        has_header_copy: bool,
        /// This was read from the header's copy: the header itself is damaged, or older.
        header_from_copy: bool,
        /// The public key of the sender that the stream claims, as OpenSSH writes it. Nothing proves it: see {@link verify}.
        claimed_sender: Option<String> = info.claimed_sender.as_ref().map(ToString::to_string),
        /// The header's key slots.
        slots: Vec<SlotInfo>,
        /// Whether no slot is known to be open to a quantum computer: none is for an X25519 key, or of an unknown type.
        is_post_quantum: bool,
    }
}

object! {
    /// The public part of a key slot.
    SlotInfo from slot: inspect::SlotInfo {
        /// Its index in the header, from 0.
        slot_index: u32,
        /// Its type, such as `key`.
        #[napi(js_name = "type", ts_type = "SlotType | (string & {})")]
        slot_type: String,
        /// The key's name, if it has one. For a provider, the provider's id of its key.
        key_id: Option<String>,
        /// The cost of an attempt with a passphrase.
        passphrase_cost: Option<PassphraseParameters>,
        /// The name of the provider that can open it.
        provider: Option<String> = slot.provider.map(|provider| provider.name),
    }
}

/// A slot that a provider can open. Nothing in it is authenticated.
#[napi(object, object_from_js = false)]
pub struct ProviderSlot {
    /// The provider's name.
    pub name: String,
    /// The provider's id of its key.
    pub key_id: String,
    /// The wrapped key.
    #[napi(ts_type = "ReturnType<typeof Buffer.alloc>")]
    pub blob: CopiedBytes,
}

fn provider_slots(slots: Vec<inspect::SlotInfo>) -> Vec<ProviderSlot> {
    let providers = slots.into_iter().filter_map(|slot| {
        let provider = slot.provider?;
        Some(ProviderSlot {
            name: provider.name,
            key_id: slot.key_id.unwrap_or_default(),
            blob: CopiedBytes(provider.blob),
        })
    });
    providers.collect()
}

/// The slots of the stream in `source` that a provider can open.
#[napi(catch_unwind, ts_return_type = "Promise<Array<ProviderSlot>>")]
pub fn source_provider_slots<'env>(env: &'env Env, source: Source) -> Result<Object<'env>> {
    Task::new(None).launch(env, move |control| {
        let opened = source.open(&control.cancel);
        let slots = opened.and_then(|opened| inspect::inspect_all_slots(&*opened));
        source.judge(slots).map(provider_slots)
    })
}

/// The slots of a header that a provider can open; `header` starts with the whole header.
#[napi(catch_unwind)]
pub fn header_provider_slots(
    env: &Env,
    #[napi(ts_arg_type = "Uint8Array")] header: BytesArgument<'_>,
) -> Result<Vec<ProviderSlot>> {
    let slots = header.read(|header| inspect::inspect_slots(header))?;
    slots.map(provider_slots).or_throw(env)
}

/// The slots of the stream in `bytes` that a provider can open.
#[napi(catch_unwind)]
pub fn bytes_provider_slots(
    env: &Env,
    #[napi(ts_arg_type = "CallerBytes")] bytes: HeldBytes,
) -> Result<Vec<ProviderSlot>> {
    let slots = bytes.read_now(|source| inspect::inspect_slots(source));
    slots.map(provider_slots).or_throw(env)
}

/// Reads the header of the sealed file at `path`.
#[napi(catch_unwind, ts_return_type = "Promise<StreamInfo>")]
pub fn inspect_file<'env>(env: &'env Env, path: String) -> Result<Object<'env>> {
    let path = PathBuf::from(path);
    Task::new(None).launch(env, move |_| {
        let source = open_source(&path)?;
        inspect::inspect_up_to(&source, MAX_SAFE_INTEGER)
            .map(StreamInfo::from)
            .map_err(|failure| failure.on_file(&path, &path))
    })
}

/// Reads the header of a sealed stream in memory.
#[napi(catch_unwind)]
pub fn inspect_bytes(
    env: &Env,
    #[napi(ts_arg_type = "Uint8Array")] bytes: BytesArgument<'_>,
) -> Result<StreamInfo> {
    let info = bytes.read(|source| inspect::inspect_up_to(source, MAX_SAFE_INTEGER))?;
    info.map(StreamInfo::from).or_throw(env)
}

/// Bytes of output that opening `bytes` needs: the stated plaintext size, but at most the size of `bytes`.
#[napi(catch_unwind)]
pub fn room_for_plaintext(
    env: &Env,
    #[napi(ts_arg_type = "Uint8Array")] bytes: BytesArgument<'_>,
) -> Result<f64> {
    let info = bytes.read(|source| inspect::inspect(source))?.or_throw(env)?;
    Ok(room_for(&info, bytes.size()?) as f64)
}

/// Bytes of the sealed stream for `plaintext_size` bytes.
#[napi(catch_unwind)]
pub fn sealed_size(
    env: &Env,
    plaintext_size: f64,
    recipients: Vec<CredentialArgument<'_>>,
    settings: SealSettings<'_>,
) -> Result<f64> {
    let options = settings.for_recipients(env, &recipients)?;
    let size = stream_v2::sealed_size(plaintext_size as u64, &options);
    Ok(size.or_throw(env)? as f64)
}
