//! What was opened lately: frames, and what opens the frames of a record.

use crate::format::SegmentIndex;
use crate::stream_v2::framing::contents;
use crate::stream_v2::segment_worker::FrameOpener;
use lru::LruCache;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A frame that verified: its slot on the wire, with plaintext where the ciphertext was.
#[derive(Debug)]
pub(super) struct OpenFrame(Vec<u8>);

impl OpenFrame {
    /// The frame in `slot`, which was opened.
    pub(super) const fn new(slot: Vec<u8>) -> Self {
        Self(slot)
    }

    /// Its plaintext.
    pub(super) fn content(&self) -> &[u8] {
        contents(&self.0, self.0.len()).next().unwrap_or_default()
    }
}

/// A frame's place: its segment, and its index in that.
pub(super) type FrameKey = (SegmentIndex, u32);

/// Opened frames and openers, the latest of them. Its lock is held to look up and to put away, never while anything is
/// read or opened.
#[derive(Debug)]
pub(super) struct Cache {
    state: Mutex<State>,
    /// Bytes of a frame's slot.
    slot_size: usize,
    /// Buffers that are kept to be used again: a new one costs more than what is read into it, as the system maps it first.
    spare: usize,
    /// Whether nothing of the plaintext is to be kept.
    forgets: bool,
}

#[derive(Debug)]
struct State {
    frames: Lru<FrameKey, Arc<OpenFrame>>,
    openers: Lru<SegmentIndex, Arc<FrameOpener>>,
    spare: Vec<Vec<u8>>,
}

impl Cache {
    /// A cache of `bytes` bytes of frames; with 0 nothing is kept, no openers either.
    pub(super) fn new(bytes: usize, slot_size: usize) -> Self {
        let forgets = bytes == 0;
        Self {
            state: Mutex::new(State {
                frames: Lru::new(bytes / slot_size),
                openers: Lru::new(if forgets { 0 } else { OPENERS }),
                spare: Vec::new(),
            }),
            slot_size,
            spare: SPARE / slot_size,
            forgets,
        }
    }

    /// Bytes of frames that it may hold.
    pub(super) fn capacity(&self) -> usize {
        self.lock().frames.capacity * self.slot_size
    }

    pub(super) fn frames(&self, keys: impl Iterator<Item = FrameKey>) -> Vec<Option<Arc<OpenFrame>>> {
        let mut state = self.lock();
        keys.map(|key| state.frames.get(&key).map(Arc::clone)).collect()
    }

    pub(super) fn opener(&self, segment: SegmentIndex) -> Option<Arc<FrameOpener>> {
        self.lock().openers.get(&segment).map(Arc::clone)
    }

    pub(super) fn keep_opener(&self, segment: SegmentIndex, opener: &Arc<FrameOpener>) {
        let _ = self.lock().openers.put(segment, Arc::clone(opener));
    }

    /// A buffer of `size` bytes, at most a slot's, of any content.
    pub(super) fn buffer(&self, size: usize) -> Vec<u8> {
        let spare = self.lock().spare.pop();
        // One that was used need not be filled with zeros first.
        let mut buffer = spare.unwrap_or_default();
        buffer.resize(size, 0);
        buffer
    }

    /// Takes a frame that is done with: to be kept under `key`, or for its buffer alone.
    pub(super) fn put_away(&self, frame: OpenFrame, key: Option<FrameKey>) {
        let gone = match key {
            Some(key) if !self.forgets => self.lock().frames.put(key, Arc::new(frame)),
            _ => return self.put_spare(frame.0),
        };
        // One that a plan still holds goes with that.
        if let Some(OpenFrame(buffer)) = gone.and_then(Arc::into_inner) {
            self.put_spare(buffer);
        }
    }

    fn put_spare(&self, mut buffer: Vec<u8>) {
        if self.forgets {
            // Not by `zeroize`, which is slow, and needed where nobody could read it any more: this buffer is used again.
            buffer.fill(0);
        }
        let mut state = self.lock();
        if state.spare.len() < self.spare {
            state.spare.push(buffer);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// At most `capacity` values, of which the one that was not used for longest goes first.
#[derive(Debug)]
struct Lru<K: Eq + Hash, V> {
    /// Not bounded by itself: that would take memory for all of them at once.
    values: LruCache<K, V>,
    capacity: usize,
}

impl<K: Eq + Hash, V> Lru<K, V> {
    fn new(capacity: usize) -> Self {
        Self {
            values: LruCache::unbounded(),
            capacity,
        }
    }

    fn get(&mut self, key: &K) -> Option<&V> {
        self.values.get(key)
    }

    /// Puts a value in and returns the one that had to go, which is `value` itself where there is no room at all.
    fn put(&mut self, key: K, value: V) -> Option<V> {
        let replaced = self.values.put(key, value);
        if self.values.len() <= self.capacity {
            return replaced;
        }
        self.values.pop_lru().map(|(_, oldest)| oldest)
    }
}

/// Records whose keys are kept, of about 1 KiB each: deriving them takes as long as opening a frame.
const OPENERS: usize = 1024;
/// Bytes of buffers that are kept to be used again.
const SPARE: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let mut lru = Lru::new(2);
        assert_eq!(lru.put(1, 'a'), None);
        assert_eq!(lru.put(2, 'b'), None);
        assert_eq!(lru.get(&1), Some(&'a'));
        assert_eq!(lru.put(3, 'c'), Some('b'));
        assert_eq!(lru.put(1, 'A'), Some('a'));
        assert_eq!(lru.put(4, 'd'), Some('c'));
        let found = [1, 3, 4].map(|key| lru.get(&key).copied());
        assert_eq!(found, [Some('A'), None, Some('d')]);
        assert_eq!(lru.values.len(), 2);
    }

    #[test]
    fn without_room_nothing_is_kept() {
        let mut lru = Lru::new(0);
        assert_eq!(lru.put(1, 'a'), Some('a'));
        assert_eq!(lru.get(&1), None);
        let cache = Cache::new(0, 10);
        cache.put_away(OpenFrame::new(vec![1; 10]), Some((SegmentIndex::ZERO, 0)));
        cache.put_away(OpenFrame::new(vec![1; 10]), None);
        let state = cache.lock();
        assert!(state.frames.values.is_empty());
        // Buffers are, without what was in them.
        assert!(state.spare.iter().flatten().all(|&byte| byte == 0));
    }
}
