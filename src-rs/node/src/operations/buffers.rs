//! Sealing and opening bytes in memory, on other threads.

use crate::arguments::credentials::CredentialArgument;
use crate::arguments::options::{OpenSettings, SealSettings};
use crate::memory::{HeldBytes, NewBuffer, Room};
use crate::runtime::task::{RunSettings, Task};
use crate::types::failure::OrThrow;
use crate::types::report::{DecryptReport, EncryptReport};
use napi::bindgen_prelude::Object;
use napi::{Env, Result};
use napi_derive::napi;
use sealstream::stream_v2::io::{InputSource, OutputSink};
use sealstream::{decrypt_stream_v2, encrypt_stream_v2, inspect, stream_v2};

/// A sealed stream.
#[napi(object, object_from_js = false)]
pub struct EncryptedBytes {
    /// Its bytes.
    #[napi(ts_type = "ReturnType<typeof Buffer.alloc>")]
    pub bytes: NewBuffer,
    /// The report.
    pub report: EncryptReport,
}

/// An opened stream.
#[napi(object, object_from_js = false)]
pub struct DecryptedBytes {
    /// Its plaintext.
    #[napi(ts_type = "ReturnType<typeof Buffer.alloc>")]
    pub bytes: NewBuffer,
    /// The report.
    pub report: DecryptReport,
}

/// Seals `bytes`.
#[napi(catch_unwind, ts_return_type = "Promise<EncryptedBytes>")]
pub fn encrypt<'env>(
    env: &'env Env,
    #[napi(ts_arg_type = "CallerBytes")] bytes: HeldBytes,
    recipients: Vec<CredentialArgument<'_>>,
    settings: SealSettings<'_>,
    run: RunSettings<'_>,
) -> Result<Object<'env>> {
    let options = settings.for_recipients(env, &recipients)?;
    let size = stream_v2::sealed_size(bytes.size() as u64, &options).or_throw(env)?;
    let mut room = Room::new(env, size as usize)?;
    let task = Task::parallel(run).of_size(bytes.size() as u64);
    task.for_slots(options.slot_types()).launch(env, move |control| {
        let sealed = room.fill(|memory| {
            let source = InputSource::positioned(bytes.source(&control.cancel));
            encrypt_stream_v2(source, OutputSink::Memory(memory), &options, control)
        });
        bytes.judge(sealed).map(|(bytes, report)| EncryptedBytes {
            bytes,
            report: report.into(),
        })
    })
}

/// Opens `bytes`.
#[napi(catch_unwind, ts_return_type = "Promise<DecryptedBytes>")]
pub fn decrypt<'env>(
    env: &'env Env,
    #[napi(ts_arg_type = "CallerBytes")] bytes: HeldBytes,
    identities: Vec<CredentialArgument<'_>>,
    settings: OpenSettings<'_>,
    run: RunSettings<'_>,
) -> Result<Object<'env>> {
    let options = settings.for_identities(env, &identities)?;
    // What the stream states here only limits the memory: everything is read again, and verified.
    let info = bytes.read_now(|source| inspect::inspect(source)).or_throw(env)?;
    let mut room = Room::new(env, room_for(&info, bytes.size()))?;
    let task = Task::parallel(run).of_size(bytes.size() as u64);
    task.for_slots(options.slot_types()).launch(env, move |control| {
        let opened = room.fill(|memory| {
            let source = InputSource::positioned(bytes.source(&control.cancel));
            decrypt_stream_v2(source, OutputSink::Memory(memory), &options, control)
        });
        bytes.judge(opened).map(|(mut bytes, report)| {
            bytes.truncate(report.plaintext_size as usize);
            DecryptedBytes {
                bytes,
                report: report.into(),
            }
        })
    })
}

/// Bytes of output that opening a stream in `size` bytes of memory needs: the stated plaintext size, but at most the size of the stream.
pub(crate) fn room_for(info: &inspect::StreamInfo, size: usize) -> usize {
    let stated = info
        .plaintext_size
        .and_then(|stated| usize::try_from(stated).ok());
    stated.unwrap_or(usize::MAX).min(size)
}
