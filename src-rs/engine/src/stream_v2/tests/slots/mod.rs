//! Key slots of every type: sealing, opening, refusals, changes.

mod changed;
mod costs;
mod known;
mod opening;
mod resuming;
mod salvaging;
mod seen;

use crate::crypto::SecretKey;
use crate::error::SealError;
use crate::format::{PassphraseCost, SlotType};
use crate::keys::{
    HybridIdentity, Identity, Passphrase, ProviderKey, Recipient, X25519Identity, identity_from_text,
};
use crate::operation::options::{Control, DecryptOptions, EncryptOptions};
use crate::operation::report::Report;
use crate::testing::support::{ENDS, End, compact, key, open_by, plaintext, seal};

/// A party that can be a recipient of a stream.
struct Person {
    slot_type: SlotType,
    recipient: Recipient,
    identity: Identity,
    /// Another of the same type.
    stranger: Identity,
}

/// One of each type, in the order of their numbers.
fn people() -> Vec<Person> {
    let id = "test".to_owned();
    let person = |slot_type, recipient, identity, stranger| Person {
        slot_type,
        recipient,
        identity,
        stranger,
    };
    vec![
        person(
            SlotType::Key,
            Recipient::Key { key: key(), id },
            Identity::Key(key()),
            Identity::Key(secret(9)),
        ),
        person(
            SlotType::Passphrase,
            by_passphrase("correct horse", cheap()),
            Identity::Passphrase(passphrase("correct horse")),
            Identity::Passphrase(passphrase("battery staple")),
        ),
        person(
            SlotType::X25519,
            Recipient::X25519(x25519(X25519).recipient()),
            Identity::X25519(x25519(X25519)),
            Identity::X25519(x25519(OTHER_X25519)),
        ),
        person(
            SlotType::Provider,
            Recipient::Provider(provider(5)),
            Identity::Provider(provider(5)),
            Identity::Provider(provider(6)),
        ),
        person(
            SlotType::Hybrid,
            Recipient::Hybrid(hybrid(HYBRID).recipient()),
            Identity::Hybrid(hybrid(HYBRID)),
            Identity::Hybrid(hybrid(OTHER_HYBRID)),
        ),
    ]
}

fn secret(byte: u8) -> SecretKey {
    SecretKey::from_bytes(&[byte; 32]).unwrap()
}

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text).unwrap()
}

fn by_passphrase(text: &str, cost: PassphraseCost) -> Recipient {
    Recipient::Passphrase {
        passphrase: passphrase(text),
        cost,
    }
}

/// As little as Argon2 does with two lanes.
fn cheap() -> PassphraseCost {
    PassphraseCost::new(32, 1, 2).unwrap()
}

fn x25519(text: &str) -> X25519Identity {
    match identity_from_text(text).unwrap() {
        Identity::X25519(secret) => secret,
        other => panic!("{other:?}"),
    }
}

fn hybrid(text: &str) -> HybridIdentity {
    match identity_from_text(text).unwrap() {
        Identity::Hybrid(secret) => secret,
        other => panic!("{other:?}"),
    }
}

/// A key that a provider wrapped; the blob is the same for any kek, as no real provider would have it.
fn provider(kek: u8) -> ProviderKey {
    ProviderKey {
        name: "vault".into(),
        key_id: "keys/7".into(),
        blob: vec![9; 40],
        kek: secret(kek),
    }
}

fn for_recipients(recipients: Vec<Recipient>) -> EncryptOptions<'static> {
    EncryptOptions {
        recipients,
        ..compact()
    }
}

/// A small stream for these.
fn sealed_for(recipients: Vec<Recipient>) -> Vec<u8> {
    seal(&plaintext(SIZE), &for_recipients(recipients))
}

fn with(identities: Vec<Identity>) -> DecryptOptions<'static> {
    DecryptOptions::new(identities)
}

/// Opens on both paths, which have to agree; nothing but the whole plaintext comes out.
fn open(stream: &[u8], options: &DecryptOptions<'_>) -> Result<Report, SealError> {
    let [first, second] = ENDS.map(|end| {
        let (opened, result) = open_by((end, End::InOrder), stream, options, &Control::serial());
        match &result {
            Ok(_) => assert_eq!(opened, plaintext(SIZE)),
            Err(_) => assert!(opened.is_empty()),
        }
        result
    });
    assert_eq!(first.as_ref().err(), second.as_ref().err());
    first
}

fn opened_by(stream: &[u8], options: &DecryptOptions<'_>) -> (u32, SlotType) {
    let by = open(stream, options).unwrap().opened_by.unwrap();
    (by.slot_index, by.slot_type)
}

const SIZE: u64 = 5;
/// From age's own tests.
const X25519: &str = "AGE-SECRET-KEY-1EGTZVFFV20835NWYV6270LXYVK2VKNX2MMDKWYKLMGR48UAWX40Q2P2LM0";
const OTHER_X25519: &str = "AGE-SECRET-KEY-107X8E6KXSTCKFX4WYDJ3U4K3HZYG83UF708ZJ66L8VZ58626NDNQN8TE4D";
const HYBRID: &str = "AGE-SECRET-KEY-PQ-16XDSLZ3XCSZ3236YJ5J0T9NAPLZTP96LJKQCVHJYUDTQVJR5J5PQTDPQCX";
const OTHER_HYBRID: &str = "AGE-SECRET-KEY-PQ-1XXC4XS9DXHZ6TREKQTT3XECY8VNNU7GJ83C3Y49D0GZ3ZUME4JWS6QC3EF";
