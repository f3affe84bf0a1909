//! Key files: one line of text after comments, readable by their owner only.
//!
//! The same rules apply to files of key pairs, see `key_pair_file`.

use super::file_reason::{KeyFileReason, recognize};
use super::{key_from_base64, key_from_hex, key_to_hex};
use crate::crypto::SecretKey;
use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::io::{Read, Write};
use std::path::Path;
use zeroize::Zeroizing;

/// Why a file of keys could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The system refused to read or write it.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The new file exists.
    #[error("the file exists, and a key never replaces a file")]
    Exists,
    /// It is no such file as was expected.
    #[error("{reason}")]
    Refused {
        /// Why.
        reason: KeyFileReason,
        /// The line that is wrong, from 1; `None` if the whole file is.
        line: Option<u64>,
    },
    /// The key to write is not the secret key of a pair.
    #[error("a key pair file holds only secret keys of key pairs")]
    NotAPair,
}

impl KeyFileError {
    pub(super) const fn at(reason: KeyFileReason, line: u64) -> Self {
        Self::Refused {
            reason,
            line: Some(line),
        }
    }
}

impl From<KeyFileReason> for KeyFileError {
    fn from(reason: KeyFileReason) -> Self {
        Self::Refused { reason, line: None }
    }
}

/// Reads a key from a file: 32 raw bytes, or a line of hexadecimal digits or Base64 after `#` comments.
///
/// On Unix a file that group or others can read is refused unless `allow_readable`.
///
/// # Errors
/// See [`KeyFileError`].
pub fn read_key_file(path: &Path, allow_readable: bool) -> Result<SecretKey, KeyFileError> {
    read_protected(path, allow_readable, MAX_FILE_SIZE, |content| {
        Ok(key_in(content)?)
    })
}

/// The key that a file of these bytes holds.
pub(super) fn key_in(content: &[u8]) -> Result<SecretKey, KeyFileReason> {
    // 32 hexadecimal digits are half a key in text form, not a key's 32 bytes.
    if content.len() == 32 && !content.iter().all(u8::is_ascii_hexdigit) {
        return SecretKey::from_bytes(content).map_err(|_| KeyFileReason::NoKey);
    }
    let mut lines = lines(content);
    let Some((line, _)) = lines.next() else {
        return Err(KeyFileReason::NoKey);
    };
    if let Some(other) = recognize(line) {
        return Err(other);
    }
    let text = std::str::from_utf8(line).map_err(|_| KeyFileReason::NoKey)?;
    let key = key_from_hex(text)
        .or_else(|_| key_from_base64(text))
        .map_err(|_| KeyFileReason::NoKey)?;
    match lines.next() {
        None => Ok(key),
        Some(_) => Err(KeyFileReason::SeveralKeys),
    }
}

/// The lines of a file that are neither empty nor comments, without white space around them, and their numbers from 1.
pub(super) fn lines(content: &[u8]) -> impl Iterator<Item = (&[u8], u64)> {
    let lines = content
        .split(|&byte| byte == b'\n')
        .map(<[u8]>::trim_ascii)
        .zip(1..);
    lines.filter(|(line, _)| !line.is_empty() && !line.starts_with(b"#"))
}

/// Parses a file of secrets of up to `maximum` bytes, which only its owner can read. A file that holds no secrets is refused for
/// that, even if others can read it.
pub(super) fn read_protected<T>(
    path: &Path,
    allow_readable: bool,
    maximum: usize,
    parse: impl FnOnce(&[u8]) -> Result<T, KeyFileError>,
) -> Result<T, KeyFileError> {
    let file = open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(KeyFileReason::NotARegularFile.into());
    }
    let secrets = parse(&read_up_to(file, maximum)?)?;
    if !allow_readable && is_readable_by_others(&metadata) {
        return Err(KeyFileReason::ReadableByOthers.into());
    }
    Ok(secrets)
}

/// The contents of a file or pipe that others may read, up to `maximum` bytes.
pub(super) fn read_public(path: &Path, maximum: usize) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(KeyFileReason::NotARegularFile.into());
    }
    read_up_to(file, maximum)
}

fn read_up_to(file: File, maximum: usize) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    // One byte more than allowed, so that a file that is too long is noticed.
    let mut content = Zeroizing::new(Vec::with_capacity(maximum + 1));
    file.take(maximum as u64 + 1).read_to_end(&mut content)?;
    if content.len() > maximum {
        return Err(KeyFileReason::TooLarge.into());
    }
    Ok(content)
}

/// Writes a new key file that only its owner can read, and flushes it to the disk: data sealed with a lost key is lost.
///
/// # Errors
/// `Exists`: a key file is never overwritten. `Io`.
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
    let mut file = options.open(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => KeyFileError::Exists,
        _ => error.into(),
    })?;
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

/// Opens a file to read. Does not wait for the writer of a FIFO.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, rustix::fs::OFlags::NONBLOCK.bits() as i32);
    options.open(path)
}

#[cfg(unix)]
fn is_readable_by_others(metadata: &Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o077 != 0
}

#[cfg(not(unix))]
const fn is_readable_by_others(_: &Metadata) -> bool {
    false
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
        assert!(matches!(again, Err(KeyFileError::Exists)));
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

    /// The reason and the line of a refusal.
    fn refusal<T>(result: Result<T, KeyFileError>) -> (KeyFileReason, Option<u64>) {
        match result {
            Err(KeyFileError::Refused { reason, line }) => (reason, line),
            Err(other) => panic!("{other:?}"),
            Ok(_) => panic!("not refused"),
        }
    }

    #[test]
    fn a_file_without_exactly_one_key_is_refused_with_what_it_holds() {
        use KeyFileReason as R;
        let two_lines = format!("{0}\n{0}\n", "11".repeat(32)).into_bytes();
        for (content, reason) in [
            (vec![], R::NoKey),
            (b"# a comment\n".to_vec(), R::NoKey),
            (vec![0xff; 33], R::NoKey),
            (vec![b'1'; 32], R::NoKey),
            (b"hello".to_vec(), R::NoKey),
            (two_lines, R::SeveralKeys),
            (vec![b'1'; 5000], R::TooLarge),
            (b"# age\nAGE-SECRET-KEY-1ABC\n".to_vec(), R::HoldsKeyPair),
            (
                format!("age1{}\n", "q".repeat(58)).into_bytes(),
                R::HoldsPublicKey,
            ),
            (b"age1 is no public key\n".to_vec(), R::NoKey),
            (b"-----BEGIN AGE ENCRYPTED FILE-----\n".to_vec(), R::Encrypted),
            (
                b"-----BEGIN OPENSSH PRIVATE KEY-----\n".to_vec(),
                R::UnsupportedKey,
            ),
        ] {
            let (_dir, path) = written(&content, 0o600);
            assert_eq!(
                refusal(read_key_file(&path, false)),
                (reason, None),
                "{content:?}"
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_key_file_that_others_can_read_is_refused_unless_allowed() {
        for mode in [0o640, 0o604, 0o660, 0o777] {
            let (_dir, path) = written(&[7; 32], mode);
            let refused = refusal(read_key_file(&path, false));
            assert_eq!(refused, (KeyFileReason::ReadableByOthers, None));
            let (_dir, no_key) = written(b"hello", mode);
            assert_eq!(
                refusal(read_key_file(&no_key, false)),
                (KeyFileReason::NoKey, None)
            );
            assert!(read_key_file(&path, true).is_ok());
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_directory_or_a_device_is_refused() {
        for path in ["/", "/dev/null"] {
            let refused = refusal(read_key_file(Path::new(path), true));
            assert_eq!(refused, (KeyFileReason::NotARegularFile, None));
        }
    }
}
