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

/// Vectors that must be opened, or refused, with `senders`: opening them without says nothing about them. They are a list here so
/// that nothing counts as checked that is not.
const NEED_SENDERS: [&str; 13] = [
    "signed-sha256.seal",
    "signed-blake3.seal",
    "signed-context.seal",
    "signed-not-announced.seal",
    "signed-by-another.seal",
    "unsigned.seal",
    "signed-then-forged-with-its-manifest.seal",
    "signed-then-frame-resealed.seal",
    "signed-then-extension-inserted.seal",
    "signed-then-stripped.seal",
    "signed-by-a-small-order-key.seal",
    // Without `senders`, but what is checked is the signature.
    "signed-and-nobody-asked.seal",
    "announced-then-stripped-and-nobody-asked.seal",
];

#[test]
fn every_stream_opens_or_is_refused_as_its_description_says() {
    let text = std::fs::read_to_string(folder().join("vectors.json")).unwrap();
    let vectors: serde_json::Value = serde_json::from_str(&text).unwrap();
    let text = |name: &str| vectors[name].as_str().unwrap();
    let identities = [
        ("key", Identity::Key(key_from_hex(text("key")).unwrap())),
        (
            "passphrase",
            Identity::Passphrase(Passphrase::new(text("passphrase")).unwrap()),
        ),
        ("x25519", identity_from_text(text("identity")).unwrap()),
    ];
    let (mut opened, mut left) = (0, Vec::new());
    for vector in vectors["vectors"].as_array().unwrap() {
        let name = vector["file"].as_str().unwrap();
        if NEED_SENDERS.contains(&name) {
            left.push(name);
            continue;
        }
        assert!(vector.get("senders").is_none(), "{name}");
        for (kind, identity) in &identities {
            for (threads, ordered) in [(1, false), (2, false), (1, true), (2, true)] {
                opened += usize::from(check(vector, (kind, identity), threads, ordered));
            }
        }
    }
    assert_eq!(
        left.len(),
        NEED_SENDERS.len(),
        "a name in the list is not that of a vector"
    );
    assert_eq!(opened, 13 * 4, "thirteen streams open, each with one identity");
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
    match open(
        &stream,
        identity,
        text("context").unwrap().as_bytes(),
        threads,
        ordered,
    ) {
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
            let words = format!("{failure:?}");
            let is_due = words.starts_with(due) || words.starts_with(&format!("Segment {{ error: {due} "));
            assert!(is_due, "{name} with the {kind}: expected {due}, got {words}");
            false
        }
    }
}
