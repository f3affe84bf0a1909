//! Passphrases, and the keys that Argon2id derives from them.

use super::stretch_queue::{CANCEL_INTERVAL, QUEUE};
use crate::crypto::{CryptoError, argon2id, overwrite_stack};
use crate::format::{PassphraseCost, SLOT_SALT_SIZE};
use std::fmt;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_public_assigned;
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

    /// A character that the Unicode version of this release does not know. A later version may give it a normal form, and then the
    /// same text would be another passphrase.
    #[must_use]
    pub fn unassigned(&self) -> Option<char> {
        let is_private = |c| matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{ffffd}' | '\u{100000}'..='\u{10fffd}');
        self.0.chars().find(|&c| !is_public_assigned(c) && !is_private(c))
    }

    /// Derives the key that wraps the file key, with the time and memory of `cost`. Waits first if others use too much memory. Runs on
    /// threads of its own: one per lane, but at most one per processor.
    ///
    /// The `argon2` crate can't stop within a derivation. So one that is cancelled returns at once, and its threads go on until the
    /// derivation has ended. Its memory counts against the limit, and holds the passphrase's copy, until then.
    ///
    /// # Errors
    /// `Cancelled`, `MemoryLimit`, `OutOfResources`.
    pub(super) fn stretch(
        &self,
        salt: &[u8; SLOT_SALT_SIZE],
        cost: PassphraseCost,
        is_cancelled: &dyn Fn() -> bool,
    ) -> Result<Zeroizing<[u8; 32]>, CryptoError> {
        let permit = QUEUE.enter(cost, is_cancelled)?;
        let (sender, receiver) = sync_channel(1);
        let (passphrase, salt) = (self.clone(), *salt);
        let thread = thread::Builder::new()
            .name("sealstream-argon2".into())
            .spawn(move || {
                let key = passphrase.stretch_here(&salt, cost);
                overwrite_stack();
                drop((passphrase, permit));
                // Nobody receives it after a cancellation: then it is dropped, and so overwritten.
                drop(sender.send(key));
            })
            .map_err(|_| CryptoError::OutOfResources)?;
        loop {
            match receiver.recv_timeout(CANCEL_INTERVAL) {
                Ok(key) => {
                    // Has nothing left to do.
                    drop(thread.join());
                    return key;
                }
                Err(RecvTimeoutError::Timeout) if is_cancelled() => return Err(CryptoError::Cancelled),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(CryptoError::OutOfResources),
            }
        }
    }

    fn stretch_here(
        &self,
        salt: &[u8; SLOT_SALT_SIZE],
        cost: PassphraseCost,
    ) -> Result<Zeroizing<[u8; 32]>, CryptoError> {
        let available = thread::available_parallelism().map_or(1, usize::from);
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
/// The default limit for the memory of one passphrase slot: 2 GiB in KiB, as much as the strongest preset takes.
pub const DEFAULT_MAX_PASSPHRASE_MEMORY: u64 = 2 * 1024 * 1024;
/// The most lanes that are accepted. Lanes take no memory, but more lanes than processors gain nothing.
pub const MAX_PASSPHRASE_LANES: u32 = 255;

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: (u32, u32, u32) = (32, 1, 4);

    fn key(text: &str, salt: u8) -> Zeroizing<[u8; 32]> {
        let (memory, passes, lanes) = CHEAP;
        let cost = PassphraseCost::new(memory, passes, lanes).unwrap();
        Passphrase::new(text)
            .unwrap()
            .stretch(&[salt; 32], cost, &|| false)
            .unwrap()
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
    fn a_cancelled_derivation_returns_before_it_has_ended() {
        use std::cell::Cell;
        // Takes a second or more, and stops nothing.
        let cost = PassphraseCost::new(8, 200_000, 1).unwrap();
        let asked = Cell::new(0);
        let is_cancelled = || {
            asked.set(asked.get() + 1);
            asked.get() > 2
        };
        assert_eq!(
            Passphrase::new("a")
                .unwrap()
                .stretch(&[1; 32], cost, &is_cancelled)
                .unwrap_err(),
            CryptoError::Cancelled
        );
        // Others do not wait for it.
        assert_ne!(key("a", 1), key("b", 1));
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
    fn unassigned_characters_are_found_and_private_ones_are_none() {
        for (text, found) in [
            ("correct horse", None),
            ("\u{1f40e}\u{e000}\u{10fffd}", None),
            ("a\u{378}", Some('\u{378}')),
            ("\u{ffff}", Some('\u{ffff}')),
            ("\u{e0080}", Some('\u{e0080}')),
        ] {
            assert_eq!(Passphrase::new(text).unwrap().unassigned(), found, "{text:?}");
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
