//! Wrecks that have a name.

use super::wreck::{FRAME, SEGMENT, Wreck, small};
use super::{salvage_bytes, salvage_with};
use crate::crypto::SecretKey;
use crate::error::{Limit, SealError};
use crate::format::{ByteRange, DigestKind, SegmentIndex};
use crate::keys::Identity;
use crate::operation::cancel::CancellationToken;
use crate::operation::options::{Control, DecryptOptions, HeaderLayout};
use crate::repair::salvage::{
    ConflictKind, DamageMap, HeaderOrigin, LossCause, LostBytes, Outcome, SalvageOptions, TrailerState,
};
use crate::telemetry::Stage;
use crate::testing::failing_io::BadBlocks;
use crate::testing::support::{control, plaintext, reading, seal};
use std::time::Duration;

const SEGMENTS: usize = 6;
const SIZE: usize = SEGMENTS * SEGMENT - 100;

fn wreck() -> Wreck {
    Wreck::new(SIZE, true, DigestKind::Crc64Nvme, HeaderLayout::Compact)
}

fn rewrappable(is_sized: bool) -> Wreck {
    Wreck::new(SIZE, is_sized, DigestKind::Sha256, HeaderLayout::Rewrappable)
}

/// Lost ranges as start, end and cause.
fn lost(map: &DamageMap) -> Vec<(u64, u64, LossCause)> {
    let range = |lost: &crate::repair::salvage::LostRange| {
        (lost.plaintext.start, lost.plaintext.end, lost.reason.cause())
    };
    map.lost.ranges.iter().map(range).collect()
}

/// The plaintext with zeros for what the map says is lost.
fn due(plaintext: &[u8], map: &DamageMap) -> Vec<u8> {
    let mut due = plaintext.to_vec();
    for lost in &map.lost.ranges {
        due[lost.plaintext.start as usize..lost.plaintext.end as usize].fill(0);
    }
    due
}

#[test]
fn a_sound_stream_comes_out_whole_on_any_number_of_threads() {
    for threads in [1, 2, 4] {
        for is_sized in [true, false] {
            let wreck = rewrappable(is_sized);
            let options = SalvageOptions::new(reading());
            let (output, map) = salvage_with(&&wreck.bytes[..], &options, &control(threads)).unwrap();
            assert_eq!(output, wreck.plaintext);
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
fn each_kind_of_damage_has_its_cause_and_its_place() {
    let mut wreck = wreck();
    let (frame, tampered) = (wreck.slot(1, 2), wreck.slot(3, 0));
    wreck.flip(frame.start + 100, 0);
    wreck.flip(tampered.start + 100, 0);
    // Whoever tampers mends the digest.
    let record = wreck.record(3);
    let digest_at = record.end - 8;
    let digest = crate::crypto::Crc64::of(&wreck.bytes[record.start..digest_at]).to_be_bytes();
    wreck.bytes[digest_at..record.end].copy_from_slice(&digest);
    let cut = wreck.record(5).start + 106 + 1056;
    wreck.remove(cut..wreck.bytes.len());

    let (output, map) = salvage_bytes(&wreck.bytes).unwrap();
    let at = |segment: usize, frame: usize| (segment * SEGMENT + frame * FRAME) as u64;
    assert_eq!(
        lost(&map),
        [
            (at(1, 2), at(1, 3), LossCause::Rot),
            (at(3, 0), at(3, 1), LossCause::Tampering),
            (at(5, 1), SIZE as u64, LossCause::Missing),
        ]
    );
    let wire = |range: std::ops::Range<usize>| {
        Some(ByteRange {
            start: range.start as u64,
            end: range.end as u64,
        })
    };
    assert_eq!(map.lost.ranges[0].wire, wire(frame));
    assert_eq!(map.lost.ranges[1].wire, wire(tampered));
    assert_eq!(map.lost.ranges[2].first_segment, SegmentIndex::new(5));
    assert_eq!((map.end, map.outcome), (TrailerState::Missing, Outcome::Partial));
    assert_eq!(output, due(&wreck.plaintext, &map));

    let without = Wreck::new(SIZE, true, DigestKind::None, HeaderLayout::Compact);
    let mut bytes = without.bytes.clone();
    bytes[without.slot(2, 1).start + 50] ^= 1;
    let (_, map) = salvage_bytes(&bytes).unwrap();
    assert_eq!(lost(&map), [(at(2, 1), at(2, 2), LossCause::Unknown)]);
}

#[test]
fn a_record_whose_iv_is_gone_is_rot_where_its_marker_stands_and_missing_where_not() {
    let mut wreck = wreck();
    let (kept, gone) = (wreck.record(1), wreck.record(4));
    wreck.flip(kept.start + 50, 1);
    wreck.fill(gone.start..gone.start + 106, || 0);
    let (_, map) = salvage_bytes(&wreck.bytes).unwrap();
    let at = |segment: usize| (segment * SEGMENT) as u64;
    assert_eq!(
        lost(&map),
        [(at(1), at(2), LossCause::Rot), (at(4), at(5), LossCause::Missing)]
    );
    for (lost, record) in map.lost.ranges.iter().zip([kept, gone]) {
        let wire = lost.wire.unwrap();
        assert_eq!((wire.start, wire.end), (record.start as u64, record.end as u64));
    }
}

#[test]
fn neighbouring_lost_segments_are_one_range() {
    let mut wreck = wreck();
    let (from, to) = (wreck.record(1).start, wreck.record(3).end);
    wreck.fill(from..to, || 0);
    let (_, map) = salvage_bytes(&wreck.bytes).unwrap();
    assert_eq!(
        lost(&map),
        [(SEGMENT as u64, 4 * SEGMENT as u64, LossCause::Missing)]
    );
    assert_eq!(
        (
            map.lost.ranges[0].first_segment.get(),
            map.lost.ranges[0].last_segment.get()
        ),
        (1, 3)
    );
    assert_eq!(
        map.lost.ranges[0].wire,
        Some(ByteRange {
            start: from as u64,
            end: to as u64
        })
    );
}

#[test]
fn omitting_what_is_lost_leaves_the_recovered_frames_side_by_side() {
    let mut wreck = wreck();
    let slot = wreck.slot(0, 1);
    wreck.fill(slot, || 7);
    let record = wreck.record(2);
    wreck.remove(record);
    let options = SalvageOptions {
        lost: LostBytes::Omit,
        ..SalvageOptions::new(reading())
    };
    for threads in [1, 3] {
        let (output, map) = salvage_with(&&wreck.bytes[..], &options, &control(threads)).unwrap();
        let mut expected = wreck.plaintext.clone();
        expected.drain(2 * SEGMENT..3 * SEGMENT);
        expected.drain(FRAME..2 * FRAME);
        assert_eq!(output, expected);
        assert_eq!(map.output_size, expected.len() as u64);
    }
}

#[test]
fn the_header_comes_from_wherever_it_is_left() {
    let origin = |bytes: &[u8], given: Option<&[u8]>| {
        let options = SalvageOptions {
            header: given,
            ..SalvageOptions::new(reading())
        };
        let (output, map) = salvage_with(&bytes, &options, &Control::serial()).unwrap();
        assert_eq!(output, plaintext(SIZE as u64));
        assert_eq!(map.outcome, Outcome::Whole);
        (map.header.origin, map.header.offset.map(|at| at.get()))
    };
    let sound = rewrappable(true);
    let header = sound.header.bytes.clone();
    assert_eq!(origin(&sound.bytes, None), (HeaderOrigin::Start, Some(0)));
    assert_eq!(origin(&sound.bytes, Some(&header)), (HeaderOrigin::Given, None));
    let mut wreck = rewrappable(true);
    wreck.fill(0..4096, || 0);
    assert_eq!(origin(&wreck.bytes, None), (HeaderOrigin::Copy, None));
    assert_eq!(origin(&wreck.bytes, Some(&header)), (HeaderOrigin::Given, None));
    // With bytes behind the footer the copy is only found by its first bytes.
    wreck.garbage(wreck.bytes.len(), 100, &mut 1);
    let copy_at = wreck.sealed.len() as u64 - 24 - 4096;
    assert_eq!(origin(&wreck.bytes, None), (HeaderOrigin::Scan, Some(copy_at)));
    let mut shifted = rewrappable(true);
    shifted.garbage(0, 777, &mut 2);
    shifted.remove(shifted.bytes.len() - 3000..shifted.bytes.len());
    assert_eq!(origin(&shifted.bytes, None), (HeaderOrigin::Scan, Some(777)));
    // A header that is not this stream's is no obstacle.
    let foreign = seal_for([9; 32]);
    assert_eq!(
        origin(&sound.bytes, Some(&foreign[..sound.header.bytes.len()])),
        (HeaderOrigin::Start, Some(0))
    );
    // Nor is one that the same key unlocks.
    let sibling = seal_for(std::array::from_fn(|i| i as u8));
    assert_eq!(
        origin(&sound.bytes, Some(&sibling[..sound.header.bytes.len()])),
        (HeaderOrigin::Start, Some(0))
    );
}

#[test]
fn what_is_given_as_a_header_and_is_none_is_refused() {
    let options = SalvageOptions {
        header: Some(b"no header at all"),
        ..SalvageOptions::new(reading())
    };
    let source = rewrappable(true).bytes;
    let failure = salvage_with(&&source[..], &options, &Control::serial()).unwrap_err();
    assert!(
        matches!(&failure, SealError::InvalidOption { option, .. } if option == "header"),
        "{failure}"
    );
}

#[test]
fn what_is_lost_in_front_is_told_in_its_place_also_where_the_header_was_found_behind() {
    let mut wreck = rewrappable(true);
    let record = wreck.record(0);
    wreck.fill(0..record.end, || 0);
    wreck.garbage(wreck.bytes.len(), 100, &mut 1);
    let (_, map) = salvage_bytes(&wreck.bytes).unwrap();
    assert_eq!(map.header.origin, HeaderOrigin::Scan);
    assert_eq!(lost(&map), [(0, SEGMENT as u64, LossCause::Missing)]);
    let wire = ByteRange {
        start: record.start as u64,
        end: record.end as u64,
    };
    assert_eq!(map.lost.ranges[0].wire, Some(wire));
}

/// A stream for another key.
fn seal_for(key: [u8; 32]) -> Vec<u8> {
    let recipient = crate::keys::Recipient::Key {
        key: SecretKey::from_bytes(&key).unwrap(),
        id: "other".into(),
    };
    let options = crate::operation::options::EncryptOptions {
        recipients: vec![recipient],
        ..small(DigestKind::Crc64Nvme, HeaderLayout::Rewrappable)
    };
    use crate::crypto::Random;
    use crate::stream_v2::core::encrypt_with;
    use crate::stream_v2::io::InputSource;
    let output = super::Output::default();
    encrypt_with(
        &Random::known(77),
        InputSource::memory(&plaintext(3000)),
        output.sink(crate::testing::support::End::InOrder),
        &options,
        &Control::serial(),
    )
    .unwrap();
    output.into_bytes()
}

#[test]
fn without_a_header_that_unlocks_the_first_failure_is_the_answer() {
    let mut wreck = rewrappable(true);
    let other = DecryptOptions::new(vec![Identity::Key(SecretKey::from_bytes(&[9; 32]).unwrap())]);
    let failure = |bytes: &[u8], open: DecryptOptions<'static>| {
        salvage_with(&bytes, &SalvageOptions::new(open), &Control::serial()).unwrap_err()
    };
    assert!(matches!(
        failure(&wreck.bytes, other.clone()),
        SealError::NoMatchingKey { .. }
    ));
    assert!(matches!(
        failure(&wreck.bytes, reading().with_context(b"another")),
        SealError::ContextMismatch { supplied: 7 }
    ));
    let small = DecryptOptions {
        max_segment_size: 1024,
        ..reading()
    };
    assert!(matches!(
        failure(&wreck.bytes, small),
        SealError::LimitExceeded {
            limit: Limit::SegmentSize,
            ..
        }
    ));
    // Of a wreck the lock says more than that its first bytes are wrong.
    wreck.garbage(0, 10, &mut 3);
    assert!(matches!(
        failure(&wreck.bytes, other),
        SealError::NoMatchingKey { .. }
    ));
    assert!(matches!(
        failure(b"no sealed stream", reading()),
        SealError::HeaderError { .. }
    ));
    assert!(matches!(
        failure(b"", reading()),
        SealError::HeaderError { .. } | SealError::Truncated { .. }
    ));
}

#[test]
fn of_two_sealings_of_a_segment_the_end_names_the_right_one() {
    let wreck = wreck();
    let (output, map) = salvage_bytes(&resealed(&wreck, true)).unwrap();
    assert_eq!(output, wreck.plaintext);
    let kinds = |map: &DamageMap| {
        let conflicts = map.conflicts.iter();
        conflicts
            .map(|conflict| (conflict.segment.get(), conflict.kind))
            .collect::<Vec<_>>()
    };
    assert_eq!(kinds(&map), [(2, ConflictKind::Named)]);
    assert_eq!((map.outcome, map.conflict_count), (Outcome::Whole, 1));

    // Without an end the more complete one serves, or else the first.
    let mut without_end = resealed(&wreck, false);
    let (output, map) = salvage_bytes(&without_end).unwrap();
    assert_eq!(output, wreck.plaintext);
    assert_eq!(kinds(&map), [(2, ConflictKind::MostComplete)]);
    let slot = wreck.slot(2, 1);
    without_end[slot.start + 60] ^= 1;
    let (output, map) = salvage_bytes(&without_end).unwrap();
    assert_eq!(&output[2 * SEGMENT..3 * SEGMENT], other_content());
    assert_eq!(kinds(&map), [(2, ConflictKind::MostComplete)]);

    // If nothing of the named one is left, another may serve, and the map says so; frames are never mixed.
    let mut gone = resealed(&wreck, true);
    for frame in 0..4 {
        gone[wreck.slot(2, frame).start + 60] ^= 1;
    }
    let (output, map) = salvage_bytes(&gone).unwrap();
    assert_eq!(&output[2 * SEGMENT..3 * SEGMENT], other_content());
    assert_eq!(kinds(&map), [(2, ConflictKind::NotNamed)]);
    let mut partly = resealed(&wreck, true);
    partly[wreck.slot(2, 1).start + 60] ^= 1;
    let (output, map) = salvage_bytes(&partly).unwrap();
    assert_eq!(output, due(&wreck.plaintext, &map));
    assert_eq!(map.lost.ranges.len(), 1);
}

fn other_content() -> Vec<u8> {
    vec![0xab; SEGMENT]
}

/// The stream with a second sealing of segment 2, of other content, behind its last record; with its end or without.
fn resealed(wreck: &Wreck, with_end: bool) -> Vec<u8> {
    use crate::crypto::Random;
    use crate::stream_v2::core::{locate::find_header, unlock::UnlockedStream};
    use crate::stream_v2::pipeline::{PortionRunner, seal_record};
    use crate::stream_v2::segment_worker::{PREAMBLE_SIZE, SegmentCryptoContext, SegmentInput};
    let found = find_header(&&wreck.sealed[..], wreck.sealed.len() as u64).unwrap();
    let stream = UnlockedStream::unlock(found, &reading()).unwrap();
    let geometry = *stream.context.geometry();
    let keys =
        crate::crypto::StreamKeys::derive(&stream.unlocked.file_key, &stream.header.core.encode(), &[], &[])
            .unwrap();
    let context = SegmentCryptoContext::new(
        keys.payload_key().unwrap(),
        geometry,
        Some(SIZE as u64),
        Random::known(5),
    )
    .unwrap();
    let mut record = vec![0; geometry.full_record_size() as usize];
    let slots = &mut record[PREAMBLE_SIZE..PREAMBLE_SIZE + geometry.frames_wire_size(SEGMENT as u32)];
    let content = crate::stream_v2::framing::contents_mut(slots, geometry.frame_slot_size());
    content.for_each(|content| content.fill(0xab));
    let plan = crate::format::SegmentHeader {
        index: SegmentIndex::new(2),
        is_final: false,
        plaintext_size: SEGMENT as u32,
    };
    let sealed = seal_record(
        &context,
        SegmentInput { plan, record },
        PortionRunner::serial(&CancellationToken::new()),
        &mut Default::default(),
    )
    .unwrap();
    let end = wreck.end().start;
    let mut bytes = wreck.sealed[..end].to_vec();
    bytes.extend(sealed.record);
    if with_end {
        bytes.extend(&wreck.sealed[end..]);
    }
    bytes
}

#[test]
fn streams_that_were_joined_are_told_apart() {
    let wreck = wreck();
    let other = seal_for([9; 32]);
    let mut joined = other.clone();
    joined.extend(&wreck.bytes);
    joined.extend(&other);
    let (output, map) = salvage_bytes(&joined).unwrap();
    assert_eq!(output, wreck.plaintext);
    assert_eq!((map.outcome, map.end), (Outcome::Whole, TrailerState::Verified));
    assert_eq!(map.header.offset.map(|at| at.get()), Some(other.len() as u64));
    let id: [u8; 32] = other[32..64].try_into().unwrap();
    assert_eq!(map.other_streams, [id]);
    // The other one's end is no forgery of ours.
    let mut endless = wreck.bytes[..wreck.end().start].to_vec();
    endless.extend(&other);
    assert_eq!(salvage_bytes(&endless).unwrap().1.end, TrailerState::Missing);
}

#[test]
fn pieces_in_the_wrong_order_are_put_in_order() {
    let wreck = wreck();
    let mut pieces = Vec::new();
    for segment in [4, 0, 2, 5, 1, 3] {
        pieces.extend(&wreck.sealed[wreck.record(segment)]);
    }
    let options = SalvageOptions {
        header: Some(&wreck.header.bytes),
        ..SalvageOptions::new(reading())
    };
    let (output, map) = salvage_with(&&pieces[..], &options, &Control::serial()).unwrap();
    assert_eq!(output, wreck.plaintext);
    assert_eq!((map.outcome, map.end), (Outcome::Whole, TrailerState::Missing));
}

#[test]
fn the_end_is_told_as_it_is() {
    let state = |change: &dyn Fn(&mut Vec<u8>, &Wreck)| {
        let wreck = rewrappable(false);
        let mut bytes = wreck.bytes.clone();
        change(&mut bytes, &wreck);
        let (output, map) = salvage_bytes(&bytes).unwrap();
        assert_eq!((output, map.outcome), (wreck.plaintext, Outcome::Whole));
        map.end
    };
    assert_eq!(
        state(&|bytes, _| *bytes.last_mut().unwrap() ^= 1),
        TrailerState::Damaged
    );
    assert_eq!(
        state(&|bytes, wreck| bytes[wreck.end().start + 40] ^= 1),
        TrailerState::Damaged
    );
    assert_eq!(
        state(&|bytes, wreck| bytes.truncate(wreck.end().start)),
        TrailerState::Missing
    );
    let tamper = |bytes: &mut Vec<u8>, wreck: &Wreck| {
        let end = wreck.end();
        bytes[end.start + 40] ^= 1;
        let crc = crate::format::crc32c(&bytes[end.start..end.end - 4]);
        bytes[end.end - 4..end.end].copy_from_slice(&crc.to_be_bytes());
    };
    assert_eq!(state(&tamper), TrailerState::Tampered);
}

#[test]
fn a_stream_of_unknown_length_without_its_last_segment_is_never_whole() {
    let wreck = Wreck::new(SIZE, false, DigestKind::Crc64Nvme, HeaderLayout::Compact);
    let bytes = &wreck.bytes[..wreck.record(3).end];
    let (output, map) = salvage_bytes(bytes).unwrap();
    assert_eq!(output, wreck.plaintext[..4 * SEGMENT]);
    assert_eq!((map.plaintext_size, map.segments), (None, 4));
    assert_eq!(map.outcome, Outcome::Partial);
}

#[test]
fn what_can_not_be_read_is_a_hole_and_not_the_end() {
    let wreck = rewrappable(true);
    for threads in [1, 2] {
        // The header, and records.
        let source = BadBlocks {
            bytes: &wreck.bytes,
            bad: vec![0..4096, 8192..16_384, 20_500..20_501],
        };
        let options = SalvageOptions::new(reading());
        let (output, map) = salvage_with(&source, &options, &control(threads)).unwrap();
        assert_eq!(output, due(&wreck.plaintext, &map));
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
            for frame in 0..wreck.frames_of(segment) {
                let slot = wreck.slot(segment, frame);
                // What is next to a byte that can't be read is lost by blocks of 4 KiB.
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
                let iv = wreck.record(segment).start + 42;
                let is_hit = hits(slot.start, slot.end) || hits(iv, iv + 32);
                assert_eq!(is_lost, is_hit, "segment {segment} frame {frame}");
            }
        }
        assert_eq!(map.unreadable, 4 * 4096);
    }
}

#[test]
fn a_raised_token_stops_it() {
    let wreck = wreck();
    let control = Control::serial();
    control.cancel.cancel();
    let output = super::Output::default();
    let options = SalvageOptions::new(reading());
    let result = super::salvage(&&wreck.bytes[..], &&output, &options, &control);
    assert_eq!(result.unwrap_err(), SealError::Cancelled);
}

#[test]
fn an_empty_plaintext_comes_out_whole_and_without_its_frame_not_at_all() {
    let sealed = seal(&[], &small(DigestKind::Crc64Nvme, HeaderLayout::Compact));
    let (output, map) = salvage_bytes(&sealed).unwrap();
    assert_eq!((output.len(), map.outcome), (0, Outcome::Whole));
    let mut broken = sealed;
    let header = crate::format::StreamHeader::parse(&broken).unwrap().size() as usize;
    broken[header + 106 + 10] ^= 1;
    let map = salvage_bytes(&broken).unwrap().1;
    assert_eq!((map.outcome, map.lost.ranges.len()), (Outcome::Nothing, 1));
}
