//! Opening.

use super::{closed, concurrency, threads};
use crate::arguments::credentials::CredentialArgument;
use crate::arguments::options::{OpenPlan, OpenSettings};
use crate::memory::all_or_zeros;
use crate::runtime::task::{Cancellation, Task};
use crate::types::failure::rejection;
use crate::types::range::Range;
use crate::types::report::{Report, SegmentDone};
use napi::bindgen_prelude::{ClassInstance, Object, Uint8Array};
use napi::{Env, Result};
use napi_derive::napi;
use sealstream::session::OpenSession;
use sealstream::stream_v2::pipeline::record_layout::{RecordCursor, RecordPlace};
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

    /// Bytes of the record or the end that starts with these, as far as they tell. What is no record of this stream is
    /// refused, or, if `is_tolerant`, has the size of the one that is due.
    #[napi(catch_unwind)]
    pub fn part_size(&self, env: &Env, bytes: &[u8], is_tolerant: bool) -> Result<f64> {
        match self.get()?.part_size(&self.cursor, bytes) {
            Ok(size) => Ok(size as f64),
            Err(_) if is_tolerant => Ok(self.cursor.due().wire.size() as f64),
            Err(failure) => Err(rejection(env, &failure)?),
        }
    }

    /// The record that starts with these bytes, or is due where they start none.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn place(&self, record: &[u8]) -> Place {
        let found = record
            .first_chunk()
            .and_then(|header| self.cursor.measure(header).ok());
        Place {
            place: found.unwrap_or_else(|| self.cursor.due()),
        }
    }

    /// All that is missing if the stream ends here.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn missing(&self) -> Place {
        Place {
            place: self.cursor.missing(),
        }
    }

    /// Where the plaintext stands in the memory of every opened record.
    #[napi(getter)]
    pub fn pieces(&self) -> Result<Pieces> {
        let pieces = self.get()?.pieces();
        Ok(Pieces {
            start: pieces.start as f64,
            stride: pieces.stride as f64,
            size: pieces.size as f64,
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
        let cursor = self.cursor;
        let is_record = record
            .first_chunk()
            .is_some_and(|header| self.cursor.advance(header).is_ok());
        if !is_record {
            // Only a tolerant caller comes here, and opening says what is wrong.
            self.cursor.pass();
        }
        Task::alone(cancellation.as_deref(), record.len() as u64).launch(env, move |control| {
            // SAFETY: the façade made `record` for this operation and shows it to nobody before the promise settles.
            let memory = unsafe { record.as_mut() };
            let done = all_or_zeros(memory, |memory| session.open(&cursor, memory, &control.cancel))?;
            Ok(SegmentDone::from(&done))
        })
    }

    /// Says that nothing came of a place, and that zeros or nothing come out instead.
    #[napi(catch_unwind)]
    pub fn lose(&self, place: &Place, zeros: bool) -> Result<()> {
        let is_last = self.cursor.is_at_end() && place.place.index.get() + 1 == self.cursor.index().get();
        self.get()?.lose(&place.place, is_last, zeros);
        Ok(())
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

/// A record, or what stands in its place.
#[napi]
pub struct Place {
    place: RecordPlace,
}

#[napi]
impl Place {
    /// The segment, from 0.
    #[napi(getter)]
    #[must_use]
    pub const fn index(&self) -> f64 {
        self.place.index.get() as f64
    }

    /// What of the plaintext is in it.
    #[napi(getter, ts_return_type = "ByteRange")]
    #[must_use]
    pub fn plaintext_range(&self) -> Range {
        self.place.plaintext.into()
    }

    /// Where it stands in the sealed stream.
    #[napi(getter, ts_return_type = "ByteRange")]
    #[must_use]
    pub fn wire_range(&self) -> Range {
        self.place.wire.into()
    }
}

/// Where the plaintext stands in the memory of an opened record: in pieces of one size, but for the last.
#[napi(object, object_from_js = false)]
pub struct Pieces {
    /// Where the first one starts.
    pub start: f64,
    /// From the start of one to that of the next.
    pub stride: f64,
    /// Bytes of each.
    pub size: f64,
}
