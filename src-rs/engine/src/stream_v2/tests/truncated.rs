//! Streams that end early at any byte, and streams with trailing data.

use crate::error::{LookAlike, SealError};
use crate::format::DigestKind;
use crate::operation::options::{Control, HeaderLayout};
use crate::testing::stream_parts::StreamParts;
use crate::testing::support::{
    ENDS, End, FRAME, SEGMENT, control, open_by, options, plaintext, reading, seal, seal_unsized,
};
use proptest::prelude::*;

/// A stream of which `length` bytes are there must be refused as cut, with what was there and verified.
fn check_cut(
    parts: &StreamParts,
    plaintext: &[u8],
    stream: &[u8],
    length: usize,
    end: End,
    control: &Control<'_>,
) {
    let cut = &stream[..length];
    let (opened, result) = open_by((end, End::InOrder), cut, &reading(), control);
    let what = format!("{length} of {} bytes, {end:?}", stream.len());
    assert!(plaintext.starts_with(&opened), "{what}: wrong plaintext came out");
    match result {
        Err(SealError::Truncated {
            next_segment,
            verified_bytes,
            offset,
        }) => {
            assert_eq!(offset.get(), length as u64, "{what}");
            assert_eq!(verified_bytes, opened.len() as u64, "{what}");
            let whole = parts.records.iter().scan(parts.header.len(), |at, record| {
                *at += record.len();
                Some(*at)
            });
            let whole = whole.take_while(|&record_end| record_end <= length).count();
            assert_eq!(next_segment.get(), whole as u64, "{what}");
        }
        Err(SealError::NotSealed { looks_like }) => {
            assert_eq!((length, looks_like), (0, Some(LookAlike::Empty)), "{what}");
        }
        Err(failure) => panic!("{what}: {failure:?}"),
        Ok(_) => panic!("{what}: opened"),
    }
}

#[test]
fn a_stream_truncated_at_any_byte_is_refused_as_truncated() {
    let plaintext = plaintext(FRAME + 7);
    for header in [HeaderLayout::COMPACT, HeaderLayout::PADDED] {
        let mut options = options(DigestKind::Sha256, header);
        options.segment_size = Some(FRAME as u32);
        for stream in [seal(&plaintext, &options), seal_unsized(&plaintext, &options)] {
            let parts = StreamParts::of(&stream);
            for length in 0..stream.len() {
                for end in ENDS {
                    check_cut(&parts, &plaintext, &stream, length, end, &Control::serial());
                }
            }
        }
    }
}

#[test]
fn an_empty_stream_truncated_at_any_byte_is_refused_as_truncated() {
    for digest in DigestKind::ALL {
        let options = options(digest, HeaderLayout::COMPACT);
        for stream in [seal(&[], &options), seal_unsized(&[], &options)] {
            let parts = StreamParts::of(&stream);
            for length in 0..stream.len() {
                ENDS.iter()
                    .for_each(|&end| check_cut(&parts, &[], &stream, length, end, &Control::serial()));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_cut_of_any_stream_at_any_length_is_named_as_such(
        digest in proptest::sample::select(&DigestKind::ALL[..]),
        rewrappable: bool,
        sized: bool,
        many_threads: bool,
        size in 0..9 * SEGMENT,
        lengths in proptest::collection::vec(any::<proptest::sample::Index>(), 8),
    ) {
        let layout = if rewrappable { HeaderLayout::PADDED } else { HeaderLayout::COMPACT };
        let options = options(digest, layout);
        let plaintext = plaintext(size);
        let stream = if sized { seal(&plaintext, &options) } else { seal_unsized(&plaintext, &options) };
        let parts = StreamParts::of(&stream);
        let control = control(if many_threads { 2 } else { 1 });
        for length in lengths {
            for end in ENDS {
                check_cut(&parts, &plaintext, &stream, length.index(stream.len()), end, &control);
            }
        }
    }

    #[test]
    fn any_bytes_behind_the_end_are_refused(
        rewrappable: bool,
        sized: bool,
        size in 0..3 * SEGMENT,
        behind in proptest::collection::vec(any::<u8>(), 1..60),
    ) {
        let layout = if rewrappable { HeaderLayout::PADDED } else { HeaderLayout::COMPACT };
        check_trailing(&plaintext(size), layout, sized, &behind);
    }
}

fn check_trailing(plaintext: &[u8], layout: HeaderLayout, sized: bool, behind: &[u8]) {
    let options = options(DigestKind::Crc64Nvme, layout);
    let stream = if sized {
        seal(plaintext, &options)
    } else {
        seal_unsized(plaintext, &options)
    };
    let longer = [&stream, behind].concat();
    for end in ENDS {
        let (opened, result) = open_by((end, End::InOrder), &longer, &reading(), &Control::serial());
        let offset = crate::format::WireOffset::new(stream.len() as u64);
        assert_eq!(result.unwrap_err(), SealError::TrailingData { offset }, "{end:?}");
        assert!(plaintext.starts_with(&opened));
    }
}

#[test]
fn trailing_data_is_refused() {
    let plaintext = plaintext(SEGMENT + 9);
    for layout in [HeaderLayout::COMPACT, HeaderLayout::PADDED] {
        for sized in [true, false] {
            let other = seal(&plaintext, &options(DigestKind::Crc64Nvme, layout));
            let footer = StreamParts::of(&other).footer;
            for behind in [&[0][..], &footer, &other] {
                check_trailing(&plaintext, layout, sized, behind);
            }
        }
    }
}
