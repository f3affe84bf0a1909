//! Sealing and opening whole files by path.

use crate::keys::KeyArgument;
use crate::operations::{RunSettings, Task};
use crate::options::{OpenPlan, OpenSettings, SealPlan, SealSettings};
use crate::report::Report;
use napi::bindgen_prelude::Object;
use napi::{Env, Result};
use napi_derive::napi;
use sealstream::stream_v2::files::{Placement, decrypt_file, encrypt_file};
use sealstream::stream_v2::io::Overwrite;
use std::path::Path;

/// How to put the output in its place.
#[napi(object, object_to_js = false)]
pub struct PlacementSettings {
    /// Replace an existing target.
    pub overwrite: bool,
    /// Have bytes and name on the disk before the operation ends.
    pub flush: bool,
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
    #[napi(ts_arg_type = "Uint8Array | NativeKey")] key: KeyArgument<'_>,
    settings: SealSettings,
    placement: PlacementSettings,
    run: RunSettings<'_>,
) -> Result<Object<'env>> {
    let plan = SealPlan::new(&key, settings)?;
    let placement = Placement::from(placement);
    Task::large(run).launch(env, move |control| {
        let (from, to) = (Path::new(&from), Path::new(&to));
        encrypt_file(from, to, &plan.options(), placement, control).map(Report::from)
    })
}

/// Opens the sealed file `from` into the new file `to`, which appears complete or not at all.
#[napi(js_name = "decryptFile", catch_unwind, ts_return_type = "Promise<Report>")]
pub fn decrypt_file_at<'env>(
    env: &'env Env,
    from: String,
    to: String,
    #[napi(ts_arg_type = "Array<Uint8Array | NativeKey>")] keys: Vec<KeyArgument<'_>>,
    settings: OpenSettings<'_>,
    placement: PlacementSettings,
    run: RunSettings<'_>,
) -> Result<Object<'env>> {
    let plan = OpenPlan::new(&keys, settings)?;
    let placement = Placement::from(placement);
    Task::large(run).launch(env, move |control| {
        let (from, to) = (Path::new(&from), Path::new(&to));
        decrypt_file(from, to, &plan.options(), placement, control).map(Report::from)
    })
}
