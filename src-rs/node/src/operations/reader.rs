//! A stream that stays open: ranges of its plaintext are read, and its segments opened, in any order, several at once.

use super::open_stream::{Shared, Stream};
use crate::arguments::credentials::CredentialArgument;
use crate::arguments::options::OpenSettings;
use crate::arguments::sources::{Source, joined};
use crate::memory::{BytesCopy, NewBuffer, Room};
use crate::runtime::task::{Cancellation, Task};
use crate::types::byte_range::ByteRange;
use crate::types::convert::{IntoJs, object};
use crate::types::failure::{OrThrow, SealFailure, invalid_argument};
use crate::types::report::{FileMetadata, StageTimes, crc64_text};
use napi::bindgen_prelude::{Either, Object};
use napi::{Env, Result};
use napi_derive::napi;
use sealstream::format::SegmentIndex;
use sealstream::random_access::{RangeReader, ReadPlan};
use sealstream::stream_v2::core::seekable::SeekableStream;
use sealstream::stream_v2::io::{ReadAt, open_source};
use sealstream::stream_v2::pipeline::record_layout::RecordPlace;
use sealstream::stream_v2::segment_worker::RecordSummary;
use sealstream::telemetry;
use sealstream::{CancellationToken, SealError, format, random_access};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// An unlocked sealed stream. It can be read until it is closed.
#[napi]
pub struct StreamReader {
    shared: Option<Arc<Shared>>,
}

/// The ranges of a source of `size` bytes that are needed to open it, besides its first and last bytes.
#[napi]
pub fn open_ranges(
    size: f64,
    #[napi(ts_arg_type = "Uint8Array")] head: BytesCopy,
    #[napi(ts_arg_type = "Uint8Array")] tail: BytesCopy,
) -> Vec<ByteRange> {
    random_access::open_ranges(size as u64, &head, &tail).into_js()
}

/// Unlocks a stream and verifies its end, but no segment. With the size of a cache of opened frames, in bytes, ranges can be read, and
/// an invalid end is refused. Without one, only segments can be opened.
#[napi(catch_unwind, ts_return_type = "Promise<StreamReader>")]
pub fn open_reader<'env>(
    env: &'env Env,
    source: Source,
    identities: Vec<CredentialArgument<'_>>,
    settings: OpenSettings<'_>,
    cache_size: Option<f64>,
    cancellation: Option<&Cancellation>,
) -> Result<Object<'env>> {
    let options = settings.for_identities(env, &identities)?;
    let task = Task::new(cancellation).for_slots(options.slot_types());
    task.launch(env, move |control| {
        let file = match &source.path {
            Some(path) => Some((open_source(Path::new(path))?, PathBuf::from(path))),
            None => None,
        };
        let header = source.header.as_ref().map(|header| header.to_vec());
        let body: Box<dyn ReadAt> = match &file {
            Some((file, _)) => Box::new(file),
            None => source.in_memory(&control.cancel)?,
        };
        let opened = SeekableStream::open(&*joined(header.as_deref(), body), &options, &control.cancel);
        let stream = opened.and_then(|opened| match cache_size {
            Some(bytes) => {
                RangeReader::new(opened, bytes as usize).map(|reader| Stream::Ranges(Arc::new(reader)))
            }
            None => Ok(Stream::Segments(Box::new(opened))),
        });
        let shared = Shared {
            stream: source.judge(stream)?,
            header,
            file,
            bytes: source.bytes.clone(),
            free: Mutex::default(),
        };
        let shared = Some(Arc::new(shared));
        Ok(StreamReader { shared })
    })
}

#[napi]
impl StreamReader {
    /// Plaintext bytes, if their number is known.
    #[napi(getter)]
    pub fn plaintext_size(&self) -> Result<Option<f64>> {
        Ok(self.get()?.opened().plaintext_size().into_js())
    }

    /// What the stream keeps of the file that was encrypted.
    #[napi(getter)]
    pub fn metadata(&self) -> Result<Option<FileMetadata>> {
        Ok(self.get()?.opened().metadata().cloned().into_js())
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
        Ok((*self.get()?.opened().stream_id()).into_js())
    }

    /// CRC-64/NVME of the whole sealed stream, in base64. Absent unless the digests are CRC-64/NVME and the header is sound.
    #[napi(getter)]
    pub fn sealed_crc64_nvme(&self) -> Result<Option<String>> {
        Ok(self.get()?.opened().sealed_crc64().map(crc64_text))
    }

    /// Hashes the record of a segment, all of which `source` has. Throws `DigestMismatch` if it is damaged.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn check_digest<'env>(
        &self,
        env: &'env Env,
        segment: f64,
        source: Source,
        cancellation: Option<&Cancellation>,
    ) -> Result<Object<'env>> {
        let shared = Arc::clone(self.get()?);
        let reader = Arc::clone(shared.ranges()?);
        let size = shared.opened().record(segment_index(segment)).sealed.size();
        Task::new(cancellation).of_size(size).launch(env, move |control| {
            let check =
                |from: &dyn ReadAt| reader.check_digest(from, segment_index(segment), &control.cancel);
            shared.reading(&source, &control.cancel, check)
        })
    }

    /// The range of the sealed stream that is read to open this range of the plaintext.
    #[napi]
    pub fn sealed_range(&self, offset: f64, length: f64) -> Result<ByteRange> {
        let range = format::ByteRange::at(offset as u64, length as u64);
        Ok(self.get()?.ranges()?.sealed_range(range).into())
    }

    /// Reads `length` bytes of the plaintext from `offset` on, which must not be past the end. It returns them at once if all were opened
    /// lately, because another thread would take longer than the copy; otherwise it returns a promise.
    #[napi(
        catch_unwind,
        ts_return_type = "ReturnType<typeof Buffer.alloc> | Promise<ReturnType<typeof Buffer.alloc>>"
    )]
    pub fn read<'env>(
        &self,
        env: &'env Env,
        offset: f64,
        length: f64,
        cancellation: Option<&Cancellation>,
    ) -> Result<Either<NewBuffer, Object<'env>>> {
        let plan = self.plan_read(offset, length)?;
        plan.open(env, Source::default(), cancellation)
    }

    /// Plans reading `length` bytes of the plaintext from `offset`, of a source that is fetched.
    #[napi]
    pub fn plan_read(&self, offset: f64, length: f64) -> Result<PlannedRead> {
        let shared = Arc::clone(self.get()?);
        let range = format::ByteRange::at(offset as u64, length as u64);
        let reader = Arc::clone(shared.ranges()?);
        let plan = Arc::new(reader.plan(range));
        Ok(PlannedRead { shared, reader, plan })
    }

    /// Number of segments of the stream. If its length is not known, the largest possible number.
    #[napi(getter)]
    pub fn segments(&self) -> Result<f64> {
        Ok(self.get()?.opened().segments() as f64)
    }

    /// Number of segments that are in the source, whole or in part. Those after them are one missing range.
    #[napi(getter)]
    pub fn segments_present(&self) -> Result<f64> {
        Ok(self.get()?.opened().segments_present() as f64)
    }

    /// Where a segment is in the plaintext and in the source. For the first missing segment, where all missing segments are.
    #[napi]
    pub fn place(&self, segment: f64) -> Result<SegmentPlace> {
        Ok(self.get()?.opened().place(segment_index(segment)).into())
    }

    /// Throws the failure of the stream's end, if it has one; `verified` plaintext bytes were verified before it.
    #[napi(catch_unwind)]
    pub fn check_end(&self, env: &Env, verified: f64) -> Result<()> {
        let failure = self.get()?.opened().end_failure().cloned();
        failure
            .map_or(Ok(()), |failure| Err(failure.after(verified as u64)))
            .or_throw(env)
    }

    /// Opens a segment. With a source that is fetched, `source` has all of the segment's record that is there. The promise also resolves
    /// for a damaged segment.
    #[napi(catch_unwind, ts_return_type = "Promise<SegmentOutcome>")]
    pub fn open_segment<'env>(
        &self,
        env: &'env Env,
        segment: f64,
        source: Source,
        cancellation: Option<&Cancellation>,
    ) -> Result<Object<'env>> {
        let shared = Arc::clone(self.get()?);
        let opened = shared.opened();
        let index = segment_index(segment);
        let room = match index.get() < opened.segments_present() {
            true => opened.place(index).plaintext.size() as usize,
            false => 0,
        };
        let mut room = Room::new(env, room)?;
        let size = opened.record(index).sealed.size();
        Task::new(cancellation).of_size(size).launch(env, move |control| {
            let mut times = telemetry::StageTimes::default();
            let cancel = &control.cancel;
            let opened = room.fill(|output| shared.open_segment(&source, index, output, cancel, &mut times));
            match opened {
                Ok((mut data, done)) => {
                    data.truncate(done.plaintext_size as usize);
                    Ok(SegmentOutcome::from((Ok(done), times, Some(data))))
                }
                Err(failure) if failure.is_damage() => Ok(SegmentOutcome::from((Err(failure), times, None))),
                Err(failure) => Err(failure),
            }
        })
    }

    /// Closes the source when the last operation on it has ended.
    #[napi]
    pub fn close(&mut self) {
        self.shared = None;
    }

    fn get(&self) -> Result<&Arc<Shared>> {
        self.shared
            .as_ref()
            .ok_or_else(|| invalid_argument("the reader was closed"))
    }
}

object! {
    /// Result of opening a segment.
    SegmentOutcome from opened: (std::result::Result<RecordSummary, SealError>, telemetry::StageTimes, Option<NewBuffer>) {
        /// The plaintext, unless it failed.
        #[napi(ts_type = "ReturnType<typeof Buffer.alloc>")]
        data: Option<NewBuffer> = opened.2,
        /// Plaintext bytes; 0 if it failed.
        plaintext_size: u32 = opened.0.as_ref().map_or(0, |done| done.plaintext_size),
        /// Bytes of its record.
        sealed_size: u32 = opened.0.as_ref().map_or(0, |done| done.entry.wire_size),
        /// Number of frames.
        frames: u32 = opened.0.as_ref().map_or(0, |done| done.frames),
        /// Whether it states that it is the stream's last segment.
        is_final: bool = opened.0.as_ref().is_ok_and(|done| done.is_final),
        /// Time in each stage.
        stages: StageTimes = opened.1,
        /// Why it could not be opened.
        failure: Option<SealFailure> = opened.0.as_ref().err().cloned(),
        /// The failure as a sentence.
        message: Option<String> = opened.0.err().map(|failure| failure.to_string()),
    }
}

object! {
    /// Where a segment is, or several that are missing.
    SegmentPlace from place: RecordPlace {
        /// The segment, or the first of them.
        segment: f64,
        /// Their number.
        segment_count: f64,
        /// Their range in the plaintext.
        plaintext_range: ByteRange = place.plaintext,
        /// Where they are, or should be, in the source.
        sealed_range: ByteRange = place.sealed,
    }
}

/// A read that has not started.
#[napi]
pub struct PlannedRead {
    shared: Arc<Shared>,
    reader: Arc<RangeReader>,
    plan: Arc<ReadPlan>,
}

#[napi]
impl PlannedRead {
    /// The ranges to fetch.
    #[napi(getter)]
    pub fn missing(&self) -> Vec<ByteRange> {
        self.plan.missing().into_js()
    }

    /// Opens what was fetched; otherwise as `read`.
    #[napi(
        catch_unwind,
        ts_return_type = "ReturnType<typeof Buffer.alloc> | Promise<ReturnType<typeof Buffer.alloc>>"
    )]
    pub fn open<'env>(
        &self,
        env: &'env Env,
        source: Source,
        cancellation: Option<&Cancellation>,
    ) -> Result<Either<NewBuffer, Object<'env>>> {
        let Self { shared, reader, plan } = self;
        let mut room = Room::new(env, plan.size() as usize)?;
        let (shared, reader, plan) = (Arc::clone(shared), Arc::clone(reader), Arc::clone(plan));
        let mut run = move |cancel: &CancellationToken| {
            let read = room.fill(|memory| {
                let times = &mut telemetry::StageTimes::default();
                let read = |from: &dyn ReadAt| reader.read(from, &plan, memory, cancel, times);
                shared.reading(&source, cancel, read).map(drop)
            });
            read.map(|(buffer, ())| buffer)
        };
        if self.plan.is_complete() && self.plan.size() <= AT_ONCE {
            return run(&CancellationToken::new()).map(Either::A).or_throw(env);
        }
        let task = Task::new(cancellation).of_size(self.plan.work());
        task.launch(env, move |control| run(&control.cancel))
            .map(Either::B)
    }
}

fn segment_index(segment: f64) -> SegmentIndex {
    SegmentIndex::new(segment as u64)
}

/// Bytes that are copied on the JavaScript thread: waking another thread would take longer.
const AT_ONCE: u64 = 256 * 1024;
