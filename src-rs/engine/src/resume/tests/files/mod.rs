//! The files beside a target until its operation succeeds, and files of other users in their place.

mod inputs;
mod shared;
#[cfg(unix)]
mod unix;

use crate::error::{IoOperation, SealError, StartedOver};
use crate::files::tests::{Folder, NEW, REPLACE, content, shown};
use crate::files::{Placement, decrypt_file_resumable, encrypt_file_resumable};
use crate::keys::Identity;
use crate::operation::options::{Control, DecryptOptions};
use crate::operation::report::{Report, ResumeReport};
use crate::resume::lock::{TargetLock, TargetLockError};
use crate::testing::support::{compact, control, reading, seal};
use std::fs;
use std::path::PathBuf;

/// The source of one direction or the other.
const SOURCES: [&str; 2] = ["plain", "sealed"];

fn work(
    folder: &Folder,
    from: &str,
    placement: Placement,
    control: &Control<'_>,
) -> Result<Report, SealError> {
    let to = folder.path("new");
    match from {
        "plain" => encrypt_file_resumable(&folder.path(from), &to, &compact(), placement, None, control),
        _ => decrypt_file_resumable(&folder.path(from), &to, &reading(), placement, control),
    }
}

fn resume_operation(folder: &Folder, from: &str) -> Result<ResumeReport, SealError> {
    work(folder, from, NEW, &control(2)).map(|report| report.resume.unwrap())
}

/// Creates the files of an attempt that was interrupted after `segments` of the five segments, or, without a number, before
/// the output got its name.
fn interrupt(folder: &Folder, from: &str, segments: Option<usize>) {
    let target = folder.path("new");
    let take_the_place = |_| fs::write(&target, b"another file").unwrap();
    let control = Control {
        progress: Some(&take_the_place),
        ..Control::serial()
    };
    let expected = SealError::TargetExists { path: shown(&target) };
    assert_eq!(work(folder, from, NEW, &control).map(drop), Err(expected));
    fs::remove_file(&target).unwrap();
    if let Some(segments) = segments {
        let journal = fs::OpenOptions::new().write(true).open(beside(folder, "journal"));
        let journal = journal.unwrap();
        let length = journal.metadata().unwrap().len();
        let closed = usize::from(from == "plain");
        journal
            .set_len(length - 112 * (closed + SEGMENTS - segments) as u64)
            .unwrap();
    }
}

fn beside(folder: &Folder, extension: &str) -> PathBuf {
    let hash = blake3::hash(b"new").to_hex();
    folder.path(&format!(".sealstream-{}.{extension}", &hash[..16]))
}

/// Checks that only the two sources and the right target remain.
fn assert_done(folder: &Folder, from: &str) {
    assert_eq!(folder.names(), ["new", "plain", "sealed"]);
    let new = fs::read(folder.path("new")).unwrap();
    if from == "sealed" {
        assert!(new == content());
    } else {
        let (from, to) = (folder.path("new"), folder.path("opened"));
        decrypt_file_resumable(&from, &to, &reading(), NEW, &control(1)).unwrap();
        assert!(fs::read(&to).unwrap() == content());
        fs::remove_file(to).unwrap();
    }
}

const SEGMENTS: usize = 5;

fn started_over(reason: StartedOver) -> ResumeReport {
    ResumeReport {
        started_over: Some(reason),
        ..ResumeReport::default()
    }
}

#[test]
fn a_complete_operation_leaves_nothing_beside_its_output() {
    for from in SOURCES {
        for placement in [NEW, REPLACE] {
            let folder = Folder::new();
            let report = work(&folder, from, placement, &control(2)).unwrap();
            assert_eq!(report.resume, Some(ResumeReport::default()));
            assert_done(&folder, from);
        }
    }
}

#[test]
fn an_interrupted_operation_leaves_output_and_journal_and_resumes() {
    for from in SOURCES {
        for segments in 0..=SEGMENTS {
            let folder = Folder::new();
            interrupt(&folder, from, Some(segments));
            assert!(beside(&folder, "journal").exists() && beside(&folder, "partial").exists());
            assert_eq!(
                resume_operation(&folder, from).unwrap().segments_resumed,
                segments as u64
            );
            assert_done(&folder, from);
        }
        let folder = Folder::new();
        interrupt(&folder, from, None);
        assert_eq!(resume_operation(&folder, from).unwrap().segments_resumed, 5);
        assert_done(&folder, from);
    }
}

#[test]
fn a_failure_before_any_work_leaves_nothing() {
    let folder = Folder::new();
    let stranger = DecryptOptions::new(vec![Identity::Key(
        crate::SecretKey::from_bytes(&[9; 32]).unwrap(),
    )]);
    let (from, to) = (folder.path("sealed"), folder.path("new"));
    let failure = decrypt_file_resumable(&from, &to, &stranger, NEW, &control(1)).unwrap_err();
    assert_eq!(failure.code(), "NO_MATCHING_KEY");
    fs::write(&to, b"old").unwrap();
    let failure = work(&folder, "plain", NEW, &control(1)).unwrap_err();
    assert_eq!(failure.code(), "TARGET_EXISTS");
    assert_eq!(folder.names(), ["new", "plain", "sealed"]);
}

#[test]
fn segments_before_the_damage_stay_in_the_output() {
    let folder = Folder::new();
    let whole = fs::read(folder.path("sealed")).unwrap();
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 1;
    fs::write(folder.path("sealed"), damaged).unwrap();
    let failure = work(&folder, "sealed", NEW, &Control::serial()).unwrap_err();
    assert_eq!(failure.code(), "DIGEST_MISMATCH");
    assert!(beside(&folder, "journal").exists() && beside(&folder, "partial").exists());
    // Mending it is a change like any other.
    fs::write(folder.path("sealed"), whole).unwrap();
    assert_eq!(
        resume_operation(&folder, "sealed").unwrap_err().code(),
        "SOURCE_CHANGED"
    );
    folder.decrypt("sealed", "new", NEW).unwrap();
    assert_done(&folder, "sealed");
}

#[test]
fn a_modified_or_replaced_source_is_refused() {
    for from in SOURCES {
        let folder = Folder::new();
        interrupt(&folder, from, Some(3));
        let bytes = fs::read(folder.path(from)).unwrap();
        fs::remove_file(folder.path(from)).unwrap();
        fs::write(folder.path(from), &bytes).unwrap();
        assert_eq!(
            resume_operation(&folder, from).unwrap_err().code(),
            "SOURCE_CHANGED"
        );
        assert!(beside(&folder, "journal").exists() && beside(&folder, "partial").exists());
    }
}

#[test]
fn a_missing_output_is_written_again() {
    for from in SOURCES {
        let folder = Folder::new();
        interrupt(&folder, from, Some(3));
        fs::remove_file(beside(&folder, "partial")).unwrap();
        let report = resume_operation(&folder, from).unwrap();
        assert_eq!(report, started_over(StartedOver::OutputMissing));
        assert_done(&folder, from);
        // Without a journal there is nothing to go on with, and nothing to tell.
        let folder = Folder::new();
        interrupt(&folder, from, Some(3));
        fs::remove_file(beside(&folder, "journal")).unwrap();
        assert_eq!(resume_operation(&folder, from).unwrap(), ResumeReport::default());
        assert_done(&folder, from);
    }
}

#[test]
fn an_output_in_place_with_its_journal_is_complete() {
    for from in SOURCES {
        let folder = Folder::new();
        interrupt(&folder, from, None);
        fs::rename(beside(&folder, "partial"), folder.path("new")).unwrap();
        let before = fs::read(folder.path("new")).unwrap();
        assert_eq!(resume_operation(&folder, from).unwrap().segments_resumed, 5);
        assert!(fs::read(folder.path("new")).unwrap() == before);
        assert_done(&folder, from);
    }
}

#[test]
fn another_file_in_the_targets_place_is_not_accepted() {
    for from in SOURCES {
        let folder = Folder::new();
        interrupt(&folder, from, None);
        fs::remove_file(beside(&folder, "partial")).unwrap();
        fs::write(folder.path("new"), b"another file").unwrap();
        assert_eq!(
            resume_operation(&folder, from).unwrap_err().code(),
            "TARGET_EXISTS"
        );
        assert_eq!(fs::read(folder.path("new")).unwrap(), b"another file");
        let report = work(&folder, from, REPLACE, &control(2)).unwrap();
        assert_eq!(report.resume, Some(started_over(StartedOver::OutputMissing)));
        assert_done(&folder, from);
    }
}

#[test]
fn a_target_is_locked_for_one_operation() {
    let folder = Folder::new();
    interrupt(&folder, "plain", Some(2));
    let target = folder.path("new");
    let claim = TargetLock::take(&target).unwrap();
    assert!(matches!(TargetLock::take(&target), Err(TargetLockError::Busy)));
    let expected = SealError::TargetBusy { path: shown(&target) };
    assert_eq!(resume_operation(&folder, "plain").map(drop), Err(expected));
    // An operation without resume succeeds, and leaves files that are in use.
    folder.encrypt("plain", "new", NEW).unwrap();
    assert!(beside(&folder, "journal").exists() && beside(&folder, "partial").exists());
    drop(claim);
    folder.encrypt("plain", "new", REPLACE).unwrap();
    assert_done(&folder, "plain");
}

#[test]
fn an_operation_without_resume_removes_stale_files() {
    for left in [&["journal", "partial"][..], &["partial"], &["journal"]] {
        let folder = Folder::new();
        interrupt(&folder, "plain", Some(2));
        for extension in ["journal", "partial"] {
            if !left.contains(&extension) {
                fs::remove_file(beside(&folder, extension)).unwrap();
            }
        }
        folder.encrypt("plain", "new", NEW).unwrap();
        assert_done(&folder, "plain");
    }
}

#[test]
fn a_directory_in_the_place_of_a_resume_file_is_refused_and_stays() {
    for extension in ["journal", "partial"] {
        let folder = Folder::new();
        fs::create_dir(beside(&folder, extension)).unwrap();
        match resume_operation(&folder, "plain").unwrap_err() {
            SealError::Io { operation, path, .. } => {
                assert_eq!(
                    (operation, path),
                    (IoOperation::Create, Some(shown(&folder.path("new"))))
                );
            }
            other => panic!("{other}"),
        }
        assert!(beside(&folder, extension).is_dir());
        assert!(!folder.path("new").exists());
    }
}

#[test]
fn sealing_resumes_with_the_key_of_the_first_attempt() {
    // A stream without a stated size has its length from its end.
    let folder = Folder::new();
    let bytes = crate::testing::support::seal_unsized(&content(), &compact());
    assert_ne!(bytes, seal(&content(), &compact()));
    fs::write(folder.path("sealed"), bytes).unwrap();
    interrupt(&folder, "sealed", Some(1));
    assert_eq!(resume_operation(&folder, "sealed").unwrap().segments_resumed, 1);
    assert_done(&folder, "sealed");
}
