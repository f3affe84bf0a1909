//! Detached headers.

mod header_file;

use crate::crypto::{Crc64, SecretKey};
use crate::error::{LookAlike, SealError};
use crate::files::{Placement, decrypt_file};
use crate::format::{DigestKind, StreamHeader};
use crate::keys::{Identity, Recipient};
use crate::operation::cancel::CancellationToken;
use crate::operation::options::{Control, DecryptOptions, EncryptOptions, HeaderLayout};
use crate::operation::report::Report;
use crate::rekey::detached::{
    HeaderFile, attach_header, decrypt_file_detached, detach_header, encrypt_file_detached, seal_detached,
};
use crate::repair::salvage::{SalvageOptions, salvage};
use crate::repair::verify::{VerifyOptions, verify};
use crate::stream_v2::core::seekable::SeekableStream;
use crate::stream_v2::io::{JoinedSource, Overwrite};
use crate::testing::stream_parts::StreamParts;
use crate::testing::support::{
    Output, compact, control, key, options, plaintext, reading, seal, seal_unsized,
};
use std::path::PathBuf;
use tempfile::TempDir;

const NEW: Placement = Placement {
    overwrite: Overwrite::Refuse,
    flush: false,
};

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn seal(&self, options: &EncryptOptions<'_>) -> Report {
        encrypt_file_detached(
            &self.path("plain"),
            &self.path("body"),
            None,
            options,
            NEW,
            &control(2),
        )
        .unwrap()
    }

    fn open(&self, header: &[u8], options: &DecryptOptions<'_>) -> Result<Report, SealError> {
        decrypt_file_detached(
            header,
            &self.path("body"),
            &self.path("opened"),
            options,
            NEW,
            &control(2),
        )
    }

    /// Writes the body of "stream" to "body", and returns the header.
    fn detach(&self) -> Vec<u8> {
        let (from, to) = (self.path("stream"), self.path("body"));
        detach_header(&from, &to, None, NEW, &Control::serial()).unwrap()
    }

    fn attach(&self, header: &[u8], body: &[u8]) -> Result<Vec<u8>, SealError> {
        self.write("body", body);
        attach_header(
            header,
            &self.path("body"),
            &self.path("whole"),
            NEW,
            &Control::serial(),
        )?;
        let whole = self.read("whole");
        std::fs::remove_file(self.path("whole")).unwrap();
        Ok(whole)
    }
}

#[test]
fn header_and_body_together_are_the_stream() {
    for size in [0, 1, 2047, 2048, 2049, 50_000] {
        let folder = Folder::new();
        folder.write("plain", &plaintext(size));
        // A detached header is always compact.
        let report = folder.seal(&options(DigestKind::Crc64Nvme, HeaderLayout::PADDED));
        let (header, body) = (report.header.unwrap(), folder.read("body"));
        assert_eq!(StreamHeader::parse(&header).unwrap().bytes, header);
        assert_eq!(report.sealed_size, (header.len() + body.len()) as u64);
        assert_eq!(report.output_crc64, Crc64::of(&body));
        folder.write("whole", &[header.clone(), body].concat());
        decrypt_file(
            &folder.path("whole"),
            &folder.path("a"),
            &reading(),
            NEW,
            &Control::serial(),
        )
        .unwrap();
        assert_eq!(folder.read("a"), plaintext(size));
        let opened = folder.open(&header, &reading()).unwrap();
        assert_eq!((opened.plaintext_size, opened.header), (size, None));
        assert_eq!(folder.read("opened"), plaintext(size));
    }
}

#[test]
fn a_body_is_read_verified_and_salvaged_with_its_header() {
    let plain = plaintext(50_000);
    let stream = seal(&plain, &compact());
    let size = StreamParts::of(&stream).header.len();
    let (header, mut body) = (&stream[..size], stream[size..].to_vec());
    let whole = JoinedSource::new(header, &body[..]);
    assert_eq!(
        SeekableStream::open(&whole, &reading(), &CancellationToken::new())
            .unwrap()
            .plaintext_size(),
        Some(50_000)
    );
    let options = VerifyOptions {
        open: Some(reading()),
        ..VerifyOptions::default()
    };
    assert!(verify(&whole, &options, &Control::serial()).unwrap().sound);
    drop(whole);
    body[3000] ^= 1;
    let whole = JoinedSource::new(header, &body[..]);
    let found = verify(&whole, &options, &Control::serial()).unwrap();
    // The offset is in the whole stream.
    assert_eq!(
        (found.problem_count, found.problems[0].sealed.start),
        (1, size as u64 + 2048 + 2 * 32 + 114)
    );
    let output = Output::default();
    let options = SalvageOptions {
        header: Some(header),
        ..SalvageOptions::new(reading())
    };
    let map = salvage(&&body[..], &&output, &options, &Control::serial()).unwrap();
    assert_eq!(map.plaintext_size, Some(50_000));
    let salvaged = output.into_bytes();
    let frame = 2048;
    assert_eq!(salvaged[..frame], plain[..frame]);
    assert_eq!(salvaged[frame + 2048..], plain[frame + 2048..]);
}

#[test]
fn attaching_undoes_detaching() {
    let plain = plaintext(10_000);
    for stream in [
        seal(&plain, &compact()),
        seal_unsized(&plain, &compact()),
        seal(&plain, &options(DigestKind::None, HeaderLayout::PADDED)),
        seal(&[], &compact()),
    ] {
        let folder = Folder::new();
        folder.write("stream", &stream);
        let header = folder.detach();
        assert_eq!(header, StreamParts::of(&stream).header);
        let body = folder.read("body");
        assert_eq!(body, stream[header.len()..]);
        assert_eq!(folder.read("stream"), stream);
        assert_eq!(folder.attach(&header, &body).unwrap(), stream);
    }
}

#[test]
fn if_the_header_is_damaged_its_copy_is_detached() {
    let stream = seal(&plaintext(100), &options(DigestKind::None, HeaderLayout::PADDED));
    let folder = Folder::new();
    let mut damaged = stream.clone();
    damaged[100] ^= 1;
    folder.write("stream", &damaged);
    let header = folder.detach();
    assert_eq!(header, stream[..4096]);
}

#[test]
fn a_header_is_not_attached_to_another_body() {
    let stream = seal(&plaintext(10_000), &compact());
    let size = StreamParts::of(&stream).header.len();
    let (header, body) = stream.split_at(size);
    let folder = Folder::new();
    let code = |header: &[u8], body: &[u8]| folder.attach(header, body).unwrap_err().code();
    assert_eq!(code(&header[..size - 1], body), "INVALID_OPTION");
    assert_eq!(code(&[header, b"x"].concat(), body), "INVALID_OPTION");
    assert_eq!(code(b"", body), "INVALID_OPTION");
    assert_eq!(code(header, &stream), "INVALID_OPTION");
    assert_eq!(code(header, b""), "TRUNCATED");
    assert_eq!(code(header, &body[..body.len() / 2]), "TRUNCATED");
    assert_eq!(code(header, &body[..body.len() - 1]), "TRUNCATED");
    assert_eq!(code(header, &body[1..]), "INVALID_SEGMENT");
    assert_eq!(code(header, &[body, b"x"].concat()), "TRAILING_DATA");
    assert_eq!(
        code(
            header,
            &[b"no body at all, but long enough to be one".repeat(9)].concat()
        ),
        "INVALID_SEGMENT"
    );
    // Bodies of streams of another length, another size and unknown length.
    let body_of = |stream: &[u8]| stream[StreamParts::of(stream).header.len()..].to_vec();
    let longer = seal(&plaintext(20_000), &compact());
    assert_eq!(code(header, &body_of(&longer)), "END_DAMAGED");
    let shorter = seal(&plaintext(9_000), &compact());
    assert!(matches!(
        code(header, &body_of(&shorter)),
        "INVALID_SEGMENT" | "TRUNCATED" | "END_DAMAGED"
    ));
    let unsized_header = &seal_unsized(&plaintext(10_000), &compact())[..size];
    assert!(matches!(
        code(unsized_header, &body[..body.len() - 5]),
        "END_DAMAGED"
    ));
    assert_eq!(folder.names(), ["body"]);
}

#[test]
fn a_header_copy_in_the_body_must_be_of_the_same_stream() {
    let layout = || options(DigestKind::Crc64Nvme, HeaderLayout::PADDED);
    let [a, b] = [5, 6].map(|number| {
        let key = SecretKey::from_bytes(&[number; 32]).unwrap();
        let id = "test".into();
        let options = EncryptOptions {
            recipients: vec![Recipient::Key { key, id }],
            ..layout()
        };
        // The streams differ in their random bytes.
        let output = Output::default();
        let sink = crate::stream_v2::io::OutputSink::writer(&output);
        let source = crate::stream_v2::io::InputSource::memory(b"the same");
        crate::stream_v2::encrypt_stream_v2(source, sink, &options, &Control::serial()).unwrap();
        output.into_bytes()
    });
    let folder = Folder::new();
    let failure = folder.attach(&a[..4096], &b[4096..]).unwrap_err();
    assert!(failure.to_string().contains("of the stream"), "{failure}");
    assert_eq!(folder.attach(&a[..4096], &a[4096..]).unwrap(), a);
}

#[test]
fn opening_a_body_without_its_header_explains_the_failure() {
    let folder = Folder::new();
    folder.write("plain", &plaintext(100));
    let header = folder.seal(&compact()).header.unwrap();
    let (body, opened) = (folder.path("body"), folder.path("opened"));
    let failure = decrypt_file(&body, &opened, &reading(), NEW, &Control::serial()).unwrap_err();
    assert!(
        matches!(
            &failure,
            SealError::NotSealed {
                looks_like: Some(LookAlike::DetachedBody)
            }
        ),
        "{failure}"
    );
    // A marker alone is not a segment.
    folder.write("body", &[b"SEG1".to_vec(), vec![0; 500]].concat());
    let failure = decrypt_file(&body, &opened, &reading(), NEW, &Control::serial()).unwrap_err();
    assert_eq!(failure, SealError::NotSealed { looks_like: None });
    assert_eq!(
        folder.open(&header[1..], &reading()).unwrap_err().code(),
        "INVALID_OPTION"
    );
}

#[test]
fn the_detached_header_controls_access_to_the_body() {
    let folder = Folder::new();
    folder.write("plain", &plaintext(5000));
    let header = folder.seal(&compact()).header.unwrap();
    let stranger = DecryptOptions::new(vec![Identity::Key(SecretKey::from_bytes(&[7; 32]).unwrap())]);
    assert_eq!(
        folder.open(&header, &stranger).unwrap_err().code(),
        "NO_MATCHING_KEY"
    );
    let mut tampered = header.clone();
    tampered[50] ^= 1;
    assert_eq!(
        folder.open(&tampered, &reading()).unwrap_err().code(),
        "INVALID_OPTION"
    );
    let (stream, other) = (folder.read("body"), seal(&plaintext(5000), &compact()));
    folder.write("body", &other[header.len()..]);
    // Another stream of the same key.
    assert_eq!(
        folder.open(&header, &reading()).unwrap_err().code(),
        "END_TAMPERED"
    );
    folder.write("body", &stream);
    folder
        .open(&header, &DecryptOptions::new(vec![Identity::Key(key())]))
        .unwrap();
    assert_eq!(folder.read("opened"), plaintext(5000));
}

#[test]
fn a_detached_header_must_be_complete() {
    let folder = Folder::new();
    folder.write("plain", &plaintext(100));
    let size = folder.seal(&compact()).header.unwrap().len();
    let source = std::fs::File::open(folder.path("plain")).unwrap();
    for (header_size, is_whole) in [(size - 1, false), (size, true), (size + 1, false)] {
        let body = tempfile::tempfile().unwrap();
        let sealed = seal_detached(header_size, &source, &body, &compact(), &Control::serial());
        assert_eq!(sealed.is_ok(), is_whole, "{header_size}");
    }
}
