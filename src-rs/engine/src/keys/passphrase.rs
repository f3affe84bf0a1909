//! Passphrases, and the keys that Argon2id derives from them.

use crate::crypto::{CryptoError, argon2id};
use crate::format::{PassphraseCost, SLOT_SALT_SIZE};
use std::fmt;
use std::sync::{Mutex, PoisonError};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// A passphrase in Unicode NFC, so that composed and decomposed letters give the same passphrase. Overwritten when dropped.
#[derive(Clone)]
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Takes the text, with its spaces. The caller overwrites its own copy.
    ///
    /// # Errors
    /// The text is empty.
    pub fn new(text: &str) -> Result<Self, PassphraseError> {
        if text.is_empty() {
            return Err(PassphraseError);
        }
        // Capacity for the longest normal form, so that no reallocation leaves a copy behind.
        let mut normal = Zeroizing::new(String::with_capacity(text.len() * MAX_NFC_EXPANSION));
        normal.extend(text.nfc());
        Ok(Self(normal))
    }

    /// Derives the key that wraps the file key, with the time and memory of `cost`. Runs one at a time in the process, on threads
    /// of its own that end before it returns: one per lane, but at most one per processor.
    pub(super) fn stretch(
        &self,
        salt: &[u8; SLOT_SALT_SIZE],
        cost: PassphraseCost,
    ) -> Result<Zeroizing<[u8; 32]>, CryptoError> {
        // Several at once could together take more memory than the limit.
        static RUNNING: Mutex<()> = Mutex::new(());
        let _running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        let available = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = available.min(cost.lanes() as usize);
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("sealstream-argon2-{index}"))
            .build_scoped(
                |thread| thread.run(),
                |pool| pool.install(|| argon2id(self.0.as_bytes(), salt, cost)),
            )
            .map_err(|_| CryptoError::OutOfResources)?
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[Passphrase]")
    }
}

/// The passphrase is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a passphrase must not be empty")]
pub struct PassphraseError;

/// NFC makes a text in UTF-8 at most three times as long (Unicode's FAQ on normalization).
const MAX_NFC_EXPANSION: usize = 3;
/// The default limit for the total cost of a header's passphrase slots: memory times passes, 4 GiB in KiB.
pub const DEFAULT_MAX_PASSPHRASE_COST: u64 = 4 * 1024 * 1024;
/// The most lanes that are accepted. Lanes take no memory, but more lanes than processors gain nothing.
pub const MAX_PASSPHRASE_LANES: u32 = 255;

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: (u32, u32, u32) = (32, 1, 4);

    fn key(text: &str, salt: u8) -> Zeroizing<[u8; 32]> {
        let (memory, passes, lanes) = CHEAP;
        let cost = PassphraseCost::new(memory, passes, lanes).unwrap();
        Passphrase::new(text).unwrap().stretch(&[salt; 32], cost).unwrap()
    }

    #[test]
    fn composed_and_decomposed_text_give_the_same_key() {
        // é, Å and Hangul, composed and decomposed.
        for (composed, decomposed) in [
            ("caf\u{e9}", "cafe\u{301}"),
            ("\u{c5}", "\u{212b}"),
            ("\u{ac01}", "\u{1100}\u{1161}\u{11a8}"),
        ] {
            assert_eq!(key(composed, 1), key(decomposed, 1));
        }
        // NFC keeps compatibility characters.
        assert_ne!(key("\u{fb01}", 1), key("fi", 1));
    }

    #[test]
    fn spaces_case_and_salt_change_the_key() {
        let keys = [
            key("correct horse", 1),
            key("correct horse ", 1),
            key("Correct horse", 1),
            key("correct horse", 2),
        ];
        for (at, one) in keys.iter().enumerate() {
            assert!(keys[..at].iter().all(|other| other != one));
        }
    }

    #[test]
    fn the_longest_normal_form_needs_no_reallocation() {
        // U+1D160 becomes three characters of four bytes; U+0390 stays.
        for text in ["\u{1d160}", "\u{fb2c}", "\u{390}", "a"] {
            let text = text.repeat(50);
            let passphrase = Passphrase::new(&text).unwrap();
            assert!(passphrase.0.len() <= text.len() * MAX_NFC_EXPANSION);
        }
    }

    #[test]
    fn an_empty_passphrase_is_refused_and_passphrases_are_not_printed() {
        assert_eq!(Passphrase::new("").unwrap_err(), PassphraseError);
        assert_eq!(
            format!("{:?}", Passphrase::new("secret").unwrap()),
            "[Passphrase]"
        );
    }
}
