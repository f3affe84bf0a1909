//! Finds records whose marker or header is damaged: looks where they should be, with the header that they should have.
//!
//! A record's header follows from its index and the stream's length, and its tag stands in the manifest too. Only the IV is
//! irreplaceable.

use super::AttemptCounters;
use super::survey::Survey;
use crate::crypto::floe::IV_SIZE;
use crate::error::SealError;
use crate::format::{SEGMENT_MARKER, SegmentHeader, SegmentIndex};
use crate::operation::cancel::CancellationToken;
use crate::stream_v2::segment_worker::{FrameOpener, PREAMBLE_SIZE, RecordPreamble, iv_and_tag};
use crate::telemetry::Stage;

/// A header or a found record, from which the positions of records before and after it follow.
#[derive(Clone, Copy)]
struct Anchor {
    start: u64,
    end: u64,
    /// The segment that starts at `end`.
    next_index: u64,
}

impl Anchor {
    /// The segment that starts at `start`; `None` for a header.
    fn index(&self) -> Option<u64> {
        self.next_index.checked_sub(1)
    }
}

impl Survey<'_> {
    /// Looks at the predicted positions: forwards from each anchor to the next one, and backwards from each to the one before. Passes
    /// each byte of the source at most twice, in steps of a whole record.
    pub(super) fn visit_predicted(&mut self, cancel: &CancellationToken) -> Result<(), SealError> {
        let anchors = self.anchors();
        let full = self.geometry.full_record_size();
        let mut steps = 0_u32;
        let mut count_step = || {
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
                count_step()?;
                self.visit(at, index);
                (at, index) = (at.saturating_add(full), index.saturating_add(1));
            }
            let Some(next) = next else { break };
            // Backwards, unless the forward steps lead to the same positions and indices.
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
                count_step()?;
                self.visit(at, before);
                (end, index) = (at, before);
            }
        }
        Ok(())
    }

    /// Both possible positions of the header, and all found records, by offset.
    fn anchors(&self) -> Vec<Anchor> {
        let header_size = u64::from(self.stream.unlocked.header.size());
        let header_at = self.stream.header.offset.map_or(0, |offset| offset.get());
        let records = self.records.iter().map(|record| Anchor {
            start: record.offset,
            end: record.expected_end(&self.geometry),
            next_index: record.index().get().saturating_add(1),
        });
        // The found header may be the copy; then the header itself was at the source's start.
        let headers = [0, header_at].map(|start| Anchor {
            start,
            end: start + header_size,
            next_index: 0,
        });
        let mut anchors: Vec<_> = records.chain(headers).collect();
        anchors.sort_unstable_by_key(|anchor| (anchor.start, anchor.next_index));
        anchors.dedup_by_key(|anchor| anchor.start);
        anchors
    }

    /// Looks whether the record of segment `index` starts at `at`.
    fn visit(&mut self, at: u64, index: u64) {
        let Some(header) = self.expected_header(SegmentIndex::new(index)) else {
            return;
        };
        let Some(preamble) = self.source.read_array::<PREAMBLE_SIZE>(at) else {
            return;
        };
        if let Some(opener) = self.restore(header, &preamble) {
            self.add(at, &opener);
        } else if preamble.starts_with(&SEGMENT_MARKER) {
            self.unverified.entry(index).or_insert(at);
        }
    }

    /// The header of a segment. If the plaintext's size is not known, that of a full segment which is not the last.
    fn expected_header(&self, index: SegmentIndex) -> Option<SegmentHeader> {
        let Some(total) = self.total else {
            return Some(SegmentHeader {
                index,
                is_final: false,
                plaintext_size: self.geometry.segment_size(),
            });
        };
        let count = self.geometry.segment_count(total);
        (index.get() < count).then(|| SegmentHeader::expected(index, total, &self.geometry))
    }

    /// Tries the expected header with the IV in the source, and with the tag in the source or else in the manifest.
    fn restore(&mut self, header: SegmentHeader, preamble: &RecordPreamble) -> Option<FrameOpener> {
        let (iv, tag) = iv_and_tag(preamble);
        if let Some(opener) = self.try_header(header, &iv, &tag) {
            return Some(opener);
        }
        let named = self.named_tag(header.index)?;
        self.try_header(header, &iv, &named)
    }

    fn try_header(
        &mut self,
        header: SegmentHeader,
        iv: &[u8; IV_SIZE],
        tag: &[u8; 32],
    ) -> Option<FrameOpener> {
        AttemptCounters::add(&self.counters.tags);
        let context = self.context();
        self.times
            .time(Stage::Crypto, || FrameOpener::restore(context, header, iv, tag))
    }
}

/// Steps between two checks for cancellation.
const CHECK_EVERY: u32 = 256;
