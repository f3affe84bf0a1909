//! Opening.

use super::{closed, concurrency, threads};
use crate::arguments::credentials::CredentialArgument;
use crate::arguments::options::{OpenPlan, OpenSettings};
use crate::memory::all_or_zeros;
use crate::runtime::task::{Cancellation, Task};
use crate::types::damage::{Damage, DamageDecisionName};
use crate::types::failure::rejection;
use crate::types::report::{Report, SegmentDone};
use napi::bindgen_prelude::{ClassInstance, Object, Uint8Array};
use napi::{Env, Result};
use napi_derive::napi;
use sealstream::format::SegmentIndex;
use sealstream::session::OpenSession;
use sealstream::stream_v2::pipeline::record_layout::RecordCursor;
use std::sync::Arc;

/// A sealed stream that is being opened.
#[napi]
pub struct OpenStream {
    session: Option<Arc<OpenSession>>,
    cursor: RecordCursor,
}

/// Bytes of the header that starts with these, as far as they tell.
#[napi(catch_unwind)]
pub fn stream_header_size(bytes: &[u8]) -> f64 {
    OpenSession::header_size(bytes) as f64
}

/// Unlocks the stream with this header, or as much of it as there is.
#[napi(catch_unwind, ts_return_type = "Promise<OpenStream>")]
pub fn open_stream<'env>(
    env: &'env Env,
    header: Uint8Array,
    #[napi(ts_arg_type = "Array<Uint8Array | NativeKey | NativeCredential>")] identities: Vec<
        CredentialArgument<'_>,
    >,
    settings: OpenSettings<'_>,
    #[napi(ts_arg_type = "Cancellation | undefined | null")] cancellation: Option<
        ClassInstance<'_, Cancellation>,
    >,
) -> Result<Object<'env>> {
    let plan = OpenPlan::new(&identities, settings)?;
    Task::alone(cancellation.as_deref(), header.len() as u64)
        .stretching(plan.stretches())
        .launch(env, move |_| {
            let session = OpenSession::new(&header, &plan.options())?;
            Ok(OpenStream {
                cursor: session.cursor(),
                session: Some(Arc::new(session)),
            })
        })
}

#[napi]
impl OpenStream {
    /// Segments to have in memory, unless the caller knows better.
    #[napi(getter)]
    pub fn concurrency(&self) -> Result<u32> {
        Ok(concurrency(self.get()?.geometry()))
    }

    /// Whether what comes next is the end, and no record.
    #[napi(getter)]
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        self.cursor.is_at_end()
    }

    /// The segment whose record is next, from 0; the number of segments if the end is next.
    #[napi(getter)]
    #[must_use]
    pub fn index(&self) -> f64 {
        self.cursor.index().get() as f64
    }

    /// Bytes of the record or the end that starts with these bytes. While they are too few to tell, the number of bytes that
    /// tell. If no record of this stream starts like this, throws, or, if `isTolerant`, returns the size of the expected one.
    #[napi(catch_unwind)]
    pub fn part_size(&self, env: &Env, bytes: &[u8], is_tolerant: bool) -> Result<f64> {
        match self.get()?.part_size(&self.cursor, bytes) {
            Ok(size) => Ok(size as f64),
            Err(_) if is_tolerant => Ok(self.cursor.due().wire.size() as f64),
            Err(failure) => Err(rejection(env, &failure)?),
        }
    }

    /// Where the plaintext stands in the memory of every opened record.
    #[napi(getter)]
    pub fn plaintext_slots(&self) -> Result<PlaintextSlots> {
        let slots = self.get()?.plaintext_slots();
        Ok(PlaintextSlots {
            start: slots.start as f64,
            stride: slots.stride as f64,
            size: slots.size as f64,
        })
    }

    /// Opens the record that came, in place; the next one is due at once. `record` is of no use if this rejects.
    #[napi(catch_unwind, ts_return_type = "Promise<SegmentDone>")]
    pub fn open<'env>(
        &mut self,
        env: &'env Env,
        mut record: Uint8Array,
        #[napi(ts_arg_type = "Cancellation | undefined | null")] cancellation: Option<
            ClassInstance<'_, Cancellation>,
        >,
    ) -> Result<Object<'env>> {
        let session = Arc::clone(self.get()?);
        let place = self.cursor.find(&record);
        self.cursor.advance(&place);
        Task::alone(cancellation.as_deref(), record.len() as u64).launch(env, move |control| {
            // SAFETY: the façade made `record` for this operation and shows it to nobody before the promise settles.
            let memory = unsafe { record.as_mut() };
            let done = all_or_zeros(memory, |memory| session.open(&place, memory, &control.cancel))?;
            Ok(SegmentDone::from(&done))
        })
    }

    /// Why segment `index`, or the end, did not open, if the caller may decide to go on without it.
    #[napi(catch_unwind)]
    pub fn damage(&self, index: f64) -> Result<Option<Damage>> {
        let damage = self.get()?.damage(SegmentIndex::new(index as u64));
        Ok(damage.as_ref().map(Damage::from))
    }

    /// Applies the decision about a damage, and returns whether zeros are to come out in its place. Throws the damage's own
    /// error if the decision is to abort.
    #[napi(catch_unwind)]
    pub fn decide(&self, env: &Env, index: f64, decision: DamageDecisionName) -> Result<bool> {
        let decided = self
            .get()?
            .decide(SegmentIndex::new(index as u64), decision.into());
        decided.or_else(|failure| Err(rejection(env, &failure)?))
    }

    /// Resolves if these bytes, with which the input ended, are a sound end, when all records are opened.
    #[napi(catch_unwind, ts_return_type = "Promise<Report>")]
    pub fn finish<'env>(
        &self,
        env: &'env Env,
        bytes: Uint8Array,
        concurrency: u32,
        #[napi(ts_arg_type = "Cancellation | undefined | null")] cancellation: Option<
            ClassInstance<'_, Cancellation>,
        >,
    ) -> Result<Object<'env>> {
        let session = Arc::clone(self.get()?);
        let cursor = self.cursor;
        Task::alone(cancellation.as_deref(), bytes.len() as u64).launch(env, move |_| {
            let end = session.verify_end(&cursor, &bytes)?;
            let report = session.report(Some(end), &cursor, threads(concurrency));
            Ok(Report::from(report))
        })
    }

    /// The report without an end that was verified.
    #[napi(catch_unwind)]
    pub fn report(&self, concurrency: u32) -> Result<Report> {
        let report = self.get()?.report(None, &self.cursor, threads(concurrency));
        Ok(Report::from(report))
    }

    /// Lets go of the keys, as soon as nothing is under way.
    #[napi]
    pub fn close(&mut self) {
        self.session = None;
    }

    fn get(&self) -> Result<&Arc<OpenSession>> {
        self.session.as_ref().ok_or_else(closed)
    }
}

/// Where the plaintext of an opened record is in its memory: slots of one size at equal distances. The last is shorter.
#[napi(object, object_from_js = false)]
pub struct PlaintextSlots {
    /// Where the first slot starts.
    pub start: f64,
    /// Bytes from the start of a slot to the start of the next.
    pub stride: f64,
    /// Plaintext bytes in a slot.
    pub size: f64,
}
