//! The manifest of a stream that is read without a key. It can't be authenticated, so it stays in its source.

use crate::format::{DigestKind, ManifestEntry, SegmentIndex, manifest_entry_size};
use crate::stream_v2::io::ReadAt;
use std::io::IoSliceMut;
use std::sync::{Mutex, PoisonError};

/// Reads entries of a manifest from the source, some of them ahead.
#[derive(Debug)]
pub(super) struct StoredManifest {
    /// Where the entries start.
    at: u64,
    entry_size: usize,
    segments: u64,
    window: Mutex<Window>,
}

/// The entries that were read last.
#[derive(Debug, Default)]
struct Window {
    first: u64,
    bytes: Vec<u8>,
}

impl StoredManifest {
    /// The manifest of `segments` entries at offset `at`.
    pub(super) fn new(at: u64, digest: DigestKind, segments: u64) -> Self {
        Self {
            at,
            entry_size: manifest_entry_size(digest),
            segments,
            window: Mutex::default(),
        }
    }

    /// The number of entries.
    pub(super) const fn segments(&self) -> u64 {
        self.segments
    }

    /// The entry of a segment; `None` if there is none, or if it can't be read.
    pub(super) fn entry(&self, source: &dyn ReadAt, segment: SegmentIndex) -> Option<ManifestEntry> {
        let segment = segment.get();
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if segment >= self.segments {
            return None;
        }
        if let Some(entry) = self.in_window(&window, segment) {
            return Some(entry);
        }
        let most = (WINDOW / self.entry_size) as u64;
        let first = segment - segment % most;
        let count = most.min(self.segments - first);
        let offset = self.at.checked_add(first.checked_mul(self.entry_size as u64)?)?;
        let mut bytes = vec![0; count as usize * self.entry_size];
        let read = source.read_at(offset, &mut [IoSliceMut::new(&mut bytes)]).ok()?;
        bytes.truncate(read);
        *window = Window { first, bytes };
        self.in_window(&window, segment)
    }

    fn in_window(&self, window: &Window, segment: u64) -> Option<ManifestEntry> {
        let within = usize::try_from(segment.checked_sub(window.first)?).ok()?;
        let start = within.checked_mul(self.entry_size)?;
        ManifestEntry::parse(window.bytes.get(start..start.checked_add(self.entry_size)?)?)
    }
}

/// Bytes that are read at a time.
const WINDOW: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{DigestValue, Manifest};

    #[test]
    fn every_entry_is_found_in_any_order() {
        let mut manifest = Manifest::new(DigestKind::Sha256);
        for number in 0..3000_u32 {
            manifest.push(&ManifestEntry {
                wire_size: number,
                message_tag: [number as u8; 32],
                digest: DigestValue::new(&[(number / 256) as u8; 32]),
            });
        }
        let bytes = [&[0xEE; 7], manifest.as_bytes(), &[0xEE; 99]].concat();
        let source: &[u8] = &bytes;
        let stored = StoredManifest::new(7, DigestKind::Sha256, 3000);
        for index in (0..3000).chain([5, 2999, 0, 963, 964]).map(SegmentIndex::new) {
            assert_eq!(stored.entry(&source, index), manifest.entry(index));
        }
        assert_eq!(stored.entry(&source, SegmentIndex::new(3000)), None);
        assert_eq!(stored.entry(&source, SegmentIndex::new(u64::MAX)), None);
        let short: &[u8] = &bytes[..100];
        let stored = StoredManifest::new(7, DigestKind::Sha256, 3000);
        assert_eq!(stored.entry(&short, SegmentIndex::new(1)), None);
    }
}
