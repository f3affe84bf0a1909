//! Changes to the resume files while an operation uses them.

use super::*;
use std::sync::atomic::{AtomicBool, Ordering};

/// Runs an operation, and calls `interfere` once while it runs.
fn meanwhile(
    folder: &Folder,
    from: &str,
    placement: Placement,
    interfere: impl Fn() + Sync,
) -> Result<Report, SealError> {
    let done = AtomicBool::new(false);
    let once = |_| {
        if !done.swap(true, Ordering::SeqCst) {
            interfere();
        }
    };
    let control = Control {
        progress: Some(&once),
        ..Control::serial()
    };
    let result = work(folder, from, placement, &control);
    assert!(done.into_inner());
    result
}

/// Checks that the first operation succeeds and a second is refused, however `interfere` changes the files of the first.
fn assert_first_succeeds(interfere: impl Fn(&Folder) + Sync) {
    for from in SOURCES {
        let folder = Folder::new();
        let report = meanwhile(&folder, from, NEW, || {
            interfere(&folder);
            let before = folder.names();
            for second in SOURCES {
                let failure = work(&folder, second, NEW, &control(1)).unwrap_err();
                let path = shown(&folder.path("new"));
                assert_eq!(failure, SealError::TargetBusy { path });
                assert_eq!(folder.names(), before);
            }
        });
        assert_eq!(report.unwrap().resume, Some(ResumeReport::default()));
        let _ = fs::remove_file(folder.path("journal copy"));
        let _ = fs::remove_file(folder.path("partial copy"));
        assert_done(&folder, from);
    }
}

#[test]
fn removing_the_journal_does_not_unlock_the_target() {
    assert_first_succeeds(|folder| fs::remove_file(beside(folder, "journal")).unwrap());
}

#[test]
fn an_output_without_its_journal_is_not_stale_while_it_is_written() {
    for from in SOURCES {
        let folder = Folder::new();
        let report = meanwhile(&folder, from, REPLACE, || {
            fs::remove_file(beside(&folder, "journal")).unwrap();
            folder.encrypt("plain", "new", NEW).unwrap();
            assert!(beside(&folder, "partial").exists());
            assert!(!beside(&folder, "journal").exists());
        });
        report.unwrap();
        assert_done(&folder, from);
    }
}

#[test]
fn a_file_that_replaced_the_unfinished_output_is_not_used() {
    for from in SOURCES {
        for content in [None, Some(b"another file")] {
            let folder = Folder::new();
            let partial = beside(&folder, "partial");
            let failure = meanwhile(&folder, from, NEW, || {
                fs::remove_file(&partial).unwrap();
                if let Some(content) = content {
                    fs::write(&partial, content).unwrap();
                }
            });
            let path = shown(&folder.path("new"));
            assert_eq!(failure.map(drop), Err(SealError::TargetBusy { path }));
            assert!(!folder.path("new").exists());
            assert_eq!(
                fs::read(&partial).ok().as_deref(),
                content.map(|bytes| &bytes[..])
            );
        }
    }
}

#[test]
fn an_operation_that_lost_its_files_leaves_those_of_another() {
    for (from, second) in [("plain", "sealed"), ("sealed", "plain")] {
        let folder = Folder::new();
        let failure = meanwhile(&folder, from, REPLACE, || {
            for extension in ["journal", "partial"] {
                fs::remove_file(beside(&folder, extension)).unwrap();
            }
            interrupt(&folder, second, Some(3));
        });
        assert_eq!(failure.unwrap_err().code(), "TARGET_BUSY");
        assert_eq!(resume_operation(&folder, second).unwrap().segments_resumed, 3);
        assert_done(&folder, second);
    }
}

#[test]
fn a_lock_removes_only_the_files_that_it_holds() {
    let folder = Folder::new();
    let target = folder.path("new");
    let mut claim = TargetLock::take(&target).unwrap();
    let first = claim.open_partial().unwrap();
    fs::remove_file(beside(&folder, "journal")).unwrap();
    let mut second = TargetLock::take(&target).unwrap();
    assert!(matches!(second.open_partial(), Err(TargetLockError::Busy)));
    assert!(claim.holds_partial().unwrap() && !second.holds_partial().unwrap());
    // The second's journal is not the first's to remove; nor is the first's output the second's.
    drop(claim);
    assert!(beside(&folder, "journal").exists() && !beside(&folder, "partial").exists());
    fs::write(beside(&folder, "partial"), b"another's").unwrap();
    drop(second);
    assert!(!beside(&folder, "journal").exists() && beside(&folder, "partial").exists());
    drop(first);
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const EACH_AND_BOTH: [&[&str]; 3] = [&["journal"], &["partial"], &["journal", "partial"]];

    #[test]
    fn hard_links_to_the_files_do_not_unlock_the_target() {
        for extensions in EACH_AND_BOTH {
            assert_first_succeeds(|folder| {
                for extension in extensions {
                    let copy = folder.path(&format!("{extension} copy"));
                    fs::hard_link(beside(folder, extension), copy).unwrap();
                }
            });
        }
        assert_first_succeeds(|folder| {
            fs::hard_link(beside(folder, "partial"), folder.path("partial copy")).unwrap();
            fs::remove_file(beside(folder, "journal")).unwrap();
        });
    }

    #[test]
    fn changed_permissions_do_not_unlock_the_target() {
        for extensions in EACH_AND_BOTH {
            for mode in [0o644, 0o444, 0o666] {
                assert_first_succeeds(|folder| {
                    for extension in extensions {
                        let permissions = fs::Permissions::from_mode(mode);
                        fs::set_permissions(beside(folder, extension), permissions).unwrap();
                    }
                });
            }
        }
        assert_first_succeeds(|folder| {
            let permissions = fs::Permissions::from_mode(0o644);
            fs::set_permissions(beside(folder, "partial"), permissions).unwrap();
            fs::remove_file(beside(folder, "journal")).unwrap();
        });
    }

    #[test]
    fn a_pipe_in_the_outputs_place_is_reported_without_blocking() {
        let folder = Folder::new();
        let partial = beside(&folder, "partial");
        let failure = meanwhile(&folder, "plain", NEW, || {
            fs::remove_file(&partial).unwrap();
            let made = std::process::Command::new("mkfifo").arg(&partial).status();
            assert!(made.unwrap().success());
        });
        assert_eq!(failure.unwrap_err().code(), "TARGET_BUSY");
    }
}
