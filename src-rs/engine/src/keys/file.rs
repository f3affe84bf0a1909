//! Key files: one line of text after comments, readable by their owner only.
//!
//! The same rules apply to files of key pairs, see `key_pair_file`.

use super::{key_from_base64, key_from_hex, key_to_hex};
use crate::crypto::SecretKey;
use std::fs::{File, OpenOptions};
use std::io;
use std::io::{Read, Write};
use std::path::Path;
use zeroize::Zeroizing;

/// Why a key file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file could not be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Other users can read the file.
    #[error("other users can read the key file (permissions {mode:04o}); run `chmod 600` on it")]
    Readable {
        /// The file's permission bits.
        mode: u32,
    },
    /// The file does not hold exactly one key.
    #[error("the file holds no key: expected 32 bytes, 64 hexadecimal digits or 44 Base64 characters")]
    NotAKey,
    /// A line of a key pair file is not a secret key, or the file has no secret key up to this last line.
    #[error("line {line} is not a secret key: expected AGE-SECRET-KEY-1… or AGE-SECRET-KEY-PQ-1…")]
    NotAnIdentity {
        /// The line number, from 1.
        line: usize,
    },
    /// The key to write is not the secret key of a pair.
    #[error("a key pair file holds only secret keys of key pairs")]
    NotAPair,
}

/// Reads a key from a file: 32 raw bytes, or a line of hexadecimal digits or Base64 after `#` comments.
///
/// On Unix a file that group or others can read is refused unless `allow_readable`.
///
/// # Errors
/// See [`KeyFileError`].
pub fn read_key_file(path: &Path, allow_readable: bool) -> Result<SecretKey, KeyFileError> {
    let content = read_protected(path, allow_readable, MAX_FILE_SIZE)?;
    let content = content.ok_or(KeyFileError::NotAKey)?;
    let content = content.as_slice();
    // 32 hexadecimal digits are half a key in text form, not a key's 32 bytes.
    if content.len() == 32 && !content.iter().all(u8::is_ascii_hexdigit) {
        return SecretKey::from_bytes(content).map_err(|_| KeyFileError::NotAKey);
    }
    let text = std::str::from_utf8(content).map_err(|_| KeyFileError::NotAKey)?;
    let mut lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    match (lines.next(), lines.next()) {
        (Some(line), None) => key_from_hex(line)
            .or_else(|_| key_from_base64(line))
            .map_err(|_| KeyFileError::NotAKey),
        _ => Err(KeyFileError::NotAKey),
    }
}

/// The contents of a file of secrets that only its owner can read; `None` if they are more than `maximum` bytes.
pub(super) fn read_protected(
    path: &Path,
    allow_readable: bool,
    maximum: usize,
) -> Result<Option<Zeroizing<Vec<u8>>>, KeyFileError> {
    let mut file = open_regular(path)?;
    check_mode(&file, allow_readable)?;
    // One byte more than allowed, so that a file that is too long is noticed.
    let mut content = Zeroizing::new(Vec::with_capacity(maximum + 1));
    (&mut file).take(maximum as u64 + 1).read_to_end(&mut content)?;
    Ok((content.len() <= maximum).then_some(content))
}

/// Writes a new key file that only its owner can read, and flushes it to the disk: data sealed with a lost key is lost.
///
/// # Errors
/// `AlreadyExists` if the path exists: a key file is never overwritten.
pub fn write_key_file(path: &Path, key: &SecretKey) -> Result<(), KeyFileError> {
    let hex = key_to_hex(key);
    write_new(path, &Zeroizing::new(format!("{COMMENT}{}\n", hex.as_str())))
}

/// Writes a new file of secrets that only its owner can read, and flushes it to the disk.
pub(super) fn write_new(path: &Path, text: &str) -> Result<(), KeyFileError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    if written.is_err() {
        // Best effort: the caller gets the error of writing.
        let _ = std::fs::remove_file(path);
    }
    written?;
    // Best effort: the key is on the disk, and some systems can't flush a directory.
    #[cfg(unix)]
    let _ = File::open(
        path.parent()
            .filter(|parent| !parent.as_os_str().is_empty())
            .unwrap_or(Path::new(".")),
    )
    .and_then(|directory| directory.sync_all());
    Ok(())
}

/// Opens a regular file. Does not wait for the writer of a FIFO.
fn open_regular(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, rustix::fs::OFlags::NONBLOCK.bits() as i32);
    let file = options.open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "a key file must be a regular file",
        ))
    }
}

#[cfg(unix)]
fn check_mode(file: &File, allow_readable: bool) -> Result<(), KeyFileError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = file.metadata()?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 && !allow_readable {
        return Err(KeyFileError::Readable { mode });
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_mode(_: &File, _: bool) -> Result<(), KeyFileError> {
    Ok(())
}

const COMMENT: &str = "# A sealstream secret key. Anyone who has it can open what was sealed with it. Keep a copy in a safe place.\n";
const MAX_FILE_SIZE: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn written(content: &[u8], mode: u32) -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.key");
        std::fs::write(&path, content).unwrap();
        #[cfg(unix)]
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
        (dir, path)
    }

    #[test]
    fn a_written_key_is_read_and_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.key");
        let key = SecretKey::generate().unwrap();
        write_key_file(&path, &key).unwrap();
        assert_eq!(read_key_file(&path, false).unwrap().expose(), key.expose());
        let again = write_key_file(&path, &SecretKey::generate().unwrap());
        assert!(
            matches!(again, Err(KeyFileError::Io(error)) if error.kind() == io::ErrorKind::AlreadyExists)
        );
        assert_eq!(read_key_file(&path, false).unwrap().expose(), key.expose());
    }

    #[test]
    fn raw_bytes_hexadecimal_and_base64_are_read() {
        for content in [
            vec![0x11; 32],
            "11".repeat(32).into_bytes(),
            b"# c\n\nERERERERERERERERERERERERERERERERERERERERERE=\r\n".to_vec(),
        ] {
            let (_dir, path) = written(&content, 0o600);
            assert_eq!(read_key_file(&path, false).unwrap().expose(), &[0x11; 32]);
        }
    }

    #[test]
    fn a_file_without_exactly_one_key_is_refused() {
        let two_lines = format!("{0}\n{0}\n", "11".repeat(32)).into_bytes();
        for content in [
            vec![],
            vec![0xff; 33],
            b"hello".to_vec(),
            two_lines,
            vec![b'1'; 5000],
        ] {
            let (_dir, path) = written(&content, 0o600);
            assert!(
                matches!(read_key_file(&path, false), Err(KeyFileError::NotAKey)),
                "{} bytes",
                content.len()
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_key_file_that_others_can_read_is_refused_unless_allowed() {
        for mode in [0o640, 0o604, 0o660, 0o777] {
            let (_dir, path) = written(&[7; 32], mode);
            assert!(
                matches!(read_key_file(&path, false), Err(KeyFileError::Readable { mode: seen }) if seen == mode)
            );
            assert!(read_key_file(&path, true).is_ok());
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_directory_or_a_device_is_refused() {
        for path in ["/", "/dev/null"] {
            assert!(matches!(
                read_key_file(Path::new(path), true),
                Err(KeyFileError::Io(_))
            ));
        }
    }
}
