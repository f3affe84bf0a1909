//! Key pair files in the format of age-keygen: secret keys, one per line, between comments.

use super::file::{key_in, lines, read_protected, write_new};
use super::file_reason::{KeyFileReason, recognize};
use super::{
    HybridIdentity, HybridRecipient, Identity, KeyFileError, KeyPairTextError, Recipient, X25519Identity,
    X25519Recipient,
};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};
use zeroize::Zeroizing;

/// The public key in `text`: `age1…` or `age1pq1…`.
///
/// # Errors
/// See [`KeyPairTextError`].
pub fn recipient_from_text(text: &str) -> Result<Recipient, KeyPairTextError> {
    if text.starts_with("age1pq1") {
        HybridRecipient::from_text(text).map(Recipient::Hybrid)
    } else {
        X25519Recipient::from_text(text).map(Recipient::X25519)
    }
}

/// The secret key in `text`: `AGE-SECRET-KEY-1…` or `AGE-SECRET-KEY-PQ-1…`. The caller overwrites its own copy.
///
/// # Errors
/// See [`KeyPairTextError`]. The error holds nothing of the text.
pub fn identity_from_text(text: &str) -> Result<Identity, KeyPairTextError> {
    if text.starts_with("AGE-SECRET-KEY-PQ-1") {
        HybridIdentity::from_text(text).map(Identity::Hybrid)
    } else {
        X25519Identity::from_text(text).map(Identity::X25519)
    }
}

/// Reads the secret keys in a file, in their order. Each line that is neither empty nor a comment holds one.
///
/// On Unix a file that group or others can read is refused unless `allow_readable`.
///
/// # Errors
/// See [`KeyFileError`]. `Refused` names the line that is not a secret key; no line if the file has no secret key at all.
pub fn read_identity_file(path: &Path, allow_readable: bool) -> Result<Vec<Identity>, KeyFileError> {
    read_protected(path, allow_readable, MAX_FILE_SIZE, identities_in)
}

fn identities_in(content: &[u8]) -> Result<Vec<Identity>, KeyFileError> {
    let mut identities = Vec::new();
    for (line, number) in lines(content) {
        let parsed = std::str::from_utf8(line).ok().map(identity_from_text);
        match parsed {
            Some(Ok(identity)) => identities.push(identity),
            _ if key_in(content).is_ok() => return Err(KeyFileReason::HoldsKey.into()),
            _ => {
                let reason = match recognize(line) {
                    // It looks like one, but is none: mistyped.
                    None | Some(KeyFileReason::HoldsKeyPair) => KeyFileReason::NoSecretKey,
                    Some(other) => other,
                };
                return Err(KeyFileError::at(reason, number));
            }
        }
    }
    if identities.is_empty() {
        return Err(KeyFileReason::NoSecretKey.into());
    }
    Ok(identities)
}

/// Writes a new file of one key pair that only its owner can read, and flushes it to the disk.
///
/// # Errors
/// `Exists`: a key file is never overwritten. `NotAPair`, `Io`.
pub fn write_identity_file(path: &Path, identity: &Identity) -> Result<(), KeyFileError> {
    let (public, secret) = key_pair_texts(identity).ok_or(KeyFileError::NotAPair)?;
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    write_new(path, &content(&public, &secret, since.as_secs()))
}

/// The public and the secret key of a pair in age's format; `None` for an identity that is not a key pair.
#[must_use]
pub fn key_pair_texts(identity: &Identity) -> Option<(String, Zeroizing<String>)> {
    match identity {
        Identity::X25519(secret) => Some((secret.recipient().to_string(), secret.to_text())),
        Identity::Hybrid(secret) => Some((secret.recipient().to_string(), secret.to_text())),
        Identity::Key(_) | Identity::Passphrase(_) | Identity::Provider(_) => None,
    }
}

/// The public key of a recipient as text, if it has one.
#[must_use]
pub fn public_key_text(recipient: &Recipient) -> Option<String> {
    match recipient {
        Recipient::X25519(public) => Some(public.to_string()),
        Recipient::Hybrid(public) => Some(public.to_string()),
        Recipient::Key { .. } | Recipient::Passphrase { .. } | Recipient::Provider(_) => None,
    }
}

fn content(public: &str, secret: &str, seconds: u64) -> Zeroizing<String> {
    let comments = format!("# created: {}\n# public key: {public}\n", utc(seconds));
    // The exact capacity, so that no reallocation leaves a copy behind.
    let mut content = Zeroizing::new(String::with_capacity(comments.len() + secret.len() + 1));
    for part in [&comments, secret, "\n"] {
        content.push_str(part);
    }
    content
}

/// Seconds since 1970 in the format of RFC 3339. The date follows Howard Hinnant's `civil_from_days`.
fn utc(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Days since 1 March of the year 0, in eras of 400 years, which all have the same number of days.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Room for some hundred pairs; an X-Wing public key takes two kilobytes.
pub(super) const MAX_FILE_SIZE: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn written(content: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key.txt");
        std::fs::write(&path, content).unwrap();
        #[cfg(unix)]
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        (dir, path)
    }

    fn secret_of(identity: &Identity) -> Zeroizing<String> {
        match identity {
            Identity::X25519(secret) => secret.to_text(),
            Identity::Hybrid(secret) => secret.to_text(),
            other => panic!("{other:?}"),
        }
    }

    /// A key from age's manual.
    const SECRET: &str = "AGE-SECRET-KEY-1EGTZVFFV20835NWYV6270LXYVK2VKNX2MMDKWYKLMGR48UAWX40Q2P2LM0";

    #[test]
    fn a_written_pair_is_read_and_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let pairs = [
            Identity::X25519(X25519Identity::generate().unwrap()),
            Identity::Hybrid(HybridIdentity::generate().unwrap()),
        ];
        for (at, pair) in pairs.iter().enumerate() {
            let path = dir.path().join(at.to_string());
            write_identity_file(&path, pair).unwrap();
            let read = read_identity_file(&path, false).unwrap();
            assert_eq!(read.len(), 1);
            assert_eq!(secret_of(&read[0]), secret_of(pair));
            let again = write_identity_file(&path, pair);
            assert!(matches!(again, Err(KeyFileError::Exists)), "{again:?}");
        }
        let key = Identity::Key(crate::crypto::SecretKey::generate().unwrap());
        let refused = write_identity_file(&dir.path().join("key"), &key);
        assert!(matches!(refused, Err(KeyFileError::NotAPair)));
    }

    #[test]
    fn the_text_has_the_format_of_age_keygen() {
        let text = content("age1public", "AGE-SECRET-KEY-1SECRET", 1_612_271_383);
        assert_eq!(
            *text,
            "# created: 2021-02-02T13:09:43Z\n# public key: age1public\nAGE-SECRET-KEY-1SECRET\n"
        );
    }

    #[test]
    fn times_follow_the_calendar() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (1_767_225_599, "2025-12-31T23:59:59Z"),
        ] {
            assert_eq!(utc(seconds), expected);
        }
    }

    #[test]
    fn several_keys_are_read_in_their_order() {
        let hybrid = HybridIdentity::generate().unwrap().to_text();
        let (_dir, path) = written(&format!("# one\r\n{SECRET}\r\n\n  {}  \n# end", hybrid.as_str()));
        let read = read_identity_file(&path, false).unwrap();
        assert_eq!(
            read.iter()
                .map(|one| secret_of(one).to_string())
                .collect::<Vec<_>>(),
            [SECRET.to_owned(), hybrid.to_string()]
        );
    }

    #[test]
    fn a_line_that_is_not_a_secret_key_is_named_but_not_repeated() {
        use KeyFileReason as R;
        let public = X25519Identity::generate().unwrap().recipient().to_string();
        let wrong = SECRET.replace("LM0", "LM9");
        for (content, reason, at) in [
            (String::new(), R::NoSecretKey, None),
            ("# nothing\n".to_owned(), R::NoSecretKey, None),
            (format!("{SECRET}\n{public}\n"), R::HoldsPublicKey, Some(2)),
            (format!("\n\n{wrong}"), R::NoSecretKey, Some(3)),
            (SECRET.to_lowercase(), R::NoSecretKey, Some(1)),
            (format!("# a\n{}\n", "11".repeat(32)), R::HoldsKey, None),
            ("age-encryption.org/v1\n".to_owned(), R::Encrypted, Some(1)),
            ("AGE-PLUGIN-YUBIKEY-1ABC".to_owned(), R::UnsupportedKey, Some(1)),
            ("a".repeat(MAX_FILE_SIZE + 1), R::TooLarge, None),
        ] {
            let (_dir, path) = written(&content);
            match read_identity_file(&path, false) {
                Err(error @ KeyFileError::Refused { reason: found, line }) => {
                    assert_eq!((found, line), (reason, at), "{content}");
                    assert!(!error.to_string().contains("EGTZV"));
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_can_read_is_refused_unless_allowed() {
        let (_dir, path) = written(SECRET);
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
        let refused = read_identity_file(&path, false);
        assert!(matches!(
            refused,
            Err(KeyFileError::Refused {
                reason: KeyFileReason::ReadableByOthers,
                line: None
            })
        ));
        assert_eq!(read_identity_file(&path, true).unwrap().len(), 1);
    }
}
