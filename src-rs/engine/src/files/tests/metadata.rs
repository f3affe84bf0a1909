//! What a stream keeps of a file, and what a new file gets back.

use super::{Folder, NEW, REPLACE};
use crate::files::{decrypt_file, decrypt_file_resumable, encrypt_file, encrypt_file_resumable};
use crate::format::{Metadata, Modified};
use crate::operation::options::{Control, DecryptOptions, EncryptOptions};
use crate::operation::report::Report;
use crate::rekey::detached::{decrypt_file_detached, encrypt_file_detached};
use crate::testing::support::{compact, reading};
use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

/// 12.5 seconds before 1970: whole seconds are rounded down.
const TIME: Modified = Modified {
    seconds: -13,
    nanoseconds: 500_000_000,
};

fn keeping() -> EncryptOptions<'static> {
    EncryptOptions {
        keep_metadata: true,
        ..compact()
    }
}

fn restoring(restore_metadata: bool) -> DecryptOptions<'static> {
    DecryptOptions {
        restore_metadata,
        ..reading()
    }
}

fn with_time_and_mode() -> Folder {
    let folder = Folder::new();
    let file = File::options().write(true).open(folder.path("plain")).unwrap();
    file.set_modified(UNIX_EPOCH - Duration::from_millis(12_500))
        .unwrap();
    set_mode(&folder.path("plain"), 0o754);
    folder
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

fn facts(path: &Path) -> (Option<Modified>, u32) {
    let metadata = std::fs::metadata(path).unwrap();
    (
        Modified::of(metadata.modified().unwrap()),
        metadata.permissions().mode() & 0o7777,
    )
}

fn kept() -> Metadata {
    Metadata {
        modified: Some(TIME),
        permissions: Some(0o754),
        name: Some(b"plain".to_vec()),
        is_sparse: false,
    }
}

fn check(report: &Report, path: &Path) {
    assert_eq!(report.metadata, Some(kept()));
    assert_eq!(facts(path), (Some(TIME), 0o700));
}

#[test]
fn a_new_plaintext_gets_the_time_and_the_bits_of_the_owner() {
    let folder = with_time_and_mode();
    let [plain, sealed, opened] = ["plain", "new.seal", "opened"].map(|name| folder.path(name));
    encrypt_file(&plain, &sealed, &keeping(), NEW, &Control::serial()).unwrap();
    set_mode(&sealed, 0o444);
    let report = decrypt_file(&sealed, &opened, &restoring(true), NEW, &Control::serial()).unwrap();
    check(&report, &opened);
    // A file that replaces another keeps the other's bits.
    set_mode(&opened, 0o640);
    decrypt_file(&sealed, &opened, &restoring(true), REPLACE, &Control::serial()).unwrap();
    assert_eq!(facts(&opened), (Some(TIME), 0o640));
}

#[test]
fn without_being_asked_nothing_is_restored_but_the_report_has_it() {
    let folder = with_time_and_mode();
    let [plain, sealed, opened] = ["plain", "new.seal", "opened"].map(|name| folder.path(name));
    encrypt_file(&plain, &sealed, &keeping(), NEW, &Control::serial()).unwrap();
    set_mode(&sealed, 0o444);
    let report = decrypt_file(&sealed, &opened, &restoring(false), NEW, &Control::serial()).unwrap();
    assert_eq!(report.metadata, Some(kept()));
    let (modified, mode) = facts(&opened);
    assert!(modified.unwrap().seconds > 0);
    assert_eq!(mode, 0o400);
}

#[test]
fn a_stream_without_metadata_restores_nothing() {
    let folder = with_time_and_mode();
    let report = decrypt_file(
        &folder.path("sealed"),
        &folder.path("opened"),
        &restoring(true),
        NEW,
        &Control::serial(),
    );
    assert_eq!(report.unwrap().metadata, None);
    assert!(facts(&folder.path("opened")).0.unwrap().seconds > 0);
}

#[test]
fn resumable_operations_and_detached_headers_keep_and_restore_too() {
    let folder = with_time_and_mode();
    let path = |name: &str| folder.path(name);
    let control = Control::serial();
    encrypt_file_resumable(&path("plain"), &path("a"), &keeping(), NEW, None, &control).unwrap();
    let report = decrypt_file_resumable(&path("a"), &path("a.out"), &restoring(true), NEW, &control).unwrap();
    check(&report, &path("a.out"));
    let sealed = encrypt_file_detached(&path("plain"), &path("b"), None, &keeping(), NEW, &control).unwrap();
    let header = sealed.header.unwrap();
    let report = decrypt_file_detached(
        &header,
        &path("b"),
        &path("b.out"),
        &restoring(true),
        NEW,
        &control,
    );
    check(&report.unwrap(), &path("b.out"));
}

#[test]
fn times_before_and_after_1970_come_back() {
    for (seconds, nanoseconds) in [
        (0, 0),
        (-1, 0),
        (-1, 1),
        (0, 999_999_999),
        (1 << 40, 7),
        (-(1 << 33), 999_999_999),
    ] {
        let time = Modified { seconds, nanoseconds };
        assert_eq!(Modified::of(time.to_system_time().unwrap()), Some(time));
    }
    for seconds in [i64::MIN, i64::MAX] {
        let time = Modified {
            seconds,
            nanoseconds: 999_999_999,
        };
        if let Some(system) = time.to_system_time() {
            assert_eq!(Modified::of(system), Some(time));
        }
    }
}
