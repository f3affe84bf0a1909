//! Where the new header goes: over the old one, or into a new file.

use super::*;
use crate::error::SizeRelation;
use crate::operation::cancel::CancellationToken;
use crate::resume::TargetLock;
use crate::telemetry::Progress;
use crate::testing::support::seal_unsized;
use std::fs::File;
use std::path::Path;

/// Everything but header, copy and footer.
fn inner(stream: &[u8]) -> Vec<u8> {
    let parts = StreamParts::of(stream);
    [parts.records.concat(), parts.end].concat()
}

#[test]
fn in_place_only_header_and_copy_change() {
    for size in [0, 1, 2047, 2048, 2049, 50_000] {
        let plain = plaintext(size);
        for stream in [
            seal(&plain, &rewrappable(vec![recipient(1)])),
            seal_unsized(&plain, &rewrappable(vec![recipient(1)])),
        ] {
            let (after, report) = rewrapped(&stream, hand_over(2));
            assert!(report.in_place);
            assert_eq!((after.len(), inner(&after)), (stream.len(), inner(&stream)));
            assert_eq!(StreamParts::of(&after).footer, StreamParts::of(&stream).footer);
            assert!(opens(&after, 2) && !opens(&after, 1));
            for ends in ENDS.into_iter().flat_map(|from| ENDS.map(|to| (from, to))) {
                let (opened, result) = open_by(ends, &after, &reading(identity(2)), &Control::serial());
                result.unwrap();
                assert_eq!(opened, plain);
            }
        }
    }
}

#[test]
fn a_header_that_outgrows_its_padding_goes_into_a_new_file_with_more_padding() {
    let stream = sealed_for(vec![recipient(1)]);
    let pairs: Vec<_> = (0..4).map(|_| hybrid()).collect();
    let add = pairs
        .iter()
        .map(|pair| Recipient::Hybrid(pair.recipient()))
        .collect();
    let (grown, report) = rewrapped(&stream, edit(add, Vec::new()));
    assert_eq!((report.in_place, report.header_size), (false, 8192));
    assert_eq!(inner(&grown), inner(&stream));
    let parts = StreamParts::of(&grown);
    assert_eq!(parts.header, parts.copy);
    for pair in pairs {
        opening(&grown, Identity::Hybrid(pair)).unwrap();
    }
    // The next one fits, and one for fewer keeps its size.
    let more = vec![Recipient::Hybrid(hybrid().recipient())];
    let (again, report) = rewrapped(&grown, edit(more, Vec::new()));
    assert_eq!((report.in_place, report.revision), (true, 2));
    let (fewer, report) = rewrapped(
        &again,
        edit(Vec::new(), vec![SlotSelector::Type(SlotType::Hybrid)]),
    );
    assert_eq!((report.in_place, report.header_size), (true, 8192));
    assert_eq!(inner(&fewer), inner(&stream));
}

#[test]
fn the_header_may_fill_its_padding_completely() {
    // 116 bytes of header, one slot of number 1 with 119, a trailer of 52: the rest is one more slot's.
    let stream = sealed_for(vec![recipient(1)]);
    let header = StreamParts::of(&stream).parsed_header();
    let used = header.bytes.len() - header.slots[0].wire_size();
    let unpadded = 112 + header.slots[0].wire_size() + 52;
    assert!(used > unpadded);
    let room = 4096 - unpadded;
    let blob = |size| {
        Recipient::Provider(crate::keys::ProviderKey {
            name: "n".into(),
            key_id: String::new(),
            blob: vec![7; size],
            kek: secret(5),
        })
    };
    let fixed = blob(1).slot_size() - 1;
    for (beyond, in_place) in [(0, true), (1, false)] {
        let add = vec![blob(room - fixed + beyond)];
        let (after, report) = rewrapped(&stream, edit(add, Vec::new()));
        assert_eq!(report.in_place, in_place);
        assert_eq!(report.header_size, if in_place { 4096 } else { 8192 });
        assert!(opens(&after, 1));
    }
}

#[test]
fn a_stream_without_a_header_copy_goes_into_a_new_file() {
    let options = EncryptOptions {
        recipients: vec![recipient(1)],
        ..compact()
    };
    for size in [0, 5000] {
        let plain = plaintext(size);
        for stream in [seal(&plain, &options), seal_unsized(&plain, &options)] {
            let (after, report) = rewrapped(&stream, hand_over(2));
            // One slot gave way to another of its size.
            assert!(!report.in_place);
            assert_eq!((after.len(), inner(&after)), (stream.len(), inner(&stream)));
            assert!(opens(&after, 2) && !opens(&after, 1));
            let (grown, report) = rewrapped(&stream, edit(vec![recipient(2)], Vec::new()));
            assert_eq!(report.header_size as usize, StreamParts::of(&grown).header.len());
            assert_eq!(grown.len() - stream.len(), recipient(2).slot_size());
            assert!(opens(&grown, 1) && opens(&grown, 2));
        }
    }
}

#[test]
fn a_file_is_locked_for_one_rewrap() {
    let sealed = Sealed::new(&sealed_for(vec![recipient(1)]));
    let held = File::open(sealed.path()).unwrap();
    held.lock().unwrap();
    let failure = sealed.rewrap(hand_over(2), &reading(identity(1))).unwrap_err();
    let path = sealed.path().display().to_string();
    assert_eq!(failure, SealError::TargetBusy { path });
    drop(held);
    sealed.rewrap(hand_over(2), &reading(identity(1))).unwrap();
    assert!(opens(&sealed.bytes(), 2));
}

#[test]
fn concurrent_rewraps_are_serialized_or_refused() {
    let sealed = Sealed::new(&sealed_for(vec![recipient(1)]));
    let done: Vec<u8> = std::thread::scope(|scope| {
        let threads: Vec<_> = (2..10)
            .map(|number| {
                let sealed = &sealed;
                scope.spawn(move || {
                    // Two hybrid slots each: some of them need a new file.
                    let mut add = vec![recipient(number)];
                    add.extend((0..2).map(|_| Recipient::Hybrid(hybrid().recipient())));
                    loop {
                        match sealed.rewrap(edit(add.clone(), Vec::new()), &reading(identity(1))) {
                            Ok(_) => return number,
                            Err(SealError::TargetBusy { .. }) => std::thread::yield_now(),
                            Err(other) => panic!("{other}"),
                        }
                    }
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let after = sealed.bytes();
    assert!(done.into_iter().all(|number| opens(&after, number)));
    let header = StreamParts::of(&after).parsed_header();
    assert_eq!((header.revision, header.slots.len()), (8, 1 + 8 * 3));
    assert!(sealed.is_alone());
}

#[test]
fn a_cancelled_rewrap_changes_nothing() {
    for recipients in [1, 60] {
        let stream = sealed_for(vec![recipient(1)]);
        let sealed = Sealed::new(&stream);
        let control = Control {
            cancel: CancellationToken::new(),
            ..Control::serial()
        };
        control.cancel.cancel();
        let change = edit((2..2 + recipients).map(recipient).collect(), Vec::new());
        let result = rewrap_file(&sealed.path(), &change, &reading(identity(1)), true, &control);
        assert_eq!(result.unwrap_err(), SealError::Cancelled);
        assert_eq!(sealed.bytes(), stream);
        assert!(sealed.is_alone());
    }
}

/// A rewrap of the file at `path` that needs a new file; `meanwhile` is what happens just before that gets its name.
fn moved(path: &Path, meanwhile: &(dyn Fn() + Sync)) -> Result<RewrapReport, SealError> {
    let listener = |_: Progress| meanwhile();
    let control = Control {
        progress: Some(&listener),
        ..Control::serial()
    };
    let change = edit((2..42).map(recipient).collect(), Vec::new());
    rewrap_file(path, &change, &reading(identity(1)), true, &control)
}

#[test]
fn a_file_that_replaced_the_old_one_meanwhile_stays() {
    let sealed = Sealed::new(&sealed_for(vec![recipient(1)]));
    for (newer, relation) in [
        (&b"short"[..], SizeRelation::Shorter),
        (&sealed.bytes()[..], SizeRelation::Modified),
        (&[0; 100_000][..], SizeRelation::Longer),
    ] {
        let stream = sealed_for(vec![recipient(1)]);
        let sealed = Sealed::new(&stream);
        let result = moved(&sealed.path(), &|| {
            // As an operation does that was not asked to wait.
            let other = sealed.folder.path().join("other");
            std::fs::write(&other, newer).unwrap();
            std::fs::rename(other, sealed.path()).unwrap();
        });
        let expected = stream.len() as u64;
        assert_eq!(
            result.unwrap_err(),
            SealError::SourceChanged { expected, relation }
        );
        assert_eq!(sealed.bytes(), newer);
        assert!(sealed.is_alone());
    }
    // Nor does one come back that was removed.
    let result = moved(&sealed.path(), &|| std::fs::remove_file(sealed.path()).unwrap());
    assert_eq!(result.unwrap_err().code(), "IO");
    assert_eq!(std::fs::read_dir(sealed.folder.path()).unwrap().count(), 0);
}

#[cfg(unix)]
#[test]
fn a_link_changed_meanwhile_does_not_replace_another_file() {
    use std::os::unix::fs::symlink;
    let sealed = Sealed::new(&sealed_for(vec![recipient(1)]));
    let [link, other] = ["link", "other"].map(|name| sealed.folder.path().join(name));
    std::fs::write(&other, "another file").unwrap();
    symlink("it.seal", &link).unwrap();
    moved(&link, &|| {
        std::fs::remove_file(&link).unwrap();
        symlink("other", &link).unwrap();
    })
    .unwrap();
    assert_eq!(std::fs::read(&other).unwrap(), b"another file");
    assert!(opens(&sealed.bytes(), 41));
}

#[test]
fn files_of_an_interrupted_operation_on_the_path_stay() {
    let sealed = Sealed::new(&sealed_for(vec![recipient(1)]));
    let claim = || {
        let target = std::fs::canonicalize(sealed.path()).unwrap();
        TargetLock::take(&target).unwrap()
    };
    let mut interrupted = claim();
    drop(interrupted.open_partial().unwrap());
    let [journal, partial] = [interrupted.journal_path(), interrupted.partial_path()].map(PathBuf::from);
    std::fs::write(&journal, "of another operation").unwrap();
    std::fs::write(&partial, "what it has done").unwrap();
    drop(interrupted);
    assert!(!moved(&sealed.path(), &|| {}).unwrap().in_place);
    assert_eq!(std::fs::read(journal).unwrap(), b"of another operation");
    assert_eq!(std::fs::read(partial).unwrap(), b"what it has done");
    assert!(opens(&sealed.bytes(), 41));
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_permissions_stay() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
    let sealed = Sealed::new(&sealed_for(vec![recipient(1)]));
    let [soft, hard] = ["soft", "hard"].map(|name| sealed.folder.path().join(name));
    symlink("it.seal", &soft).unwrap();
    std::fs::hard_link(sealed.path(), &hard).unwrap();
    std::fs::set_permissions(sealed.path(), std::fs::Permissions::from_mode(0o640)).unwrap();
    let rewrap = |count: u8| {
        let change = edit((2..2 + count).map(recipient).collect(), Vec::new());
        rewrap_file(&soft, &change, &reading(identity(1)), true, &Control::serial()).unwrap()
    };
    assert!(rewrap(1).in_place);
    assert_eq!(std::fs::read(&hard).unwrap(), sealed.bytes());
    // Only who may do so can give a file away; for others the owner is their own in any case.
    let _ = std::os::unix::fs::chown(sealed.path(), Some(1234), Some(5678));
    let owner = |path: std::path::PathBuf| path.metadata().map(|file| (file.uid(), file.gid())).unwrap();
    let before = owner(sealed.path());
    assert!(!rewrap(40).in_place);
    assert_eq!(owner(sealed.path()), before);
    assert!(soft.symlink_metadata().unwrap().is_symlink());
    assert_ne!(std::fs::read(&hard).unwrap(), sealed.bytes());
    assert_eq!(sealed.path().metadata().unwrap().mode() & 0o777, 0o640);
    assert!(opens(&sealed.bytes(), 41));
}

#[cfg(unix)]
#[test]
fn anything_but_a_regular_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let change = nothing();
    let rewrap =
        |path: &std::path::Path| rewrap_file(path, &change, &reading(identity(1)), true, &Control::serial());
    let fifo = folder.path().join("fifo");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(rewrap(&fifo).unwrap_err().code(), "NOT_A_REGULAR_FILE");
    assert_eq!(rewrap(folder.path()).unwrap_err().code(), "NOT_A_REGULAR_FILE");
    assert_eq!(rewrap(&folder.path().join("none")).unwrap_err().code(), "IO");
}
