//! Sources that are read by offset: a file, bytes in memory, or parts of something that JavaScript fetched.

use crate::memory::{BytesCopy, HeldBytes};
use napi_derive::napi;
use sealstream::files::SourceFile;
use sealstream::operation::invalid;
use sealstream::repair::heal::CopySource;
use sealstream::stream_v2::io::{FetchedRange, FetchedRanges, JoinedSource, ReadAt, open_source};
use sealstream::{CancellationToken, SealError};
use std::path::Path;

/// A source: one of `path`, `bytes` and `fetched`, and `header` if that is detached.
#[napi(object, object_to_js = false)]
#[derive(Default)]
pub struct Source {
    /// Path of a regular file.
    pub path: Option<String>,
    /// The whole source in memory.
    #[napi(ts_type = "CallerBytes")]
    pub bytes: Option<HeldBytes>,
    /// The parts of the source that the operation reads.
    pub fetched: Option<FetchedSource>,
    /// The stream's detached header; the source is then only the stream's body.
    #[napi(ts_type = "Uint8Array")]
    pub header: Option<BytesCopy>,
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
    #[napi(ts_type = "CallerBytes")]
    pub bytes: HeldBytes,
}

impl Source {
    /// Opens the source to read, on the operation's first thread.
    pub(crate) fn open<'a>(
        &'a self,
        cancel: &'a CancellationToken,
    ) -> Result<Box<dyn ReadAt + 'a>, SealError> {
        let opened = match &self.path {
            Some(path) => Box::new(open_source(Path::new(path))?),
            None => self.in_memory(cancel)?,
        };
        Ok(joined(self.header.as_deref(), opened))
    }

    /// The path of a source that must be a file.
    pub(crate) fn file(&self) -> Result<&Path, SealError> {
        self.path.as_ref().map(Path::new).ok_or_else(Self::missing)
    }

    /// Opens a source that is not a file, without its detached header.
    pub(crate) fn in_memory<'a>(
        &'a self,
        cancel: &'a CancellationToken,
    ) -> Result<Box<dyn ReadAt + 'a>, SealError> {
        match (&self.bytes, &self.fetched) {
            (Some(bytes), _) => Ok(bytes.source(cancel)),
            (None, Some(FetchedSource { size, parts })) => {
                let parts = parts.iter().map(|part| FetchedRange {
                    offset: part.offset as u64,
                    size: part.bytes.size() as u64,
                    bytes: part.bytes.source(cancel),
                });
                Ok(Box::new(FetchedRanges::new(*size as u64, parts.collect())))
            }
            (None, None) => Err(Self::missing()),
        }
    }

    /// The source as a copy to heal from.
    pub(crate) fn as_copy<'a>(&'a self, cancel: &'a CancellationToken) -> Result<CopySource<'a>, SealError> {
        match &self.path {
            Some(path) => Ok(CopySource::File(SourceFile::open(Path::new(path))?)),
            None => Ok(CopySource::Other(self.in_memory(cancel)?)),
        }
    }

    /// The outcome of an operation on the source. A failure to read a file names it, and bytes that were not there any more are a failure.
    pub(crate) fn judge<T>(&self, outcome: Result<T, SealError>) -> Result<T, SealError> {
        let parts = self.fetched.iter().flat_map(|fetched| &fetched.parts);
        let held = self.bytes.iter().chain(parts.map(|part| &part.bytes));
        let outcome = held.fold(outcome, |outcome, bytes| bytes.judge(outcome));
        outcome.map_err(|failure| match &self.path {
            Some(path) => failure.on_file(Path::new(path), Path::new(path)),
            None => failure,
        })
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
