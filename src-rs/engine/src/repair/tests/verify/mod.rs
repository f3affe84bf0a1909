//! Verify finds all damage, and nothing else.

mod damage;
mod everywhere;
mod rewrapped;
mod running;

use crate::format::{DigestKind, SegmentIndex};
use crate::operation::options::{Control, HeaderLayout};
use crate::repair::verify::{Problem, Verification, VerifyOptions, verify};
use crate::stream_v2::tests::refusals;
use crate::stream_v2::tests::refusals::Outcome;
use crate::testing::failure_data::FailureData;
use crate::testing::stream_parts::StreamParts;
use crate::testing::support::{
    FRAME, SEGMENT, control, fresh, options, plaintext, reading, seal, seal_unsized,
};
use crate::testing::valid_streams;

fn with_key() -> VerifyOptions<'static> {
    VerifyOptions {
        open: Some(reading()),
        ..VerifyOptions::default()
    }
}

fn keyless() -> VerifyOptions<'static> {
    VerifyOptions::default()
}

fn check(stream: &[u8], options: &VerifyOptions<'_>) -> Verification {
    verify(&stream, options, &Control::serial()).unwrap()
}

fn kinds(found: &Verification) -> Vec<(Option<u64>, &'static str)> {
    let kind = |problem: &Problem| (problem.segment.map(SegmentIndex::get), problem.failure.code());
    found.problems.iter().map(kind).collect()
}

/// Options with and without the key, each with whether it has the key.
fn both() -> [(VerifyOptions<'static>, bool); 2] {
    [(keyless(), false), (with_key(), true)]
}

#[test]
fn sound_streams_of_every_size_and_kind_have_no_problems() {
    let many = control(3);
    for digest in DigestKind::ALL {
        for layout in [HeaderLayout::COMPACT, HeaderLayout::PADDED] {
            for size in [
                0,
                1,
                FRAME - 1,
                FRAME,
                FRAME + 1,
                SEGMENT - 1,
                SEGMENT,
                SEGMENT + 1,
                9 * SEGMENT + 5,
            ] {
                let plaintext = plaintext(size);
                let options = options(digest, layout);
                for stream in [seal(&plaintext, &options), seal_unsized(&plaintext, &options)] {
                    for (how, has_key) in both() {
                        for control in [&Control::serial(), &many] {
                            let found = verify(&&stream[..], &how, &fresh(control)).unwrap();
                            assert_eq!(kinds(&found), [], "{digest}, {size}");
                            assert!(found.sound && found.authenticated == has_key);
                            assert_eq!(found.contents_checked, has_key || digest != DigestKind::None);
                            assert_eq!(found.plaintext_size, Some(size));
                            assert_eq!(found.segments, Some(found.segments_checked));
                            let records: usize = StreamParts::of(&stream).records.iter().map(Vec::len).sum();
                            assert_eq!(found.bytes_checked, records as u64);
                            assert_eq!(found.sealed_size, stream.len() as u64);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn verify_with_the_key_finds_exactly_what_opening_refuses() {
    for row in valid_streams::rows().into_iter().chain(refusals::all()) {
        let case = &row.case;
        let how = VerifyOptions {
            open: Some(case.options()),
            ..keyless()
        };
        let result = verify(&&case.stream[..], &how, &Control::serial());
        match (&case.by_offset, result) {
            (Outcome::Refused(expected), Err(failure)) => {
                assert_eq!(&FailureData::of(&failure), expected, "{}", row.name)
            }
            (Outcome::Refused(expected), Ok(found)) => {
                let told: Vec<_> = found
                    .problems
                    .iter()
                    .map(|problem| FailureData::of(&problem.failure))
                    .collect();
                // It looks at every record, so where the end does not stand behind the records it tells which of them is wrong.
                let is_told = match &case.in_order {
                    Outcome::Refused(in_order) => told.contains(expected) || told.contains(in_order),
                    Outcome::Opens { .. } => told.contains(expected),
                };
                assert!(is_told, "{}: {told:?}, expected {expected:?}", row.name);
            }
            (
                Outcome::Opens {
                    plaintext,
                    header_from_copy,
                    header_copy_damaged,
                },
                Ok(found),
            ) => {
                assert_eq!(found.plaintext_size, Some(plaintext.len() as u64), "{}", row.name);
                assert!(found.authenticated, "{}", row.name);
                assert_eq!(found.header_from_copy, *header_from_copy, "{}", row.name);
                let problems = u64::from(*header_from_copy) + u64::from(*header_copy_damaged);
                assert_eq!(
                    found.problem_count, problems,
                    "{}: {:?}",
                    row.name, found.problems
                );
            }
            (Outcome::Opens { .. }, Err(failure)) => panic!("{}: {failure}", row.name),
        }
    }
}
