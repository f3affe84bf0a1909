//! Sealing and opening files by path.

use crate::arguments::credentials::CredentialArgument;
use crate::arguments::options::{OpenSettings, SealSettings};
use crate::arguments::placement::{PlacementSettings, header_file};
use crate::arguments::sources::Source;
use crate::runtime::task::{RunSettings, Task};
use crate::types::report::{DecryptReport, EncryptReport};
use napi::bindgen_prelude::Object;
use napi::{Env, Result};
use napi_derive::napi;
use sealstream::files;
use sealstream::files::{Placement, decrypt_file_resumable, encrypt_file_resumable};
use sealstream::rekey::detached::{decrypt_file_detached, encrypt_file_detached};
use std::path::Path;

/// Seals the regular file `from` into the new file `to`, which appears complete or not at all.
#[napi(catch_unwind, ts_return_type = "Promise<EncryptReport>")]
pub fn encrypt_file<'env>(
    env: &'env Env,
    from: String,
    to: String,
    recipients: Vec<CredentialArgument<'_>>,
    settings: SealSettings<'_>,
    placement: PlacementSettings,
    run: RunSettings<'_>,
) -> Result<Object<'env>> {
    let detached = settings.detached == Some(true);
    let options = settings.for_recipients(env, &recipients)?;
    if detached {
        placement.refuse_resume(env, NOT_DETACHED)?;
    }
    let (resume, secret, place) = (placement.resume, placement.secret()?, Placement::from(&placement));
    Task::parallel(run).launch(env, move |control| {
        let (from, to) = (Path::new(&from), Path::new(&to));
        let report = if resume {
            encrypt_file_resumable(from, to, &options, place, secret.as_ref(), control)
        } else if detached {
            let header_to = header_file(&placement.header_to, place.overwrite);
            encrypt_file_detached(from, to, header_to, &options, place, control)
        } else {
            files::encrypt_file(from, to, &options, place, control)
        };
        report.map(EncryptReport::from)
    })
}

/// Opens the sealed file `source` into the new file `to`, which appears complete or not at all.
#[napi(catch_unwind, ts_return_type = "Promise<DecryptReport>")]
pub fn decrypt_file<'env>(
    env: &'env Env,
    source: Source,
    to: String,
    identities: Vec<CredentialArgument<'_>>,
    settings: OpenSettings<'_>,
    placement: PlacementSettings,
    run: RunSettings<'_>,
) -> Result<Object<'env>> {
    let options = settings.for_identities(env, &identities)?;
    if source.header.is_some() {
        placement.refuse_resume(env, NOT_DETACHED)?;
    }
    let (resume, place) = (placement.resume, Placement::from(&placement));
    Task::parallel(run).launch(env, move |control| {
        let (from, to) = (source.file()?, Path::new(&to));
        let report = match &source.header {
            Some(header) => decrypt_file_detached(header, from, to, &options, place, control),
            None if resume => decrypt_file_resumable(from, to, &options, place, control),
            None => files::decrypt_file(from, to, &options, place, control),
        };
        report.map(DecryptReport::from)
    })
}

const NOT_DETACHED: &str = "can't be combined with a detached header";
