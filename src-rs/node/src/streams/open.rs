//! Opening a stream segment by segment.

use super::{concurrency, session, threads};
use crate::arguments::credentials::CredentialArgument;
use crate::arguments::options::OpenSettings;
use crate::arguments::sources::joined;
use crate::memory::{BytesArgument, BytesCopy, NewBuffer, Room};
use crate::runtime::task::{Cancellation, Task};
use crate::streams::files::{FileInput, OpenedFile};
use crate::streams::part::PartBuffer;
use crate::types::convert::{IntoJs, object};
use crate::types::damage::{Damage, DamageDecision};
use crate::types::failure::OrThrow;
use crate::types::report::{DecryptReport, SegmentDone};
use napi::bindgen_prelude::Object;
use napi::{Env, Result};
use napi_derive::napi;
use sealstream::format::SegmentIndex;
use sealstream::session::{self, OpenSession};
use sealstream::stream_v2::pipeline::record_layout::RecordCursor;
use std::sync::Arc;

/// A sealed stream that is being opened.
#[napi]
pub struct OpenStream {
    session: Option<Arc<OpenSession>>,
    cursor: RecordCursor,
}

/// Bytes of the header that starts with these bytes, as far as they state it.
#[napi(catch_unwind)]
pub fn stream_header_size(#[napi(ts_arg_type = "Uint8Array")] bytes: BytesArgument<'_>) -> Result<f64> {
    bytes.read_all(|bytes| OpenSession::header_size(bytes) as f64)
}

/// Unlocks the stream with this header. A cut header is refused.
#[napi(catch_unwind, ts_return_type = "Promise<OpenStream>")]
pub fn open_stream<'env>(
    env: &'env Env,
    #[napi(ts_arg_type = "Uint8Array")] header: BytesCopy,
    identities: Vec<CredentialArgument<'_>>,
    settings: OpenSettings<'_>,
    cancellation: Option<&Cancellation>,
) -> Result<Object<'env>> {
    let options = settings.for_identities(env, &identities)?;
    let task = Task::new(cancellation).of_size(header.len() as u64);
    task.for_slots(options.slot_types()).launch(env, move |control| {
        let session = OpenSession::new(&header, &options, &control.cancel)?;
        Ok(OpenStream {
            cursor: session.cursor(),
            session: Some(Arc::new(session)),
        })
    })
}

/// Unlocks the stream in a file. Its parts then arrive as for [`open_stream`], without the header. Unless `accepts_damage`, the end is
/// verified first.
#[napi(catch_unwind, ts_return_type = "Promise<OpenStream>")]
pub fn open_file_stream<'env>(
    env: &'env Env,
    file: &FileInput,
    #[napi(ts_arg_type = "Uint8Array | undefined | null")] header: Option<BytesCopy>,
    identities: Vec<CredentialArgument<'_>>,
    settings: OpenSettings<'_>,
    accepts_damage: bool,
    cancellation: Option<&Cancellation>,
) -> Result<Object<'env>> {
    let options = settings.for_identities(env, &identities)?;
    let opened = file.opened()?;
    let task = Task::new(cancellation).for_slots(options.slot_types());
    task.launch(env, move |control| {
        let OpenedFile { file, path } = &*opened;
        let source = joined(header.as_deref(), Box::new(file));
        let session = OpenSession::of_source(&*source, &options, accepts_damage, &control.cancel)
            .map_err(|failure| failure.on_file(path, path))?;
        Ok(OpenStream {
            cursor: session.cursor(),
            session: Some(Arc::new(session)),
        })
    })
}

#[napi]
impl OpenStream {
    /// Bytes of the header.
    #[napi(getter)]
    pub fn header_size(&self) -> Result<u32> {
        Ok(session(&self.session)?.size_of_header())
    }

    /// The default number of segments in memory.
    #[napi(getter)]
    pub fn concurrency(&self) -> Result<u32> {
        Ok(concurrency(session(&self.session)?.geometry()))
    }

    /// Whether the stream's end comes next, instead of a record.
    #[napi(getter)]
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        self.cursor.is_at_end()
    }

    /// The segment whose record is next, from 0; the number of segments if the end is next.
    #[napi(getter)]
    #[must_use]
    pub fn segment(&self) -> f64 {
        self.cursor.index().get() as f64
    }

    /// Bytes of the record or the end that starts with the bytes of `part`. While they are too few to tell, the number of bytes that
    /// tell. If no record of this stream starts like this, throws, or, if `isTolerant`, returns the size of the expected one.
    #[napi(catch_unwind)]
    pub fn part_size(&self, env: &Env, part: &PartBuffer, is_tolerant: bool) -> Result<f64> {
        let size = match session(&self.session)?.part_size(&self.cursor, part.bytes()) {
            Err(_) if is_tolerant => self.cursor.expected().sealed.size(),
            size => size.or_throw(env)?,
        };
        Ok(size as f64)
    }

    /// Where the plaintext is in the memory of every opened record.
    #[napi(getter)]
    pub fn plaintext_slots(&self) -> Result<PlaintextSlots> {
        Ok(session(&self.session)?.plaintext_slots().into())
    }

    /// Opens the next record, all of `part`, which is empty afterwards. The record after it can be opened at once.
    #[napi(catch_unwind, ts_return_type = "Promise<OpenedRecord>")]
    pub fn open<'env>(
        &mut self,
        env: &'env Env,
        part: &mut PartBuffer,
        cancellation: Option<&Cancellation>,
    ) -> Result<Object<'env>> {
        let session = Arc::clone(session(&self.session)?);
        let record = part.take_memory(env)?;
        let place = self.cursor.find(record.as_slice());
        self.cursor.advance(&place);
        let task = Task::new(cancellation).of_size(record.size() as u64);
        let mut room = Room::from(record);
        task.launch(env, move |control| {
            let opened = room.fill(|memory| session.open(&place, memory, &control.cancel));
            opened.map(|(record, done)| OpenedRecord {
                record,
                done: done.into(),
            })
        })
    }

    /// Why `segment`, or the end, did not open, if the caller may decide to continue without it.
    #[napi(catch_unwind)]
    pub fn damage(&self, segment: f64) -> Result<Option<Damage>> {
        let damage = session(&self.session)?.damage(SegmentIndex::new(segment as u64));
        Ok(damage.into_js())
    }

    /// Applies the decision about a damaged part. Returns whether zeros replace it in the output. Throws the part's own error if the
    /// decision is to abort.
    #[napi(catch_unwind)]
    pub fn decide(&self, env: &Env, segment: f64, decision: DamageDecision) -> Result<bool> {
        let session = session(&self.session)?;
        let decided = session.decide(SegmentIndex::new(segment as u64), decision.into());
        decided.or_throw(env)
    }

    /// Verifies the stream's end, after all records are opened. `part` has the input's last bytes, and is empty afterwards.
    #[napi(catch_unwind, ts_return_type = "Promise<DecryptReport>")]
    pub fn finish<'env>(
        &self,
        env: &'env Env,
        part: &mut PartBuffer,
        concurrency: u32,
        cancellation: Option<&Cancellation>,
    ) -> Result<Object<'env>> {
        let session = Arc::clone(session(&self.session)?);
        let cursor = self.cursor;
        let end = part.take_memory(env)?;
        let task = Task::new(cancellation).of_size(end.size() as u64);
        task.launch(env, move |_| {
            let end = session.verify_end(&cursor, end.as_slice())?;
            let report = session.report(Some(end), &cursor, threads(concurrency));
            Ok(DecryptReport::from(report))
        })
    }

    /// The report without a verified end.
    #[napi(catch_unwind)]
    pub fn report(&self, concurrency: u32) -> Result<DecryptReport> {
        let session = session(&self.session)?;
        Ok(session.report(None, &self.cursor, threads(concurrency)).into())
    }

    /// Drops the keys when no operation is running.
    #[napi]
    pub fn close(&mut self) {
        self.session = None;
    }
}

/// An opened record.
#[napi(object, object_from_js = false)]
pub struct OpenedRecord {
    /// Its memory, with the plaintext where [`OpenStream::plaintext_slots`] says.
    #[napi(ts_type = "ReturnType<typeof Buffer.alloc>")]
    pub record: NewBuffer,
    /// Figures about it.
    pub done: SegmentDone,
}

object! {
    /// Where the plaintext of an opened record is in its memory: slots of one size at equal distances. The last is shorter.
    PlaintextSlots from slots: session::PlaintextSlots {
        /// Where the first slot starts.
        start: f64,
        /// Bytes from the start of a slot to the start of the next.
        stride: f64,
        /// Plaintext bytes in a slot.
        size: f64,
    }
}
