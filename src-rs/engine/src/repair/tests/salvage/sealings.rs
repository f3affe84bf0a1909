//! Salvage of several sealings of a segment, joined streams, and damaged trailers.

use super::damaged_stream::{DamagedStream, SEGMENT};
use super::{SIZE, damaged, expected, rewrappable, salvage_bytes, salvage_with, seal_for};
use crate::format::SegmentIndex;
use crate::operation::cancel::CancellationToken;
use crate::operation::options::Control;
use crate::repair::salvage::{DamageMap, Outcome, Resolution, SalvageOptions, TrailerState};
use crate::testing::support::reading;

#[test]
fn the_end_record_decides_between_two_sealings_of_a_segment() {
    let damaged = damaged();
    let (output, map) = salvage_bytes(&resealed(&damaged, true)).unwrap();
    assert_eq!(output, damaged.plaintext);
    let kinds = |map: &DamageMap| {
        let conflicts = map.conflicts.iter();
        conflicts
            .map(|conflict| (conflict.segment.get(), conflict.resolution))
            .collect::<Vec<_>>()
    };
    assert_eq!(kinds(&map), [(2, Resolution::Named)]);
    assert_eq!((map.outcome, map.conflict_count), (Outcome::Whole, 1));

    // Without an end record the more complete sealing is used, or else the first.
    let mut without_end = resealed(&damaged, false);
    let (output, map) = salvage_bytes(&without_end).unwrap();
    assert_eq!(output, damaged.plaintext);
    assert_eq!(kinds(&map), [(2, Resolution::MostComplete)]);
    let slot = damaged.slot(2, 1);
    without_end[slot.start + 60] ^= 1;
    let (output, map) = salvage_bytes(&without_end).unwrap();
    assert_eq!(&output[2 * SEGMENT..3 * SEGMENT], other_content());
    assert_eq!(kinds(&map), [(2, Resolution::MostComplete)]);

    // If no frame of the named sealing verifies, another one is used, with a conflict in the map. Frames are never mixed.
    let mut gone = resealed(&damaged, true);
    for frame in 0..4 {
        gone[damaged.slot(2, frame).start + 60] ^= 1;
    }
    let (output, map) = salvage_bytes(&gone).unwrap();
    assert_eq!(&output[2 * SEGMENT..3 * SEGMENT], other_content());
    assert_eq!(kinds(&map), [(2, Resolution::NotNamed)]);
    let mut partly = resealed(&damaged, true);
    partly[damaged.slot(2, 1).start + 60] ^= 1;
    let (output, map) = salvage_bytes(&partly).unwrap();
    assert_eq!(output, expected(&damaged.plaintext, &map));
    assert_eq!(map.lost.ranges.len(), 1);
}

fn other_content() -> Vec<u8> {
    vec![0xab; SEGMENT]
}

/// The stream with a second sealing of segment 2, with other content, after its last record; with or without its end record.
fn resealed(damaged: &DamagedStream, with_end: bool) -> Vec<u8> {
    use crate::crypto::Random;
    use crate::stream_v2::core::{locate::find_header, unlock::UnlockedStream};
    use crate::stream_v2::pipeline::{PortionRunner, seal_record};
    use crate::stream_v2::segment_worker::{PREAMBLE_SIZE, SegmentCryptoContext, SegmentInput};
    let found = find_header(&&damaged.sealed[..], damaged.sealed.len() as u64).unwrap();
    let stream = UnlockedStream::unlock(found, &reading(), &CancellationToken::new()).unwrap();
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
    let header = crate::format::SegmentHeader {
        index: SegmentIndex::new(2),
        is_final: false,
        plaintext_size: SEGMENT as u32,
    };
    let sealed = seal_record(
        &context,
        SegmentInput { header, record },
        PortionRunner::serial(&CancellationToken::new()),
        &mut Default::default(),
    )
    .unwrap();
    let end = damaged.end().start;
    let mut bytes = damaged.sealed[..end].to_vec();
    bytes.extend(sealed.record);
    if with_end {
        bytes.extend(&damaged.sealed[end..]);
    }
    bytes
}

#[test]
fn joined_streams_are_distinguished() {
    let damaged = damaged();
    let other = seal_for([9; 32]);
    let mut joined = other.clone();
    joined.extend(&damaged.bytes);
    joined.extend(&other);
    let (output, map) = salvage_bytes(&joined).unwrap();
    assert_eq!(output, damaged.plaintext);
    assert_eq!((map.outcome, map.end), (Outcome::Whole, TrailerState::Verified));
    assert_eq!(map.header.offset.map(|at| at.get()), Some(other.len() as u64));
    let id: [u8; 32] = other[32..64].try_into().unwrap();
    assert_eq!(map.other_streams, [id]);
    // The other stream's end record is not a forgery of this stream's.
    let mut endless = damaged.bytes[..damaged.end().start].to_vec();
    endless.extend(&other);
    assert_eq!(salvage_bytes(&endless).unwrap().1.end, TrailerState::Missing);
}

#[test]
fn records_in_the_wrong_order_are_put_in_order() {
    let damaged = damaged();
    let mut pieces = Vec::new();
    for segment in [4, 0, 2, 5, 1, 3] {
        pieces.extend(&damaged.sealed[damaged.record(segment)]);
    }
    let options = SalvageOptions {
        header: Some(&damaged.header.bytes),
        ..SalvageOptions::new(reading())
    };
    let (output, map) = salvage_with(&&pieces[..], &options, &Control::serial()).unwrap();
    assert_eq!(output, damaged.plaintext);
    assert_eq!((map.outcome, map.end), (Outcome::Whole, TrailerState::Missing));
}

#[test]
fn the_state_of_the_trailer_is_reported() {
    let state = |change: &dyn Fn(&mut Vec<u8>, &DamagedStream)| {
        let damaged = rewrappable(false);
        let mut bytes = damaged.bytes.clone();
        change(&mut bytes, &damaged);
        let (output, map) = salvage_bytes(&bytes).unwrap();
        assert_eq!((output, map.outcome), (damaged.plaintext, Outcome::Whole));
        map.end
    };
    assert_eq!(
        state(&|bytes, _| *bytes.last_mut().unwrap() ^= 1),
        TrailerState::Damaged
    );
    assert_eq!(
        state(&|bytes, damaged| bytes[damaged.end().start + 40] ^= 1),
        TrailerState::Damaged
    );
    assert_eq!(
        state(&|bytes, damaged| bytes.truncate(damaged.end().start)),
        TrailerState::Missing
    );
    let tamper = |bytes: &mut Vec<u8>, damaged: &DamagedStream| {
        let end = damaged.end();
        bytes[end.start + 40] ^= 1;
        let crc = crate::format::crc32c(&bytes[end.start..end.end - 4]);
        bytes[end.end - 4..end.end].copy_from_slice(&crc.to_be_bytes());
    };
    assert_eq!(state(&tamper), TrailerState::Tampered);
}
