//! Which header and which end record are taken.

use super::{Copy, Places, failure, heal_with, healed, stream};
use crate::format::DigestKind;
use crate::operation::options::{EncryptOptions, HeaderLayout};
use crate::rekey::detached::export_header;
use crate::repair::heal::{EndRecordState, HeaderState};
use crate::testing::stream_parts::StreamParts;
use crate::testing::support::{
    End, SEGMENT, compact, control, open_by, options, plaintext, reading, seal, seal_unsized,
};

fn rewrappable() -> EncryptOptions<'static> {
    options(DigestKind::Crc64Nvme, HeaderLayout::Rewrappable)
}

#[test]
fn a_header_lost_in_one_copy_and_an_end_lost_in_the_other_come_together() {
    for options in [compact(), rewrappable()] {
        for whole in [
            seal(&plaintext(4 * SEGMENT), &options),
            seal_unsized(&plaintext(4 * SEGMENT), &options),
        ] {
            let places = Places::of(&whole);
            let without_header = || {
                Copy::of(&whole)
                    .hurt(places.header.clone())
                    .hurt(places.copy.clone())
            };
            let without_end = || Copy::of(&whole).cut(places.end.start + 3);
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
fn a_header_is_healed_from_its_own_copy_also_where_no_footer_leads_to_it() {
    let (whole, places) = stream(3 * SEGMENT, &rewrappable());
    let headless = || Copy::of(&whole).hurt(10..300);
    let other = || Copy::of(&whole).hurt(places.records[0].clone());
    for damaged in [
        headless(),
        headless().followed_by(b"more"),
        headless().hurt(places.footer.clone()),
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
fn footer_and_header_copy_are_made_anew_and_what_follows_is_left_out() {
    let (whole, places) = stream(2 * SEGMENT, &rewrappable());
    let hurt = || {
        Copy::of(&whole)
            .hurt(places.copy.clone())
            .hurt(places.footer.clone())
    };
    let report = healed(&[hurt().followed_by(&[9; 5000]), hurt()], &whole);
    assert_eq!(report.trailing_bytes, 5000);
    assert_eq!(healed(&[hurt(), hurt()], &whole).trailing_bytes, 0);
}

#[test]
fn a_stream_of_unknown_length_without_a_footer_is_measured_by_its_final_segment() {
    for size in [0, 5, SEGMENT, 3 * SEGMENT + 1] {
        let whole = seal_unsized(&plaintext(size), &compact());
        let places = Places::of(&whole);
        let hurt = || Copy::of(&whole).hurt(places.footer.clone());
        healed(
            &[hurt().followed_by(&[1; 9000]), hurt().followed_by(&[2; 3])],
            &whole,
        );
    }
}

#[test]
fn a_header_that_was_kept_apart_serves_as_a_copy() {
    let (whole, _) = stream(2 * SEGMENT, &compact());
    let header = export_header(&&whole[..]).unwrap();
    let copies = [Copy::of(&whole).hurt(0..8), Copy::of(&header)];
    assert_eq!(healed(&copies, &whole).header_from, 1);
}

#[test]
fn a_copy_with_a_longer_header_is_healed_by_one_with_a_shorter_one() {
    let (short, places) = stream(3 * SEGMENT, &compact());
    let keys = StreamParts::of(&short).keys();
    let long = StreamParts::changed(&short, |parts| {
        parts.rewrite_header(Some(&keys), |draft| {
            (draft.revision, draft.padded_size) = (1, 2000)
        });
    });
    let long_places = Places::of(&long);
    assert!(long.len() > short.len());
    let at = long_places.records[1].start + 500;
    let hurt = |copy: &[u8]| Copy::of(copy).hurt(at..at + 9);
    // The damaged copy's own header stays.
    healed(
        &[hurt(&long), Copy::of(&short).hurt(places.records[2].clone())],
        &long,
    );
    let other = Copy::of(&long).hurt(long_places.records[0].clone());
    let at = places.records[2].start + 500;
    healed(&[Copy::of(&short).hurt(at..at + 9), other], &short);
    // And where a copy has lost its header, its records show how long that was.
    for lost in [&long, &short] {
        let lost = || Copy::of(lost).hurt(0..100);
        let hurt = |copy: &[u8], places: &Places, segment: usize| {
            Copy::of(copy).hurt(places.records[segment].clone())
        };
        let copies = [lost(), hurt(&short, &places, 0), hurt(&long, &long_places, 0)];
        let (output, result) = heal_with(&copies, &control(1));
        assert_eq!(result.unwrap().copies[0].segments, 3);
        assert_eq!(output, short);
    }
}

#[test]
fn of_end_records_that_differ_the_one_that_most_copies_have_is_taken() {
    let (whole, places) = stream(3 * SEGMENT, &compact());
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
    let lost = || Copy::of(&whole).hurt(places.end.clone());
    assert_eq!(
        states(&[lost(), Copy::of(&whole), Copy::of(&other)]),
        [Lost, Taken, Differs]
    );
    assert_eq!(failure(&[lost(), lost()]).code(), "END_DAMAGED");
}

#[test]
fn a_header_that_somebody_changed_without_a_key_counts_as_lost() {
    let (whole, _) = stream(SEGMENT, &compact());
    let changed = StreamParts::changed(&whole, |parts| {
        parts.header[16..20].copy_from_slice(&1024_u32.to_be_bytes());
        parts.mend_header_checksum();
    });
    let report = healed(&[Copy::of(&whole), Copy::of(&changed)], &whole);
    assert_eq!(report.copies[1].header, HeaderState::Lost);
}

#[test]
fn what_was_healed_opens() {
    let (whole, places) = stream(3 * SEGMENT + 5, &rewrappable());
    let copies = [
        Copy::of(&whole).cut(places.records[2].start + 7),
        Copy::of(&whole).hurt(0..places.records[1].end),
    ];
    let (output, _) = heal_with(&copies, &control(2));
    let (opened, result) = open_by((End::ByOffset, End::ByOffset), &output, &reading(), &control(1));
    result.unwrap();
    assert_eq!(opened, plaintext(3 * SEGMENT + 5));
}

#[test]
fn an_exported_header_is_the_headers_bytes_or_those_of_its_copy() {
    let (whole, places) = stream(5, &rewrappable());
    let header = &whole[places.header];
    assert_eq!(export_header(&&whole[..]).unwrap(), header);
    let damaged = Copy::of(&whole).hurt(20..30);
    assert_eq!(export_header(&damaged).unwrap(), header);
    let unreadable = Copy::of(&whole).unreadable(0..1);
    assert_eq!(export_header(&unreadable).unwrap(), header);
    assert_eq!(export_header(&header).unwrap(), header);
    assert_eq!(export_header(&&header[..100]).unwrap_err().code(), "TRUNCATED");
    assert_eq!(export_header(&&b"text"[..]).unwrap_err().code(), "HEADER_ERROR");
}
