//! vectors/slots.json: streams for each type of slot, made here, compared with what is committed, and opened.

use super::*;
use crate::stream_v2::tests::vectors::{compare_or_write, hex, read, sha256, unhex};
use base64ct::{Base64, Encoding};
use serde_json::{Value, json};

#[test]
fn the_committed_streams_are_those_that_this_release_makes() {
    compare_or_write("slots.json", &json!({ "format": 1, "streams": entries() }));
}

#[test]
fn the_committed_streams_open_as_they_say() {
    for entry in read("slots.json")["streams"].as_array().unwrap() {
        let stream = Base64::decode_vec(entry["stream"].as_str().unwrap()).unwrap();
        let by = opened_by(&stream, &with(vec![identity(&entry["identity"])]));
        let due = (&entry["slot"], &entry["slot_type"]);
        assert_eq!((&json!(by.0), &json!(by.1.to_string())), due, "{}", entry["name"]);
    }
}

fn entries() -> Vec<Value> {
    let all = || people().into_iter().map(|person| person.recipient).collect();
    let mut entries = Vec::new();
    for (slot, person) in people().into_iter().enumerate() {
        let name = person.slot_type.to_string();
        entries.push(entry(&name, 0, &person, vec![person.recipient.clone()]));
        entries.push(entry(&format!("{name}_of_all"), slot, &person, all()));
    }
    entries
}

fn entry(name: &str, slot: usize, person: &Person, recipients: Vec<Recipient>) -> Value {
    json!({
        "name": name,
        "stream": Base64::encode_string(&sealed_for(recipients)),
        "identity": described(&person.identity),
        "slot": slot,
        "slot_type": person.slot_type.to_string(),
        "plaintext_size": SIZE,
        "plaintext_sha256": sha256(&plaintext(SIZE)),
    })
}

fn described(identity: &Identity) -> Value {
    match identity {
        Identity::Key(key) => json!({ "key": hex(key.expose()) }),
        Identity::Passphrase(_) => json!({ "passphrase": "correct horse" }),
        Identity::X25519(secret) => json!({ "x25519": secret.to_text().as_str() }),
        Identity::Hybrid(secret) => json!({ "hybrid": secret.to_text().as_str() }),
        Identity::Provider(key) => json!({
            "provider": key.name,
            "key_id": key.key_id,
            "blob": hex(&key.blob),
            "kek": hex(key.kek.expose()),
        }),
    }
}

fn identity(described: &Value) -> Identity {
    let text = |name: &str| {
        described
            .get(name)
            .map(|value| value.as_str().unwrap().to_owned())
    };
    if let Some(name) = text("provider") {
        return Identity::Provider(ProviderKey {
            name,
            key_id: text("key_id").unwrap(),
            blob: unhex(&described["blob"]),
            kek: SecretKey::from_bytes(&unhex(&described["kek"])).unwrap(),
        });
    }
    if let Some(text) = text("passphrase") {
        return Identity::Passphrase(passphrase(&text));
    }
    if let Some(text) = text("x25519").or_else(|| text("hybrid")) {
        return identity_from_text(&text).unwrap();
    }
    Identity::Key(SecretKey::from_bytes(&unhex(&described["key"])).unwrap())
}
