//! Rows about segments: bit rot, tampering, and records of other segments.

use super::{
    Case, THREE_SEGMENTS, one_frame_segments, record_offset, rows, three_segments, three_segments_unsized,
    two_frames,
};
use crate::format::{DigestKind, Footer};
use crate::stream_v2::segment_worker::PREAMBLE_SIZE;
use crate::testing::failure_data::{FailureData, failure_data};
use crate::testing::stream_parts::StreamParts;
use crate::testing::support::{plaintext, seal};

rows! {
    rot_in_a_frame: "A bit of a frame is flipped." => {
        let stream = three_segments();
        let due = failure_data("Segment.DigestMismatch").segment(1).at(record_offset(&stream, 1));
        Case::refused(StreamParts::changed(&stream, |parts| parts.records[1][300] ^= 4), due)
    };
    rot_in_a_digest: "A bit of a segment's digest is flipped." => {
        let stream = two_frames(DigestKind::Blake3);
        let due = failure_data("Segment.DigestMismatch").segment(0).at(record_offset(&stream, 0));
        Case::refused(StreamParts::changed(&stream, |parts| *parts.records[0].last_mut().unwrap() ^= 1), due)
    };
    rot_in_a_floe_header: "A bit of a FLOE header is flipped: the digest tells that it is rot." => {
        let stream = two_frames(DigestKind::Sha256);
        let due = failure_data("Segment.DigestMismatch").segment(0).at(record_offset(&stream, 0));
        Case::refused(StreamParts::changed(&stream, |parts| parts.records[0][50] ^= 1), due)
    };
    a_tampered_frame: "A ciphertext byte was changed and the digest mended." => {
        tampered(DigestKind::Crc64Nvme, FRAME_1 + 20, frame_failure("Segment.FrameDecryptionFailed"))
    };
    a_tampered_frame_under_a_cryptographic_digest: "The same under SHA-512, which needs no key to mend either." => {
        tampered(DigestKind::Sha512, FRAME_1 + 20, frame_failure("Segment.FrameDecryptionFailed"))
    };
    a_changed_frame_without_a_digest: "A ciphertext byte was changed in a stream without digests." => {
        tampered(DigestKind::None, FRAME_1 + 20, frame_failure("Segment.FrameDecryptionFailed"))
    };
    a_tampered_frame_tag: "A byte of a frame's tag was changed and the digest mended." => {
        tampered(DigestKind::Crc64Nvme, FRAME_1 + 16 + 5 + 3, frame_failure("Segment.FrameDecryptionFailed"))
    };
    a_tampered_frame_iv: "A byte of a frame's IV was changed and the digest mended." => {
        tampered(DigestKind::Crc64Nvme, FRAME_1 + 4, frame_failure("Segment.FrameDecryptionFailed"))
    };
    a_changed_frame_length: "A frame's length field was changed and the digest mended." => {
        tampered(DigestKind::Crc64Nvme, FRAME_1 + 3, frame_failure("Segment.FramingError"))
    };
    a_frame_that_claims_to_be_the_last: "The first of two frames has its own length where the mark should be." => {
        let stream = two_frames(DigestKind::Crc64Nvme);
        let due = failure_data("Segment.FramingError").segment(0).frame(0).at(record_offset(&stream, 0) + PREAMBLE_SIZE as u64);
        let stream = StreamParts::changed(&stream, |parts| {
            parts.records[0][PREAMBLE_SIZE..PREAMBLE_SIZE + 4].copy_from_slice(&1056u32.to_be_bytes());
            parts.mend_digest(0);
        });
        Case::refused(stream, due)
    };
    swapped_frames: "Two full frames of a segment changed places and the digest was mended." => {
        let stream = seal(&plaintext(2048), &super::crc64());
        let due = failure_data("Segment.FrameDecryptionFailed").segment(0).frame(0).at(record_offset(&stream, 0) + 106);
        let stream = StreamParts::changed(&stream, |parts| {
            let (first, second) = parts.records[0][PREAMBLE_SIZE..].split_at_mut(1056);
            // Only what is sealed: the length fields stay right.
            first[4..].swap_with_slice(&mut second[4..1056]);
            parts.mend_digest(0);
        });
        Case::refused(stream, due)
    };
    a_wrong_marker: "A record starts with `SEG2`." => {
        in_segment_header("Marker", |record| record[3] = b'2')
    };
    rot_in_a_segment_header: "A segment header's checksum does not match." => {
        let stream = three_segments();
        let due = invalid(&stream, 1, "HeaderChecksum");
        Case::refused(StreamParts::changed(&stream, |parts| parts.records[1][10] ^= 1), due)
    };
    reserved_segment_flags: "Bit 2 of a segment's flags is set." => {
        in_segment_header("ReservedBits", |record| record[4] |= 4)
    };
    reserved_segment_bytes: "A reserved byte of a segment's header is not zero." => {
        in_segment_header("ReservedBits", |record| record[7] = 1)
    };
    a_compressed_segment: "A segment says that it is compressed, in a stream without compression." => {
        in_segment_header("Compressed", |record| record[4] |= 2)
    };
    a_segment_of_another_index: "A segment's index was changed and its checksum mended." => {
        in_segment_header("Index", |record| record[15] = 7)
    };
    a_segment_larger_than_the_streams: "A segment claims more plaintext than a segment has." => {
        in_segment_header("PlaintextSize", |record| record[16] = 1)
    };
    an_empty_segment_behind_the_first: "A FINAL segment claims to be empty, yet is not the first." => {
        in_last_segment_header("PlaintextSize", |record| record[16..24].fill(0))
    };
    a_content_size_that_disagrees: "A segment's content size is not its plaintext size." => {
        in_segment_header("ContentSize", |record| record[23] = 1)
    };
    a_record_size_that_disagrees: "A segment's record size is not what its content needs." => {
        in_segment_header("RecordSize", |record| record[27] ^= 1)
    };
    final_too_early: "The second of three segments has FINAL." => {
        in_segment_header("Finality", |record| record[4] = 1)
    };
    final_missing: "The last segment is full and has no FINAL." => {
        let stream = seal(&plaintext(3 * 1024), &one_frame_segments());
        let due = invalid(&stream, 2, "Finality");
        Case::refused(with_segment_header(&stream, 2, |record| record[4] = 0), due)
            .in_order(invalid(&stream, 2, "Finality"))
    };
    other_floe_parameters: "A FLOE header states another frame length; the digest was mended." => {
        in_floe_header("FloeParameters", 32 + 5)
    };
    a_changed_message_iv: "A FLOE header's IV was changed; the digest was mended." => {
        in_floe_header("FloeHeaderTag", 32 + 10)
    };
    a_changed_floe_tag: "A FLOE header's tag was changed; the digest was mended." => {
        in_floe_header("FloeHeaderTag", 32 + 73)
    };
    swapped_segments: "The first two of three segments changed places." => {
        let stream = three_segments();
        let due = invalid(&stream, 0, "Index");
        Case::refused(StreamParts::changed(&stream, |parts| parts.records.swap(0, 1)), due)
    };
    a_repeated_segment: "The first segment stands in the second one's place too." => {
        let stream = three_segments();
        let due = invalid(&stream, 1, "Index");
        Case::refused(StreamParts::changed(&stream, |parts| parts.records[1] = parts.records[0].clone()), due)
    };
    a_missing_segment: "The second of three segments is missing; the header does not say how long the plaintext is." => {
        let stream = three_segments_unsized();
        let due = invalid(&stream, 1, "Index");
        misplaced_end(StreamParts::changed(&stream, |parts| drop(parts.records.remove(1))), due)
    };
    a_segment_of_another_stream: "A segment of the same index out of another stream for the same key." => {
        let stream = three_segments();
        let due = invalid(&stream, 1, "FloeHeaderTag");
        Case::refused(StreamParts::changed(&stream, |parts| parts.records[1] = of_another_stream(1)), due)
    };
    a_renumbered_segment: "The first segment in the second one's place, its index, checksum and digest mended." => {
        let stream = three_segments();
        let due = invalid(&stream, 1, "FloeHeaderTag");
        let stream = StreamParts::changed(&stream, |parts| {
            parts.records[1] = parts.records[0].clone();
            parts.records[1][15] = 1;
            parts.mend_segment_header(1);
            parts.mend_digest(1);
        });
        Case::refused(stream, due)
    };
    a_second_final_segment: "Another segment with FINAL behind the final one; the header states no length." => {
        let stream = three_segments_unsized();
        let due = failure_data("Segment.InvalidSegment").segment(3).at(StreamParts::of(&stream).end_offset());
        let stream = StreamParts::changed(&stream, |parts| {
            let more = parts.sealed_again(3, b"more", true);
            parts.records.push(more);
        });
        misplaced_end(stream, due.with("reason", "AfterFinal"))
    };
    a_segment_behind_the_final_one: "Another segment behind the final one; the header states the length." => {
        let stream = three_segments();
        let due = failure_data("Segment.InvalidSegment").segment(3).at(StreamParts::of(&stream).end_offset());
        let stream = StreamParts::changed(&stream, |parts| {
            let again = parts.records[2].clone();
            parts.records.push(again);
        });
        Case::refused(stream, due.with("reason", "AfterFinal"))
    };
    the_end_record_too_early: "The final segment is missing and the end record follows the one before." => {
        let stream = three_segments_unsized();
        let due = invalid(&stream, 2, "EndTooEarly");
        misplaced_end(StreamParts::changed(&stream, |parts| drop(parts.records.pop())), due)
    };
}

/// The end record does not stand behind the records that it names, which a reader by offset sees first.
fn misplaced_end(changed: Vec<u8>, in_order: FailureData) -> Case {
    let footer = Footer::parse(changed.last_chunk().unwrap()).unwrap();
    let by_offset = failure_data("EndTampered").at(changed.len() as u64 - footer.end_size);
    Case::refused(changed, by_offset.with("disagreement", "PlaintextTotal")).in_order(in_order)
}

/// Where the second frame starts in a record.
const FRAME_1: usize = PREAMBLE_SIZE + 1056;

/// A failure of the second frame of the only segment; where it starts is added by [`tampered`].
fn frame_failure(kind: &'static str) -> FailureData {
    failure_data(kind).segment(0).frame(1)
}

/// One byte of the only record was changed, and the digest mended.
fn tampered(digest: DigestKind, at: usize, due: FailureData) -> Case {
    let stream = two_frames(digest);
    let due = due.at(record_offset(&stream, 0) + FRAME_1 as u64);
    let stream = StreamParts::changed(&stream, |parts| {
        parts.records[0][at] ^= 1;
        parts.mend_digest(0);
    });
    Case::refused(stream, due)
}

fn invalid(stream: &[u8], segment: usize, reason: &'static str) -> FailureData {
    let offset = record_offset(stream, segment);
    failure_data("Segment.InvalidSegment")
        .segment(segment as u64)
        .at(offset)
        .with("reason", reason)
}

/// A segment's header was changed, and its checksum and the digest mended.
fn with_segment_header(stream: &[u8], segment: usize, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    StreamParts::changed(stream, |parts| {
        change(&mut parts.records[segment]);
        parts.mend_segment_header(segment);
        parts.mend_digest(segment);
    })
}

fn in_segment_header(reason: &'static str, change: impl FnOnce(&mut Vec<u8>)) -> Case {
    let stream = three_segments();
    Case::refused(
        with_segment_header(&stream, 1, change),
        invalid(&stream, 1, reason),
    )
}

fn in_last_segment_header(reason: &'static str, change: impl FnOnce(&mut Vec<u8>)) -> Case {
    let stream = three_segments();
    Case::refused(
        with_segment_header(&stream, 2, change),
        invalid(&stream, 2, reason),
    )
}

fn in_floe_header(reason: &'static str, at: usize) -> Case {
    let stream = three_segments();
    let due = invalid(&stream, 1, reason);
    let stream = StreamParts::changed(&stream, |parts| {
        parts.records[1][at] ^= 1;
        parts.mend_digest(1);
    });
    Case::refused(stream, due)
}

/// A segment that another stream for the same key has at this place.
fn of_another_stream(segment: usize) -> Vec<u8> {
    // With a context the stream has other keys, though its random bytes are the same.
    let other = seal(
        &plaintext(THREE_SEGMENTS),
        &one_frame_segments().with_context(b"another"),
    );
    StreamParts::of(&other).records.swap_remove(segment)
}
