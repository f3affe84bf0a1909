//! Signatures, and the order of the reasons for which a sender is unverified.

use super::*;
use crate::crypto::{Ed25519Key, SegmentHasher};
use crate::format::DigestKind;
use SenderReason as R;

#[test]
fn signed_bytes_are_an_sshsig_of_102_bytes() {
    let signed = message(b"entries");
    assert_eq!(signed.as_bytes().len(), SIGNED_SIZE);
    assert_eq!(
        &signed.as_bytes()[..38],
        b"SSHSIG\0\0\0\x0asealstream\0\0\0\0\0\0\0\x06sha512\0\0\0\x40"
    );
}

#[test]
fn every_part_of_the_message_is_signed() {
    let base = || StreamBinding::new(&[1; 64], &[], &[2; 32]);
    let finish = |message: SenderMessage| message.finish();
    let all = [
        finish(SenderMessage::new(&base(), 3, 99, b"")),
        finish(SenderMessage::new(&base(), 4, 99, b"")),
        finish(SenderMessage::new(&base(), 3, 98, b"")),
        finish(SenderMessage::new(&base(), 3, 99, b"x")),
        finish(SenderMessage::new(
            &StreamBinding::new(&[1; 64], &[], &[3; 32]),
            3,
            99,
            b"",
        )),
        message(b"x"),
    ];
    for (at, one) in all.iter().enumerate() {
        assert!(!all[..at].contains(one), "{at}");
    }
}

#[test]
fn an_encoded_signature_verifies_and_every_flipped_bit_is_found() {
    let signed = message(b"");
    let made = signature(&secret(7), &signed);
    let value = made.encode();
    assert_eq!(value.len(), SenderSignature::encoded_size(made.key()));
    assert_eq!(SenderEntry::parse(&value), SenderEntry::Signature(made));
    let check = SenderCheck {
        digest: DigestKind::Blake3,
        announced: None,
        trusted: Some(&[secret(7).public().clone()]),
    };
    assert!(check.check(Some(&value), || signed.clone()).is_ok());
    for bit in 0..value.len() * 8 {
        let mut flipped = value.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let refused = check.check(Some(&flipped), || signed.clone());
        assert!(refused.is_err(), "bit {bit}");
    }
    for size in 0..value.len() {
        assert!(check.check(Some(&value[..size]), || signed.clone()).is_err());
    }
}

/// What a security key signs, made with an ordinary key.
fn security_key_value(application: &[u8], flags: u8, counter: u32, signed: &SignedBytes) -> Vec<u8> {
    let key = Ed25519Key::from_seed(&[5; 32]).unwrap();
    let sha256 = |bytes: &[u8]| {
        let mut hasher = SegmentHasher::new(DigestKind::Sha256);
        hasher.update(bytes);
        hasher.finish()
    };
    let counter = counter.to_be_bytes();
    let message = [
        sha256(application).as_bytes(),
        &[flags],
        &counter,
        sha256(signed.as_bytes()).as_bytes(),
    ]
    .concat();
    [
        &[2][..],
        &key.public_key(),
        &key.sign(&message),
        &[flags],
        &counter,
        application,
    ]
    .concat()
}

#[test]
fn a_security_keys_signature_needs_its_user_and_its_application() {
    let signed = message(b"");
    let point = Ed25519Key::from_seed(&[5; 32]).unwrap().public_key();
    let trusted = [SenderKey::security_key(point, b"ssh:".to_vec())];
    let check = |value: &[u8]| {
        let check = SenderCheck {
            digest: DigestKind::Sha256,
            announced: None,
            trusted: Some(&trusted),
        };
        let checked = check.check(Some(value), || signed.clone());
        checked.map_or_else(|status| status.failure, |_| None)
    };
    assert_eq!(check(&security_key_value(b"ssh:", 1, 9, &signed)), None);
    assert_eq!(check(&security_key_value(b"ssh:", 5, 9, &signed)), None);
    let absent = security_key_value(b"ssh:", 4, 9, &signed);
    assert_eq!(check(&absent), Some(R::BadSignature));
    let other = security_key_value(b"ssh:other", 1, 9, &signed);
    assert_eq!(check(&other), Some(R::AnotherSender));
    let value = security_key_value(b"ssh:", 1, 9, &signed);
    for bit in 0..value.len() * 8 {
        let mut flipped = value.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(check(&flipped).is_some(), "bit {bit}");
    }
    // An ordinary key of the same point is another sender.
    let ordinary = [SenderKey::ed25519(point)];
    let check = SenderCheck {
        digest: DigestKind::Sha256,
        announced: None,
        trusted: Some(&ordinary),
    };
    let refused = check.check(Some(&value), || signed.clone()).unwrap_err();
    assert_eq!(refused.failure, Some(R::AnotherSender));
}

#[test]
fn the_first_reason_that_holds_is_given() {
    let signed = message(b"");
    let (ours, other) = (secret(7), secret(8));
    let right = signature(&ours, &signed).encode();
    let unknown = [&[3], &right[1..]].concat();
    let wrong = [&right[..96], &[right[96] ^ 1]].concat();
    let keys = |secret: &SenderSecret| vec![secret.public().clone()];
    let reason =
        |digest, announced: Option<&SenderSecret>, trusted: Option<Vec<SenderKey>>, value: Option<&[u8]>| {
            let announced = announced.map(|secret| secret.public().announcement());
            let check = SenderCheck {
                digest,
                announced: announced.as_deref(),
                trusted: trusted.as_deref(),
            };
            match check.check(value, || signed.clone()) {
                Ok(status) => Ok(status.map(|status| status.failure)),
                Err(status) => Err(status.failure.unwrap()),
            }
        };
    let (weak, strong) = (DigestKind::Crc64Nvme, DigestKind::Sha512);
    // Senders are given.
    let (us, them) = (Some(keys(&ours)), Some(keys(&other)));
    assert_eq!(
        reason(weak, Some(&other), them.clone(), None),
        Err(R::NoSignature)
    );
    assert_eq!(
        reason(weak, Some(&other), them.clone(), Some(&unknown)),
        Err(R::WeakDigest)
    );
    assert_eq!(
        reason(DigestKind::None, None, us.clone(), Some(&right)),
        Err(R::WeakDigest)
    );
    assert_eq!(
        reason(strong, Some(&other), them.clone(), Some(&unknown)),
        Err(R::UnknownAlgorithm)
    );
    assert_eq!(
        reason(strong, None, us.clone(), Some(&[])),
        Err(R::UnknownAlgorithm)
    );
    assert_eq!(
        reason(strong, Some(&other), them.clone(), Some(&wrong)),
        Err(R::NotAnnounced)
    );
    assert_eq!(
        reason(strong, Some(&ours), them, Some(&wrong)),
        Err(R::AnotherSender)
    );
    assert_eq!(
        reason(strong, Some(&ours), Some(vec![]), Some(&right)),
        Err(R::AnotherSender)
    );
    assert_eq!(
        reason(strong, Some(&ours), us.clone(), Some(&wrong)),
        Err(R::BadSignature)
    );
    assert_eq!(
        reason(strong, Some(&ours), us.clone(), Some(&right[..96])),
        Err(R::BadSignature)
    );
    assert_eq!(
        reason(strong, Some(&ours), us.clone(), Some(&right)),
        Ok(Some(None))
    );
    assert_eq!(reason(strong, None, us, Some(&right)), Ok(Some(None)));
    // None are given.
    assert_eq!(reason(strong, None, None, None), Ok(None));
    assert_eq!(reason(strong, Some(&ours), None, None), Err(R::NoSignature));
    assert_eq!(
        reason(strong, Some(&other), None, Some(&right)),
        Err(R::NotAnnounced)
    );
    assert_eq!(
        reason(strong, Some(&ours), None, Some(&wrong)),
        Err(R::BadSignature)
    );
    assert_eq!(reason(strong, Some(&ours), None, Some(&right)), Ok(Some(None)));
    assert_eq!(
        reason(strong, None, None, Some(&wrong)),
        Ok(Some(Some(R::BadSignature)))
    );
    assert_eq!(
        reason(weak, None, None, Some(&right)),
        Ok(Some(Some(R::WeakDigest)))
    );
}

#[test]
fn a_key_of_small_order_is_refused_even_if_it_is_trusted() {
    let mut identity = [0; 32];
    identity[0] = 1;
    // R = B and S = 1: right for every message under the key of order 1.
    let mut value = vec![1];
    value.extend_from_slice(&identity);
    value.extend_from_slice(&[0x58]);
    value.extend_from_slice(&[0x66; 31]);
    value.extend_from_slice(&[1]);
    value.extend_from_slice(&[0; 31]);
    let check = SenderCheck {
        digest: DigestKind::Blake3,
        announced: None,
        trusted: Some(&[SenderKey::ed25519(identity)]),
    };
    let refused = check.check(Some(&value), || message(b"")).unwrap_err();
    assert_eq!(refused.failure, Some(R::BadSignature));
}

#[test]
fn an_external_signer_gives_64_bytes_or_fails() {
    let ours = secret(7);
    let signed = message(b"");
    let right = |bytes: &[u8], _: &dyn Fn() -> bool| {
        Ok(Ed25519Key::from_seed(&[7; 32]).unwrap().sign(bytes).to_vec())
    };
    let signer = ExternalSigner::new(*ours.public().point(), right);
    let key = signer.public_key(&|| false).unwrap();
    assert!(signer.sign(&key, &signed, &|| false).unwrap().verifies(&signed));
    let short = ExternalSigner::new([0; 32], |_: &[u8], _: &dyn Fn() -> bool| Ok(vec![0; 63]));
    let failure = short.sign(&key, &signed, &|| false).unwrap_err();
    assert!(matches!(
        failure,
        SignerError::Failed {
            reason: SignerReason::WrongSignature,
            ..
        }
    ));
}
