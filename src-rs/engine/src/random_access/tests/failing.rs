//! Damaged streams and failing sources: the error names the place, and no wrong byte is returned.

use super::{fetched, open, read, read_fetched};
use crate::error::{EndPart, SealError};
use crate::format::{ByteRange, DigestKind, FrameIndex, SegmentIndex, SegmentReason, WireOffset};
use crate::operation::cancel::CancellationToken;
use crate::operation::options::HeaderLayout;
use crate::random_access::RangeReader;
use crate::stream_v2::core::seekable::SeekableStream;
use crate::stream_v2::segment_worker::{PREAMBLE_SIZE, SegmentWorkerError};
use crate::telemetry::StageTimes;
use crate::testing::failing_io::{Fault, FaultySource};
use crate::testing::stream_parts::{Region, StreamParts};
use crate::testing::support::{FRAME, SEGMENT, compact, options, plaintext, reading, seal, seal_unsized};
use std::io;

const SLOT: usize = FRAME as usize + 32;
const SIZE: u64 = 2 * SEGMENT + 100;

#[test]
fn every_flipped_byte_is_refused_or_not_needed() {
    let plaintext = plaintext(SIZE);
    for layout in [HeaderLayout::COMPACT, HeaderLayout::PADDED] {
        let stream = seal(&plaintext, &options(DigestKind::Crc64Nvme, layout));
        let parts = StreamParts::of(&stream);
        for at in 0..stream.len() {
            let mut flipped = stream.clone();
            flipped[at] ^= 0x40;
            let result = open(&&flipped[..], 1 << 20)
                .and_then(|reader| read(&reader, &&flipped[..], 0, plaintext.len()));
            let has_copy = !parts.copy.is_empty();
            let is_needed = match parts.region(at) {
                Region::Header => !has_copy,
                Region::Copy => false,
                Region::Record { segment, within } => within < parts.records[segment].len() - 8,
                Region::End | Region::Footer => true,
            };
            match result {
                Ok(bytes) => assert!(bytes == plaintext && !is_needed, "byte {at}"),
                Err(failure) => assert!(is_needed, "byte {at}: {failure}"),
            }
        }
    }
}

#[test]
fn a_failure_names_segment_frame_and_offset() {
    let stream = seal(&plaintext(SIZE), &compact());
    let parts = StreamParts::of(&stream);
    let (segment, frame) = (SegmentIndex::new(1), FrameIndex::new(1));
    let record = parts.record_offset(1);
    let failure = |has_right_digest: bool, change: &dyn Fn(&mut StreamParts)| {
        let stream = StreamParts::changed(&stream, |parts| {
            change(parts);
            if has_right_digest {
                parts.mend_digest(1);
            }
        });
        let reader = open(&&stream[..], 1 << 20).unwrap();
        // Undamaged frames beside it are read.
        assert!(read(&reader, &&stream[..], 0, SEGMENT as usize).is_ok());
        read(&reader, &&stream[..], SEGMENT + FRAME, 10).unwrap_err()
    };
    let offset = WireOffset::new(record + (PREAMBLE_SIZE + SLOT) as u64);
    let changed = failure(true, &|parts| parts.records[1][PREAMBLE_SIZE + SLOT + 20] ^= 1);
    assert!(matches!(
        changed,
        SealError::Segment { error: SegmentWorkerError::FrameDecryptionFailed { segment: s, frame: f, offset: o, .. } }
            if (s, f, o) == (segment, frame, offset)
    ));
    let length = failure(true, &|parts| parts.records[1][PREAMBLE_SIZE + SLOT] ^= 1);
    assert!(matches!(
        length,
        SealError::Segment { error: SegmentWorkerError::FramingError { segment: s, frame: f, offset: o, .. } }
            if (s, f, o) == (segment, frame, offset)
    ));
    for at in [0, 40, 80] {
        let preamble = failure(true, &|parts| parts.records[1][at] ^= 1);
        assert!(matches!(
            preamble,
            SealError::Segment { error: SegmentWorkerError::InvalidSegment { segment: s, offset: o, .. } }
                if (s, o) == (segment, WireOffset::new(record))
        ));
    }
    // Where the digest is wrong too, the record is damaged. A segment header is checked without it.
    for at in [40, 80, PREAMBLE_SIZE + SLOT, PREAMBLE_SIZE + SLOT + 20] {
        let damaged = failure(false, &|parts| parts.records[1][at] ^= 1);
        assert!(matches!(
            damaged,
            SealError::Segment { error: SegmentWorkerError::DigestMismatch { segment: s, offset: o, .. } }
                if (s, o) == (segment, WireOffset::new(record))
        ));
    }
    assert_eq!(
        failure(false, &|parts| parts.records[1][8] ^= 1).code(),
        "INVALID_SEGMENT"
    );
}

#[test]
fn a_source_without_the_whole_record_keeps_the_frame_s_failure() {
    let stream = seal(&plaintext(SIZE), &compact());
    let damaged = StreamParts::changed(&stream, |parts| parts.records[1][PREAMBLE_SIZE + 20] ^= 1);
    let reader = open(&&damaged[..], 0).unwrap();
    let fetched = read_fetched(&reader, &damaged, SEGMENT, 1).unwrap_err();
    assert_eq!(fetched.code(), "FRAME_DECRYPTION_FAILED");
    let check = |stream: &[u8], segment| {
        reader.check_digest(&stream, SegmentIndex::new(segment), &CancellationToken::new())
    };
    assert_eq!(check(&damaged, 1).unwrap_err().code(), "DIGEST_MISMATCH");
    assert_eq!(check(&damaged, 0), Ok(()));
}

/// The second frame of segment 1 is sealed anew under the record's own keys, as a recipient can; the digest is right.
fn resealed(stream: &[u8]) -> Vec<u8> {
    StreamParts::changed(stream, |parts| {
        parts.reseal_frame(1, 1, &[9; FRAME as usize]);
        parts.mend_digest(1);
    })
}

#[test]
fn a_frame_that_was_sealed_anew_is_refused_where_records_are_hashed_first() {
    let content = plaintext(SIZE);
    let stream = seal(&content, &compact());
    let resealed = resealed(&stream);
    let hashing = |bytes: &[u8]| {
        let mut opened = SeekableStream::open(&bytes, &reading(), &CancellationToken::new()).unwrap();
        opened.stream.context = opened.stream.context.hashing_first();
        RangeReader::new(opened, 1 << 20).unwrap()
    };
    // A reader of single frames can't see it.
    let reader = open(&&resealed[..], 0).unwrap();
    assert_eq!(read(&reader, &&resealed[..], SEGMENT + FRAME, 4).unwrap(), [9; 4]);
    let reader = hashing(&resealed);
    for (start, length) in [(SEGMENT, 1), (SEGMENT + FRAME, 1), (0, SIZE as usize)] {
        let failure = read(&reader, &&resealed[..], start, length).unwrap_err();
        assert!(matches!(
            failure,
            SealError::Segment {
                error: SegmentWorkerError::InvalidSegment {
                    reason: SegmentReason::Digest,
                    ..
                }
            }
        ));
    }
    assert!(read(&reader, &&resealed[..], 0, SEGMENT as usize).is_ok());
    // Sound streams read the same, whole records at a time, from a source that has nothing else.
    let reader = hashing(&stream);
    for (start, length) in [
        (0, 1),
        (FRAME - 1, 2),
        (SEGMENT + 5, 2000),
        (SIZE - 1, 1),
        (0, SIZE as usize),
    ] {
        let expected = &content[start as usize..start as usize + length];
        let sealed = reader.sealed_range(ByteRange::at(start, length as u64));
        let missing = reader.plan(ByteRange::at(start, length as u64)).missing();
        assert!(
            missing
                .iter()
                .all(|range| sealed.start <= range.start && range.end <= sealed.end)
        );
        assert!(
            read_fetched(&reader, &stream, start, length).unwrap() == expected,
            "{start}"
        );
    }
}

#[test]
fn a_frame_in_another_place_is_refused() {
    let stream = seal(&plaintext(SIZE), &compact());
    let swapped = StreamParts::changed(&stream, |parts| {
        let frames = &mut parts.records[0][PREAMBLE_SIZE..PREAMBLE_SIZE + 2 * SLOT];
        let (first, second) = frames.split_at_mut(SLOT);
        first[4..].swap_with_slice(&mut second[4..]);
        first[..4].fill(0xFF);
        let size = second.len() as u32;
        second[..4].copy_from_slice(&size.to_be_bytes());
        parts.mend_digest(0);
    });
    let reader = open(&&swapped[..], 0).unwrap();
    for start in [0, FRAME] {
        let failure = read(&reader, &&swapped[..], start, 1).unwrap_err();
        assert_eq!(failure.code(), "FRAME_DECRYPTION_FAILED");
    }
}

#[test]
fn a_segment_of_another_sealing_is_refused() {
    let plaintext = plaintext(SIZE);
    let stream = seal(&plaintext, &compact());
    let replayed = StreamParts::changed(&stream, |parts| {
        let other = vec![7; SEGMENT as usize];
        parts.records[1] = parts.sealed_again(1, &other, false);
    });
    let reader = open(&&replayed[..], 1 << 20).unwrap();
    let failure = read(&reader, &&replayed[..], SEGMENT, 1).unwrap_err();
    assert!(matches!(
        failure,
        SealError::Segment { error: SegmentWorkerError::InvalidSegment { segment, reason: SegmentReason::MessageTag, .. } }
            if segment == SegmentIndex::new(1)
    ));
    assert!(read(&reader, &&replayed[..], 0, SEGMENT as usize).unwrap() == plaintext[..SEGMENT as usize]);
}

#[test]
fn a_cut_stream_is_refused_before_any_plaintext() {
    let plaintext = plaintext(SIZE);
    for stream in [seal(&plaintext, &compact()), seal_unsized(&plaintext, &compact())] {
        for cut in 0..stream.len() {
            assert!(open(&&stream[..cut], 0).is_err(), "{cut}");
        }
        let mut longer = stream.clone();
        longer.push(0);
        assert!(open(&&longer[..], 0).is_err());
    }
}

#[test]
fn a_stream_with_neither_a_stated_size_nor_a_valid_end_is_refused() {
    let mut stream = seal_unsized(&plaintext(SIZE), &compact());
    *stream.last_mut().unwrap() ^= 1;
    assert!(matches!(
        open(&&stream[..], 0).err(),
        Some(SealError::EndDamaged {
            part: EndPart::Footer,
            ..
        })
    ));
}

#[test]
fn a_source_that_became_shorter_or_fails_is_reported() {
    let stream = seal(&plaintext(SIZE), &compact());
    let parts = StreamParts::of(&stream);
    let reader = open(&&stream[..], 0).unwrap();
    let end = parts.record_offset(1) as usize + 200;
    let failure = read(&reader, &&stream[..end], SEGMENT, 1).unwrap_err();
    let due = SealError::Truncated {
        next_segment: SegmentIndex::new(1),
        verified_bytes: 0,
        offset: WireOffset::new(end as u64),
    };
    assert_eq!(failure, due);
    let faulty = FaultySource::new(&stream, 0, Fault::Error(io::ErrorKind::TimedOut));
    assert_eq!(read(&reader, &&faulty, 0, 1).unwrap_err().code(), "IO");
    // Bytes that were not fetched are an error, not zeros.
    let missing = reader.plan(ByteRange::at(0, SIZE)).missing();
    let half = ByteRange {
        end: missing[0].end - 1,
        ..missing[0]
    };
    let failure = read(&reader, &fetched(&stream, &[half]), 0, SIZE as usize).unwrap_err();
    assert_eq!(failure.code(), "IO");
}

#[test]
fn an_output_that_is_too_small_is_refused() {
    let stream = seal(&plaintext(SIZE), &compact());
    let reader = open(&&stream[..], 0).unwrap();
    let plan = reader.plan(ByteRange::at(0, 10));
    let times = &mut StageTimes::default();
    let result = reader.read(&&stream[..], &plan, &mut [0; 9], &CancellationToken::new(), times);
    let (available, needed) = (9, 10);
    assert_eq!(result, Err(SealError::OutputTooSmall { available, needed }));
}

#[test]
fn a_cancelled_read_stops() {
    // More than one read takes.
    let plaintext = plaintext(2 << 20);
    let stream = seal(&plaintext, &compact());
    let reader = open(&&stream[..], 0).unwrap();
    let plan = reader.plan(ByteRange::at(0, 2 << 20));
    let mut out = vec![0; 2 << 20];
    let token = CancellationToken::new();
    let source = FaultySource::new(&stream, 1, Fault::Cancel(token.clone()));
    let result = reader.read(&&source, &plan, &mut out, &token, &mut StageTimes::default());
    assert_eq!(result, Err(SealError::Cancelled));
    assert_eq!(source.operations(), 2);
    let result = reader.read(&&source, &plan, &mut out, &token, &mut StageTimes::default());
    assert_eq!((result, source.operations()), (Err(SealError::Cancelled), 2));
}
