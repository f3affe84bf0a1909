//! Opening a stream segment by segment.

use super::{concurrency, open_session, threads};
use crate::arguments::credentials::CredentialArgument;
use crate::arguments::options::OpenSettings;
use crate::memory::{Output, input};
use crate::runtime::task::{Cancellation, Task};
use crate::types::byte_range::ByteRange;
use crate::types::convert::object;
use crate::types::failure::OrThrow;
use crate::types::report::{Report, SegmentDone};
use napi::bindgen_prelude::{Object, Uint8Array};
use napi::{Env, Result};
use napi_derive::napi;
use sealstream::session::{self, OpenSession};
use sealstream::stream_v2::pipeline::record_layout::{RecordCursor, RecordPlace};
use std::sync::Arc;

/// A sealed stream that is being opened.
#[napi]
pub struct OpenStream {
    session: Option<Arc<OpenSession>>,
    cursor: RecordCursor,
}

/// Bytes of the header that starts with these bytes, as far as they state it.
#[napi(catch_unwind)]
pub fn stream_header_size(bytes: &[u8]) -> f64 {
    OpenSession::header_size(bytes) as f64
}

/// Unlocks the stream with this header. A cut header is refused.
#[napi(catch_unwind, ts_return_type = "Promise<OpenStream>")]
pub fn open_stream<'env>(
    env: &'env Env,
    header: Uint8Array,
    identities: Vec<CredentialArgument<'_>>,
    settings: OpenSettings<'_>,
    cancellation: Option<&Cancellation>,
) -> Result<Object<'env>> {
    let options = settings.for_identities(env, &identities)?;
    let task = Task::new(cancellation).of_size(header.len() as u64);
    task.stretching(&options.identities).launch(env, move |_| {
        let session = OpenSession::new(input(&header), &options)?;
        Ok(OpenStream {
            cursor: session.cursor(),
            session: Some(Arc::new(session)),
        })
    })
}

#[napi]
impl OpenStream {
    /// The default number of segments in memory.
    #[napi(getter)]
    pub fn concurrency(&self) -> Result<u32> {
        Ok(concurrency(open_session(&self.session)?.geometry()))
    }

    /// Whether the stream's end comes next, instead of a record.
    #[napi(getter)]
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        self.cursor.is_at_end()
    }

    /// Bytes of the record or the end that starts with these bytes, as far as they state it. Bytes that start no record of this stream
    /// are refused, or, if `is_tolerant`, have the size of the expected record.
    #[napi(catch_unwind)]
    pub fn part_size(&self, env: &Env, bytes: &[u8], is_tolerant: bool) -> Result<f64> {
        let size = match open_session(&self.session)?.part_size(&self.cursor, bytes) {
            Err(_) if is_tolerant => self.cursor.due().wire.size(),
            size => size.or_throw(env)?,
        };
        Ok(size as f64)
    }

    /// The position of the record that starts with these bytes, or of the expected record if they start none.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn place(&self, record: &[u8]) -> Place {
        let found = record
            .first_chunk()
            .and_then(|header| self.cursor.measure(header).ok());
        Place(found.unwrap_or_else(|| self.cursor.due()))
    }

    /// All that is missing if the stream ends here.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn missing(&self) -> Place {
        Place(self.cursor.missing())
    }

    /// Where the plaintext is in the memory of every opened record.
    #[napi(getter)]
    pub fn pieces(&self) -> Result<Pieces> {
        Ok(open_session(&self.session)?.pieces().into())
    }

    /// Opens the next record, in place. The one after it can be opened at once. If it rejects, `record` is all zeros.
    #[napi(catch_unwind, ts_return_type = "Promise<SegmentDone>")]
    pub fn open<'env>(
        &mut self,
        env: &'env Env,
        record: Uint8Array,
        cancellation: Option<&Cancellation>,
    ) -> Result<Object<'env>> {
        let session = Arc::clone(open_session(&self.session)?);
        let cursor = self.cursor;
        let is_record = record
            .first_chunk()
            .is_some_and(|header| self.cursor.advance(header).is_ok());
        if !is_record {
            // Only with `is_tolerant`. Opening tells what is wrong.
            self.cursor.pass();
        }
        let task = Task::new(cancellation).of_size(record.len() as u64);
        let mut record = Output::new(record, [])?;
        task.launch(env, move |control| {
            let done = record.fill(|memory| session.open(&cursor, memory, &control.cancel));
            done.map(SegmentDone::from)
        })
    }

    /// Records a place as lost: zeros, or nothing, are its output.
    #[napi(catch_unwind)]
    pub fn lose(&self, place: &Place, zeros: bool) -> Result<()> {
        let is_last = self.cursor.is_at_end() && place.0.index.get() + 1 == self.cursor.index().get();
        open_session(&self.session)?.lose(&place.0, is_last, zeros);
        Ok(())
    }

    /// Verifies the stream's end, after all records are opened. `bytes` are the input's last.
    #[napi(catch_unwind, ts_return_type = "Promise<Report>")]
    pub fn finish<'env>(
        &self,
        env: &'env Env,
        bytes: Uint8Array,
        concurrency: u32,
        cancellation: Option<&Cancellation>,
    ) -> Result<Object<'env>> {
        let session = Arc::clone(open_session(&self.session)?);
        let cursor = self.cursor;
        let task = Task::new(cancellation).of_size(bytes.len() as u64);
        task.launch(env, move |_| {
            let end = session.verify_end(&cursor, input(&bytes))?;
            let report = session.report(Some(end), &cursor, threads(concurrency));
            Ok(Report::from(report))
        })
    }

    /// The report without a verified end.
    #[napi(catch_unwind)]
    pub fn report(&self, concurrency: u32) -> Result<Report> {
        let session = open_session(&self.session)?;
        Ok(session.report(None, &self.cursor, threads(concurrency)).into())
    }

    /// Drops the keys when no operation is running.
    #[napi]
    pub fn close(&mut self) {
        self.session = None;
    }
}

/// The position of a record.
#[napi]
pub struct Place(RecordPlace);

#[napi]
impl Place {
    /// The segment, from 0.
    #[napi(getter)]
    #[must_use]
    pub const fn index(&self) -> f64 {
        self.0.index.get() as f64
    }

    /// Its range in the plaintext.
    #[napi(getter)]
    #[must_use]
    pub fn plaintext_range(&self) -> ByteRange {
        self.0.plaintext.into()
    }

    /// Its range in the sealed stream.
    #[napi(getter)]
    #[must_use]
    pub fn wire_range(&self) -> ByteRange {
        self.0.wire.into()
    }
}

object! {
    /// Where the plaintext is in the memory of an opened record: pieces of one size, except for the last.
    Pieces from pieces: session::Pieces {
        /// Offset of the first piece.
        start: f64,
        /// Bytes from the start of one piece to the start of the next.
        stride: f64,
        /// Bytes of a piece.
        size: f64,
    }
}
