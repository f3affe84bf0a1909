//! Records whose marker or header was hit: looked for where they should be, with the header that they should have.
//!
//! A record's header follows from its index and the stream's length, and its tag stands in the manifest too. Only the IV
//! can't be replaced.

use super::Work;
use super::landmarks::Survey;
use crate::error::SealError;
use crate::format::{Geometry, SEGMENT_MARKER, SegmentHeader, SegmentIndex};
use crate::operation::cancel::CancellationToken;
use crate::stream_v2::segment_worker::{FrameOpener, PREAMBLE_SIZE, RecordPreamble, iv_and_tag};
use crate::telemetry::Stage;

/// Something whose place is known, from which others follow.
#[derive(Clone, Copy)]
struct Anchor {
    start: u64,
    end: u64,
    /// The segment that starts at `end`.
    next_index: u64,
}

impl Anchor {
    /// The segment that starts at `start`; none for a header.
    fn index(&self) -> Option<u64> {
        self.next_index.checked_sub(1)
    }
}

impl Survey<'_> {
    /// Looks at the places that follow from those that were found: forwards from each up to the next, and backwards from
    /// each down to the one before. Every byte of the source is passed at most twice, in steps of a whole record.
    pub(super) fn add_expected(&mut self, cancel: &CancellationToken) -> Result<(), SealError> {
        let geometry = self.geometry();
        let total = self.total();
        let anchors = self.anchors();
        let full = geometry.full_record_size();
        let mut steps = 0_u32;
        let mut proceed = || {
            steps = steps.wrapping_add(1);
            if steps.is_multiple_of(CHECK_EVERY) {
                cancel.check()?;
            }
            Ok::<_, SealError>(())
        };
        for (position, anchor) in anchors.iter().enumerate() {
            let next = anchors.get(position + 1);
            let limit = next.map_or(self.source.size(), |next| next.start);
            let (mut at, mut index) = (anchor.end, anchor.next_index);
            while at.saturating_add(PREAMBLE_SIZE as u64) <= limit {
                proceed()?;
                self.look(at, index, total);
                (at, index) = (at.saturating_add(full), index.saturating_add(1));
            }
            let Some(next) = next else { break };
            // Segments in front of the next anchor, if they do not stand where the walk from behind has looked.
            let aligned = next.start >= anchor.end && (next.start - anchor.end).is_multiple_of(full);
            let same = aligned
                && next.index() == Some(anchor.next_index.saturating_add((next.start - anchor.end) / full));
            let Some(index) = next.index().filter(|_| !same) else {
                continue;
            };
            let (mut end, mut index) = (next.start, index);
            while let (Some(at), Some(before)) = (end.checked_sub(full), index.checked_sub(1)) {
                if at < anchor.start + PREAMBLE_SIZE as u64 {
                    break;
                }
                proceed()?;
                self.look(at, before, total);
                (end, index) = (at, before);
            }
        }
        Ok(())
    }

    /// Both places where the header can have been, and all found records, by offset.
    fn anchors(&self) -> Vec<Anchor> {
        let geometry = self.geometry();
        let header_size = u64::from(self.stream.incoming.header.size());
        let header_at = self.stream.place.offset.map_or(0, |offset| offset.get());
        let mut anchors: Vec<_> = self
            .places
            .iter()
            .map(|place| Anchor {
                start: place.offset,
                end: place.due_end(&geometry),
                next_index: place.index().get().saturating_add(1),
            })
            .collect();
        // What was found may be the header's copy: a stream's own place is the source's start.
        anchors.extend([0, header_at].map(|start| Anchor {
            start,
            end: start + header_size,
            next_index: 0,
        }));
        anchors.sort_unstable_by_key(|anchor| (anchor.start, anchor.next_index));
        anchors.dedup_by_key(|anchor| anchor.start);
        anchors
    }

    /// Looks whether the record of segment `index` starts at `at`.
    fn look(&mut self, at: u64, index: u64, total: Option<u64>) {
        let geometry = self.geometry();
        let Some(header) = due_header(index, total, &geometry) else {
            return;
        };
        let Some(preamble) = self.source.read_array::<PREAMBLE_SIZE>(at) else {
            return;
        };
        if let Some(opener) = self.restore(header, &preamble) {
            self.add(at, &opener);
        } else if preamble.starts_with(&SEGMENT_MARKER) {
            self.broken.entry(index).or_insert(at);
        }
    }

    fn restore(&mut self, header: SegmentHeader, preamble: &RecordPreamble) -> Option<FrameOpener> {
        let (iv, tag) = iv_and_tag(preamble);
        Work::add(&self.work.tags);
        let stated = self.times.time(Stage::Crypto, || {
            FrameOpener::restore(self.context, header, &iv, &tag)
        });
        if stated.is_some() {
            return stated;
        }
        let named = self.named_tag(header.index)?;
        Work::add(&self.work.tags);
        self.times.time(Stage::Crypto, || {
            FrameOpener::restore(self.context, header, &iv, &named)
        })
    }
}

/// The header of a segment; without the stream's length only a full one that isn't the last can be told.
fn due_header(index: u64, total: Option<u64>, geometry: &Geometry) -> Option<SegmentHeader> {
    let index = SegmentIndex::new(index);
    let Some(total) = total else {
        return Some(SegmentHeader {
            index,
            is_final: false,
            plaintext_size: geometry.segment_size(),
        });
    };
    let count = geometry.segment_count(total);
    (index.get() < count).then(|| SegmentHeader::due(index, total, geometry))
}

/// Steps between two looks at the token.
const CHECK_EVERY: u32 = 256;
