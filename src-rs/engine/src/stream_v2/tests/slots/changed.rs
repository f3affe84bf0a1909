//! Any byte of a header that somebody without a key changes, checksum and all.

use super::super::parts::Parts;
use super::*;

#[test]
fn a_header_with_any_other_byte_opens_nothing() {
    for person in people() {
        let stream = sealed_for(vec![person.recipient]);
        let size = Parts::of(&stream).header.len();
        let options = DecryptOptions {
            // A byte of the cost can make it anything.
            max_passphrase_cost: 64,
            ..with(vec![person.identity])
        };
        for at in 0..size - 4 {
            let changed = Parts::changed(&stream, |parts| {
                parts.header[at] ^= 1 << (at % 8);
                parts.mend_header_checksum();
            });
            let (opened, result) = open_by(
                (End::ByOffset, End::InOrder),
                &changed,
                &options,
                &Control::serial(),
            );
            let failure = result.unwrap_err();
            assert!(opened.is_empty());
            let (first, last) = (SLOT_AT + 6, size - 53);
            let due = match at {
                64..68 => "the header's size",
                0..32 | 68..72 | 104..SLOT_AT => "a field",
                32..64 => "not for them",
                72..104 => "tampered",
                SLOT_AT..118 => "another slot",
                _ if at <= last && at >= first => in_body(person.slot_type, at - first),
                _ => "tampered",
            };
            let code = failure.code();
            let is_due = match due {
                "a field" => matches!(
                    code,
                    "HEADER_ERROR" | "TRUNCATED" | "HEADER_TAMPERED" | "LIMIT_EXCEEDED"
                ),
                "the header's size" => matches!(code, "HEADER_ERROR" | "HEADER_DAMAGED" | "TRUNCATED"),
                "not for them" => code == not_for_them(person.slot_type),
                "tampered" => code == "HEADER_TAMPERED",
                "another slot" => matches!(code, "HEADER_ERROR" | "NO_MATCHING_KEY"),
                "malformed or not for them" => {
                    code == "HEADER_ERROR"
                        || code == not_for_them(person.slot_type)
                        || code == "NO_MATCHING_KEY"
                }
                "malformed or tampered" => matches!(code, "HEADER_ERROR" | "HEADER_TAMPERED"),
                _ => matches!(code, "HEADER_ERROR" | "WRONG_PASSPHRASE" | "LIMIT_EXCEEDED"),
            };
            assert!(
                is_due,
                "{} slot, byte {at}: {failure}, not {due}",
                person.slot_type
            );
        }
    }
}

/// What a change at this byte of a slot's body comes to.
fn in_body(slot_type: SlotType, at: usize) -> &'static str {
    match (slot_type, at) {
        // The id's length, and the id: the wrap is bound to it.
        (SlotType::Key, 0..5) => "malformed or tampered",
        (SlotType::Key, 37..85) => "tampered",
        (SlotType::Passphrase, 32..44) => "a cost",
        (SlotType::Passphrase, 44..92) => "tampered",
        // Name, key id and blob say which key is meant.
        (SlotType::Provider, 0..58) => "malformed or not for them",
        (SlotType::Provider, 90..138) => "tampered",
        // A salt, a commitment, or anything of HPKE's, which can't tell a change from another's key.
        _ => "not for them",
    }
}

fn not_for_them(slot_type: SlotType) -> &'static str {
    match slot_type {
        SlotType::Passphrase => "WRONG_PASSPHRASE",
        _ => "NO_MATCHING_KEY",
    }
}

const SLOT_AT: usize = 112;
