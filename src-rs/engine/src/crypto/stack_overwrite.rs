//! Overwrites the stack memory in which calls that have returned worked on secrets.

use zeroize::Zeroize;

/// Overwrites 16 KiB of the stack below the caller. Cryptographic libraries do not always overwrite what they keep there. 16 KiB
/// is enough for HKDF, HMAC and AES-GCM.
#[inline(never)]
pub fn overwrite_stack() {
    overwrite::<{ 16 * 1024 / 8 }>();
}

/// As [`overwrite_stack`] for 160 KiB, which is enough for ML-KEM.
#[inline(never)]
pub(super) fn overwrite_deep_stack() {
    overwrite::<{ 160 * 1024 / 8 }>();
}

#[inline(never)]
fn overwrite<const WORDS: usize>() {
    let mut memory = [0_u64; WORDS];
    memory.zeroize();
}
