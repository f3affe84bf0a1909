//! What is refused, and then leaves the file as it was.

use super::*;
use crate::error::Limit;

/// The failure of a rewrap that leaves no trace.
fn refusal(stream: &[u8], change: SlotChange, open: &DecryptOptions<'_>) -> SealError {
    let sealed = Sealed::new(stream);
    let failure = sealed.rewrap(change, open).unwrap_err();
    assert_eq!(sealed.bytes(), stream);
    assert!(sealed.is_alone());
    failure
}

fn refused(stream: &[u8], change: SlotChange) -> SealError {
    refusal(stream, change, &reading(identity(1)))
}

fn is_invalid(failure: &SealError, expected: &str, words: &str) -> bool {
    matches!(failure, SealError::InvalidOption { option, problem } if option == expected && problem.contains(words))
}

#[test]
fn a_selector_without_a_match_is_named() {
    let stream = sealed_for(vec![recipient(1), recipient(2)]);
    for (selector, words) in [
        (SlotSelector::Index(2), "the slot index 2"),
        (SlotSelector::Type(SlotType::Passphrase), "the type passphrase"),
        (SlotSelector::KeyId("3".into()), "the key id \"3\""),
        (SlotSelector::KeyId(String::new()), "the key id \"\""),
        (SlotSelector::Opens(identity(3)), "an identity of the type key"),
    ] {
        let remove = vec![SlotSelector::Index(1), selector];
        let failure = refused(&stream, edit(Vec::new(), remove));
        assert!(is_invalid(&failure, "remove", words), "{failure}");
    }
}

#[test]
fn a_header_needs_one_slot_and_has_a_limit() {
    let stream = sealed_for(vec![recipient(1), passphrase("a")]);
    let all = vec![SlotSelector::Type(SlotType::Key), SlotSelector::Index(1)];
    assert!(is_invalid(
        &refused(&stream, edit(Vec::new(), all)),
        "remove",
        "no key slot"
    ));
    let none = refused(&stream, SlotChange::Replace(Vec::new()));
    assert!(is_invalid(&none, "replace", "1 to 64"), "{none}");
    let many = (0..63).map(recipient).collect();
    assert!(is_invalid(&refused(&stream, edit(many, Vec::new())), "add", "65"));
    let four = ["b", "c", "d", "e"].map(passphrase).to_vec();
    assert!(is_invalid(
        &refused(&stream, edit(four, Vec::new())),
        "add",
        "4 passphrases"
    ));
    let costly = Recipient::Passphrase {
        passphrase: Passphrase::new("b").unwrap(),
        cost: PassphraseCost::new(2 << 20, 2, 1).unwrap(),
    };
    // By itself it is as much as may be; the one that is there already makes it too much.
    let failure = refused(&stream, edit(vec![costly], Vec::new()));
    assert!(is_invalid(&failure, "strength", "at most"), "{failure}");
    let large = (0..40).map(|_| {
        Recipient::Provider(crate::keys::ProviderKey {
            name: "n".into(),
            key_id: "k".into(),
            blob: vec![1; 30_000],
            kek: secret(5),
        })
    });
    let failure = refused(&stream, edit(large.collect(), Vec::new()));
    assert!(is_invalid(&failure, "add", "1048576"), "{failure}");
}

#[test]
fn the_highest_revision_can_not_be_rewrapped() {
    let stream = with_slots(&sealed_for(vec![recipient(1)]), |draft| draft.revision = 65_534);
    let (last, report) = rewrapped(&stream, nothing());
    assert_eq!(report.revision, 65_535);
    let failure = refused(&last, hand_over(2));
    assert_eq!(
        failure,
        SealError::LimitExceeded {
            limit: Limit::Revisions,
            maximum: 65_535,
            value: 65_536
        }
    );
}

#[test]
fn rewrapping_needs_a_key_of_the_stream() {
    let stream = sealed_for(vec![recipient(1)]);
    let failure = refusal(&stream, hand_over(2), &reading(identity(2)));
    assert_eq!(failure.code(), "NO_MATCHING_KEY");
    let failure = refusal(&stream, hand_over(2), &reading(identity(1)).with_context(b"x"));
    assert_eq!(failure, SealError::ContextMismatch { supplied: 1 });
    let dear = DecryptOptions {
        max_passphrase_cost: 31,
        ..reading(Identity::Passphrase(Passphrase::new("a").unwrap()))
    };
    let failure = refusal(&sealed_for(vec![passphrase("a")]), hand_over(2), &dear);
    assert_eq!(failure.code(), "LIMIT_EXCEEDED");
    // Looking for a passphrase's slots costs as much as opening with it.
    let selects = edit(
        vec![recipient(2)],
        vec![SlotSelector::Opens(dear.identities[0].clone())],
    );
    let open = DecryptOptions {
        identities: vec![identity(1)],
        ..dear
    };
    let both = sealed_for(vec![recipient(1), passphrase("a")]);
    assert_eq!(refusal(&both, selects, &open).code(), "LIMIT_EXCEEDED");
}

#[test]
fn the_context_is_kept() {
    let options = rewrappable(vec![recipient(1)]).with_context(b"of the owner");
    let stream = seal(&plaintext(10), &options);
    let sealed = Sealed::new(&stream);
    let open = reading(identity(1)).with_context(b"of the owner");
    sealed.rewrap(hand_over(2), &open).unwrap();
    let open = reading(identity(2)).with_context(b"of the owner");
    let (opened, result) = open_by(
        (End::InOrder, End::InOrder),
        &sealed.bytes(),
        &open,
        &Control::serial(),
    );
    result.unwrap();
    assert_eq!(opened, plaintext(10));
}

#[test]
fn a_truncated_changed_or_extended_stream_is_not_changed() {
    let stream = sealed_for(vec![recipient(1)]);
    let parts = StreamParts::of(&stream);
    for length in [
        0,
        7,
        4000,
        4096,
        4097,
        stream.len() / 2,
        stream.len() - 4200,
        stream.len() - 1,
    ] {
        let failure = refused(&stream[..length], hand_over(2));
        assert!(
            matches!(
                failure.code(),
                "NOT_SEALED" | "TRUNCATED" | "END_DAMAGED" | "NO_MATCHING_KEY"
            ),
            "{length}: {failure}"
        );
    }
    let longer = [stream.clone(), vec![0]].concat();
    assert_eq!(refused(&longer, hand_over(2)).code(), "TRAILING_DATA");
    // An end record written without the key: the bytes before the footer need not be a copy.
    let forged = StreamParts::changed(&stream, |parts| {
        parts.end[30] ^= 1;
        let at = parts.end.len() - 4;
        let crc = crate::format::crc32c(&parts.end[..at]);
        parts.end[at..].copy_from_slice(&crc.to_be_bytes());
    });
    assert_eq!(refused(&forged, hand_over(2)).code(), "END_TAMPERED");
    let mut rotten = stream.clone();
    rotten[parts.end_offset() as usize + 10] ^= 1;
    assert_eq!(refused(&rotten, hand_over(2)).code(), "END_DAMAGED");
    let tampered = StreamParts::changed(&stream, |parts| {
        parts.header[4000] = 0;
        let at = parts.header.len() - 5;
        parts.header[at] ^= 1;
        parts.mend_header_checksum();
    });
    assert_eq!(refused(&tampered, hand_over(2)).code(), "HEADER_TAMPERED");
    let body = &stream[parts.header.len()..];
    let failure = refused(body, hand_over(2));
    assert!(
        failure.to_string().contains("its header is kept apart"),
        "{failure}"
    );
}

#[test]
fn a_damaged_segment_does_not_prevent_a_rewrap() {
    let stream = sealed_for(vec![recipient(1)]);
    let mut damaged = stream.clone();
    damaged[4096 + 200] ^= 1;
    let (after, report) = rewrapped(&damaged, hand_over(2));
    assert!(report.in_place);
    assert_eq!(
        opening(&after, identity(2)).unwrap_err().code(),
        "DIGEST_MISMATCH"
    );
}
