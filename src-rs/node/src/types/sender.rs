//! Who signed a stream.

use crate::types::convert::object;
use crate::types::failure::SenderReason;
use sealstream::keys;

object! {
    /// Who signed a stream.
    StreamSender from status: keys::SenderStatus {
        /// The public key as OpenSSH writes it; absent if it can't be read.
        public_key: Option<String> = status.key.as_ref().map(ToString::to_string),
        /// Whether the signature is right, and for a reader that was given `senders` of one of them.
        verified: bool = status.failure.is_none(),
        /// Why it is not.
        reason: Option<SenderReason> = status.failure,
    }
}
