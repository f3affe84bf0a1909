//! Sources that are read by offset: a file, bytes in memory, or parts of something that JavaScript fetched.

use crate::memory::input;
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use sealstream::SealError;
use sealstream::files::SourceFile;
use sealstream::operation::invalid;
use sealstream::repair::heal::CopySource;
use sealstream::stream_v2::io::{FetchedRanges, JoinedSource, ReadAt, open_source};
use std::path::Path;

/// A source: one of `path`, `bytes` and `fetched`, and `header` if that is detached. Bytes must not change until the operation
/// has ended.
#[napi(object, object_to_js = false)]
#[derive(Default)]
pub struct Source {
    /// Path of a regular file.
    pub path: Option<String>,
    /// The whole source in memory.
    pub bytes: Option<Uint8Array>,
    /// The parts of the source that the operation reads.
    pub fetched: Option<FetchedSource>,
    /// The stream's detached header; the source is then only the stream's body.
    pub header: Option<Uint8Array>,
}

/// Parts of a source.
#[napi(object, object_to_js = false)]
pub struct FetchedSource {
    /// Bytes of the whole source.
    pub size: f64,
    /// The parts, in any order.
    pub parts: Vec<FetchedPart>,
}

/// A part of a source.
#[napi(object, object_to_js = false)]
pub struct FetchedPart {
    /// Its offset in the source.
    pub offset: f64,
    /// Its bytes.
    pub bytes: Uint8Array,
}

impl Source {
    /// Opens the source to read.
    pub(crate) fn open(&self) -> Result<Box<dyn ReadAt + '_>, SealError> {
        let opened = match &self.path {
            Some(path) => Box::new(open_source(Path::new(path))?),
            None => self.in_memory()?,
        };
        Ok(joined(self.header.as_ref().map(input), opened))
    }

    /// The path of a source that must be a file.
    pub(crate) fn file(&self) -> Result<&Path, SealError> {
        self.path.as_ref().map(Path::new).ok_or_else(Self::missing)
    }

    /// Opens a source that is not a file, without its detached header.
    pub(crate) fn in_memory(&self) -> Result<Box<dyn ReadAt + '_>, SealError> {
        match (&self.bytes, &self.fetched) {
            (Some(bytes), _) => Ok(Box::new(input(bytes))),
            (None, Some(FetchedSource { size, parts })) => {
                let parts = parts.iter().map(|part| (part.offset as u64, input(&part.bytes)));
                Ok(Box::new(FetchedRanges::new(*size as u64, parts.collect())))
            }
            (None, None) => Err(Self::missing()),
        }
    }

    /// All of JavaScript's memory that it reads.
    pub(crate) fn memory(&self) -> impl Iterator<Item = &[u8]> {
        let parts = self.fetched.iter().flat_map(|fetched| &fetched.parts);
        self.bytes.iter().chain(parts.map(|part| &part.bytes)).map(input)
    }

    /// The source as a copy to heal from.
    pub(crate) fn as_copy(&self) -> Result<CopySource<'_>, SealError> {
        match (&self.path, &self.bytes) {
            (Some(path), _) => Ok(CopySource::File(SourceFile::open(Path::new(path))?)),
            (None, Some(bytes)) => Ok(CopySource::Memory(input(bytes))),
            (None, None) => Err(Self::missing()),
        }
    }

    /// Adds the source's path to a failure to read.
    pub(crate) fn on_path(&self, failure: SealError) -> SealError {
        match &self.path {
            Some(path) => failure.on_file(Path::new(path), Path::new(path)),
            None => failure,
        }
    }

    fn missing() -> SealError {
        invalid("source", "must name a path or bytes")
    }
}

/// A body with its detached header, if there is one.
pub(crate) fn joined<'a>(header: Option<&'a [u8]>, body: Box<dyn ReadAt + 'a>) -> Box<dyn ReadAt + 'a> {
    match header {
        Some(header) => Box::new(JoinedSource::new(header, body)),
        None => body,
    }
}
