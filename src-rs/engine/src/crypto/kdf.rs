//! HKDF (RFC 5869) and HMAC (RFC 2104) with SHA-384.

use super::CryptoError;
use ring::{digest, hkdf, hmac};
use std::fmt;
use std::marker::PhantomData;
use std::sync::LazyLock;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A pseudorandom key of HKDF.
#[derive(Clone, Debug)]
pub(super) struct Prk(hkdf::Prk);

impl Prk {
    /// HKDF-Extract-SHA-384.
    pub(super) fn extract(salt: &[u8], ikm: &[u8]) -> Self {
        Self(hkdf::Salt::new(hkdf::HKDF_SHA384, salt).extract(ikm))
    }

    /// Uses a uniformly random key directly, as FLOE does.
    pub(super) fn from_uniform(key: &[u8]) -> Self {
        Self(hkdf::Prk::new_less_safe(hkdf::HKDF_SHA384, key))
    }

    /// HKDF-Expand-SHA-384 over the concatenation of `info`.
    pub(super) fn expand<const N: usize>(&self, info: &[&[u8]]) -> Result<Zeroizing<[u8; N]>, CryptoError> {
        let mut out = Zeroizing::new([0; N]);
        let okm = self
            .0
            .expand(info, Length(N))
            .map_err(|_| CryptoError::InputTooLong)?;
        okm.fill(out.as_mut_slice())
            .map_err(|_| CryptoError::InputTooLong)?;
        Ok(out)
    }
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// A key of HMAC-SHA-384 that serves one purpose.
#[derive(Clone, Debug)]
pub struct MacKey<Purpose>(hmac::Key, PhantomData<Purpose>);

impl<Purpose> MacKey<Purpose> {
    pub(super) fn new(key: &[u8; 48]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA384, key), PhantomData)
    }

    /// The MAC of `bytes`.
    #[must_use]
    pub fn sign(&self, bytes: &[u8]) -> [u8; 48] {
        let mut out = [0; 48];
        out.copy_from_slice(hmac::sign(&self.0, bytes).as_ref());
        out
    }

    /// Starts the MAC of bytes that arrive in pieces, so that a caller need not hold them before they are authentic.
    #[must_use]
    pub fn start(&self) -> RunningMac {
        RunningMac(hmac::Context::with_key(&self.0))
    }

    /// Checks the MAC of `bytes` in constant time.
    #[must_use]
    pub fn verify(&self, bytes: &[u8], mac: &[u8; 48]) -> bool {
        hmac::verify(&self.0, bytes, mac).is_ok()
    }
}

/// A MAC in progress.
pub struct RunningMac(hmac::Context);

impl RunningMac {
    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Compares in constant time.
    #[must_use]
    pub fn verify(self, mac: &[u8; 48]) -> bool {
        self.0.sign().as_ref().ct_eq(mac).into()
    }
}

impl fmt::Debug for RunningMac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RunningMac")
    }
}

/// SHA-384. That of the empty string is cached: every stream without extensions or context needs it twice.
pub(super) fn sha384(bytes: &[u8]) -> [u8; 48] {
    if bytes.is_empty() {
        *SHA384_OF_NOTHING
    } else {
        digest_sha384(bytes)
    }
}

fn digest_sha384(bytes: &[u8]) -> [u8; 48] {
    let mut out = [0; 48];
    out.copy_from_slice(digest::digest(&digest::SHA384, bytes).as_ref());
    out
}

static SHA384_OF_NOTHING: LazyLock<[u8; 48]> = LazyLock::new(|| digest_sha384(&[]));
