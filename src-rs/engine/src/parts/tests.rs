//! Receipts: bytes, tampering, and that parts cover a stream once.

use super::{Parts, Receipt, ReceiptError};
use crate::crypto::{FileKey, PartKey, SecretKey, StreamKeys};
use crate::format::{DigestKind, EndRecord, Geometry, Manifest, SegmentIndex, StreamCore};
use crate::testing::stream_parts::StreamParts;
use crate::testing::support::{SEGMENT, compact, plaintext, seal};

const TOTAL: u64 = 4 * SEGMENT + 7;

fn core() -> StreamCore {
    StreamCore {
        geometry: Geometry::new(1024, SEGMENT as u32, DigestKind::Crc64Nvme).unwrap(),
        header_copy: false,
        plaintext_size: Some(TOTAL),
        stream_id: [7; 32],
    }
}

fn keys() -> StreamKeys {
    StreamKeys::derive(&FileKey::new(&[1; 32]), &core().encode(), &[], b"").unwrap()
}

fn key() -> PartKey {
    keys().part_key().unwrap()
}

/// The manifest of a real stream with the same sizes.
fn manifest() -> Manifest {
    let parts = StreamParts::of(&seal(&plaintext(TOTAL), &compact()));
    EndRecord::parse(&parts.end, DigestKind::Crc64Nvme, 5)
        .unwrap()
        .0
        .entries
}

fn receipt(first: u64, count: u64) -> Receipt {
    let all = manifest();
    let mut entries = Manifest::new(DigestKind::Crc64Nvme);
    (first..first + count).for_each(|index| entries.push(&all.entry(SegmentIndex::new(index)).unwrap()));
    Receipt {
        first: SegmentIndex::new(first),
        last_plaintext_size: if first + count == 5 { 7 } else { SEGMENT as u32 },
        entries,
    }
}

fn parse(bytes: &[u8]) -> Result<Receipt, ReceiptError> {
    Receipt::parse(bytes, &core(), &key())
}

#[test]
fn fields_are_at_the_offsets_of_the_format() {
    let bytes = receipt(3, 2).encode(&[7; 32], &key());
    assert_eq!(bytes.len(), 52 + 2 * 44 + 48);
    assert_eq!(bytes[..4], *b"SPRT");
    assert_eq!(bytes[4..36], [7; 32]);
    assert_eq!(bytes[36..44], 3_u64.to_be_bytes());
    assert_eq!(bytes[44..48], 2_u32.to_be_bytes());
    assert_eq!(bytes[48..52], 7_u32.to_be_bytes());
    assert_eq!(bytes[52..140], receipt(3, 2).entries.as_bytes()[..]);
    assert_eq!(bytes[140..], key().sign(&bytes[..140]));
    assert_eq!(parse(&bytes), Ok(receipt(3, 2)));
}

#[test]
fn every_flipped_byte_and_every_cut_is_refused() {
    let bytes = receipt(1, 3).encode(&[7; 32], &key());
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1;
        let due = match at {
            0..4 | 44..48 => ReceiptError::Malformed,
            4..36 => ReceiptError::OtherStream,
            _ => ReceiptError::Tampered,
        };
        assert_eq!(parse(&flipped), Err(due), "byte {at}");
        assert_eq!(parse(&bytes[..at]), Err(ReceiptError::Malformed), "cut at {at}");
    }
    assert_eq!(parse(&[&bytes[..], &[0]].concat()), Err(ReceiptError::Malformed));
}

#[test]
fn a_receipt_needs_the_key_of_its_makers() {
    let secret = |byte| SecretKey::from_bytes(&[byte; 32]).unwrap();
    let shared = keys().signed_part_key(&secret(5)).unwrap();
    let bytes = receipt(0, 1).encode(&[7; 32], &shared);
    let again = keys().signed_part_key(&secret(5)).unwrap();
    assert!(Receipt::parse(&bytes, &core(), &again).is_ok());
    // A recipient knows the stream's own part key, but not the secret.
    for other in [key(), keys().signed_part_key(&secret(6)).unwrap()] {
        assert_eq!(
            Receipt::parse(&bytes, &core(), &other),
            Err(ReceiptError::Tampered)
        );
    }
}

#[test]
fn segments_and_sizes_that_the_stream_has_not_are_refused() {
    let size = |segment| ReceiptError::Size {
        segment: SegmentIndex::new(segment),
    };
    let check = |change: &dyn Fn(&mut Receipt)| {
        let mut receipt = receipt(3, 2);
        change(&mut receipt);
        parse(&receipt.encode(&[7; 32], &key()))
    };
    assert_eq!(
        check(&|receipt| receipt.first = SegmentIndex::new(4)),
        Err(size(4))
    );
    assert_eq!(
        check(&|receipt| receipt.first = SegmentIndex::new(5)),
        Err(size(5))
    );
    assert_eq!(
        check(&|receipt| receipt.first = SegmentIndex::new(u64::MAX)),
        Err(size(5))
    );
    assert_eq!(
        check(&|receipt| receipt.first = SegmentIndex::new(2)),
        Err(size(3))
    );
    assert_eq!(check(&|receipt| receipt.last_plaintext_size = 8), Err(size(4)));
    let none = check(&|receipt| receipt.entries = Manifest::new(DigestKind::Crc64Nvme));
    assert_eq!(none, Err(ReceiptError::Malformed));
}

#[test]
fn parts_in_any_order_cover_a_stream_once() {
    let mut parts = Parts::new(core().geometry, TOTAL);
    for (first, count) in [(4, 1), (0, 2), (2, 2)] {
        assert_eq!(parts.add(receipt(first, count)), Ok(()));
    }
    let twice = |segment| {
        Err(ReceiptError::CoveredTwice {
            segment: SegmentIndex::new(segment),
        })
    };
    for (first, count, segment) in [(0, 2, 0), (1, 1, 1), (3, 2, 3), (0, 5, 0), (4, 1, 4)] {
        assert_eq!(
            parts.add(receipt(first, count)),
            twice(segment),
            "{first} {count}"
        );
    }
    assert_eq!(parts.into_manifest(), Ok(manifest()));

    for (kept, missing) in [
        (vec![], 0),
        (vec![(1, 4)], 0),
        (vec![(0, 2), (3, 2)], 2),
        (vec![(0, 4)], 4),
    ] {
        let mut parts = Parts::new(core().geometry, TOTAL);
        for (first, count) in kept {
            parts.add(receipt(first, count)).unwrap();
        }
        let segment = SegmentIndex::new(missing);
        assert_eq!(parts.into_manifest(), Err(ReceiptError::Missing { segment }));
    }
    let mut parts = Parts::new(core().geometry, TOTAL);
    parts.add(receipt(2, 1)).unwrap();
    assert_eq!(parts.add(receipt(0, 5)), twice(2), "one that surrounds another");
}
