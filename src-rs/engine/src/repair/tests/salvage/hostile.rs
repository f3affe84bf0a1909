//! Hostile sources that try to make salvage costly. The tests count attempts and reads.

use super::damaged_stream::{DamagedStream, SEGMENT, small};
use super::{salvage_bytes, salvage_costs};
use crate::format::{ByteRange, DigestKind, Geometry, HeaderFields, SegmentHeader, SegmentIndex, StreamCore};
use crate::operation::options::{Control, EncryptOptions, HeaderLayout};
use crate::repair::salvage::{DamageMap, LossCause, LostBytes, Outcome, SalvageOptions};
use crate::testing::support::{key, pick, reading, seal};

const SEGMENTS: usize = 12;

fn damaged() -> DamagedStream {
    DamagedStream::new(
        SEGMENTS * SEGMENT,
        true,
        DigestKind::Crc64Nvme,
        HeaderLayout::COMPACT,
    )
}

/// The header followed by `rest`.
fn after_header(damaged: &DamagedStream, rest: &[u8]) -> Vec<u8> {
    let mut bytes = damaged.header.bytes.clone();
    bytes.extend(rest);
    bytes
}

fn assert_nothing(map: &DamageMap) {
    assert_eq!(map.outcome, Outcome::Nothing);
    assert_eq!(map.lost.bytes, (SEGMENTS * SEGMENT) as u64);
}

#[test]
fn forged_segment_headers_cost_one_tag_each() {
    let damaged = damaged();
    let geometry = Geometry::new(1024, SEGMENT as u32, DigestKind::Crc64Nvme).unwrap();
    let mut rest = Vec::new();
    for index in 0..20_000 {
        let header = SegmentHeader {
            index: SegmentIndex::new(index % SEGMENTS as u64),
            is_final: index % SEGMENTS as u64 == SEGMENTS as u64 - 1,
            plaintext_size: SEGMENT as u32,
        };
        rest.extend(header.encode(&geometry));
    }
    let (map, tags, frames) = salvage_costs(&after_header(&damaged, &rest));
    assert_nothing(&map);
    // And two for each predicted position.
    assert!(tags <= 20_000 + 2 * SEGMENTS as u64, "{tags}");
    assert_eq!(frames, 0);
}

#[test]
fn genuine_preambles_without_frames_cost_a_bounded_number_of_attempts() {
    let damaged = damaged();
    let mut rest = Vec::new();
    for round in 0..200 {
        let record = damaged.record(round % SEGMENTS);
        rest.extend(&damaged.sealed[record.start..record.start + 106]);
    }
    let bytes = after_header(&damaged, &rest);
    let (map, tags, frames) = salvage_costs(&bytes);
    assert_nothing(&map);
    assert!(tags <= 200 + 3 * SEGMENTS as u64, "{tags}");
    // 16 times the source, and the records that are mostly complete.
    let most = 17 * bytes.len() as u64 / 1056;
    assert!(frames <= most, "{frames} > {most}");
}

#[test]
fn a_record_followed_by_length_fields_costs_a_bounded_number_of_attempts() {
    let damaged = damaged();
    let record = damaged.record(3);
    let mut bytes = after_header(&damaged, &damaged.sealed[record.start..record.start + 106]);
    bytes.extend(vec![0xff; 300_000]);
    let (map, tags, frames) = salvage_costs(&bytes);
    assert_nothing(&map);
    assert!(frames <= 4 + 2 * 4 + 8, "{frames}");
    assert!(tags <= 200, "{tags}");
}

#[test]
fn end_records_with_huge_counts_are_ignored() {
    let damaged = damaged();
    let mut rest = Vec::new();
    for count in [12_u64, 1 << 20, 1 << 40, u64::MAX] {
        for _ in 0..500 {
            rest.extend(b"SEND\0\0\0\0");
            rest.extend(count.to_be_bytes());
            rest.extend((count.saturating_mul(SEGMENT as u64)).to_be_bytes());
            rest.extend([0; 4]);
        }
    }
    let (map, ..) = salvage_costs(&after_header(&damaged, &rest));
    assert_nothing(&map);
    // The stream itself is still recovered.
    let mut bytes = after_header(&damaged, &rest);
    bytes.extend(&damaged.sealed[damaged.header.bytes.len()..]);
    let (output, map) = salvage_bytes(&bytes).unwrap();
    assert_eq!((output, map.outcome), (damaged.plaintext, Outcome::Whole));
}

#[test]
fn long_claimed_headers_are_read_within_a_budget() {
    let mut fake = [0; 104];
    fake[..8].copy_from_slice(b"\x89SEAL\r\n\x1a");
    fake[8] = 1;
    fake[64..68].copy_from_slice(&1_048_576_u32.to_be_bytes());
    let counter = Counting {
        bytes: fake.repeat(30_000),
        read: 0.into(),
    };
    let options = SalvageOptions::new(reading());
    assert!(super::salvage_with(&counter, &options, &Control::serial()).is_err());
    // The scan, each prefix, and the budget for whole headers.
    let (size, read) = (counter.bytes.len() as u64, counter.read.into_inner());
    assert!(read <= 4 * size + 2 * 1_048_576, "{read} of {size}");
}

/// Counts the bytes that are read.
struct Counting {
    bytes: Vec<u8>,
    read: std::sync::atomic::AtomicU64,
}

impl crate::stream_v2::io::ReadAt for Counting {
    fn size(&self) -> std::io::Result<u64> {
        Ok(self.bytes.len() as u64)
    }

    fn read_at(&self, offset: u64, buffers: &mut [std::io::IoSliceMut<'_>]) -> std::io::Result<usize> {
        let count = (&self.bytes[..]).read_at(offset, buffers)?;
        self.read
            .fetch_add(count as u64, std::sync::atomic::Ordering::Relaxed);
        Ok(count)
    }
}

#[test]
fn reading_is_linear_in_the_size_of_a_hostile_source() {
    let damaged = damaged();
    let mut seed = 4;
    let noise: Vec<u8> = (0..400_000).map(|_| pick(&mut seed, 256) as u8).collect();
    let marks = [
        &b"SE"[..],
        b"SEG1",
        b"SEND",
        b"\x89SEAL\r\n\x1a\x01",
        &[0xff],
        &[0],
    ];
    for rest in marks
        .map(|mark| mark.repeat(400_000 / mark.len()))
        .iter()
        .chain([&noise])
    {
        let counter = Counting {
            bytes: after_header(&damaged, rest),
            read: 0.into(),
        };
        let options = SalvageOptions::new(reading());
        let (_, map) = super::salvage_with(&counter, &options, &Control::serial()).unwrap();
        assert_nothing(&map);
        let (size, read) = (counter.bytes.len() as u64, counter.read.into_inner());
        // Each marker may cost a read of a possible header's or end record's first bytes.
        assert!(read <= 16 * size + 100_000, "{read} of {size}");
    }
}

#[test]
fn a_claimed_size_of_four_exbibytes_gives_one_lost_range() {
    let total = 1_u64 << 62;
    let bytes = claiming(total);
    let (output, map) = salvage_bytes(&bytes).unwrap();
    assert_eq!((map.outcome, map.plaintext_size), (Outcome::Partial, Some(total)));
    assert_eq!(map.recovered.bytes, 2 * SEGMENT as u64);
    // No file can be that long: the output ends with the last recovered frame.
    assert_eq!(output.len() as u64, map.output_size);
    assert_eq!(map.output_size, 2 * SEGMENT as u64);
    assert_eq!(map.lost.ranges.len(), 1, "{:?}", map.lost.ranges);
    let lost = &map.lost.ranges[0];
    assert_eq!(
        lost.plaintext,
        ByteRange {
            start: 2 * SEGMENT as u64,
            end: total
        }
    );
    assert_eq!(lost.reason.cause(), LossCause::Missing);
    assert_eq!(lost.segment.get() + lost.segment_count, total / SEGMENT as u64);
}

/// A stream of two segments whose authentic header states `total` bytes.
pub(super) fn claiming(total: u64) -> Vec<u8> {
    with_segments(Some(total), &[0, 1])
}

/// A stream with an authentic header and full segments with these indices.
pub(super) fn with_segments(total: Option<u64>, indices: &[u64]) -> Vec<u8> {
    use crate::crypto::{FileKey, Random, StreamBinding, StreamKeys};
    use crate::keys::{Recipient, seal_slots};
    use crate::operation::cancel::CancellationToken;
    use crate::stream_v2::pipeline::{PortionRunner, seal_record};
    use crate::stream_v2::segment_worker::{SegmentCryptoContext, SegmentInput};
    let random = Random::known(8);
    let file_key = FileKey::new(&[6; 32]);
    let geometry = Geometry::new(1024, SEGMENT as u32, DigestKind::Crc64Nvme).unwrap();
    let core = StreamCore {
        geometry,
        header_copy: false,
        plaintext_size: total,
        stream_id: [7; 32],
    };
    let keys = StreamKeys::derive(&file_key, &core.encode(), &[], &[]).unwrap();
    let recipient = Recipient::Key {
        key: key(),
        id: "test".into(),
    };
    let mut fields = HeaderFields {
        core,
        revision: 0,
        context_check: keys.context_check().unwrap(),
        core_extensions: Vec::new(),
        header_extensions: Vec::new(),
        slots: Vec::new(),
    };
    let binding = StreamBinding::of(&fields);
    fields.slots = seal_slots(&[recipient], &binding, &file_key, &Random::known(3)).unwrap();
    let mut bytes = fields.encode(0, |bytes| keys.header_mac(bytes));
    let context = SegmentCryptoContext::new(keys.payload_key().unwrap(), geometry, total, random).unwrap();
    for &index in indices {
        let header = SegmentHeader {
            index: SegmentIndex::new(index),
            is_final: false,
            plaintext_size: SEGMENT as u32,
        };
        let record = vec![1; geometry.full_record_size() as usize];
        let input = SegmentInput { header, record };
        let sealed = seal_record(
            &context,
            input,
            PortionRunner::serial(&CancellationToken::new()),
            &mut Default::default(),
        );
        bytes.extend(sealed.unwrap().record);
    }
    bytes
}

#[test]
fn records_with_impossible_indices_are_ignored() {
    let highest = (1 << 63) / SEGMENT as u64 - 2;
    let bytes = with_segments(None, &[0, u64::MAX, u64::MAX - 1, highest + 2]);
    let (output, map) = salvage_bytes(&bytes).unwrap();
    assert_eq!((output.len(), map.segments), (SEGMENT, 1));
    let bytes = with_segments(None, &[highest]);
    let options = SalvageOptions {
        lost: LostBytes::Skip,
        ..SalvageOptions::new(reading())
    };
    let (output, map) = super::salvage_with(&&bytes[..], &options, &Control::serial()).unwrap();
    assert_eq!(output.len(), SEGMENT);
    assert_eq!((map.segments, map.lost.ranges.len()), (highest + 1, 1));
}

#[test]
fn small_frames_of_large_segments_cost_a_bounded_number_of_attempts() {
    let options = EncryptOptions {
        segment_size: Some(256 * 1024),
        ..small(DigestKind::None, HeaderLayout::COMPACT)
    };
    let mut bytes = seal(&crate::testing::support::plaintext(256 * 1024), &options);
    // Removes a byte of every fourth frame.
    let header = crate::format::StreamHeader::parse(&bytes).unwrap().size() as usize;
    for cut in (0..256).step_by(4).rev() {
        bytes.remove(header + 106 + cut * 1056 + 500);
    }
    let (map, _, frames) = salvage_costs(&bytes);
    assert!(frames <= 256 + 2 * 256 + 8, "{frames}");
    assert_eq!(map.recovered.frames, 192, "all but those that were cut");
}
