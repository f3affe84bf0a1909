//! Sealing a stream segment by segment.

use super::{concurrency, session, threads};
use crate::arguments::credentials::CredentialArgument;
use crate::arguments::options::SealSettings;
use crate::memory::{BytesArgument, NewBuffer, Room};
use crate::runtime::task::{Cancellation, Task};
use crate::types::failure::invalid_argument;
use crate::types::report::{EncryptReport, SegmentDone};
use napi::bindgen_prelude::{BufferSlice, Object};
use napi::{Env, Result};
use napi_derive::napi;
use sealstream::SealError;
use sealstream::rekey::detached::with_detached_header;
use sealstream::session::SealSession;
use sealstream::stream_v2::pipeline::record_layout::SegmentCutter;
use std::sync::Arc;

/// A stream that is being sealed.
#[napi]
pub struct SealStream {
    session: Option<Arc<SealSession>>,
    cutter: SegmentCutter,
    /// The memory of the current segment.
    record: Option<NewBuffer>,
    /// Whether the header is kept apart: only the report has it.
    is_detached: bool,
}

/// A sealed segment.
#[napi(object, object_from_js = false)]
pub struct SealedSegment {
    /// Its record.
    #[napi(ts_type = "ReturnType<typeof Buffer.alloc>")]
    pub record: NewBuffer,
    /// Figures about it.
    pub done: SegmentDone,
}

/// The end of a sealed stream.
#[napi(object, object_from_js = false)]
pub struct SealedEnd {
    /// Its bytes.
    #[napi(ts_type = "ReturnType<typeof Buffer.alloc>")]
    pub bytes: NewBuffer,
    /// The report.
    pub report: EncryptReport,
}

/// Generates the keys of a new stream.
#[napi(catch_unwind, ts_return_type = "Promise<SealStream>")]
pub fn seal_stream<'env>(
    env: &'env Env,
    recipients: Vec<CredentialArgument<'_>>,
    settings: SealSettings<'_>,
    cancellation: Option<&Cancellation>,
) -> Result<Object<'env>> {
    let is_detached = settings.detached == Some(true);
    let options = settings.for_recipients(env, &recipients)?;
    let task = Task::new(cancellation).for_slots(options.slot_types());
    task.launch(env, move |_| {
        let session = SealSession::new(&options)?;
        Ok(SealStream {
            cutter: session.cutter(),
            session: Some(Arc::new(session)),
            record: None,
            is_detached,
        })
    })
}

#[napi]
impl SealStream {
    /// The stream's first bytes.
    #[napi(ts_return_type = "ReturnType<typeof Buffer.alloc>")]
    pub fn header<'env>(&self, env: &'env Env) -> Result<BufferSlice<'env>> {
        BufferSlice::copy_from(env, session(&self.session)?.header())
    }

    /// The default number of segments in memory.
    #[napi(getter)]
    pub fn concurrency(&self) -> Result<u32> {
        Ok(concurrency(session(&self.session)?.geometry()))
    }

    /// Whether the current segment has memory: [`begin`](Self::begin) was called for it.
    #[napi(getter)]
    #[must_use]
    pub fn has_segment(&self) -> bool {
        self.record.is_some()
    }

    /// Whether the current segment is full.
    #[napi(getter)]
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.cutter.is_full()
    }

    /// Allocates memory for the current segment, of which `available` bytes have arrived.
    #[napi(catch_unwind)]
    pub fn begin(&mut self, env: &Env, available: f64) -> Result<()> {
        let full = session(&self.session)?.geometry().full_record_size() as usize;
        // The stream may be short until it has filled a segment.
        let size = match self.cutter.index().get() {
            0 => full.min((available as usize).saturating_add(SHORT_OVERHEAD)),
            _ => full,
        };
        self.record = Some(NewBuffer::new(env, size)?);
        Ok(())
    }

    /// Copies `chunk`, from offset `from` on, into the current segment, until one of them ends. Returns the number of bytes: 0 if the
    /// segment is full.
    #[napi(catch_unwind)]
    pub fn fill(
        &mut self,
        env: &Env,
        #[napi(ts_arg_type = "Uint8Array")] chunk: BytesArgument<'_>,
        from: f64,
    ) -> Result<f64> {
        let full = session(&self.session)?.geometry().full_record_size() as usize;
        let Self { record, cutter, .. } = self;
        let Some(record) = record else { return Ok(0.0) };
        let (start, mut at) = (from as usize, from as usize);
        while !cutter.is_full() {
            let room = record.as_mut_slice().get_mut(cutter.room().start..);
            let room = room.unwrap_or_default();
            let count = room.len().min(cutter.room().len());
            if count > 0 {
                let taken = chunk.copy_to(at, &mut room[..count])?;
                cutter.advance(taken);
                at += taken;
                if taken < count {
                    break;
                }
                continue;
            }
            if record.size() >= full || at >= chunk.size()? {
                break;
            }
            // The memory is full, and the segment is not.
            let (used, size) = (record.size(), full.min(record.size().saturating_mul(4)));
            *record = record.resized(env, used, size)?;
        }
        Ok((at - start) as f64)
    }

    /// Seals the current segment. The next one can begin at once.
    #[napi(catch_unwind, ts_return_type = "Promise<SealedSegment>")]
    pub fn seal<'env>(
        &mut self,
        env: &'env Env,
        is_final: bool,
        cancellation: Option<&Cancellation>,
    ) -> Result<Object<'env>> {
        let session = Arc::clone(session(&self.session)?);
        let size = self.cutter.record_size() as usize;
        let record = self
            .record
            .take()
            .ok_or_else(|| invalid_argument("no segment has begun"))?;
        let record = match record.size() == size {
            true => record,
            false => record.resized(env, size, size)?,
        };
        let header = self.cutter.cut(is_final);
        let mut room = Room::from(record);
        Task::new(cancellation)
            .of_size(size as u64)
            .launch(env, move |control| {
                let sealed = room.fill(|memory| session.seal(header, memory, &control.cancel));
                sealed.map(|(record, done)| SealedSegment {
                    record,
                    done: done.into(),
                })
            })
    }

    /// The stream's end, after all segments are sealed.
    #[napi(catch_unwind, ts_return_type = "Promise<SealedEnd>")]
    pub fn finish<'env>(
        &self,
        env: &'env Env,
        concurrency: u32,
        cancellation: Option<&Cancellation>,
    ) -> Result<Object<'env>> {
        let (session, is_detached) = (Arc::clone(session(&self.session)?), self.is_detached);
        let size = session.end_size(self.cutter.index().get());
        let mut room = Room::new(env, size as usize)?;
        Task::new(cancellation).of_size(size).launch(env, move |control| {
            let (end, report) = session.finish(threads(concurrency), &control.cancel)?;
            let report = if is_detached {
                with_detached_header(session.header(), report)
            } else {
                report
            };
            let filled = room.fill(|memory| {
                if memory.len() != end.len() {
                    return Err(SealError::OutputTooSmall {
                        available: memory.len() as u64,
                        needed: end.len() as u64,
                    });
                }
                memory.copy_from_slice(&end);
                Ok(())
            });
            filled.map(|(bytes, ())| SealedEnd {
                bytes,
                report: report.into(),
            })
        })
    }

    /// Drops the keys when no operation is running.
    #[napi]
    pub fn close(&mut self) {
        self.session = None;
        self.record = None;
    }
}

/// More than a segment adds to a short plaintext.
const SHORT_OVERHEAD: usize = 8 * 1024;
