//! Options of an operation's output file.

use crate::arguments::keys::key_from_bytes;
use crate::memory::BytesCopy;
use crate::types::failure::Failure;
use napi::{Env, Result};
use napi_derive::napi;
use sealstream::SecretKey;
use sealstream::files::Placement;
use sealstream::operation::invalid;
use sealstream::rekey::detached::HeaderFile;
use sealstream::stream_v2::io::Overwrite;
use std::path::Path;

/// How to create the output file.
#[napi(object, object_to_js = false)]
pub struct PlacementSettings {
    /// Replace an existing target.
    pub overwrite: bool,
    /// Flush the file's contents and its name to the disk before the operation ends.
    pub flush: bool,
    /// Keep finished segments if the operation is interrupted, and continue from those that are there.
    pub resume: bool,
    /// The secret under which the journal keeps the stream's key, 32 bytes.
    #[napi(ts_type = "Uint8Array")]
    pub resume_secret: Option<BytesCopy>,
    /// Path of the file for a detached header.
    pub header_to: Option<String>,
}

impl PlacementSettings {
    /// The placement of an operation that can't be resumed. Throws if it was to be resumed.
    pub(crate) fn unresumable(&self, env: &Env) -> Result<Placement> {
        let problem = "can only be used to seal or open a file into a file, each given by its path";
        self.refuse_resume(env, problem)?;
        Ok(self.into())
    }

    /// Throws if the operation was to be resumed.
    pub(crate) fn refuse_resume(&self, env: &Env, problem: &str) -> Result<()> {
        if self.resume {
            return Err(invalid("resume", problem).to_error(env)?);
        }
        Ok(())
    }

    pub(crate) fn secret(&self) -> Result<Option<SecretKey>> {
        let secret = self.resume_secret.as_ref();
        secret.map(|bytes| key_from_bytes(bytes)).transpose()
    }
}

impl From<&PlacementSettings> for Placement {
    fn from(settings: &PlacementSettings) -> Self {
        Self {
            overwrite: if settings.overwrite {
                Overwrite::Replace
            } else {
                Overwrite::Refuse
            },
            flush: settings.flush,
        }
    }
}

/// The file for a detached header.
pub(crate) fn header_file(path: &Option<String>, overwrite: Overwrite) -> Option<HeaderFile<'_>> {
    path.as_ref().map(|path| HeaderFile {
        path: Path::new(path),
        overwrite,
    })
}
