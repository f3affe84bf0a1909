//! Files of public keys in age's format: one per line, between comments.

use super::file::{KeyFileError, lines, read_public};
use super::file_reason::{KeyFileReason, recognize};
use super::key_pair_file::MAX_FILE_SIZE;
use super::{Recipient, recipient_from_text};
use std::path::Path;

/// Reads the public keys in a file, in their order. Each line that is neither empty nor a comment holds one. The file may be a pipe,
/// and others may read it: public keys are no secrets.
///
/// # Errors
/// `Io`. `Refused` with the line that is no public key, with `NoPublicKey` for a file without any, with `TooLarge`, and with
/// `NotARegularFile` for a directory.
pub fn read_recipients_file(path: &Path) -> Result<Vec<Recipient>, KeyFileError> {
    let content = read_public(path, MAX_FILE_SIZE)?;
    let mut recipients = Vec::new();
    for (line, number) in lines(&content) {
        let parsed = std::str::from_utf8(line).ok().map(recipient_from_text);
        match parsed {
            Some(Ok(recipient)) => recipients.push(recipient),
            _ => {
                let reason = match recognize(line) {
                    // It looks like one, but is none: mistyped, or of a plugin.
                    None | Some(KeyFileReason::HoldsPublicKey) => KeyFileReason::NoPublicKey,
                    Some(other) => other,
                };
                return Err(KeyFileError::at(reason, number));
            }
        }
    }
    if recipients.is_empty() {
        return Err(KeyFileReason::NoPublicKey.into());
    }
    Ok(recipients)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::X25519Identity;

    fn read(content: &[u8]) -> Result<Vec<Recipient>, KeyFileError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.txt");
        std::fs::write(&path, content).unwrap();
        read_recipients_file(&path)
    }

    #[test]
    fn public_keys_are_read_in_their_order() {
        let pairs = [
            X25519Identity::generate().unwrap(),
            X25519Identity::generate().unwrap(),
        ];
        let [first, second] = pairs.map(|pair| pair.recipient().to_string());
        let read = read(format!("# ours\r\n{first}\r\n\n  {second}  ").as_bytes()).unwrap();
        let texts = read.iter().map(|recipient| match recipient {
            Recipient::X25519(public) => public.to_string(),
            other => panic!("{other:?}"),
        });
        assert_eq!(texts.collect::<Vec<_>>(), [first, second]);
    }

    #[test]
    fn the_first_line_that_is_no_public_key_is_named() {
        use KeyFileReason as R;
        let pair = X25519Identity::generate().unwrap();
        let (public, secret) = (pair.recipient().to_string(), pair.to_text());
        let mut mistyped = public.clone();
        mistyped.replace_range(20..21, if mistyped.as_bytes()[20] == b'q' { "p" } else { "q" });
        for (content, reason, line) in [
            (String::new(), R::NoPublicKey, None),
            ("# none\n\n".to_owned(), R::NoPublicKey, None),
            (format!("{public}\n{mistyped}"), R::NoPublicKey, Some(2)),
            (format!("\n# a\n{}\n", secret.as_str()), R::HoldsKeyPair, Some(3)),
            ("ssh-ed25519 AAAA me".to_owned(), R::UnsupportedKey, Some(1)),
            ("hello".to_owned(), R::NoPublicKey, Some(1)),
        ] {
            match read(content.as_bytes()) {
                Err(KeyFileError::Refused {
                    reason: found,
                    line: at,
                }) => assert_eq!((found, at), (reason, line)),
                other => panic!("{content}: {other:?}"),
            }
        }
        let bytes = read(b"\xff\xfe\x00");
        assert!(matches!(
            bytes,
            Err(KeyFileError::Refused {
                reason: R::NoPublicKey,
                line: Some(1)
            })
        ));
        let long = read(&vec![b'#'; MAX_FILE_SIZE + 1]);
        assert!(matches!(
            long,
            Err(KeyFileError::Refused {
                reason: R::TooLarge,
                line: None
            })
        ));
    }

    #[test]
    fn a_directory_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let refused = read_recipients_file(dir.path());
        assert!(matches!(
            refused,
            Err(KeyFileError::Refused {
                reason: KeyFileReason::NotARegularFile,
                ..
            })
        ));
    }
}
