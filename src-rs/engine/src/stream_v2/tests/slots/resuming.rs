//! Resumed sealing for recipients of every type.

use super::*;
use crate::error::StartedOver;
use crate::operation::report::ResumeReport;
use crate::resume::tests::interrupted::{MemoryOutput, interrupted, plain, source_mark};
use crate::resume::{Attempt, encrypt_resumable};

/// Interrupts sealing for `first` after three segments and goes on for `second`.
fn resumed(first: Vec<Recipient>, second: Vec<Recipient>, secret: Option<&SecretKey>) -> ResumeReport {
    let place = interrupted(&plain(), &for_recipients(first), secret, 3);
    resume(&place, second, secret)
}

fn resume(place: &MemoryOutput, recipients: Vec<Recipient>, secret: Option<&SecretKey>) -> ResumeReport {
    let attempt = Attempt {
        secret,
        ..place.attempt(source_mark(&plain()))
    };
    let source = plain();
    encrypt_resumable(
        &&source[..],
        attempt,
        &for_recipients(recipients),
        &Control::serial(),
    )
    .unwrap()
    .resume
    .unwrap()
}

fn recipient(at: usize) -> Recipient {
    people().swap_remove(at).recipient
}

const PUBLIC: [usize; 2] = [2, 4];

#[test]
fn a_resume_secret_resumes_sealing_for_any_recipients() {
    let resume_secret = secret(1);
    for at in 0..5 {
        let of = || vec![recipient(at)];
        let report = resumed(of(), of(), Some(&resume_secret));
        assert_eq!((report.segments_resumed, report.started_over), (3, None), "{at}");
    }
    let all = || (0..5).map(recipient).collect::<Vec<_>>();
    let report = resumed(all(), all(), Some(&resume_secret));
    assert_eq!((report.segments_resumed, report.started_over), (3, None));
}

#[test]
fn a_recipient_s_own_secret_resumes_sealing_without_one() {
    for at in [0, 1, 3] {
        let mixed = || vec![recipient(2), recipient(at), recipient(4)];
        let report = resumed(mixed(), mixed(), None);
        assert_eq!((report.segments_resumed, report.started_over), (3, None), "{at}");
    }
}

#[test]
fn with_public_keys_alone_sealing_starts_over_and_reports_why() {
    for at in PUBLIC {
        let report = resumed(vec![recipient(at)], vec![recipient(at)], None);
        assert_eq!(report.started_over, Some(StartedOver::NoSecret));
        assert_eq!(report.segments_resumed, 0);
    }
    // Where there is a secret it is the wrong one.
    let place = interrupted(&plain(), &for_recipients(vec![recipient(2)]), None, 3);
    let report = resume(&place, vec![recipient(2)], Some(&secret(1)));
    assert_eq!(report.started_over, Some(StartedOver::NoMatchingKey));
}

#[test]
fn other_recipients_start_over() {
    let others = [
        vec![Recipient::Key {
            key: key(),
            id: "other".into(),
        }],
        vec![by_passphrase("battery staple", cheap())],
        vec![Recipient::X25519(x25519(OTHER_X25519).recipient())],
        vec![Recipient::Provider(ProviderKey {
            key_id: "keys/8".into(),
            ..provider(5)
        })],
        vec![Recipient::Hybrid(hybrid(OTHER_HYBRID).recipient())],
    ];
    let resume_secret = secret(1);
    for (at, other) in others.into_iter().enumerate() {
        let report = resumed(vec![recipient(at)], other, Some(&resume_secret));
        assert_eq!(report.started_over, Some(StartedOver::OptionsDiffer), "{at}");
    }
    let dearer = by_passphrase("correct horse", PassphraseCost::new(40, 1, 2).unwrap());
    for (first, second) in [
        (vec![recipient(1)], vec![dearer]),
        (vec![recipient(2)], vec![recipient(4)]),
        (vec![recipient(2)], vec![recipient(2), recipient(2)]),
        (vec![recipient(2), recipient(4)], vec![recipient(4), recipient(2)]),
        (
            vec![recipient(0), recipient(2)],
            vec![recipient(0), Recipient::X25519(x25519(OTHER_X25519).recipient())],
        ),
    ] {
        let report = resumed(first, second, Some(&resume_secret));
        assert_eq!(report.started_over, Some(StartedOver::OptionsDiffer));
    }
}

#[test]
fn a_provider_that_wraps_another_key_each_time_is_the_same_recipient() {
    let again = ProviderKey {
        blob: vec![8; 50],
        kek: secret(77),
        ..provider(5)
    };
    let report = resumed(
        vec![recipient(3)],
        vec![Recipient::Provider(again)],
        Some(&secret(1)),
    );
    assert_eq!((report.segments_resumed, report.started_over), (3, None));
}

#[test]
fn the_journal_does_not_reveal_public_keys() {
    let place = interrupted(&plain(), &for_recipients(vec![recipient(2)]), None, 3);
    let journal = place.journal_bytes();
    let public = x25519(X25519).recipient();
    let windows = |size: usize| journal.windows(size);
    assert!(!windows(32).any(|bytes| bytes == public.as_bytes()));
    for plain_hash in [sha256(public.as_bytes()), sha256(public.to_string().as_bytes())] {
        assert!(!windows(32).any(|bytes| bytes == plain_hash));
    }
    // The same key under another stream's journal key is another value.
    let other = interrupted(&plain(), &for_recipients(vec![recipient(2)]), None, 3).journal_bytes();
    assert_ne!(journal[50..98], other[50..98]);
    assert_eq!(journal[10..12], [0, 1]);
}

#[test]
fn the_journal_has_only_the_slot_of_a_passphrase() {
    let with_passphrase = interrupted(&plain(), &for_recipients(vec![recipient(1)]), None, 3);
    let journal = with_passphrase.journal_bytes();
    // No flag, no wrapped key: the fixed part, the header, a MAC, a checksum, three entries.
    let header = u32::from_be_bytes(journal[12..16].try_into().unwrap()) as usize;
    assert_eq!((&journal[10..12], &journal[48..50]), (&[0; 2][..], &[0; 2][..]));
    assert_eq!(journal.len(), 50 + header + 52 + 3 * 112);
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    let mut hasher = crate::crypto::SegmentHasher::new(crate::format::DigestKind::Sha256);
    hasher.update(bytes);
    hasher.finish().as_bytes().to_vec()
}
