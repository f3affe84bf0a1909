//! Cache of opened frames and of frame openers.

use crate::format::SegmentIndex;
use crate::stream_v2::framing::contents;
use crate::stream_v2::segment_worker::FrameOpener;
use lru::LruCache;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use zeroize::Zeroize;

/// A frame that was opened in place.
#[derive(Debug)]
pub(super) struct OpenFrame(pub(super) Vec<u8>);

impl OpenFrame {
    /// Its plaintext.
    pub(super) fn content(&self) -> &[u8] {
        contents(&self.0, self.0.len()).next().unwrap_or_default()
    }
}

/// A frame's segment, and its index in the segment: what the cache finds it by.
pub(super) type FramePosition = (SegmentIndex, u32);

/// The frames and openers that were used last. The lock is held only to look up and to store, never while a frame is read
/// or opened.
#[derive(Debug)]
pub(super) struct Cache {
    state: Mutex<State>,
    /// Most frames that are kept.
    frames: usize,
    /// Bytes of a frame's slot.
    slot_size: usize,
    /// Most unused buffers that are kept. A new buffer costs more than reading into it, because the system maps it first.
    spare: usize,
    /// Whether no plaintext may be kept.
    forgets: bool,
}

#[derive(Debug)]
struct State {
    // Unbounded: bounded ones would allocate memory for all values at once.
    frames: LruCache<FramePosition, Arc<OpenFrame>>,
    openers: LruCache<SegmentIndex, Arc<FrameOpener>>,
    spare: Vec<Vec<u8>>,
}

impl Cache {
    /// A cache of `bytes` bytes of frames. With 0 it keeps neither frames nor openers.
    pub(super) fn new(bytes: usize, slot_size: usize) -> Self {
        let forgets = bytes == 0;
        Self {
            state: Mutex::new(State {
                frames: LruCache::unbounded(),
                openers: LruCache::unbounded(),
                spare: Vec::new(),
            }),
            frames: bytes / slot_size,
            slot_size,
            spare: SPARE / slot_size,
            forgets,
        }
    }

    /// Most bytes of frames that are kept.
    pub(super) const fn capacity(&self) -> usize {
        self.frames * self.slot_size
    }

    pub(super) fn frames(&self, keys: impl Iterator<Item = FramePosition>) -> Vec<Option<Arc<OpenFrame>>> {
        let mut state = self.lock();
        keys.map(|key| state.frames.get(&key).map(Arc::clone)).collect()
    }

    pub(super) fn opener(&self, segment: SegmentIndex) -> Option<Arc<FrameOpener>> {
        self.lock().openers.get(&segment).map(Arc::clone)
    }

    pub(super) fn keep_opener(&self, segment: SegmentIndex, opener: &Arc<FrameOpener>) {
        let most = if self.forgets { 0 } else { OPENERS };
        put(&mut self.lock().openers, most, segment, Arc::clone(opener));
    }

    /// A buffer of `size` bytes, at most a slot's. Its contents are unspecified.
    pub(super) fn buffer(&self, size: usize) -> Vec<u8> {
        let spare = self.lock().spare.pop();
        // A used buffer need not be filled with zeros first.
        let mut buffer = spare.unwrap_or_default();
        buffer.resize(size, 0);
        buffer
    }

    /// Stores a frame under `key`; without a key only its buffer is kept.
    pub(super) fn put_away(&self, frame: OpenFrame, key: Option<FramePosition>) {
        let gone = match key {
            Some(key) if !self.forgets => put(&mut self.lock().frames, self.frames, key, Arc::new(frame)),
            _ => return self.put_spare(frame.0),
        };
        // The buffer of a frame that a plan still holds is freed with the plan.
        if let Some(OpenFrame(buffer)) = gone.and_then(Arc::into_inner) {
            self.put_spare(buffer);
        }
    }

    fn put_spare(&self, mut buffer: Vec<u8>) {
        if self.forgets {
            // `zeroize` is slow, and needed only below: the compiler can't drop this write to a buffer that is used again.
            buffer.fill(0);
        }
        let mut state = self.lock();
        if state.spare.len() < self.spare {
            state.spare.push(buffer);
        } else if self.forgets {
            drop(state);
            // The compiler may drop a plain write to memory that is freed next.
            buffer.zeroize();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Stores a value and returns the removed one, if any: the least recently used one if there are more than `capacity` values. With a
/// capacity of 0 it is `value` itself.
fn put<K: Eq + Hash, V>(values: &mut LruCache<K, V>, capacity: usize, key: K, value: V) -> Option<V> {
    let replaced = values.put(key, value);
    if values.len() <= capacity {
        return replaced;
    }
    values.pop_lru().map(|(_, oldest)| oldest)
}

/// Most records whose keys are kept, about 1 KiB each. Deriving keys takes as long as opening a frame.
const OPENERS: usize = 1024;
/// Most bytes of unused buffers.
const SPARE: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_value_is_removed_first() {
        let mut lru = LruCache::unbounded();
        let put = |lru: &mut LruCache<_, _>, key, value| put(lru, 2, key, value);
        assert_eq!(put(&mut lru, 1, 'a'), None);
        assert_eq!(put(&mut lru, 2, 'b'), None);
        assert_eq!(lru.get(&1), Some(&'a'));
        assert_eq!(put(&mut lru, 3, 'c'), Some('b'));
        assert_eq!(put(&mut lru, 1, 'A'), Some('a'));
        assert_eq!(put(&mut lru, 4, 'd'), Some('c'));
        let found = [1, 3, 4].map(|key| lru.get(&key).copied());
        assert_eq!(found, [Some('A'), None, Some('d')]);
        assert_eq!(lru.len(), 2);
    }

    #[test]
    fn a_cache_of_size_zero_keeps_no_plaintext() {
        let mut lru = LruCache::unbounded();
        assert_eq!(put(&mut lru, 0, 1, 'a'), Some('a'));
        assert_eq!(lru.get(&1), None);
        let cache = Cache::new(0, 10);
        cache.put_away(OpenFrame(vec![1; 10]), Some((SegmentIndex::ZERO, 0)));
        cache.put_away(OpenFrame(vec![1; 10]), None);
        let state = cache.lock();
        assert!(state.frames.is_empty());
        // Buffers are kept, overwritten with zeros.
        assert!(state.spare.iter().flatten().all(|&byte| byte == 0));
    }
}
