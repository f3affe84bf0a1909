//! Sealing and opening bytes in memory, beside JavaScript.

use crate::arguments::credentials::CredentialArgument;
use crate::arguments::options::{OpenPlan, OpenSettings, SealPlan, SealSettings};
use crate::memory::expect_writes;
use crate::memory::{all_or_zeros, check_apart};
use crate::runtime::task::{RunSettings, Task};
use crate::types::report::Report;
use napi::bindgen_prelude::{Object, Uint8Array};
use napi::{Env, Result};
use napi_derive::napi;
use sealstream::stream_v2::io::{InputSource, OutputSink};
use sealstream::{decrypt_stream_v2, encrypt_stream_v2};

/// Seals `input` into `output`, which has room for all of it. Neither may change until the promise settles.
#[napi(catch_unwind, ts_return_type = "Promise<Report>")]
pub fn encrypt_into<'env>(
    env: &'env Env,
    input: Uint8Array,
    mut output: Uint8Array,
    #[napi(ts_arg_type = "Array<Uint8Array | NativeKey | NativeCredential>")] recipients: Vec<
        CredentialArgument<'_>,
    >,
    settings: SealSettings,
    run: RunSettings<'_>,
) -> Result<Object<'env>> {
    check_apart(&input, &output)?;
    let plan = SealPlan::new(&recipients, settings)?;
    Task::large(run)
        .of_size(input.len())
        .stretching(plan.stretches())
        .launch(env, move |control| {
            // SAFETY: the façade made `output` for this operation and shows it to nobody before the promise settles.
            let memory = unsafe { output.as_mut() };
            expect_writes(memory);
            let source = InputSource::memory(&input);
            encrypt_stream_v2(source, OutputSink::Memory(memory), &plan.options(), control).map(Report::from)
        })
}

/// Opens `input` into `output`, which has room for all of it. Neither may change until the promise settles. If it
/// rejects, `output` is all zeros.
#[napi(catch_unwind, ts_return_type = "Promise<Report>")]
pub fn decrypt_into<'env>(
    env: &'env Env,
    input: Uint8Array,
    mut output: Uint8Array,
    #[napi(ts_arg_type = "Array<Uint8Array | NativeKey | NativeCredential>")] identities: Vec<
        CredentialArgument<'_>,
    >,
    settings: OpenSettings<'_>,
    run: RunSettings<'_>,
) -> Result<Object<'env>> {
    check_apart(&input, &output)?;
    let plan = OpenPlan::new(&identities, settings)?;
    Task::large(run)
        .of_size(input.len())
        .stretching(plan.stretches())
        .launch(env, move |control| {
            // SAFETY: the façade made `output` for this operation and shows it to nobody before the promise settles.
            let memory = unsafe { output.as_mut() };
            expect_writes(memory);
            all_or_zeros(memory, |memory| {
                let source = InputSource::memory(&input);
                decrypt_stream_v2(source, OutputSink::Memory(memory), &plan.options(), control)
                    .map(Report::from)
            })
        })
}
