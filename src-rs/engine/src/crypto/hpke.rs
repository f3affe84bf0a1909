//! HPKE (RFC 9180), base mode, one message for each encapsulation: a file key sealed for a public key.
//!
//! The KDF is HKDF-SHA256 and the AEAD AES-256-GCM. What differs is the KEM: [`X25519`] or the post-quantum [`XWing`].

#[cfg(test)]
mod tests;

use super::stack::overwrite_deep_stack;
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
#[derive(Clone, Copy, Debug)]
pub enum X25519 {}

/// X-Wing, which is ML-KEM-768 beside X25519, KEM id 0x647A: safe as long as either of the two is.
#[derive(Clone, Copy, Debug)]
pub enum XWing {}

/// A key encapsulation mechanism of HPKE, with `P` bytes in a public key and `E` in what it encapsulates. A secret key has
/// 32 bytes, of which any will do.
pub trait Kem<const P: usize, const E: usize>: sealed::Sealed {
    /// The public key of a secret key.
    fn public_key(secret: &[u8; 32]) -> [u8; P];

    /// Whether a secret can be shared with this public key: it has no part of small order and no coefficient out of range.
    fn is_usable(public: &[u8; P]) -> bool;

    /// Seals `file_key`: what is encapsulated, and ciphertext 32 and tag 16.
    ///
    /// # Errors
    /// [`CryptoError::RandomUnavailable`], [`CryptoError::UnusablePublicKey`].
    fn seal(
        public: &[u8; P],
        info: &[u8],
        file_key: &FileKey,
        random: &Random,
    ) -> Result<([u8; E], SealedKey), CryptoError>;

    /// Opens what [`seal`](Self::seal) made.
    ///
    /// # Errors
    /// [`CryptoError::TagMismatch`], whether it was sealed for another key, under other information, or changed: HPKE can't
    /// tell these apart.
    fn open(
        secret: &[u8; 32],
        info: &[u8],
        encapsulated: &[u8; E],
        sealed: &SealedKey,
    ) -> Result<FileKey, CryptoError>;
}

/// A file key under HPKE: ciphertext 32, tag 16.
pub type SealedKey = [u8; SEALED_KEY_SIZE];

impl Kem<X25519_SIZE, X25519_SIZE> for X25519 {
    fn public_key(secret: &[u8; 32]) -> [u8; X25519_SIZE] {
        public_key::<X25519HkdfSha256, _>(secret)
    }

    fn is_usable(public: &[u8; X25519_SIZE]) -> bool {
        has_large_order(public)
    }

    fn seal(
        public: &[u8; X25519_SIZE],
        info: &[u8],
        file_key: &FileKey,
        random: &Random,
    ) -> Result<([u8; X25519_SIZE], SealedKey), CryptoError> {
        seal_key::<X25519HkdfSha256, _, 32>(public, info, file_key, random)
    }

    fn open(
        secret: &[u8; 32],
        info: &[u8],
        encapsulated: &[u8; X25519_SIZE],
        sealed: &SealedKey,
    ) -> Result<FileKey, CryptoError> {
        // A shared secret of zeros is refused in the crate.
        open_key::<X25519HkdfSha256>(secret, info, encapsulated, sealed)
    }
}

impl Kem<XWING_PUBLIC_SIZE, XWING_ENCAPSULATED_SIZE> for XWing {
    fn public_key(secret: &[u8; 32]) -> [u8; XWING_PUBLIC_SIZE] {
        public_key::<XWingKem, _>(secret)
    }

    fn is_usable(public: &[u8; XWING_PUBLIC_SIZE]) -> bool {
        <XWingKem as hpke::Kem>::PublicKey::from_bytes(public).is_ok() && has_x25519_of_large_order(public)
    }

    fn seal(
        public: &[u8; XWING_PUBLIC_SIZE],
        info: &[u8],
        file_key: &FileKey,
        random: &Random,
    ) -> Result<([u8; XWING_ENCAPSULATED_SIZE], SealedKey), CryptoError> {
        if !has_x25519_of_large_order(public) {
            return Err(CryptoError::UnusablePublicKey);
        }
        seal_key::<XWingKem, _, 64>(public, info, file_key, random)
    }

    fn open(
        secret: &[u8; 32],
        info: &[u8],
        encapsulated: &[u8; XWING_ENCAPSULATED_SIZE],
        sealed: &SealedKey,
    ) -> Result<FileKey, CryptoError> {
        // X-Wing itself lets it pass; other implementations of it do not.
        if !has_x25519_of_large_order(encapsulated) {
            return Err(CryptoError::TagMismatch);
        }
        open_key::<XWingKem>(secret, info, encapsulated, sealed)
    }
}

fn public_key<K: hpke::Kem, const P: usize>(secret: &[u8; 32]) -> [u8; P] {
    let mut public = [0; P];
    // Any 32 bytes are a secret key of both KEMs.
    if let Ok(secret) = K::PrivateKey::from_bytes(secret) {
        K::sk_to_pk(&secret).write_exact(&mut public);
    }
    overwrite_deep_stack();
    public
}

/// Seals `buffer` in place.
fn seal<K: hpke::Kem, const E: usize, const R: usize>(
    public: &[u8],
    info: &[u8],
    aad: &[u8],
    buffer: &mut [u8],
    mut drawn: Drawn<R>,
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

/// Opens `buffer` in place; what is in it after a failure is no plaintext.
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

fn seal_key<K: hpke::Kem, const E: usize, const R: usize>(
    public: &[u8],
    info: &[u8],
    file_key: &FileKey,
    random: &Random,
) -> Result<([u8; E], SealedKey), CryptoError> {
    let drawn = Drawn::<R>::draw(random)?;
    let mut buffer = Zeroizing::new(*file_key.expose());
    let result = seal::<K, E, R>(public, info, b"", buffer.as_mut_slice(), drawn);
    overwrite_deep_stack();
    let (encapsulated, tag) = result?;
    let mut sealed = [0; SEALED_KEY_SIZE];
    sealed[..32].copy_from_slice(buffer.as_slice());
    sealed[32..].copy_from_slice(&tag);
    Ok((encapsulated, sealed))
}

fn open_key<K: hpke::Kem>(
    secret: &[u8; 32],
    info: &[u8],
    encapsulated: &[u8],
    sealed: &SealedKey,
) -> Result<FileKey, CryptoError> {
    let mut buffer = Zeroizing::new([0; 32]);
    buffer.copy_from_slice(&sealed[..32]);
    let opened = open::<K>(
        secret,
        info,
        b"",
        encapsulated,
        buffer.as_mut_slice(),
        &sealed[32..],
    );
    overwrite_deep_stack();
    opened?;
    Ok(FileKey::new(&buffer))
}

/// Whether the X25519 part that stands last in a public key or an encapsulated key of X-Wing is of large order.
fn has_x25519_of_large_order(key: &[u8]) -> bool {
    key.last_chunk().is_some_and(has_large_order)
}

/// Whether a Diffie-Hellman with this point gives anything but zeros. Secret keys are multiples of the cofactor, so a point
/// of small order gives zeros with any of them, and one tells; nothing is done with what comes of it.
fn has_large_order(point: &[u8; X25519_SIZE]) -> bool {
    <X25519HkdfSha256 as hpke::Kem>::PublicKey::from_bytes(point)
        .is_ok_and(|point| X25519HkdfSha256::encap_with_rng(&point, None, &mut Drawn::<32>::zeros()).is_ok())
}

/// Random bytes that were drawn for one encapsulation, in the shape that HPKE asks for them. They are drawn beforehand
/// because a generator in that shape can't fail.
struct Drawn<const N: usize> {
    bytes: Zeroizing<[u8; N]>,
    used: usize,
    is_overdrawn: bool,
}

impl<const N: usize> Drawn<N> {
    fn draw(random: &Random) -> Result<Self, CryptoError> {
        let mut drawn = Self::zeros();
        random.fill(drawn.bytes.as_mut_slice())?;
        Ok(drawn)
    }

    fn zeros() -> Self {
        Self {
            bytes: Zeroizing::new([0; N]),
            used: 0,
            is_overdrawn: false,
        }
    }
}

impl<const N: usize> TryRng for Drawn<N> {
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
                // No byte is given twice.
                bytes.zeroize();
                self.used = end;
            }
            None => self.is_overdrawn = true,
        }
        Ok(())
    }
}

impl<const N: usize> TryCryptoRng for Drawn<N> {}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::X25519 {}
    impl Sealed for super::XWing {}
}

/// Bytes of an X25519 public key, and of an encapsulated one.
pub const X25519_SIZE: usize = 32;
/// Bytes of an X-Wing public key.
pub const XWING_PUBLIC_SIZE: usize = 1216;
/// Bytes of an X-Wing encapsulated key.
pub const XWING_ENCAPSULATED_SIZE: usize = 1120;
/// Bytes of a file key under HPKE.
pub const SEALED_KEY_SIZE: usize = 48;
const TAG_SIZE: usize = 16;
