//! What a change makes of the slots.

use super::*;

#[test]
fn a_recipient_is_added_and_another_removed() {
    let stream = sealed_for(vec![recipient(1), recipient(2)]);
    let change = edit(vec![recipient(3)], vec![SlotSelector::KeyId("2".into())]);
    let (after, report) = rewrapped(&stream, change);
    assert_eq!(
        [opens(&after, 1), opens(&after, 2), opens(&after, 3)],
        [true, false, true]
    );
    assert_eq!(
        (report.revision, report.in_place, report.header_size),
        (1, true, 4096)
    );
    let by = &report.opened_by;
    assert_eq!(
        (by.slot_index, by.slot_type, by.key_id.as_deref()),
        (0, SlotType::Key, Some("1"))
    );
    assert!(!report.header_from_copy);
    let places = |slots: &[crate::inspect::SlotInfo]| -> Vec<_> {
        slots
            .iter()
            .map(|slot| (slot.slot_index, slot.key_id.clone().unwrap()))
            .collect()
    };
    assert_eq!(places(&report.removed), [(1, "2".to_owned())]);
    assert_eq!(places(&report.added), [(1, "3".to_owned())]);
    let parts = StreamParts::of(&after);
    assert_eq!(parts.header, parts.copy);
}

#[test]
fn recipients_of_every_type_can_be_added() {
    let stream = sealed_for(vec![recipient(1)]);
    let (x, h) = (x25519(), hybrid());
    let add = vec![
        Recipient::X25519(x.recipient()),
        Recipient::Hybrid(h.recipient()),
        passphrase("correct horse"),
    ];
    let (after, report) = rewrapped(&stream, edit(add, Vec::new()));
    assert_eq!(types(&report), ["key", "x25519", "hybrid", "passphrase"]);
    opening(&after, identity(1)).unwrap();
    opening(&after, Identity::X25519(x)).unwrap();
    opening(&after, Identity::Hybrid(h)).unwrap();
    opening(
        &after,
        Identity::Passphrase(Passphrase::new("correct horse").unwrap()),
    )
    .unwrap();
}

#[test]
fn slots_are_selected_by_index_type_id_and_identity() {
    let x = x25519();
    let recipients = vec![
        recipient(1),
        passphrase("a"),
        Recipient::X25519(x.recipient()),
        passphrase("b"),
        recipient(2),
    ];
    let stream = sealed_for(recipients);
    let by_passphrase = |text| Identity::Passphrase(Passphrase::new(text).unwrap());
    for (selector, left) in [
        (SlotSelector::Index(1), vec!["key", "x25519", "passphrase", "key"]),
        (
            SlotSelector::Type(SlotType::Passphrase),
            vec!["key", "x25519", "key"],
        ),
        (
            SlotSelector::KeyId("2".into()),
            vec!["key", "passphrase", "x25519", "passphrase"],
        ),
        (
            SlotSelector::Opens(identity(2)),
            vec!["key", "passphrase", "x25519", "passphrase"],
        ),
        (
            SlotSelector::Opens(Identity::X25519(x)),
            vec!["key", "passphrase", "passphrase", "key"],
        ),
        (
            SlotSelector::Opens(by_passphrase("b")),
            vec!["key", "passphrase", "x25519", "key"],
        ),
    ] {
        let (after, report) = rewrapped(&stream, edit(Vec::new(), vec![selector.clone()]));
        assert_eq!(types(&report), left, "{selector:?}");
        assert!(opens(&after, 1));
        assert_eq!(
            opening(&after, by_passphrase("a")).is_ok(),
            left.contains(&"passphrase") && !matches!(selector, SlotSelector::Index(1)),
            "{selector:?}"
        );
    }
    // Several selectors may mean one slot.
    let twice = vec![SlotSelector::Index(4), SlotSelector::KeyId("2".into())];
    let (_, report) = rewrapped(&stream, edit(Vec::new(), twice));
    assert_eq!((report.slots.len(), report.removed.len()), (4, 1));
}

#[test]
fn kept_slots_keep_their_bytes() {
    let stream = sealed_for(vec![recipient(1), recipient(2), recipient(3)]);
    let (after, _) = rewrapped(&stream, edit(vec![recipient(4)], vec![SlotSelector::Index(1)]));
    let [before, after] =
        [&stream, &after].map(|stream| StreamParts::of(stream).parsed_header().fields.slots);
    assert_eq!([&after[0], &after[1]], [&before[0], &before[2]]);
}

#[test]
fn replacing_removes_all_old_recipients() {
    let stream = sealed_for(vec![recipient(1), recipient(2), passphrase("a")]);
    let (after, report) = rewrapped(&stream, SlotChange::Replace(vec![recipient(3), recipient(4)]));
    assert_eq!(
        [1, 2, 3, 4].map(|number| opens(&after, number)),
        [false, false, true, true]
    );
    assert_eq!(
        (report.slots.len(), report.added.len(), report.removed.len()),
        (2, 2, 3)
    );
}

#[test]
fn slots_of_unknown_types_stay_unless_selected() {
    let stream = with_slots(&sealed_for(vec![recipient(1)]), |draft| {
        draft.slots.push(foreign_slot())
    });
    for (change, left) in [
        (
            edit(vec![recipient(2)], vec![SlotSelector::KeyId("1".into())]),
            vec!["unknown (77)", "key"],
        ),
        (
            SlotChange::Replace(vec![recipient(2)]),
            vec!["unknown (77)", "key"],
        ),
        (edit(Vec::new(), vec![SlotSelector::Index(1)]), vec!["key"]),
        (
            edit(Vec::new(), vec![SlotSelector::Type(SlotType::Unknown(77))]),
            vec!["key"],
        ),
    ] {
        let (after, report) = rewrapped(&stream, change.clone());
        assert_eq!(types(&report), left, "{change:?}");
        let kept = StreamParts::of(&after)
            .parsed_header()
            .slots
            .contains(&foreign_slot());
        assert_eq!(kept, left.len() == 2);
    }
}

#[test]
fn extensions_and_the_streams_core_stay() {
    let entry = [0, 9, 0, 0, 0, 1, 42];
    let stream = with_slots(&sealed_for(vec![recipient(1)]), |draft| {
        draft.header_extensions = entry.to_vec();
    });
    let (after, _) = rewrapped(&stream, hand_over(2));
    let [before, after] = [&stream, &after].map(|stream| StreamParts::of(stream).parsed_header());
    assert_eq!(after.header_extensions, entry);
    assert_eq!(
        (&after.core, after.context_check),
        (&before.core, before.context_check)
    );
    assert_eq!(after.revision, before.revision + 1);
}

#[test]
fn one_to_sixty_four_slots_and_four_passphrases_are_allowed() {
    let stream = sealed_for(vec![recipient(1)]);
    let many: Vec<_> = (2..=64).map(recipient).collect();
    let (full, report) = rewrapped(&stream, edit(many, Vec::new()));
    assert_eq!((report.slots.len(), report.in_place), (64, false));
    assert!(opens(&full, 1) && opens(&full, 64));
    let (one, report) = rewrapped(&full, SlotChange::Replace(vec![recipient(9)]));
    assert_eq!((report.slots.len(), report.in_place), (1, true));
    assert!(opens(&one, 9) && !opens(&one, 64));
    let four = ["a", "b", "c", "d"].map(passphrase).to_vec();
    let (_, report) = rewrapped(&stream, edit(four, Vec::new()));
    assert_eq!(report.slots.len(), 5);
}
