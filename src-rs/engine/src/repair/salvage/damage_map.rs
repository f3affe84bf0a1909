//! The result of a salvage: what was recovered, and what is lost, where and why.

use crate::error::SealError;
use crate::format::{ByteRange, DigestKind, SegmentIndex, WireOffset};
use crate::keys::SenderStatus;
use crate::telemetry::StageTimes;
use std::fmt;
use std::time::Duration;

/// The result of a salvage. Everything in it is authenticated, except what it says about lost bytes and the trailer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DamageMap {
    /// Bytes of the source.
    pub source_size: u64,
    /// Bytes of the source that could not be read.
    pub unreadable: u64,
    /// The stream's id.
    pub stream_id: [u8; 32],
    /// Where the header was found.
    pub header: HeaderLocation,
    /// The state of end record and footer.
    pub end: TrailerState,
    /// Who signed the end record, and whether that is verified; `None` if it is lost or has no signature. It does not prove what was
    /// recovered: frames are recovered without hashing their whole records.
    pub sender: Option<SenderStatus>,
    /// Content bytes in a full frame.
    pub frame_size: u32,
    /// Plaintext bytes in a full segment.
    pub segment_size: u32,
    /// The digest at the end of each record.
    pub digest: DigestKind,
    /// Plaintext bytes of the stream, if the header, the end record or the final segment states them.
    pub plaintext_size: Option<u64>,
    /// Segments of the stream. If its size is not known: up to the highest one that was found.
    pub segments: u64,
    /// Whether all, some or none of the plaintext was recovered.
    pub outcome: Outcome,
    /// Counts of what was recovered.
    pub recovered: Recovered,
    /// Bytes of the output.
    pub output_size: u64,
    /// What is lost, as far as the stream's size is known.
    pub lost: LostRanges,
    /// Segments with more than one sealing, or with a sealing that the end record does not name; at most 10,000.
    pub conflicts: Vec<Conflict>,
    /// The number of all conflicts.
    pub conflict_count: u64,
    /// Ids of other streams whose header was found in the source, at most 64.
    pub other_streams: Vec<[u8; 32]>,
    /// Number of threads that processed segments.
    pub threads: usize,
    /// Time in each stage, summed over the threads. The search for markers is not included.
    pub times: StageTimes,
    /// Time from start to end.
    pub elapsed: Duration,
}

impl DamageMap {
    /// The failure of a salvage that recovered nothing.
    #[must_use]
    pub fn failure(&self) -> Option<SealError> {
        (self.outcome == Outcome::Nothing).then_some(SealError::NothingRecovered)
    }
}

/// Where the header was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderLocation {
    /// How it was found.
    pub origin: HeaderOrigin,
    /// Its offset in the source. `None` for a given header and for the copy before a sound footer.
    pub offset: Option<WireOffset>,
}

/// How a header was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderOrigin {
    /// At the source's start.
    Start,
    /// The copy before a sound footer.
    Copy,
    /// The caller gave it.
    Given,
    /// Found by its magic bytes anywhere in the source.
    Scan,
}

/// The state of end record and footer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrailerState {
    /// Both are sound, and the end record is authentic.
    Verified,
    /// The end record or the footer is damaged.
    Damaged,
    /// The end record's checksum is right but its MAC is not.
    Tampered,
    /// Nothing like an end record or footer was found.
    Missing,
}

/// How much was recovered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every byte of the plaintext. The trailer may still be damaged.
    Whole,
    /// Some of it.
    Partial,
    /// No frame verified.
    Nothing,
}

/// Counts of what was recovered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Plaintext bytes.
    pub bytes: u64,
    /// Frames.
    pub frames: u64,
    /// Segments with all their frames.
    pub segments: u64,
}

/// A lost range of the plaintext.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostRange {
    /// The range in the plaintext.
    pub plaintext: ByteRange,
    /// Its actual or expected range in the source, if known.
    pub sealed: Option<ByteRange>,
    /// The first segment with lost bytes.
    pub segment: SegmentIndex,
    /// The number of segments with lost bytes.
    pub segment_count: u64,
    /// Why it is lost.
    pub reason: LossReason,
}

/// The kind of damage by which bytes are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossCause {
    /// The bytes are missing or can't be read.
    Missing,
    /// The bytes have changed, and the record's digest differs.
    Rot,
    /// The record's digest is right but an authentication tag is not.
    Tampering,
    /// The stream has no digests that could tell rot from tampering, or the range has several causes.
    Unknown,
}

/// A segment with more than one sealing in the source, or not the right one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The segment.
    pub segment: SegmentIndex,
    /// Which sealing was used.
    pub resolution: Resolution,
}

/// Which of several sealings of a segment was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// The one that the end record names.
    Named,
    /// The one with the most frames that verify, because there is no end record.
    MostComplete,
    /// Not the one that the end record names, because no frame of that one verified.
    NotNamed,
}

impl fmt::Display for Resolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Named => "it was sealed more than once; the sealing that the end record names was used",
            Self::MostComplete => {
                "it was sealed more than once and no end record names the right sealing; the most complete one was used"
            }
            Self::NotNamed => {
                "no frame of the sealing that the end record names was recovered; another sealing was used, which may be older or newer"
            }
        })
    }
}

/// Why a range is lost. Its text is a sentence for the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossReason {
    /// No record of these bytes was found.
    NoRecord,
    /// The source ends before these bytes.
    PastEnd,
    /// The source can't be read there.
    Unreadable,
    /// A part of the record is missing.
    Short,
    /// The record's digest differs.
    DigestDiffers,
    /// The record's digest is right but a tag is not.
    DigestRight,
    /// The record does not verify, and the stream has no digests.
    NoDigest,
    /// Several ranges as one, see [`LostRanges::is_merged`].
    Merged,
}

impl LossReason {
    /// The kind of damage.
    #[must_use]
    pub const fn cause(self) -> LossCause {
        match self {
            Self::NoRecord | Self::PastEnd | Self::Unreadable | Self::Short => LossCause::Missing,
            Self::DigestDiffers => LossCause::Rot,
            Self::DigestRight => LossCause::Tampering,
            Self::NoDigest | Self::Merged => LossCause::Unknown,
        }
    }
}

impl fmt::Display for LossReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoRecord => "no record of these bytes was found",
            Self::PastEnd => "the source ends before these bytes",
            Self::Unreadable => "the source could not be read there",
            Self::Short => "a part of the record is missing",
            Self::DigestDiffers => "the record's digest differs: its bytes have changed",
            Self::DigestRight => {
                "the record's digest is right, but an authentication tag is not: it was changed on purpose"
            }
            Self::NoDigest => {
                "these bytes do not verify, and the stream has no digests to tell rot from tampering"
            }
            Self::Merged => "several lost ranges and the recovered bytes between them",
        })
    }
}

/// The lost ranges, in the plaintext's order. Adjacent ranges with the same reason are one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LostRanges {
    /// The ranges, at most 100,000.
    pub ranges: Vec<LostRange>,
    /// Plaintext bytes that are lost.
    pub bytes: u64,
    /// There were more ranges: the last one spans all further ones and the recovered bytes between them.
    pub is_merged: bool,
}

impl LostRanges {
    pub(super) fn add(&mut self, lost: LostRange) {
        self.bytes = self.bytes.saturating_add(lost.plaintext.size());
        let is_full = self.ranges.len() == MAX_RANGES;
        let Some(last) = self.ranges.last_mut() else {
            return self.ranges.push(lost);
        };
        let is_adjacent = last.plaintext.end == lost.plaintext.start && last.reason == lost.reason;
        if !is_adjacent && !is_full {
            return self.ranges.push(lost);
        }
        last.plaintext.end = lost.plaintext.end;
        let end = lost.segment.get().saturating_add(lost.segment_count);
        last.segment_count = end.saturating_sub(last.segment.get());
        last.sealed = last.sealed.zip(lost.sealed).map(|(a, b)| ByteRange {
            start: a.start.min(b.start),
            end: a.end.max(b.end),
        });
        if !is_adjacent {
            last.reason = LossReason::Merged;
            self.is_merged = true;
        }
    }
}

/// The most lost ranges in a map.
const MAX_RANGES: usize = 100_000;
/// The most conflicts in a map.
pub(super) const MAX_CONFLICTS: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(start: u64, size: u64, segment: u64, reason: LossReason) -> LostRange {
        LostRange {
            plaintext: ByteRange::at(start, size),
            sealed: None,
            segment: SegmentIndex::new(segment),
            segment_count: 1,
            reason,
        }
    }

    #[test]
    fn adjacent_ranges_with_the_same_reason_are_one() {
        let mut ranges = LostRanges::default();
        for (start, reason) in [
            (0, LossReason::NoRecord),
            (10, LossReason::NoRecord),
            (20, LossReason::DigestDiffers),
            (40, LossReason::DigestDiffers),
        ] {
            ranges.add(lost(start, 10, start / 10, reason));
        }
        let seen: Vec<_> = ranges
            .ranges
            .iter()
            .map(|range| (range.plaintext.start, range.plaintext.end, range.reason.cause()))
            .collect();
        assert_eq!(
            seen,
            [
                (0, 20, LossCause::Missing),
                (20, 30, LossCause::Rot),
                (40, 50, LossCause::Rot)
            ]
        );
        assert_eq!(
            (ranges.ranges[0].segment, ranges.ranges[0].segment_count),
            (SegmentIndex::ZERO, 2)
        );
    }

    #[test]
    fn ranges_beyond_the_maximum_are_merged() {
        let mut ranges = LostRanges::default();
        for at in 0..MAX_RANGES as u64 + 10 {
            ranges.add(lost(at * 2, 1, at, LossReason::DigestDiffers));
        }
        assert_eq!(ranges.bytes, MAX_RANGES as u64 + 10);
        assert!(ranges.is_merged);
        assert_eq!(ranges.ranges.len(), MAX_RANGES);
        let last = ranges.ranges.last().unwrap();
        assert_eq!(last.reason.cause(), LossCause::Unknown);
        assert_eq!(last.plaintext.end, (MAX_RANGES as u64 + 9) * 2 + 1);
    }
}
