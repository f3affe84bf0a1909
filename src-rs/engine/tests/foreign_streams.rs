//! Streams that an independent implementation sealed: each opens, or is refused, as its description says.

use sealstream::keys::{Passphrase, identity_from_text, key_from_hex};
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

fn open(
    stream: &[u8],
    identity: &Identity,
    context: &[u8],
    threads: usize,
    ordered: bool,
) -> Result<Vec<u8>, SealError> {
    let options = DecryptOptions {
        context: context.into(),
        ..DecryptOptions::new(vec![identity.clone()])
    };
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
    let text = std::fs::read_to_string(folder().join("vectors.json")).unwrap();
    let vectors: serde_json::Value = serde_json::from_str(&text).unwrap();
    let key = Identity::Key(key_from_hex(vectors["key"].as_str().unwrap()).unwrap());
    let mut opened = 0;
    for vector in vectors["vectors"].as_array().unwrap() {
        let name = vector["file"].as_str().unwrap();
        let stream = std::fs::read(folder().join(name)).unwrap();
        let context = vector["context"].as_str().unwrap().as_bytes();
        let by_key = vector["opens_with"][0] == "key";
        for (threads, ordered) in [(1, false), (2, false), (1, true), (2, true)] {
            let result = open(&stream, &key, context, threads, ordered);
            let due = if by_key {
                vector["result"].as_str().unwrap()
            } else {
                "NoMatchingKey"
            };
            match result {
                Ok(plaintext) => {
                    assert_eq!(due, "ok", "{name}");
                    assert_eq!(
                        sha256(&plaintext),
                        vector["plaintext_sha256"].as_str().unwrap(),
                        "{name}"
                    );
                    assert_eq!(
                        plaintext.len() as u64,
                        vector["plaintext_size"].as_u64().unwrap(),
                        "{name}"
                    );
                    opened += 1;
                }
                Err(failure) => {
                    let kind = format!("{failure:?}");
                    assert!(kind.contains(due), "{name}: expected {due}, got {kind}");
                }
            }
        }
    }
    assert_eq!(opened, 10 * 4, "ten streams open with the key");
}

#[test]
fn streams_for_a_passphrase_and_for_an_x25519_key_open_with_those() {
    let text = std::fs::read_to_string(folder().join("vectors.json")).unwrap();
    let vectors: serde_json::Value = serde_json::from_str(&text).unwrap();
    let text = |name: &str| vectors[name].as_str().unwrap();
    let passphrase = Identity::Passphrase(Passphrase::new(text("passphrase")).unwrap());
    let secret = identity_from_text(text("identity")).unwrap();
    for (kind, identity) in [("passphrase", passphrase), ("x25519", secret)] {
        let of_kind = |vector: &&serde_json::Value| vector["opens_with"][0] == kind;
        let found: Vec<_> = vectors["vectors"]
            .as_array()
            .unwrap()
            .iter()
            .filter(of_kind)
            .collect();
        assert_eq!(found.len(), 1);
        let stream = std::fs::read(folder().join(found[0]["file"].as_str().unwrap())).unwrap();
        for (threads, ordered) in [(1, false), (2, true)] {
            let plaintext = open(&stream, &identity, b"", threads, ordered).unwrap();
            assert_eq!(sha256(&plaintext), found[0]["plaintext_sha256"].as_str().unwrap());
        }
    }
}
