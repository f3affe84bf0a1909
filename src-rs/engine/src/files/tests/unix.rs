//! Permissions, links, pipes, sockets and devices.

use super::Folder;
use super::NEW;
use super::REPLACE;
use super::content;
use super::shown;
use crate::error::FileKind;
use crate::error::IoOperation;
use crate::error::SealError;
use crate::files::encrypt_file;
use crate::operation::cancel::CancellationToken;
use crate::stream_v2::io::OutputFile;
use crate::stream_v2::io::Overwrite;
use crate::stream_v2::io::open_source;
use crate::testing::support::compact;
use crate::testing::support::control;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::symlink;
use std::path::Path;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn fifo(path: &Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status();
    assert!(made.unwrap().success());
}

#[test]
fn a_sealed_file_gets_its_sources_permissions_and_an_opened_one_the_owners() {
    for source_mode in [0o644, 0o600, 0o755, 0o4711] {
        let folder = Folder::new();
        set_mode(&folder.path("plain"), source_mode);
        set_mode(&folder.path("sealed"), source_mode);
        folder.encrypt("plain", "a", NEW).unwrap();
        folder.decrypt("sealed", "b", NEW).unwrap();
        assert_eq!(mode(&folder.path("a")), source_mode & 0o777);
        assert_eq!(mode(&folder.path("b")), source_mode & 0o700);
    }
}

#[test]
fn a_replaced_file_keeps_its_permissions() {
    let folder = Folder::new();
    for (name, old_mode) in [("a", 0o640), ("b", 0o604)] {
        fs::write(folder.path(name), b"old").unwrap();
        set_mode(&folder.path(name), old_mode);
        folder.encrypt("plain", name, REPLACE).unwrap();
        assert_eq!(mode(&folder.path(name)), old_mode);
        folder.decrypt("sealed", name, REPLACE).unwrap();
        assert_eq!(mode(&folder.path(name)), old_mode);
    }
}

#[test]
fn only_the_owner_can_read_an_output_while_it_is_written() {
    let folder = Folder::new();
    let output = OutputFile::create(&[], &folder.path("new"), Overwrite::Refuse).unwrap();
    assert_eq!(
        output.file().metadata().unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[test]
fn a_link_is_followed_and_stays_a_link() {
    let folder = Folder::new();
    fs::create_dir(folder.path("elsewhere")).unwrap();
    fs::write(folder.path("elsewhere/old"), b"old").unwrap();
    symlink("elsewhere/old", folder.path("link")).unwrap();
    let expected = SealError::TargetExists {
        path: shown(&folder.path("link")),
    };
    assert_eq!(folder.decrypt("sealed", "link", NEW), Err(expected));
    folder.decrypt("sealed", "link", REPLACE).unwrap();
    assert!(fs::symlink_metadata(folder.path("link")).unwrap().is_symlink());
    assert!(fs::read(folder.path("elsewhere/old")).unwrap() == content());
    assert_eq!(
        fs::read_dir(folder.path("elsewhere")).unwrap().count(),
        1,
        "no temporary file is left there"
    );
    folder.encrypt("link", "through", NEW).unwrap();
}

#[test]
fn a_dangling_link_is_refused() {
    let folder = Folder::new();
    symlink("nothing", folder.path("link")).unwrap();
    symlink("loop", folder.path("loop")).unwrap();
    for name in ["link", "loop"] {
        for placement in [NEW, REPLACE] {
            let found = FileKind::DanglingLink;
            let expected = SealError::NotARegularFile {
                path: shown(&folder.path(name)),
                found,
            };
            assert_eq!(folder.encrypt("plain", name, placement), Err(expected));
        }
    }
    let missing = folder.encrypt("link", "new", NEW).unwrap_err();
    assert!(
        matches!(
            missing,
            SealError::Io {
                operation: IoOperation::Open,
                ..
            }
        ),
        "{missing}"
    );
    assert_eq!(folder.names(), ["link", "loop", "plain", "sealed"]);
}

#[test]
fn a_named_pipe_is_refused_without_blocking() {
    let folder = Folder::new();
    fifo(&folder.path("pipe"));
    let expected = SealError::NotARegularFile {
        path: shown(&folder.path("pipe")),
        found: FileKind::Fifo,
    };
    assert_eq!(folder.encrypt("pipe", "new", NEW), Err(expected.clone()));
    assert_eq!(folder.encrypt("plain", "pipe", NEW), Err(expected.clone()));
    assert_eq!(folder.encrypt("plain", "pipe", REPLACE), Err(expected));
}

#[test]
fn a_socket_is_refused() {
    let folder = Folder::new();
    let _listener = std::os::unix::net::UnixListener::bind(folder.path("socket")).unwrap();
    let expected = SealError::NotARegularFile {
        path: shown(&folder.path("socket")),
        found: FileKind::Socket,
    };
    assert_eq!(folder.encrypt("socket", "new", NEW), Err(expected.clone()));
    assert_eq!(folder.encrypt("plain", "socket", REPLACE), Err(expected));
}

#[test]
fn a_device_is_neither_source_nor_target() {
    let folder = Folder::new();
    let null = Path::new("/dev/null");
    let expected = || SealError::NotARegularFile {
        path: "/dev/null".into(),
        found: FileKind::Device,
    };
    assert_eq!(open_source(null).map(drop), Err(expected()));
    for placement in [NEW, REPLACE] {
        let refused = encrypt_file(&folder.path("plain"), null, &compact(), placement, &control(1));
        assert_eq!(refused.map(drop), Err(expected()));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_device_is_a_write_error() {
    use crate::stream_v2::core::encrypt_stream_v2;
    use crate::stream_v2::io::{InputSource, OutputSink, PipeWriter};
    let content = content();
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let file = full();
    for sink in [
        OutputSink::writer(full()),
        OutputSink::positioned(&file),
        OutputSink::writer(PipeWriter::new(full(), CancellationToken::new())),
    ] {
        let failure = encrypt_stream_v2(InputSource::memory(&content), sink, &compact(), &control(2));
        match failure.map(drop) {
            Err(SealError::Io {
                operation: IoOperation::Write,
                ..
            }) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_unreadable_source_is_named() {
    let folder = Folder::new();
    set_mode(&folder.path("plain"), 0o000);
    let allowed = fs::File::open(folder.path("plain")).is_ok();
    match folder.encrypt("plain", "new", NEW) {
        // Someone who may read everything can't be refused.
        Ok(()) => assert!(allowed),
        Err(SealError::Io {
            operation: IoOperation::Open,
            code,
            ..
        }) => {
            assert!(!allowed && code.as_deref() == Some("EACCES"));
        }
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn an_unreadable_target_can_be_replaced() {
    let folder = Folder::new();
    fs::write(folder.path("old"), b"old").unwrap();
    set_mode(&folder.path("old"), 0o200);
    folder.decrypt("sealed", "old", REPLACE).unwrap();
    assert_eq!(mode(&folder.path("old")), 0o200);
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_that_opens_but_can_not_be_read_is_named() {
    let folder = Folder::new();
    // Address 0 of a process is never mapped.
    let source = Path::new("/proc/self/mem");
    let failure = encrypt_file(source, &folder.path("new"), &compact(), NEW, &control(1)).unwrap_err();
    match failure {
        SealError::Io {
            operation,
            path,
            code,
            ..
        } => {
            assert_eq!((operation, path.as_deref()), (IoOperation::Read, source.to_str()));
            assert_eq!(code.as_deref(), Some("EIO"));
        }
        other => panic!("{other}"),
    }
    assert_eq!(folder.names(), ["plain", "sealed"]);
}
