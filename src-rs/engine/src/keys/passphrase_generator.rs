//! Generates passphrases from random words of a list.

use crate::crypto::{CryptoError, Random};
use bip39::Language;
use zeroize::{Zeroize, Zeroizing};

/// A passphrase of `count` random words with `-` between them. Each word adds 11 bits of entropy.
///
/// # Errors
/// [`CryptoError::RandomUnavailable`].
pub fn generate_passphrase(count: usize) -> Result<Zeroizing<String>, CryptoError> {
    generate_with(&Random::system(), count)
}

fn generate_with(random: &Random, count: usize) -> Result<Zeroizing<String>, CryptoError> {
    let list = Language::English.word_list();
    // Capacity for the longest words, so that no reallocation leaves a copy behind.
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

/// The low bits of two random bytes. The list's length is a power of two, so all words are equally likely.
const fn index(drawn: [u8; 2]) -> usize {
    u16::from_le_bytes(drawn) as usize % LIST_LENGTH
}

/// Words in the list.
const LIST_LENGTH: usize = 2048;
/// Letters of the list's longest words.
const LONGEST_WORD: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn all_words_are_equally_likely() {
        let mut counts = vec![0; LIST_LENGTH];
        for drawn in 0..=u16::MAX {
            counts[index(drawn.to_le_bytes())] += 1;
        }
        assert!(counts.iter().all(|&count| count == 32));
    }

    #[test]
    fn the_list_has_distinct_lower_case_words() {
        let list = Language::English.word_list();
        assert_eq!(list.iter().collect::<HashSet<_>>().len(), LIST_LENGTH);
        assert_eq!(list.iter().map(|word| word.len()).max(), Some(LONGEST_WORD));
        assert!(
            list.iter()
                .all(|word| word.bytes().all(|byte| byte.is_ascii_lowercase()))
        );
    }

    #[test]
    fn words_follow_from_the_random_bytes() {
        let words = |seed| generate_with(&Random::known(seed), 10).unwrap();
        assert_eq!(words(1), words(1));
        assert_ne!(words(1), words(2));
        assert_ne!(generate_passphrase(10).unwrap(), generate_passphrase(10).unwrap());
    }

    #[test]
    fn the_passphrase_has_count_words_and_fits_its_capacity() {
        for count in [0, 1, 6, 24] {
            let text = generate_passphrase(count).unwrap();
            let words = text.split('-').filter(|word| !word.is_empty());
            assert_eq!(words.count(), count);
            assert!(text.len() <= count * (LONGEST_WORD + 1));
        }
    }

    #[test]
    fn failure_of_the_random_generator_is_reported() {
        assert_eq!(
            generate_with(&Random::failing(), 10).unwrap_err(),
            CryptoError::RandomUnavailable
        );
    }
}
