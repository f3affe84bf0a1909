//! Who vouches for a stream: the keys of senders, their signatures, and what makes them (docs/FORMAT.md, "Sender").
//!
//! Keys and signatures are OpenSSH's, so that the keys, agents and security keys that people have serve here too.

mod agent;
mod file;
mod key;
mod message;
mod private_key;
mod reasons;
mod signature;
mod signer;
mod trusted;
mod wire;

#[cfg(test)]
mod tests;

pub use agent::{AgentKey, AgentSigner};
pub use file::read_senders_file;
pub use key::{SenderKey, SenderTextError};
pub use message::{SENDER_NAMESPACE, SIGNED_SIZE, SenderMessage, SignedBytes};
pub use private_key::{SenderSecret, read_sender_key_file, write_sender_key_file};
pub use reasons::{SenderReason, SignerReason};
pub use signature::{SenderEntry, SenderSignature};
pub use signer::{ExternalSigner, Sender, Signer, SignerError};
pub use trusted::{SenderCheck, SenderStatus};
