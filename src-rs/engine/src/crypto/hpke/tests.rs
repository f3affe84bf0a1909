//! Published test vectors, and inputs that must be refused.

use super::*;
use serde_json::Value;

fn vectors(name: &str) -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors/hpke.json");
    let vectors: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let vectors = vectors[name].as_array().unwrap().clone();
    assert!(!vectors.is_empty());
    vectors
}

fn bytes(vector: &Value, field: &str) -> Vec<u8> {
    base16ct::lower::decode_vec(vector[field].as_str().unwrap()).unwrap()
}

fn drawn(bytes: &[u8]) -> Drawn {
    let mut drawn = Drawn::zeros(bytes.len());
    drawn.bytes.copy_from_slice(bytes);
    drawn
}

fn check<K: hpke::Kem, M: Kem<P, E>, const P: usize, const E: usize>(vector: &Value) {
    let field = |name| bytes(vector, name);
    let secret: [u8; 32] = field("secret").try_into().unwrap();
    assert_eq!(M::public_key(&secret)[..], field("public"));
    assert!(M::is_usable(&field("public").try_into().unwrap()));
    let (info, aad, mut buffer) = (field("info"), field("aad"), field("plaintext"));
    let (enc, tag) =
        seal::<K, E>(&field("public"), &info, &aad, &mut buffer, drawn(&field("ikm_e"))).unwrap();
    assert_eq!(enc[..], field("enc"));
    assert_eq!([&buffer[..], &tag].concat(), field("ciphertext"));
    open::<K>(&secret, &info, &aad, &enc, &mut buffer, &tag).unwrap();
    assert_eq!(buffer, field("plaintext"));
}

#[test]
fn the_vectors_of_rfc_9180_match() {
    for vector in vectors("x25519") {
        check::<X25519HkdfSha256, X25519, X25519_SIZE, X25519_SIZE>(&vector);
    }
}

#[test]
fn the_vectors_of_hpke_with_x_wing_match() {
    for vector in vectors("xwing") {
        check::<XWingKem, XWing, XWING_PUBLIC_SIZE, XWING_ENCAPSULATED_SIZE>(&vector);
    }
}

#[test]
fn the_vectors_of_the_x_wing_draft_match() {
    assert_eq!(<XWingKem as hpke::Kem>::KEM_ID, 0x647a);
    for vector in vectors("xwing_kem") {
        let secret: [u8; 32] = bytes(&vector, "secret").try_into().unwrap();
        let public = XWing::public_key(&secret);
        assert_eq!(public[..], bytes(&vector, "public"));
        let seed = drawn(&bytes(&vector, "encapsulation_seed"));
        let (encapsulated, _) =
            seal::<XWingKem, XWING_ENCAPSULATED_SIZE>(&public, b"", b"", &mut [0; 32], seed).unwrap();
        assert_eq!(encapsulated[..], bytes(&vector, "ciphertext"));
        let secret = <XWingKem as hpke::Kem>::PrivateKey::from_bytes(&secret).unwrap();
        let encapsulated = <XWingKem as hpke::Kem>::EncappedKey::from_bytes(&encapsulated).unwrap();
        let shared = XWingKem::decap(&secret, None, &encapsulated).unwrap();
        assert_eq!(shared.0[..], bytes(&vector, "shared_secret"));
    }
}

#[test]
fn a_sealed_key_opens_and_a_changed_one_does_not() {
    fn run<M: Kem<P, E>, const P: usize, const E: usize>() {
        let (secret, file_key) = ([7; 32], FileKey::new(&[4; 32]));
        let public = M::public_key(&secret);
        let (enc, sealed) = M::seal(&public, b"info", &file_key, &Random::known(1)).unwrap();
        let opened = M::open(&secret, b"info", &enc, &sealed).unwrap();
        assert_eq!(opened.expose(), file_key.expose());
        let mismatch = Err(CryptoError::TagMismatch);
        let expose = |opened: Result<FileKey, _>| opened.map(|key| *key.expose());
        assert_eq!(expose(M::open(&[8; 32], b"info", &enc, &sealed)), mismatch);
        assert_eq!(expose(M::open(&secret, b"inf", &enc, &sealed)), mismatch);
        for at in 0..SEALED_KEY_SIZE {
            let mut changed = sealed;
            changed[at] ^= 1;
            assert_eq!(expose(M::open(&secret, b"info", &enc, &changed)), mismatch);
        }
        for at in [0, 1, E / 2, E - 32, E - 1] {
            let mut changed = enc;
            changed[at] ^= 1;
            assert_eq!(expose(M::open(&secret, b"info", &changed, &sealed)), mismatch);
        }
        let failing = M::seal(&public, b"info", &file_key, &Random::failing());
        assert_eq!(failing.unwrap_err(), CryptoError::RandomUnavailable);
    }
    run::<X25519, X25519_SIZE, X25519_SIZE>();
    run::<XWing, XWING_PUBLIC_SIZE, XWING_ENCAPSULATED_SIZE>();
}

/// The points of order 1, 2, 4 and 8 (RFC 7748, section 6.1; their encodings are in libsodium's list).
#[test]
fn points_of_small_order_are_refused_in_sealing_and_opening() {
    let mut order_8 = [[0; 32]; 2];
    for (point, hex) in order_8.iter_mut().zip([
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    ]) {
        base16ct::lower::decode(hex, point).unwrap();
    }
    let mut one = [0; 32];
    one[0] = 1;
    let mut minus_one = [0xff; 32];
    (minus_one[0], minus_one[31]) = (0xec, 0x7f);
    let (secret, file_key) = ([7; 32], FileKey::new(&[4; 32]));
    let good = XWing::public_key(&secret);
    let (enc, sealed) = XWing::seal(&good, b"", &file_key, &Random::known(1)).unwrap();
    for point in [[0; 32], one, minus_one, order_8[0], order_8[1]] {
        assert!(!X25519::is_usable(&point));
        let refused = X25519::seal(&point, b"", &file_key, &Random::known(1));
        assert_eq!(refused.unwrap_err(), CryptoError::UnusablePublicKey);
        let refused = X25519::open(&secret, b"", &point, &[0; 48]);
        assert_eq!(refused.unwrap_err(), CryptoError::TagMismatch);
        let mut public = good;
        public[XWING_PUBLIC_SIZE - 32..].copy_from_slice(&point);
        assert!(!XWing::is_usable(&public));
        let refused = XWing::seal(&public, b"", &file_key, &Random::known(1));
        assert_eq!(refused.unwrap_err(), CryptoError::UnusablePublicKey);
        let mut enc = enc;
        enc[XWING_ENCAPSULATED_SIZE - 32..].copy_from_slice(&point);
        let refused = XWing::open(&secret, b"", &enc, &sealed);
        assert_eq!(refused.unwrap_err(), CryptoError::TagMismatch);
    }
}

#[test]
fn a_public_key_with_a_coefficient_out_of_range_is_refused() {
    let mut public = XWing::public_key(&[7; 32]);
    assert!(XWing::is_usable(&public));
    // The first coefficient becomes 4095, and 3329 is ML-KEM's modulus.
    (public[0], public[1]) = (0xff, public[1] | 0x0f);
    assert!(!XWing::is_usable(&public));
    let refused = XWing::seal(&public, b"", &FileKey::new(&[4; 32]), &Random::known(1));
    assert_eq!(refused.unwrap_err(), CryptoError::UnusablePublicKey);
}

#[test]
fn drawn_bytes_are_used_once() {
    let mut drawn = drawn(&[1; 32]);
    let mut out = [0; 20];
    drawn.try_fill_bytes(&mut out).unwrap();
    assert_eq!((out, drawn.is_overdrawn), ([1; 20], false));
    assert_eq!(drawn.bytes[..20], [0; 20]);
    drawn.try_fill_bytes(&mut out).unwrap();
    assert!(drawn.is_overdrawn);
}
