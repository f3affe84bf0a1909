//! Sealing and opening bytes in memory, on other threads.

use crate::arguments::credentials::CredentialArgument;
use crate::arguments::options::{OpenSettings, SealSettings};
use crate::memory::{Output, expect_writes, input};
use crate::runtime::task::{RunSettings, Task};
use crate::types::report::{DecryptReport, EncryptReport};
use napi::bindgen_prelude::{Object, Uint8Array};
use napi::{Env, Result};
use napi_derive::napi;
use sealstream::stream_v2::io::{InputSource, OutputSink};
use sealstream::{decrypt_stream_v2, encrypt_stream_v2};

/// Seals `bytes` into `output`, which has room for all of it. Neither may change until the promise settles. If it rejects, `output`
/// is all zeros.
#[napi(catch_unwind, ts_return_type = "Promise<EncryptReport>")]
pub fn encrypt_into<'env>(
    env: &'env Env,
    bytes: Uint8Array,
    output: Uint8Array,
    recipients: Vec<CredentialArgument<'_>>,
    settings: SealSettings<'_>,
    run: RunSettings<'_>,
) -> Result<Object<'env>> {
    let mut output = Output::new(output, [input(&bytes)])?;
    let options = settings.for_recipients(env, &recipients)?;
    let task = Task::parallel(run).of_size(bytes.len() as u64);
    task.for_slots(options.slot_types()).launch(env, move |control| {
        output.fill(|memory| {
            expect_writes(memory);
            let source = InputSource::memory(input(&bytes));
            encrypt_stream_v2(source, OutputSink::Memory(memory), &options, control).map(EncryptReport::from)
        })
    })
}

/// Opens `bytes` into `output`, which has room for all of it. Neither may change until the promise settles. If it rejects, `output`
/// is all zeros.
#[napi(catch_unwind, ts_return_type = "Promise<DecryptReport>")]
pub fn decrypt_into<'env>(
    env: &'env Env,
    bytes: Uint8Array,
    output: Uint8Array,
    identities: Vec<CredentialArgument<'_>>,
    settings: OpenSettings<'_>,
    run: RunSettings<'_>,
) -> Result<Object<'env>> {
    let mut output = Output::new(output, [input(&bytes)])?;
    let options = settings.for_identities(env, &identities)?;
    let task = Task::parallel(run).of_size(bytes.len() as u64);
    task.for_slots(options.slot_types()).launch(env, move |control| {
        output.fill(|memory| {
            expect_writes(memory);
            let source = InputSource::memory(input(&bytes));
            decrypt_stream_v2(source, OutputSink::Memory(memory), &options, control).map(DecryptReport::from)
        })
    })
}
