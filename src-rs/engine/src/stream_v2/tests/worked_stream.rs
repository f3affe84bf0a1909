//! The worked stream of docs/FORMAT.md: every value is computed here from the document's formulas, apart from the
//! engine's own key schedule, and compared with what the engine wrote.
//!
//! `SEALSTREAM_WRITE_VECTORS=1` writes the section anew.

use crate::crypto::{Crc64, Random};
use crate::format::{DigestKind, crc32c};
use crate::keys::Recipient;
use crate::operation::options::{Control, EncryptOptions, HeaderLayout};
use crate::stream_v2::core::encrypt_with;
use crate::stream_v2::io::{InputSource, OutputSink};
use crate::testing::support::{End, key, open_by, options, reading};
use ring::{aead, digest, hkdf, hmac};
use std::fmt::Write as _;
use std::path::PathBuf;

const PLAINTEXT: &[u8] = b"Hello, sealed world!\n";
const CONTEXT: &[u8] = b"docs";
const KEY_ID: &str = "demo";

#[test]
fn the_documents_worked_stream_is_what_the_engine_writes() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/FORMAT.md");
    let document = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = document.split_once(BEGIN).unwrap();
    let (_, behind) = rest.split_once(END).unwrap();
    let due = format!("{before}{BEGIN}\n\n{}\n{END}{behind}", section());
    if std::env::var_os("SEALSTREAM_WRITE_VECTORS").is_some() {
        std::fs::write(&path, &due).unwrap();
    } else {
        assert!(document == due, "the section is not what this release writes");
    }
}

fn section() -> String {
    let stream = stream();
    let keys = Keys::of(&stream);
    let mut out = String::from("Sealed are ");
    writeln!(
        out,
        "the {} bytes `Hello, sealed world!\\n` for the key `00 01 02 … 1f`, whose id is `{KEY_ID}`, with the context\n\
         `docs`, CRC-64 digests, and frames and segments of 1,024 bytes. Random bytes are those that the rows call so.\n",
        PLAINTEXT.len()
    )
    .unwrap();
    out.push_str("The keys, in the order in which they are derived:\n\n| name | value |\n|---|---|\n");
    for (name, value) in &keys.table {
        writeln!(out, "| {name} | `{}` |", hex(value)).unwrap();
    }
    writeln!(
        out,
        "\nThe stream, {} bytes:\n\n| offset | bytes | field |\n|---|---|---|",
        stream.len()
    )
    .unwrap();
    let mut walk = Walk {
        stream: &stream,
        at: 0,
        out,
    };
    walk.header(&keys);
    walk.record(&keys);
    walk.end(&keys);
    assert_eq!(walk.at, stream.len());
    walk.out
}

fn stream() -> Vec<u8> {
    let options = EncryptOptions {
        recipients: vec![Recipient::Key {
            key: key(),
            id: KEY_ID.into(),
        }],
        segment_size: Some(1024),
        ..options(DigestKind::Crc64Nvme, HeaderLayout::COMPACT)
    };
    let mut stream = Vec::new();
    let (from, to) = (InputSource::memory(PLAINTEXT), OutputSink::writer(&mut stream));
    encrypt_with(
        &Random::known(7),
        from,
        to,
        &options.with_context(CONTEXT),
        &Control::serial(),
    )
    .unwrap();
    let opened = open_by(
        (End::ByOffset, End::InOrder),
        &stream,
        &reading().with_context(CONTEXT),
        &Control::serial(),
    );
    assert_eq!(opened.0, PLAINTEXT);
    stream
}

/// The key schedule, from the stream's bytes and the user's key.
struct Keys {
    table: Vec<(&'static str, Vec<u8>)>,
    slot_salt: Vec<u8>,
    /// Where the slot's wrap starts, in the header.
    wrap_at: usize,
    record_at: usize,
}

impl Keys {
    fn of(stream: &[u8]) -> Self {
        let slot_at = 112;
        let salt_at = slot_at + 6 + 1 + KEY_ID.len();
        let wrap_at = salt_at + 32;
        let slot_salt = stream[salt_at..wrap_at].to_vec();
        let mut keys = Self {
            table: Vec::new(),
            slot_salt,
            wrap_at,
            record_at: wrap_at + 80 + 52,
        };
        let (core, stream_id) = (&stream[..64], &stream[32..64]);

        let stream_binding = sha384(&[core, &sha384(&[]), &stream[72..104]].concat());
        let slot = expand(
            &extract(&keys.slot_salt, key().expose()),
            &[b"sealstream v1 key", &stream_binding],
            64,
        );
        let file_key = unseal(
            &slot[..32],
            [0; 12],
            &stream[slot_at..slot_at + 2],
            &stream[slot_at + 6..wrap_at],
            &stream[wrap_at..wrap_at + 48],
        );
        keys.add("stream_binding", stream_binding);
        keys.add("slot_key", slot[..32].to_vec());
        keys.add("slot_commit", slot[32..].to_vec());
        keys.add("file_key", file_key.clone());

        let prk = extract(stream_id, &file_key);
        let binding = [core, &sha384(&[]), &sha384(CONTEXT)].concat();
        let bound = |label: &[u8], size| expand(&prk, &[label, &binding], size);
        keys.add("header_key", expand(&prk, &[b"sealstream v1 header"], 48));
        keys.add("payload_key", bound(b"sealstream v1 payload", 32));
        keys.add("end_key", bound(b"sealstream v1 end", 48));
        keys.add("context_check", bound(b"sealstream v1 context", 32));

        let (aad, floe) = stream[keys.record_at..keys.record_at + 106].split_at(32);
        let payload_key = hkdf::Prk::new_less_safe(hkdf::HKDF_SHA384, keys.get("payload_key"));
        let prefix = &floe[..42];
        keys.add(
            "header_tag",
            expand(&payload_key, &[prefix, b"HEADER_TAG:", aad], 32),
        );
        let message_key = expand(&payload_key, &[prefix, b"MESSAGE_KEY:", aad], 48);
        let message_prk = hkdf::Prk::new_less_safe(hkdf::HKDF_SHA384, &message_key);
        keys.add("message_key", message_key);
        keys.add(
            "frame_key",
            expand(&message_prk, &[prefix, b"DEK:", &[0; 8], aad], 32),
        );
        keys
    }

    fn add(&mut self, name: &'static str, value: Vec<u8>) {
        self.table.push((name, value));
    }

    fn get(&self, name: &str) -> &[u8] {
        &self.table.iter().find(|(known, _)| *known == name).unwrap().1
    }
}

/// Goes through the stream field by field.
struct Walk<'a> {
    stream: &'a [u8],
    at: usize,
    out: String,
}

impl Walk<'_> {
    /// The next bytes are these, by the document.
    fn due(&mut self, field: &str, bytes: &[u8]) {
        assert_eq!(
            &self.stream[self.at..self.at + bytes.len()],
            bytes,
            "{field} at {}",
            self.at
        );
        writeln!(self.out, "| {} | `{}` | {field} |", self.at, hex(bytes)).unwrap();
        self.at += bytes.len();
    }

    /// The next bytes were random.
    fn random(&mut self, field: &str, size: usize) {
        let bytes = &self.stream[self.at..self.at + size];
        self.due(&format!("{field}, random"), bytes);
    }

    fn since(&self, start: usize) -> Vec<u8> {
        self.stream[start..self.at].to_vec()
    }

    fn checksum(&mut self, field: &str, start: usize) {
        let crc = crc32c(&self.since(start));
        self.due(&format!("{field}: CRC-32C from byte {start}"), &crc.to_be_bytes());
    }

    fn header(&mut self, keys: &Keys) {
        self.due("magic", b"\x89SEAL\r\n\x1a");
        self.due("version", &[1]);
        self.due("suite", &[1]);
        self.due("digest: CRC-64/NVME", &[1]);
        self.due("compression", &[0]);
        self.due("frame_size", &1024u32.to_be_bytes());
        self.due("segment_size", &1024u32.to_be_bytes());
        self.due("flags", &[0; 4]);
        self.due("plaintext_size", &(PLAINTEXT.len() as u64).to_be_bytes());
        self.random("stream_id", 32);
        self.due("header_size", &(keys.record_at as u32).to_be_bytes());
        self.due("header_revision", &[0; 2]);
        self.due("slot_count", &[0, 1]);
        self.due("context_check", keys.get("context_check"));
        self.due("core_ext: no entries", &[0; 4]);
        self.due("header_ext: no entries", &[0; 4]);
        self.due("slot: type, key", &[0, 1]);
        self.due("slot: length", &((keys.wrap_at + 80 - 118) as u32).to_be_bytes());
        self.due("slot: id_len", &[KEY_ID.len() as u8]);
        self.due("slot: id", KEY_ID.as_bytes());
        self.random("slot: slot_salt", 32);
        let start = self.at;
        self.opened("slot: wrapped file_key", 32);
        self.opened("slot: tag of the wrapped file_key", 16);
        assert_eq!(start, keys.wrap_at);
        self.due("slot: slot_commit", keys.get("slot_commit"));
        let mac = mac(keys.get("header_key"), &self.since(0));
        self.due("header MAC, under header_key", &mac);
        self.checksum("header checksum", 0);
    }

    /// The next bytes were checked by opening them.
    fn opened(&mut self, field: &str, size: usize) {
        let bytes = &self.stream[self.at..self.at + size];
        self.due(field, bytes);
    }

    fn record(&mut self, keys: &Keys) {
        let start = self.at;
        let size = PLAINTEXT.len() as u32;
        self.due("SegmentHeader: marker", b"SEG1");
        self.due("flags: FINAL", &[1]);
        self.due("reserved", &[0; 3]);
        self.due("segment_index", &[0; 8]);
        self.due("plaintext_size", &size.to_be_bytes());
        self.due("content_size", &size.to_be_bytes());
        self.due("wire_size", &(32 + 74 + size + 32 + 8).to_be_bytes());
        self.checksum("SegmentHeader's checksum", start);
        self.due("FLOE header: params", &[0, 0, 0, 0, 4, 32, 0, 0, 0, 32]);
        self.random("FLOE header: iv", 32);
        self.due("FLOE header: header_tag", keys.get("header_tag"));
        self.due(
            "frame 0: length, since it is the last",
            &(size + 32).to_be_bytes(),
        );
        let iv = self.stream[self.at..self.at + 12].try_into().unwrap();
        self.random("frame 0: frame_iv", 12);
        let sealed = &self.stream[self.at..self.at + PLAINTEXT.len() + 16];
        let position_and_finality = [0, 0, 0, 0, 0, 0, 0, 0, 1];
        let opened = unseal(keys.get("frame_key"), iv, &position_and_finality, &[], sealed);
        assert_eq!(opened, PLAINTEXT);
        self.opened("frame 0: ciphertext", PLAINTEXT.len());
        self.opened("frame 0: tag", 16);
        let crc = Crc64::of(&self.since(start));
        self.due(
            &format!("digest: CRC-64/NVME from byte {start}"),
            &crc.to_be_bytes(),
        );
    }

    fn end(&mut self, keys: &Keys) {
        let start = self.at;
        self.due("EndRecord: marker", b"SEND");
        self.due("reserved", &[0; 4]);
        self.due("segment_count", &1u64.to_be_bytes());
        self.due("plaintext_total", &(PLAINTEXT.len() as u64).to_be_bytes());
        self.due("extensions: no entries", &[0; 4]);
        self.due(
            "manifest: wire_size of segment 0",
            &((start - keys.record_at) as u32).to_be_bytes(),
        );
        self.due("manifest: header_tag of segment 0", keys.get("header_tag"));
        let digest = self.stream[start - 8..start].to_vec();
        self.due("manifest: digest of segment 0", &digest);
        let mac = mac(keys.get("end_key"), &self.since(start));
        self.due("EndRecord's MAC, under end_key", &mac);
        self.checksum("EndRecord's checksum", start);
        let footer = self.at;
        self.due("Footer: end_size", &((footer + 24 - start) as u64).to_be_bytes());
        self.due("reserved", &[0; 4]);
        self.checksum("Footer's checksum", footer);
        self.due("Footer's magic", b"SEALEND\n");
    }
}

fn extract(salt: &[u8], ikm: &[u8]) -> hkdf::Prk {
    hkdf::Salt::new(hkdf::HKDF_SHA384, salt).extract(ikm)
}

fn expand(prk: &hkdf::Prk, info: &[&[u8]], size: usize) -> Vec<u8> {
    struct Size(usize);
    impl hkdf::KeyType for Size {
        fn len(&self) -> usize {
            self.0
        }
    }
    let mut out = vec![0; size];
    prk.expand(info, Size(size)).unwrap().fill(&mut out).unwrap();
    out
}

fn sha384(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA384, bytes).as_ref().to_vec()
}

fn mac(key: &[u8], bytes: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA384, key), bytes)
        .as_ref()
        .to_vec()
}

/// Opens `sealed`, a ciphertext and its tag; the associated data are two parts.
fn unseal(key: &[u8], nonce: [u8; 12], aad: &[u8], more_aad: &[u8], sealed: &[u8]) -> Vec<u8> {
    let key = aead::LessSafeKey::new(aead::UnboundKey::new(&aead::AES_256_GCM, key).unwrap());
    let nonce = aead::Nonce::assume_unique_for_key(nonce);
    let aad = aead::Aad::from([aad, more_aad].concat());
    let mut sealed = sealed.to_vec();
    key.open_in_place(nonce, aad, &mut sealed).unwrap().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(bytes)
}

const BEGIN: &str = "<!-- begin generated: `SEALSTREAM_WRITE_VECTORS=1 cargo test -p sealstream --lib -- vectors worked_stream` -->";
const END: &str = "<!-- end generated -->";
