//! Sealing.

use super::{closed, concurrency, threads};
use crate::arguments::credentials::CredentialArgument;
use crate::arguments::options::{SealPlan, SealSettings};
use crate::memory::{all_or_zeros, exclusive};
use crate::runtime::task::{Cancellation, Task};
use crate::types::report::{Report, SegmentDone};
use napi::bindgen_prelude::{BufferSlice, ClassInstance, Object, Uint8Array, Uint8ArraySlice};
use napi::{Env, Result};
use napi_derive::napi;
use sealstream::SealError;
use sealstream::session::SealSession;
use sealstream::stream_v2::pipeline::record_layout::SegmentCutter;
use std::sync::Arc;

/// A stream that is being sealed.
#[napi]
pub struct SealStream {
    session: Option<Arc<SealSession>>,
    cutter: SegmentCutter,
}

/// Draws a stream's keys.
#[napi(catch_unwind, ts_return_type = "Promise<SealStream>")]
pub fn seal_stream<'env>(
    env: &'env Env,
    #[napi(ts_arg_type = "Array<Uint8Array | NativeKey | NativeCredential>")] recipients: Vec<
        CredentialArgument<'_>,
    >,
    settings: SealSettings,
    #[napi(ts_arg_type = "Cancellation | undefined | null")] cancellation: Option<
        ClassInstance<'_, Cancellation>,
    >,
) -> Result<Object<'env>> {
    let plan = SealPlan::new(&recipients, settings)?;
    Task::alone(cancellation.as_deref(), 0)
        .stretching(plan.stretches())
        .launch(env, move |_| {
            let session = SealSession::new(&plan.options())?;
            Ok(SealStream {
                cutter: session.cutter(),
                session: Some(Arc::new(session)),
            })
        })
}

#[napi]
impl SealStream {
    /// What comes out first.
    #[napi]
    pub fn header<'env>(&self, env: &'env Env) -> Result<BufferSlice<'env>> {
        BufferSlice::copy_from(env, self.get()?.header())
    }

    /// Segments to have in memory, unless the caller knows better.
    #[napi(getter)]
    pub fn concurrency(&self) -> Result<u32> {
        Ok(concurrency(self.get()?.geometry()))
    }

    /// Bytes of a full segment's record.
    #[napi(getter)]
    pub fn full_record_size(&self) -> Result<f64> {
        Ok(self.get()?.geometry().full_record_size() as f64)
    }

    /// Bytes of the record of the segment as it is filled now.
    #[napi(getter)]
    #[must_use]
    pub fn record_size(&self) -> f64 {
        self.cutter.record_size() as f64
    }

    /// Whether the segment that is being filled has no room left.
    #[napi(getter)]
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.cutter.is_full()
    }

    /// Copies what stands in `chunk` from `from` on into `record`, the memory of the segment that is being filled, as far as
    /// the segment and that memory have room. Returns how many bytes.
    #[napi(catch_unwind)]
    pub fn fill(&mut self, mut record: Uint8ArraySlice<'_>, chunk: &[u8], from: f64) -> Result<f64> {
        let memory = exclusive(&mut record, [chunk])?;
        let rest = chunk.get(from as usize..).unwrap_or_default();
        Ok(self.cutter.copy(memory, rest) as f64)
    }

    /// Seals the segment that was filled, in place; the next one begins at once. `record` has exactly the record's size, and
    /// is of no use if this rejects.
    #[napi(catch_unwind, ts_return_type = "Promise<SegmentDone>")]
    pub fn seal<'env>(
        &mut self,
        env: &'env Env,
        mut record: Uint8Array,
        is_final: bool,
        #[napi(ts_arg_type = "Cancellation | undefined | null")] cancellation: Option<
            ClassInstance<'_, Cancellation>,
        >,
    ) -> Result<Object<'env>> {
        let session = Arc::clone(self.get()?);
        let plan = self.cutter.cut(is_final);
        Task::alone(cancellation.as_deref(), record.len() as u64).launch(env, move |control| {
            // SAFETY: the façade made `record` for this operation and shows it to nobody before the promise settles.
            let memory = unsafe { record.as_mut() };
            let done = all_or_zeros(memory, |memory| session.seal(plan, memory, &control.cancel))?;
            Ok(SegmentDone::from(&done))
        })
    }

    /// Bytes of what comes out last.
    #[napi(getter)]
    pub fn end_size(&self) -> Result<f64> {
        Ok(self.get()?.end_size(self.cutter.index().get()) as f64)
    }

    /// Writes what comes out last into `output`, when all segments are sealed.
    #[napi(catch_unwind, ts_return_type = "Promise<Report>")]
    pub fn finish<'env>(
        &self,
        env: &'env Env,
        mut output: Uint8Array,
        concurrency: u32,
        #[napi(ts_arg_type = "Cancellation | undefined | null")] cancellation: Option<
            ClassInstance<'_, Cancellation>,
        >,
    ) -> Result<Object<'env>> {
        let session = Arc::clone(self.get()?);
        Task::alone(cancellation.as_deref(), output.len() as u64).launch(env, move |_| {
            let (end, report) = session.finish(threads(concurrency))?;
            // SAFETY: the façade made `output` for this operation and shows it to nobody before the promise settles.
            let memory = unsafe { output.as_mut() };
            if memory.len() != end.len() {
                return Err(SealError::OutputTooSmall {
                    available: memory.len() as u64,
                    needed: end.len() as u64,
                });
            }
            memory.copy_from_slice(&end);
            Ok(Report::from(report))
        })
    }

    /// Lets go of the keys, as soon as nothing is under way.
    #[napi]
    pub fn close(&mut self) {
        self.session = None;
    }

    fn get(&self) -> Result<&Arc<SealSession>> {
        self.session.as_ref().ok_or_else(closed)
    }
}
