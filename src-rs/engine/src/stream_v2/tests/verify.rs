//! Looking for damage: all of it is found, wherever it is, and nothing else.

use super::faulty::{Fault, FaultySource};
use super::parts::{Parts, Region};
use super::refusals::{self, Outcome};
use super::sound;
use super::support::{
    FRAME, SEGMENT, compact, control, fresh, key, options, plaintext, reading, seal, seal_unsized,
};
use super::told::Told;
use crate::crypto::SecretKey;
use crate::headers::{ByteRange, DigestKind, FRAME_OVERHEAD, SegmentIndex};
use crate::keys::Identity;
use crate::stream_v2::cancel::CancellationToken;
use crate::stream_v2::failure::{EndDisagreement, EndPart, IoOperation, SealFailure};
use crate::stream_v2::io::{ReadAt, ThrottledSource};
use crate::stream_v2::options::{Control, DecryptOptions, HeaderLayout};
use crate::stream_v2::segment_worker::PREAMBLE_SIZE;
use crate::stream_v2::verify::{MAX_PROBLEMS, Problem, Sample, Verification, VerifyOptions, verify};
use proptest::prelude::*;
use std::io::{self, IoSliceMut};
use std::sync::Mutex;
use std::time::{Duration, Instant};

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

/// Both ways to look, each with whether the key is there.
fn both() -> [(VerifyOptions<'static>, bool); 2] {
    [(keyless(), false), (with_key(), true)]
}

#[test]
fn sound_streams_of_every_size_and_kind_are_sound() {
    let many = control(3);
    for digest in DigestKind::ALL {
        for layout in [HeaderLayout::Compact, HeaderLayout::Rewrappable] {
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
                            let records: usize = Parts::of(&stream).records.iter().map(Vec::len).sum();
                            assert_eq!(found.bytes_checked, records as u64);
                            assert_eq!(found.stream_size, stream.len() as u64);
                        }
                    }
                }
            }
        }
    }
}

/// What a stream without digests does not show without a key: the FLOE IV and what the frames hold.
fn is_hidden_without_a_key(region: Region) -> bool {
    let slot = FRAME as usize + FRAME_OVERHEAD;
    match region {
        Region::Record { within, .. } if within < PREAMBLE_SIZE => {
            (32 + 10..PREAMBLE_SIZE - 32).contains(&within)
        }
        Region::Record { within, .. } => (within - PREAMBLE_SIZE) % slot >= 4,
        _ => false,
    }
}

#[test]
fn a_flip_of_any_byte_is_found_and_is_the_only_problem() {
    let plaintext = plaintext(FRAME + 3);
    for digest in [DigestKind::None, DigestKind::Crc64Nvme] {
        for layout in [HeaderLayout::Compact, HeaderLayout::Rewrappable] {
            let mut options = options(digest, layout);
            options.segment_size = Some(FRAME as u32);
            for stream in [seal(&plaintext, &options), seal_unsized(&plaintext, &options)] {
                let parts = Parts::of(&stream);
                for (how, has_key) in both() {
                    for at in 0..stream.len() {
                        check_flip(&parts, &stream, at, digest, &how, has_key);
                    }
                }
            }
        }
    }
}

fn check_flip(
    parts: &Parts,
    stream: &[u8],
    at: usize,
    digest: DigestKind,
    how: &VerifyOptions<'_>,
    has_key: bool,
) {
    let mut flipped = stream.to_vec();
    flipped[at] ^= 1 << (at % 8);
    let region = parts.region(at);
    let what = format!("byte {at} ({region:?}), {digest}, key {has_key}");
    let has_copy = !parts.copy.is_empty();
    let found = match verify(&&flipped[..], how, &Control::serial()) {
        Ok(found) => found,
        Err(failure) => {
            assert!(region == Region::Header && !has_copy, "{what}: {failure}");
            return;
        }
    };
    if !has_key && digest == DigestKind::None && is_hidden_without_a_key(region) {
        assert!(!found.contents_checked, "{what}");
        assert_eq!(kinds(&found), [], "{what}");
        return;
    }
    assert!(!found.sound, "{what}: not found");
    assert_eq!(found.problem_count, 1, "{what}: {:?}", found.problems);
    let problem = &found.problems[0];
    assert!(
        problem.wire.start <= at as u64 && (at as u64) < problem.wire.end,
        "{what}: {problem:?}"
    );
    // What has no bearing on the contents leaves them authentic.
    let is_of_contents = matches!(region, Region::Record { .. } | Region::End);
    assert_eq!(found.authenticated, has_key && !is_of_contents, "{what}");
    match region {
        Region::Header => assert!(found.header_from_copy, "{what}"),
        Region::Copy => assert_eq!(problem.failure.code(), "HEADER_COPY_DAMAGED", "{what}"),
        Region::Record { segment, .. } => {
            assert_eq!(problem.segment, Some(SegmentIndex::new(segment as u64)), "{what}");
            let start = segment as u64 * FRAME;
            let size = if segment == 0 { FRAME } else { 3 };
            assert_eq!(problem.plaintext, Some(ByteRange::at(start, size)), "{what}");
        }
        Region::End => assert!(
            matches!(
                problem.failure,
                SealFailure::EndDamaged {
                    part: EndPart::EndRecord,
                    ..
                }
            ),
            "{what}: {problem:?}"
        ),
        Region::Footer => assert!(
            matches!(
                problem.failure,
                SealFailure::EndDamaged {
                    part: EndPart::Footer,
                    ..
                }
            ),
            "{what}: {problem:?}"
        ),
    }
}

#[test]
fn what_opening_refuses_checking_with_the_key_finds_and_nothing_else_is_found() {
    for row in sound::rows().into_iter().chain(refusals::all()) {
        let case = &row.case;
        let how = VerifyOptions {
            open: Some(case.options()),
            ..keyless()
        };
        let result = verify(&&case.stream[..], &how, &Control::serial());
        match (&case.by_offset, result) {
            (Outcome::Refused(due), Err(failure)) => assert_eq!(&Told::of(&failure), due, "{}", row.name),
            (Outcome::Refused(due), Ok(found)) => {
                let told: Vec<_> = found
                    .problems
                    .iter()
                    .map(|problem| Told::of(&problem.failure))
                    .collect();
                assert!(told.contains(due), "{}: {told:?}, due {due:?}", row.name);
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

#[test]
fn a_cut_at_any_byte_is_one_problem_that_names_the_first_missing_segment() {
    let plaintext = plaintext(3 * FRAME + 7);
    for layout in [HeaderLayout::Compact, HeaderLayout::Rewrappable] {
        let mut options = options(DigestKind::Sha256, layout);
        options.segment_size = Some(FRAME as u32);
        for stream in [seal(&plaintext, &options), seal_unsized(&plaintext, &options)] {
            let parts = Parts::of(&stream);
            for length in (0..stream.len()).filter(|length| length % 3 == 0 || stream.len() - length < 300) {
                for (how, has_key) in both() {
                    check_cut(&parts, &stream, length, &how, has_key);
                }
            }
        }
    }
}

fn check_cut(parts: &Parts, stream: &[u8], length: usize, how: &VerifyOptions<'_>, has_key: bool) {
    let what = format!("{length} of {}, key {has_key}", stream.len());
    let result = verify(&&stream[..length], how, &Control::serial());
    if length < parts.header.len() {
        let failure = result.unwrap_err();
        assert!(
            matches!(failure, SealFailure::Truncated { .. }),
            "{what}: {failure}"
        );
        return;
    }
    let found = result.unwrap();
    let whole = (0..parts.records.len())
        .take_while(|&segment| parts.record_offset(segment + 1) <= length as u64)
        .count() as u64;
    assert_eq!(found.problem_count, 1, "{what}: {:?}", found.problems);
    let problem = &found.problems[0];
    match &problem.failure {
        SealFailure::Truncated {
            next_segment, offset, ..
        } => {
            assert_eq!(next_segment.get(), whole, "{what}");
            assert_eq!(offset.get(), length as u64, "{what}");
        }
        other => panic!("{what}: {other:?}"),
    }
    assert_eq!(found.segments_checked, whole, "{what}");
    // The end counts for authenticity, but not what is behind the manifest.
    let has_manifest = length as u64 >= parts.end_offset() + parts.end.len() as u64;
    assert_eq!(found.authenticated, has_key && has_manifest, "{what}");
}

#[test]
fn every_damage_of_a_stream_is_found_in_order_of_place() {
    let sealed = seal(
        &plaintext(20 * SEGMENT),
        &options(DigestKind::Blake3, HeaderLayout::Rewrappable),
    );
    let stream = Parts::changed(&sealed, |parts| {
        parts.header[40] ^= 1;
        parts.records[3][500] ^= 1;
        parts.records[4] = vec![0; parts.records[4].len()];
        parts.records.swap(7, 8);
        parts.records[19][20] ^= 1;
        parts.end[30] ^= 1;
        parts.footer[0] ^= 1;
    });
    // Without a footer the header's copy is not found.
    assert!(matches!(
        verify(&&stream[..], &keyless(), &Control::serial()).unwrap_err(),
        SealFailure::HeaderDamaged { .. }
    ));
    let stream = Parts::changed(&sealed, |parts| {
        parts.records[3][500] ^= 1;
        parts.records[4] = vec![0; parts.records[4].len()];
        parts.records.swap(7, 8);
        parts.records[19][20] ^= 1;
        parts.end[30] ^= 1;
        parts.copy[9] ^= 1;
        parts.footer[0] ^= 1;
    });
    let due = [
        (Some(3), "DIGEST_MISMATCH"),
        (Some(4), "INVALID_SEGMENT"),
        (Some(7), "INVALID_SEGMENT"),
        (Some(8), "INVALID_SEGMENT"),
        (Some(19), "INVALID_SEGMENT"),
        (None, "END_DAMAGED"),
        (None, "HEADER_COPY_DAMAGED"),
        (None, "END_DAMAGED"),
    ];
    for threads in [1, 2, 32] {
        for (how, _) in both() {
            let found = verify(&&stream[..], &how, &control(threads)).unwrap();
            assert_eq!(kinds(&found), due);
            assert_eq!(found.segments_checked, 20);
            assert!(!found.sound && !found.authenticated);
        }
    }
}

#[test]
fn another_sealing_of_a_segment_shows_without_a_key() {
    let content = plaintext(3 * SEGMENT);
    let stream = Parts::changed(&seal(&content, &compact()), |parts| {
        parts.records[1] = parts.sealed_again(1, &content[SEGMENT as usize..2 * SEGMENT as usize], false);
    });
    for (how, _) in both() {
        let found = check(&stream, &how);
        assert_eq!(kinds(&found), [(Some(1), "END_TAMPERED")]);
        assert!(!found.authenticated);
    }
}

#[test]
fn what_somebody_mended_shows_with_the_key_alone() {
    let content = plaintext(2 * SEGMENT);
    let stream = Parts::changed(
        &seal(&content, &options(DigestKind::None, HeaderLayout::Compact)),
        |parts| {
            parts.records[1][PREAMBLE_SIZE + 100] ^= 1;
        },
    );
    let blind = check(&stream, &keyless());
    assert!(blind.sound && !blind.contents_checked && !blind.authenticated);
    let found = check(&stream, &with_key());
    assert_eq!(kinds(&found), [(Some(1), "FRAME_DECRYPTION_FAILED")]);
    assert!(!found.authenticated);
}

#[test]
fn a_manifest_without_its_mac_is_found_with_the_key_alone() {
    let mut stream = seal(&plaintext(SEGMENT + 1), &compact());
    let end = Parts::of(&stream).end;
    let at = Parts::of(&stream).end_offset() as usize;
    let mac = end.len() - 4 - 48;
    stream[at + mac] ^= 1;
    let crc = crate::headers::crc32c(&stream[at..at + end.len() - 4]);
    stream[at + end.len() - 4..at + end.len()].copy_from_slice(&crc.to_be_bytes());
    assert!(check(&stream, &keyless()).sound);
    let found = check(&stream, &with_key());
    match &found.problems[..] {
        [
            Problem {
                failure: SealFailure::EndTampered { disagreement, .. },
                ..
            },
        ] => {
            assert_eq!(*disagreement, EndDisagreement::Mac);
        }
        other => panic!("{other:?}"),
    }
    assert!(!found.authenticated);
}

#[test]
fn a_copy_that_is_another_header_is_reported() {
    let layout = options(DigestKind::Crc64Nvme, HeaderLayout::Rewrappable);
    let other = Parts::of(&seal_unsized(&plaintext(5), &layout));
    let stream = Parts::changed(&seal(&plaintext(SEGMENT), &layout), |parts| {
        parts.copy = other.copy
    });
    for (how, has_key) in both() {
        let found = check(&stream, &how);
        assert_eq!(kinds(&found), [(None, "HEADER_COPY_DAMAGED")]);
        assert_eq!(found.authenticated, has_key);
    }
}

#[test]
fn bytes_behind_the_end_are_one_problem() {
    for layout in [HeaderLayout::Compact, HeaderLayout::Rewrappable] {
        let options = options(DigestKind::Crc64Nvme, layout);
        for sealed in [
            seal(&plaintext(SEGMENT + 1), &options),
            seal_unsized(&plaintext(SEGMENT + 1), &options),
        ] {
            let stream = [&sealed[..], b"more"].concat();
            for (how, has_key) in both() {
                let found = check(&stream, &how);
                assert_eq!(kinds(&found), [(None, "TRAILING_DATA")]);
                assert_eq!(found.problems[0].wire, ByteRange::at(sealed.len() as u64, 4));
                assert_eq!(found.authenticated, has_key);
            }
        }
    }
}

#[test]
fn a_hole_in_the_middle_leaves_the_other_segments_checked() {
    let sealed = seal(&plaintext(12 * SEGMENT + 9), &compact());
    let parts = Parts::of(&sealed);
    let (start, end) = (
        parts.record_offset(4) as usize - 10,
        parts.record_offset(7) as usize + 10,
    );
    let mut stream = sealed;
    stream[start..end].fill(0);
    for (how, _) in both() {
        let found = check(&stream, &how);
        let segments: Vec<_> = found
            .problems
            .iter()
            .map(|problem| problem.segment.unwrap().get())
            .collect();
        assert_eq!(segments, [3, 4, 5, 6, 7]);
        assert_eq!(found.segments_checked, 13);
    }
}

#[test]
fn a_stream_that_does_not_say_its_length_and_lost_its_end_is_walked() {
    let sealed = seal_unsized(&plaintext(6 * SEGMENT + 9), &compact());
    let parts = Parts::of(&sealed);
    for (how, _) in both() {
        // The final segment still tells the length.
        let stream = Parts::changed(&sealed, |parts| {
            parts.records[2][7] ^= 1;
            parts.end[1] ^= 1;
            parts.footer[3] ^= 1;
        });
        let found = check(&stream, &how);
        assert_eq!(
            kinds(&found),
            [
                (Some(2), "INVALID_SEGMENT"),
                (None, "END_DAMAGED"),
                (None, "END_DAMAGED")
            ]
        );
        assert_eq!(found.plaintext_size, Some(6 * SEGMENT + 9));

        // With a damaged final header nothing does.
        let stream = Parts::changed(&sealed, |parts| {
            parts.records[6][7] ^= 1;
            parts.footer[3] ^= 1;
        });
        let found = check(&stream, &how);
        assert_eq!(
            kinds(&found),
            [(Some(6), "INVALID_SEGMENT"), (None, "END_DAMAGED")]
        );
        assert_eq!((found.plaintext_size, found.segments_checked), (None, 6));

        // Cut in the middle of a segment, and damaged before that.
        let mut stream = sealed[..parts.record_offset(4) as usize + 500].to_vec();
        stream[parts.record_offset(1) as usize + 300] ^= 1;
        let found = check(&stream, &how);
        assert_eq!(
            kinds(&found),
            [(Some(1), "DIGEST_MISMATCH"), (Some(4), "TRUNCATED")]
        );
        assert_eq!(found.segments_checked, 4);
    }
}

#[test]
fn more_problems_than_are_told_are_counted() {
    let mut tiny = compact();
    tiny.segment_size = Some(FRAME as u32);
    let segments = MAX_PROBLEMS + 50;
    let sealed = seal(&plaintext(FRAME * segments as u64), &tiny);
    let stream = Parts::changed(&sealed, |parts| {
        parts.records.iter_mut().for_each(|record| record[150] ^= 1);
    });
    for threads in [1, 2] {
        let found = verify(&&stream[..], &keyless(), &control(threads)).unwrap();
        assert_eq!(found.problem_count, segments as u64);
        let told: Vec<_> = found
            .problems
            .iter()
            .map(|problem| problem.segment.unwrap().get())
            .collect();
        assert_eq!(told, (0..MAX_PROBLEMS as u64).collect::<Vec<_>>());
    }
}

/// Memory of which a range can't be read.
struct BadBlocks<'a> {
    bytes: &'a [u8],
    bad: std::ops::Range<usize>,
}

impl ReadAt for BadBlocks<'_> {
    fn size(&self) -> io::Result<u64> {
        Ok(self.bytes.len() as u64)
    }

    fn read_at(&self, offset: u64, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let end = offset as usize + buffers.iter().map(|buffer| buffer.len()).sum::<usize>();
        if (offset as usize) < self.bad.end && end > self.bad.start {
            return Err(io::Error::other("bad block"));
        }
        self.bytes.read_at(offset, buffers)
    }
}

#[test]
fn what_cannot_be_read_is_a_problem_of_its_place_and_the_rest_goes_on() {
    let stream = seal(
        &plaintext(9 * SEGMENT),
        &options(DigestKind::Crc64Nvme, HeaderLayout::Rewrappable),
    );
    let parts = Parts::of(&stream);
    let record = |segment| parts.record_offset(segment) as usize;
    let footer = stream.len() - 24;
    for (bad, due) in [
        (100..200, vec![(None, "IO")]),
        (record(4) + 5..record(4) + 6, vec![(Some(4), "IO")]),
        (
            record(4) + 5..record(6) + 1,
            vec![(Some(4), "IO"), (Some(5), "IO"), (Some(6), "IO")],
        ),
        (record(9) + 3..record(9) + 4, vec![(None, "IO")]),
        (footer - 50..footer - 49, vec![(None, "IO")]),
        (footer + 1..footer + 2, vec![(None, "IO")]),
    ] {
        let source = BadBlocks { bytes: &stream, bad };
        for (how, _) in both() {
            for threads in [1, 2] {
                let found = verify(&source, &how, &control(threads)).unwrap();
                assert_eq!(kinds(&found), due, "{:?}", source.bad);
                assert_eq!(found.segments_checked, 9);
            }
        }
    }
    let source = BadBlocks {
        bytes: &stream,
        bad: 0..stream.len(),
    };
    match verify(&source, &keyless(), &Control::serial()).unwrap_err() {
        SealFailure::Io { operation, .. } => assert_eq!(operation, IoOperation::Read),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_source_that_shrinks_meanwhile_makes_checking_impossible() {
    let stream = seal(&plaintext(40 * SEGMENT), &compact());
    let source = FaultySource::new(&stream, 10, Fault::Shrink);
    let failure = verify(&&source, &keyless(), &Control::serial()).unwrap_err();
    assert!(matches!(failure, SealFailure::SourceChanged { .. }), "{failure}");
}

#[test]
fn what_makes_checking_impossible_is_a_failure() {
    let stream = seal(&plaintext(SEGMENT), &compact());
    let open = |identities, context: &'static [u8], max_segment_size| VerifyOptions {
        open: Some(DecryptOptions {
            identities,
            context,
            max_segment_size,
        }),
        ..keyless()
    };
    let other = SecretKey::from_bytes(&[9; 32]).unwrap();
    let large = u32::MAX;
    let mut tampered = stream.clone();
    tampered[72] ^= 1;
    let header_size = Parts::of(&stream).header.len();
    let crc = crate::headers::crc32c(&tampered[..header_size - 4]);
    tampered[header_size - 4..header_size].copy_from_slice(&crc.to_be_bytes());
    for (stream, how, code) in [
        (
            &stream,
            open(vec![Identity::Key(other)], b"", large),
            "NO_MATCHING_KEY",
        ),
        (
            &stream,
            open(vec![Identity::Key(key())], b"x", large),
            "CONTEXT_MISMATCH",
        ),
        (
            &stream,
            open(vec![Identity::Key(key())], b"", 1),
            "LIMIT_EXCEEDED",
        ),
        (&tampered, with_key(), "HEADER_TAMPERED"),
        (&vec![0; 5000], keyless(), "HEADER_ERROR"),
        (&vec![], keyless(), "TRUNCATED"),
        (
            &stream,
            VerifyOptions {
                bytes_per_second: Some(0),
                ..keyless()
            },
            "INVALID_OPTION",
        ),
        (
            &stream,
            VerifyOptions {
                sample: Some(Sample {
                    fraction: 0.0,
                    seed: 0,
                }),
                ..keyless()
            },
            "INVALID_OPTION",
        ),
    ] {
        assert_eq!(
            verify(&&stream[..], &how, &Control::serial()).unwrap_err().code(),
            code
        );
    }
}

#[test]
fn a_sample_reads_its_share_and_finds_what_is_in_it() {
    let stream = seal(&plaintext(100 * SEGMENT), &compact());
    let sampled = |seed| VerifyOptions {
        sample: Some(Sample { fraction: 0.1, seed }),
        ..with_key()
    };
    let all_damaged = Parts::changed(&stream, |parts| {
        parts.records.iter_mut().for_each(|record| record[150] ^= 1);
    });
    let picked = |seed| -> Vec<u64> {
        let found = check(&all_damaged, &sampled(seed));
        found
            .problems
            .iter()
            .map(|problem| problem.segment.unwrap().get())
            .collect()
    };
    assert_eq!(picked(1).len(), 10);
    assert_eq!(picked(1), picked(1));
    assert_ne!(picked(1), picked(2));
    let found = check(&stream, &sampled(1));
    assert!(found.sound && found.authenticated);
    assert_eq!((found.segments_checked, found.segments), (10, Some(100)));
    assert_eq!(
        found.bytes_checked,
        10 * Parts::of(&stream).records[0].len() as u64
    );

    // What is not in the sample is not found; header and end always are.
    let elsewhere = (0..100).find(|segment| !picked(1).contains(segment)).unwrap();
    let missed = Parts::changed(&stream, |parts| parts.records[elsewhere as usize][150] ^= 1);
    assert!(check(&missed, &sampled(1)).sound);
    let ended = Parts::changed(&stream, |parts| parts.end[40] ^= 1);
    assert_eq!(kinds(&check(&ended, &sampled(1))), [(None, "END_DAMAGED")]);
}

#[test]
fn progress_ends_with_the_bytes_that_were_to_be_checked() {
    let sealed = seal(&plaintext(9 * SEGMENT + 1), &compact());
    let damaged = Parts::changed(&sealed, |parts| parts.records[3][5] ^= 1);
    for stream in [&sealed, &damaged] {
        for sample in [
            None,
            Some(Sample {
                fraction: 0.3,
                seed: 4,
            }),
        ] {
            let told = Mutex::new(Vec::new());
            let listener = |progress| told.lock().unwrap().push(progress);
            let control = Control {
                progress: Some(&listener),
                ..control(2)
            };
            let found = verify(&&stream[..], &VerifyOptions { sample, ..keyless() }, &control).unwrap();
            let last = *told.lock().unwrap().last().unwrap();
            assert_eq!(
                (last.bytes_done, last.bytes_total),
                (found.bytes_checked, Some(found.bytes_checked))
            );
        }
    }
}

#[test]
fn a_raised_token_ends_it_also_where_it_waits_for_its_rate() {
    let stream = seal(&plaintext(9 * SEGMENT), &compact());
    for threads in [1, 2] {
        let control = control(threads);
        control.cancel.cancel();
        let failure = verify(&&stream[..], &keyless(), &control).unwrap_err();
        assert_eq!(failure, SealFailure::Cancelled);

        // At one byte in a second the first read would be followed by hours of waiting.
        let slow = VerifyOptions {
            bytes_per_second: Some(1),
            ..keyless()
        };
        let control = fresh(&control);
        let cancel = control.cancel.clone();
        let failure = std::thread::scope(|scope| {
            let work = scope.spawn(|| verify(&&stream[..], &slow, &control).unwrap_err());
            cancel.cancel();
            work.join().unwrap()
        });
        assert_eq!(failure, SealFailure::Cancelled);
    }
}

#[test]
fn a_limited_source_takes_the_time_that_its_bytes_are_worth() {
    let bytes = [7; 4000];
    let source = &bytes[..];
    let cancel = CancellationToken::new();
    let limited = ThrottledSource::new(&source, 40_000, &cancel);
    let start = Instant::now();
    let mut read = [0; 1000];
    // The first is at once, each of the others waits for the one before it.
    for offset in [0, 1000, 2000, 3000] {
        assert_eq!(
            limited
                .read_at(offset, &mut [IoSliceMut::new(&mut read)])
                .unwrap(),
            1000
        );
        assert_eq!(read, [7; 1000]);
    }
    assert!(start.elapsed() >= Duration::from_millis(75));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn with_the_key_all_flipped_segments_are_found_and_no_others(
        digest in proptest::sample::select(&DigestKind::ALL[..]),
        rewrappable: bool,
        sized: bool,
        many_threads: bool,
        size in 1..9 * SEGMENT,
        flips in proptest::collection::vec((any::<proptest::sample::Index>(), any::<proptest::sample::Index>()), 1..5),
    ) {
        let layout = if rewrappable { HeaderLayout::Rewrappable } else { HeaderLayout::Compact };
        let options = options(digest, layout);
        let plaintext = plaintext(size);
        let sealed = if sized { seal(&plaintext, &options) } else { seal_unsized(&plaintext, &options) };
        let mut bad = std::collections::BTreeSet::new();
        let stream = Parts::changed(&sealed, |parts| {
            for (segment, at) in &flips {
                let segment = segment.index(parts.records.len());
                if bad.insert(segment as u64) {
                    let record = &mut parts.records[segment];
                    let at = at.index(record.len());
                    record[at] ^= 0x10;
                }
            }
        });
        let found = verify(&&stream[..], &with_key(), &control(if many_threads { 2 } else { 1 })).unwrap();
        let told: Vec<_> = found.problems.iter().filter_map(|problem| problem.segment).collect();
        prop_assert_eq!(told, bad.into_iter().map(SegmentIndex::new).collect::<Vec<_>>());
        prop_assert!(!found.authenticated);
    }

    #[test]
    fn any_bytes_are_checked_without_a_panic(
        start in any::<proptest::sample::Index>(),
        noise in proptest::collection::vec(any::<u8>(), 1..300),
        cut in any::<proptest::sample::Index>(),
        sized: bool,
    ) {
        let layout = options(DigestKind::Crc64Nvme, HeaderLayout::Rewrappable);
        let plaintext = plaintext(3 * SEGMENT + 1);
        let mut stream = if sized { seal(&plaintext, &layout) } else { seal_unsized(&plaintext, &layout) };
        let at = start.index(stream.len() - noise.len());
        stream[at..at + noise.len()].copy_from_slice(&noise);
        stream.truncate(cut.index(2 * stream.len()).max(1));
        for (how, _) in both() {
            if let Ok(found) = verify(&&stream[..], &how, &Control::serial()) {
                prop_assert_eq!(found.sound, found.problems.is_empty());
            }
        }
    }
}

#[test]
fn a_lying_total_costs_no_more_than_the_file() {
    // A header that claims 2^62 bytes, with a right checksum, in front of little.
    let mut stream = seal(&plaintext(2 * SEGMENT), &compact());
    stream[24..32].copy_from_slice(&(1u64 << 62).to_be_bytes());
    let header_size = Parts::of(&seal(&plaintext(2 * SEGMENT), &compact())).header.len();
    let crc = crate::headers::crc32c(&stream[..header_size - 4]);
    stream[header_size - 4..header_size].copy_from_slice(&crc.to_be_bytes());
    let found = check(&stream, &keyless());
    assert!(found.segments_checked <= 2);
    assert!(
        found
            .problems
            .iter()
            .any(|problem| problem.failure.code() == "TRUNCATED")
    );
}
