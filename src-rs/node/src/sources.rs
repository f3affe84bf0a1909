//! What is read by offset: a file by its path, or bytes in memory.

use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use sealstream::SealFailure;
use sealstream::stream_v2::heal::CopySource;
use sealstream::stream_v2::io::{ReadAt, open_source};
use std::path::Path;

/// A source that can be addressed by offset: exactly one of its properties.
#[napi(object, object_to_js = false)]
pub struct Source {
    /// A regular file by its path.
    pub path: Option<String>,
    /// Bytes that don't change until the operation is done.
    pub bytes: Option<Uint8Array>,
}

impl Source {
    /// Opens it to read.
    pub(crate) fn open(&self) -> Result<Box<dyn ReadAt + '_>, SealFailure> {
        match (&self.path, &self.bytes) {
            (Some(path), _) => Ok(Box::new(open_source(Path::new(path))?)),
            (None, Some(bytes)) => Ok(Box::new(&bytes[..])),
            (None, None) => Err(Self::missing()),
        }
    }

    /// The same as a copy to heal from, which is opened there.
    pub(crate) fn as_copy(&self) -> Result<CopySource<'_>, SealFailure> {
        match (&self.path, &self.bytes) {
            (Some(path), _) => Ok(CopySource::File(Path::new(path))),
            (None, Some(bytes)) => Ok(CopySource::Memory(&bytes[..])),
            (None, None) => Err(Self::missing()),
        }
    }

    fn missing() -> SealFailure {
        SealFailure::InvalidOption {
            option: "source".into(),
            problem: "must name a path or bytes".into(),
        }
    }

    /// The failure with the path that it happened on, where it is a failure to read.
    pub(crate) fn blame(&self, failure: SealFailure) -> SealFailure {
        match &self.path {
            Some(path) => failure.on_file(Path::new(path), Path::new(path)),
            None => failure,
        }
    }
}
