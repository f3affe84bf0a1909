//! A reader by offset and one in order accept the same streams, also those of a writer who has the key and breaks the rules.

use crate::format::DigestKind;
use crate::operation::cancel::CancellationToken;
use crate::operation::options::{Control, HeaderLayout};
use crate::stream_v2::core::seekable::SeekableStream;
use crate::testing::stream_parts::StreamParts;
use crate::testing::support::{
    ENDS, End, SEGMENT, open_by, options, pick, plaintext, reading, seal, seal_unsized,
};

/// Changes a byte of some part but the header, whose copy only a reader by offset finds, and makes right some of what tells of it.
fn break_something(parts: &mut StreamParts, seed: &mut u64) {
    let change = |bytes: &mut Vec<u8>, seed: &mut u64| {
        if !bytes.is_empty() {
            let at = pick(seed, bytes.len());
            bytes[at] ^= 1 << pick(seed, 8);
        }
    };
    let segment = pick(seed, parts.records.len());
    match pick(seed, 8) {
        0 | 1 => change(&mut parts.records[segment], seed),
        2 | 3 => change(&mut parts.end, seed),
        4 => {
            // A field in front of the manifest's entries, or the first of them.
            let at = pick(seed, 36);
            parts.end[at] ^= 1 << pick(seed, 8);
        }
        5 => change(&mut parts.copy, seed),
        6 => change(&mut parts.footer, seed),
        7 if parts.records.len() > 1 => drop(parts.records.remove(segment)),
        _ => {
            let again = parts.records[segment].clone();
            parts.records.insert(pick(seed, segment + 1), again);
        }
    }
    if pick(seed, 2) == 0 && segment < parts.records.len() {
        parts.mend_digest(segment);
    }
    match pick(seed, 4) {
        0 => parts.mend_end_checksum(),
        1 => parts.mend_end(),
        _ => {}
    }
    if pick(seed, 2) == 0 {
        parts.mend_footer();
    }
}

#[test]
fn by_offset_and_in_order_the_same_streams_are_accepted() {
    let (mut seed, mut accepted) = (7, 0);
    for digest in [DigestKind::Crc64Nvme, DigestKind::None, DigestKind::Sha256] {
        for header in [HeaderLayout::COMPACT, HeaderLayout::PADDED] {
            for size in [0, 5, SEGMENT, 2 * SEGMENT + 5] {
                let sealing = options(digest, header);
                for stream in [
                    seal(&plaintext(size), &sealing),
                    seal_unsized(&plaintext(size), &sealing),
                ] {
                    for _ in 0..60 {
                        let mut parts = StreamParts::of(&stream);
                        break_something(&mut parts, &mut seed);
                        let changed = parts.join();
                        let [by_offset, in_order] = ENDS.map(|from| {
                            open_by((from, End::InOrder), &changed, &reading(), &Control::serial()).1
                        });
                        assert_eq!(
                            by_offset.is_ok(),
                            in_order.is_ok(),
                            "{by_offset:?} against {in_order:?}"
                        );
                        accepted += u32::from(by_offset.is_ok());
                    }
                }
            }
        }
    }
    assert!(
        accepted > 10,
        "some changes are harmless, such as one of the copy: {accepted}"
    );
}

#[test]
fn the_whole_checksum_follows_from_header_and_end() {
    for digest in DigestKind::ALL {
        for header in [HeaderLayout::COMPACT, HeaderLayout::PADDED] {
            for size in [0, 1, SEGMENT, 3 * SEGMENT + 5] {
                let sealing = options(digest, header);
                for stream in [
                    seal(&plaintext(size), &sealing),
                    seal_unsized(&plaintext(size), &sealing),
                ] {
                    let opened = open_seekable(&stream);
                    let due = crate::crypto::Crc64::of(&stream);
                    let due = (digest == DigestKind::Crc64Nvme).then_some(due);
                    assert_eq!(opened.sealed_crc64(), due, "{digest} {size}");
                }
            }
        }
    }
    let sealing = options(DigestKind::Crc64Nvme, HeaderLayout::PADDED);
    let stream = seal(&plaintext(2 * SEGMENT), &sealing);
    // The bytes of a damaged header are not known; a damaged copy is read.
    let damaged = StreamParts::changed(&stream, |parts| parts.header[40] ^= 1);
    let opened = open_seekable(&damaged);
    assert_eq!(opened.sealed_crc64(), None);
    let damaged = StreamParts::changed(&stream, |parts| parts.copy[40] ^= 1);
    let opened = open_seekable(&damaged);
    assert_eq!(opened.sealed_crc64(), Some(crate::crypto::Crc64::of(&damaged)));
}

fn open_seekable(stream: &[u8]) -> SeekableStream {
    SeekableStream::open(&stream, &reading(), &CancellationToken::new()).unwrap()
}
