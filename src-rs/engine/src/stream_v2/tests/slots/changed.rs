//! Headers that an attacker without a key changed, with a correct checksum.

use super::*;
use crate::format::DigestKind;
use crate::operation::options::HeaderLayout;
use crate::testing::stream_parts::StreamParts;
use crate::testing::support::options;
use proptest::prelude::*;
use std::collections::BTreeSet;

#[test]
fn a_header_with_any_changed_byte_does_not_open() {
    for person in people() {
        let stream = sealed_for(vec![person.recipient]);
        let size = StreamParts::of(&stream).header.len();
        let options = DecryptOptions {
            // A byte of the cost can make it anything.
            max_passphrase_cost: 64,
            ..with(vec![person.identity])
        };
        for at in 0..size - 4 {
            let changed = StreamParts::changed(&stream, |parts| {
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
                32..64 | 72..104 => "not for them",
                SLOT_AT..118 => "another slot",
                _ if at <= last && at >= first => in_body(person.slot_type, at - first),
                _ => "tampered",
            };
            let code = failure.code();
            let is_due = match due {
                "a field" => {
                    code == not_for_them(person.slot_type)
                        || matches!(
                            code,
                            "NOT_SEALED"
                                | "HEADER_ERROR"
                                | "TRUNCATED"
                                | "HEADER_TAMPERED"
                                | "LIMIT_EXCEEDED"
                        )
                }
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

/// Every kind of refusal that a header with wrong bits may come to, once its checksum is right again.
const MENDED: [&str; 8] = [
    "NOT_SEALED",
    "HEADER_ERROR",
    // The size is another, and so the checksum stands elsewhere.
    "HEADER_DAMAGED",
    "TRUNCATED",
    "HEADER_TAMPERED",
    "LIMIT_EXCEEDED",
    "NO_MATCHING_KEY",
    "WRONG_PASSPHRASE",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn wrong_bits_in_a_header_with_slots_of_every_type_open_nothing_but_its_copy(
        rewrappable: bool,
        offered in proptest::sample::subsequence(vec![0, 1, 2, 3, 4], 1..=5),
        flips in proptest::collection::vec(
            (any::<bool>(), proptest::collection::vec(any::<proptest::sample::Index>(), 1..6)),
            12,
        ),
    ) {
        let layout = if rewrappable { HeaderLayout::PADDED } else { HeaderLayout::COMPACT };
        let recipients = people().into_iter().map(|person| person.recipient).collect();
        let options = EncryptOptions { recipients, ..options(DigestKind::Crc64Nvme, layout) };
        let stream = seal(&plaintext(SIZE), &options);
        let everyone = people();
        let identities = offered.iter().map(|&at: &usize| everyone[at].identity.clone()).collect();
        let open = DecryptOptions { max_passphrase_cost: 64, ..with(identities) };
        // Padding and checksum included.
        let bits = StreamParts::of(&stream).header.len() * 8;
        for (mended, places) in flips {
            let places: BTreeSet<usize> = places.iter().map(|place| place.index(bits)).collect();
            let changed = StreamParts::changed(&stream, |parts| {
                places.iter().for_each(|bit| parts.header[bit / 8] ^= 1 << (bit % 8));
                if mended {
                    parts.mend_header_checksum();
                }
            });
            if changed == stream {
                // Only the checksum was wrong, and was mended.
                continue;
            }
            for end in ENDS {
                let (opened, result) = open_by((end, End::InOrder), &changed, &open, &Control::serial());
                let what = format!("{offered:?}, mended {mended}, bits {places:?}, {end:?}");
                match result {
                    Ok(report) => {
                        prop_assert!(rewrappable && end == End::ByOffset && report.header_from_copy, "{}", what);
                        prop_assert_eq!(opened, plaintext(SIZE), "{}", what);
                    }
                    Err(failure) => {
                        let due = if mended { &MENDED[..] } else { &MENDED[..3] };
                        prop_assert!(due.contains(&failure.code()), "{}: {}", what, failure);
                        prop_assert!(opened.is_empty(), "{}", what);
                    }
                }
            }
        }
    }
}
