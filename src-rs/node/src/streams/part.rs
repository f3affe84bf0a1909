//! Bytes of a stream that arrive in chunks and are needed together.

use crate::memory::{BytesArgument, NewBuffer};
use napi::bindgen_prelude::BufferSlice;
use napi::{Env, Result};
use napi_derive::napi;
use sealstream::session::OpenSession;

/// The header, a record or the end of a stream, on its way in.
#[napi]
pub struct PartBuffer {
    memory: Option<NewBuffer>,
    filled: usize,
    size: usize,
}

#[napi]
impl PartBuffer {
    /// For `size` bytes, at least those that tell the final size.
    #[napi(constructor)]
    #[must_use]
    pub fn new(size: f64) -> Self {
        Self {
            memory: None,
            filled: 0,
            size: size as usize,
        }
    }

    /// Collects `size` bytes instead. Returns whether all have arrived.
    #[napi]
    pub fn expect(&mut self, size: f64) -> bool {
        self.size = size as usize;
        self.is_full()
    }

    /// Whether all bytes have arrived.
    #[napi(getter)]
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.filled >= self.size
    }

    /// Copies bytes of `chunk` from offset `from` on, as many as are missing, and returns their number.
    #[napi(catch_unwind)]
    pub fn take(
        &mut self,
        env: &Env,
        #[napi(ts_arg_type = "Uint8Array")] chunk: BytesArgument<'_>,
        from: f64,
    ) -> Result<f64> {
        let from = from as usize;
        let available = chunk.size()?.saturating_sub(from);
        let end = self.filled + available.min(self.size.saturating_sub(self.filled));
        self.reserve(env, end)?;
        let room = self.memory.as_mut().map(NewBuffer::as_mut_slice);
        let room = room
            .and_then(|memory| memory.get_mut(self.filled..end))
            .unwrap_or_default();
        let taken = chunk.copy_to(from, room)?;
        self.filled += taken;
        Ok(taken as f64)
    }

    /// Bytes of the header that starts with these bytes, as far as they state it.
    #[napi(getter)]
    #[must_use]
    pub fn header_size(&self) -> f64 {
        OpenSession::header_size(self.bytes()) as f64
    }

    /// A copy of the bytes.
    #[napi(catch_unwind, ts_return_type = "ReturnType<typeof Buffer.alloc>")]
    pub fn copy<'env>(&self, env: &'env Env) -> Result<BufferSlice<'env>> {
        BufferSlice::copy_from(env, self.bytes())
    }

    /// The bytes that have arrived.
    pub(crate) fn bytes(&self) -> &[u8] {
        let memory = self.memory.as_ref().map(NewBuffer::as_slice);
        memory
            .and_then(|memory| memory.get(..self.filled))
            .unwrap_or_default()
    }

    /// The bytes that have arrived, in memory of exactly their size. This is empty afterwards.
    pub(crate) fn take_memory(&mut self, env: &Env) -> Result<NewBuffer> {
        let filled = std::mem::take(&mut self.filled);
        match self.memory.take() {
            Some(memory) if memory.size() == filled => Ok(memory),
            Some(memory) => memory.resized(env, filled, filled),
            None => NewBuffer::new(env, 0),
        }
    }

    /// Allocates as bytes arrive; a size that is only claimed is not yet trusted.
    fn reserve(&mut self, env: &Env, size: usize) -> Result<()> {
        let available = self.memory.as_ref().map_or(0, NewBuffer::size);
        if size <= available {
            return Ok(());
        }
        let larger = size.max(available.saturating_mul(2)).max(FIRST_ALLOCATION);
        let larger = larger.min(self.size);
        self.memory = Some(match &self.memory {
            Some(memory) => memory.resized(env, self.filled, larger)?,
            None => NewBuffer::new(env, larger)?,
        });
        Ok(())
    }
}

/// Segments of the default size get their memory at once.
const FIRST_ALLOCATION: usize = 2 * 1024 * 1024;
