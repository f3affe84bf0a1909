//! Sources and sinks: files, memory, pipes and byte ranges, addressed by offset or in order.

mod copy;
mod detached;
mod fetched;
mod file;
mod memory;
mod output_file;
mod pipe;
mod sink;
mod source;
mod throttled;

pub(crate) use copy::append_range;
pub(crate) use detached::DetachingSink;
pub use detached::JoinedSource;
pub use fetched::{FetchedRange, FetchedRanges};
pub use memory::MemorySlots;
pub use output_file::{OutputFile, Overwrite, open_source};
pub(crate) use output_file::{Target, is_same_file, open_regular, set_mode, sync_parent_directory};
pub use pipe::{PipeReader, PipeWriter};
pub(crate) use sink::HoleWriter;
pub(crate) use sink::ReadWriteAt;
pub use sink::{OutputSink, WriteAt, WriteAtCursor};
pub use source::{InputSource, ReadAt, ReadAtCursor, read_full};
pub use throttled::ThrottledSource;
