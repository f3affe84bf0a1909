//! The two operations of a stream, sealing and opening, and what they are made of.

pub(crate) mod create;
pub(crate) mod decrypt;
pub(crate) mod encrypt;
pub(crate) mod end_scan;
pub(crate) mod in_order;
pub(crate) mod locate;
pub mod seekable;
pub(crate) mod sender;
pub(crate) mod stream_size;
pub(crate) mod tally;
pub(crate) mod trailer;
pub(crate) mod unlock;

pub use create::sealed_size;
pub use decrypt::decrypt_stream_v2;
pub use encrypt::encrypt_stream_v2;
#[cfg(test)]
pub(crate) use encrypt::encrypt_with;

use super::io::{MemorySlots, OutputSink, WriteAt};
use crate::error::SealError;
use std::io::Write;

/// A sink with room for the output.
enum PreparedSink<'a> {
    ByOffset(Box<dyn WriteAt + 'a>),
    InOrder(Box<dyn Write + Send + 'a>),
}

/// Prepares `sink` for `size` bytes: a head, then slots of one size. Memory is written by offset too.
fn prepare(sink: OutputSink<'_>, size: u64, head: u32, slot: u64) -> Result<PreparedSink<'_>, SealError> {
    check_room(&sink, size)?;
    Ok(match sink {
        OutputSink::Positioned(sink) => PreparedSink::ByOffset(sink),
        OutputSink::Memory(memory) => {
            PreparedSink::ByOffset(Box::new(MemorySlots::new(memory, head.into(), slot)))
        }
        OutputSink::Ordered(writer) => PreparedSink::InOrder(writer),
    })
}

/// Fails if the sink is memory that is too small.
fn check_room(sink: &OutputSink<'_>, needed: u64) -> Result<(), SealError> {
    match sink {
        OutputSink::Memory(memory) if (memory.len() as u64) < needed => Err(SealError::OutputTooSmall {
            available: memory.len() as u64,
            needed,
        }),
        _ => Ok(()),
    }
}
