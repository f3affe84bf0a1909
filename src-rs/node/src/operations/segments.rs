//! Segments one by one, of a stream that stays open: in any order, several at once.

use crate::arguments::sources::Source;
use crate::memory::check_apart;
use crate::operations::reader::StreamReader;
use crate::runtime::task::{Cancellation, Task};
use crate::types::failure::{SealFailure, rejection};
use crate::types::range::Range;
use crate::types::report::Stages;
use napi::bindgen_prelude::{ClassInstance, Object, Uint8Array};
use napi::{Env, Result};
use napi_derive::napi;
use sealstream::format::SegmentIndex;
use sealstream::telemetry::StageTimes;
use std::sync::Arc;

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

#[napi]
impl StreamReader {
    /// Segments of the stream; where its length is unknown, the most that there can be.
    #[napi(getter)]
    pub fn segments(&self) -> Result<f64> {
        Ok(self.get()?.opened().segments() as f64)
    }

    /// Segments of which something is in the source; those behind them are one stretch that is missing.
    #[napi(getter)]
    pub fn segments_present(&self) -> Result<f64> {
        Ok(self.get()?.opened().segments_present() as f64)
    }

    /// Where a segment's plaintext stands in the whole; of the first one that is missing, that of all behind it too.
    #[napi(ts_return_type = "ByteRange")]
    pub fn plaintext_range(&self, index: f64) -> Result<Range> {
        Ok(self.get()?.opened().place(segment(index)).plaintext.into())
    }

    /// Where a segment's record stands, or should; of the first one that is missing, all of them.
    #[napi(ts_return_type = "ByteRange")]
    pub fn wire_range(&self, index: f64) -> Result<Range> {
        Ok(self.get()?.opened().place(segment(index)).wire.into())
    }

    /// Throws what is wrong with the stream's end, if something is; `verified` plaintext bytes came before it.
    #[napi(catch_unwind)]
    pub fn check_end(&self, env: &Env, verified: f64) -> Result<()> {
        match self.get()?.opened().end_failure() {
            Some(failure) => Err(rejection(env, &failure.clone().after(verified as u64))?),
            None => Ok(()),
        }
    }

    /// Opens a segment into `output`, which has room for it. Of a source that is fetched, `source` has all of the segment's
    /// record that is there. It resolves for a segment that fails, too.
    #[napi(catch_unwind, ts_return_type = "Promise<SegmentOutcome>")]
    pub fn open_segment<'env>(
        &self,
        env: &'env Env,
        index: f64,
        source: Source,
        mut output: Uint8Array,
        #[napi(ts_arg_type = "Cancellation | undefined | null")] cancellation: Option<
            ClassInstance<'_, Cancellation>,
        >,
    ) -> Result<Object<'env>> {
        for bytes in source.memory() {
            check_apart(bytes, &output)?;
        }
        let shared = Arc::clone(self.get()?);
        let size = shared.opened().record(segment(index)).wire.size();
        Task::alone(cancellation.as_deref(), size).launch(env, move |control| {
            let mut times = StageTimes::default();
            let buffer = shared.free().pop().unwrap_or_default();
            let (stream, cancel) = (shared.opened(), &control.cancel);
            let opened = shared.reading(&source, |from| {
                stream.open_segment(from, segment(index), buffer, cancel, &mut times)
            });
            let failure = match opened {
                Ok(opened_segment) => {
                    let done = opened_segment.summary;
                    // SAFETY: the façade made `output` for this operation and shows it to nobody before the promise
                    // settles.
                    let mut room = unsafe { output.as_mut() };
                    let too_small = sealstream::SealError::OutputTooSmall {
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
                    shared.free().push(opened_segment.into_buffer());
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
}

fn segment(index: f64) -> SegmentIndex {
    SegmentIndex::new(index as u64)
}
