//! What calls with secrets leave on the stack.

use zeroize::Zeroize;

/// Overwrites this much of the stack below its caller, where calls that have returned had their memory: what a
/// cryptographic library keeps there it doesn't always overwrite itself. 16 KiB, enough for HKDF, HMAC and AES-GCM.
#[inline(never)]
pub fn overwrite_stack() {
    overwrite::<{ 16 * 1024 / 8 }>();
}

/// As [`overwrite_stack`], and enough for ML-KEM: 160 KiB.
#[inline(never)]
pub(super) fn overwrite_deep_stack() {
    overwrite::<{ 160 * 1024 / 8 }>();
}

#[inline(never)]
fn overwrite<const WORDS: usize>() {
    let mut memory = [0_u64; WORDS];
    memory.zeroize();
}
