//! Permissions, links and pipes in the places of the files that stay.

use super::*;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

fn set_mode(folder: &Folder, extension: &str, mode: u32) {
    let permissions = fs::Permissions::from_mode(mode);
    fs::set_permissions(beside(folder, extension), permissions).unwrap();
}

#[test]
fn only_the_owner_can_read_the_files_that_stay() {
    let folder = Folder::new();
    interrupt(&folder, "plain", None);
    for extension in ["journal", "partial"] {
        let mode = beside(&folder, extension).metadata().unwrap().mode();
        assert_eq!(mode & 0o777, 0o600, "{extension}");
    }
}

#[test]
fn files_that_others_can_have_written_are_removed_and_created_again() {
    type Tamper = fn(&Folder, &str);
    let tampers: [Tamper; 5] = [
        |folder, extension| set_mode(folder, extension, 0o644),
        |folder, extension| set_mode(folder, extension, 0o620),
        |folder, extension| {
            fs::hard_link(beside(folder, extension), folder.path("elsewhere")).unwrap();
        },
        |folder, extension| {
            fs::rename(beside(folder, extension), folder.path("elsewhere")).unwrap();
            symlink("elsewhere", beside(folder, extension)).unwrap();
        },
        |folder, extension| {
            fs::remove_file(beside(folder, extension)).unwrap();
            symlink("plain", beside(folder, extension)).unwrap();
        },
    ];
    for from in SOURCES {
        for tamper in tampers {
            for extension in ["journal", "partial"] {
                let folder = Folder::new();
                interrupt(&folder, from, Some(3));
                tamper(&folder, extension);
                let before = fs::read(folder.path("elsewhere")).ok();
                let report = resume_operation(&folder, from).unwrap();
                assert_eq!(report, started_over(StartedOver::Distrusted));
                assert_eq!(fs::read(folder.path("elsewhere")).ok(), before, "not written to");
                let _ = fs::remove_file(folder.path("elsewhere"));
                assert!(fs::read(folder.path("plain")).unwrap() == content());
                assert_done(&folder, from);
            }
        }
    }
}

#[test]
fn an_operation_without_resume_leaves_files_of_other_users() {
    for extension in ["journal", "partial"] {
        let folder = Folder::new();
        interrupt(&folder, "plain", Some(3));
        set_mode(&folder, extension, 0o644);
        folder.encrypt("plain", "new", NEW).unwrap();
        assert!(beside(&folder, "journal").exists() && beside(&folder, "partial").exists());
    }
}

#[test]
fn a_pipe_in_the_place_of_a_resume_file_is_removed_without_blocking() {
    for extension in ["journal", "partial"] {
        let folder = Folder::new();
        let made = std::process::Command::new("mkfifo")
            .arg(beside(&folder, extension))
            .status();
        assert!(made.unwrap().success());
        let report = resume_operation(&folder, "plain").unwrap();
        assert_eq!(report, started_over(StartedOver::Distrusted));
        assert_done(&folder, "plain");
    }
}

#[test]
fn behind_a_link_the_files_stand_beside_its_target() {
    let folder = Folder::new();
    fs::create_dir(folder.path("elsewhere")).unwrap();
    fs::write(folder.path("elsewhere/new"), b"old").unwrap();
    symlink("elsewhere/new", folder.path("link")).unwrap();
    let claim = TargetLock::take(&folder.path("elsewhere/new")).unwrap();
    let (from, to) = (folder.path("plain"), folder.path("link"));
    let refused = encrypt_file_resumable(&from, &to, &compact(), REPLACE, None, &control(1));
    assert_eq!(refused.unwrap_err().code(), "TARGET_BUSY");
    drop(claim);
    encrypt_file_resumable(&from, &to, &compact(), REPLACE, None, &control(1)).unwrap();
    assert_eq!(fs::read_dir(folder.path("elsewhere")).unwrap().count(), 1);
    assert!(fs::symlink_metadata(&to).unwrap().is_symlink());
}

#[test]
fn a_resumed_output_has_the_usual_permissions() {
    for (from, expected) in [("plain", 0o644), ("sealed", 0o600)] {
        let folder = Folder::new();
        for name in SOURCES {
            fs::set_permissions(folder.path(name), fs::Permissions::from_mode(0o644)).unwrap();
        }
        interrupt(&folder, from, Some(2));
        resume_operation(&folder, from).unwrap();
        assert_eq!(folder.path("new").metadata().unwrap().mode() & 0o777, expected);
    }
}
