//! Where an array's bytes are, as V8 knows it.

use napi::{Result, Status, check_status, sys};
use sealstream::stream_v2::io::ReadAt;
use std::io::IoSliceMut;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{io, ptr, slice};

/// The memory of a `Uint8Array`. It may be used until JavaScript runs again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Where it starts; unspecified if it has no bytes.
    pub(super) data: *mut u8,
    /// Its bytes; 0 if the memory was detached, or shrunk so that the array lies outside.
    pub(super) size: usize,
    /// Other JavaScript threads may change the bytes at any time. Such memory can't be detached and does not move or shrink.
    pub(super) is_shared: bool,
}

impl Place {
    /// The place of the array `value`. Must be called on the JavaScript thread.
    pub(super) fn of(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        let (mut kind, mut size, mut data, mut memory) = (-1, 0, ptr::null_mut(), ptr::null_mut());
        // SAFETY: the environment runs this. Each pointer is to a variable that lives during the call. Fails if `value` is no array.
        check_status!(unsafe {
            sys::napi_get_typedarray_info(
                env,
                value,
                &mut kind,
                &mut size,
                &mut data,
                &mut memory,
                ptr::null_mut(),
            )
        })?;
        if kind != sys::TypedarrayType::uint8_array {
            return Err(napi::Error::new(Status::InvalidArg, "must be a Uint8Array"));
        }
        let mut is_plain = false;
        // SAFETY: as above. It is false for a SharedArrayBuffer.
        check_status!(unsafe { sys::napi_is_arraybuffer(env, memory, &mut is_plain) })?;
        Ok(Self {
            data: data.cast(),
            size: if data.is_null() { 0 } else { size },
            is_shared: !is_plain,
        })
    }

    /// Whether both contain a byte.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        let (start, other_start) = (self.data.addr(), other.data.addr());
        start < other_start.saturating_add(other.size) && other_start < start.saturating_add(self.size)
    }

    /// Copies the bytes from `offset` on to `target`, as many as both have, and returns their number.
    ///
    /// # Safety
    /// The memory is as [`Place::of`] found it. JavaScript does not run during the call, unless the memory is shared. `target` is not in it.
    pub(super) unsafe fn copy(&self, offset: usize, target: &mut [u8]) -> usize {
        let count = self.size.saturating_sub(offset).min(target.len());
        if count == 0 {
            return 0;
        }
        // SAFETY: `offset` is less than the size.
        let from = unsafe { self.data.add(offset) };
        if self.is_shared {
            // SAFETY: `count` bytes from there on are in the memory, and in `target`.
            unsafe { copy_shared(from, &mut target[..count]) };
        } else {
            // SAFETY: as above, and the caller vouches that they do not overlap.
            unsafe { ptr::copy_nonoverlapping(from, target.as_mut_ptr(), count) };
        }
        count
    }
}

/// Reads a [`Place`] by offset. Each byte is copied before it is looked at.
pub(super) struct PlaceSource<'a> {
    place: Place,
    /// As long as the place may be used.
    _borrow: PhantomData<&'a ()>,
}

// SAFETY: the memory is only read, by copies. See `new` for how long it stays.
unsafe impl Send for PlaceSource<'_> {}
// SAFETY: as above.
unsafe impl Sync for PlaceSource<'_> {}

impl PlaceSource<'_> {
    /// # Safety
    /// While this lives the memory stays as [`Place::of`] found it: it is shared and held by a reference, or the JavaScript thread runs no
    /// JavaScript. Nothing that is read into is in it.
    pub(super) unsafe fn new(place: Place) -> Self {
        Self {
            place,
            _borrow: PhantomData,
        }
    }
}

impl ReadAt for PlaceSource<'_> {
    fn size(&self) -> io::Result<u64> {
        Ok(self.place.size as u64)
    }

    fn read_at(&self, offset: u64, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let mut done = 0;
        for buffer in buffers {
            // SAFETY: `new`'s caller vouches for it.
            done += unsafe { self.place.copy(start.saturating_add(done), buffer) };
        }
        Ok(done)
    }
}

/// Copies from memory that other threads change at the same time: word by word and atomically, because a plain copy would be a data race.
///
/// # Safety
/// As many bytes as `target` has are readable at `from`, and outside of `target`.
unsafe fn copy_shared(from: *mut u8, target: &mut [u8]) {
    const WORD: usize = size_of::<usize>();
    let before = from.align_offset(WORD).min(target.len());
    let (head, rest) = target.split_at_mut(before);
    let (words, tail) = rest.as_chunks_mut::<WORD>();
    let byte_at = |at: usize| {
        // SAFETY: the caller vouches for every byte below the target's size.
        let byte = unsafe { std::sync::atomic::AtomicU8::from_ptr(from.add(at)) };
        byte.load(Ordering::Relaxed)
    };
    for (at, byte) in head.iter_mut().enumerate() {
        *byte = byte_at(at);
    }
    let words_size = words.len() * WORD;
    // SAFETY: it is aligned, since `before` bytes are in front of it, and the caller vouches for the bytes. Atomics may change under a
    // shared reference.
    let shared = unsafe { slice::from_raw_parts(from.add(before).cast::<AtomicUsize>(), words.len()) };
    for (word, shared) in words.iter_mut().zip(shared) {
        *word = shared.load(Ordering::Relaxed).to_ne_bytes();
    }
    for (at, byte) in tail.iter_mut().enumerate() {
        *byte = byte_at(before + words_size + at);
    }
}
