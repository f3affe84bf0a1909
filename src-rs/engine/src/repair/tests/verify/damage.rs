//! Streams with several problems at once: damaged, forged or truncated.

use super::{both, check, keyless, kinds, with_key};
use crate::error::{EndDisagreement, SealError};
use crate::format::{ByteRange, DigestKind};
use crate::operation::options::{Control, HeaderLayout};
use crate::repair::verify::{MAX_PROBLEMS, Problem, verify};
use crate::stream_v2::segment_worker::PREAMBLE_SIZE;
use crate::testing::stream_parts::StreamParts;
use crate::testing::support::{FRAME, SEGMENT, compact, control, options, plaintext, seal, seal_unsized};

#[test]
fn all_problems_are_listed_in_order_of_offset() {
    let sealed = seal(
        &plaintext(20 * SEGMENT),
        &options(DigestKind::Blake3, HeaderLayout::PADDED),
    );
    let stream = StreamParts::changed(&sealed, |parts| {
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
        SealError::HeaderDamaged { .. }
    ));
    let stream = StreamParts::changed(&sealed, |parts| {
        parts.records[3][500] ^= 1;
        parts.records[4] = vec![0; parts.records[4].len()];
        parts.records.swap(7, 8);
        parts.records[19][20] ^= 1;
        parts.end[30] ^= 1;
        parts.copy[9] ^= 1;
        parts.footer[0] ^= 1;
    });
    let expected = [
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
            assert_eq!(kinds(&found), expected);
            assert_eq!(found.segments_checked, 20);
            assert!(!found.sound && !found.authenticated);
        }
    }
}

#[test]
fn another_sealing_of_a_segment_is_found_without_a_key() {
    let content = plaintext(3 * SEGMENT);
    let stream = StreamParts::changed(&seal(&content, &compact()), |parts| {
        parts.records[1] = parts.sealed_again(1, &content[SEGMENT as usize..2 * SEGMENT as usize], false);
    });
    for (how, _) in both() {
        let found = check(&stream, &how);
        assert_eq!(kinds(&found), [(Some(1), "INVALID_SEGMENT")]);
        assert!(!found.authenticated);
    }
}

#[test]
fn tampering_with_recomputed_digests_is_found_only_with_the_key() {
    let content = plaintext(2 * SEGMENT);
    let stream = StreamParts::changed(
        &seal(&content, &options(DigestKind::None, HeaderLayout::COMPACT)),
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
fn a_manifest_with_a_wrong_mac_is_found_only_with_the_key() {
    let mut stream = seal(&plaintext(SEGMENT + 1), &compact());
    let end = StreamParts::of(&stream).end;
    let at = StreamParts::of(&stream).end_offset() as usize;
    let mac = end.len() - 4 - 48;
    stream[at + mac] ^= 1;
    let crc = crate::format::crc32c(&stream[at..at + end.len() - 4]);
    stream[at + end.len() - 4..at + end.len()].copy_from_slice(&crc.to_be_bytes());
    assert!(check(&stream, &keyless()).sound);
    let found = check(&stream, &with_key());
    match &found.problems[..] {
        [
            Problem {
                failure: SealError::EndTampered { disagreement, .. },
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
fn a_header_copy_with_another_header_is_reported() {
    let layout = options(DigestKind::Crc64Nvme, HeaderLayout::PADDED);
    let other = StreamParts::of(&seal_unsized(&plaintext(5), &layout));
    let stream = StreamParts::changed(&seal(&plaintext(SEGMENT), &layout), |parts| {
        parts.copy = other.copy
    });
    for (how, has_key) in both() {
        let found = check(&stream, &how);
        assert_eq!(kinds(&found), [(None, "HEADER_COPY_DAMAGED")]);
        assert_eq!(found.authenticated, has_key);
    }
}

#[test]
fn trailing_bytes_are_one_problem() {
    for layout in [HeaderLayout::COMPACT, HeaderLayout::PADDED] {
        let options = options(DigestKind::Crc64Nvme, layout);
        for sealed in [
            seal(&plaintext(SEGMENT + 1), &options),
            seal_unsized(&plaintext(SEGMENT + 1), &options),
        ] {
            let stream = [&sealed[..], b"more"].concat();
            for (how, has_key) in both() {
                let found = check(&stream, &how);
                assert_eq!(kinds(&found), [(None, "TRAILING_DATA")]);
                assert_eq!(found.problems[0].sealed, ByteRange::at(sealed.len() as u64, 4));
                assert_eq!(found.authenticated, has_key);
            }
        }
    }
}

#[test]
fn removed_bytes_leave_the_other_segments_checked() {
    let sealed = seal(&plaintext(12 * SEGMENT + 9), &compact());
    let parts = StreamParts::of(&sealed);
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
fn a_stream_of_unknown_length_without_its_trailer_is_measured_by_segment_headers() {
    let sealed = seal_unsized(&plaintext(6 * SEGMENT + 9), &compact());
    let parts = StreamParts::of(&sealed);
    for (how, _) in both() {
        // The final segment still states the length.
        let stream = StreamParts::changed(&sealed, |parts| {
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

        // With a damaged final segment header nothing does.
        let stream = StreamParts::changed(&sealed, |parts| {
            parts.records[6][7] ^= 1;
            parts.footer[3] ^= 1;
        });
        let found = check(&stream, &how);
        assert_eq!(
            kinds(&found),
            [(Some(6), "INVALID_SEGMENT"), (None, "END_DAMAGED")]
        );
        assert_eq!((found.plaintext_size, found.segments_checked), (None, 6));

        // Truncated within a segment, and damaged before that.
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
fn problems_beyond_the_maximum_are_counted() {
    let mut tiny = compact();
    tiny.segment_size = Some(FRAME as u32);
    let segments = MAX_PROBLEMS + 50;
    let sealed = seal(&plaintext(FRAME * segments as u64), &tiny);
    let stream = StreamParts::changed(&sealed, |parts| {
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

#[test]
fn a_false_size_costs_no_more_than_the_file() {
    // A header with a right checksum that states 2^62 bytes, before a short stream.
    let mut stream = seal(&plaintext(2 * SEGMENT), &compact());
    stream[24..32].copy_from_slice(&(1u64 << 62).to_be_bytes());
    let header_size = StreamParts::of(&seal(&plaintext(2 * SEGMENT), &compact()))
        .header
        .len();
    let crc = crate::format::crc32c(&stream[..header_size - 4]);
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
