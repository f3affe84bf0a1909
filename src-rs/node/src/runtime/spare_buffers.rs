//! Memory for copies of inputs, which is used again.
//!
//! New memory costs more than the copy: the system maps its 256 pages one by one, and takes them back. The spare buffers are freed with
//! the executor's threads, a few seconds after the last operation. What they hold is what freed memory would hold.

use std::mem;
use std::ops::Deref;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A copy of at most [`CAPACITY`] bytes.
pub(crate) struct SpareBuffer {
    memory: Vec<u8>,
    size: usize,
}

impl SpareBuffer {
    /// `size` bytes, which `fill` writes. Their contents are unspecified before.
    pub(crate) fn filled<E>(size: usize, fill: impl FnOnce(&mut [u8]) -> Result<(), E>) -> Result<Self, E> {
        let memory = match size {
            0..SMALLEST | LARGER.. => vec![0; size],
            _ => spare().pop().unwrap_or_else(|| vec![0; CAPACITY]),
        };
        let mut buffer = Self { memory, size };
        fill(&mut buffer.memory[..size])?;
        Ok(buffer)
    }
}

impl Deref for SpareBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.memory[..self.size]
    }
}

impl Drop for SpareBuffer {
    fn drop(&mut self) {
        if self.memory.len() != CAPACITY {
            return;
        }
        let mut buffers = spare();
        if buffers.len() < MOST {
            buffers.push(mem::take(&mut self.memory));
        }
    }
}

/// Frees the spare buffers.
pub(crate) fn free_spare_buffers() {
    let buffers = mem::take(&mut *spare());
    drop(buffers);
}

fn spare() -> MutexGuard<'static, Vec<Vec<u8>>> {
    SPARE.lock().unwrap_or_else(PoisonError::into_inner)
}

static SPARE: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());
/// The largest number of spare buffers.
const MOST: usize = 4;
/// Bytes of a spare buffer: a default segment with its overhead.
pub(crate) const CAPACITY: usize = 1024 * 1024 + 64 * 1024;
const LARGER: usize = CAPACITY + 1;
/// The allocator keeps smaller memory by itself.
const SMALLEST: usize = 64 * 1024;
