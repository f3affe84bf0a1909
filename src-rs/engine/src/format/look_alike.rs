//! What bytes that are no sealed stream look like, so that an error can say what to do. A guess: nothing but words depends on it.

use std::fmt;

/// What a source that does not start as a sealed stream looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LookAlike {
    /// Nothing: it has no bytes.
    Empty,
    /// Zeros: a copy that was never filled, or a file whose data a crash lost.
    Zeros,
    /// A sealed stream whose first bytes are damaged.
    DamagedMagic,
    /// A sealed stream after a transfer that took it for text: line ends, the character set or the high bit were changed.
    TextMode,
    /// A sealed stream as Base64 text.
    Base64,
    /// The body of a sealed stream, whose header is kept apart.
    DetachedBody,
    /// A sealed stream of another release of sealstream.
    OtherRelease,
    /// The journal of an interrupted operation.
    Journal,
    /// A key, a key pair or a public key.
    Key,
    /// A file that age encrypted.
    Age,
    /// A file that OpenPGP encrypted.
    Pgp,
    /// A file that `openssl enc` encrypted.
    Openssl,
    /// A gzip file.
    Gzip,
    /// A Zstandard file.
    Zstd,
    /// An xz file.
    Xz,
    /// A bzip2 file.
    Bzip2,
    /// A zip archive, or a document that is one.
    Zip,
    /// A 7z archive.
    SevenZip,
    /// The pointer that Git LFS keeps in the place of a file.
    GitLfsPointer,
    /// A web page or another answer of a server, such as one that reports an error.
    WebPage,
}

impl LookAlike {
    /// What `start`, the first bytes of a source that does not begin with the `magic` of sealed streams, look like. A hundred bytes tell
    /// everything. `is_body`: a segment starts here.
    pub(super) fn of(start: &[u8], magic: &[u8; 8], is_body: bool) -> Option<Self> {
        let is_zeros = start.starts_with(&[0; 8]);
        match () {
            () if start.is_empty() => Some(Self::Empty),
            () if is_zeros => Some(Self::Zeros),
            () if is_body => Some(Self::DetachedBody),
            () if start.starts_with(&JOURNAL_MAGIC) => Some(Self::Journal),
            () if is_changed_text(start, magic) => Some(Self::TextMode),
            () if is_almost(start, magic) => Some(Self::DamagedMagic),
            () if start.starts_with(&magic[..5]) => Some(Self::OtherRelease),
            () => known(start),
        }
    }
}

impl fmt::Display for LookAlike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "it is empty; check that it was ever written",
            Self::Zeros => "it starts with zeros; its data was lost or never written, so restore it from another copy",
            Self::DamagedMagic => {
                "it starts almost as one; its first bytes are damaged, so restore it from another copy"
            }
            Self::TextMode => {
                "it was one, until a transfer or a program took it for text and changed its bytes; transfer it again as binary data"
            }
            Self::Base64 => "it is Base64 text; decode it first",
            Self::DetachedBody => "it is the body of one, and its header is kept apart; give that header too",
            Self::OtherRelease => "it starts as those of another release of sealstream; open it with that one",
            Self::Journal => "it is the journal of an interrupted operation; name the sealed file",
            Self::Key => "it is a file of keys; name the sealed file",
            Self::Age => "it is encrypted by age; decrypt it with age",
            Self::Pgp => "it is encrypted by OpenPGP; decrypt it with gpg",
            Self::Openssl => "it is encrypted by openssl; decrypt it with openssl",
            Self::Gzip => "it is a gzip file; decompress it first if a sealed stream is in it",
            Self::Zstd => "it is a Zstandard file; decompress it first if a sealed stream is in it",
            Self::Xz => "it is an xz file; decompress it first if a sealed stream is in it",
            Self::Bzip2 => "it is a bzip2 file; decompress it first if a sealed stream is in it",
            Self::Zip => "it is a zip archive; extract it first if a sealed stream is in it",
            Self::SevenZip => "it is a 7z archive; extract it first if a sealed stream is in it",
            Self::GitLfsPointer => "it is a pointer of Git LFS; fetch the file itself with git lfs pull",
            Self::WebPage => "it is a web page or an answer of a server, perhaps an error; download the file again",
        })
    }
}

/// Whether the magic is there, changed as a transfer in text mode or a conversion of characters changes it.
fn is_changed_text(start: &[u8], magic: &[u8; 8]) -> bool {
    let bytes = without_utf_16(start);
    let bytes = bytes.strip_prefix(UTF_8_MARK).unwrap_or(&bytes);
    let Some(rest) = FIRST_BYTES
        .iter()
        .find_map(|first| bytes.strip_prefix(*first)?.strip_prefix(&magic[1..5]))
    else {
        return false;
    };
    let ends = rest
        .iter()
        .take_while(|byte| matches!(byte, b'\r' | b'\n'))
        .count();
    // Some transfers end a text at the byte 0x1a.
    let is_line_end = ends > 0 && matches!(rest.get(ends), None | Some(0x1a));
    // A stream that is cut short within its magic is unchanged so far.
    is_line_end && !magic.starts_with(start) && !start.starts_with(magic)
}

/// The characters of UTF-16 text of Latin letters, of either byte order; other bytes as they are.
fn without_utf_16(start: &[u8]) -> Vec<u8> {
    let pairs = start.as_chunks::<2>().0;
    let characters: Option<Vec<u8>> = match pairs.first() {
        Some([0xff, 0xfe]) => pairs[1..]
            .iter()
            .map(|&[low, high]| (high == 0).then_some(low))
            .collect(),
        Some([0xfe, 0xff]) => pairs[1..]
            .iter()
            .map(|&[high, low]| (high == 0).then_some(low))
            .collect(),
        _ => None,
    };
    characters.unwrap_or_else(|| start.to_vec())
}

/// Whether all but two bytes of the magic are there.
fn is_almost(start: &[u8], magic: &[u8; 8]) -> bool {
    start.len() >= magic.len() && start.iter().zip(magic).filter(|(a, b)| a == b).count() >= magic.len() - 2
}

fn known(start: &[u8]) -> Option<LookAlike> {
    let text = start.strip_prefix(UTF_8_MARK).unwrap_or(start).trim_ascii_start();
    let starts = STARTS.iter().find(|(magic, _)| {
        let begin = text.get(..magic.len());
        start.starts_with(magic) || begin.is_some_and(|begin| begin.eq_ignore_ascii_case(magic))
    });
    starts.map(|(_, found)| *found)
}

const UTF_8_MARK: &[u8] = b"\xef\xbb\xbf";
/// The first byte of the magic as it is, and without its high bit, in UTF-8 after Latin-1 and after Windows-1252, as the character
/// that replaces invalid ones, and as a question mark.
const FIRST_BYTES: [&[u8]; 6] = [
    b"\x89",
    b"\t",
    b"\xc2\x89",
    b"\xe2\x80\xb0",
    b"\xef\xbf\xbd",
    b"?",
];
const JOURNAL_MAGIC: [u8; 6] = *b"\x89SEALJ";

const STARTS: &[(&[u8], LookAlike)] = &[
    (b"iVNFQUwNCh", LookAlike::Base64),
    (b"age-encryption.org/", LookAlike::Age),
    (b"-----BEGIN AGE ENCRYPTED FILE", LookAlike::Age),
    (b"-----BEGIN PGP MESSAGE", LookAlike::Pgp),
    (b"Salted__", LookAlike::Openssl),
    (b"U2FsdGVkX1", LookAlike::Openssl),
    (b"AGE-SECRET-KEY-", LookAlike::Key),
    (b"# created: ", LookAlike::Key),
    (b"# A sealstream secret key", LookAlike::Key),
    (b"age1", LookAlike::Key),
    (b"-----BEGIN ", LookAlike::Key),
    (b"ssh-", LookAlike::Key),
    (b"\x1f\x8b", LookAlike::Gzip),
    (b"\x28\xb5\x2f\xfd", LookAlike::Zstd),
    (b"\xfd7zXZ\0", LookAlike::Xz),
    (b"BZh", LookAlike::Bzip2),
    (b"PK\x03\x04", LookAlike::Zip),
    (b"PK\x05\x06", LookAlike::Zip),
    (b"7z\xbc\xaf\x27\x1c", LookAlike::SevenZip),
    (b"version https://git-lfs.github.com/", LookAlike::GitLfsPointer),
    (b"<!DOCTYPE", LookAlike::WebPage),
    (b"<html", LookAlike::WebPage),
    (b"<?xml", LookAlike::WebPage),
];

#[cfg(test)]
mod tests {
    use super::*;
    use LookAlike as L;

    /// The first bytes of a stream, with the version and more behind the magic.
    const START: &[u8] = b"\x89SEAL\r\n\x1a\x01\x01\x01\x00\x00\x01\x00\x00";

    fn recognized(start: &[u8]) -> Option<LookAlike> {
        LookAlike::of(start, START[..8].try_into().unwrap(), false)
    }

    fn latin_1(bytes: &[u8]) -> impl Iterator<Item = char> {
        bytes.iter().map(|&byte| char::from(byte))
    }

    fn replaced(from: &[u8], to: &[u8]) -> Vec<u8> {
        let at = START.windows(from.len()).position(|bytes| bytes == from).unwrap();
        [&START[..at], to, &START[at + from.len()..]].concat()
    }

    #[test]
    fn a_transfer_in_text_mode_is_recognized_in_each_direction() {
        let utf_16: Vec<u16> = [0xfeff]
            .into_iter()
            .chain(START.iter().map(|&byte| byte.into()))
            .collect();
        for changed in [
            replaced(b"\r\n", b"\n"),
            replaced(b"\n", b"\r\n"),
            replaced(b"\r\n", b"\r\n\r\n"),
            replaced(b"\r\n", b"\r"),
            replaced(b"\r", b"\n"),
            START.iter().map(|byte| byte & 0x7f).collect(),
            latin_1(START).collect::<String>().into_bytes(),
            [UTF_8_MARK, START].concat(),
            [UTF_8_MARK, &latin_1(START).collect::<String>().into_bytes()].concat(),
            String::from_utf8_lossy(START).into_owned().into_bytes(),
            "‰SEAL\r\n\x1a".as_bytes().to_vec(),
            b"?SEAL\r\n\x1a".to_vec(),
            utf_16.iter().flat_map(|unit| unit.to_le_bytes()).collect(),
            utf_16.iter().flat_map(|unit| unit.to_be_bytes()).collect(),
            // The byte 0x1a ended the text.
            b"\x89SEAL\n".to_vec(),
        ] {
            assert_eq!(
                recognized(&changed),
                Some(L::TextMode),
                "{}",
                changed.escape_ascii()
            );
        }
    }

    #[test]
    fn damage_and_other_releases_differ_from_text_mode() {
        for at in 0..8 {
            let mut damaged = START.to_vec();
            damaged[at] ^= 0x40;
            assert_eq!(recognized(&damaged), Some(L::DamagedMagic), "{at}");
        }
        assert_eq!(recognized(b"\x89SEAL2ab and more"), Some(L::OtherRelease));
        assert_eq!(recognized(b"\x89SEALJ\r\n\x01"), Some(L::Journal));
    }

    #[test]
    fn files_of_other_kinds_are_recognized_by_their_first_bytes() {
        for (start, found) in [
            (&b""[..], Some(L::Empty)),
            (&[0; 104], Some(L::Zeros)),
            // A marker alone, without the right checksum.
            (b"SEG1, the first segment of the course", None),
            (b"iVNFQUwNChoBAQEA", Some(L::Base64)),
            (b"\nage-encryption.org/v1\n", Some(L::Age)),
            (b"-----BEGIN PGP MESSAGE-----", Some(L::Pgp)),
            (b"-----BEGIN OPENSSH PRIVATE KEY-----", Some(L::Key)),
            (b"# created: 2021", Some(L::Key)),
            (b"\x1f\x8b\x08", Some(L::Gzip)),
            (b"\x28\xb5\x2f\xfd", Some(L::Zstd)),
            (b"PK\x03\x04", Some(L::Zip)),
            (b"\xef\xbb\xbf  <!doctype html>", Some(L::WebPage)),
            (
                b"version https://git-lfs.github.com/spec/v1",
                Some(L::GitLfsPointer),
            ),
            (b"Dear diary", None),
            (b"\0\0\0", None),
            (b"P", None),
        ] {
            assert_eq!(recognized(start), found, "{}", start.escape_ascii());
        }
    }

    #[test]
    fn a_segment_is_that_of_a_detached_body() {
        let body = LookAlike::of(b"SEG1", START[..8].try_into().unwrap(), true);
        assert_eq!(body, Some(L::DetachedBody));
    }

    #[test]
    fn all_further_bytes_and_every_length_are_accepted() {
        for length in 0..=START.len() {
            for byte in [0, 0xff, b'\r', b'\n'] {
                let mut start = START[..length].to_vec();
                start.push(byte);
                let _ = recognized(&start);
            }
        }
    }
}
