//! Resuming an interrupted operation: its journal, the thread that writes it, the output that is kept meanwhile, and which
//! of its segments are valid.
//!
//! A journal says which segments are finished and what their bytes in the unfinished output must be. It is never trusted:
//! its header must be authentic and belong to this operation, and a segment counts only after its bytes were read again.
//! The layout is docs/FORMAT.md.

mod attempt;
mod checkpoints;
mod decrypt;
mod encrypt;
mod find;
mod journal;
mod log_manager;
mod resumable_output;
mod run;
mod source_mark;
mod unfinished;
mod validate;

#[cfg(test)]
pub(crate) mod tests;

pub(crate) use attempt::{Attempt, resumed};
pub(crate) use checkpoints::JournalCheckpoints;
pub(crate) use decrypt::{decrypt_placed, decrypt_resumable};
pub(crate) use encrypt::{encrypt_placed, encrypt_resumable};
pub(crate) use find::{Continued, find_opening, find_sealing};
pub(crate) use journal::{
    ENTRY_SIZE, Entries, EntryReader, JournalDirection, JournalEntry, JournalHeader, StoredHeader,
};
pub(crate) use log_manager::{JournalFile, LogManager, Trouble};
pub(crate) use resumable_output::FoundOutput;
pub(crate) use source_mark::SourceMark;
pub(crate) use unfinished::{Unfinished, UnfinishedFile};
pub(crate) use validate::{Place, ValidateTask};
