//! Resumable operations: an interrupted operation leaves its unfinished output and a journal, and the next attempt does only
//! the segments that are missing.
//!
//! The journal lists the finished segments and the checksums of their bytes in the output. It is not trusted: its header must
//! be authentic and belong to this operation, and a segment counts as finished only if its bytes are read again and match.

mod attempt;
mod checkpoints;
mod decrypt;
mod encrypt;
mod journal;
mod lock;
mod log_manager;
mod output;
mod source_mark;
mod validate;

#[cfg(test)]
pub(crate) mod tests;

pub(crate) use attempt::Attempt;
pub(crate) use decrypt::decrypt_resumable;
pub(crate) use encrypt::encrypt_resumable;
pub(crate) use lock::{TargetLock, remove_stale};
pub(crate) use output::ResumableOutput;
pub(crate) use source_mark::SourceMark;
