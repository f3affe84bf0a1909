//! Salvaging a damaged stream.

use crate::arguments::credentials::CredentialArgument;
use crate::arguments::options::OpenSettings;
use crate::arguments::placement::PlacementSettings;
use crate::memory::BytesCopy;
use crate::runtime::task::{RunSettings, Task};
use crate::types::convert::{names, object};
use crate::types::damage_map::DamageMap;
use crate::types::failure::{SealFailure, code_of};
use napi::bindgen_prelude::Object;
use napi::{Env, Result};
use napi_derive::napi;
use sealstream::repair::salvage;
use sealstream::repair::salvage::{LostBytes, SalvageOptions, salvage_file};
use std::path::Path;

/// How to salvage.
#[napi(object, object_to_js = false)]
#[derive(Default)]
pub struct SalvageSettings {
    /// A header of the stream from elsewhere.
    #[napi(ts_type = "Uint8Array")]
    pub fallback_header: Option<BytesCopy>,
    /// What to write for lost bytes; zeros by default.
    pub lost: Option<LostBytesName>,
}

names! {
    /// What to write for lost bytes.
    LostBytesName into LostBytes {
        /// Zeros, so that all other bytes keep their offsets.
        Zero = "zero",
        /// Nothing.
        Skip = "skip",
    }
}

object! {
    /// Result of a salvage, and why it failed if nothing was recovered.
    Salvaged from map: salvage::DamageMap {
        /// The failure's `code`.
        #[napi(ts_type = "SealErrorCode")]
        code: Option<String> = map.failure().map(|failure| code_of(&failure)),
        /// The failure.
        failure: Option<SealFailure> = map.failure(),
        /// The failure as a sentence.
        message: Option<String> = map.failure().map(|failure| failure.to_string()),
        /// What was recovered and what is lost.
        map: DamageMap = map,
    }
}

/// Salvages the file `from` into the new file `to`.
#[napi(catch_unwind, ts_return_type = "Promise<Salvaged>")]
#[allow(clippy::too_many_arguments, reason = "JavaScript passes each of them")]
pub fn salvage<'env>(
    env: &'env Env,
    from: String,
    to: String,
    identities: Vec<CredentialArgument<'_>>,
    settings: OpenSettings<'_>,
    choices: SalvageSettings,
    placement: PlacementSettings,
    run: RunSettings<'_>,
) -> Result<Object<'env>> {
    let open = settings.for_identities(env, &identities)?;
    let place = placement.unresumable(env)?;
    let header = choices.fallback_header;
    let lost = choices.lost.map_or(LostBytes::Zero, LostBytes::from);
    Task::parallel(run).launch(env, move |control| {
        let options = SalvageOptions {
            open: open.clone(),
            header: header.as_deref(),
            lost,
        };
        let (from, to) = (Path::new(&from), Path::new(&to));
        salvage_file(from, to, &options, place, control).map(Salvaged::from)
    })
}
