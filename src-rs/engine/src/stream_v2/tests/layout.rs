//! Size of the header, its copy, and the size of the whole stream.

use crate::error::SealError;
use crate::format::{Metadata, Modified, StreamHeader};
use crate::keys::Recipient;
use crate::operation::options::Control;
use crate::operation::options::{EncryptOptions, HeaderLayout};
use crate::operation::report::Report;
use crate::stream_v2::core::sealed_size;
use crate::testing::support::{ENDS, End, compact, key, open_by, plaintext, reading, seal, seal_unsized};

fn with(header: HeaderLayout) -> EncryptOptions<'static> {
    EncryptOptions {
        header,
        recipients: vec![Recipient::Key {
            key: key(),
            id: String::new(),
        }],
        ..EncryptOptions::new(Vec::new())
    }
}

fn opened(from: End, stream: &[u8]) -> Result<(Vec<u8>, Report), SealError> {
    let (plaintext, report) = open_by((from, End::InOrder), stream, &reading(), &Control::serial());
    Ok((plaintext, report?))
}

fn header_of(stream: &[u8]) -> StreamHeader {
    StreamHeader::parse(stream).unwrap()
}

#[test]
fn a_small_file_has_no_padding_and_a_file_from_64_kib_on_has_4096_bytes() {
    for (size, due) in [
        (0, 283),
        (1024, 283),
        (65_535, 283),
        (65_536, 4096),
        (70_000, 4096),
    ] {
        let stream = seal(&plaintext(size), &with(HeaderLayout::FILE));
        let header = header_of(&stream);
        assert_eq!((header.size(), header.core.header_copy), (due, true), "{size}");
        assert_eq!(
            stream.len() as u64,
            sealed_size(size, &with(HeaderLayout::FILE)).unwrap()
        );
    }
    let unsized_stream = seal_unsized(&plaintext(5), &with(HeaderLayout::FILE));
    assert_eq!(header_of(&unsized_stream).size(), 4096);
    let compact = seal(&plaintext(70_000), &with(HeaderLayout::COMPACT));
    assert_eq!(
        (header_of(&compact).size(), header_of(&compact).core.header_copy),
        (283, false)
    );
}

#[test]
fn a_file_of_1_kib_for_one_key_takes_less_than_2400_bytes() {
    assert!(sealed_size(1024, &with(HeaderLayout::FILE)).unwrap() <= 2400);
}

#[test]
fn size_and_copy_are_chosen_for_every_length() {
    for (copy, size, due) in [
        (false, Some(1000), 1000),
        (true, Some(1000), 1000),
        (true, Some(0), 283),
        (true, Some(283), 283),
        (false, None, 283),
        (false, Some(1024 * 1024), 1024 * 1024),
    ] {
        for length in [0, 100_000] {
            let options = with(HeaderLayout { copy, size });
            let stream = seal(&plaintext(length), &options);
            let header = header_of(&stream);
            assert_eq!((header.size(), header.core.header_copy), (due, copy));
            assert_eq!(stream.len() as u64, sealed_size(length, &options).unwrap());
            let copies = stream
                .windows(due as usize)
                .filter(|at| *at == &header.bytes[..])
                .count();
            assert_eq!(copies, 1 + usize::from(copy));
            for end in ENDS {
                assert_eq!(opened(end, &stream).unwrap().0, plaintext(length));
            }
        }
    }
}

#[test]
fn a_header_size_that_is_too_small_or_too_large_is_refused() {
    for size in [1, 282, 1024 * 1024 + 1, u32::MAX] {
        let options = with(HeaderLayout {
            copy: true,
            size: Some(size),
        });
        let failure = sealed_size(0, &options).unwrap_err();
        assert!(
            failure.to_string().contains("headerSize must be 0, or from 283"),
            "{failure}"
        );
    }
}

#[test]
fn metadata_comes_back_from_every_reader_and_counts_in_the_size() {
    let metadata = Metadata {
        modified: Some(Modified {
            seconds: 1_700_000_000,
            nanoseconds: 5,
        }),
        permissions: Some(0o640),
        name: Some(b"report.txt".to_vec()),
        is_sparse: false,
    };
    for size in [0, 5, 5000] {
        let options = EncryptOptions {
            metadata: Some(metadata.clone()),
            ..compact()
        };
        for stream in [
            seal(&plaintext(size), &options),
            seal_unsized(&plaintext(size), &options),
        ] {
            assert_eq!(stream.len() as u64, sealed_size(size, &options).unwrap());
            assert!(!stream.windows(6).any(|bytes| bytes == b"report"));
            for end in ENDS {
                let (opened, report) = opened(end, &stream).unwrap();
                assert_eq!(
                    (opened, report.metadata.as_ref()),
                    (plaintext(size), Some(&metadata))
                );
            }
        }
    }
    let without = seal(&plaintext(5), &compact());
    assert_eq!(opened(ENDS[0], &without).unwrap().1.metadata, None);
}
