//! Files of senders' public keys: lines of public keys, OpenSSH's `authorized_keys` and `allowed_signers`.

use super::key::{ED25519, SECURITY_KEY, SenderKey};
use super::message::SENDER_NAMESPACE;
use crate::keys::file::{KeyFileError, lines, read_public};
use crate::keys::file_reason::{KeyFileReason, recognize};
use std::path::Path;

/// Reads the public keys of senders in a file, in their order.
///
/// A line is a public key of OpenSSH, or a line of `authorized_keys` or `allowed_signers`. Keys of types that can't sign streams,
/// and keys whose `namespaces` do not include `sealstream`, are left out. Principals are not looked at: every key counts.
///
/// # Errors
/// `Io`. `Refused` with the line: `CertAuthority` and `ValidityLimit` for what would need more than the key, `NoSender` for a line
/// without a key and for a file without any that counts.
pub fn read_senders_file(path: &Path) -> Result<Vec<SenderKey>, KeyFileError> {
    let content = read_public(path, MAX_FILE_SIZE)?;
    let mut senders = Vec::new();
    for (line, number) in lines(&content) {
        let parsed = match std::str::from_utf8(line) {
            Ok(line) => sender_in(line),
            Err(_) => Err(KeyFileReason::NoSender),
        };
        let sender = parsed.map_err(|reason| KeyFileError::at(reason, number))?;
        senders.extend(sender);
    }
    if senders.is_empty() {
        return Err(KeyFileReason::NoSender.into());
    }
    Ok(senders)
}

/// The sender in one line; `None` if its key can't sign streams.
fn sender_in(line: &str) -> Result<Option<SenderKey>, KeyFileReason> {
    let words = words(line).ok_or(KeyFileReason::NoSender)?;
    let at = words.iter().take(3).position(|word| is_key_type(word));
    let Some((at, name)) = at.and_then(|at| Some((at, *words.get(at)?))) else {
        return Err(match recognize(line.as_bytes()) {
            Some(reason) if reason != KeyFileReason::UnsupportedKey => reason,
            _ => KeyFileReason::NoSender,
        });
    };
    // In front of the key: nothing, options, principals, or both.
    let mut is_ours = true;
    for option in words[..at].iter().copied().flat_map(options) {
        let (option, value) = option.split_once('=').unwrap_or((option, ""));
        match option.to_ascii_lowercase().as_str() {
            "cert-authority" => return Err(KeyFileReason::CertAuthority),
            "valid-after" | "valid-before" | "expiry-time" => return Err(KeyFileReason::ValidityLimit),
            "namespaces" => is_ours &= matches_list(value.trim_matches('"'), SENDER_NAMESPACE),
            _ => {}
        }
    }
    if name.contains("-cert-v01@") {
        return Err(KeyFileReason::CertAuthority);
    }
    if name != ED25519 && name != SECURITY_KEY {
        return Ok(None);
    }
    let key = words
        .get(at + 1)
        .and_then(|base64| SenderKey::from_type_and_base64(name, base64));
    let key = key.ok_or(KeyFileReason::NoSender)?;
    Ok(is_ours.then_some(key))
}

fn is_key_type(word: &str) -> bool {
    const STARTS: [&str; 4] = ["ssh-", "sk-ssh-", "ecdsa-sha2-", "sk-ecdsa-sha2-"];
    let is_word = word
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-@.".contains(&byte));
    is_word && STARTS.iter().any(|start| word.starts_with(start))
}

/// The words of a line. White space in double quotes separates none. `None` for a quote that is not closed.
fn words(line: &str) -> Option<Vec<&str>> {
    split_outside_quotes(line, |c| c == ' ' || c == '\t')
        .map(|words| words.into_iter().filter(|word| !word.is_empty()).collect())
}

/// The options in a list of options.
fn options(list: &str) -> Vec<&str> {
    split_outside_quotes(list, |c| c == ',').unwrap_or_default()
}

fn split_outside_quotes(text: &str, is_separator: impl Fn(char) -> bool) -> Option<Vec<&str>> {
    let (mut parts, mut start, mut is_quoted, mut is_escaped) = (Vec::new(), 0, false, false);
    for (at, c) in text.char_indices() {
        if c == '"' && !is_escaped {
            is_quoted = !is_quoted;
        } else if !is_quoted && is_separator(c) {
            parts.push(text.get(start..at)?);
            start = at + c.len_utf8();
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    parts.push(text.get(start..)?);
    (!is_quoted).then_some(parts)
}

/// Whether a list of patterns matches, as OpenSSH decides it: one with `!` in front that matches excludes the text.
fn matches_list(list: &str, text: &str) -> bool {
    let mut is_match = false;
    for pattern in list.split(',') {
        match pattern.strip_prefix('!') {
            Some(excluded) if matches(excluded.as_bytes(), text.as_bytes()) => return false,
            Some(_) => {}
            None => is_match |= matches(pattern.as_bytes(), text.as_bytes()),
        }
    }
    is_match
}

/// Whether a pattern matches: `*` stands for any characters, `?` for one. Takes time proportional to both lengths' product.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    // Where to go on after a mismatch: behind the last star, and where its text ends.
    let mut star = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                p += 1;
                star = Some((p, t));
            }
            Some(&byte) if byte == b'?' || byte == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((behind, end)) = star else {
                    return false;
                };
                star = Some((behind, end + 1));
                (p, t) = (behind, end + 1);
            }
        }
    }
    pattern
        .get(p..)
        .is_some_and(|rest| rest.iter().all(|&byte| byte == b'*'))
}

const MAX_FILE_SIZE: usize = 1024 * 1024;
