//! Labels that bind a wrapped file key to its slot type (docs/FORMAT.md, "Key slots").

use crate::crypto::StreamBinding;

/// HPKE's info: the label and the stream's binding.
pub(super) fn info(label: &[u8], stream: &StreamBinding) -> Vec<u8> {
    [label, stream.as_bytes()].concat()
}

pub(super) const KEY_LABEL: &[u8] = b"sealstream v1 key";
pub(super) const PASSPHRASE_LABEL: &[u8] = b"sealstream v1 passphrase";
pub(super) const PROVIDER_LABEL: &[u8] = b"sealstream v1 provider";
pub(super) const X25519_LABEL: &[u8] = b"sealstream v1 x25519";
pub(super) const HYBRID_LABEL: &[u8] = b"sealstream v1 mlkem768x25519";
