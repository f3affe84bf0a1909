//! Whole files by path: complete output or none, and unsuitable paths.

#[cfg(unix)]
mod metadata;
#[cfg(unix)]
mod unix;

use crate::error::{FileKind, IoOperation, SealError};
use crate::files::{Placement, decrypt_file, encrypt_file};
use crate::keys::Identity;
use crate::operation::cancel::CancellationToken;
use crate::operation::options::{Control, DecryptOptions};
use crate::stream_v2::io::{OutputFile, Overwrite};
use crate::testing::support::{compact, control, key, plaintext, reading, seal};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub(crate) const NEW: Placement = Placement {
    overwrite: Overwrite::Refuse,
    flush: false,
};
pub(crate) const REPLACE: Placement = Placement {
    overwrite: Overwrite::Replace,
    flush: true,
};

/// A directory with a plaintext and its sealed form.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::write(folder.path("plain"), content()).unwrap();
        fs::write(folder.path("sealed"), seal(&content(), &compact())).unwrap();
        folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    pub(crate) fn encrypt(&self, from: &str, to: &str, placement: Placement) -> Result<(), SealError> {
        encrypt_file(
            &self.path(from),
            &self.path(to),
            &compact(),
            placement,
            &control(2),
        )
        .map(drop)
    }

    pub(crate) fn decrypt(&self, from: &str, to: &str, placement: Placement) -> Result<(), SealError> {
        decrypt_file(
            &self.path(from),
            &self.path(to),
            &reading(),
            placement,
            &control(2),
        )
        .map(drop)
    }
}

pub(crate) fn content() -> Vec<u8> {
    plaintext(10_007)
}

pub(crate) fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn files_are_sealed_and_opened_to_new_and_existing_files() {
    let folder = Folder::new();
    for placement in [NEW, REPLACE] {
        folder.encrypt("plain", "a.seal", placement).unwrap();
        folder.decrypt("a.seal", "b", placement).unwrap();
        assert!(fs::read(folder.path("b")).unwrap() == content());
    }
    assert_eq!(folder.names(), ["a.seal", "b", "plain", "sealed"]);
}

#[test]
fn empty_files_open_to_empty_files() {
    let folder = Folder::new();
    fs::write(folder.path("empty"), b"").unwrap();
    folder.encrypt("empty", "empty.seal", NEW).unwrap();
    folder.decrypt("empty.seal", "opened", NEW).unwrap();
    assert_eq!(fs::read(folder.path("opened")).unwrap(), b"");
    let nothing = folder.decrypt("empty", "nothing", NEW).unwrap_err();
    assert_eq!(nothing.code(), "NOT_SEALED");
    assert!(!folder.path("nothing").exists());
}

#[test]
fn an_existing_target_is_refused_and_unchanged() {
    let folder = Folder::new();
    fs::write(folder.path("old"), b"old").unwrap();
    let expected = SealError::TargetExists {
        path: shown(&folder.path("old")),
    };
    assert_eq!(folder.encrypt("plain", "old", NEW), Err(expected.clone()));
    assert_eq!(folder.decrypt("sealed", "old", NEW), Err(expected));
    assert_eq!(fs::read(folder.path("old")).unwrap(), b"old");
    assert_eq!(folder.names(), ["old", "plain", "sealed"]);
}

#[test]
fn a_failure_removes_the_temporary_file_and_keeps_the_old_target() {
    let folder = Folder::new();
    let sealed = fs::read(folder.path("sealed")).unwrap();
    fs::write(folder.path("old"), b"old").unwrap();
    let mut flipped = sealed.clone();
    flipped[5000] ^= 1;
    for (bad, code) in [
        (&flipped[..], "DIGEST_MISMATCH"),
        (&sealed[..sealed.len() - 1], "TRUNCATED"),
        (&[&sealed[..], b"!"].concat(), "TRAILING_DATA"),
        (b"no sealed stream", "NOT_SEALED"),
    ] {
        fs::write(folder.path("bad"), bad).unwrap();
        assert_eq!(folder.decrypt("bad", "new", NEW).unwrap_err().code(), code);
        assert_eq!(folder.decrypt("bad", "old", REPLACE).unwrap_err().code(), code);
        assert_eq!(folder.names(), ["bad", "old", "plain", "sealed"], "{code}");
        assert_eq!(fs::read(folder.path("old")).unwrap(), b"old");
    }
    let stranger = DecryptOptions::new(vec![Identity::Key(
        crate::SecretKey::from_bytes(&[9; 32]).unwrap(),
    )]);
    let (from, to) = (folder.path("sealed"), folder.path("old"));
    let refused = decrypt_file(&from, &to, &stranger, REPLACE, &Control::serial()).unwrap_err();
    assert_eq!(refused.code(), "NO_MATCHING_KEY");
    let cancelled = Control {
        cancel: CancellationToken::new(),
        ..control(2)
    };
    cancelled.cancel.cancel();
    let refused = encrypt_file(&folder.path("plain"), &to, &compact(), REPLACE, &cancelled).unwrap_err();
    assert_eq!(refused, SealError::Cancelled);
    assert_eq!(fs::read(&to).unwrap(), b"old");
    assert_eq!(folder.names(), ["bad", "old", "plain", "sealed"]);
}

#[test]
fn a_dropped_output_leaves_nothing() {
    let folder = Folder::new();
    let output = OutputFile::create(&[], &folder.path("new"), Overwrite::Refuse).unwrap();
    assert_eq!(
        folder.names().len(),
        3,
        "the temporary file stands beside the target"
    );
    drop(output);
    assert_eq!(folder.names(), ["plain", "sealed"]);
}

#[test]
fn a_target_created_meanwhile_is_not_overwritten() {
    let folder = Folder::new();
    let target = folder.path("new");
    let output = OutputFile::create(&[], &target, Overwrite::Refuse).unwrap();
    fs::write(&target, b"another file").unwrap();
    let refused = output.commit(None, true).unwrap_err();
    assert_eq!(refused, SealError::TargetExists { path: shown(&target) });
    assert_eq!(fs::read(&target).unwrap(), b"another file");
    assert_eq!(folder.names(), ["new", "plain", "sealed"]);

    let output = OutputFile::create(&[], &folder.path("other"), Overwrite::Replace).unwrap();
    fs::write(folder.path("other"), b"old").unwrap();
    output.commit(None, false).unwrap();
    assert_eq!(fs::read(folder.path("other")).unwrap(), b"");
}

#[test]
fn source_and_target_must_differ() {
    let folder = Folder::new();
    let before = fs::read(folder.path("plain")).unwrap();
    fs::hard_link(folder.path("plain"), folder.path("hard")).unwrap();
    fs::create_dir(folder.path("sub")).unwrap();
    let mut aliases = vec!["plain", "hard", "sub/../plain"];
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("plain", folder.path("soft")).unwrap();
        aliases.push("soft");
    }
    for alias in aliases {
        for placement in [NEW, REPLACE] {
            let expected = SealError::SameFile {
                path: shown(&folder.path(alias)),
            };
            assert_eq!(
                folder.encrypt("plain", alias, placement),
                Err(expected),
                "{alias}"
            );
        }
    }
    assert!(fs::read(folder.path("plain")).unwrap() == before);
}

#[test]
fn a_directory_is_neither_source_nor_target() {
    let folder = Folder::new();
    fs::create_dir(folder.path("dir")).unwrap();
    let expected = |name: &str| SealError::NotARegularFile {
        path: shown(&folder.path(name)),
        found: FileKind::Directory,
    };
    #[cfg(unix)] // Windows does not open a directory at all.
    assert_eq!(folder.encrypt("dir", "new", NEW), Err(expected("dir")));
    for placement in [NEW, REPLACE] {
        assert_eq!(folder.encrypt("plain", "dir", placement), Err(expected("dir")));
    }
    assert_eq!(folder.encrypt("plain", "dir/..", NEW), Err(expected("dir/..")));
    assert_eq!(folder.names(), ["dir", "plain", "sealed"]);
}

#[test]
fn missing_paths_are_named() {
    let folder = Folder::new();
    let io = |result: Result<(), SealError>| match result.unwrap_err() {
        SealError::Io {
            operation,
            path,
            code,
            ..
        } => (operation, path, code),
        other => panic!("{other}"),
    };
    let expected = |operation, name: &str, code: &str| {
        (operation, Some(shown(&folder.path(name))), Some(code.to_owned()))
    };
    assert_eq!(
        io(folder.encrypt("missing", "new", NEW)),
        expected(IoOperation::Open, "missing", "ENOENT")
    );
    assert_eq!(
        io(folder.encrypt("plain", "missing/new", NEW)),
        expected(IoOperation::Create, "missing/new", "ENOENT")
    );
    #[cfg(unix)]
    {
        assert_eq!(
            io(folder.encrypt("plain/x", "new", NEW)),
            expected(IoOperation::Open, "plain/x", "ENOTDIR")
        );
        assert_eq!(
            io(folder.encrypt("plain", "sealed/x", NEW)),
            expected(IoOperation::Create, "sealed/x", "ENOTDIR")
        );
        let long = "x".repeat(300);
        assert_eq!(
            io(folder.encrypt(&long, "new", NEW)),
            expected(IoOperation::Open, &long, "ENAMETOOLONG")
        );
    }
    assert_eq!(folder.names(), ["plain", "sealed"]);
}

#[test]
fn a_report_names_the_slot_and_sizes() {
    let folder = Folder::new();
    let (from, to) = (folder.path("sealed"), folder.path("opened"));
    let report = decrypt_file(&from, &to, &reading(), NEW, &control(2)).unwrap();
    assert_eq!(report.sealed_size, fs::metadata(&from).unwrap().len());
    assert_eq!(report.plaintext_size, fs::metadata(&to).unwrap().len());
    assert_eq!(
        report.output_crc64,
        crate::crypto::Crc64::of(&fs::read(&to).unwrap())
    );
    assert_eq!(
        report.opened_by.map(|by| (by.slot_index, by.slot_type)),
        Some((0, crate::format::SlotType::Key))
    );
    assert_eq!(key().expose()[1], 1);
}
