//! vectors/streams.json and vectors/floe.json: made here, compared with what is committed, and opened.
//!
//! `SEALSTREAM_WRITE_VECTORS=1 cargo test -p sealstream --lib -- vectors worked_stream` writes them anew, after a change of the format.

use super::refusals;
use super::refusals::{Outcome, Row};
use crate::crypto::floe::FloeParams;
use crate::crypto::{Random, SecretKey, SegmentHasher};
use crate::floe::{FloeError, open, seal_with, sealed_size};
use crate::format::DigestKind;
use crate::keys::Identity;
use crate::operation::options::{Control, DecryptOptions};
use crate::stream_v2::io::OutputSink;
use crate::testing::failure_data::FailureData;
use crate::testing::support::{End, key, plaintext};
use crate::testing::valid_streams;
use base64ct::{Base64, Encoding};
use serde_json::{Value, json};
use std::path::PathBuf;

#[test]
fn the_committed_streams_are_those_that_this_release_makes() {
    let rows = valid_streams::rows().into_iter().chain(refusals::all());
    compare_or_write(
        "streams.json",
        &json!({
            "format": 1,
            "key": hex(key().expose()),
            "plaintext": "byte i is i * 7 mod 251",
            "streams": rows.map(|row| stream_entry(&row)).collect::<Vec<_>>(),
        }),
    );
}

#[test]
fn the_committed_floe_messages_are_those_that_this_release_makes() {
    let messages = [
        (0, 64),
        (1, 64),
        (32, 64),
        (33, 64),
        (100, 64),
        (4064, 4096),
        (5000, 4096),
        (10, 33),
    ];
    let mut entries: Vec<_> = messages
        .iter()
        .map(|&(size, length)| floe_entry(size, length))
        .collect();
    entries.extend(refused_floe_entries());
    compare_or_write("floe.json", &json!({ "messages": entries }));
}

#[test]
fn the_committed_streams_open_or_are_refused_as_they_say() {
    let vectors = read("streams.json");
    let entries = vectors["streams"].as_array().unwrap();
    assert!(entries.len() > 100);
    for entry in entries {
        let by_offset = opened(entry, &vectors, End::ByOffset);
        let in_order = opened(entry, &vectors, End::InOrder);
        let due = outcome_fields(entry);
        let due_in_order = entry.get("ordered").map_or_else(|| due.clone(), outcome_fields);
        assert_eq!(by_offset, due, "{}", entry["name"]);
        assert_eq!(in_order, due_in_order, "{}, in order", entry["name"]);
    }
}

#[test]
fn the_committed_floe_messages_open_or_are_refused_as_they_say() {
    for entry in read("floe.json")["messages"].as_array().unwrap() {
        let key: [u8; 32] = unhex(&entry["key"]).try_into().unwrap();
        let message = Base64::decode_vec(entry["message"].as_str().unwrap()).unwrap();
        let length = entry["encrypted_segment_length"]
            .as_u64()
            .map(|length| length as u32);
        match open(&key, &unhex(&entry["aad"]), &message, length) {
            Ok(plaintext) => assert_eq!(plaintext, unhex(&entry["plaintext"]), "{}", entry["name"]),
            Err(error) => assert_eq!(floe_failure(&error), entry["failure"], "{}", entry["name"]),
        }
    }
}

#[test]
fn every_refusal_has_a_vector_and_every_vector_a_name_of_its_own() {
    let vectors = read("streams.json");
    let entries = vectors["streams"].as_array().unwrap();
    let names: std::collections::HashSet<_> = entries
        .iter()
        .map(|entry| entry["name"].as_str().unwrap())
        .collect();
    assert_eq!(names.len(), entries.len());
    let count = |code: &str| {
        entries
            .iter()
            .filter(|entry| entry["failure"]["code"] == code)
            .count()
    };
    for code in [
        "HEADER_ERROR",
        "HEADER_DAMAGED",
        "NO_MATCHING_KEY",
        "HEADER_TAMPERED",
        "CONTEXT_MISMATCH",
        "DIGEST_MISMATCH",
        "FRAME_DECRYPTION_FAILED",
        "FRAMING_ERROR",
        "INVALID_SEGMENT",
        "TRUNCATED",
        "END_DAMAGED",
        "END_TAMPERED",
        "TRAILING_DATA",
        "LIMIT_EXCEEDED",
    ] {
        assert!(count(code) > 0, "no stream is refused as {code}");
    }
    let reasons: std::collections::HashSet<_> = entries
        .iter()
        .flat_map(|entry| {
            [
                &entry["failure"]["reason"],
                &entry["ordered"]["failure"]["reason"],
            ]
        })
        .filter_map(|reason| reason.as_str())
        .collect();
    assert_eq!(
        reasons.len(),
        15,
        "every reason why a segment is invalid: {reasons:?}"
    );
}

fn stream_entry(row: &Row) -> Value {
    let case = &row.case;
    let mut entry = json!({
        "name": row.name,
        "description": row.description,
        "stream": Base64::encode_string(&case.stream),
        "context": hex(case.context),
    });
    if let Some(byte) = case.other_key {
        entry["key"] = Value::from(hex(&[byte; 32]));
    }
    if let Some(limit) = case.max_segment_size {
        entry["max_segment_size"] = Value::from(limit);
    }
    add_outcome(&mut entry, &case.by_offset);
    if case.in_order != case.by_offset {
        let mut ordered = json!({});
        add_outcome(&mut ordered, &case.in_order);
        entry["ordered"] = ordered;
    }
    entry
}

fn add_outcome(entry: &mut Value, outcome: &Outcome) {
    match outcome {
        Outcome::Refused(told) => entry["failure"] = told.to_json(),
        Outcome::Opens {
            plaintext,
            header_from_copy,
            header_copy_damaged,
        } => {
            entry["plaintext_size"] = Value::from(plaintext.len());
            entry["plaintext_sha256"] = Value::from(sha256(plaintext));
            for (name, value) in [
                ("header_from_copy", header_from_copy),
                ("header_copy_damaged", header_copy_damaged),
            ] {
                if *value {
                    entry[name] = Value::from(true);
                }
            }
        }
    }
}

/// The fields of an entry, or of its `ordered`, that say how opening must go.
fn outcome_fields(entry: &Value) -> Value {
    let names = [
        "plaintext_size",
        "plaintext_sha256",
        "header_from_copy",
        "header_copy_damaged",
        "failure",
    ];
    names
        .iter()
        .filter_map(|&name| Some((name.to_owned(), entry.get(name)?.clone())))
        .collect()
}

/// How opening an entry went, in the same fields.
fn opened(entry: &Value, vectors: &Value, end: End) -> Value {
    let stream = Base64::decode_vec(entry["stream"].as_str().unwrap()).unwrap();
    let context = unhex(&entry["context"]);
    let key = SecretKey::from_bytes(&unhex(entry.get("key").unwrap_or(&vectors["key"]))).unwrap();
    let mut options = DecryptOptions::new(vec![Identity::Key(key)]).with_context(&context);
    if let Some(limit) = entry["max_segment_size"].as_u64() {
        options.max_segment_size = limit as u32;
    }
    let mut plaintext = Vec::new();
    let sink = OutputSink::writer(&mut plaintext);
    let result = crate::decrypt_stream_v2(
        crate::testing::support::source(end, &stream),
        sink,
        &options,
        &Control::serial(),
    );
    let outcome = match result {
        Ok(report) => Outcome::Opens {
            plaintext,
            header_from_copy: report.header_from_copy,
            header_copy_damaged: report.header_copy_damaged,
        },
        Err(failure) => Outcome::Refused(FailureData::of(&failure)),
    };
    let mut fields = json!({});
    add_outcome(&mut fields, &outcome);
    fields
}

fn floe_entry(size: usize, length: u32) -> Value {
    json!({
        "name": format!("{size} bytes in frames of {length}"),
        "key": hex(&[7; 32]),
        "aad": hex(b"aad of a message"),
        "encrypted_segment_length": length,
        "plaintext": hex(&plaintext(size as u64)),
        "message": Base64::encode_string(&floe_message(size, length)),
    })
}

fn floe_message(size: usize, length: u32) -> Vec<u8> {
    let mut message = vec![0; sealed_size(size, length).unwrap() as usize];
    let params = FloeParams::new(length).unwrap();
    let plaintext = plaintext(size as u64);
    seal_with(
        &Random::known(2),
        &[7; 32],
        b"aad of a message",
        &plaintext,
        params,
        &mut message,
    )
    .unwrap();
    message
}

fn refused_floe_entries() -> Vec<Value> {
    let changed = |name: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let mut entry = floe_entry(100, 64);
        let mut message = floe_message(100, 64);
        change(&mut message);
        entry["name"] = Value::from(name);
        entry["message"] = Value::from(Base64::encode_string(&message));
        entry["failure"] =
            floe_failure(&open(&[7; 32], b"aad of a message", &message, Some(64)).unwrap_err());
        entry.as_object_mut().unwrap().remove("plaintext");
        entry
    };
    vec![
        changed("cut in the header", &|message| message.truncate(73)),
        changed("cut in a frame", &|message| message.truncate(150)),
        changed("cut between frames", &|message| message.truncate(74 + 128)),
        changed("another frame length", &|message| message[5] += 1),
        changed("a changed header tag", &|message| message[73] ^= 1),
        changed("a changed ciphertext", &|message| message[74 + 64 + 20] ^= 1),
        changed("a changed length field", &|message| message[74] = 0),
        changed("a byte behind the end", &|message| message.push(0)),
    ]
}

fn floe_failure(error: &FloeError) -> Value {
    let name = |debug: String| debug.split([' ', '(']).next().unwrap_or_default().to_owned();
    match error {
        FloeError::Frame { frame, offset, error } => json!({
            "kind": "Frame", "frame": frame.get(), "offset": offset, "error": name(format!("{error:?}")),
        }),
        other => json!({ "kind": name(format!("{other:?}")) }),
    }
}

pub(crate) fn compare_or_write(name: &str, due: &Value) {
    if std::env::var_os("SEALSTREAM_WRITE_VECTORS").is_some() {
        let text = serde_json::to_string_pretty(due).unwrap() + "\n";
        std::fs::write(path(name), text).unwrap();
    }
    let committed = read(name);
    let Some((list, entries)) = due
        .as_object()
        .unwrap()
        .iter()
        .find(|(_, value)| value.is_array())
    else {
        panic!("no entries")
    };
    let entries = entries.as_array().unwrap();
    for (entry, committed) in entries.iter().zip(committed[list].as_array().unwrap()) {
        assert!(
            entry == committed,
            "{name}: {} is not what this release makes",
            entry["name"]
        );
    }
    assert!(
        *due == committed,
        "{name} has other entries than this release makes"
    );
}

pub(crate) fn read(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path(name)).unwrap()).unwrap()
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../vectors")
        .join(name)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(bytes)
}

pub(crate) fn unhex(value: &Value) -> Vec<u8> {
    base16ct::lower::decode_vec(value.as_str().unwrap()).unwrap()
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    let mut hasher = SegmentHasher::new(DigestKind::Sha256);
    hasher.update(bytes);
    format!("{:?}", hasher.finish())
}
