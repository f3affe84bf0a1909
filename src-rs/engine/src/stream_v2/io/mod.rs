//! Where bytes come from and go to: sources and sinks that can be addressed by offset, and those that can't.

mod apart;
mod changed_file;
mod copying;
mod fetched;
mod file;
mod memory;
pub(crate) mod output_file;
mod pipe;
mod sink;
mod source;
mod target_lock;
mod throttled;

pub use apart::{BytesApart, BytesInFront};
pub(crate) use changed_file::ChangedFile;
pub(crate) use copying::append_bytes;
pub use fetched::FetchedParts;
pub use memory::MemorySlots;
pub use output_file::{OutputFile, Overwrite, open_source};
pub use pipe::{PipeReader, PipeWriter};
pub use sink::{OutputSink, WriteAt, WriteAtCursor};
pub use source::{InputSource, ReadAt, ReadAtCursor, read_full};
pub(crate) use target_lock::{TargetLock, TargetLockError, remove_stale};
pub use throttled::ThrottledSource;
