//! Inputs whose names are those of the files that stay beside a target.

use super::*;
use crate::files::NewFile;
use std::fs::File;
use std::io::Write;

/// A plaintext that an operation on `new` would take for one of its own files.
fn named_like(folder: &Folder, extension: &str) -> (PathBuf, String) {
    let path = beside(folder, extension);
    fs::copy(folder.path("plain"), &path).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let name = path.file_name().unwrap().to_str().unwrap().to_owned();
    (path, name)
}

#[test]
fn an_input_with_the_name_of_a_resume_file_survives_other_operations() {
    for extension in ["journal", "partial"] {
        for placement in [NEW, REPLACE] {
            let folder = Folder::new();
            let (path, name) = named_like(&folder, extension);
            folder.encrypt(&name, "new", placement).unwrap();
            assert!(fs::read(path).unwrap() == content());
            folder.decrypt("new", "opened", NEW).unwrap();
            assert!(fs::read(folder.path("opened")).unwrap() == content());
        }
    }
}

#[test]
fn an_input_that_would_be_overwritten_is_refused() {
    for extension in ["journal", "partial"] {
        let folder = Folder::new();
        let (path, name) = named_like(&folder, extension);
        let target = folder.path("new");
        for placement in [NEW, REPLACE] {
            let expected = SealError::SameFile { path: shown(&target) };
            let result = work_on(&folder, &name, placement);
            assert_eq!(result.map(drop), Err(expected));
            assert_eq!(folder.names(), [&name, "plain", "sealed"]);
            assert!(fs::read(&path).unwrap() == content());
        }
    }
}

fn write(folder: &Folder, sources: &[&File], placement: Placement) {
    let new = NewFile {
        from: &folder.path("plain"),
        sources,
        to: &folder.path("new"),
        mode: None,
        placement,
    };
    new.write(|output| {
        output.file().write_all(b"output").unwrap();
        Ok(())
    })
    .unwrap();
}

fn work_on(folder: &Folder, from: &str, placement: Placement) -> Result<Report, SealError> {
    let (from, to) = (folder.path(from), folder.path("new"));
    encrypt_file_resumable(&from, &to, &compact(), placement, None, &control(2))
}

#[test]
fn one_of_many_inputs_with_the_name_of_a_resume_file_survives() {
    for extension in ["journal", "partial"] {
        for position in 0..2 {
            let folder = Folder::new();
            let (path, _) = named_like(&folder, extension);
            let (other, named) = (
                File::open(folder.path("plain")).unwrap(),
                File::open(&path).unwrap(),
            );
            let mut sources = vec![&other];
            sources.insert(position, &named);
            write(&folder, &sources, NEW);
            assert_eq!(fs::read(folder.path("new")).unwrap(), b"output");
            assert!(fs::read(&path).unwrap() == content());
            // A file that is no input is removed.
            write(&folder, &[&other], REPLACE);
            assert!(!path.exists());
        }
    }
}

#[cfg(unix)]
#[test]
fn an_input_is_recognized_through_a_hard_link() {
    for extension in ["journal", "partial"] {
        let folder = Folder::new();
        fs::hard_link(folder.path("plain"), beside(&folder, extension)).unwrap();
        let failure = work_on(&folder, "plain", NEW).unwrap_err();
        assert_eq!(failure.code(), "SAME_FILE");
        folder.encrypt("plain", "new", NEW).unwrap();
        assert!(beside(&folder, extension).exists());
        assert!(fs::read(folder.path("plain")).unwrap() == content());
    }
}
