//! Senders' keys, signatures and signers, against OpenSSH's own programs where they are installed with this system.

mod check;
mod files;
#[cfg(unix)]
mod openssh;

use super::*;
use crate::crypto::StreamBinding;

/// A sender whose seed is 32 times this byte.
fn secret(byte: u8) -> SenderSecret {
    SenderSecret::from_seed(&[byte; 32]).unwrap()
}

fn message(entries: &[u8]) -> SignedBytes {
    let binding = StreamBinding::new(&[1; 64], &[], &[2; 32]);
    let mut message = SenderMessage::new(&binding, 3, 99, &[]);
    message.add_entries(entries);
    message.finish()
}

fn signature(secret: &SenderSecret, signed: &SignedBytes) -> SenderSignature {
    secret.sign(secret.public(), signed, &|| false).unwrap()
}
