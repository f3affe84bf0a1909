//! Streams that an independent implementation sealed: each opens, or is refused, as its description says.

#![allow(clippy::unwrap_used, reason = "the helpers of these tests may panic too")]

use sealstream::format::ByteRange;
use sealstream::keys::{Passphrase, SenderKey, identity_from_text, key_from_hex};
use sealstream::random_access::RangeReader;
use sealstream::repair::verify::{VerifyOptions, verify};
use sealstream::stream_v2::io::{InputSource, OutputSink};
use sealstream::{Control, DecryptOptions, Identity, SealError, Threads, decrypt_stream_v2};
use std::path::PathBuf;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../vectors/sealed")
}

fn sha256(bytes: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The senders that a vector is opened with.
fn senders(vector: &serde_json::Value) -> Option<Vec<SenderKey>> {
    let keys = vector.get("senders")?.as_array().unwrap().iter();
    let key = |hex: &serde_json::Value| {
        let bytes = base16ct::lower::decode_vec(hex.as_str().unwrap()).unwrap();
        SenderKey::ed25519(bytes.try_into().unwrap())
    };
    Some(keys.map(key).collect())
}

fn options<'a>(vector: &'a serde_json::Value, identity: &Identity) -> DecryptOptions<'a> {
    DecryptOptions {
        context: vector["context"].as_str().unwrap().as_bytes().into(),
        senders: senders(vector),
        ..DecryptOptions::new(vec![identity.clone()])
    }
}

/// Whether a failure is of this kind; `Segment` counts as the kind of what is wrong with the segment.
fn is_kind(failure: &SealError, kind: &str) -> bool {
    let words = format!("{failure:?}");
    words.starts_with(kind) || words.starts_with(&format!("Segment {{ error: {kind} "))
}

fn open(
    stream: &[u8],
    identity: &Identity,
    vector: &serde_json::Value,
    threads: usize,
    ordered: bool,
) -> Result<Vec<u8>, SealError> {
    let options = options(vector, identity);
    let control = Control {
        threads: Threads::new(threads)?,
        ..Control::serial()
    };
    let source = if ordered {
        InputSource::reader(stream)
    } else {
        InputSource::memory(stream)
    };
    let mut plaintext = Vec::new();
    decrypt_stream_v2(source, OutputSink::writer(&mut plaintext), &options, &control)?;
    let mut memory = vec![0; plaintext.len()];
    decrypt_stream_v2(
        InputSource::memory(stream),
        OutputSink::Memory(&mut memory),
        &options,
        &control,
    )?;
    assert_eq!(memory, plaintext);
    Ok(plaintext)
}

#[test]
fn every_stream_opens_or_is_refused_as_its_description_says() {
    let vectors = vectors();
    let text = |name: &str| vectors[name].as_str().unwrap();
    let identities = [
        ("key", Identity::Key(key_from_hex(text("key")).unwrap())),
        (
            "passphrase",
            Identity::Passphrase(Passphrase::new(text("passphrase")).unwrap()),
        ),
        ("x25519", identity_from_text(text("identity")).unwrap()),
    ];
    let mut opened = 0;
    for vector in vectors["vectors"].as_array().unwrap() {
        for (kind, identity) in &identities {
            for (threads, ordered) in [(1, false), (2, false), (1, true), (2, true)] {
                opened += usize::from(check(vector, (kind, identity), threads, ordered));
            }
        }
    }
    assert_eq!(opened, 18 * 4, "eighteen streams open, each with one identity");
}

/// Opens one stream with one identity, and returns whether it opened, as it must.
fn check(
    vector: &serde_json::Value,
    (kind, identity): (&str, &Identity),
    threads: usize,
    ordered: bool,
) -> bool {
    let text = |name: &str| vector.get(name).and_then(serde_json::Value::as_str);
    let name = text("file").unwrap();
    let stream = std::fs::read(folder().join(name)).unwrap();
    let may_open = vector["opens_with"]
        .as_array()
        .unwrap()
        .iter()
        .any(|known| known == kind);
    let due = match text("result_in_order").filter(|_| ordered).or(text("result")) {
        Some(due) if may_open => due,
        _ => "NoMatchingKey",
    };
    match open(&stream, identity, vector, threads, ordered) {
        Ok(plaintext) => {
            assert_eq!(due, "ok", "{name} with the {kind}");
            assert_eq!(sha256(&plaintext), text("plaintext_sha256").unwrap(), "{name}");
            assert_eq!(
                plaintext.len() as u64,
                vector["plaintext_size"].as_u64().unwrap(),
                "{name}"
            );
            true
        }
        Err(failure) => {
            assert!(
                is_kind(&failure, due),
                "{name} with the {kind}: expected {due}, got {failure:?}"
            );
            false
        }
    }
}

fn vectors() -> serde_json::Value {
    let text = std::fs::read_to_string(folder().join("vectors.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_stream_is_proven_genuine_without_a_key() {
    let mut checked = 0;
    for vector in vectors()["vectors"].as_array().unwrap() {
        let Some(due) = vector
            .get("verified_without_key")
            .and_then(serde_json::Value::as_str)
        else {
            continue;
        };
        let name = vector["file"].as_str().unwrap();
        let stream = std::fs::read(folder().join(name)).unwrap();
        let options = VerifyOptions {
            senders: senders(vector),
            ..VerifyOptions::default()
        };
        let found = verify(&stream.as_slice(), &options, &Control::serial()).unwrap();
        checked += 1;
        assert_eq!(found.sound, due == "ok", "{name}: {:?}", found.problems);
        if due == "ok" {
            assert_eq!(found.sender.unwrap().failure, None, "{name}");
        } else {
            let failure = &found.problems[0].failure;
            assert!(is_kind(failure, due), "{name}: expected {due}, got {failure:?}");
        }
    }
    assert_eq!(checked, 11);
}

#[test]
fn a_forged_range_is_refused_with_senders() {
    let vectors = vectors();
    let identity = Identity::Key(key_from_hex(vectors["key"].as_str().unwrap()).unwrap());
    let mut checked = 0;
    for vector in vectors["vectors"].as_array().unwrap() {
        let Some(range) = vector.get("forged_range") else {
            continue;
        };
        let [start, end] = [0, 1].map(|at| range[at].as_u64().unwrap());
        let stream = std::fs::read(folder().join(vector["file"].as_str().unwrap())).unwrap();
        let source = stream.as_slice();
        let read = |options: &DecryptOptions<'_>| {
            let reader = RangeReader::open(&source, options, 1 << 20, &Default::default())?;
            let mut out = vec![0; (end - start) as usize];
            let plan = reader.plan(ByteRange { start, end });
            reader.read(
                &source,
                &plan,
                &mut out,
                &Default::default(),
                &mut Default::default(),
            )
        };
        let with = options(vector, &identity);
        let failure = read(&with).unwrap_err();
        assert!(is_kind(&failure, "InvalidSegment"), "{failure:?}");
        // The frame alone is right, and only its record's digest is not: readers without senders do not look at that.
        let without = DecryptOptions {
            senders: None,
            ..with
        };
        assert!(read(&without).is_ok());
        checked += 1;
    }
    assert_eq!(checked, 1);
}
