//! Seals a file key for a public key with HPKE (RFC 9180): base mode, one message per encapsulation, HKDF-SHA256 and AES-256-GCM. The
//! KEM is [`X25519`] or the post-quantum [`XWing`].

#[cfg(test)]
mod tests;

use super::stack_overwrite::overwrite_deep_stack;
use super::{CryptoError, FileKey, Random};
use hpke::aead::{AeadTag, AesGcm256};
use hpke::inout::InOutBuf;
use hpke::kdf::HkdfSha256;
use hpke::kem::{X25519HkdfSha256, XWing as XWingKem};
use hpke::rand_core::{TryCryptoRng, TryRng};
use hpke::{
    Deserializable, Kem as _, OpModeR, OpModeS, Serializable, single_shot_open_inout_detached,
    single_shot_seal_inout_detached_with_rng,
};
use std::convert::Infallible;
use zeroize::{Zeroize, Zeroizing};

/// DHKEM(X25519, HKDF-SHA256), KEM id 0x0020.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum X25519 {}

/// X-Wing, which is ML-KEM-768 together with X25519, KEM id 0x647A: secure as long as one of the two is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum XWing {}

/// A key encapsulation mechanism of HPKE, with `P` bytes in a public key and `E` bytes in an encapsulated key. Any 32 bytes are a
/// secret key.
pub trait Kem<const P: usize, const E: usize>: mechanism::Mechanism {
    /// The public key of a secret key.
    #[must_use]
    fn public_key(secret: &[u8; 32]) -> [u8; P] {
        let mut public = [0; P];
        if let Ok(secret) = <Self::Kem as hpke::Kem>::PrivateKey::from_bytes(secret) {
            Self::Kem::sk_to_pk(&secret).write_exact(&mut public);
        }
        overwrite_deep_stack();
        public
    }

    /// Whether key agreement with this public key gives a shared secret: no part of it has small order and no coefficient is out
    /// of range.
    #[must_use]
    fn is_usable(public: &[u8; P]) -> bool {
        <Self::Kem as hpke::Kem>::PublicKey::from_bytes(public).is_ok() && has_x25519_of_large_order(public)
    }

    /// Seals `file_key`. Returns the encapsulated key, and ciphertext 32 and tag 16.
    ///
    /// # Errors
    /// [`CryptoError::RandomUnavailable`], [`CryptoError::UnusablePublicKey`].
    fn seal(
        public: &[u8; P],
        info: &[u8],
        file_key: &FileKey,
        random: &Random,
    ) -> Result<([u8; E], SealedKey), CryptoError> {
        if Self::IS_HYBRID && !has_x25519_of_large_order(public) {
            return Err(CryptoError::UnusablePublicKey);
        }
        let drawn = Drawn::draw(random, Self::RANDOM_SIZE)?;
        let mut buffer = Zeroizing::new(*file_key.expose());
        let result = seal::<Self::Kem, E>(public, info, b"", buffer.as_mut_slice(), drawn);
        overwrite_deep_stack();
        let (encapsulated, tag) = result?;
        let mut sealed = [0; SEALED_KEY_SIZE];
        sealed[..32].copy_from_slice(buffer.as_slice());
        sealed[32..].copy_from_slice(&tag);
        Ok((encapsulated, sealed))
    }

    /// Opens the output of [`seal`](Self::seal).
    ///
    /// # Errors
    /// [`CryptoError::TagMismatch`] if it was sealed for another key or under other `info`, or was changed. HPKE does not distinguish
    /// these.
    fn open(
        secret: &[u8; 32],
        info: &[u8],
        encapsulated: &[u8; E],
        sealed: &SealedKey,
    ) -> Result<FileKey, CryptoError> {
        if Self::IS_HYBRID && !has_x25519_of_large_order(encapsulated) {
            return Err(CryptoError::TagMismatch);
        }
        let mut buffer = Zeroizing::new([0; 32]);
        buffer.copy_from_slice(&sealed[..32]);
        let tag = &sealed[32..];
        let opened = open::<Self::Kem>(secret, info, b"", encapsulated, buffer.as_mut_slice(), tag);
        overwrite_deep_stack();
        opened?;
        Ok(FileKey::new(&buffer))
    }
}

impl Kem<X25519_SIZE, X25519_SIZE> for X25519 {}
impl Kem<XWING_PUBLIC_SIZE, XWING_ENCAPSULATED_SIZE> for XWing {}

/// Private, so that no other crate implements [`Kem`].
mod mechanism {
    pub trait Mechanism {
        type Kem: hpke::Kem;
        /// Random bytes that one encapsulation takes.
        const RANDOM_SIZE: usize;
        /// Whether X25519 points of small order must be refused here. The `hpke` crate refuses them for X25519 alone; X-Wing allows
        /// them, while other implementations of it do not.
        const IS_HYBRID: bool;
    }

    impl Mechanism for super::X25519 {
        type Kem = super::X25519HkdfSha256;
        const RANDOM_SIZE: usize = 32;
        const IS_HYBRID: bool = false;
    }

    impl Mechanism for super::XWing {
        type Kem = super::XWingKem;
        const RANDOM_SIZE: usize = 64;
        const IS_HYBRID: bool = true;
    }
}

/// A file key sealed with HPKE: ciphertext 32, tag 16.
pub type SealedKey = [u8; SEALED_KEY_SIZE];

/// Seals `buffer` in place.
fn seal<K: hpke::Kem, const E: usize>(
    public: &[u8],
    info: &[u8],
    aad: &[u8],
    buffer: &mut [u8],
    mut drawn: Drawn,
) -> Result<([u8; E], [u8; TAG_SIZE]), CryptoError> {
    let public = K::PublicKey::from_bytes(public).map_err(|_| CryptoError::UnusablePublicKey)?;
    let (key, tag) = single_shot_seal_inout_detached_with_rng::<AesGcm256, HkdfSha256, K>(
        &OpModeS::Base,
        &public,
        info,
        InOutBuf::from(buffer),
        aad,
        &mut drawn,
    )
    .map_err(|_| CryptoError::UnusablePublicKey)?;
    if drawn.is_overdrawn {
        return Err(CryptoError::RandomUnavailable);
    }
    let (mut encapsulated, mut tag_bytes) = ([0; E], [0; TAG_SIZE]);
    key.write_exact(&mut encapsulated);
    tag.write_exact(&mut tag_bytes);
    Ok((encapsulated, tag_bytes))
}

/// Opens `buffer` in place. After a failure it holds no plaintext.
fn open<K: hpke::Kem>(
    secret: &[u8; 32],
    info: &[u8],
    aad: &[u8],
    encapsulated: &[u8],
    buffer: &mut [u8],
    tag: &[u8],
) -> Result<(), CryptoError> {
    let refused = |_| CryptoError::TagMismatch;
    let secret = K::PrivateKey::from_bytes(secret).map_err(refused)?;
    let encapsulated = K::EncappedKey::from_bytes(encapsulated).map_err(refused)?;
    let tag = AeadTag::<AesGcm256>::from_bytes(tag).map_err(refused)?;
    single_shot_open_inout_detached::<AesGcm256, HkdfSha256, K>(
        &OpModeR::Base,
        &secret,
        &encapsulated,
        info,
        InOutBuf::from(buffer),
        aad,
        &tag,
    )
    .map_err(refused)
}

/// Whether the X25519 point at the end of a public or encapsulated key has large order.
fn has_x25519_of_large_order(key: &[u8]) -> bool {
    key.last_chunk().is_some_and(has_large_order)
}

/// Whether Diffie-Hellman with this point gives a result other than zeros. Secret keys are multiples of the cofactor, so a point of
/// small order gives zeros with each of them: one fixed key tells. The result is discarded.
fn has_large_order(point: &[u8; X25519_SIZE]) -> bool {
    <X25519HkdfSha256 as hpke::Kem>::PublicKey::from_bytes(point)
        .is_ok_and(|point| X25519HkdfSha256::encap_with_rng(&point, None, &mut Drawn::zeros(32)).is_ok())
}

/// Random bytes drawn for one encapsulation, as a generator for the `hpke` crate. They are drawn beforehand because that crate takes
/// only generators that can't fail.
struct Drawn {
    bytes: Zeroizing<Vec<u8>>,
    used: usize,
    is_overdrawn: bool,
}

impl Drawn {
    fn draw(random: &Random, size: usize) -> Result<Self, CryptoError> {
        let mut drawn = Self::zeros(size);
        random.fill(drawn.bytes.as_mut_slice())?;
        Ok(drawn)
    }

    fn zeros(size: usize) -> Self {
        Self {
            bytes: Zeroizing::new(vec![0; size]),
            used: 0,
            is_overdrawn: false,
        }
    }
}

impl TryRng for Drawn {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        let end = self.used.saturating_add(out.len());
        match self.bytes.get_mut(self.used..end) {
            Some(bytes) => {
                out.copy_from_slice(bytes);
                // No byte is used twice.
                bytes.zeroize();
                self.used = end;
            }
            None => self.is_overdrawn = true,
        }
        Ok(())
    }
}

impl TryCryptoRng for Drawn {}

/// Bytes of an X25519 public key, and of an encapsulated one.
pub const X25519_SIZE: usize = 32;
/// Bytes of an X-Wing public key.
pub const XWING_PUBLIC_SIZE: usize = 1216;
/// Bytes of an X-Wing encapsulated key.
pub const XWING_ENCAPSULATED_SIZE: usize = 1120;
/// Bytes of a file key under HPKE.
pub const SEALED_KEY_SIZE: usize = 48;
const TAG_SIZE: usize = 16;
