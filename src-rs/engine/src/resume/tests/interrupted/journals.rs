//! Journals that are torn, damaged, forged, of another operation, or not writable.

use super::*;

#[test]
fn a_torn_journal_loses_only_the_torn_entries() {
    let plain = plain();
    for direction in BOTH {
        let source = direction.source(&plain);
        let whole = interrupted_after(direction, &source, 2);
        let journal = whole.journal.lock().unwrap().clone();
        let output = whole.output.lock().unwrap().clone();
        let header_size = journal.len() - 2 * 112;
        for length in 0..journal.len() {
            let place = MemoryOutput::new();
            *place.output.lock().unwrap() = output.clone();
            *place.journal.lock().unwrap() = journal[..length].to_vec();
            let report = place.work(direction, &source, &control(1)).unwrap();
            let told = resume(&report);
            let torn = length != 0 && length < header_size;
            assert_eq!(
                told.started_over,
                torn.then_some(StartedOver::JournalTorn),
                "{length}"
            );
            let kept = length.saturating_sub(header_size) / 112;
            assert_eq!(told.segments_resumed, kept as u64, "{length}");
            assert!(place.plain(direction) == plain);
        }
    }
}

#[test]
fn a_journal_with_a_flipped_byte_is_not_used() {
    let plain = plaintext(2 * SEGMENT);
    for direction in BOTH {
        let source = direction.source(&plain);
        let whole = interrupted_after(direction, &source, 1);
        let journal = whole.journal.lock().unwrap().clone();
        let output = whole.output.lock().unwrap().clone();
        let header_size = journal.len() - 112;
        for at in 0..journal.len() {
            let place = MemoryOutput::new();
            *place.output.lock().unwrap() = output.clone();
            let mut flipped = journal.clone();
            flipped[at] ^= 1;
            *place.journal.lock().unwrap() = flipped;
            let report = place.work(direction, &source, &control(1)).unwrap();
            assert_eq!(resume(&report).segments_resumed, 0, "{at}");
            let torn = at < header_size;
            assert_eq!(
                resume(&report).started_over,
                torn.then_some(StartedOver::JournalTorn),
                "{at}"
            );
            assert!(place.plain(direction) == plain, "{at}");
        }
    }
}

#[test]
fn a_journal_with_a_forged_header_is_refused() {
    let plain = plain();
    for direction in BOTH {
        let source = direction.source(&plain);
        let place = interrupted_after(direction, &source, 2);
        {
            let mut journal = place.journal.lock().unwrap();
            let header_size = journal.len() - 2 * 112;
            journal[20] ^= 1; // The source's size.
            let crc = crate::format::crc32c(&journal[..header_size - 4]);
            journal[header_size - 4..header_size].copy_from_slice(&crc.to_be_bytes());
        }
        let failure = place.work(direction, &source, &control(1)).unwrap_err();
        assert_eq!(failure.code(), "JOURNAL_REFUSED");
    }
}

#[test]
fn a_changed_source_is_refused_and_the_journal_stays() {
    let plain = plain();
    for direction in BOTH {
        let source = direction.source(&plain);
        let place = interrupted_after(direction, &source, 2);
        let journal = place.journal.lock().unwrap().clone();
        let now = source_mark(&source);
        let changes = [
            (SourceMark { modified: 6, ..now }, SizeRelation::Modified),
            (SourceMark { inode: 3, ..now }, SizeRelation::Modified),
        ];
        for (changed, relation) in changes {
            let attempt = place.attempt(changed);
            let failure = match direction {
                Direction::Seal => encrypt_resumable(&&source[..], attempt, &compact(), &control(1)),
                Direction::Open => decrypt_resumable(&&source[..], attempt, &reading(), &control(1)),
            };
            let expected = source.len() as u64;
            assert_eq!(
                failure.unwrap_err(),
                SealError::SourceChanged { expected, relation }
            );
        }
        assert_eq!(*place.journal.lock().unwrap(), journal);
        // A device has another number when the system has started again.
        let renumbered = SourceMark { device: 9, ..now };
        let attempt = place.attempt(renumbered);
        let report = match direction {
            Direction::Seal => encrypt_resumable(&&source[..], attempt, &compact(), &control(1)),
            Direction::Open => decrypt_resumable(&&source[..], attempt, &reading(), &control(1)),
        };
        assert_eq!(resume(&report.unwrap()).segments_resumed, 2);
    }
    for (size, relation) in [(1, SizeRelation::Shorter), (99_999, SizeRelation::Longer)] {
        let place = interrupted_after(Direction::Seal, &plain, 2);
        let failure = place.encrypt(&plaintext(size), &control(1)).unwrap_err();
        let expected = plain.len() as u64;
        assert_eq!(failure, SealError::SourceChanged { expected, relation });
    }
}

#[test]
fn a_journal_of_another_direction_or_stream_is_refused() {
    let plain = plain();
    let sealed = seal(&plain, &compact());
    let sealing = interrupted_after(Direction::Seal, &plain, 2);
    assert_eq!(
        sealing.decrypt(&sealed, &control(1)).unwrap_err().code(),
        "JOURNAL_REFUSED"
    );
    let opening = interrupted_after(Direction::Open, &sealed, 2);
    assert_eq!(
        opening.encrypt(&plain, &control(1)).unwrap_err().code(),
        "JOURNAL_REFUSED"
    );
    let other = MemoryOutput::new();
    other.encrypt(&plain, &control(1)).unwrap();
    let other = other.output.into_inner().unwrap();
    assert_eq!(
        opening.decrypt(&other, &control(1)).unwrap_err().code(),
        "JOURNAL_REFUSED"
    );
}

#[test]
fn other_options_start_over_and_are_reported() {
    let plain = plain();
    let defaults = compact();
    let two = |second: Recipient| {
        let mut recipients = defaults.recipients.clone();
        recipients.push(second);
        recipients
    };
    let named = |id: &str| Recipient::Key {
        key: key(),
        id: id.into(),
    };
    let others = [
        EncryptOptions {
            frame_size: 2048,
            ..defaults.clone()
        },
        EncryptOptions {
            segment_size: Some(1024),
            ..defaults.clone()
        },
        EncryptOptions {
            digest: DigestKind::None,
            ..defaults.clone()
        },
        EncryptOptions {
            header: HeaderLayout::PADDED,
            ..defaults.clone()
        },
        EncryptOptions {
            recipients: vec![named("other")],
            ..defaults.clone()
        },
        EncryptOptions {
            recipients: two(named("more")),
            ..defaults.clone()
        },
        defaults.clone().with_context(b"another"),
    ];
    for options in others {
        let place = interrupted_after(Direction::Seal, &plain, 3);
        let attempt = place.attempt(source_mark(&plain));
        let report = encrypt_resumable(&&plain[..], attempt, &options, &control(1)).unwrap();
        let expected = ResumeReport {
            started_over: Some(StartedOver::OptionsDiffer),
            ..ResumeReport::default()
        };
        assert_eq!(resume(&report), &expected, "{options:?}");
    }
}

#[test]
fn only_the_resume_secret_opens_a_journal_that_no_key_opens() {
    let plain = plain();
    let stranger = EncryptOptions {
        recipients: vec![Recipient::Key {
            key: SecretKey::from_bytes(&[9; 32]).unwrap(),
            id: "test".into(),
        }],
        ..compact()
    };
    let [secret, wrong] = [[1; 32], [2; 32]].map(|bytes| SecretKey::from_bytes(&bytes).unwrap());
    for (given, expected) in [
        (None, StartedOver::NoMatchingKey),
        (Some(&wrong), StartedOver::NoMatchingKey),
        (Some(&secret), StartedOver::OptionsDiffer),
    ] {
        let place = MemoryOutput {
            full_at: 3,
            ..MemoryOutput::new()
        };
        let attempt = Attempt {
            secret: Some(&secret),
            ..place.attempt(source_mark(&plain))
        };
        encrypt_resumable(&&plain[..], attempt, &compact(), &control(1)).unwrap_err();
        let place = MemoryOutput {
            full_at: usize::MAX,
            ..place
        };
        let attempt = Attempt {
            secret: given,
            ..place.attempt(source_mark(&plain))
        };
        let report = encrypt_resumable(&&plain[..], attempt, &stranger, &control(1)).unwrap();
        assert_eq!(resume(&report).started_over, Some(expected));
    }
}

#[test]
fn a_full_disk_under_the_journal_loses_only_the_journal() {
    let plain = plain();
    for direction in BOTH {
        let source = direction.source(&plain);
        for appends in [0, 1] {
            let place = MemoryOutput {
                journal_full_at: appends,
                ..MemoryOutput::new()
            };
            let report = place.work(direction, &source, &control(2)).unwrap();
            let errors = &resume(&report).checkpoint_errors;
            assert!(
                matches!(&errors[..], [SegmentWorkerError::CheckpointError { .. }]),
                "{errors:?}"
            );
            assert!(place.plain(direction) == plain);
            // A stream's journal that can't say that it is closed is emptied; an opening has nothing to close.
            let is_kept = direction == Direction::Open && appends > 0;
            assert_eq!(place.journal.lock().unwrap().is_empty(), !is_kept);
        }
    }
}

#[test]
fn an_unreadable_journal_is_an_error_and_nothing_is_lost() {
    let plain = plain();
    for direction in BOTH {
        let source = direction.source(&plain);
        let mut place = interrupted_after(direction, &source, 3);
        place.is_unreadable = true;
        match place.work(direction, &source, &control(1)).unwrap_err() {
            SealError::Io { path, .. } => assert_eq!(path.as_deref(), Some("journal")),
            other => panic!("{other}"),
        }
        assert_eq!(place.writes(), 0);
        place.is_unreadable = false;
        let report = place.work(direction, &source, &control(1)).unwrap();
        assert_eq!(resume(&report).segments_resumed, 3);
    }
}
