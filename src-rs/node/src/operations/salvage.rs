//! Salvaging a damaged stream.

use crate::arguments::credentials::CredentialArgument;
use crate::arguments::options::OpenSettings;
use crate::arguments::placement::PlacementSettings;
use crate::memory::input;
use crate::runtime::task::{RunSettings, Task};
use crate::types::damage_map::DamageMap;
use napi::bindgen_prelude::{Object, Uint8Array};
use napi::{Env, Result};
use napi_derive::napi;
use sealstream::repair::salvage as engine;
use sealstream::repair::salvage::{LostBytes, SalvageOptions};
use std::path::Path;

/// How to salvage.
#[napi(object, object_to_js = false)]
#[derive(Default)]
pub struct SalvageSettings {
    /// A header of the stream from elsewhere.
    pub header: Option<Uint8Array>,
    /// Leaves lost bytes out. By default zeros replace them.
    pub omit_lost: Option<bool>,
}

/// Salvages the file `from` into the new file `to`.
#[napi(catch_unwind, ts_return_type = "Promise<DamageMap>")]
#[allow(clippy::too_many_arguments, reason = "JavaScript passes each of them")]
pub fn salvage_file<'env>(
    env: &'env Env,
    from: String,
    to: String,
    identities: Vec<CredentialArgument<'_>>,
    settings: OpenSettings<'_>,
    salvage: SalvageSettings,
    placement: PlacementSettings,
    run: RunSettings<'_>,
) -> Result<Object<'env>> {
    let open = settings.for_identities(env, &identities)?;
    let place = placement.unresumable(env)?;
    let header = salvage.header.map(|header| input(&header).to_vec());
    let lost = if salvage.omit_lost == Some(true) {
        LostBytes::Skip
    } else {
        LostBytes::Zero
    };
    Task::parallel(run).launch(env, move |control| {
        let options = SalvageOptions {
            open: open.clone(),
            header: header.as_deref(),
            lost,
        };
        let (from, to) = (Path::new(&from), Path::new(&to));
        engine::salvage_file(from, to, &options, place, control).map(DamageMap::from)
    })
}
