//! What a search compares: texts and queries cut into words in one way, so that both stores find the same.
//!
//! A word is what UAX #29 calls one and has a letter or digit in it, folded: compatibility forms, case, and the marks
//! that people leave out when they type (accents, Hebrew points, Arabic harakat) are taken away. Scripts that put no
//! spaces between words are cut into their characters, each a word of its own, so that any part of a run is found.
//!
//! A query is a list of phrases, all of which must occur. Words that touch in the query are one phrase and must follow
//! one another in the text; the last word of a phrase need only begin one.

use crate::error::StoreError;
use crate::limits::{QUERY_BYTES, QUERY_WORDS, WORD_BYTES};
use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

/// A query that can find something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Query {
    /// Each at least one word.
    pub(crate) phrases: Vec<Vec<String>>,
}

impl Query {
    /// What a person typed; none when there is no word in it.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] over [`QUERY_BYTES`], [`StoreError::TooMany`] over [`QUERY_WORDS`].
    pub(crate) fn parse(text: &str) -> Result<Option<Self>, StoreError> {
        if text.len() > QUERY_BYTES {
            return Err(StoreError::Invalid("query"));
        }
        let mut phrases: Vec<Vec<String>> = Vec::new();
        let mut count = 0;
        let mut end = None;
        for (start, segment) in text.unicode_word_indices() {
            let words = cut(segment);
            count += words.len();
            match phrases.last_mut() {
                Some(phrase) if end == Some(start) => phrase.extend(words),
                Some(_) | None if words.is_empty() => {}
                Some(_) | None => phrases.push(words),
            }
            end = Some(start + segment.len());
        }
        if count > QUERY_WORDS {
            return Err(StoreError::TooMany("words in the query"));
        }
        Ok(if phrases.is_empty() { None } else { Some(Self { phrases }) })
    }

    /// Whether the words of a text (see [`of_text`]) have every phrase.
    pub(crate) fn finds(&self, words: &[String]) -> bool {
        self.phrases.iter().all(|phrase| words.windows(phrase.len()).any(|window| begins(phrase, window)))
    }
}

fn begins(phrase: &[String], window: &[String]) -> bool {
    match (phrase.split_last(), window.split_last()) {
        (Some((last, before)), Some((word, words))) => before == words && word.starts_with(last.as_str()),
        (None, _) | (_, None) => false,
    }
}

/// The words of a text, in order.
pub(crate) fn of_text(text: &str) -> impl Iterator<Item = String> {
    text.unicode_words().flat_map(cut)
}

/// One word of UAX #29 as the words that are compared: none has ASCII in it that is no letter or digit, none is empty.
fn cut(segment: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let end = |word: &mut String, words: &mut Vec<String>| {
        if !word.is_empty() {
            words.push(std::mem::take(word));
        }
    };
    for cluster in segment.graphemes(true) {
        let folded = fold(cluster);
        if cluster.chars().next().is_some_and(stands_alone) {
            end(&mut word, &mut words);
            word.extend(folded.chars().filter(|c| is_word(*c)));
            end(&mut word, &mut words);
            continue;
        }
        for c in folded.chars() {
            match c {
                // What is left out as often as it is written: can't, l’été.
                '\'' | '\u{2019}' => {}
                c if !is_word(c) => end(&mut word, &mut words),
                c if word.len() + c.len_utf8() <= WORD_BYTES => word.push(c),
                // Longer than anybody types: its beginning finds it.
                _ => {}
            }
        }
    }
    end(&mut word, &mut words);
    words
}

/// Whether it may stand in a word. All that is not ASCII may, for UAX #29 has already said so.
fn is_word(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphanumeric() } else { !c.is_control() && !c.is_whitespace() }
}

fn fold(cluster: &str) -> String {
    let mut folded = String::with_capacity(cluster.len());
    for c in cluster.nfkd().filter(|c| !is_left_out(*c)).flat_map(char::to_lowercase).filter(|c| !is_left_out(*c)) {
        match c {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'þ' => folded.push_str("th"),
            'ø' => folded.push('o'),
            'đ' | 'ð' => folded.push('d'),
            'ł' => folded.push('l'),
            'ı' => folded.push('i'),
            'ς' => folded.push('σ'),
            other => folded.push(other),
        }
    }
    // What is left of the marks belongs to its letter: が is not か.
    if folded.is_ascii() { folded } else { folded.nfc().collect() }
}

/// Marks that people leave out: combining diacritics, Hebrew points, Arabic harakat and tatweel; what is never seen.
fn is_left_out(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}'..='\u{5c2}'
        | '\u{5c4}'..='\u{5c5}' | '\u{5c7}' | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{1ab0}'..='\u{1aff}'
        | '\u{1dc0}'..='\u{1dff}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{20d0}'..='\u{20ff}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}' | '\u{feff}')
}

/// Scripts without spaces that UAX #29 does not cut by itself, and those that it does: each character is a word.
fn stands_alone(c: char) -> bool {
    matches!(c,
        '\u{e00}'..='\u{eff}' // Thai, Lao
        | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' // Burmese, Khmer
        | '\u{2e80}'..='\u{2fdf}' | '\u{3005}'..='\u{3007}' | '\u{3021}'..='\u{3029}' | '\u{3031}'..='\u{3035}'
        | '\u{3041}'..='\u{30ff}' | '\u{3105}'..='\u{312f}' | '\u{31a0}'..='\u{31bf}' | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{a000}'..='\u{a4cf}' | '\u{f900}'..='\u{faff}'
        | '\u{ff66}'..='\u{ff9f}' | '\u{1b000}'..='\u{1b16f}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(text: &str) -> Vec<String> {
        of_text(text).collect()
    }

    fn finds(query: &str, text: &str) -> bool {
        Query::parse(query).unwrap().is_some_and(|query| query.finds(&words(text)))
    }

    #[test]
    fn words_are_found_by_their_beginnings_whatever_their_case_and_marks() {
        assert_eq!(
            words("Über-Straße: CAN'T stop, l’été 3.14!"),
            ["uber", "strasse", "cant", "stop", "lete", "3", "14"]
        );
        for (query, text) in [
            ("pic", "Picnic at noon"),
            ("NOON picnic", "Picnic at noon"),
            ("lodz", "Łódź"),
            ("Łódź", "lodz"),
            ("cafe\u{301}", "CAFÉ"),
            ("istanbul", "İSTANBUL"),
            ("οδος", "ΟΔΟΣ"),
            ("שלום", "שָׁלוֹם"),
            ("ﬁne", "fine"),
            ("foo@exam", "write to foo@example.org"),
        ] {
            assert!(finds(query, text), "{query} in {text}");
        }
        for (query, text) in [("nic", "Picnic"), ("picnic night", "Picnic at noon"), ("か", "が"), ("a b", "a")] {
            assert!(!finds(query, text), "{query} in {text}");
        }
    }

    #[test]
    fn scripts_without_spaces_are_found_by_any_part_and_only_in_one_piece() {
        for (query, text) in [
            ("京都", "明日は東京都へ行く"),
            ("マーケ", "スーパーマーケット"),
            ("ーパ", "スーパー"),
            ("你好", "他说你好吗"),
            ("สวัสดี", "คำว่าสวัสดีครับ"),
            ("15を", "iPhone15を買う"),
            ("한국", "한국어를"),
            ("ﾏｰｹｯﾄ", "スーパーマーケット"),
        ] {
            // "15を" begins inside a word and so is the one that is not found.
            assert_eq!(finds(query, text), query != "15を", "{query} in {text}");
        }
        assert!(!finds("京東", "東京都"), "the order of a run counts");
        assert!(finds("京 東", "東京都"), "apart, it does not");
    }

    #[test]
    fn what_has_no_word_finds_nothing() {
        for query in ["", " ", "\"", "* ^ - + : ( )", "🎉", "'", "\0", "\u{301}"] {
            assert_eq!(Query::parse(query).unwrap(), None, "{query:?}");
        }
    }

    #[test]
    fn a_query_has_limits_and_a_word_too() {
        assert!(matches!(Query::parse(&"a".repeat(QUERY_BYTES + 1)), Err(StoreError::Invalid("query"))));
        assert!(Query::parse(&"a ".repeat(QUERY_WORDS)).unwrap().is_some());
        assert!(matches!(Query::parse(&"a ".repeat(QUERY_WORDS + 1)), Err(StoreError::TooMany(_))));
        assert!(matches!(Query::parse(&"京".repeat(QUERY_WORDS + 1)), Err(StoreError::TooMany(_))));
        assert_eq!(words(&"é".repeat(WORD_BYTES + 9)), ["e".repeat(WORD_BYTES)]);
        assert!(finds(&"x".repeat(WORD_BYTES + 5), &"x".repeat(WORD_BYTES + 1)));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn a_word_is_short_and_nothing_that_the_index_would_cut(text in "\\PC{0,60}|[a-zA-Z'\".*☃é京が한ไ\u{301} ]{0,40}") {
            for word in of_text(&text) {
                prop_assert!(!word.is_empty() && word.len() <= WORD_BYTES.max(64), "{word:?}");
                prop_assert!(word.chars().all(|c| !c.is_ascii() || c.is_ascii_lowercase() || c.is_ascii_digit()), "{word:?}");
            }
        }

        #[test]
        fn every_text_is_found_by_itself(text in "[a-zA-Z'.é京が한ไ\u{301} ]{0,40}") {
            if let Some(query) = Query::parse(&text).unwrap() {
                prop_assert!(query.finds(&words(&text)), "{text:?}");
            }
        }
    }
}
