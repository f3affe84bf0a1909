//! Recipients, for whom a stream is sealed; identities, which open it; and the key slots in its header.

mod asymmetric;
mod bech32;
mod file;
mod file_reason;
mod key_pair_file;
mod labels;
mod memory_limit;
mod passphrase;
mod passphrase_generator;
mod recipient;
mod recipients_file;
mod seal;
mod senders;
mod slot_info;
mod stretch_queue;
mod text;
mod unlock;
mod unlock_budget;

#[cfg(test)]
mod tests;

pub use crate::format::PassphraseCost;
pub use asymmetric::{
    HybridIdentity, HybridRecipient, KeyPairTextError, KeyText, PrivateKey, PublicKey, X25519Identity,
    X25519Recipient,
};
pub use file::{KeyFileError, read_key_file, write_key_file};
pub use file_reason::KeyFileReason;
pub use key_pair_file::{
    identity_from_text, key_pair_texts, public_key_text, read_identity_file, recipient_from_text,
    write_identity_file,
};
pub use passphrase::{
    DEFAULT_MAX_PASSPHRASE_COST, DEFAULT_MAX_PASSPHRASE_MEMORY, MAX_PASSPHRASE_LANES, Passphrase,
    PassphraseError,
};
pub use passphrase_generator::generate_passphrase;
pub use recipient::{Identity, MAX_KEY_ID, MAX_PROVIDER_KEY_ID, MAX_PROVIDER_NAME, ProviderKey, Recipient};
pub use recipients_file::read_recipients_file;
pub use seal::{is_sealed_for, public_keys, seal_slots};
pub use senders::{
    AgentKey, AgentSigner, ExternalSigner, SENDER_NAMESPACE, SIGNED_SIZE, Sender, SenderCheck, SenderEntry,
    SenderKey, SenderMessage, SenderReason, SenderSecret, SenderSignature, SenderStatus, SenderTextError,
    SignedBytes, Signer, SignerError, SignerReason, read_sender_key_file, read_senders_file,
    write_sender_key_file,
};
pub use slot_info::{ProviderInfo, SlotInfo};
pub use text::{KeyTextError, key_from_base64, key_from_hex, key_to_hex};
pub use unlock::{UnlockError, Unlocked, opened_slots, unlock};
pub use unlock_budget::{UnlockBudget, UnlockLimits};
