//! Sealing and opening whole files by path.

use crate::credentials::CredentialArgument;
use crate::keys::key_from_bytes;
use crate::operations::{RunSettings, Task};
use crate::options::{OpenPlan, OpenSettings, SealPlan, SealSettings};
use crate::report::Report;
use crate::sources::Source;
use napi::bindgen_prelude::{Object, Uint8Array};
use napi::{Env, Result};
use napi_derive::napi;
use sealstream::files::{
    Placement, decrypt_file, decrypt_file_resumable, encrypt_file, encrypt_file_resumable,
};
use sealstream::rekey::detached::{HeaderFile, decrypt_file_detached, encrypt_file_detached};
use sealstream::stream_v2::io::Overwrite;
use sealstream::{SealError, SecretKey};
use std::path::Path;

/// How to put the output in its place.
#[napi(object, object_to_js = false)]
pub struct PlacementSettings {
    /// Replace an existing target.
    pub overwrite: bool,
    /// Have bytes and name on the disk before the operation ends.
    pub flush: bool,
    /// Keep what is finished when the operation is interrupted, and go on with what is there.
    pub resume: bool,
    /// What the journal keeps the stream's key under, 32 bytes.
    pub resume_secret: Option<Uint8Array>,
    /// Where a header goes that is kept apart.
    pub header_to: Option<String>,
}

impl PlacementSettings {
    /// The placement of an operation that can't be resumed: the operation refuses to.
    pub(crate) fn for_one_attempt(self) -> std::result::Result<Placement, SealError> {
        if self.resume {
            return Err(SealError::InvalidOption {
                option: "resume".into(),
                problem: "is for sealing and opening, with a file by its path at both ends".into(),
            });
        }
        Ok(self.into())
    }

    fn secret(&self) -> Result<Option<SecretKey>> {
        self.resume_secret
            .as_ref()
            .map(|bytes| key_from_bytes(bytes))
            .transpose()
    }
}

impl From<PlacementSettings> for Placement {
    fn from(settings: PlacementSettings) -> Self {
        let overwrite = if settings.overwrite {
            Overwrite::Replace
        } else {
            Overwrite::Refuse
        };
        Self {
            overwrite,
            flush: settings.flush,
        }
    }
}

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

pub(crate) fn header_file(path: &str, overwrite: Overwrite) -> HeaderFile<'_> {
    let path = Path::new(path);
    HeaderFile { path, overwrite }
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
