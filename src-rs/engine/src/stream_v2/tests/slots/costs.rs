//! Limits on the cost of passphrases, and on recipients.

use super::*;
use crate::error::Limit;
use crate::format::PassphraseSlot;
use crate::keys::{DEFAULT_MAX_PASSPHRASE_COST, DEFAULT_MAX_PASSPHRASE_MEMORY, MAX_PASSPHRASE_LANES};
use crate::operation::options::HeaderLayout;
use crate::stream_v2::core::create::sealed_size;
use crate::stream_v2::core::decrypt_stream_v2;
use crate::testing::stream_parts::StreamParts;
use crate::testing::support::{Output, source};

/// An authentic stream for a key whose header has passphrase slots of these costs in front.
fn asking(costs: &[PassphraseCost]) -> Vec<u8> {
    let slots = costs.iter().map(|&cost| {
        PassphraseSlot {
            salt: [1; 32],
            cost,
            wrap: [2; 80],
        }
        .to_raw()
    });
    let stream = sealed_for(vec![people().swap_remove(0).recipient]);
    StreamParts::changed(&stream, |parts| {
        let keys = parts.keys();
        parts.rewrite_header(Some(&keys), |draft| draft.slots.splice(..0, slots).for_each(drop));
    })
}

fn cost(memory: u32, passes: u32, lanes: u32) -> PassphraseCost {
    PassphraseCost::new(memory, passes, lanes).unwrap()
}

fn any_passphrase() -> DecryptOptions<'static> {
    with(vec![people().swap_remove(1).identity])
}

#[test]
fn costs_over_the_limit_are_refused_before_any_work() {
    let gib = 1024 * 1024;
    for costs in [
        // If any of them ran there would be neither memory nor time enough.
        vec![cost(2 * gib, u32::MAX, 1)],
        vec![cost(8, u32::MAX, 1)],
        vec![cheap(), cost(2 * gib, 2, 1)],
        vec![cost(gib, 4, 4), cost(8, 1, 1)],
        vec![
            cost(gib, 1, 4),
            cost(gib, 1, 4),
            cost(gib, 1, 4),
            cost(gib + 1, 1, 4),
        ],
    ] {
        let value = costs.iter().map(|cost| cost.work()).sum();
        let due = SealError::LimitExceeded {
            limit: Limit::PassphraseCost,
            maximum: DEFAULT_MAX_PASSPHRASE_COST,
            value,
        };
        assert_eq!(open(&asking(&costs), &any_passphrase()).unwrap_err(), due);
    }
}

#[test]
fn a_slot_over_the_limit_of_memory_is_refused_before_any_work() {
    let limited = |max_passphrase_memory| DecryptOptions {
        max_passphrase_memory,
        max_passphrase_cost: u64::MAX,
        ..any_passphrase()
    };
    let exceeded = |maximum, value: u32| SealError::LimitExceeded {
        limit: Limit::PassphraseMemory,
        maximum,
        value: value.into(),
    };
    for memory in [u32::MAX, 2 * 1024 * 1024 + 1] {
        let stream = asking(&[cheap(), cost(memory, 1, 1)]);
        let failure = open(&stream, &any_passphrase()).unwrap_err();
        assert_eq!(failure, exceeded(DEFAULT_MAX_PASSPHRASE_MEMORY, memory));
        assert!(
            failure.to_string().contains("raise maxPassphraseMemory"),
            "{failure}"
        );
    }
    let stream = asking(&[cheap(), cheap()]);
    assert_eq!(open(&stream, &limited(31)).unwrap_err(), exceeded(31, 32));
    assert_eq!(
        open(&stream, &limited(32)).unwrap_err(),
        SealError::WrongPassphrase
    );
}

#[test]
fn a_header_and_its_newer_copy_share_one_budget() {
    let sealing = EncryptOptions {
        header: HeaderLayout::PADDED,
        ..for_recipients(vec![by_passphrase("correct horse", cheap())])
    };
    // The copy's revision is raised without a key, so that it is tried first and fails.
    let stream = StreamParts::changed(&seal(&plaintext(SIZE), &sealing), |parts| {
        parts.copy[69] = 9;
        let at = parts.copy.len() - 4;
        let crc = crate::format::crc32c(&parts.copy[..at]);
        parts.copy[at..].copy_from_slice(&crc.to_be_bytes());
    });
    let opened = |text, max_passphrase_cost| {
        let options = DecryptOptions {
            max_passphrase_cost,
            ..with(vec![Identity::Passphrase(passphrase(text))])
        };
        let (bytes, result) = open_by(
            (End::ByOffset, End::InOrder),
            &stream,
            &options,
            &Control::serial(),
        );
        result.map(|report| {
            assert!(report.newer_copy_unused && !report.header_from_copy);
            bytes
        })
    };
    let both = 2 * cheap().work();
    assert_eq!(opened("correct horse", both).unwrap(), plaintext(SIZE));
    assert_eq!(opened("another", both).unwrap_err(), SealError::WrongPassphrase);
    for text in ["correct horse", "another"] {
        assert_eq!(
            opened(text, both - 1).unwrap_err(),
            SealError::LimitExceeded {
                limit: Limit::PassphraseCost,
                maximum: both - 1,
                value: both,
            }
        );
    }
}

#[test]
fn a_cancelled_operation_tries_no_slot() {
    let people = people();
    let stream = sealed_for(people.iter().map(|person| person.recipient.clone()).collect());
    for person in people {
        for end in ENDS {
            let control = Control::serial();
            control.cancel.cancel();
            let options = with(vec![person.identity.clone()]);
            let result = decrypt_stream_v2(
                source(end, &stream),
                Output::default().sink(End::InOrder),
                &options,
                &control,
            );
            assert_eq!(result.unwrap_err(), SealError::Cancelled);
        }
    }
}

#[test]
fn a_cancellation_does_not_wait_for_a_derivation() {
    // Takes a second or more. The key's slot behind it would open.
    let stream = asking(&[cost(8, 200_000, 1)]);
    let people = people();
    let options = with(vec![people[1].identity.clone(), people[0].identity.clone()]);
    let control = Control::serial();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(std::time::Duration::from_millis(50));
            control.cancel.cancel();
        });
        let result = decrypt_stream_v2(
            source(End::InOrder, &stream),
            Output::default().sink(End::InOrder),
            &options,
            &control,
        );
        assert_eq!(result.unwrap_err(), SealError::Cancelled);
    });
}

#[test]
fn the_caller_sets_the_limit() {
    let stream = asking(&[cheap(), cheap()]);
    let limited = |max_passphrase_cost| DecryptOptions {
        max_passphrase_cost,
        ..any_passphrase()
    };
    assert_eq!(
        open(&stream, &limited(64)).unwrap_err(),
        SealError::WrongPassphrase
    );
    assert_eq!(open(&stream, &limited(63)).unwrap_err().code(), "LIMIT_EXCEEDED");
    assert_eq!(open(&stream, &limited(0)).unwrap_err().code(), "LIMIT_EXCEEDED");
}

#[test]
fn too_many_lanes_are_refused() {
    let lanes = MAX_PASSPHRASE_LANES + 1;
    assert_eq!(
        open(&asking(&[cost(lanes * 8, 1, lanes)]), &any_passphrase()).unwrap_err(),
        SealError::LimitExceeded {
            limit: Limit::PassphraseLanes,
            maximum: MAX_PASSPHRASE_LANES.into(),
            value: lanes.into(),
        }
    );
    let most = asking(&[cost(MAX_PASSPHRASE_LANES * 8, 1, MAX_PASSPHRASE_LANES)]);
    assert_eq!(
        open(&most, &any_passphrase()).unwrap_err(),
        SealError::WrongPassphrase
    );
}

#[test]
fn without_a_passphrase_the_limit_does_not_apply() {
    let stream = asking(&[cost(u32::MAX, u32::MAX, 1), cost(1 << 20, 4, 4)]);
    let people = people();
    assert_eq!(
        opened_by(&stream, &with(vec![people[0].identity.clone()])),
        (2, SlotType::Key)
    );
    // Nor where passphrases are not accepted.
    let options = DecryptOptions {
        accept: Some(vec![SlotType::Key]),
        ..with(vec![people[1].identity.clone(), people[0].identity.clone()])
    };
    assert_eq!(opened_by(&stream, &options), (2, SlotType::Key));
}

#[test]
fn a_stream_that_no_reader_would_open_is_not_sealed() {
    let [of_key, _, of_public, ..] = &people()[..] else {
        panic!()
    };
    let with_provider = |change: fn(&mut ProviderKey)| {
        let mut key = provider(5);
        change(&mut key);
        vec![Recipient::Provider(key)]
    };
    let refused: Vec<(Vec<Recipient>, &str)> = vec![
        (vec![], "recipients"),
        (vec![of_key.recipient.clone(); 65], "recipients"),
        (vec![of_public.recipient.clone(); 65], "recipients"),
        (vec![by_passphrase("a", cheap()); 5], "recipients"),
        (vec![by_passphrase("a", cost(1 << 20, 5, 4))], "strength"),
        (vec![by_passphrase("a\u{378}", cheap())], "passphrase"),
        (vec![by_passphrase("a", cost((2 << 20) + 1, 1, 4))], "strength"),
        (vec![by_passphrase("a", PassphraseCost::SENSITIVE); 3], "strength"),
        (vec![by_passphrase("a", cost(8 * 256, 1, 256))], "strength"),
        (with_provider(|key| key.name.clear()), "provider"),
        (with_provider(|key| key.name = "n".repeat(256)), "provider"),
        (with_provider(|key| key.key_id = "k".repeat(65_536)), "provider"),
        (with_provider(|key| key.blob.clear()), "provider"),
        (
            with_provider(|key| key.blob = vec![0; 1024 * 1024 - 100]),
            "recipients",
        ),
    ];
    for (recipients, due) in refused {
        let options = for_recipients(recipients);
        for failure in [
            options.geometry(None).unwrap_err(),
            sealed_size(5, &options).unwrap_err(),
        ] {
            match failure {
                SealError::InvalidOption { option, .. } => assert_eq!(option, due),
                other => panic!("{other}"),
            }
        }
    }
    for recipients in [
        vec![by_passphrase("a", PassphraseCost::SENSITIVE); 2],
        vec![by_passphrase("a", PassphraseCost::default()); 4],
        vec![by_passphrase("a", PassphraseCost::INTERACTIVE); 4],
        with_provider(|key| key.key_id.clear()),
        with_provider(|key| key.blob = vec![0; 1000 * 1024]),
    ] {
        for_recipients(recipients).geometry(None).unwrap();
    }
}

#[test]
fn the_size_is_known_before_sealing() {
    let all: Vec<_> = people().into_iter().map(|person| person.recipient).collect();
    let mut groups: Vec<_> = all.iter().map(|one| vec![one.clone()]).collect();
    groups.push(all.clone());
    // More than fit into a header that is padded to 4,096 bytes.
    groups.push(vec![all[4].clone(); 5]);
    for recipients in groups {
        for header in [HeaderLayout::COMPACT, HeaderLayout::FILE] {
            let options = EncryptOptions {
                header,
                ..for_recipients(recipients.clone())
            };
            let stream = seal(&plaintext(3000), &options);
            assert_eq!(sealed_size(3000, &options).unwrap(), stream.len() as u64);
        }
    }
}
