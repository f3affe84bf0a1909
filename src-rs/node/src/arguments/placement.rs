//! How an operation creates its output file.

use crate::arguments::keys::key_from_bytes;
use napi::Result;
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use sealstream::files::Placement;
use sealstream::rekey::detached::HeaderFile;
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

    pub(crate) fn secret(&self) -> Result<Option<SecretKey>> {
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

pub(crate) fn header_file(path: &str, overwrite: Overwrite) -> HeaderFile<'_> {
    let path = Path::new(path);
    HeaderFile { path, overwrite }
}
