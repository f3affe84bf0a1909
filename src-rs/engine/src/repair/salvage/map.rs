//! What a salvage tells: what came out, what is lost, where and why.

use crate::format::{ByteRange, DigestKind, SegmentIndex, WireOffset};
use crate::telemetry::StageTimes;
use std::fmt;
use std::time::Duration;

/// What became of a stream. Everything in it was authenticated, but for what it says of lost bytes and of the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DamageMap {
    /// Bytes of the source.
    pub source_size: u64,
    /// Bytes of the source that could not be read.
    pub unreadable: u64,
    /// The stream's id.
    pub stream_id: [u8; 32],
    /// The header that served.
    pub header: HeaderPlace,
    /// What was found of the stream's end.
    pub end: EndState,
    /// Content bytes in a full frame.
    pub frame_size: u32,
    /// Plaintext bytes in a full segment.
    pub segment_size: u32,
    /// The digest behind each record.
    pub digest: DigestKind,
    /// Plaintext bytes of the stream, where header, end or final segment tell.
    pub plaintext_size: Option<u64>,
    /// Segments of the stream; where its size is not known, up to the highest one that was found.
    pub segments: u64,
    /// Whether all, some or none of the plaintext came out.
    pub outcome: Outcome,
    /// What came out.
    pub recovered: Recovered,
    /// Bytes of the output.
    pub output_size: u64,
    /// Plaintext bytes that are lost, as far as the stream's size is known.
    pub lost_bytes: u64,
    /// What is lost, in the plaintext's order.
    pub lost: Vec<LostRange>,
    /// There were more than 100,000 lost ranges: the last one spans all further ones and what came out between them.
    pub lost_is_merged: bool,
    /// Segments of which several sealings were found, or another one than the end names; 10,000 at most.
    pub conflicts: Vec<Conflict>,
    /// Conflicts in all.
    pub conflict_count: u64,
    /// Other streams whose header stands in the source, 64 at most.
    pub other_streams: Vec<[u8; 32]>,
    /// Time in each stage, summed over the threads; looking for markers is in none of them.
    pub times: StageTimes,
    /// Time from start to end.
    pub elapsed: Duration,
}

/// Where the header that served was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderPlace {
    /// How it was found.
    pub origin: HeaderOrigin,
    /// Where it starts in the source, if it stands there and is not the copy.
    pub offset: Option<WireOffset>,
}

/// How a header was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderOrigin {
    /// At the source's start.
    Start,
    /// As the copy before a sound footer.
    Copy,
    /// The caller gave it.
    Given,
    /// By its first bytes, somewhere in the source.
    Scan,
}

/// What was found of a stream's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndState {
    /// End record and footer are sound.
    Verified,
    /// The end record or the footer is damaged.
    Damaged,
    /// The end record's checksum is right and its authentication code is not.
    Tampered,
    /// Nothing that looks like an end.
    Missing,
}

/// How much came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every byte of the plaintext. The end may be damaged all the same.
    Whole,
    /// Some of it.
    Partial,
    /// No frame verified.
    Nothing,
}

/// What came out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Plaintext bytes.
    pub bytes: u64,
    /// Frames.
    pub frames: u64,
    /// Segments of which every frame came out.
    pub segments: u64,
}

/// A part of the plaintext that is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostRange {
    /// Which bytes of the plaintext.
    pub plaintext: ByteRange,
    /// Where they stand, or should stand, in the source, as far as can be told.
    pub wire: Option<ByteRange>,
    /// The first segment that they are of.
    pub first_segment: SegmentIndex,
    /// The last segment that they are of.
    pub last_segment: SegmentIndex,
    /// Why, in a word.
    pub cause: Cause,
    /// Why, in a sentence.
    pub message: String,
}

/// Why bytes are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The bytes are not there, or can't be read.
    Missing,
    /// The bytes have changed, and the record's digest shows it.
    Rot,
    /// The record's digest is right and an authentication tag is not.
    Tampering,
    /// It can't be told.
    Unknown,
}

/// A segment of which the source holds more than one sealing, or not the right one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The segment.
    pub segment: SegmentIndex,
    /// What was done about it.
    pub kind: ConflictKind,
    /// The same in words.
    pub message: String,
}

/// Which of several sealings of a segment served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConflictKind {
    /// The one that the end names.
    Named,
    /// The one with most frames that verify, as there is no end to tell.
    MostComplete,
    /// Another than the end names, as that one gave nothing.
    NotNamed,
}

impl fmt::Display for ConflictKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Named => "it was sealed more than once; the sealing that the end names served",
            Self::MostComplete => {
                "it was sealed more than once and no end tells which is right; the most complete one served"
            }
            Self::NotNamed => {
                "nothing is left of the sealing that the end names; another one served, which may be older or newer"
            }
        })
    }
}

/// Why a range is lost, in all that is told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    NoRecord,
    PastEnd,
    Unreadable,
    Short,
    DigestDiffers,
    DigestRight,
    NoDigest,
    Merged,
}

impl Reason {
    pub(super) const fn cause(self) -> Cause {
        match self {
            Self::NoRecord | Self::PastEnd | Self::Unreadable | Self::Short => Cause::Missing,
            Self::DigestDiffers => Cause::Rot,
            Self::DigestRight => Cause::Tampering,
            Self::NoDigest | Self::Merged => Cause::Unknown,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoRecord => "no record of these bytes was found",
            Self::PastEnd => "the source ends before these bytes",
            Self::Unreadable => "the source could not be read here",
            Self::Short => "a part of the record is not there",
            Self::DigestDiffers => "the record's digest differs: its bytes have changed",
            Self::DigestRight => {
                "the record's digest is right, but an authentication tag is not: it was changed on purpose"
            }
            Self::NoDigest => {
                "these bytes do not verify, and the stream has no digests that could tell rot from tampering"
            }
            Self::Merged => "several lost ranges and what came out between them",
        })
    }
}

/// Collects lost ranges in order; ranges that touch and have one reason are one.
#[derive(Default)]
pub(super) struct LostRanges {
    ranges: Vec<(LostRange, Reason)>,
    pub(super) bytes: u64,
    pub(super) is_merged: bool,
}

impl LostRanges {
    pub(super) fn add(
        &mut self,
        plaintext: ByteRange,
        wire: Option<ByteRange>,
        segments: (u64, u64),
        reason: Reason,
    ) {
        self.bytes = self.bytes.saturating_add(plaintext.size());
        let (first_segment, last_segment) = (SegmentIndex::new(segments.0), SegmentIndex::new(segments.1));
        let is_full = self.ranges.len() == MAX_RANGES;
        if let Some((last, its_reason)) = self.ranges.last_mut() {
            let touches = last.plaintext.end == plaintext.start && *its_reason == reason;
            if touches || is_full {
                last.plaintext.end = plaintext.end;
                last.last_segment = last_segment;
                last.wire = last.wire.zip(wire).map(|(a, b)| ByteRange {
                    start: a.start.min(b.start),
                    end: a.end.max(b.end),
                });
                if !touches {
                    *its_reason = Reason::Merged;
                    self.is_merged = true;
                }
                return;
            }
        }
        let range = LostRange {
            plaintext,
            wire,
            first_segment,
            last_segment,
            cause: reason.cause(),
            message: String::new(),
        };
        self.ranges.push((range, reason));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    pub(super) fn finish(self) -> Vec<LostRange> {
        self.ranges
            .into_iter()
            .map(|(range, reason)| LostRange {
                cause: reason.cause(),
                message: reason.to_string(),
                ..range
            })
            .collect()
    }
}

/// Lost ranges that a map has at most.
const MAX_RANGES: usize = 100_000;
/// Conflicts that a map has at most.
pub(super) const MAX_CONFLICTS: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_touch_are_one_only_for_one_reason() {
        let mut lost = LostRanges::default();
        for (start, reason) in [
            (0, Reason::NoRecord),
            (10, Reason::NoRecord),
            (20, Reason::DigestDiffers),
            (40, Reason::DigestDiffers),
        ] {
            let range = ByteRange::at(start, 10);
            lost.add(range, Some(range), (start / 10, start / 10), reason);
        }
        let ranges = lost.finish();
        let seen: Vec<_> = ranges
            .iter()
            .map(|range| (range.plaintext.start, range.plaintext.end, range.cause))
            .collect();
        assert_eq!(
            seen,
            [
                (0, 20, Cause::Missing),
                (20, 30, Cause::Rot),
                (40, 50, Cause::Rot)
            ]
        );
        assert_eq!(ranges[0].last_segment, SegmentIndex::new(1));
    }

    #[test]
    fn more_ranges_than_fit_are_told_as_one() {
        let mut lost = LostRanges::default();
        for at in 0..MAX_RANGES as u64 + 10 {
            lost.add(ByteRange::at(at * 2, 1), None, (at, at), Reason::DigestDiffers);
        }
        assert_eq!(lost.bytes, MAX_RANGES as u64 + 10);
        assert!(lost.is_merged);
        let ranges = lost.finish();
        assert_eq!(ranges.len(), MAX_RANGES);
        let last = ranges.last().unwrap();
        assert_eq!(last.cause, Cause::Unknown);
        assert_eq!(last.plaintext.end, (MAX_RANGES as u64 + 9) * 2 + 1);
    }
}
