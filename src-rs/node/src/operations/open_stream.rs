//! A stream that stays open, as the calls on it share it.

use crate::arguments::sources::{Source, joined};
use crate::memory::HeldBytes;
use crate::types::failure::invalid_argument;
use napi::Result;
use sealstream::format::SegmentIndex;
use sealstream::random_access::RangeReader;
use sealstream::stream_v2::core::seekable::SeekableStream;
use sealstream::stream_v2::io::ReadAt;
use sealstream::stream_v2::segment_worker::RecordSummary;
use sealstream::telemetry;
use sealstream::{CancellationToken, SealError};
use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A stream and its source, which calls share.
pub(super) struct Shared {
    pub(super) stream: Stream,
    /// The detached header.
    pub(super) header: Option<Vec<u8>>,
    /// The source, if it is a file.
    pub(super) file: Option<(File, PathBuf)>,
    /// The source, if it is in memory. A source that is fetched is passed to every call.
    pub(super) bytes: Option<HeldBytes>,
    /// Record buffers that can be used again.
    pub(super) free: Mutex<Vec<Vec<u8>>>,
}

/// What the stream was opened for.
pub(super) enum Stream {
    /// For segments. The caller asks for a failure of the end after the segments.
    Segments(Box<SeekableStream>),
    /// For ranges: the end is valid.
    Ranges(Arc<RangeReader>),
}

impl Shared {
    pub(super) fn opened(&self) -> &SeekableStream {
        match &self.stream {
            Stream::Segments(opened) => opened,
            Stream::Ranges(reader) => reader.opened(),
        }
    }

    pub(super) fn ranges(&self) -> Result<&Arc<RangeReader>> {
        match &self.stream {
            Stream::Ranges(reader) => Ok(reader),
            Stream::Segments(_) => Err(invalid_argument("the reader was opened for segments")),
        }
    }

    /// Opens a segment into `output`.
    pub(super) fn open_segment(
        &self,
        source: &Source,
        index: SegmentIndex,
        output: &mut [u8],
        cancel: &CancellationToken,
        times: &mut telemetry::StageTimes,
    ) -> std::result::Result<RecordSummary, SealError> {
        let buffer = self.free().pop().unwrap_or_default();
        let stream = self.opened();
        let opened = self.reading(source, cancel, |from| {
            stream.open_segment(from, index, buffer, cancel, times)
        })?;
        let done = opened.summary;
        let too_small = SealError::OutputTooSmall {
            available: output.len() as u64,
            needed: done.plaintext_size.into(),
        };
        let mut room = output;
        for frame in opened.frames() {
            let Some((now, later)) = room.split_at_mut_checked(frame.len()) else {
                return Err(too_small);
            };
            now.copy_from_slice(frame);
            room = later;
        }
        self.free().push(opened.into_buffer());
        Ok(done)
    }

    /// Has `read` read the source: the open file, or what was passed to this call.
    pub(super) fn reading<T>(
        &self,
        source: &Source,
        cancel: &CancellationToken,
        read: impl FnOnce(&dyn ReadAt) -> std::result::Result<T, SealError>,
    ) -> std::result::Result<T, SealError> {
        let header = self.header.as_deref();
        match (&self.file, &self.bytes) {
            (Some((file, path)), _) => {
                read(&*joined(header, Box::new(file))).map_err(|failure| failure.on_file(path, path))
            }
            (None, Some(bytes)) => bytes.judge(read(&*joined(header, bytes.source(cancel)))),
            (None, None) => source.judge(read(&*joined(header, source.in_memory(cancel)?))),
        }
    }

    pub(super) fn free(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
