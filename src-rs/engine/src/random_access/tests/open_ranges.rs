//! The ranges needed to open a stream are sufficient, and small.

use super::fetched;
use crate::error::{EndPart, SealError};
use crate::format::{ByteRange, DigestKind, FOOTER_SIZE, Footer};
use crate::operation::cancel::CancellationToken;
use crate::operation::options::HeaderLayout;
use crate::random_access::open_ranges;
use crate::stream_v2::core::seekable::SeekableStream;
use crate::stream_v2::io::ReadAt;
use crate::testing::stream_parts::{Region, StreamParts};
use crate::testing::support::{SEGMENT, compact, options, plaintext, reading as keys, seal, seal_unsized};

/// The ranges needed besides the first `head` and the last `tail` bytes.
fn needed(stream: &[u8], head: usize, tail: usize) -> Vec<ByteRange> {
    let head = head.min(stream.len());
    let tail = stream.len() - tail.min(stream.len() - head);
    open_ranges(stream.len() as u64, &stream[..head], &stream[tail..])
}

/// The result of opening, as text.
fn opened(source: &dyn ReadAt) -> String {
    match SeekableStream::open(source, &keys(), &CancellationToken::new()) {
        Ok(opened) => format!("{:?}, {:?}", opened.plaintext_size(), opened.end_failure()),
        Err(failure) => format!("{failure:?}"),
    }
}

/// Asserts that opening with the ranges gives the same result as opening with all bytes.
fn check(stream: &[u8], head: usize, tail: usize, case: &str) {
    let mut ranges = needed(stream, head, tail);
    let size = stream.len() as u64;
    ranges.push(ByteRange::at(0, size.min(head as u64)));
    ranges.push(ByteRange {
        start: size.saturating_sub(tail as u64),
        end: size,
    });
    let (by_ranges, by_all) = (opened(&fetched(stream, &ranges)), opened(&stream));
    // Without a footer and without a stated length, only the records tell where a stream was cut, and they were not fetched.
    let unknown_end = format!("None, {:?}", Some(SealError::end_damaged(EndPart::Footer, size)));
    assert!(
        by_ranges == by_all || by_ranges == unknown_end && by_all.starts_with("None, Some("),
        "{case}: {by_ranges} against {by_all}"
    );
}

fn streams() -> Vec<Vec<u8>> {
    let plaintext = plaintext(5 * SEGMENT + 100);
    vec![
        seal(&plaintext, &compact()),
        seal_unsized(&plaintext, &compact()),
        seal(&plaintext, &options(DigestKind::None, HeaderLayout::PADDED)),
        seal_unsized(&plaintext, &options(DigestKind::Sha256, HeaderLayout::PADDED)),
        seal(&[], &compact()),
    ]
}

#[test]
fn a_cut_stream_opens_with_its_ranges_as_with_all_bytes() {
    for (which, stream) in streams().iter().enumerate() {
        for size in 0..=stream.len() {
            // A small head and tail, so that ranges are needed.
            check(
                &stream[..size],
                200,
                100,
                &format!("stream {which} cut at {size}"),
            );
        }
        for (head, tail) in [(4096, 4096), (4096, 0), (64, 24), (0, 0)] {
            if head >= 104 {
                check(
                    stream,
                    head,
                    tail.max(24),
                    &format!("stream {which}, {head} and {tail}"),
                );
            }
        }
        let longer = [&stream[..], &[0; 5000]].concat();
        check(
            &longer,
            4096,
            4096,
            &format!("stream {which} with bytes behind it"),
        );
    }
}

#[test]
fn a_damaged_stream_opens_with_its_ranges_as_with_all_bytes() {
    for (which, stream) in streams().iter().enumerate() {
        let parts = StreamParts::of(stream);
        for at in 0..stream.len() {
            if matches!(parts.region(at), Region::Record { .. }) {
                continue;
            }
            let mut flipped = stream.clone();
            flipped[at] ^= 0x21;
            check(&flipped, 4096, 100, &format!("stream {which}, byte {at}"));
        }
    }
}

#[test]
fn an_undamaged_stream_needs_only_its_end() {
    let plaintext = plaintext(200 * SEGMENT);
    for stream in [seal(&plaintext, &compact()), seal_unsized(&plaintext, &compact())] {
        let end = StreamParts::of(&stream).end_offset();
        let due = ByteRange {
            start: end,
            end: stream.len() as u64 - 4096,
        };
        assert_eq!(needed(&stream, 4096, 4096), [due]);
        // No ranges if head and tail are the whole stream.
        assert_eq!(needed(&stream, 4096, stream.len()), []);
        assert_eq!(needed(&stream, 4096, (stream.len() as u64 - end) as usize), []);
    }
}

#[test]
fn forged_sizes_do_not_make_the_ranges_large() {
    let mut stream = seal_unsized(&plaintext(2000 * SEGMENT), &compact());
    let size = stream.len() as u64;
    for header in [true, false] {
        if !header {
            stream[20] ^= 1;
        }
        for end_size in [size, size - 500, size / 2, u64::MAX, 0] {
            let footer = Footer { end_size }.encode();
            let at = stream.len() - FOOTER_SIZE;
            stream[at..].copy_from_slice(&footer);
            let asked: u64 = needed(&stream, 4096, 4096).iter().map(ByteRange::size).sum();
            // The extensions and the header's copy can be as long as the format allows.
            let most = size / 11 + 65_536 + (1 << 20);
            assert!(asked <= most, "{asked} of {size} with {end_size}");
        }
    }
}
