//! The eight words of a spoken invite: ten bytes of luck and a check, as people say them.
//!
//! ```text
//! 80 bits of luck ‖ 8 bits of BLAKE3(luck) = 88 bits = 8 words of 11 bits from BIP-39's English list
//! seed = Argon2id (RFC 9106; 64 MiB, 3 passes, 1 lane) of the luck, salted with the scheme's own name
//! ```
//! No two words of the list share their first four letters, so those are enough. The luck is the machine's and not a
//! person's choice, so that one salt serves all; the stretching makes each of 2⁸⁰ guesses cost what it costs us. Mnemonics
//! of BIP-39 itself have 12 words and more and another check, so that a wallet's words are never taken for an invite.

use crate::api::{ApiError, Code, SpokenInvite, SpokenState, SpokenWord};
use argon2::{Algorithm, Argon2, Params, Version};
use bip39::Language;
use natter_engine::signaling::SPOKEN_BYTES;

/// How many words.
const WORDS: usize = 8;
/// Bits that a word stands for.
const WORD_BITS: u32 = 11;
/// Letters that tell every word of the list from the others.
const TELLING: usize = 4;
/// Letters of what may be a word somebody is typing.
const LETTERS: usize = 24;
/// Words beyond which nobody means an invite.
const MOST: usize = 4 * WORDS;
const SALT: &[u8] = b"natter 2026-11 spoken invite v1";
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 1;

/// The words of this luck, with spaces between.
pub(crate) fn words(luck: [u8; SPOKEN_BYTES]) -> String {
    let list = Language::English.word_list();
    let bits = packed(luck);
    let word = |n: usize| list[(bits >> (WORD_BITS as usize * (WORDS - 1 - n))) as usize % list.len()];
    (0..WORDS).map(word).collect::<Vec<_>>().join(" ")
}

/// The luck in a text that is eight words and nothing else.
///
/// # Errors
/// [`Code::InviteWords`] when they are not eight, not on the list or do not belong together.
pub(crate) fn read(text: &str) -> Result<[u8; SPOKEN_BYTES], ApiError> {
    let found = tokens(text).into_iter().map(find).collect::<Option<Vec<_>>>();
    found.and_then(|found| luck(&found)).ok_or_else(|| {
        ApiError::new(Code::InviteWords, "these are not the eight words of an invite: compare them once more")
    })
}

/// How far the words of a text are understood.
pub(crate) fn heard(text: &str) -> SpokenInvite {
    let typed = tokens(text);
    let found: Vec<Option<u16>> = typed.iter().map(|word| find(word)).collect();
    let known = found.iter().copied().collect::<Option<Vec<u16>>>();
    let state = match known {
        _ if typed.len() > WORDS => SpokenState::TooMany,
        Some(known) if known.len() == WORDS && luck(&known).is_some() => SpokenState::Whole,
        Some(known) if known.len() == WORDS => SpokenState::Misheard,
        Some(_) | None => SpokenState::Unfinished,
    };
    let list = Language::English.word_list();
    let word = |found: &Option<u16>| found.map(|at| list[usize::from(at)].to_owned());
    let words = typed.iter().zip(&found);
    let words = words.map(|(typed, found)| SpokenWord { typed: (*typed).to_owned(), word: word(found) }).collect();
    SpokenInvite { words, of: WORDS as u32, state }
}

/// Whether a text is words and nothing else, as somebody types them who was told an invite.
pub(crate) fn is_words(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphabetic() || c.is_ascii_digit() || c.is_whitespace() || ",.;-_".contains(c);
    let tokens = tokens(text);
    text.chars().all(plain)
        && (1..=MOST).contains(&tokens.len())
        && tokens.iter().all(|word| word.len() <= LETTERS && word.chars().all(|c| c.is_ascii_alphabetic()))
}

/// The seed that this luck is stretched to: a tenth of a second of work and 64 MiB, not for a thread that others wait for.
pub(crate) fn stretch(luck: [u8; SPOKEN_BYTES]) -> [u8; 32] {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(32)).expect("within the bounds of RFC 9106");
    let mut seed = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(&luck, SALT, &mut seed)
        .expect("luck and salt are as long as RFC 9106 wants");
    seed
}

/// What stands between spaces and marks, but for the numbers of a list.
fn tokens(text: &str) -> Vec<&str> {
    let ends = |c: char| !c.is_alphanumeric();
    text.split(ends).filter(|word| !word.is_empty() && !word.chars().all(|c| c.is_ascii_digit())).collect()
}

/// Where on the list a word is, whole or by its first letters.
fn find(word: &str) -> Option<u16> {
    let word = word.to_lowercase();
    Language::English.find_word(&word).or_else(|| {
        let telling = word.len() >= TELLING && word.is_ascii();
        let meant = Language::English.words_by_prefix_iter(&word).next().filter(|_| telling)?;
        Language::English.find_word(meant)
    })
}

fn packed(luck: [u8; SPOKEN_BYTES]) -> u128 {
    let luck_bits = luck.iter().fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
    luck_bits << 8 | u128::from(blake3::hash(&luck).as_bytes()[0])
}

fn luck(words: &[u16]) -> Option<[u8; SPOKEN_BYTES]> {
    if words.len() != WORDS {
        return None;
    }
    let bits = words.iter().fold(0_u128, |bits, word| bits << WORD_BITS | u128::from(*word));
    let mut luck = [0; SPOKEN_BYTES];
    luck.copy_from_slice(&(bits >> 8).to_be_bytes()[16 - SPOKEN_BYTES..]);
    (packed(luck) == bits).then_some(luck)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LUCK: [u8; SPOKEN_BYTES] = [0, 1, 2, 3, 250, 251, 252, 253, 254, 255];

    #[test]
    fn words_are_read_back_however_they_are_typed() {
        let said = words(LUCK);
        assert_eq!(said.split(' ').count(), WORDS);
        let short: Vec<&str> = said.split(' ').map(|word| &word[..word.len().min(TELLING)]).collect();
        let numbered: Vec<String> = said.split(' ').enumerate().map(|(n, word)| format!("{}. {word}", n + 1)).collect();
        for typed in [said.clone(), said.to_uppercase(), said.replace(' ', "-"), short.join("  "), numbered.join(",\n")]
        {
            assert_eq!(read(&typed).ok(), Some(LUCK), "{typed}");
            assert!(is_words(&typed), "{typed}");
            assert_eq!(heard(&typed).state, SpokenState::Whole);
        }
    }

    #[test]
    fn the_words_of_a_luck_stay_what_they_are() {
        assert_eq!(words(LUCK), "abandon amount liberty vote save leave winner tissue");
        let seed: String = stretch(LUCK).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(seed, "64923d13d0343485f4dff99472e91d667bc7e673e889f4e5d9a2b7df36c181c9");
    }

    #[test]
    fn a_word_misheard_or_in_another_place_is_found_out() {
        let said = words(LUCK);
        let told: Vec<&str> = said.split(' ').collect();
        let list = Language::English.word_list();
        let mut missed = 0;
        for at in 0..WORDS {
            for other in (0..list.len()).step_by(97) {
                let mut heard_wrong = told.clone();
                heard_wrong[at] = list[other];
                let text = heard_wrong.join(" ");
                if heard_wrong != told && read(&text).is_ok() {
                    missed += 1;
                }
            }
        }
        // Eight bits let one in 256 by; of 176 tries this list happens to let through so many.
        assert!(missed <= 3, "{missed}");
        let mut swapped = told.clone();
        swapped.swap(1, 6);
        assert_eq!(heard(&swapped.join(" ")).state, SpokenState::Misheard);
        assert_eq!(read(&swapped.join(" ")).expect_err("swapped").code, Code::InviteWords);
    }

    #[test]
    fn what_is_typed_so_far_is_told_word_by_word() {
        let so_far = heard("aban Zoo nattering");
        let found: Vec<_> = so_far.words.iter().map(|word| word.word.as_deref()).collect();
        assert_eq!(found, [Some("abandon"), Some("zoo"), None]);
        assert_eq!((so_far.of, so_far.state), (8, SpokenState::Unfinished));
        assert_eq!(heard(&"zoo ".repeat(9)).state, SpokenState::TooMany);
        // Three letters may be several words.
        assert_eq!(heard("aba").words[0].word, None);
    }

    #[test]
    fn links_and_foreign_texts_are_no_words() {
        for text in
            ["", "natter://join#AbCd", "https://example.org", "Hallo, schöne Küche", &"zoo ".repeat(33), "1 2 3"]
        {
            assert!(!is_words(text), "{text}");
        }
    }
}
