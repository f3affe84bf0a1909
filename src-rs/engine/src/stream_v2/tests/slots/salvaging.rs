//! Cost of passphrases in a salvage: all headers that are found share the limit of one.

use super::*;
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
    assert_eq!(
        salvaged(2 * cheap().work() - 1).unwrap_err(),
        SealError::WrongPassphrase
    );
}
