//! Rows about the end of a stream: truncated, damaged, of other segments, or not last.

use super::headers::entry;
use super::{
    Case, THREE_SEGMENTS, crc64, one_frame_segments, record_offset, rows, three_segments,
    three_segments_unsized, tiny,
};
use crate::crypto::Random;
use crate::format::{DigestKind, END_METADATA};
use crate::operation::options::{EncryptOptions, HeaderLayout};
use crate::testing::failure_data::{FailureData, failure_data};
use crate::testing::stream_parts::{Forgery, StreamParts, forge};
use crate::testing::support::{options, plaintext, seal, seal_unsized};

rows! {
    nothing_at_all: "No bytes." => Case::refused(Vec::new(), failure_data("NotSealed").with("looks_like", "Empty"));
    a_cut_in_the_header: "Cut in the header." => {
        Case::refused(tiny()[..150].to_vec(), failure_data("Truncated").segment(0).at(150))
    };
    a_cut_in_a_segment: "Cut in the second of three segments." => {
        let stream = three_segments();
        let at = record_offset(&stream, 1) + 500;
        cut(stream, at, 1)
    };
    a_cut_between_segments: "Cut where the second of three segments starts; the header states no length." => {
        let stream = three_segments_unsized();
        let at = record_offset(&stream, 1);
        cut(stream, at, 1)
    };
    a_cut_before_the_end_record: "Cut behind the last segment." => {
        let stream = three_segments();
        let at = StreamParts::of(&stream).end_offset();
        cut(stream, at, 3)
    };
    a_cut_in_the_end_record: "Cut in the end record." => {
        let stream = three_segments();
        let at = StreamParts::of(&stream).end_offset() + 100;
        cut(stream, at, 3)
    };
    a_cut_in_the_header_copy: "Cut in the header's copy." => {
        let stream = seal(&plaintext(5), &options(DigestKind::None, HeaderLayout::PADDED));
        let at = stream.len() as u64 - 2000;
        cut(stream, at, 1)
    };
    a_cut_in_the_footer: "The last byte is missing; the header states no length." => {
        let stream = three_segments_unsized();
        let at = stream.len() as u64 - 1;
        cut(stream, at, 3)
    };
    rot_in_the_end_record: "A bit of the end record is flipped." => {
        Case::refused(with_end(&three_segments(), |parts| parts.end[60] ^= 1), end_damaged(&three_segments()))
    };
    rot_in_the_end_records_marker: "The end record does not start with `SEND`." => {
        let stream = three_segments_unsized();
        let changed = with_end(&stream, |parts| {
            parts.end[0] = b'X';
            parts.mend_end();
        });
        Case::refused(changed, end_damaged(&stream))
    };
    rot_in_the_footer: "A bit of the footer is flipped." => {
        Case::refused(with_end(&three_segments(), |parts| parts.footer[20] ^= 1), footer_damaged(&three_segments()))
    };
    a_footer_that_disagrees: "The footer's checksum is right, and it states another size of the end." => {
        let stream = three_segments_unsized();
        let changed = with_end(&stream, |parts| {
            parts.end.push(0);
            parts.mend_footer();
            parts.end.pop();
        });
        Case::refused(changed, footer_damaged(&stream))
    };
    two_end_extensions_of_one_type: "Two extensions of the type 7 in the end record." => {
        let stream = three_segments();
        let at = StreamParts::of(&stream).end_offset() + 28 + 7;
        let due = failure_data("HeaderError").at(at).with("field", "EndExtensions");
        Case::refused(with_end_extension(&stream, &[entry(7, b"a"), entry(7, b"b")].concat()), due)
    };
    a_sender_that_is_not_the_last_extension: "The end record has another extension behind that of a sender." => {
        let stream = three_segments();
        let at = StreamParts::of(&stream).end_offset() + 28;
        let due = failure_data("HeaderError").at(at).with("field", "EndExtensions");
        Case::refused(with_end_extension(&stream, &[entry(1, b"a"), entry(7, b"b")].concat()), due)
    };
    metadata_that_does_not_open: "A bit of the end record's sealed metadata is flipped; its MAC is right." => {
        let mut value = sealed_metadata(&[]);
        value[40] ^= 1;
        Case::refused(with_metadata(&value), extension_tampered())
    };
    metadata_too_short_to_be_sealed: "The end record's sealed metadata has no room for a tag; its MAC is right." => {
        Case::refused(with_metadata(&[7; 47]), extension_tampered())
    };
    metadata_with_an_entry_cut_short: "The metadata opens, and an entry in it is cut short." => {
        Case::refused(with_metadata(&sealed_metadata(&entry(3, b"name")[..8])), extension_tampered())
    };
    metadata_with_two_names: "The metadata opens, and has two entries of the same type." => {
        let twice = [entry(3, b"a"), entry(3, b"b")].concat();
        Case::refused(with_metadata(&sealed_metadata(&twice)), extension_tampered())
    };
    metadata_with_padding_that_is_not_zero: "The metadata opens, and a byte of its padding is 1." => {
        Case::refused(with_metadata(&sealed_metadata(&entry(0, &[0, 1]))), extension_tampered())
    };
    metadata_with_a_time_that_does_not_exist: "The metadata opens, and its time has a thousand million nanoseconds." => {
        let time = [&[0; 8][..], &1_000_000_000u32.to_be_bytes()].concat();
        Case::refused(with_metadata(&sealed_metadata(&entry(1, &time))), extension_tampered())
    };
    metadata_with_an_unknown_critical_entry: "The metadata opens, and has an entry of the unknown type 0x8001, which is critical." => {
        let due = failure_data("HeaderError").with("field", "EndExtensions");
        let at = StreamParts::of(&three_segments()).end_offset();
        Case::refused(with_metadata(&sealed_metadata(&entry(0x8001, b""))), due.at(at))
    };
    an_unknown_critical_end_extension: "An end record's extension of the unknown type 0x8001, which is critical." => {
        let stream = three_segments();
        let offset = StreamParts::of(&stream).end_offset() + 28;
        let due = failure_data("HeaderError").with("field", "EndExtensions").at(offset);
        Case::refused(with_end_extension(&stream, &entry(0x8001, b"?")), due)
    };
    an_end_record_without_its_mac: "The end record's MAC does not match and its checksum does." => {
        let stream = three_segments();
        let changed = with_end(&stream, |parts| {
            let mac = parts.end.len() - 52;
            parts.end[mac] ^= 1;
            parts.mend_end_checksum();
        });
        Case::refused(changed, end_tampered(&stream, "Mac"))
    };
    an_end_record_of_another_stream: "The end record of another stream for the same key." => {
        let other = seal(&plaintext(THREE_SEGMENTS), &one_frame_segments().with_context(b"another"));
        let stream = three_segments();
        let changed = with_end(&stream, |parts| parts.end = StreamParts::of(&other).end);
        Case::refused(changed, end_tampered(&stream, "Mac"))
    };
    an_end_record_that_counts_other_segments: "The end record's count is four, its MAC and checksum right." => {
        let stream = three_segments();
        let changed = with_end(&stream, |parts| {
            parts.end[15] = 4;
            parts.mend_end();
        });
        Case::refused(changed, end_tampered(&stream, "SegmentCount"))
    };
    an_end_record_of_another_length: "The end record states another plaintext length, its MAC and checksum right." => {
        let stream = three_segments_unsized();
        let changed = with_end(&stream, |parts| {
            parts.end[23] ^= 1;
            parts.mend_end();
        });
        Case::refused(changed, end_tampered(&stream, "PlaintextTotal"))
    };
    an_end_record_of_another_length_than_the_header: "The same where the header states the length." => {
        let stream = three_segments();
        let changed = with_end(&stream, |parts| {
            parts.end[23] ^= 1;
            parts.mend_end();
        });
        Case::refused(changed, end_tampered(&stream, "PlaintextTotal"))
    };
    a_second_sealing_of_a_segment: "A segment was sealed again with the stream's keys; the end record names the first." => {
        let stream = three_segments();
        let changed = with_end(&stream, |parts| {
            let content = plaintext(THREE_SEGMENTS);
            parts.records[1] = parts.sealed_again(1, &content[1024..2048], false);
        });
        not_the_named(changed, &stream, "MessageTag")
    };
    a_frame_sealed_anew: "A frame was sealed again under its record's keys, the digest made right; the end record has the old digest." => {
        let stream = three_segments();
        let changed = with_end(&stream, |parts| {
            parts.reseal_frame(1, 0, &[9; 1024]);
            parts.mend_digest(1);
        });
        not_the_named(changed, &stream, "Digest")
    };
    a_manifest_entry_with_another_digest: "The end record names another digest of a segment, its MAC and checksum right." => {
        let stream = three_segments();
        let changed = with_end(&stream, |parts| {
            parts.end[28 + 44 + 36] ^= 1;
            parts.mend_end();
        });
        not_the_named(changed, &stream, "Digest")
    };
    a_manifest_entry_of_another_size: "The end record gives a segment another size, its MAC and checksum right." => {
        let stream = three_segments();
        let changed = with_end(&stream, |parts| {
            parts.end[28 + 44 + 3] ^= 1;
            parts.mend_end();
        });
        Case::refused(changed, end_tampered(&stream, "Segment").segment(1))
    };
    a_byte_behind_the_end: "A byte follows the footer." => {
        let stream = three_segments();
        let end = stream.len() as u64;
        Case::refused([stream, vec![0]].concat(), failure_data("TrailingData").at(end))
    };
    a_stream_behind_the_end: "A second stream follows the first, whose header states no length." => {
        let stream = seal_unsized(&plaintext(5), &crc64());
        let end = stream.len() as u64;
        Case::refused([stream, tiny()].concat(), failure_data("TrailingData").at(end))
    };
    a_missing_segment_of_a_stream_that_states_its_length: "The second of three segments is missing; the header states the length." => {
        let stream = three_segments();
        let changed = StreamParts::changed(&stream, |parts| drop(parts.records.remove(1)));
        let index = failure_data("Segment.InvalidSegment").segment(1).at(record_offset(&stream, 1)).with("reason", "Index");
        // The source's length tells at once that not all of it is there.
        Case::refused(changed.clone(), failure_data("Truncated").segment(1).at(changed.len() as u64)).in_order(index)
    };
}

fn cut(mut stream: Vec<u8>, at: u64, next_segment: u64) -> Case {
    stream.truncate(at as usize);
    Case::refused(stream, failure_data("Truncated").segment(next_segment).at(at))
}

fn with_end(stream: &[u8], change: impl FnOnce(&mut StreamParts)) -> Vec<u8> {
    StreamParts::changed(stream, change)
}

/// The stream sealed anew with an extension in its end record.
pub(crate) fn with_end_extension(like: &[u8], end_extensions: &[u8]) -> Vec<u8> {
    let content = plaintext(THREE_SEGMENTS);
    let segments: Vec<_> = content
        .chunks(1024)
        .map(|segment| (segment, segment.len() < 1024))
        .collect();
    forge(
        like,
        &Forgery {
            end_extensions,
            segments: &segments,
            ..Forgery::default()
        },
    )
    .join()
}

/// The value of a metadata entry with these inner entries, sealed for [`three_segments`].
pub(crate) fn sealed_metadata(inner: &[u8]) -> Vec<u8> {
    let key = StreamParts::of(&three_segments()).keys().end_key().unwrap();
    key.seal_entry(END_METADATA, inner, &Random::known(9)).unwrap()
}

/// [`three_segments`] with a metadata entry of this value, and a right MAC.
pub(crate) fn with_metadata(value: &[u8]) -> Vec<u8> {
    with_end_extension(&three_segments(), &entry(END_METADATA, value))
}

fn extension_tampered() -> FailureData {
    failure_data("EndTampered")
        .at(StreamParts::of(&three_segments()).end_offset())
        .with("disagreement", "Extension")
}

/// A stream of one segment, sealed anew with these core extensions.
pub(crate) fn with_core_extensions(core_extensions: &[u8]) -> Vec<u8> {
    let like = seal(
        &plaintext(5),
        &EncryptOptions {
            header: HeaderLayout::COMPACT,
            ..crc64()
        },
    );
    let content = plaintext(5);
    forge(
        &like,
        &Forgery {
            core_extensions,
            segments: &[(&content, true)],
            ..Forgery::default()
        },
    )
    .join()
}

fn end_damaged(stream: &[u8]) -> FailureData {
    failure_data("EndDamaged")
        .at(StreamParts::of(stream).end_offset())
        .with("part", "EndRecord")
}

fn footer_damaged(stream: &[u8]) -> FailureData {
    failure_data("EndDamaged")
        .at(stream.len() as u64 - 24)
        .with("part", "Footer")
}

fn end_tampered(stream: &[u8], disagreement: &'static str) -> FailureData {
    failure_data("EndTampered")
        .at(StreamParts::of(stream).end_offset())
        .with("disagreement", disagreement)
}

/// The second record is not the one that the manifest names.
fn not_the_named(changed: Vec<u8>, stream: &[u8], reason: &'static str) -> Case {
    let by_offset = failure_data("Segment.InvalidSegment")
        .segment(1)
        .with("reason", reason);
    let by_offset = by_offset.at(record_offset(stream, 1));
    Case::refused(changed, by_offset).in_order(end_tampered(stream, "Segment").segment(1))
}
