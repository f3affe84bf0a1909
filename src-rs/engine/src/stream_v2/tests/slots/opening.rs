//! Keys that open a stream, and the errors of those that don't.

use super::*;

#[test]
fn each_recipient_opens_a_stream_for_it_alone() {
    for person in people() {
        let stream = sealed_for(vec![person.recipient]);
        let by = opened_by(&stream, &with(vec![person.identity]));
        assert_eq!(by, (0, person.slot_type));
    }
}

#[test]
fn each_recipient_opens_a_stream_for_all() {
    let stream = sealed_for(people().into_iter().map(|person| person.recipient).collect());
    for (slot, person) in people().into_iter().enumerate() {
        let identities = vec![person.stranger, person.identity];
        assert_eq!(
            opened_by(&stream, &with(identities)),
            (slot as u32, person.slot_type)
        );
    }
}

/// Checks that no key matched, the words for the slots, their indexes, and which of them were not accepted.
fn assert_no_match(failure: &SealError, words: &str, left_out: Option<Vec<u32>>) {
    let SealError::NoMatchingKey { slots, not_accepted } = failure else {
        panic!("{failure}");
    };
    let prefix = "no offered key opens this stream, or its header was altered; it was sealed for: ";
    assert_eq!(failure.to_string(), format!("{prefix}{words}"));
    assert_eq!(*not_accepted, left_out);
    assert!(slots.iter().map(|slot| slot.slot_index).eq(0..slots.len() as u32));
}

#[test]
fn another_key_of_the_same_type_opens_nothing() {
    let words = [
        "key \"test\"",
        "",
        "an X25519 key",
        "key \"keys/7\" of \"vault\"",
        "a post-quantum hybrid key",
    ];
    for (person, words) in people().into_iter().zip(words) {
        let stream = sealed_for(vec![person.recipient]);
        let refused = open(&stream, &with(vec![person.stranger])).unwrap_err();
        match person.slot_type {
            SlotType::Passphrase => assert_eq!(refused, SealError::WrongPassphrase),
            _ => assert_no_match(&refused, words, None),
        }
    }
}

#[test]
fn the_error_is_wrong_passphrase_only_if_no_other_key_was_tried() {
    let [of_key, of_passphrase] = [0, 1].map(|at| people().swap_remove(at));
    let both = sealed_for(vec![of_key.recipient.clone(), of_passphrase.recipient.clone()]);
    let passphrase_alone = sealed_for(vec![of_passphrase.recipient]);
    let strangers = || vec![of_key.stranger.clone(), of_passphrase.stranger.clone()];
    let failure = |stream: &[u8], identities| open(stream, &with(identities)).unwrap_err();
    assert_eq!(failure(&both, strangers()).code(), "NO_MATCHING_KEY");
    assert_eq!(failure(&passphrase_alone, strangers()).code(), "WRONG_PASSPHRASE");
    assert_eq!(
        failure(&both, vec![of_passphrase.stranger.clone()]).code(),
        "WRONG_PASSPHRASE"
    );
    let refused = failure(&passphrase_alone, vec![of_key.stranger.clone()]);
    assert_no_match(&refused, "a passphrase", None);
    assert_eq!(failure(&both, Vec::new()).code(), "NO_MATCHING_KEY");
}

#[test]
fn slots_are_tried_in_the_header_s_order() {
    let mut people = people();
    people.reverse();
    let stream = sealed_for(people.iter().map(|person| person.recipient.clone()).collect());
    for first in 0..people.len() {
        let offered = people[first..].iter().rev().map(|person| person.identity.clone());
        let by = opened_by(&stream, &with(offered.collect()));
        assert_eq!(by, (first as u32, people[first].slot_type));
    }
}

#[test]
fn a_slot_of_a_type_that_is_not_accepted_is_not_tried() {
    let people = people();
    let stream = sealed_for(people.iter().map(|person| person.recipient.clone()).collect());
    let all: Vec<_> = people.iter().map(|person| person.identity.clone()).collect();
    for (slot, person) in people.iter().enumerate() {
        let options = DecryptOptions {
            accept: Some(vec![person.slot_type, SlotType::Unknown(77)]),
            ..with(all.clone())
        };
        assert_eq!(opened_by(&stream, &options), (slot as u32, person.slot_type));
    }
}

#[test]
fn the_error_names_slots_that_are_not_accepted() {
    let people = people();
    let stream = sealed_for(vec![people[0].recipient.clone(), people[2].recipient.clone()]);
    let options = |accept| DecryptOptions {
        accept: Some(accept),
        ..with(vec![people[0].identity.clone(), people[2].identity.clone()])
    };
    let slots = "key \"test\", which is not accepted; an X25519 key, which is not accepted";
    let refused = open(&stream, &options(vec![SlotType::Hybrid])).unwrap_err();
    assert_no_match(&refused, slots, Some(vec![0, 1]));
    let refused = open(&stream, &options(vec![SlotType::Passphrase, SlotType::X25519]));
    assert!(refused.is_ok());
    match open(&stream, &options(Vec::new())).unwrap_err() {
        SealError::InvalidOption { option, .. } => assert_eq!(option, "acceptSlots"),
        other => panic!("{other}"),
    }
}

#[test]
fn public_keys_seal_but_do_not_open() {
    let public = [
        x25519(X25519).recipient().to_string(),
        hybrid(HYBRID).recipient().to_string(),
    ];
    let recipients: Vec<_> = public
        .iter()
        .map(|text| crate::keys::recipient_from_text(text).unwrap())
        .collect();
    assert!(recipients.iter().all(|recipient| recipient.identity().is_none()));
    let stream = sealed_for(recipients);
    let refused = open(&stream, &with(Vec::new())).unwrap_err();
    assert_no_match(&refused, "an X25519 key; a post-quantum hybrid key", None);
    for person in [&people()[2], &people()[4]] {
        open(&stream, &with(vec![person.identity.clone()])).unwrap();
    }
}

#[test]
fn unicode_forms_of_one_passphrase_open_the_same_stream() {
    let stream = sealed_for(vec![by_passphrase("caf\u{e9} \u{1e9b}\u{323}", cheap())]);
    for text in ["caf\u{e9} \u{1e9b}\u{323}", "cafe\u{301} \u{17f}\u{323}\u{307}"] {
        open(&stream, &with(vec![Identity::Passphrase(passphrase(text))])).unwrap();
    }
    let other = with(vec![Identity::Passphrase(passphrase("caf\u{e9} \u{1e69}"))]);
    assert_eq!(open(&stream, &other).unwrap_err(), SealError::WrongPassphrase);
}

#[test]
fn a_key_from_a_provider_opens_only_the_slot_it_was_unwrapped_for() {
    let stream = sealed_for(vec![Recipient::Provider(provider(5))]);
    let others = [
        ProviderKey {
            name: "vaul".into(),
            ..provider(5)
        },
        ProviderKey {
            key_id: "keys/8".into(),
            ..provider(5)
        },
        ProviderKey {
            blob: vec![9; 39],
            ..provider(5)
        },
        provider(6),
    ];
    for other in others {
        let failure = open(&stream, &with(vec![Identity::Provider(other)])).unwrap_err();
        assert_eq!(failure.code(), "NO_MATCHING_KEY");
    }
    // The header contains the blob, to be sent to the provider.
    let slots = crate::inspect::inspect_slots(&stream.as_slice()).unwrap();
    let known = slots[0].provider.clone().unwrap();
    let unwrapped = ProviderKey {
        name: known.name,
        key_id: slots[0].key_id.clone().unwrap(),
        blob: known.blob,
        kek: secret(5),
    };
    open(&stream, &with(vec![Identity::Provider(unwrapped)])).unwrap();
}

#[test]
fn two_slots_for_the_same_public_key_share_nothing() {
    for person in [&people()[2], &people()[4]] {
        let stream = sealed_for(vec![person.recipient.clone(), person.recipient.clone()]);
        let slots = crate::format::StreamHeader::parse(&stream).unwrap().fields.slots;
        let [one, other] = &slots[..] else { panic!() };
        let same = one
            .body
            .iter()
            .zip(&other.body)
            .filter(|(one, other)| one == other);
        assert!(same.count() < one.body.len() / 16, "{}", person.slot_type);
    }
}

#[test]
fn sixty_four_slots_of_each_type_but_passphrases_fit() {
    for person in people() {
        let count = if person.slot_type == SlotType::Passphrase {
            4
        } else {
            64
        };
        let stream = sealed_for(vec![person.recipient; count]);
        open(&stream, &with(vec![person.identity])).unwrap();
    }
}
