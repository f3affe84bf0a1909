//! A sealed stream to damage, with a model of which parts are left.

use crate::format::{DigestKind, FLOE_HEADER_SIZE, Geometry, SEGMENT_HEADER_SIZE, StreamHeader};
use crate::operation::options::{EncryptOptions, HeaderLayout};
use crate::testing::support::{options, pick, plaintext, seal, seal_unsized};
use std::ops::Range;

pub(crate) const FRAME: usize = 1024;
pub(crate) const SEGMENT: usize = 4 * FRAME;
const SLOT: usize = FRAME + 32;
const PREAMBLE: usize = SEGMENT_HEADER_SIZE + FLOE_HEADER_SIZE;

pub(crate) fn small(digest: DigestKind, header: HeaderLayout) -> EncryptOptions<'static> {
    EncryptOptions {
        segment_size: Some(SEGMENT as u32),
        ..options(digest, header)
    }
}

pub(crate) struct DamagedStream {
    pub(crate) plaintext: Vec<u8>,
    pub(crate) sealed: Vec<u8>,
    pub(crate) is_sized: bool,
    pub(crate) digest: DigestKind,
    pub(crate) header: StreamHeader,
    pub(crate) bytes: Vec<u8>,
    /// Bytes were inserted or removed before the end.
    pub(crate) is_shifted: bool,
}

impl DamagedStream {
    pub(crate) fn new(size: usize, is_sized: bool, digest: DigestKind, layout: HeaderLayout) -> Self {
        let plaintext = plaintext(size as u64);
        let options = small(digest, layout);
        let sealed = if is_sized {
            seal(&plaintext, &options)
        } else {
            seal_unsized(&plaintext, &options)
        };
        Self {
            plaintext,
            is_sized,
            digest,
            header: StreamHeader::parse(&sealed).unwrap(),
            bytes: sealed.clone(),
            sealed,
            is_shifted: false,
        }
    }

    fn geometry(&self) -> Geometry {
        Geometry::new(FRAME as u32, SEGMENT as u32, self.digest).unwrap()
    }

    pub(crate) fn segments(&self) -> usize {
        self.geometry().segment_count(self.plaintext.len() as u64) as usize
    }

    /// Plaintext bytes of a segment.
    pub(crate) fn size_of(&self, segment: usize) -> usize {
        (self.plaintext.len() - segment * SEGMENT).min(SEGMENT)
    }

    pub(crate) fn frames_of(&self, segment: usize) -> usize {
        self.size_of(segment).div_ceil(FRAME).max(1)
    }

    /// A record in the sealed stream.
    pub(crate) fn record(&self, segment: usize) -> Range<usize> {
        let geometry = self.geometry();
        let start = self.header.bytes.len() + segment * geometry.full_record_size() as usize;
        start..start + geometry.record_size(self.size_of(segment) as u32) as usize
    }

    /// A frame's slot in the sealed stream.
    pub(crate) fn slot(&self, segment: usize, frame: usize) -> Range<usize> {
        let start = self.record(segment).start + PREAMBLE + frame * SLOT;
        let content = (self.size_of(segment) - frame * FRAME).min(FRAME);
        start..start + content + 32
    }

    fn entry_size(&self) -> usize {
        36 + self.geometry().digest().size()
    }

    /// The end record in the sealed stream.
    pub(crate) fn end(&self) -> Range<usize> {
        let start = self.record(self.segments() - 1).end;
        start..start + 80 + self.entry_size() * self.segments()
    }

    pub(crate) fn flip(&mut self, at: usize, bit: usize) {
        self.bytes[at] ^= 1 << (bit % 8);
    }

    pub(crate) fn fill(&mut self, range: Range<usize>, mut byte: impl FnMut() -> u8) {
        for at in range {
            self.bytes[at] = byte();
        }
    }

    pub(crate) fn remove(&mut self, range: Range<usize>) {
        self.is_shifted |= range.end < self.bytes.len();
        self.bytes.drain(range);
    }

    /// Inserts a copy of `range` at `at`.
    pub(crate) fn insert(&mut self, range: Range<usize>, at: usize) {
        self.is_shifted |= at < self.bytes.len();
        let bytes = self.bytes[range].to_vec();
        self.bytes.splice(at..at, bytes);
    }

    /// Overwrites the bytes at `at` with a copy of `range`.
    pub(crate) fn overwrite(&mut self, range: Range<usize>, at: usize) {
        self.bytes.copy_within(range, at);
    }

    pub(crate) fn garbage(&mut self, at: usize, count: usize, seed: &mut u64) {
        self.is_shifted |= at < self.bytes.len();
        let garbage: Vec<u8> = (0..count).map(|_| pick(seed, 256) as u8).collect();
        self.bytes.splice(at..at, garbage);
    }

    /// Offsets of the undamaged bytes of `range` in the damaged stream.
    pub(crate) fn find(&self, range: Range<usize>) -> Vec<usize> {
        memchr::memmem::find_iter(&self.bytes, &self.sealed[range]).collect()
    }

    pub(crate) fn has(&self, range: Range<usize>) -> bool {
        !self.find(range).is_empty()
    }

    /// Whether the header or its copy is left.
    pub(crate) fn has_header(&self) -> bool {
        let size = self.header.bytes.len();
        let copy = self.end().end;
        self.has(0..size) || (self.header.core.header_copy && self.has(copy..copy + size))
    }

    /// Whether the frame can be recovered: its record's IV and all but its length field are left.
    pub(crate) fn possible(&self, segment: usize, frame: usize) -> bool {
        let (record, slot) = (self.record(segment).start, self.slot(segment, frame));
        self.has(record + 42..record + 74) && self.has(slot.start + 4..slot.end)
    }

    /// Whether the frame must be recovered.
    pub(crate) fn certain(&self, segment: usize, frame: usize) -> bool {
        if self.is_shifted {
            self.certain_in_place(segment, frame) || self.certain_when_moved(segment, frame)
        } else {
            self.certain_in_place(segment, frame)
        }
    }

    /// Nothing was displaced: the record is found at its position even without its header, and the frame is in its slot.
    fn certain_in_place(&self, segment: usize, frame: usize) -> bool {
        let (record, slot) = (self.record(segment).start, self.slot(segment, frame));
        let has_end = self.has(self.end());
        let is_last = segment + 1 == self.segments();
        let has_total = self.is_sized || has_end || self.has(self.final_preamble());
        let end = self.end().start;
        let entry = end + 28 + self.entry_size() * segment;
        let has_tag = self.keeps(record + 74..record + PREAMBLE)
            || (self.keeps(end..end + 28)
                && self.keeps(entry + 4..entry + 36)
                && self.bytes.len() >= self.end().end);
        let expected = has_total || (!is_last && self.has(record..record + PREAMBLE));
        !self.is_shifted
            && expected
            && self.keeps(record + 42..record + 74)
            && has_tag
            && self.keeps(slot.start + 4..slot.end)
    }

    /// Whether these bytes are unchanged in their place.
    fn keeps(&self, range: Range<usize>) -> bool {
        self.bytes.get(range.clone()) == self.sealed.get(range)
    }

    fn final_preamble(&self) -> Range<usize> {
        let start = self.record(self.segments() - 1).start;
        start..start + PREAMBLE
    }

    /// The record is found by its marker, and the frame is between it and the next one.
    fn certain_when_moved(&self, segment: usize, frame: usize) -> bool {
        let record = self.record(segment);
        let slot = self.slot(segment, frame);
        let mut others: Vec<_> = (0..self.segments())
            .flat_map(|other| {
                let start = self.record(other).start;
                self.find(start..start + PREAMBLE)
            })
            .chain(self.find(self.end()))
            .collect();
        others.sort_unstable();
        let frames = self.find(slot.clone());
        self.find(record.start..record.start + PREAMBLE)
            .iter()
            .any(|&place| {
                let next = others.iter().find(|&&other| other > place);
                let next = next
                    .copied()
                    .unwrap_or(self.bytes.len())
                    .min(place + 2 * record.len());
                let own = place + (slot.start - record.start);
                frames
                    .iter()
                    .any(|&at| at == own || (at > place && at + slot.len() <= next))
            })
    }
}
