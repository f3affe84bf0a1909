//! Streams that a reader must accept: parts that it may skip, and damage that a copy replaces.

use super::ends::{sealed_metadata, with_core_extensions, with_end_extension, with_metadata};
use super::headers::{entry, slots_of_other_types};
use super::{Case, Outcome, THREE_SEGMENTS, crc64, rows, three_segments, three_segments_unsized, tiny};
use crate::format::DigestKind;
use crate::operation::options::HeaderLayout;
use crate::testing::failure_data::failure_data;
use crate::testing::stream_parts::StreamParts;
use crate::testing::support::{options, plaintext, seal};

rows! {
    an_unknown_uncritical_header_extension: "A header extension of the unknown type 1, which may be skipped." => {
        with_right_mac(|draft| draft.header_extensions = entry(1, b"skip me"))
    };
    an_unknown_uncritical_core_extension: "A core extension of the unknown type 0x7fff, which may be skipped; the keys are bound to it." => {
        Case::opens(with_core_extensions(&entry(0x7fff, b"skip me")), plaintext(5))
    };
    unknown_uncritical_end_extensions: "Two extensions of unknown types in the end record, which may be skipped." => {
        let extensions = [entry(2, b"skip"), entry(0x4001, b"")].concat();
        Case::opens(with_end_extension(&three_segments(), &extensions), plaintext(THREE_SEGMENTS))
    };
    unknown_uncritical_end_extensions_of_an_unsized_stream: "The same where the header states no length." => {
        let extensions = entry(7, &[9; 300]);
        Case::opens(with_end_extension(&three_segments_unsized(), &extensions), plaintext(THREE_SEGMENTS))
    };
    metadata: "The end record has metadata: a time, permission bits, a name, padding, and an unknown entry, which may be skipped." => {
        let time = [&1_700_000_000u64.to_be_bytes()[..], &[0, 0, 0, 9]].concat();
        let entries = [entry(1, &time), entry(2, &[0, 0, 1, 0xa4]), entry(3, b"name"), entry(0, &[0; 7]), entry(77, b"?")];
        Case::opens(with_metadata(&sealed_metadata(&entries.concat())), plaintext(THREE_SEGMENTS))
    };
    slots_of_other_types_before_the_one_that_opens: "Slots of types 2 to 5 and of an unknown type in front of a key slot." => {
        with_right_mac(|draft| draft.slots.splice(..0, slots_of_other_types()).for_each(drop))
    };
    a_rewrapped_header: "A header of a higher revision, with more slots and a right MAC." => {
        with_right_mac(|draft| {
            draft.revision = 3;
            draft.slots.extend(slots_of_other_types());
        })
    };
    a_damaged_header_with_a_copy: "A bit of the header is flipped; a reader that can seek takes the copy." => {
        let opens = Outcome::Opens { plaintext: plaintext(5), header_from_copy: true, header_copy_damaged: false };
        let refused = Case::refused(with_a_copy(|parts| parts.header[200] ^= 1), failure_data("HeaderDamaged").at(4092));
        Case { by_offset: opens, ..refused }
    };
    an_overwritten_magic_with_a_copy: "The first 16 bytes are zeros; a reader that can seek takes the copy." => {
        let opens = Outcome::Opens { plaintext: plaintext(5), header_from_copy: true, header_copy_damaged: false };
        let refused = failure_data("NotSealed").with("looks_like", "Zeros");
        Case { by_offset: opens, ..Case::refused(with_a_copy(|parts| parts.header[..16].fill(0)), refused) }
    };
    a_damaged_header_copy: "A bit of the header's copy is flipped, which a report tells." => {
        let opens = Outcome::Opens { plaintext: plaintext(5), header_from_copy: false, header_copy_damaged: true };
        let stream = with_a_copy(|parts| parts.copy[200] ^= 1);
        Case { by_offset: opens.clone(), in_order: opens, ..Case::opens(stream, plaintext(5)) }
    };
    a_header_and_a_copy_that_are_damaged: "A bit is flipped in the header and in its copy." => {
        let stream = with_a_copy(|parts| {
            parts.header[200] ^= 1;
            parts.copy[200] ^= 1;
        });
        Case::refused(stream, failure_data("HeaderDamaged").at(4092))
    };
}

/// A stream whose header was changed and given a right MAC, as a rewrap does.
fn with_right_mac(change: impl FnOnce(&mut crate::format::HeaderFields)) -> Case {
    let stream = StreamParts::changed(&tiny(), |parts| {
        let keys = parts.keys();
        parts.rewrite_header(Some(&keys), change);
    });
    Case::opens(stream, plaintext(5))
}

fn with_a_copy(change: impl FnOnce(&mut StreamParts)) -> Vec<u8> {
    let options = crate::operation::options::EncryptOptions {
        header: HeaderLayout::PADDED,
        ..options(DigestKind::Crc64Nvme, crc64().header)
    };
    StreamParts::changed(&seal(&plaintext(5), &options), change)
}
