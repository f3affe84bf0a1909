//! The stream header, field by field.

use super::*;
use crate::format::KeySlot;
use proptest::prelude::*;

fn draft() -> HeaderFields {
    let slot = KeySlot {
        id: "laptop".into(),
        salt: [3; 32],
        wrap: [4; 80],
    };
    HeaderFields {
        core: StreamCore {
            geometry: Geometry::new(1024, 4096, DigestKind::Sha256).unwrap(),
            header_copy: true,
            plaintext_size: Some(77),
            stream_id: [9; 32],
        },
        revision: 2,
        context_check: [5; 32],
        core_extensions: vec![0, 1, 0, 0, 0, 2, 0xaa, 0xbb],
        header_extensions: vec![],
        slots: vec![slot.to_raw()],
    }
}

/// Changes bytes and recomputes the checksum, as an attacker or a newer writer would.
fn with(change: impl FnOnce(&mut Vec<u8>)) -> Result<StreamHeader, HeaderError> {
    let mut bytes = draft().encode(512, |_| [8; 48]);
    bytes.truncate(508);
    change(&mut bytes);
    let crc = crc32c(&bytes).to_be_bytes();
    bytes.extend_from_slice(&crc);
    StreamHeader::parse(&bytes)
}

fn refused(change: impl FnOnce(&mut Vec<u8>)) -> (HeaderField, u64) {
    match with(change) {
        Err(HeaderError::Field { field, offset, .. }) => (field, offset.get()),
        other => panic!("not refused by a field: {other:?}"),
    }
}

#[test]
fn an_encoded_header_parses() {
    let header = with(|_| {}).unwrap();
    let draft = draft();
    assert_eq!(header.core, draft.core);
    assert_eq!(
        (header.revision, header.context_check, header.mac),
        (2, [5; 32], [8; 48])
    );
    assert_eq!(header.core_extensions, draft.core_extensions);
    assert_eq!(header.slots, draft.slots);
    assert_eq!((header.size(), header.authenticated().len()), (512, 460));
}

#[test]
fn every_wrong_field_is_refused_by_name_and_offset() {
    use HeaderField as F;
    assert_eq!(refused(|b| b[8] = 2), (F::Version, 8));
    assert_eq!(refused(|b| b[9] = 2), (F::Suite, 9));
    assert_eq!(refused(|b| b[10] = 5), (F::Digest, 10));
    assert_eq!(refused(|b| b[11] = 1), (F::Compression, 11));
    assert_eq!(refused(|b| b[11] = 2), (F::Compression, 11));
    assert_eq!(refused(|b| b[12..16].fill(0)), (F::FrameSize, 12));
    assert_eq!(refused(|b| b[19] = 1), (F::SegmentSize, 16));
    assert_eq!(refused(|b| b[23] = 3), (F::Flags, 20));
    assert_eq!(refused(|b| b[24] = 0x80), (F::PlaintextSize, 24));
    assert_eq!(refused(|b| b[64] = 1), (F::HeaderSize, 64));
    assert_eq!(refused(|b| b[71] = 0), (F::SlotCount, 70));
    assert_eq!(refused(|b| b[71] = 65), (F::SlotCount, 70));
    assert_eq!(refused(|b| b[108] = 0x80), (F::CoreExtensions, 108));
    assert_eq!(refused(|b| b[113] = 3), (F::CoreExtensions, 108));
    assert_eq!(refused(|b| b[104] = 1), (F::CoreExtensions, 104));
    assert_eq!(refused(|b| b[116] = 1), (F::HeaderExtensions, 116));
    assert_eq!(refused(|b| b[120] = 0x80), (F::Slots, 120));
    assert_eq!(refused(|b| b[126] = 7), (F::Slots, 120));
    assert_eq!(refused(|b| b[459] = 1), (F::Padding, 459));
}

#[test]
fn a_cut_header_is_incomplete_and_a_foreign_file_is_not() {
    let bytes = draft().encode(512, |_| [8; 48]);
    for length in 1..bytes.len() {
        let cut = StreamHeader::parse(&bytes[..length]);
        assert!(
            matches!(cut, Err(HeaderError::Incomplete { .. })),
            "{length}: {cut:?}"
        );
    }
    for (foreign, looks_like) in [
        (&b"hi"[..], None),
        (b"", Some(LookAlike::Empty)),
        (b"\x1f\x8b", Some(LookAlike::Gzip)),
    ] {
        let refused = StreamHeader::parse(foreign).unwrap_err();
        assert_eq!(refused, HeaderError::NotSealed { looks_like });
    }
}

#[test]
fn unknown_slots_and_entries_are_kept() {
    let mut draft = draft();
    draft.slots.insert(
        0,
        RawKeySlot {
            slot_type: SlotType::Unknown(77),
            body: vec![1, 2, 3],
        },
    );
    draft.slots.insert(
        0,
        RawKeySlot {
            slot_type: SlotType::X25519,
            body: vec![9; 80],
        },
    );
    let header = StreamHeader::parse(&draft.encode(512, |_| [0; 48])).unwrap();
    assert_eq!(header.slots, draft.slots);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..700), mend: bool) {
        if mend {
            let good = draft().encode(512, |_| [0; 48]);
            let n = bytes.len().min(60);
            bytes.splice(..n, good[..n].iter().copied());
        }
        let _ = StreamHeader::parse(&bytes);
    }

    #[test]
    fn one_wrong_byte_with_a_mended_checksum_never_panics(at in 0usize..508, value: u8) {
        let _ = with(|b| b[at] = value);
    }
}
