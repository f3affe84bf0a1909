//! Segments one by one: a stream that stays open, and whose segments are opened in any order, several at once.

use crate::failure::{SealFailure, rejection};
use crate::keys::KeyArgument;
use crate::operations::{RunSettings, Task};
use crate::options::{OpenPlan, OpenSettings};
use crate::output::check_apart;
use crate::ranges::Range;
use crate::report::Stages;
use crate::sources::Source;
use napi::bindgen_prelude::{Object, Uint8Array};
use napi::{Env, Result};
use napi_derive::napi;
use sealstream::headers::SegmentIndex;
use sealstream::stream_v2::io::{ReadAt, open_source};
use sealstream::stream_v2::opened::OpenedStream;
use sealstream::telemetry::StageTimes;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A sealed stream that was unlocked. Its segments can be opened until it is dropped.
#[napi]
pub struct SegmentReader {
    opened: Option<Arc<Opened>>,
}

struct Opened {
    stream: OpenedStream,
    /// The source, unless it is memory: that comes with every call.
    file: Option<(File, PathBuf)>,
    /// Buffers for records, to be used again.
    free: Mutex<Vec<Vec<u8>>>,
}

/// What became of a segment.
#[napi(object, object_from_js = false)]
pub struct SegmentOutcome {
    /// Plaintext bytes that stand in the output; 0 where it failed.
    pub plaintext_size: u32,
    /// Bytes of its record.
    pub wire_size: u32,
    /// Frames.
    pub frames: u32,
    /// It says that it is the stream's last.
    pub is_final: bool,
    /// Where the time went.
    pub stages: Stages,
    /// Why it could not be opened.
    pub failure: Option<SealFailure>,
    /// The same in words.
    pub message: Option<String>,
}

/// Unlocks a stream and verifies its end, but no segment.
#[napi(catch_unwind, ts_return_type = "Promise<SegmentReader>")]
pub fn open_segments<'env>(
    env: &'env Env,
    source: Source,
    #[napi(ts_arg_type = "Array<Uint8Array | NativeKey>")] keys: Vec<KeyArgument<'_>>,
    settings: OpenSettings<'_>,
    run: RunSettings<'_>,
) -> Result<Object<'env>> {
    let plan = OpenPlan::new(&keys, settings)?;
    Task::large(run).launch(env, move |_| {
        let file = match &source.path {
            Some(path) => Some((open_source(Path::new(path))?, PathBuf::from(path))),
            None => None,
        };
        let opened = match (&file, &source.bytes) {
            (Some((file, _)), _) => OpenedStream::open(file, &plan.options()),
            (None, bytes) => OpenedStream::open(&bytes.as_deref().unwrap_or_default(), &plan.options()),
        };
        let stream = opened.map_err(|failure| source.blame(failure))?;
        Ok(SegmentReader {
            opened: Some(Arc::new(Opened {
                stream,
                file,
                free: Mutex::default(),
            })),
        })
    })
}

#[napi]
impl SegmentReader {
    /// Segments of the stream; where its length is unknown, the most that there can be.
    #[napi(getter)]
    pub fn segments(&self) -> Result<f64> {
        Ok(self.get()?.stream.segments() as f64)
    }

    /// Segments of which something is in the source; those behind them are one stretch that is missing.
    #[napi(getter)]
    pub fn segments_present(&self) -> Result<f64> {
        Ok(self.get()?.stream.segments_present() as f64)
    }

    /// Plaintext bytes, where they are known.
    #[napi(getter)]
    pub fn plaintext_size(&self) -> Result<Option<f64>> {
        Ok(self.get()?.stream.plaintext_size().map(|size| size as f64))
    }

    /// Where a segment's plaintext stands in the whole; of the first one that is missing, that of all behind it too.
    #[napi(ts_return_type = "ByteRange")]
    pub fn plaintext_range(&self, index: f64) -> Result<Range> {
        Ok(self.get()?.stream.stretch(segment(index)).0.into())
    }

    /// Where a segment's record stands, or should; of the first one that is missing, all of them.
    #[napi(ts_return_type = "ByteRange")]
    pub fn wire_range(&self, index: f64) -> Result<Range> {
        Ok(self.get()?.stream.stretch(segment(index)).1.into())
    }

    /// Throws what is wrong with the stream's end, if something is; `verified` plaintext bytes came before it.
    #[napi(catch_unwind)]
    pub fn check_end(&self, env: &Env, verified: f64) -> Result<()> {
        match self.get()?.stream.end_failure() {
            Some(failure) => Err(rejection(env, &failure.clone().after(verified as u64))?),
            None => Ok(()),
        }
    }

    /// Opens a segment into `output`, which has room for it; `bytes` is the source, where that is memory. It resolves for
    /// a segment that fails, too.
    #[napi(catch_unwind, ts_return_type = "Promise<SegmentOutcome>")]
    pub fn open<'env>(
        &self,
        env: &'env Env,
        index: f64,
        bytes: Option<Uint8Array>,
        mut output: Uint8Array,
        run: RunSettings<'_>,
    ) -> Result<Object<'env>> {
        if let Some(bytes) = &bytes {
            check_apart(bytes, &output)?;
        }
        let opened = Arc::clone(self.get()?);
        Task::large(run).launch(env, move |control| {
            let memory = bytes.as_deref().unwrap_or_default();
            let source: &dyn ReadAt = match &opened.file {
                Some((file, _)) => file,
                None => &memory,
            };
            let mut times = StageTimes::default();
            let buffer = opened.free().pop().unwrap_or_default();
            let (stream, cancel) = (&opened.stream, &control.cancel);
            let failure = match stream.open_segment(source, segment(index), buffer, cancel, &mut times) {
                Ok(opened_segment) => {
                    let done = opened_segment.summary;
                    // SAFETY: the façade made `output` for this operation and shows it to nobody before the promise
                    // settles.
                    let mut room = unsafe { output.as_mut() };
                    let too_small = sealstream::SealFailure::OutputTooSmall {
                        available: room.len() as u64,
                        needed: done.plaintext_size.into(),
                    };
                    for frame in opened_segment.frames() {
                        let Some((now, later)) = room.split_at_mut_checked(frame.len()) else {
                            return Err(too_small);
                        };
                        now.copy_from_slice(frame);
                        room = later;
                    }
                    opened.free().push(opened_segment.into_buffer());
                    return Ok(SegmentOutcome {
                        plaintext_size: done.plaintext_size,
                        wire_size: done.entry.wire_size,
                        frames: done.frames,
                        is_final: done.is_final,
                        stages: times.into(),
                        failure: None,
                        message: None,
                    });
                }
                Err(failure) if failure.is_damage() => failure,
                Err(failure) => return Err(failure),
            };
            let failure = match &opened.file {
                Some((_, path)) => failure.on_file(path, path),
                None => failure,
            };
            Ok(SegmentOutcome {
                plaintext_size: 0,
                wire_size: 0,
                frames: 0,
                is_final: false,
                stages: times.into(),
                message: Some(failure.to_string()),
                failure: Some(SealFailure::from(&failure)),
            })
        })
    }

    /// Closes the source when the last operation on it is done.
    #[napi]
    pub fn close(&mut self) {
        self.opened = None;
    }

    fn get(&self) -> Result<&Arc<Opened>> {
        self.opened
            .as_ref()
            .ok_or_else(|| napi::Error::new(napi::Status::InvalidArg, "the reader was closed"))
    }
}

impl Opened {
    fn free(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn segment(index: f64) -> SegmentIndex {
    SegmentIndex::new(index as u64)
}
