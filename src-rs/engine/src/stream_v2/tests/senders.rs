//! Signed streams: sealed and read on every path, and refused without a signature that the reader accepts.

use crate::crypto::{FileKey, SecretKey, StreamKeys};
use crate::error::SealError;
use crate::format::DigestKind;
use crate::inspect::inspect;
use crate::keys::{
    ExternalSigner, Sender, SenderKey, SenderReason, SenderSecret, SenderStatus, SignerError, SignerReason,
};
use crate::operation::damage::{DamageDecision, DamagePolicy};
use crate::operation::options::{Control, DecryptOptions, EncryptOptions, HeaderLayout};
use crate::repair::verify::{VerifyOptions, verify};
use crate::session::{OpenSession, SealSession};
use crate::stream_v2::core::sealed_size;
use crate::testing::support::{
    ENDS, End, SEGMENT, control, open_by, options, plaintext, reading, seal, seal_by,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const SIZES: [u64; 4] = [0, 1, SEGMENT, 2 * SEGMENT + 5];

fn secret(byte: u8) -> SenderSecret {
    SenderSecret::from_seed(&[byte; 32]).unwrap()
}

fn key(byte: u8) -> SenderKey {
    secret(byte).public().clone()
}

fn sender(byte: u8, announce: bool) -> Sender {
    let signer = Arc::new(secret(byte));
    Sender { signer, announce }
}

fn signed(announce: bool) -> EncryptOptions<'static> {
    options(DigestKind::Blake3, HeaderLayout::COMPACT).signed_by(sender(7, announce))
}

fn trusting(bytes: &[u8]) -> DecryptOptions<'static> {
    DecryptOptions {
        senders: Some(bytes.iter().map(|&byte| key(byte)).collect()),
        ..reading()
    }
}

fn reason<T: std::fmt::Debug>(result: Result<T, SealError>) -> SenderReason {
    match result {
        Err(SealError::SenderUnverified { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

fn verified() -> Option<SenderStatus> {
    Some(SenderStatus {
        key: Some(key(7)),
        failure: None,
    })
}

#[test]
fn signed_streams_open_on_every_path_and_name_their_sender() {
    for size in SIZES {
        let content = plaintext(size);
        for (from, to, announce) in ENDS.into_iter().flat_map(|from| {
            ENDS.into_iter()
                .flat_map(move |to| [true, false].map(|announce| (from, to, announce)))
        }) {
            let (stream, report) = seal_by((from, to), &content, &signed(announce), &control(2));
            assert_eq!(report.sender, verified());
            assert_eq!(report.sealed_size, stream.len() as u64);
            if from == End::ByOffset {
                assert_eq!(sealed_size(size, &signed(announce)).unwrap(), stream.len() as u64);
            }
            for reader in [trusting(&[7]), trusting(&[6, 7]), reading()] {
                for ends in ENDS {
                    let (opened, result) = open_by((ends, End::InOrder), &stream, &reader, &control(2));
                    assert_eq!(result.unwrap().sender, verified());
                    assert_eq!(opened, content);
                }
            }
            assert_eq!(inspect(&stream.as_slice()).unwrap().claimed_sender, Some(key(7)));
        }
    }
}

#[test]
fn a_stream_of_no_trusted_sender_is_refused_before_a_byte_comes_out() {
    let content = plaintext(2 * SEGMENT + 5);
    let stream = seal(&content, &signed(true));
    let unsigned = seal(&content, &options(DigestKind::Blake3, HeaderLayout::COMPACT));
    for (stream, reader, due) in [
        (&stream, trusting(&[8]), SenderReason::AnotherSender),
        (&stream, trusting(&[]), SenderReason::AnotherSender),
        (&unsigned, trusting(&[7]), SenderReason::NoSignature),
        (&unsigned, trusting(&[]), SenderReason::NoSignature),
    ] {
        for ends in ENDS {
            let (opened, result) = open_by((ends, End::InOrder), stream, &reader, &control(1));
            assert_eq!(reason(result), due);
            assert!(ends == End::InOrder || opened.is_empty());
        }
        let policy = DecryptOptions {
            on_damage: DamagePolicy::Always(DamageDecision::Skip),
            ..reader
        };
        let (opened, result) = open_by((End::ByOffset, End::InOrder), stream, &policy, &control(1));
        assert_eq!(reason(result), due);
        assert!(opened.is_empty());
    }
}

/// With a sender to check, no change of any byte is accepted, and by offset no changed byte comes out.
#[test]
fn every_flipped_byte_of_a_signed_stream_is_refused() {
    let content = plaintext(SEGMENT + 5);
    let stream = seal(&content, &signed(true));
    for at in 0..stream.len() {
        let mut flipped = stream.clone();
        flipped[at] ^= 1;
        for ends in ENDS {
            let (opened, result) = open_by((ends, End::InOrder), &flipped, &trusting(&[7]), &control(1));
            assert!(result.is_err(), "byte {at}, {ends:?}");
            assert!(content.starts_with(&opened), "byte {at}, {ends:?}");
        }
        let options = VerifyOptions {
            senders: Some(vec![key(7)]),
            ..VerifyOptions::default()
        };
        if let Ok(found) = verify(&flipped.as_slice(), &options, &Control::serial()) {
            assert!(!found.sound, "byte {at}");
        }
    }
}

#[test]
fn a_damaged_end_is_not_read_around() {
    let content = plaintext(2 * SEGMENT);
    let mut stream = seal(&content, &signed(false));
    let at = stream.len() - 1;
    stream[at] ^= 1;
    let tolerant = |options: DecryptOptions<'static>| DecryptOptions {
        on_damage: DamagePolicy::Always(DamageDecision::Skip),
        ..options
    };
    let open = |options| open_by((End::ByOffset, End::InOrder), &stream, &options, &control(1));
    let (opened, result) = open(tolerant(trusting(&[7])));
    assert!(opened.is_empty());
    assert!(matches!(result, Err(SealError::EndDamaged { .. })), "{result:?}");
    let (opened, result) = open(tolerant(reading()));
    assert_eq!(result.unwrap().sender, None);
    assert_eq!(opened, content);
}

#[test]
fn sessions_sign_and_check() {
    let content = plaintext(SEGMENT);
    let session = SealSession::new(&signed(true)).unwrap();
    let mut cutter = session.cutter();
    let mut record = vec![0; session.geometry().full_record_size() as usize];
    assert_eq!(cutter.copy(&mut record, &content), content.len());
    let header = cutter.cut(true);
    session
        .seal(header, &mut record, &Control::serial().cancel)
        .unwrap();
    let (end, report) = session.finish(1, &Control::serial().cancel).unwrap();
    assert_eq!(report.sender, verified());
    assert_eq!(end.len() as u64, session.end_size(1));
    for (options, due) in [
        (trusting(&[7]), None),
        (trusting(&[8]), Some(SenderReason::AnotherSender)),
    ] {
        let opening = OpenSession::new(session.header(), &options, &Control::serial().cancel).unwrap();
        let mut cursor = opening.cursor();
        let place = cursor.measure(record.first_chunk().unwrap()).unwrap();
        cursor.advance(&place);
        let mut record = record.clone();
        opening
            .open(&place, &mut record, &Control::serial().cancel)
            .unwrap();
        let verified_end = opening.verify_end(&cursor, &end);
        match due {
            None => assert_eq!(verified_end.unwrap().sender, verified()),
            Some(due) => {
                assert_eq!(reason(verified_end), due);
                assert_eq!(opening.damage(cursor.index()), None, "no decision may accept it");
            }
        }
    }
}

#[test]
fn a_weak_digest_is_not_signed() {
    for digest in [DigestKind::None, DigestKind::Crc64Nvme] {
        let options = EncryptOptions {
            digest,
            ..signed(true)
        };
        let failure = SealSession::new(&options).err();
        assert!(
            matches!(&failure, Some(SealError::InvalidOption { option, .. }) if option == "digest"),
            "{failure:?}"
        );
    }
}

#[test]
fn a_signer_is_asked_for_its_key_first_and_its_failure_ends_the_stream() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let failing = ExternalSigner::new(*key(7).point(), move |_: &[u8], _: &dyn Fn() -> bool| {
        count.fetch_add(1, Ordering::Relaxed);
        Err(SignerError::with(SignerReason::SignerFailed, "no"))
    });
    let wrong = ExternalSigner::new(*key(7).point(), |_: &[u8], _: &dyn Fn() -> bool| Ok(vec![1; 64]));
    let sealing = |signer| {
        let sender = Sender {
            signer,
            announce: true,
        };
        let options = options(DigestKind::Sha256, HeaderLayout::COMPACT).signed_by(sender);
        let mut out = Vec::new();
        let sink = crate::stream_v2::io::OutputSink::writer(&mut out);
        let source = crate::testing::support::source(End::InOrder, b"text");
        crate::encrypt_stream_v2(source, sink, &options, &Control::serial()).map(drop)
    };
    let failed = |reason, detail: Option<&str>| {
        Err(SealError::SigningFailed {
            reason,
            detail: detail.map(str::to_owned),
        })
    };
    assert_eq!(
        sealing(Arc::new(failing)),
        failed(SignerReason::SignerFailed, Some("no"))
    );
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    assert_eq!(
        sealing(Arc::new(wrong)),
        failed(SignerReason::WrongSignature, None)
    );
}

#[test]
fn the_journal_of_a_signed_stream_has_a_key_that_recipients_do_not_know() {
    let keys = StreamKeys::derive(&FileKey::new(&[1; 32]), &[2; 64], &[], b"context").unwrap();
    let secret = |byte| SecretKey::from_bytes(&[byte; 32]).unwrap();
    let signed = |byte| keys.signed_journal_key(&secret(byte)).unwrap().sign(b"entry");
    assert_eq!(signed(3), signed(3));
    assert_ne!(signed(3), signed(4));
    assert_ne!(signed(3), keys.journal_key().unwrap().sign(b"entry"));
}
