//! What is read by offset: a file by its path, bytes in memory, or what JavaScript fetched of something else.

use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use sealstream::SealError;
use sealstream::repair::heal::CopySource;
use sealstream::stream_v2::io::{FetchedRanges, JoinedSource, ReadAt, open_source};
use std::path::Path;

/// A source that can be addressed by offset: exactly one of its properties, and the header if that is kept apart.
#[napi(object, object_to_js = false)]
pub struct Source {
    /// A regular file by its path.
    pub path: Option<String>,
    /// Bytes that don't change until the operation is done.
    pub bytes: Option<Uint8Array>,
    /// What was fetched of it: all that the operation is going to read.
    pub fetched: Option<FetchedSource>,
    /// The stream's header, where the source is its body alone; the bytes don't change until the operation is done.
    pub header: Option<Uint8Array>,
}

/// Pieces of a source.
#[napi(object, object_to_js = false)]
pub struct FetchedSource {
    /// Bytes of the whole source.
    pub size: f64,
    /// The pieces, in any order.
    pub parts: Vec<FetchedPart>,
}

/// A piece of a source.
#[napi(object, object_to_js = false)]
pub struct FetchedPart {
    /// Where it starts.
    pub offset: f64,
    /// Its bytes, which don't change until the operation is done.
    pub bytes: Uint8Array,
}

impl Source {
    /// Opens it to read.
    pub(crate) fn open(&self) -> Result<Box<dyn ReadAt + '_>, SealError> {
        let opened = match &self.path {
            Some(path) => Box::new(open_source(Path::new(path))?),
            None => self.in_memory()?,
        };
        Ok(match &self.header {
            Some(header) => Box::new(JoinedSource::new(&header[..], opened)),
            None => opened,
        })
    }

    /// The path of a source that has to be a file.
    pub(crate) fn file(&self) -> Result<&Path, SealError> {
        self.path.as_ref().map(Path::new).ok_or_else(Self::missing)
    }

    /// The same of a source that is no file.
    pub(crate) fn in_memory(&self) -> Result<Box<dyn ReadAt + '_>, SealError> {
        match (&self.bytes, &self.fetched) {
            (Some(bytes), _) => Ok(Box::new(&bytes[..])),
            (None, Some(fetched)) => Ok(Box::new(fetched.as_parts())),
            (None, None) => Err(Self::missing()),
        }
    }

    /// All memory of JavaScript's that it reads.
    pub(crate) fn memory(&self) -> impl Iterator<Item = &[u8]> {
        let parts = self.fetched.iter().flat_map(|fetched| &fetched.parts);
        self.bytes
            .iter()
            .chain(parts.map(|part| &part.bytes))
            .map(|bytes| &bytes[..])
    }

    /// The same as a copy to heal from, which is opened there.
    pub(crate) fn as_copy(&self) -> Result<CopySource<'_>, SealError> {
        match (&self.path, &self.bytes) {
            (Some(path), _) => Ok(CopySource::File(Path::new(path))),
            (None, Some(bytes)) => Ok(CopySource::Memory(&bytes[..])),
            (None, None) => Err(Self::missing()),
        }
    }

    fn missing() -> SealError {
        SealError::InvalidOption {
            option: "source".into(),
            problem: "must name a path or bytes".into(),
        }
    }

    /// The failure with the path that it happened on, where it is a failure to read.
    pub(crate) fn blame(&self, failure: SealError) -> SealError {
        match &self.path {
            Some(path) => failure.on_file(Path::new(path), Path::new(path)),
            None => failure,
        }
    }
}

impl FetchedSource {
    fn as_parts(&self) -> FetchedRanges<'_> {
        let parts = self.parts.iter();
        FetchedRanges::new(
            self.size as u64,
            parts.map(|part| (part.offset as u64, &part.bytes[..])).collect(),
        )
    }
}
