//! Wycheproof's vectors through the functions of `crypto`.

use crate::crypto::ed25519::verify_ed25519;
use crate::crypto::kdf::{MacKey, Prk};
use crate::crypto::{CryptoError, FileKey, Kem, Random, X25519, XWING_PUBLIC_SIZE, XWing};
use ring::{aead, hkdf};
use serde_json::Value;

fn vectors(name: &str) -> Vec<Value> {
    let path = format!(
        "{}/../../vectors/wycheproof/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let vectors: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert!(vectors.len() > 50);
    vectors
}

fn bytes(vector: &Value, field: &str) -> Vec<u8> {
    base16ct::lower::decode_vec(vector[field].as_str().unwrap()).unwrap()
}

fn is_valid(vector: &Value) -> bool {
    vector["valid"].as_bool().unwrap()
}

#[test]
fn ed25519() {
    for vector in vectors("ed25519") {
        let public = bytes(&vector, "public_key").try_into().unwrap();
        let verified = verify_ed25519(&public, &bytes(&vector, "message"), &bytes(&vector, "signature"));
        assert_eq!(verified, is_valid(&vector), "{}", vector["id"]);
    }
}

#[test]
fn hkdf_sha384() {
    for vector in vectors("hkdf_sha384") {
        let prk = Prk::extract(&bytes(&vector, "salt"), &bytes(&vector, "ikm"));
        let okm = expand(
            &prk,
            &bytes(&vector, "info"),
            vector["size"].as_u64().unwrap() as usize,
        );
        let expected = if is_valid(&vector) {
            Ok(bytes(&vector, "okm"))
        } else {
            Err(CryptoError::InputTooLong)
        };
        assert_eq!(okm, expected, "{}", vector["id"]);
    }
}

/// The sizes that the vectors have.
fn expand(prk: &Prk, info: &[u8], size: usize) -> Result<Vec<u8>, CryptoError> {
    macro_rules! sizes {
        ($($size:literal)*) => {
            match size {
                $($size => prk.expand::<$size>(&[info]).map(|okm| okm.to_vec()),)*
                _ => panic!("no size {size}"),
            }
        };
    }
    sizes!(20 32 42 48 64 80 88 192 12240 12241)
}

#[test]
fn hmac_sha384() {
    for vector in vectors("hmac_sha384") {
        let key = MacKey::<()>::new(&bytes(&vector, "key").try_into().unwrap());
        let (message, tag) = (
            bytes(&vector, "message"),
            bytes(&vector, "tag").try_into().unwrap(),
        );
        assert_eq!(key.verify(&message, &tag), is_valid(&vector), "{}", vector["id"]);
        assert_eq!(key.sign(&message) == tag, is_valid(&vector), "{}", vector["id"]);
        let mut running = key.start();
        message.chunks(3).for_each(|chunk| running.update(chunk));
        assert_eq!(running.verify(&tag), is_valid(&vector), "{}", vector["id"]);
    }
}

/// A frame's associated data are its position and finality, so the vectors go to the cipher as the module calls it.
#[test]
fn aes_256_gcm() {
    for vector in vectors("aes_256_gcm") {
        let key = aead::UnboundKey::new(&aead::AES_256_GCM, &bytes(&vector, "key")).unwrap();
        let key = aead::LessSafeKey::new(key);
        let nonce = || aead::Nonce::assume_unique_for_key(bytes(&vector, "iv").try_into().unwrap());
        let aad = || aead::Aad::from(bytes(&vector, "aad"));
        let tag: [u8; 16] = bytes(&vector, "tag").try_into().unwrap();
        let mut content = bytes(&vector, "ciphertext");
        let opened = key.open_in_place_separate_tag(nonce(), aad(), tag.into(), &mut content, 0..);
        assert_eq!(opened.is_ok(), is_valid(&vector), "{}", vector["id"]);
        if is_valid(&vector) {
            assert_eq!(content, bytes(&vector, "plaintext"));
            let sealed = key
                .seal_in_place_separate_tag(nonce(), aad(), &mut content)
                .unwrap();
            assert_eq!(
                (sealed.as_ref(), content),
                (&tag[..], bytes(&vector, "ciphertext"))
            );
        }
    }
}

/// Seals with HPKE written out over the vector's shared secret, and opens with the module.
#[test]
fn x25519() {
    let mut refused = 0;
    for vector in vectors("x25519") {
        let private: [u8; 32] = bytes(&vector, "private").try_into().unwrap();
        let public: [u8; 32] = bytes(&vector, "public").try_into().unwrap();
        let shared = bytes(&vector, "shared");
        let sealed = hpke_seal(&shared, &public, &X25519::public_key(&private), b"info", &[4; 32]);
        let opened = X25519::open(&private, b"info", &public, &sealed);
        if shared == [0; 32] {
            refused += 1;
            assert_eq!(opened.unwrap_err(), CryptoError::TagMismatch, "{}", vector["id"]);
            assert!(!X25519::is_usable(&public), "{}", vector["id"]);
            let sealing = X25519::seal(&public, b"", &FileKey::new(&[4; 32]), &Random::known(1));
            assert_eq!(sealing.unwrap_err(), CryptoError::UnusablePublicKey);
        } else {
            assert_eq!(opened.unwrap().expose(), &[4; 32], "{}", vector["id"]);
        }
    }
    assert_eq!(refused, 31);
}

/// RFC 9180, sections 4.1 and 5.1: one message in base mode with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and AES-256-GCM.
fn hpke_seal(dh: &[u8], enc: &[u8], receiver: &[u8], info: &[u8], plaintext: &[u8; 32]) -> [u8; 48] {
    const KEM: &[u8] = b"KEM\x00\x20";
    const SUITE: &[u8] = b"HPKE\x00\x20\x00\x01\x00\x02";
    let extract = |suite: &[u8], salt: &[u8], label: &[u8], ikm: &[u8]| {
        hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(&[b"HPKE-v1", suite, label, ikm].concat())
    };
    let expand = |prk: &hkdf::Prk, suite: &[u8], label: &[u8], info: &[&[u8]], size: usize| {
        let length = (size as u16).to_be_bytes();
        let labeled = [&[&length[..], b"HPKE-v1", suite, label], info].concat();
        let mut out = vec![0; size];
        prk.expand(&labeled, Length(size))
            .unwrap()
            .fill(&mut out)
            .unwrap();
        out
    };
    let secret = extract(KEM, b"", b"eae_prk", dh);
    let shared = expand(&secret, KEM, b"shared_secret", &[enc, receiver], 32);
    // Extract with an empty salt, as bytes: ring keeps the output of its HKDF-Extract to itself.
    let hash_of = |label: &[u8], ikm: &[u8]| {
        let labeled = [b"HPKE-v1", SUITE, label, ikm].concat();
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"");
        ring::hmac::sign(&key, &labeled).as_ref().to_vec()
    };
    let context = [
        &[0][..],
        &hash_of(b"psk_id_hash", b""),
        &hash_of(b"info_hash", info),
    ]
    .concat();
    let secret = extract(SUITE, &shared, b"secret", b"");
    let key = expand(&secret, SUITE, b"key", &[&context], 32);
    let nonce = expand(&secret, SUITE, b"base_nonce", &[&context], 12);
    let key = aead::LessSafeKey::new(aead::UnboundKey::new(&aead::AES_256_GCM, &key).unwrap());
    let nonce = aead::Nonce::assume_unique_for_key(nonce.try_into().unwrap());
    let mut sealed = [0; 48];
    sealed[..32].copy_from_slice(plaintext);
    let (content, room) = sealed.split_at_mut(32);
    let tag = key
        .seal_in_place_separate_tag(nonce, aead::Aad::empty(), content)
        .unwrap();
    room.copy_from_slice(tag.as_ref());
    sealed
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// X-Wing's public key is one of ML-KEM-768 and one of X25519. X-Wing derives ML-KEM's secret key from a seed, so that the vectors for
/// decapsulation have no way in.
#[test]
fn mlkem_768_public_keys() {
    for vector in vectors("mlkem_768_public_keys") {
        let mut public = bytes(&vector, "public_key");
        public.extend(X25519::public_key(&[7; 32]));
        // A key of another length is refused where it is read as text.
        if let Ok(public) = <[u8; XWING_PUBLIC_SIZE]>::try_from(public) {
            assert_eq!(XWing::is_usable(&public), is_valid(&vector), "{}", vector["id"]);
        }
    }
}
