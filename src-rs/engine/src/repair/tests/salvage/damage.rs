//! Salvage of streams with known damage.

use super::damaged_stream::{DamagedStream, FRAME, SEGMENT, small};
use super::{SEGMENTS, SIZE, damaged, expected, lost, rewrappable, salvage_bytes, salvage_with};
use crate::error::SealError;
use crate::format::{ByteRange, DigestKind, SegmentIndex};
use crate::operation::options::{Control, HeaderLayout};
use crate::repair::salvage::{HeaderOrigin, LossCause, LostBytes, Outcome, SalvageOptions, TrailerState};
use crate::telemetry::Stage;
use crate::testing::failing_io::BadBlocks;
use crate::testing::support::{control, reading, seal};
use std::time::Duration;

#[test]
fn a_sound_stream_is_recovered_whole_on_any_number_of_threads() {
    for threads in [1, 2, 4] {
        for is_sized in [true, false] {
            let damaged = rewrappable(is_sized);
            let options = SalvageOptions::new(reading());
            let (output, map) = salvage_with(&&damaged.bytes[..], &options, &control(threads)).unwrap();
            assert_eq!(output, damaged.plaintext);
            assert_eq!((map.outcome, map.end), (Outcome::Whole, TrailerState::Verified));
            assert_eq!(map.recovered.bytes, SIZE as u64);
            assert_eq!(map.recovered.segments, SEGMENTS as u64);
            assert_eq!(map.header.origin, HeaderOrigin::Start);
            assert!(map.lost.ranges.is_empty() && map.conflicts.is_empty() && map.other_streams.is_empty());
            for stage in [Stage::Read, Stage::Crypto, Stage::Write] {
                assert!(map.times.of(stage) > Duration::ZERO, "{stage:?}");
            }
        }
    }
}

#[test]
fn each_kind_of_damage_has_its_cause_and_range() {
    let mut damaged = damaged();
    let (frame, tampered) = (damaged.slot(1, 2), damaged.slot(3, 0));
    damaged.flip(frame.start + 100, 0);
    damaged.flip(tampered.start + 100, 0);
    // An attacker recomputes the digest.
    let record = damaged.record(3);
    let digest_at = record.end - 8;
    let digest = crate::crypto::Crc64::of(&damaged.bytes[record.start..digest_at]).to_be_bytes();
    damaged.bytes[digest_at..record.end].copy_from_slice(&digest);
    let cut = damaged.record(5).start + 106 + 1056;
    damaged.remove(cut..damaged.bytes.len());

    let (output, map) = salvage_bytes(&damaged.bytes).unwrap();
    let at = |segment: usize, frame: usize| (segment * SEGMENT + frame * FRAME) as u64;
    assert_eq!(
        lost(&map),
        [
            (at(1, 2), at(1, 3), LossCause::Rot),
            (at(3, 0), at(3, 1), LossCause::Tampering),
            (at(5, 1), SIZE as u64, LossCause::Missing),
        ]
    );
    let sealed = |range: std::ops::Range<usize>| {
        Some(ByteRange {
            start: range.start as u64,
            end: range.end as u64,
        })
    };
    assert_eq!(map.lost.ranges[0].sealed, sealed(frame));
    assert_eq!(map.lost.ranges[1].sealed, sealed(tampered));
    assert_eq!(map.lost.ranges[2].segment, SegmentIndex::new(5));
    assert_eq!((map.end, map.outcome), (TrailerState::Missing, Outcome::Partial));
    assert_eq!(output, expected(&damaged.plaintext, &map));

    let without = DamagedStream::new(SIZE, true, DigestKind::None, HeaderLayout::COMPACT);
    let mut bytes = without.bytes.clone();
    bytes[without.slot(2, 1).start + 50] ^= 1;
    let (_, map) = salvage_bytes(&bytes).unwrap();
    assert_eq!(lost(&map), [(at(2, 1), at(2, 2), LossCause::Unknown)]);
}

#[test]
fn a_record_without_its_iv_is_rot_if_its_marker_is_left_and_missing_otherwise() {
    let mut damaged = damaged();
    let (kept, gone) = (damaged.record(1), damaged.record(4));
    damaged.flip(kept.start + 50, 1);
    damaged.fill(gone.start..gone.start + 106, || 0);
    let (_, map) = salvage_bytes(&damaged.bytes).unwrap();
    let at = |segment: usize| (segment * SEGMENT) as u64;
    assert_eq!(
        lost(&map),
        [(at(1), at(2), LossCause::Rot), (at(4), at(5), LossCause::Missing)]
    );
    for (lost, record) in map.lost.ranges.iter().zip([kept, gone]) {
        let sealed = lost.sealed.unwrap();
        assert_eq!(
            (sealed.start, sealed.end),
            (record.start as u64, record.end as u64)
        );
    }
}

#[test]
fn adjacent_lost_segments_are_one_range() {
    let mut damaged = damaged();
    let (from, to) = (damaged.record(1).start, damaged.record(3).end);
    damaged.fill(from..to, || 0);
    let (_, map) = salvage_bytes(&damaged.bytes).unwrap();
    assert_eq!(
        lost(&map),
        [(SEGMENT as u64, 4 * SEGMENT as u64, LossCause::Missing)]
    );
    assert_eq!(
        (map.lost.ranges[0].segment.get(), map.lost.ranges[0].segment_count),
        (1, 3)
    );
    assert_eq!(
        map.lost.ranges[0].sealed,
        Some(ByteRange {
            start: from as u64,
            end: to as u64
        })
    );
}

#[test]
fn omitting_lost_bytes_joins_the_recovered_frames() {
    let mut damaged = damaged();
    let slot = damaged.slot(0, 1);
    damaged.fill(slot, || 7);
    let record = damaged.record(2);
    damaged.remove(record);
    let options = SalvageOptions {
        lost: LostBytes::Skip,
        ..SalvageOptions::new(reading())
    };
    for threads in [1, 3] {
        let (output, map) = salvage_with(&&damaged.bytes[..], &options, &control(threads)).unwrap();
        let mut expected = damaged.plaintext.clone();
        expected.drain(2 * SEGMENT..3 * SEGMENT);
        expected.drain(FRAME..2 * FRAME);
        assert_eq!(output, expected);
        assert_eq!(map.output_size, expected.len() as u64);
    }
}

#[test]
fn a_stream_of_unknown_length_without_its_last_segment_is_never_whole() {
    let damaged = DamagedStream::new(SIZE, false, DigestKind::Crc64Nvme, HeaderLayout::COMPACT);
    let bytes = &damaged.bytes[..damaged.record(3).end];
    let (output, map) = salvage_bytes(bytes).unwrap();
    assert_eq!(output, damaged.plaintext[..4 * SEGMENT]);
    assert_eq!((map.plaintext_size, map.segments), (None, 4));
    assert_eq!(map.outcome, Outcome::Partial);
}

#[test]
fn bad_ranges_do_not_end_the_source() {
    let damaged = rewrappable(true);
    for threads in [1, 2] {
        // In the header and in records.
        let source = BadBlocks {
            bytes: &damaged.bytes,
            bad: vec![0..4096, 8192..16_384, 20_500..20_501],
        };
        let options = SalvageOptions::new(reading());
        let (output, map) = salvage_with(&source, &options, &control(threads)).unwrap();
        assert_eq!(output, expected(&damaged.plaintext, &map));
        assert_eq!(map.header.origin, HeaderOrigin::Copy);
        assert_eq!(map.end, TrailerState::Verified);
        assert!(
            map.lost
                .ranges
                .iter()
                .all(|lost| lost.reason.cause() == LossCause::Missing),
            "{map:?}"
        );
        for segment in 0..SEGMENTS {
            for frame in 0..damaged.frames_of(segment) {
                let slot = damaged.slot(segment, frame);
                // A byte that can't be read loses its block of 4 KiB.
                let hits = |from: usize, to: usize| {
                    [8192..16_384, 20_480..24_576]
                        .iter()
                        .any(|hole| from < hole.end && to > hole.start)
                };
                let at = (segment * SEGMENT + frame * FRAME) as u64;
                let is_lost = map
                    .lost
                    .ranges
                    .iter()
                    .any(|lost| lost.plaintext.start <= at && at < lost.plaintext.end);
                let iv = damaged.record(segment).start + 42;
                let is_hit = hits(slot.start, slot.end) || hits(iv, iv + 32);
                assert_eq!(is_lost, is_hit, "segment {segment} frame {frame}");
            }
        }
        assert_eq!(map.unreadable, 4 * 4096);
    }
}

#[test]
fn cancelling_stops_a_salvage() {
    let damaged = damaged();
    let control = Control::serial();
    control.cancel.cancel();
    let output = super::Output::default();
    let options = SalvageOptions::new(reading());
    let result = super::salvage(&&damaged.bytes[..], &&output, &options, &control);
    assert_eq!(result.unwrap_err(), SealError::Cancelled);
}

#[test]
fn an_empty_plaintext_is_whole_with_its_frame_and_nothing_without() {
    let sealed = seal(&[], &small(DigestKind::Crc64Nvme, HeaderLayout::COMPACT));
    let (output, map) = salvage_bytes(&sealed).unwrap();
    assert_eq!((output.len(), map.outcome), (0, Outcome::Whole));
    let mut broken = sealed;
    let header = crate::format::StreamHeader::parse(&broken).unwrap().size() as usize;
    broken[header + 106 + 10] ^= 1;
    let map = salvage_bytes(&broken).unwrap().1;
    assert_eq!((map.outcome, map.lost.ranges.len()), (Outcome::Nothing, 1));
}
