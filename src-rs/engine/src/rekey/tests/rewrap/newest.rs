//! Which of header and copy counts where they differ.

use super::*;
use crate::inspect::{SlotInfo, inspect, inspect_all_slots};
use crate::operation::cancel::CancellationToken;
use crate::rekey::detached::export_header;
use crate::repair::heal::{HeaderState, HealOptions, heal};
use crate::repair::salvage::{HeaderOrigin, SalvageOptions, salvage};
use crate::repair::verify::{Verification, VerifyOptions, verify};
use crate::stream_v2::core::seekable::SeekableStream;
use crate::testing::support::Output;

/// A stream whose header is for number 1 and whose copy is for number 2, which is what an interrupted rewrap leaves.
fn interrupted() -> Vec<u8> {
    let stream = sealed_for(vec![recipient(1)]);
    let (after, _) = rewrapped(&stream, hand_over(2));
    StreamParts::changed(&after, |parts| parts.header = StreamParts::of(&stream).header)
}

fn verified(stream: &[u8], open: Option<Identity>) -> Verification {
    let options = VerifyOptions {
        open: open.map(reading),
        ..VerifyOptions::default()
    };
    verify(&stream, &options, &Control::serial()).unwrap()
}

#[test]
fn the_newer_copy_is_tried_before_the_header() {
    let stream = interrupted();
    for (number, from_copy) in [(1, false), (2, true)] {
        let ends = (End::ByOffset, End::InOrder);
        let (opened, result) = open_by(ends, &stream, &reading(identity(number)), &Control::serial());
        let report = result.unwrap();
        assert_eq!(opened, plaintext(PLAIN_SIZE));
        assert_eq!(
            (report.header_from_copy, report.header_copy_damaged),
            (from_copy, false)
        );
        let by = report.opened_by.unwrap();
        assert_eq!((by.slot_index, by.key_id), (0, Some(number.to_string())));
    }
    assert_eq!(
        opening(&stream, identity(3)).unwrap_err().code(),
        "NO_MATCHING_KEY"
    );
    // A reader in order has not seen the copy.
    let ends = (End::InOrder, End::InOrder);
    let result = |number| open_by(ends, &stream, &reading(identity(number)), &Control::serial()).1;
    assert!(!result(1).unwrap().header_from_copy);
    assert_eq!(result(2).unwrap_err().code(), "NO_MATCHING_KEY");
}

#[test]
fn if_neither_opens_the_headers_failure_is_reported() {
    let stream = sealed_for(vec![recipient(1), passphrase("a")]);
    let (after, _) = rewrapped(&stream, SlotChange::Replace(vec![recipient(2)]));
    let stream = StreamParts::changed(&after, |parts| parts.header = StreamParts::of(&stream).header);
    let wrong = Identity::Passphrase(Passphrase::new("b").unwrap());
    // The copy has no passphrase slot at all.
    assert_eq!(opening(&stream, wrong).unwrap_err(), SealError::WrongPassphrase);
    let failure = opening(&stream, identity(3)).unwrap_err();
    assert!(failure.to_string().contains("\"1\"; a passphrase"), "{failure}");
}

#[test]
fn a_copy_that_is_not_newer_or_of_another_stream_is_ignored() {
    let stream = interrupted();
    type SlotChange = fn(&mut HeaderFields);
    let changes: [(&str, SlotChange); 4] = [
        ("revision", |header| header.revision = 0),
        ("stream id", |header| header.core.stream_id[0] ^= 1),
        ("context", |header| header.context_check[0] ^= 1),
        ("core extensions", |header| {
            header.core_extensions = vec![0, 1, 0, 0, 0, 0]
        }),
    ];
    for (what, change) in changes {
        let stream = StreamParts::changed(&stream, |parts| {
            let mut copy = StreamHeader::parse(&parts.copy).unwrap();
            change(&mut copy.fields);
            parts.copy = copy.encode(4096, |_| copy.mac);
        });
        assert!(opens(&stream, 1), "{what}");
        assert_eq!(
            opening(&stream, identity(2)).unwrap_err().code(),
            "NO_MATCHING_KEY",
            "{what}"
        );
        let found = verified(&stream, None);
        let codes: Vec<_> = found
            .problems
            .iter()
            .map(|problem| problem.failure.code())
            .collect();
        assert_eq!(codes, ["HEADER_COPY_DAMAGED"], "{what}");
    }
}

#[test]
fn a_newer_copy_that_is_not_authentic_does_not_lock_the_stream() {
    // An attacker without a key can write any copy with a right checksum.
    let stream = StreamParts::changed(&sealed_for(vec![recipient(1)]), |parts| {
        parts.copy[69] = 5;
        let at = parts.copy.len() - 4;
        let crc = crate::format::crc32c(&parts.copy[..at]);
        parts.copy[at..].copy_from_slice(&crc.to_be_bytes());
    });
    assert!(opens(&stream, 1));
    let (after, report) = rewrapped(&stream, hand_over(2));
    assert_eq!((report.revision, report.header_from_copy), (1, false));
    assert!(opens(&after, 2) && !opens(&after, 1));
}

#[test]
fn a_damaged_header_next_to_a_newer_copy_is_still_a_damaged_header() {
    let mut stream = interrupted();
    stream[200] ^= 1;
    assert!(opens(&stream, 2) && !opens(&stream, 1));
    let found = verified(&stream, Some(identity(2)));
    let codes: Vec<_> = found
        .problems
        .iter()
        .map(|problem| problem.failure.code())
        .collect();
    assert_eq!(codes, ["HEADER_DAMAGED"]);
}

#[test]
fn inspection_without_a_key_shows_the_newer_header() {
    let stream = interrupted();
    let info = inspect(&&stream[..]).unwrap();
    assert_eq!((info.header_revision, info.header_from_copy), (1, true));
    assert_eq!(info.slots[0].key_id.as_deref(), Some("2"));
    assert_eq!(
        export_header(&&stream[..]).unwrap(),
        StreamParts::of(&stream).copy
    );
    let ids = |slot: SlotInfo| slot.key_id.unwrap();
    let both: Vec<_> = inspect_all_slots(&&stream[..])
        .unwrap()
        .into_iter()
        .map(ids)
        .collect();
    assert_eq!(both, ["2", "1"]);
    let opened =
        SeekableStream::open(&&stream[..], &reading(identity(1)), &CancellationToken::new()).unwrap();
    assert!(opened.end_failure().is_none());
}

#[test]
fn verification_reports_an_interrupted_rewrap_with_any_key() {
    let stream = interrupted();
    for open in [None, Some(identity(1)), Some(identity(2))] {
        let found = verified(&stream, open.clone());
        assert_eq!((found.sound, found.problem_count), (false, 1));
        let problem = &found.problems[0];
        assert_eq!((problem.sealed.start, problem.sealed.end), (0, 4096));
        let expected = SealError::RewrapInterrupted {
            revision: 0,
            copy_revision: 1,
        };
        assert_eq!(problem.failure, expected);
        assert_eq!(found.authenticated, open.is_some());
    }
    // Rewriting the header as it is ends that.
    let sealed = Sealed::new(&stream);
    let report = sealed.rewrap(nothing(), &reading(identity(2))).unwrap();
    assert_eq!((report.revision, report.header_from_copy), (2, true));
    assert!(verified(&sealed.bytes(), Some(identity(2))).sound);
    assert!(!opens(&sealed.bytes(), 1));
}

#[test]
fn the_next_rewrap_starts_from_the_newer_copy_even_with_an_old_key() {
    let stream = interrupted();
    let rewrapped = |change| {
        let sealed = Sealed::new(&stream);
        let report = sealed.rewrap(change, &reading(identity(1))).unwrap();
        assert!(report.in_place);
        let by = &report.opened_by;
        assert_eq!((by.slot_index, by.key_id.as_deref()), (0, Some("1")));
        assert_eq!((report.revision, report.header_from_copy), (2, true));
        let after = sealed.bytes();
        let parts = StreamParts::of(&after);
        assert_eq!(parts.header, parts.copy);
        [1, 2, 3].map(|number| opens(&after, number))
    };
    // What was removed does not come back, and who was added stays.
    assert_eq!(rewrapped(nothing()), [false, true, false]);
    assert_eq!(
        rewrapped(edit(vec![recipient(3)], Vec::new())),
        [false, true, true]
    );
    // Selectors mean the newer slots.
    let change = edit(vec![recipient(3)], vec![SlotSelector::Index(0)]);
    assert_eq!(rewrapped(change), [false, false, true]);
    let change = edit(vec![recipient(3)], vec![SlotSelector::Opens(identity(2))]);
    assert_eq!(rewrapped(change), [false, false, true]);
    assert_eq!(
        rewrapped(SlotChange::Replace(vec![recipient(1)])),
        [true, false, false]
    );
    // A copy whose revision was raised without a key is not used.
    let forged = StreamParts::changed(&stream, |parts| {
        parts.copy[69] = 9;
        let at = parts.copy.len() - 4;
        let crc = crate::format::crc32c(&parts.copy[..at]);
        parts.copy[at..].copy_from_slice(&crc.to_be_bytes());
    });
    let sealed = Sealed::new(&forged);
    let report = sealed.rewrap(nothing(), &reading(identity(1))).unwrap();
    assert_eq!((report.revision, report.header_from_copy), (1, false));
    assert!(opens(&sealed.bytes(), 1) && !opens(&sealed.bytes(), 2));
}

#[test]
fn rewriting_the_header_repairs_a_damaged_header_or_copy() {
    let stream = sealed_for(vec![recipient(1)]);
    for at in [200, stream.len() - 2000] {
        let mut damaged = stream.clone();
        damaged[at] ^= 1;
        assert!(!verified(&damaged, None).sound);
        let (after, report) = rewrapped(&damaged, nothing());
        assert_eq!((report.in_place, report.header_from_copy), (true, at == 200));
        assert!(verified(&after, Some(identity(1))).sound);
    }
}

#[test]
fn salvage_opens_with_the_keys_of_header_or_copy() {
    let stream = interrupted();
    for (number, origin) in [(1, HeaderOrigin::Start), (2, HeaderOrigin::Copy)] {
        let options = SalvageOptions::new(reading(identity(number)));
        let output = Output::default();
        let map = salvage(&&stream[..], &&output, &options, &Control::serial()).unwrap();
        assert_eq!(map.header.origin, origin);
        assert_eq!(output.into_bytes(), plaintext(PLAIN_SIZE));
    }
}

#[test]
fn healing_changes_neither_header_nor_copy() {
    let stream = interrupted();
    let mut damaged = stream.clone();
    damaged[4096 + 200] ^= 1;
    let output = Output::default();
    let sources = (&damaged[..], &stream[..]);
    let options = HealOptions::default();
    let report = heal(&sources.0, &[&sources.1], &&output, options, &Control::serial()).unwrap();
    assert_eq!(report.copies[0].header, HeaderState::Sound);
    assert_eq!(output.into_bytes(), stream);
}
