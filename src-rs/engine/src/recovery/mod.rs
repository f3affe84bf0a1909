//! What survives a crash: the journal of an unfinished output, the thread that writes it, and the two files that stand
//! beside the target until the operation is done.
//!
//! A journal says which segments are finished and what their bytes in the unfinished output must be. It is never
//! believed: whoever resumes reads those bytes again. The layout is docs/FORMAT.md.

mod claim;
mod journal;
mod log_manager;
mod source_mark;

#[cfg(test)]
mod tests;

pub use claim::{Claim, ClaimError, remove_stale};
pub use journal::{
    ENTRY_SIZE, Entries, EntryReader, JournalDirection, JournalEntry, JournalHeader, StoredHeader,
    WrappedFileKey,
};
pub use log_manager::{JournalFile, LogManager, Trouble};
pub use source_mark::SourceMark;
