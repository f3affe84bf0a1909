//! Valid streams, for the vectors.

use crate::crypto::SecretKey;
use crate::format::DigestKind;
use crate::keys::Recipient;
use crate::operation::options::{EncryptOptions, HeaderLayout};
use crate::stream_v2::tests::refusals::{Case, Row};
use crate::testing::support::{key, options, plaintext, seal, seal_unsized};

/// Valid streams: every digest, sizes around the edges, contexts, key ids, header layouts, unknown sizes.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let mut add = |name: String, description: &str, stream: Vec<u8>, size: u64| {
        let (name, description) = (leak(name), leak(description.to_owned()));
        rows.push(Row {
            name,
            description,
            case: Case::opens(stream, plaintext(size)),
        });
    };
    for digest in DigestKind::ALL {
        for size in [0, 5, 1024, 2048, 2 * 2048 + 5] {
            let stream = seal(&plaintext(size), &options(digest, HeaderLayout::COMPACT));
            add(format!("sealed_{digest}_{size}"), "A sound stream.", stream, size);
        }
    }
    let compact = || options(DigestKind::Crc64Nvme, HeaderLayout::COMPACT);
    for size in [0, 2047, 2048, 2 * 2048 + 5] {
        let stream = seal_unsized(&plaintext(size), &compact());
        add(
            format!("unsized_{size}"),
            "The header does not state the plaintext's length.",
            stream,
            size,
        );
    }
    let rewrappable = options(DigestKind::Sha256, HeaderLayout::PADDED);
    add(
        "rewrappable".into(),
        "A header of 4,096 bytes with a copy.",
        seal(&plaintext(5), &rewrappable),
        5,
    );
    let stream = seal_unsized(&plaintext(2049), &rewrappable);
    add(
        "rewrappable_unsized".into(),
        "The same; the header states no length.",
        stream,
        2049,
    );
    let large = EncryptOptions {
        frame_size: 65_536,
        segment_size: Some(1_048_576),
        ..compact()
    };
    add(
        "default_sizes".into(),
        "Frames of 64 KiB.",
        seal(&plaintext(65_541), &large),
        65_541,
    );
    let recipient = |byte, id: &str| Recipient::Key {
        key: SecretKey::from_bytes(&[byte; 32]).unwrap(),
        id: id.into(),
    };
    let ours = |id: &str| Recipient::Key {
        key: key(),
        id: id.into(),
    };
    for (name, description, recipients) in [
        (
            "key_without_an_id",
            "The key slot has an empty id.",
            vec![ours("")],
        ),
        (
            "key_id_of_255_bytes",
            "The longest id.",
            vec![ours(&"i".repeat(255))],
        ),
        (
            "key_id_in_unicode",
            "An id beyond ASCII.",
            vec![ours("clé \u{1f511}")],
        ),
        (
            "second_of_three_keys",
            "Three slots, of which the second opens.",
            vec![recipient(8, "a"), ours("b"), recipient(9, "c")],
        ),
        (
            "key_ids_that_repeat",
            "Two slots of one id; an id is a hint.",
            vec![recipient(8, "x"), ours("x")],
        ),
    ] {
        let options = EncryptOptions {
            recipients,
            ..compact()
        };
        add(name.into(), description, seal(&plaintext(5), &options), 5);
    }
    for (name, context) in [
        ("context_text", &b"tenant=7;object=a"[..]),
        ("context_bytes", &[0, 0xff, 0x80, b'\n']),
    ] {
        let case = Case {
            context,
            ..Case::opens(
                seal(&plaintext(5), &compact().with_context(context)),
                plaintext(5),
            )
        };
        rows.push(Row {
            name,
            description: "Sealed with a context.",
            case,
        });
    }
    rows
}

/// Names are static in the other rows; these few live as long as the test.
fn leak(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}
