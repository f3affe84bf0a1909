//! Healing into files.

use super::stream;
use crate::error::SealError;
use crate::files::tests::{NEW, REPLACE};
use crate::files::{Placement, SourceFile};
use crate::repair::heal::{CopySource, HealOptions, HealReport, heal_file};
use crate::testing::support::{SEGMENT, compact, control};
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

/// A directory with two copies with damage in different segments.
struct Folder {
    directory: TempDir,
    whole: Vec<u8>,
}

impl Folder {
    fn new() -> Self {
        let (whole, parts) = stream(4 * SEGMENT, &compact());
        let folder = Self {
            directory: tempfile::tempdir().unwrap(),
            whole,
        };
        for (name, segment) in [("a", 1), ("b", 2)] {
            let mut copy = folder.whole.clone();
            copy[parts.records[segment].start + 400] ^= 1;
            fs::write(folder.path(name), copy).unwrap();
        }
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn heal(&self, names: [&str; 2], to: &str, placement: Placement) -> Result<HealReport, SealError> {
        let [damaged, replica] = names.map(|name| self.path(name));
        heal_file(
            &CopySource::File(SourceFile::open(&damaged)?),
            &[CopySource::File(SourceFile::open(&replica)?)],
            &self.path(to),
            HealOptions::default(),
            placement,
            &control(2),
        )
    }

    fn contents(&self) -> Vec<(String, Vec<u8>)> {
        let entries = fs::read_dir(self.directory.path()).unwrap();
        let mut contents: Vec<_> = entries
            .map(|entry| {
                let entry = entry.unwrap();
                (
                    entry.file_name().into_string().unwrap(),
                    fs::read(entry.path()).unwrap(),
                )
            })
            .collect();
        contents.sort();
        contents
    }
}

#[test]
fn the_healed_file_is_created_and_the_copies_are_unchanged() {
    let folder = Folder::new();
    let before = folder.contents();
    folder.heal(["a", "b"], "out", NEW).unwrap();
    let mut after = folder.contents();
    assert_eq!(after.pop(), Some(("out".to_owned(), folder.whole.clone())));
    assert_eq!(after, before);
    assert_eq!(
        folder.heal(["a", "b"], "out", NEW).unwrap_err().code(),
        "TARGET_EXISTS"
    );
    folder.heal(["b", "a"], "out", REPLACE).unwrap();
}

#[test]
fn a_copy_is_refused_as_target_under_any_name() {
    let folder = Folder::new();
    fs::hard_link(folder.path("b"), folder.path("link")).unwrap();
    let before = folder.contents();
    for target in ["a", "b", "link"] {
        for placement in [NEW, REPLACE] {
            let failure = folder.heal(["a", "b"], target, placement).unwrap_err();
            assert_eq!(failure.code(), "SAME_FILE", "{target}");
        }
    }
    assert_eq!(folder.contents(), before);
}

#[test]
fn a_failure_leaves_no_file() {
    let folder = Folder::new();
    fs::write(folder.path("old"), "old").unwrap();
    let before = folder.contents();
    for (names, target, code) in [
        (["a", "a"], "out", "NOT_HEALED"),
        (["a", "a"], "old", "NOT_HEALED"),
        (["a", "missing"], "out", "IO"),
        (["missing", "a"], "out", "IO"),
    ] {
        assert_eq!(folder.heal(names, target, REPLACE).unwrap_err().code(), code);
    }
    assert_eq!(folder.contents(), before);
}

#[test]
fn a_missing_copy_is_named() {
    let folder = Folder::new();
    let SealError::Io { path, code, .. } = folder.heal(["a", "missing"], "out", NEW).unwrap_err() else {
        panic!("no failure to open");
    };
    assert_eq!(path, Some(folder.path("missing").display().to_string()));
    assert_eq!(code.as_deref(), Some("ENOENT"));
}

#[test]
fn copies_in_memory_are_accepted() {
    let folder = Folder::new();
    let [a, b] = ["a", "b"].map(|name| fs::read(folder.path(name)).unwrap());
    let (damaged, replicas) = (
        CopySource::Other(Box::new(a.as_slice())),
        [CopySource::Other(Box::new(b.as_slice()))],
    );
    let (to, options) = (folder.path("out"), HealOptions::default());
    heal_file(&damaged, &replicas, &to, options, NEW, &control(1)).unwrap();
    assert_eq!(fs::read(to).unwrap(), folder.whole);
}

#[cfg(unix)]
#[test]
fn a_new_file_gets_the_permissions_of_the_damaged_copy() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    for (name, mode) in [("a", 0o640), ("b", 0o604)] {
        fs::set_permissions(folder.path(name), PermissionsExt::from_mode(mode)).unwrap();
    }
    folder.heal(["a", "b"], "out", NEW).unwrap();
    let mode = fs::metadata(folder.path("out")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
}
