//! Which copy each segment is taken from.

use super::{Copy, failure, heal_with, healed, stream};
use crate::crypto::Random;
use crate::error::SealError;
use crate::format::{DigestKind, SegmentIndex};
use crate::operation::options::HeaderLayout;
use crate::repair::heal::HealedRun;
use crate::stream_v2::core::encrypt_with;
use crate::stream_v2::io::{InputSource, OutputSink};
use crate::testing::stream_parts::StreamParts;
use crate::testing::support::{FRAME, SEGMENT, compact, control, options, plaintext};

fn run(segment: u64, segment_count: u64, replica: Option<usize>) -> HealedRun {
    HealedRun {
        segment: SegmentIndex::new(segment),
        segment_count,
        replica,
    }
}

#[test]
fn each_segment_is_read_from_the_first_copy_that_has_it() {
    let (whole, parts) = stream(6 * SEGMENT, &compact());
    let in_record = |segment: usize| {
        let start = parts.records[segment].start;
        start + 500..start + 501
    };
    let copies = [
        Copy::of(&whole)
            .hurt(in_record(1))
            .hurt(in_record(2))
            .hurt(in_record(4)),
        Copy::of(&whole).hurt(in_record(4)).hurt(in_record(5)),
        Copy::of(&whole),
    ];
    let report = healed(&copies, &whole);
    assert_eq!(report.healed, [run(1, 2, Some(0)), run(4, 1, Some(1))]);
    let segments: Vec<_> = report.copies.iter().map(|copy| copy.segments).collect();
    assert_eq!(segments, [3, 2, 1]);
    for (segment, record) in parts.records.iter().enumerate() {
        assert_eq!(
            copies[1].was_read(record),
            [1, 2, 4].contains(&segment),
            "segment {segment}"
        );
        assert_eq!(copies[2].was_read(record), segment == 4, "segment {segment}");
    }
}

#[test]
fn with_an_undamaged_copy_no_segment_of_a_replica_is_read() {
    for size in [0, 1, FRAME, SEGMENT - 1, SEGMENT, SEGMENT + 1, 5 * SEGMENT] {
        let (whole, parts) = stream(size, &compact());
        let copies = [Copy::of(&whole), Copy::of(&whole)];
        let report = healed(&copies, &whole);
        assert!(report.healed.is_empty());
        assert!(!parts.records.iter().any(|record| copies[1].was_read(record)));
    }
}

#[test]
fn a_segment_damaged_in_two_copies_is_combined() {
    for digest in &DigestKind::ALL[1..] {
        let (whole, parts) = stream(3 * SEGMENT, &options(*digest, HeaderLayout::COMPACT));
        let start = parts.records[1].start;
        let (first, second) = (start + 200..start + 900, start + 1300..start + 2000);
        let flips = [
            Copy::of(&whole).hurt(first.clone()),
            Copy::of(&whole).hurt(second.clone()),
        ];
        let holes = [
            Copy::of(&whole)
                .unreadable(first.clone())
                .hurt(parts.records[0].clone()),
            Copy::of(&whole).hurt(second.clone()),
        ];
        let zeros = {
            let mut copies = [Copy::of(&whole), Copy::of(&whole)];
            copies[0].bytes[first.clone()].fill(0);
            copies[1].bytes[second.clone()].fill(0);
            copies
        };
        assert_eq!(healed(&flips, &whole).healed, [run(1, 1, None)]);
        assert_eq!(healed(&zeros, &whole).healed, [run(1, 1, None)]);
        // The whole record lies in one block that can't be read, so only the other copy has it.
        assert_eq!(heal_with(&holes, &control(1)).1.unwrap_err().code(), "NOT_HEALED");
    }
}

#[test]
fn unreadable_blocks_are_taken_from_a_copy_that_is_damaged_elsewhere() {
    let options = crate::operation::options::EncryptOptions {
        segment_size: Some(64 * FRAME as u32),
        ..compact()
    };
    let (whole, parts) = stream(100 * FRAME, &options);
    let start = parts.records[0].start;
    let copies = [
        Copy::of(&whole).unreadable(start + 9000..start + 9001),
        Copy::of(&whole).hurt(start + 40_000..start + 40_100),
        Copy::of(&whole).cut(start + 5000),
    ];
    assert_eq!(
        healed(&copies, &whole).healed,
        [run(0, 1, None), run(1, 1, None)][..1]
    );
}

#[test]
fn a_segment_header_and_tag_that_every_copy_lost_are_restored() {
    let (whole, parts) = stream(2 * SEGMENT, &compact());
    let start = parts.records[1].start;
    let copies = [
        Copy::of(&whole).hurt(start..start + 32),
        Copy::of(&whole)
            .hurt(start + 10..start + 20)
            .hurt(start + 80..start + 90),
    ];
    assert_eq!(healed(&copies, &whole).healed, [run(1, 1, None)]);
}

#[test]
fn three_copies_with_much_damage_are_healed_by_majority() {
    let (whole, parts) = stream(SEGMENT, &compact());
    let start = parts.records[0].start;
    let hurt = |number: usize| {
        let spots = (0..15).map(|spot| start + 120 + 120 * spot + 40 * number);
        spots.fold(Copy::of(&whole), |copy, at| copy.hurt(at..at + 3))
    };
    assert_eq!(
        healed(&[hurt(0), hurt(1), hurt(2)], &whole).healed,
        [run(0, 1, None)]
    );
    assert_eq!(failure(&[hurt(0), hurt(1)]).code(), "NOT_HEALED");
}

#[test]
fn lost_segments_are_counted_and_the_first_is_named() {
    let (whole, parts) = stream(9 * SEGMENT, &compact());
    let hurt = |segments: &[usize]| {
        let ranges = segments.iter().map(|&segment| parts.records[segment].start + 500);
        ranges.fold(Copy::of(&whole), |copy, at| copy.hurt(at..at + 9))
    };
    for threads in [1, 4] {
        let copies = [hurt(&[1, 3, 4, 7]), hurt(&[2, 3, 7, 8])];
        let lost = SealError::NotHealed {
            segments: 2,
            segment: SegmentIndex::new(3),
        };
        assert_eq!(heal_with(&copies, &control(threads)).1.unwrap_err(), lost);
    }
}

#[test]
fn another_sealing_of_a_segment_is_not_taken() {
    let (whole, parts) = stream(3 * SEGMENT, &compact());
    let content = &plaintext(3 * SEGMENT)[SEGMENT as usize..2 * SEGMENT as usize];
    let other = StreamParts::changed(&whole, |parts| {
        parts.records[1] = parts.sealed_again(1, content, false)
    });
    let at = parts.records[1].start + 700;
    let damaged = || Copy::of(&whole).hurt(at..at + 5);
    assert_eq!(failure(&[damaged(), Copy::of(&other)]).code(), "NOT_HEALED");
    let copies = [damaged(), Copy::of(&other), Copy::of(&whole)];
    assert_eq!(healed(&copies, &whole).healed, [run(1, 1, Some(1))]);
    // Nor does it prevent combining the right one.
    let copies = [
        damaged(),
        Copy::of(&other),
        Copy::of(&whole).hurt(at + 100..at + 110),
    ];
    assert_eq!(healed(&copies, &whole).healed, [run(1, 1, None)]);
    // Another sealing in the damaged copy is replaced.
    assert_eq!(
        healed(&[Copy::of(&other), Copy::of(&whole)], &whole).healed,
        [run(1, 1, Some(0))]
    );
}

#[test]
fn an_undamaged_record_of_another_index_does_not_prevent_combining() {
    let (whole, parts) = stream(3 * SEGMENT, &compact());
    let mut swapped = whole.clone();
    swapped[parts.records[0].clone()].copy_from_slice(&whole[parts.records[1].clone()]);
    swapped[parts.records[1].clone()].copy_from_slice(&whole[parts.records[0].clone()]);
    let at = parts.records[0].start + 700;
    let damaged = |at: usize| Copy::of(&whole).hurt(at..at + 5);
    for copies in [
        [damaged(at), damaged(at + 100), Copy::of(&swapped)],
        [damaged(at), Copy::of(&swapped), damaged(at + 100)],
    ] {
        assert_eq!(healed(&copies, &whole).healed, [run(0, 1, None)]);
    }
}

#[test]
fn a_copy_of_another_stream_is_refused_by_number() {
    let (whole, _) = stream(SEGMENT, &compact());
    let mut other = vec![0; whole.len()];
    let (from, to) = (
        InputSource::memory(&[7; SEGMENT as usize]),
        OutputSink::Memory(&mut other),
    );
    encrypt_with(&Random::system(), from, to, &compact(), &control(1)).unwrap();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let foreign = SealError::ForeignReplica {
        replica: 1,
        expected: hex(&whole[32..64]),
        actual: hex(&other[32..64]),
    };
    let copies = [Copy::of(&whole), Copy::of(&whole), Copy::of(&other)];
    assert_eq!(failure(&copies), foreign);
    // With its own header lost, only the segments show that the other stream with the same core is another.
    let headless = Copy::of(&whole).hurt(0..200);
    assert_eq!(failure(&[headless, Copy::of(&other)]).code(), "NOT_SEALED");
}
