//! Which header and which end record healing takes.

use super::{Copy, Parts, failure, heal_with, healed, stream};
use crate::format::DigestKind;
use crate::operation::options::{EncryptOptions, HeaderLayout};
use crate::rekey::detached::export_header;
use crate::repair::heal::{EndRecordState, HeaderState};
use crate::testing::stream_parts::StreamParts;
use crate::testing::support::{
    End, SEGMENT, compact, control, open_by, options, plaintext, reading, seal, seal_unsized,
};

fn rewrappable() -> EncryptOptions<'static> {
    options(DigestKind::Crc64Nvme, HeaderLayout::PADDED)
}

#[test]
fn header_and_end_record_are_taken_from_different_copies() {
    for options in [compact(), rewrappable()] {
        for whole in [
            seal(&plaintext(4 * SEGMENT), &options),
            seal_unsized(&plaintext(4 * SEGMENT), &options),
        ] {
            let parts = Parts::of(&whole);
            let without_header = || {
                Copy::of(&whole)
                    .hurt(parts.header.clone())
                    .hurt(parts.copy.clone())
            };
            let without_end = || Copy::of(&whole).cut(parts.end.start + 3);
            let report = healed(&[without_header(), without_end()], &whole);
            assert_eq!((report.header_from, report.end_from), (1, 0));
            assert_eq!(report.copies[0].header, HeaderState::Lost);
            assert_eq!(report.copies[1].end, EndRecordState::Lost);
            let report = healed(&[without_end(), without_header()], &whole);
            assert_eq!((report.header_from, report.end_from), (0, 1));
        }
    }
}

#[test]
fn a_header_is_healed_from_its_copy_without_a_footer() {
    let (whole, parts) = stream(3 * SEGMENT, &rewrappable());
    let headless = || Copy::of(&whole).hurt(10..300);
    let other = || Copy::of(&whole).hurt(parts.records[0].clone());
    for damaged in [
        headless(),
        headless().followed_by(b"more"),
        headless().hurt(parts.footer.clone()),
        headless().unreadable(0..10),
    ] {
        let report = healed(&[damaged, other()], &whole);
        assert_eq!(
            (report.header_from, report.copies[0].header),
            (0, HeaderState::FromCopy)
        );
    }
}

#[test]
fn footer_and_header_copy_are_rewritten_and_trailing_bytes_omitted() {
    let (whole, parts) = stream(2 * SEGMENT, &rewrappable());
    let hurt = || {
        Copy::of(&whole)
            .hurt(parts.copy.clone())
            .hurt(parts.footer.clone())
    };
    let report = healed(&[hurt().followed_by(&[9; 5000]), hurt()], &whole);
    assert_eq!(report.trailing_bytes, 5000);
    assert_eq!(healed(&[hurt(), hurt()], &whole).trailing_bytes, 0);
}

#[test]
fn a_stream_of_unknown_length_without_a_footer_is_measured_by_its_final_segment() {
    for size in [0, 5, SEGMENT, 3 * SEGMENT + 1] {
        let whole = seal_unsized(&plaintext(size), &compact());
        let parts = Parts::of(&whole);
        let hurt = || Copy::of(&whole).hurt(parts.footer.clone());
        healed(
            &[hurt().followed_by(&[1; 9000]), hurt().followed_by(&[2; 3])],
            &whole,
        );
    }
}

#[test]
fn a_detached_header_serves_as_a_copy() {
    let (whole, _) = stream(2 * SEGMENT, &compact());
    let header = export_header(&&whole[..]).unwrap();
    let copies = [Copy::of(&whole).hurt(0..8), Copy::of(&header)];
    assert_eq!(healed(&copies, &whole).header_from, 1);
}

#[test]
fn copies_with_headers_of_different_sizes_heal_each_other() {
    let (short, parts) = stream(3 * SEGMENT, &compact());
    let keys = StreamParts::of(&short).keys();
    let long = StreamParts::changed(&short, |parts| {
        let mut fields = parts.parsed_header().fields;
        fields.revision = 1;
        parts.header = fields.encode(2000, |bytes| keys.header_mac(bytes));
    });
    let long_parts = Parts::of(&long);
    assert!(long.len() > short.len());
    let at = long_parts.records[1].start + 500;
    let hurt = |copy: &[u8]| Copy::of(copy).hurt(at..at + 9);
    // The damaged copy's own header stays.
    healed(
        &[hurt(&long), Copy::of(&short).hurt(parts.records[2].clone())],
        &long,
    );
    let other = Copy::of(&long).hurt(long_parts.records[0].clone());
    let at = parts.records[2].start + 500;
    healed(&[Copy::of(&short).hurt(at..at + 9), other], &short);
    // If a copy has lost its header, its records show the header's size.
    for lost in [&long, &short] {
        let lost = || Copy::of(lost).hurt(0..100);
        let hurt =
            |copy: &[u8], parts: &Parts, segment: usize| Copy::of(copy).hurt(parts.records[segment].clone());
        let copies = [lost(), hurt(&short, &parts, 0), hurt(&long, &long_parts, 0)];
        let (output, result) = heal_with(&copies, &control(1));
        assert_eq!(result.unwrap().copies[0].segments, 3);
        assert_eq!(output, short);
    }
}

#[test]
fn the_end_record_of_most_copies_is_taken() {
    let (whole, parts) = stream(3 * SEGMENT, &compact());
    let other = StreamParts::changed(&whole, |parts| {
        parts.end[40] ^= 1;
        parts.mend_end_checksum();
    });
    let states = |copies: &[Copy]| {
        let report = healed(copies, &whole);
        report.copies.iter().map(|copy| copy.end).collect::<Vec<_>>()
    };
    use EndRecordState::{Differs, Lost, Taken};
    assert_eq!(states(&[Copy::of(&whole), Copy::of(&other)]), [Taken, Differs]);
    let copies = [Copy::of(&other), Copy::of(&whole), Copy::of(&whole)];
    assert_eq!(states(&copies), [Differs, Taken, Taken]);
    let lost = || Copy::of(&whole).hurt(parts.end.clone());
    assert_eq!(
        states(&[lost(), Copy::of(&whole), Copy::of(&other)]),
        [Lost, Taken, Differs]
    );
    assert_eq!(failure(&[lost(), lost()]).code(), "END_DAMAGED");
}

#[test]
fn a_header_with_another_core_counts_as_lost() {
    let (whole, _) = stream(SEGMENT, &compact());
    let changed = StreamParts::changed(&whole, |parts| {
        parts.header[16..20].copy_from_slice(&1024_u32.to_be_bytes());
        parts.mend_header_checksum();
    });
    let report = healed(&[Copy::of(&whole), Copy::of(&changed)], &whole);
    assert_eq!(report.copies[1].header, HeaderState::Lost);
}

#[test]
fn a_healed_stream_opens() {
    let (whole, parts) = stream(3 * SEGMENT + 5, &rewrappable());
    let copies = [
        Copy::of(&whole).cut(parts.records[2].start + 7),
        Copy::of(&whole).hurt(0..parts.records[1].end),
    ];
    let (output, _) = heal_with(&copies, &control(2));
    let (opened, result) = open_by((End::ByOffset, End::ByOffset), &output, &reading(), &control(1));
    result.unwrap();
    assert_eq!(opened, plaintext(3 * SEGMENT + 5));
}

#[test]
fn an_exported_header_is_the_header_or_its_copy() {
    let (whole, parts) = stream(5, &rewrappable());
    let header = &whole[parts.header];
    assert_eq!(export_header(&&whole[..]).unwrap(), header);
    let damaged = Copy::of(&whole).hurt(20..30);
    assert_eq!(export_header(&damaged).unwrap(), header);
    let unreadable = Copy::of(&whole).unreadable(0..1);
    assert_eq!(export_header(&unreadable).unwrap(), header);
    assert_eq!(export_header(&header).unwrap(), header);
    assert_eq!(export_header(&&header[..100]).unwrap_err().code(), "TRUNCATED");
    assert_eq!(export_header(&&b"text"[..]).unwrap_err().code(), "NOT_SEALED");
}
