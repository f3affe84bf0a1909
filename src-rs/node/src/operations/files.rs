//! Sealing and opening whole files by path.

use crate::arguments::credentials::CredentialArgument;
use crate::arguments::options::{OpenPlan, OpenSettings, SealPlan, SealSettings};
use crate::arguments::placement::{PlacementSettings, header_file};
use crate::arguments::sources::Source;
use crate::runtime::task::{RunSettings, Task};
use crate::types::report::Report;
use napi::bindgen_prelude::Object;
use napi::{Env, Result};
use napi_derive::napi;
use sealstream::SealError;
use sealstream::files::{
    Placement, decrypt_file, decrypt_file_resumable, encrypt_file, encrypt_file_resumable,
};
use sealstream::rekey::detached::{decrypt_file_detached, encrypt_file_detached};
use std::path::Path;

/// Seals the regular file `from` into the new file `to`, which appears complete or not at all.
#[napi(js_name = "encryptFile", catch_unwind, ts_return_type = "Promise<Report>")]
pub fn encrypt_file_at<'env>(
    env: &'env Env,
    from: String,
    to: String,
    #[napi(ts_arg_type = "Array<Uint8Array | NativeKey | NativeCredential>")] recipients: Vec<
        CredentialArgument<'_>,
    >,
    settings: SealSettings,
    placement: PlacementSettings,
    run: RunSettings<'_>,
) -> Result<Object<'env>> {
    let detached = settings.detached == Some(true);
    let plan = SealPlan::new(&recipients, settings)?;
    let (resume, secret) = (placement.resume, placement.secret()?);
    let header_to = placement.header_to.clone();
    let placement = Placement::from(placement);
    Task::large(run).launch(env, move |control| {
        let (from, to) = (Path::new(&from), Path::new(&to));
        let overwrite = placement.overwrite;
        let header_to = header_to.as_ref().map(|path| header_file(path, overwrite));
        let report = if resume && detached {
            Err(not_resumable())
        } else if resume {
            encrypt_file_resumable(from, to, &plan.options(), placement, secret.as_ref(), control)
        } else if detached {
            encrypt_file_detached(from, to, header_to, &plan.options(), placement, control)
        } else {
            encrypt_file(from, to, &plan.options(), placement, control)
        };
        report.map(Report::from)
    })
}

fn not_resumable() -> SealError {
    SealError::InvalidOption {
        option: "resume".into(),
        problem: "can't be together with a header that is kept apart".into(),
    }
}

/// Opens the sealed file that is `source` into the new file `to`, which appears complete or not at all.
#[napi(js_name = "decryptFile", catch_unwind, ts_return_type = "Promise<Report>")]
pub fn decrypt_file_at<'env>(
    env: &'env Env,
    source: Source,
    to: String,
    #[napi(ts_arg_type = "Array<Uint8Array | NativeKey | NativeCredential>")] identities: Vec<
        CredentialArgument<'_>,
    >,
    settings: OpenSettings<'_>,
    placement: PlacementSettings,
    run: RunSettings<'_>,
) -> Result<Object<'env>> {
    let plan = OpenPlan::new(&identities, settings)?;
    let resume = placement.resume;
    let placement = Placement::from(placement);
    Task::large(run).launch(env, move |control| {
        let (from, to) = (source.file()?, Path::new(&to));
        let report = match &source.header {
            Some(_) if resume => Err(not_resumable()),
            Some(header) => decrypt_file_detached(header, from, to, &plan.options(), placement, control),
            None if resume => decrypt_file_resumable(from, to, &plan.options(), placement, control),
            None => decrypt_file(from, to, &plan.options(), placement, control),
        };
        report.map(Report::from)
    })
}
