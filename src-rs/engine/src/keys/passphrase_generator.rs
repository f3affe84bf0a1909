//! Passphrases that are drawn rather than thought up: words of a list, each as likely as any other.

use crate::crypto::{CryptoError, Random};
use bip39::Language;
use zeroize::{Zeroize, Zeroizing};

/// A passphrase of `count` words with `-` between them, from the system's generator. Each word is worth 11 bits.
///
/// # Errors
/// [`CryptoError::RandomUnavailable`].
pub fn generate_words(count: usize) -> Result<Zeroizing<String>, CryptoError> {
    words_from(&Random::system(), count)
}

fn words_from(random: &Random, count: usize) -> Result<Zeroizing<String>, CryptoError> {
    let list = Language::English.word_list();
    // Room for the longest words, so that no reallocation leaves a copy behind.
    let mut text = Zeroizing::new(String::with_capacity(count * (LONGEST_WORD + 1)));
    let mut drawn = [0; 2];
    for position in 0..count {
        random.fill(&mut drawn)?;
        if position > 0 {
            text.push('-');
        }
        text.push_str(list[index(drawn)]);
    }
    drawn.zeroize();
    Ok(text)
}

/// The low bits of two random bytes: as the list's length is a power of two, all its words are equally likely.
const fn index(drawn: [u8; 2]) -> usize {
    u16::from_le_bytes(drawn) as usize % LIST_LENGTH
}

/// Words of the list: 11 bits for each that is drawn.
const LIST_LENGTH: usize = 2048;
/// Letters of the list's longest words.
const LONGEST_WORD: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_word_of_the_list_is_as_likely_as_any_other() {
        let mut counts = vec![0; LIST_LENGTH];
        for drawn in 0..=u16::MAX {
            counts[index(drawn.to_le_bytes())] += 1;
        }
        assert!(counts.iter().all(|&count| count == 32));
    }

    #[test]
    fn the_list_is_what_it_is_taken_for() {
        let list = Language::English.word_list();
        assert_eq!(list.iter().collect::<HashSet<_>>().len(), LIST_LENGTH);
        assert_eq!(list.iter().map(|word| word.len()).max(), Some(LONGEST_WORD));
        assert!(
            list.iter()
                .all(|word| word.bytes().all(|byte| byte.is_ascii_lowercase()))
        );
    }

    #[test]
    fn the_same_random_bytes_give_the_same_words_and_others_others() {
        let words = |seed| words_from(&Random::known(seed), 10).unwrap();
        assert_eq!(words(1), words(1));
        assert_ne!(words(1), words(2));
        assert_ne!(generate_words(10).unwrap(), generate_words(10).unwrap());
    }

    #[test]
    fn there_are_as_many_words_as_asked_for_and_no_reallocation() {
        for count in [0, 1, 6, 24] {
            let text = generate_words(count).unwrap();
            let words = text.split('-').filter(|word| !word.is_empty());
            assert_eq!(words.count(), count);
            assert!(text.len() <= count * (LONGEST_WORD + 1));
        }
    }

    #[test]
    fn a_generator_that_is_out_of_order_is_an_error() {
        assert_eq!(
            words_from(&Random::failing(), 10).unwrap_err(),
            CryptoError::RandomUnavailable
        );
    }
}
