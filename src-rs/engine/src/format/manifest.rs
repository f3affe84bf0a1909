//! The manifest: an entry for each record, in one run of bytes as on the wire (docs/FORMAT.md, "End record").

use super::{DigestKind, DigestValue, Geometry, SegmentIndex};

/// The manifest's entry for one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ManifestEntry {
    /// Bytes of the whole record.
    pub wire_size: u32,
    /// The record's FLOE header tag. It identifies the sealing of the segment that belongs to the stream.
    pub message_tag: [u8; 32],
    /// The digest at the record's end.
    pub digest: DigestValue,
}

impl ManifestEntry {
    /// The entry for the record of a segment with `plaintext_size` bytes.
    #[must_use]
    pub const fn new(
        geometry: &Geometry,
        plaintext_size: u32,
        message_tag: [u8; 32],
        digest: DigestValue,
    ) -> Self {
        Self {
            wire_size: geometry.record_size(plaintext_size) as u32,
            message_tag,
            digest,
        }
    }

    /// Parses an entry of [`manifest_entry_size`] bytes.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (wire_size, rest) = bytes.split_first_chunk()?;
        let (message_tag, digest) = rest.split_first_chunk()?;
        Some(Self {
            wire_size: u32::from_be_bytes(*wire_size),
            message_tag: *message_tag,
            digest: DigestValue::new(digest),
        })
    }

    /// Appends the entry's bytes.
    pub fn append_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.wire_size.to_be_bytes());
        out.extend_from_slice(&self.message_tag);
        out.extend_from_slice(self.digest.as_bytes());
    }
}

/// Bytes of an entry: record size 4, message tag 32, digest.
#[must_use]
pub const fn manifest_entry_size(digest: DigestKind) -> usize {
    4 + 32 + digest.size()
}

/// The entries of a stream's first records, in order. Takes no more memory than they take on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    bytes: Vec<u8>,
    entry_size: usize,
}

impl Manifest {
    /// A manifest without entries, for records with this digest.
    #[must_use]
    pub const fn new(digest: DigestKind) -> Self {
        Self {
            bytes: Vec::new(),
            entry_size: manifest_entry_size(digest),
        }
    }

    /// A manifest with the entries in `bytes`. The bytes of an incomplete entry at their end are left out.
    #[must_use]
    pub fn of_bytes(digest: DigestKind, mut bytes: Vec<u8>) -> Self {
        let entry_size = manifest_entry_size(digest);
        bytes.truncate(bytes.len() - bytes.len() % entry_size);
        Self { bytes, entry_size }
    }

    /// Adds the entry of the next record.
    pub fn push(&mut self, entry: &ManifestEntry) {
        let end = self.bytes.len() + self.entry_size;
        entry.append_to(&mut self.bytes);
        // Only the entry of a record with another digest has another size.
        self.bytes.resize(end, 0);
    }

    /// The number of entries.
    #[must_use]
    pub fn len(&self) -> u64 {
        (self.bytes.len() / self.entry_size) as u64
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The entry of a segment's record.
    #[must_use]
    pub fn entry(&self, segment: SegmentIndex) -> Option<ManifestEntry> {
        ManifestEntry::parse(self.entry_bytes(segment)?)
    }

    fn entry_bytes(&self, segment: SegmentIndex) -> Option<&[u8]> {
        let start = usize::try_from(segment.get())
            .ok()?
            .checked_mul(self.entry_size)?;
        self.bytes.get(start..start.checked_add(self.entry_size)?)
    }

    /// The entries in order.
    pub fn iter(&self) -> impl Iterator<Item = ManifestEntry> {
        self.bytes
            .chunks_exact(self.entry_size)
            .filter_map(ManifestEntry::parse)
    }

    /// The entries as they are on the wire.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// The entries of the records that a reader has seen. A record that was lost matches any entry.
#[derive(Clone, Debug)]
pub struct SeenRecords {
    entries: Manifest,
    /// Indices of those that were lost, in order.
    lost: Vec<u64>,
}

impl SeenRecords {
    /// No record, of a stream with this digest.
    #[must_use]
    pub const fn new(digest: DigestKind) -> Self {
        Self {
            entries: Manifest::new(digest),
            lost: Vec::new(),
        }
    }

    /// Adds the next record.
    pub fn push(&mut self, entry: &ManifestEntry) {
        self.entries.push(entry);
    }

    /// Adds a record that was lost.
    pub fn push_lost(&mut self) {
        self.lost.push(self.entries.len());
        let size = self.entries.bytes.len() + self.entries.entry_size;
        self.entries.bytes.resize(size, 0);
    }

    /// The number of records, lost ones included.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.entries.len()
    }

    /// Whether no record was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The manifest of these records, none of which was lost.
    #[must_use]
    pub fn into_manifest(self) -> Manifest {
        self.entries
    }

    /// Whether the manifest's entry for `segment`, as it is on the wire, is that of the record that was seen there.
    #[must_use]
    pub fn has(&self, segment: SegmentIndex, entry: &[u8]) -> bool {
        self.lost.binary_search(&segment.get()).is_ok() || self.entries.entry_bytes(segment) == Some(entry)
    }

    /// The first of the segments seen for which `manifest` has another entry.
    #[must_use]
    pub fn first_foreign(&self, manifest: &Manifest) -> Option<SegmentIndex> {
        let entries = manifest.bytes.chunks_exact(manifest.entry_size);
        (0..self.len())
            .map(SegmentIndex::new)
            .zip(entries)
            .find(|(segment, entry)| !self.has(*segment, entry))
            .map(|(segment, _)| segment)
    }

    /// As [`first_foreign`](Self::first_foreign), or the first segment that only one of the two has.
    #[must_use]
    pub fn first_difference(&self, manifest: &Manifest) -> Option<SegmentIndex> {
        let (ours, theirs) = (self.len(), manifest.len());
        let unmatched = (ours != theirs).then(|| SegmentIndex::new(ours.min(theirs)));
        self.first_foreign(manifest).or(unmatched)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: u32) -> ManifestEntry {
        ManifestEntry {
            wire_size: number,
            message_tag: [number as u8; 32],
            digest: DigestValue::new(&[number as u8 + 100; 8]),
        }
    }

    fn manifest(count: u32) -> Manifest {
        let mut manifest = Manifest::new(DigestKind::Crc64Nvme);
        (0..count).for_each(|number| manifest.push(&entry(number)));
        manifest
    }

    #[test]
    fn entries_come_back_and_take_their_size_on_the_wire() {
        let three = manifest(3);
        assert_eq!(three.as_bytes().len(), 3 * 44);
        assert_eq!(three.iter().collect::<Vec<_>>(), [entry(0), entry(1), entry(2)]);
        assert_eq!(three.entry(SegmentIndex::new(2)), Some(entry(2)));
        assert_eq!(three.entry(SegmentIndex::new(3)), None);
        assert_eq!(three.entry(SegmentIndex::new(u64::MAX)), None);
        let bytes = [three.as_bytes(), &[1; 43]].concat();
        assert_eq!(Manifest::of_bytes(DigestKind::Crc64Nvme, bytes), three);
        assert_eq!(
            DigestKind::ALL.map(manifest_entry_size),
            [36, 44, 68, 100, 68],
            "docs/FORMAT.md states these sizes"
        );
    }

    #[test]
    fn the_first_difference_is_found_in_every_field() {
        let seen = |change: fn(&mut ManifestEntry)| {
            let mut seen = SeenRecords::new(DigestKind::Crc64Nvme);
            seen.push(&entry(0));
            let mut second = entry(1);
            change(&mut second);
            seen.push(&second);
            seen.first_difference(&manifest(2)).map(SegmentIndex::get)
        };
        assert_eq!(seen(|_| ()), None);
        assert_eq!(seen(|entry| entry.wire_size += 1), Some(1));
        assert_eq!(seen(|entry| entry.message_tag[31] ^= 1), Some(1));
        assert_eq!(seen(|entry| entry.digest = DigestValue::new(&[0; 8])), Some(1));
    }

    #[test]
    fn lost_records_match_any_entry_and_missing_ones_none() {
        let mut seen = SeenRecords::new(DigestKind::Crc64Nvme);
        seen.push_lost();
        seen.push(&entry(1));
        assert_eq!(seen.first_difference(&manifest(2)), None);
        assert_eq!(seen.first_difference(&manifest(3)), Some(SegmentIndex::new(2)));
        assert_eq!(seen.first_foreign(&manifest(3)), None);
        assert_eq!(seen.first_difference(&manifest(1)), Some(SegmentIndex::new(1)));
        seen.push(&entry(7));
        assert_eq!(seen.first_foreign(&manifest(3)), Some(SegmentIndex::new(2)));
    }
}
