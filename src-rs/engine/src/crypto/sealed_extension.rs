//! Sealed extension entries, which only a holder of the stream's file key can read (docs/FORMAT.md, "Extensions").

use super::kdf::Prk;
use super::{CryptoError, Random};
use crate::format::ExtensionArea;
use ring::aead;
use zeroize::Zeroizing;

/// The root of the keys of a stream's sealed entries. Each entry has a key of its own.
#[derive(Clone, Debug)]
pub struct ExtensionKeys {
    prk: Prk,
    /// core || SHA-384(context).
    bound: [u8; BOUND_SIZE],
}

impl ExtensionKeys {
    pub(super) const fn new(prk: Prk, bound: [u8; BOUND_SIZE]) -> Self {
        Self { prk, bound }
    }

    /// Seals the inner entries of an entry of type `code` in `area`, and returns the entry's value: salt, ciphertext, tag.
    ///
    /// # Errors
    /// [`CryptoError::RandomUnavailable`].
    pub fn seal(
        &self,
        area: ExtensionArea,
        code: u16,
        inner: &[u8],
        random: &Random,
    ) -> Result<Vec<u8>, CryptoError> {
        let mut salt = [0; SALT_SIZE];
        random.fill(&mut salt)?;
        let mut sealed = Zeroizing::new(Vec::with_capacity(sealed_extension_size(inner.len())));
        sealed.extend_from_slice(&salt);
        sealed.extend_from_slice(inner);
        let key = self.key(area, code, &salt)?;
        let content = sealed.get_mut(SALT_SIZE..).ok_or(CryptoError::InputTooLong)?;
        let tag = key.seal_in_place_separate_tag(zero_nonce(), aead::Aad::empty(), content);
        sealed.extend_from_slice(tag.map_err(|_| CryptoError::InputTooLong)?.as_ref());
        Ok(std::mem::take(&mut *sealed))
    }

    /// Opens the value that [`seal`](Self::seal) returned, and returns the inner entries.
    ///
    /// # Errors
    /// [`CryptoError::TagMismatch`] for every value that was not sealed in this stream for this area and type.
    pub fn open(
        &self,
        area: ExtensionArea,
        code: u16,
        value: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let (salt, sealed) = value.split_first_chunk().ok_or(CryptoError::TagMismatch)?;
        let mut inner = Zeroizing::new(sealed.to_vec());
        let opened = self
            .key(area, code, salt)?
            .open_in_place(zero_nonce(), aead::Aad::empty(), &mut inner)
            .map_err(|_| CryptoError::TagMismatch)?
            .len();
        inner.truncate(opened);
        Ok(inner)
    }

    fn key(
        &self,
        area: ExtensionArea,
        code: u16,
        salt: &[u8; SALT_SIZE],
    ) -> Result<aead::LessSafeKey, CryptoError> {
        let code = code.to_be_bytes();
        let info: [&[u8]; 5] = [
            b"sealstream v1 extension",
            &self.bound,
            &[area as u8],
            &code,
            salt,
        ];
        let key = self.prk.expand::<32>(&info)?;
        let key = aead::UnboundKey::new(&aead::AES_256_GCM, &*key).map_err(|_| CryptoError::InputTooLong)?;
        Ok(aead::LessSafeKey::new(key))
    }
}

/// Bytes of the value of a sealed entry whose inner entries have this size.
#[must_use]
pub const fn sealed_extension_size(inner: usize) -> usize {
    inner.saturating_add(SALT_SIZE + 16)
}

/// Each entry's key has its own salt and encrypts once, so its nonce may be zero.
fn zero_nonce() -> aead::Nonce {
    aead::Nonce::assume_unique_for_key([0; 12])
}

pub(super) const BOUND_SIZE: usize = 64 + 48;
const SALT_SIZE: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{FileKey, StreamKeys};

    fn keys(core: u8, file_key: u8, core_extensions: &[u8], context: &[u8]) -> ExtensionKeys {
        StreamKeys::derive(
            &FileKey::new(&[file_key; 32]),
            &[core; 64],
            core_extensions,
            context,
        )
        .unwrap()
        .extension_keys()
    }

    #[test]
    fn an_entry_opens_in_its_own_place_alone() {
        let (area, code, inner) = (ExtensionArea::End, 0x4003, b"inner entries");
        let value = keys(1, 2, b"", b"ctx")
            .seal(area, code, inner, &Random::known(1))
            .unwrap();
        assert_eq!(value.len(), sealed_extension_size(inner.len()));
        let opened = keys(1, 2, b"", b"ctx").open(area, code, &value).unwrap();
        assert_eq!(*opened, inner);
        // Core extensions are not part of the key.
        keys(1, 2, b"other", b"ctx").open(area, code, &value).unwrap();
        for (keys, area, code) in [
            (keys(9, 2, b"", b"ctx"), area, code),
            (keys(1, 9, b"", b"ctx"), area, code),
            (keys(1, 2, b"", b"cty"), area, code),
            (keys(1, 2, b"", b"ctx"), ExtensionArea::Header, code),
            (keys(1, 2, b"", b"ctx"), area, 0x4004),
        ] {
            assert_eq!(
                keys.open(area, code, &value).unwrap_err(),
                CryptoError::TagMismatch
            );
        }
    }

    #[test]
    fn a_changed_or_cut_value_does_not_open() {
        let keys = keys(1, 2, b"", b"");
        let value = keys
            .seal(ExtensionArea::Core, 0x4001, b"x", &Random::known(1))
            .unwrap();
        for at in 0..value.len() {
            let mut changed = value.clone();
            changed[at] ^= 1;
            keys.open(ExtensionArea::Core, 0x4001, &changed).unwrap_err();
            keys.open(ExtensionArea::Core, 0x4001, &value[..at]).unwrap_err();
        }
    }

    #[test]
    fn two_entries_with_the_same_contents_differ() {
        let keys = keys(1, 2, b"", b"");
        let seal = || {
            keys.seal(ExtensionArea::Core, 0x4001, b"x", &Random::system())
                .unwrap()
        };
        assert_ne!(seal(), seal());
        keys.seal(ExtensionArea::Core, 0x4001, b"x", &Random::failing())
            .unwrap_err();
    }
}
