//! Sealing and opening bytes in memory, beside JavaScript.

use crate::keys::KeyArgument;
use crate::large_memory::expect_writes;
use crate::operations::{Cancellation, OnProgress, Task};
use crate::options::{OpenPlan, OpenSettings, SealPlan, SealSettings};
use crate::report::Report;
use napi::bindgen_prelude::{Object, Uint8Array};
use napi::{Env, Error, Result, Status};
use napi_derive::napi;
use sealstream::stream_v2::io::{InputSource, OutputSink};
use sealstream::{decrypt_stream_v2, encrypt_stream_v2};
use zeroize::Zeroize;

/// Seals `input` into `output`, which has room for all of it. Neither may change until the promise settles.
#[napi(catch_unwind, ts_return_type = "Promise<Report>")]
#[allow(clippy::too_many_arguments)] // JavaScript passes what an object would only wrap.
pub fn encrypt_into<'env>(
    env: &'env Env,
    input: Uint8Array,
    mut output: Uint8Array,
    #[napi(ts_arg_type = "Uint8Array | NativeKey")] key: KeyArgument<'_>,
    settings: SealSettings,
    threads: u32,
    cancellation: Option<&Cancellation>,
    #[napi(ts_arg_type = "((progress: Progress) => void) | undefined | null")] on_progress: Option<
        OnProgress,
    >,
) -> Result<Object<'env>> {
    check_apart(&input, &output)?;
    let plan = SealPlan::new(&key, settings)?;
    Task::large(threads, cancellation, on_progress)
        .of_size(input.len())
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
#[allow(clippy::too_many_arguments)]
pub fn decrypt_into<'env>(
    env: &'env Env,
    input: Uint8Array,
    mut output: Uint8Array,
    #[napi(ts_arg_type = "Array<Uint8Array | NativeKey>")] keys: Vec<KeyArgument<'_>>,
    settings: OpenSettings,
    threads: u32,
    cancellation: Option<&Cancellation>,
    #[napi(ts_arg_type = "((progress: Progress) => void) | undefined | null")] on_progress: Option<
        OnProgress,
    >,
) -> Result<Object<'env>> {
    check_apart(&input, &output)?;
    let plan = OpenPlan::new(&keys, settings)?;
    Task::large(threads, cancellation, on_progress)
        .of_size(input.len())
        .launch(env, move |control| {
            // SAFETY: the façade made `output` for this operation and shows it to nobody before the promise settles.
            let memory = unsafe { output.as_mut() };
            expect_writes(memory);
            let source = InputSource::memory(&input);
            let opened =
                decrypt_stream_v2(source, OutputSink::Memory(&mut *memory), &plan.options(), control);
            opened.map(Report::from).inspect_err(|_| memory.zeroize())
        })
}

/// Refuses memory that is read and written at once.
pub(crate) fn check_apart(input: &[u8], output: &[u8]) -> Result<()> {
    let (input, output) = (input.as_ptr_range(), output.as_ptr_range());
    if input.start < output.end && output.start < input.end {
        return Err(Error::new(Status::InvalidArg, "input and output overlap"));
    }
    Ok(())
}
