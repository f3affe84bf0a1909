//! Slots as they are visible without a key.

use super::*;
use crate::format::{SlotBody, StreamHeader};
use crate::inspect::{ProviderInfo, SlotInfo, inspect, inspect_slots};

#[test]
fn every_slot_tells_what_opens_it() {
    let stream = sealed_for(people().into_iter().map(|person| person.recipient).collect());
    let slot = |slot_index, slot_type: &str| SlotInfo {
        slot_index,
        slot_type: slot_type.into(),
        key_id: None,
        passphrase_cost: None,
        provider: None,
    };
    let due = [
        SlotInfo {
            key_id: Some("test".into()),
            ..slot(0, "key")
        },
        SlotInfo {
            passphrase_cost: Some(cheap()),
            ..slot(1, "passphrase")
        },
        slot(2, "x25519"),
        SlotInfo {
            key_id: Some("keys/7".into()),
            provider: Some(ProviderInfo {
                name: "vault".into(),
                blob: vec![9; 40],
            }),
            ..slot(3, "provider")
        },
        slot(4, "hybrid"),
    ];
    assert_eq!(inspect(&&stream[..]).unwrap().slots, due);
    assert_eq!(inspect_slots(&stream.as_slice()).unwrap(), due);
    let header = StreamHeader::parse(&stream).unwrap();
    assert_eq!(inspect_slots(&header.bytes.as_slice()).unwrap(), due);
    assert!(inspect_slots(&&stream[..header.bytes.len() - 1]).is_err());
    let blobs: Vec<_> = header
        .slots
        .iter()
        .filter_map(|raw| match raw.parsed() {
            Some(SlotBody::Provider(slot)) => Some(slot.blob),
            _ => None,
        })
        .collect();
    assert_eq!(blobs, [vec![9; 40]]);
}

#[test]
fn a_stream_with_an_x25519_slot_is_not_post_quantum() {
    let post_quantum = |recipients| inspect(&&sealed_for(recipients)[..]).unwrap().is_post_quantum;
    let people = people();
    for person in &people {
        let alone = post_quantum(vec![person.recipient.clone()]);
        assert_eq!(alone, person.slot_type != SlotType::X25519);
    }
    let all: Vec<_> = people.into_iter().map(|person| person.recipient).collect();
    assert!(!post_quantum(all));
}
