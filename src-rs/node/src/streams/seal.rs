//! Sealing a stream segment by segment.

use super::{concurrency, session, threads};
use crate::arguments::credentials::CredentialArgument;
use crate::arguments::options::SealSettings;
use crate::memory::Output;
use crate::runtime::task::{Cancellation, Task};
use crate::types::report::{EncryptReport, SegmentDone};
use napi::bindgen_prelude::{BufferSlice, Object, Uint8Array, Uint8ArraySlice};
use napi::{Env, Error, Result};
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
    /// Whether the header is kept apart: only the report has it.
    is_detached: bool,
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

    /// Bytes of a full segment's record.
    #[napi(getter)]
    pub fn full_record_size(&self) -> Result<f64> {
        Ok(session(&self.session)?.geometry().full_record_size() as f64)
    }

    /// Bytes of the current segment's record, as far as it is filled.
    #[napi(getter)]
    #[must_use]
    pub fn record_size(&self) -> f64 {
        self.cutter.record_size() as f64
    }

    /// Whether the current segment is full.
    #[napi(getter)]
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.cutter.is_full()
    }

    /// Copies `chunk`, from offset `from` on, into `record`, the memory of the current segment, until one of them or the segment is full.
    /// Returns the number of bytes.
    #[napi(catch_unwind)]
    pub fn fill(&mut self, record: Uint8ArraySlice<'_>, chunk: &[u8], from: f64) -> Result<f64> {
        let rest = chunk.get(from as usize..).unwrap_or_default();
        Output::new(record, [chunk])?.fill(|memory| Ok::<_, Error>(self.cutter.copy(memory, rest) as f64))
    }

    /// Seals the current segment, in place. The next one can be filled at once. `record` has exactly the record's size. If it rejects,
    /// `record` is all zeros.
    #[napi(catch_unwind, ts_return_type = "Promise<SegmentDone>")]
    pub fn seal<'env>(
        &mut self,
        env: &'env Env,
        record: Uint8Array,
        is_final: bool,
        cancellation: Option<&Cancellation>,
    ) -> Result<Object<'env>> {
        let session = Arc::clone(session(&self.session)?);
        let header = self.cutter.cut(is_final);
        let task = Task::new(cancellation).of_size(record.len() as u64);
        let mut record = Output::new(record, [])?;
        task.launch(env, move |control| {
            let done = record.fill(|memory| session.seal(header, memory, &control.cancel));
            done.map(SegmentDone::from)
        })
    }

    /// Bytes of the stream's end.
    #[napi(getter)]
    pub fn end_size(&self) -> Result<f64> {
        let segments = self.cutter.index().get();
        Ok(session(&self.session)?.end_size(segments) as f64)
    }

    /// Writes the stream's end into `output`, after all segments are sealed.
    #[napi(catch_unwind, ts_return_type = "Promise<EncryptReport>")]
    pub fn finish<'env>(
        &self,
        env: &'env Env,
        output: Uint8Array,
        concurrency: u32,
        cancellation: Option<&Cancellation>,
    ) -> Result<Object<'env>> {
        let (session, is_detached) = (Arc::clone(session(&self.session)?), self.is_detached);
        let task = Task::new(cancellation).of_size(output.len() as u64);
        let mut output = Output::new(output, [])?;
        task.launch(env, move |control| {
            let (end, report) = session.finish(threads(concurrency), &control.cancel)?;
            let report = if is_detached {
                with_detached_header(session.header(), report)
            } else {
                report
            };
            output.fill(|memory| {
                if memory.len() != end.len() {
                    return Err(SealError::OutputTooSmall {
                        available: memory.len() as u64,
                        needed: end.len() as u64,
                    });
                }
                memory.copy_from_slice(&end);
                Ok(EncryptReport::from(report.clone()))
            })
        })
    }

    /// Drops the keys when no operation is running.
    #[napi]
    pub fn close(&mut self) {
        self.session = None;
    }
}
