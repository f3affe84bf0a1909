//! Cost of passphrases in a salvage: all headers that are found share the limit of one.

use super::*;
use crate::error::Limit;
use crate::repair::salvage::{SalvageOptions, salvage};
use crate::testing::support::Output;

#[test]
fn all_headers_of_a_damaged_source_share_one_limit() {
    let other = sealed_for(vec![by_passphrase("another", cheap())]);
    let ours = sealed_for(vec![by_passphrase("correct horse", cheap())]);
    let wreck = [other, ours].concat();
    let salvaged = |max_passphrase_cost| {
        let open = DecryptOptions {
            max_passphrase_cost,
            ..with(vec![Identity::Passphrase(passphrase("correct horse"))])
        };
        let output = Output::default();
        let map = salvage(
            &&wreck[..],
            &&output,
            &SalvageOptions::new(open),
            &Control::serial(),
        );
        map.map(|_| output.into_bytes())
    };
    assert_eq!(salvaged(2 * cheap().work()).unwrap(), plaintext(SIZE));
    // The limit is the failure, because a caller who raises it gets further.
    assert_eq!(
        salvaged(2 * cheap().work() - 1).unwrap_err(),
        SealError::LimitExceeded {
            limit: Limit::PassphraseCost,
            maximum: 63,
            value: 64
        }
    );
}

#[test]
fn attempts_to_open_slots_for_key_pairs_are_limited_over_all_headers() {
    let x25519 = |text| Recipient::X25519(x25519(text).recipient());
    let hostile = sealed_for(vec![x25519(OTHER_X25519); 64]);
    let ours = sealed_for(vec![x25519(X25519)]);
    let salvaged = |wreck: &[u8], identities: usize| {
        let person = people().swap_remove(2);
        let open = with(vec![person.identity; identities]);
        let output = Output::default();
        let options = SalvageOptions::new(open);
        let map = salvage(&wreck, &&output, &options, &Control::serial());
        map.map(|_| output.into_bytes())
    };
    // 64 slots and 256 identities are all that may be tried; one slot more is too much.
    let wreck = [&hostile[..], &ours].concat();
    assert_eq!(
        salvaged(&wreck, 256).unwrap_err(),
        SealError::LimitExceeded {
            limit: Limit::KeyAttempts,
            maximum: 16_384,
            value: 64 * 256 + 256
        }
    );
    assert_eq!(salvaged(&wreck, 250).unwrap(), plaintext(SIZE));
    // A single header may take any number.
    assert_eq!(
        salvaged(&sealed_for(vec![x25519(X25519); 64]), 257).unwrap(),
        plaintext(SIZE)
    );
}
