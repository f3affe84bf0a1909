//! A stream that stays open: ranges of its plaintext are read, and its segments opened, in any order, several at once.

use crate::arguments::credentials::CredentialArgument;
use crate::arguments::options::{OpenPlan, OpenSettings};
use crate::arguments::sources::Source;
use crate::memory::{all_or_zeros, check_apart};
use crate::runtime::task::{Cancellation, Task};
use crate::types::range::Range;
use crate::types::report::hex;
use napi::bindgen_prelude::{ClassInstance, Either, Object, Uint8Array};
use napi::{Env, Result};
use napi_derive::napi;
use sealstream::format::ByteRange;
use sealstream::random_access::{RangeReader, ReadPlan};
use sealstream::stream_v2::core::seekable::SeekableStream;
use sealstream::stream_v2::io::{JoinedSource, ReadAt, open_source};
use sealstream::telemetry::StageTimes;
use sealstream::{CancellationToken, SealError, random_access};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A sealed stream that was unlocked. It can be read until it is closed.
#[napi]
pub struct StreamReader {
    shared: Option<Arc<Shared>>,
}

pub(crate) struct Shared {
    stream: Stream,
    /// The source, unless it is memory: that comes with every call.
    file: Option<(Box<dyn ReadAt>, PathBuf)>,
    /// Buffers for records, to be used again.
    free: Mutex<Vec<Vec<u8>>>,
}

enum Stream {
    /// Whatever is wrong with its end, which the caller asks for when the segments are done.
    Segments(Box<SeekableStream>),
    /// With a sound end.
    Ranges(Arc<RangeReader>),
}

/// Which ranges of a source of `size` bytes are needed to open it, besides its first bytes and its last.
#[napi(ts_return_type = "Array<ByteRange>")]
pub fn open_ranges(size: f64, head: &[u8], tail: &[u8]) -> Vec<Range> {
    let ranges = random_access::open_ranges(size as u64, head, tail);
    ranges.into_iter().map(Range::from).collect()
}

/// Unlocks a stream and verifies its end, but no segment. With a size for the cache of opened frames, in bytes, ranges can
/// be read, and an end that is not sound is refused; without one, only segments can be opened.
#[napi(catch_unwind, ts_return_type = "Promise<StreamReader>")]
pub fn open_reader<'env>(
    env: &'env Env,
    source: Source,
    #[napi(ts_arg_type = "Array<Uint8Array | NativeKey | NativeCredential>")] identities: Vec<
        CredentialArgument<'_>,
    >,
    settings: OpenSettings<'_>,
    cache_size: Option<f64>,
    #[napi(ts_arg_type = "Cancellation | undefined | null")] cancellation: Option<
        ClassInstance<'_, Cancellation>,
    >,
) -> Result<Object<'env>> {
    let plan = OpenPlan::new(&identities, settings)?;
    // What is read is little, whatever the stream's size.
    Task::alone(cancellation.as_deref(), 0)
        .stretching(plan.stretches())
        .launch(env, move |_| {
            let file = match &source.path {
                Some(path) => {
                    let file = open_source(Path::new(path))?;
                    let whole: Box<dyn ReadAt> = match &source.header {
                        Some(header) => Box::new(JoinedSource::new(header.to_vec(), file)),
                        None => Box::new(file),
                    };
                    Some((whole, PathBuf::from(path)))
                }
                None => None,
            };
            let opened = match &file {
                Some((file, _)) => SeekableStream::open(file, &plan.options()),
                None => SeekableStream::open(&*source.in_memory()?, &plan.options()),
            };
            let stream = opened.and_then(|opened| match cache_size {
                Some(bytes) => {
                    RangeReader::new(opened, bytes as usize).map(|reader| Stream::Ranges(Arc::new(reader)))
                }
                None => Ok(Stream::Segments(Box::new(opened))),
            });
            Ok(StreamReader {
                shared: Some(Arc::new(Shared {
                    stream: stream.map_err(|failure| source.blame(failure))?,
                    file,
                    free: Mutex::default(),
                })),
            })
        })
}

#[napi]
impl StreamReader {
    /// Plaintext bytes, where they are known.
    #[napi(getter)]
    pub fn plaintext_size(&self) -> Result<Option<f64>> {
        Ok(self.get()?.opened().plaintext_size().map(|size| size as f64))
    }

    /// Plaintext bytes in a full frame.
    #[napi(getter)]
    pub fn frame_size(&self) -> Result<u32> {
        Ok(self.get()?.opened().geometry().frame_size())
    }

    /// Plaintext bytes in a full segment.
    #[napi(getter)]
    pub fn segment_size(&self) -> Result<u32> {
        Ok(self.get()?.opened().geometry().segment_size())
    }

    /// The stream's id, 64 hexadecimal digits.
    #[napi(getter)]
    pub fn stream_id(&self) -> Result<String> {
        Ok(hex(self.get()?.opened().stream_id()))
    }

    /// The stretch of the sealed stream that holds all that reading this range of the plaintext takes.
    #[napi(ts_return_type = "ByteRange")]
    pub fn ciphertext_range(&self, start: f64, end: f64) -> Result<Range> {
        let range = ByteRange {
            start: start as u64,
            end: end as u64,
        };
        Ok(self.get()?.ranges()?.ciphertext_range(range).into())
    }

    /// Reads the plaintext from `offset` on until `output` is full, which must not be past the end. At once where all of it
    /// was opened lately, since another thread would take longer than the copy, else by a promise. `bytes` is the source, where that is
    /// memory. If it fails, `output` is of no use.
    #[napi(catch_unwind, ts_return_type = "undefined | Promise<void>")]
    pub fn read<'env>(
        &self,
        env: &'env Env,
        offset: f64,
        output: Uint8Array,
        bytes: Option<Uint8Array>,
        #[napi(ts_arg_type = "Cancellation | undefined | null")] cancellation: Option<
            ClassInstance<'_, Cancellation>,
        >,
    ) -> Result<Either<(), Object<'env>>> {
        let source = Source {
            path: None,
            bytes,
            fetched: None,
            header: None,
        };
        let plan = self.planned(offset, output.len() as f64)?;
        plan.start(env, source, output, cancellation.as_deref())
    }

    /// What reading `length` bytes of the plaintext from `offset` on takes, of a source that is fetched.
    #[napi]
    pub fn plan_read(&self, offset: f64, length: f64) -> Result<PlannedRead> {
        self.planned(offset, length)
    }

    /// Closes the source when the last operation on it is done.
    #[napi]
    pub fn close(&mut self) {
        self.shared = None;
    }

    pub(crate) fn get(&self) -> Result<&Arc<Shared>> {
        self.shared
            .as_ref()
            .ok_or_else(|| napi::Error::new(napi::Status::InvalidArg, "the reader was closed"))
    }

    fn planned(&self, offset: f64, length: f64) -> Result<PlannedRead> {
        let shared = Arc::clone(self.get()?);
        let range = ByteRange::at(offset as u64, length as u64);
        let reader = Arc::clone(shared.ranges()?);
        let plan = Arc::new(reader.plan(range));
        Ok(PlannedRead { shared, reader, plan })
    }
}

/// A read of which it is known what it takes.
#[napi]
pub struct PlannedRead {
    shared: Arc<Shared>,
    reader: Arc<RangeReader>,
    plan: Arc<ReadPlan>,
}

#[napi]
impl PlannedRead {
    /// What has to be fetched.
    #[napi(getter, ts_return_type = "Array<ByteRange>")]
    pub fn missing(&self) -> Vec<Range> {
        self.plan.missing().into_iter().map(Range::from).collect()
    }

    /// Opens what was fetched; otherwise as `read`.
    #[napi(catch_unwind, ts_return_type = "undefined | Promise<void>")]
    pub fn open<'env>(
        &self,
        env: &'env Env,
        source: Source,
        output: Uint8Array,
        #[napi(ts_arg_type = "Cancellation | undefined | null")] cancellation: Option<
            ClassInstance<'_, Cancellation>,
        >,
    ) -> Result<Either<(), Object<'env>>> {
        self.start(env, source, output, cancellation.as_deref())
    }

    fn start<'env>(
        &self,
        env: &'env Env,
        source: Source,
        mut output: Uint8Array,
        cancellation: Option<&Cancellation>,
    ) -> Result<Either<(), Object<'env>>> {
        for bytes in source.memory() {
            check_apart(bytes, &output)?;
        }
        let Self { shared, reader, plan } = self;
        let (shared, reader, plan) = (Arc::clone(shared), Arc::clone(reader), Arc::clone(plan));
        let mut run = move |cancel: &CancellationToken| {
            // SAFETY: the façade made `output` for this read and shows it to nobody before it is done.
            let memory = unsafe { output.as_mut() };
            all_or_zeros(memory, |memory| {
                let times = &mut StageTimes::default();
                let read = |from: &dyn ReadAt| reader.read(from, &plan, memory, cancel, times);
                shared.reading(&source, read).map(drop)
            })
        };
        if self.plan.is_complete() && self.plan.size() <= AT_ONCE {
            let read = run(&CancellationToken::new());
            return match read {
                Ok(()) => Ok(Either::A(())),
                Err(failure) => Err(crate::types::failure::rejection(env, &failure)?),
            };
        }
        let task = Task::alone(cancellation, self.plan.work());
        task.launch(env, move |control| run(&control.cancel))
            .map(Either::B)
    }
}

impl Shared {
    pub(crate) fn opened(&self) -> &SeekableStream {
        match &self.stream {
            Stream::Segments(opened) => opened,
            Stream::Ranges(reader) => reader.opened(),
        }
    }

    fn ranges(&self) -> Result<&Arc<RangeReader>> {
        match &self.stream {
            Stream::Ranges(reader) => Ok(reader),
            Stream::Segments(_) => Err(napi::Error::new(
                napi::Status::InvalidArg,
                "the reader was opened for segments",
            )),
        }
    }

    /// Has `read` read the source: the open file, or what comes with this call.
    pub(crate) fn reading<T>(
        &self,
        source: &Source,
        read: impl FnOnce(&dyn ReadAt) -> std::result::Result<T, SealError>,
    ) -> std::result::Result<T, SealError> {
        match &self.file {
            Some((file, path)) => read(file).map_err(|failure| failure.on_file(path, path)),
            None => read(&*source.in_memory()?),
        }
    }

    pub(crate) fn free(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes that are copied on JavaScript's own thread: asking another one would take longer.
const AT_ONCE: u64 = 256 * 1024;
