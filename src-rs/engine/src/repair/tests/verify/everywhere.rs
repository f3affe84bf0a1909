//! A changed byte or a truncation at every offset of a stream.

use super::{both, kinds, with_key};
use crate::error::{EndPart, SealError};
use crate::format::{ByteRange, DigestKind, FRAME_OVERHEAD, SegmentIndex};
use crate::operation::options::{Control, HeaderLayout};
use crate::repair::verify::{VerifyOptions, verify};
use crate::stream_v2::segment_worker::PREAMBLE_SIZE;
use crate::testing::stream_parts::{Region, StreamParts};
use crate::testing::support::{FRAME, SEGMENT, control, options, plaintext, seal, seal_unsized};
use proptest::prelude::*;

/// Parts of a stream without digests that can't be checked without a key: the FLOE IV and the contents of frames.
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
fn a_changed_byte_anywhere_is_the_only_problem() {
    let plaintext = plaintext(FRAME + 3);
    for digest in [DigestKind::None, DigestKind::Crc64Nvme] {
        for layout in [HeaderLayout::COMPACT, HeaderLayout::PADDED] {
            let mut options = options(digest, layout);
            options.segment_size = Some(FRAME as u32);
            for stream in [seal(&plaintext, &options), seal_unsized(&plaintext, &options)] {
                let parts = StreamParts::of(&stream);
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
    parts: &StreamParts,
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
        problem.sealed.start <= at as u64 && (at as u64) < problem.sealed.end,
        "{what}: {problem:?}"
    );
    // Damage that does not affect the contents leaves them authentic.
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
                SealError::EndDamaged {
                    part: EndPart::EndRecord,
                    ..
                }
            ),
            "{what}: {problem:?}"
        ),
        Region::Footer => assert!(
            matches!(
                problem.failure,
                SealError::EndDamaged {
                    part: EndPart::Footer,
                    ..
                }
            ),
            "{what}: {problem:?}"
        ),
    }
}

#[test]
fn truncation_anywhere_is_one_problem_with_the_first_missing_segment() {
    let plaintext = plaintext(3 * FRAME + 7);
    for layout in [HeaderLayout::COMPACT, HeaderLayout::PADDED] {
        let mut options = options(DigestKind::Sha256, layout);
        options.segment_size = Some(FRAME as u32);
        for stream in [seal(&plaintext, &options), seal_unsized(&plaintext, &options)] {
            let parts = StreamParts::of(&stream);
            for length in (0..stream.len()).filter(|length| length % 3 == 0 || stream.len() - length < 300) {
                for (how, has_key) in both() {
                    check_cut(&parts, &stream, length, &how, has_key);
                }
            }
        }
    }
}

fn check_cut(parts: &StreamParts, stream: &[u8], length: usize, how: &VerifyOptions<'_>, has_key: bool) {
    let what = format!("{length} of {}, key {has_key}", stream.len());
    let result = verify(&&stream[..length], how, &Control::serial());
    if length < parts.header.len() {
        let failure = result.unwrap_err();
        match failure {
            SealError::Truncated { .. } => assert!(length > 0, "{what}"),
            SealError::NotSealed { .. } => assert_eq!(length, 0, "{what}"),
            other => panic!("{what}: {other}"),
        }
        return;
    }
    let found = result.unwrap();
    let whole = (0..parts.records.len())
        .take_while(|&segment| parts.record_offset(segment + 1) <= length as u64)
        .count() as u64;
    assert_eq!(found.problem_count, 1, "{what}: {:?}", found.problems);
    let problem = &found.problems[0];
    match &problem.failure {
        SealError::Truncated {
            next_segment, offset, ..
        } => {
            assert_eq!(next_segment.get(), whole, "{what}");
            assert_eq!(offset.get(), length as u64, "{what}");
        }
        other => panic!("{what}: {other:?}"),
    }
    assert_eq!(found.segments_checked, whole, "{what}");
    // The manifest counts for authenticity, but not what follows it.
    let has_manifest = length as u64 >= parts.end_offset() + parts.end.len() as u64;
    assert_eq!(found.authenticated, has_key && has_manifest, "{what}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn with_the_key_exactly_the_changed_segments_are_found(
        digest in proptest::sample::select(&DigestKind::ALL[..]),
        rewrappable: bool,
        sized: bool,
        many_threads: bool,
        size in 1..9 * SEGMENT,
        flips in proptest::collection::vec((any::<proptest::sample::Index>(), any::<proptest::sample::Index>()), 1..5),
    ) {
        let layout = if rewrappable { HeaderLayout::PADDED } else { HeaderLayout::COMPACT };
        let options = options(digest, layout);
        let plaintext = plaintext(size);
        let sealed = if sized { seal(&plaintext, &options) } else { seal_unsized(&plaintext, &options) };
        let mut bad = std::collections::BTreeSet::new();
        let stream = StreamParts::changed(&sealed, |parts| {
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
    fn arbitrary_bytes_do_not_panic(
        start in any::<proptest::sample::Index>(),
        noise in proptest::collection::vec(any::<u8>(), 1..300),
        cut in any::<proptest::sample::Index>(),
        sized: bool,
    ) {
        let layout = options(DigestKind::Crc64Nvme, HeaderLayout::PADDED);
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
