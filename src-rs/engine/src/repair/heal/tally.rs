//! Sums over the segments that were healed. Threads add them in any order; the sums follow the stream's order.

use super::report::HealedRun;
use super::segments::{HealedSegment, SegmentOrigin};
use crate::crypto::Crc64Joiner;
use crate::error::SealError;
use crate::format::SegmentIndex;
use std::collections::BTreeMap;

/// Sums of one operation.
pub(super) struct HealTally {
    next: u64,
    /// Segments that were added before one in front of them.
    ahead: BTreeMap<u64, HealedSegment>,
    output_crc: Crc64Joiner,
    /// Whole segments taken from each copy.
    pub(super) from: Vec<u64>,
    /// Segments that were not taken from the damaged copy.
    pub(super) runs: Vec<HealedRun>,
    /// The first segment that no copy has, and the number of these.
    lost: Option<(SegmentIndex, u64)>,
}

impl HealTally {
    /// Sums for an output that begins with a header with this CRC and size.
    pub(super) fn new(copies: usize, header_crc: u64, header_size: u64) -> Self {
        let mut output_crc = Crc64Joiner::default();
        output_crc.append(header_crc, header_size);
        Self {
            next: 0,
            ahead: BTreeMap::new(),
            output_crc,
            from: vec![0; copies],
            runs: Vec::new(),
            lost: None,
        }
    }

    /// Adds a segment.
    pub(super) fn add(&mut self, index: SegmentIndex, healed: HealedSegment) {
        self.ahead.insert(index.get(), healed);
        while let Some(healed) = self.ahead.remove(&self.next) {
            self.append(SegmentIndex::new(self.next), healed);
            self.next += 1;
        }
    }

    fn append(&mut self, segment: SegmentIndex, healed: HealedSegment) {
        self.output_crc.append(healed.crc64, healed.size);
        let replica = match healed.origin {
            SegmentOrigin::Copy(number) => {
                self.from
                    .iter_mut()
                    .skip(number)
                    .take(1)
                    .for_each(|count| *count += 1);
                match number.checked_sub(1) {
                    None => return,
                    replica => replica,
                }
            }
            SegmentOrigin::Combined => None,
            SegmentOrigin::Lost => {
                let (_, count) = self.lost.get_or_insert((segment, 0));
                *count += 1;
                return;
            }
        };
        match self.runs.last_mut() {
            Some(run) if run.replica == replica && run.segment.get() + run.segment_count == segment.get() => {
                run.segment_count += 1;
            }
            _ => self.runs.push(HealedRun {
                segment,
                segment_count: 1,
                replica,
            }),
        }
    }

    /// Fails if no copy has some segment.
    pub(super) fn check_all_healed(&self) -> Result<(), SealError> {
        self.lost.map_or(Ok(()), |(segment, segments)| {
            Err(SealError::NotHealed { segments, segment })
        })
    }

    /// The CRC of the output so far, to which the end is appended.
    pub(super) const fn output_crc(&self) -> Crc64Joiner {
        self.output_crc
    }
}
