//! What a stream shows without a key.

use crate::format::DigestKind;
use crate::inspect::{SlotInfo, inspect};
use crate::keys::Recipient;
use crate::operation::options::{EncryptOptions, HeaderLayout};
use crate::testing::stream_parts::StreamParts;
use crate::testing::support::{FRAME, SEGMENT, compact, key, options, plaintext, seal, seal_unsized};

#[test]
fn sizes_slots_and_layout_are_shown_without_a_key() {
    for layout in [HeaderLayout::COMPACT, HeaderLayout::PADDED] {
        let recipients = vec![
            Recipient::Key {
                key: key(),
                id: "laptop".into(),
            },
            Recipient::Key {
                key: key(),
                id: String::new(),
            },
        ];
        let options = EncryptOptions {
            recipients,
            ..options(DigestKind::Sha512, layout)
        };
        let content = plaintext(3 * SEGMENT + 1);
        for stream in [seal(&content, &options), seal_unsized(&content, &options)] {
            let info = inspect(&&stream[..]).unwrap();
            let header = StreamParts::of(&stream).header;
            assert_eq!(
                (u64::from(info.frame_size), u64::from(info.segment_size)),
                (FRAME, SEGMENT)
            );
            assert_eq!(
                (info.plaintext_size, info.segments),
                (Some(3 * SEGMENT + 1), Some(4))
            );
            assert_eq!(
                (info.sealed_size, info.header_size as usize),
                (stream.len() as u64, header.len())
            );
            assert_eq!(
                (info.digest, info.header_revision, info.header_from_copy),
                (DigestKind::Sha512, 0, false)
            );
            assert_eq!(info.has_header_copy, layout == HeaderLayout::PADDED);
            assert_eq!(info.stream_id, stream[32..64]);
            let slot = |slot_index, key_id: Option<&str>| SlotInfo {
                slot_index,
                slot_type: "key".into(),
                passphrase_cost: None,
                provider: None,
                key_id: key_id.map(Into::into),
            };
            assert_eq!(info.slots, [slot(0, Some("laptop")), slot(1, None)]);
        }
    }
}

#[test]
fn the_length_of_a_truncated_stream_is_unknown_unless_its_header_states_it() {
    let content = plaintext(SEGMENT);
    let sized = seal(&content, &compact());
    let truncated = inspect(&&sized[..sized.len() - 1]).unwrap();
    assert_eq!(truncated.plaintext_size, Some(SEGMENT));
    let unsized_stream = seal_unsized(&content, &compact());
    let truncated = inspect(&&unsized_stream[..unsized_stream.len() - 1]).unwrap();
    assert_eq!((truncated.plaintext_size, truncated.segments), (None, None));
}

#[test]
fn a_damaged_header_is_read_from_its_copy() {
    let mut stream = seal(&plaintext(5), &options(DigestKind::None, HeaderLayout::PADDED));
    stream[100] ^= 1;
    let info = inspect(&&stream[..]).unwrap();
    assert!(info.header_from_copy);
    assert_eq!(info.slots[0].key_id.as_deref(), Some("test"));
    assert_eq!(inspect(&&stream[..5000]).unwrap_err().code(), "HEADER_DAMAGED");
}

#[test]
fn a_source_that_is_not_a_stream_is_refused() {
    assert_eq!(inspect(&&b"hello"[..]).unwrap_err().code(), "NOT_SEALED");
    assert_eq!(inspect(&&b""[..]).unwrap_err().code(), "NOT_SEALED");
}
