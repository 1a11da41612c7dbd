//! Words as the search sees them: runs of letters and digits, cut into pairs.
//!
//! Korean glues particles to words and words to each other, and its commonest words have two syllables; an index of
//! whole words would miss the first, one of trigrams the second. So `비트코인` is kept as `비트 트코 코인 인`, and
//! whatever part of it somebody looks for is a row of its pairs (the last letter stands alone, so that no pair spans
//! two words). Behind all words stands each letter once, for those who look for one: all pairs that begin with it would
//! be half of the index. Letter case, width and composition are folded away before.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::engine::Word;
use crate::limits::{SEARCH_CHARS_MAX, SEARCH_WORDS_MAX};

/// What somebody looks for: up to [`SEARCH_WORDS_MAX`] words, all of which must occur, in any order, as words or as
/// parts of them. Whatever is no letter or digit only separates words; nothing in it is an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchTerms(Vec<Word>);

/// A text that cannot be looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SearchTermsError {
    /// It has no letter or digit.
    #[error("expected a word to look for")]
    Empty,
    /// It is too long.
    #[error("expected at most {SEARCH_CHARS_MAX} characters, got {got}")]
    Length {
        /// Its characters.
        got: usize,
    },
}

impl SearchTerms {
    pub(crate) fn words(&self) -> &[Word] {
        &self.0
    }
}

impl std::str::FromStr for SearchTerms {
    type Err = SearchTermsError;

    fn from_str(text: &str) -> Result<Self, SearchTermsError> {
        let got = text.chars().count();
        if got > SEARCH_CHARS_MAX {
            return Err(SearchTermsError::Length { got });
        }
        let words: Vec<Word> = runs(&fold(text)).take(SEARCH_WORDS_MAX).map(|run| tokens(&run)).collect();
        if words.is_empty() { Err(SearchTermsError::Empty) } else { Ok(Self(words)) }
    }
}

/// All words of these texts as the index keeps them, separated by spaces.
pub(crate) fn index_text<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut tokens = String::new();
    let mut letters = BTreeSet::new();
    for text in texts {
        for run in runs(&fold(text)) {
            letters.extend(run.iter().copied());
            for token in pairs(&run).chain(run.last().map(char::to_string)) {
                tokens.push_str(&token);
                tokens.push(' ');
            }
        }
    }
    for letter in letters {
        tokens.push(letter);
        tokens.push(' ');
    }
    tokens
}

/// The form under which texts are compared: what differs only in letter case, width or composition folds alike.
///
/// Through upper case first, so that letters with several lower-case forms (σ and ς, ß and ss) meet.
pub(crate) fn fold(text: &str) -> String {
    text.nfkc().flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfc().collect()
}

/// Whether a character can be part of a word: letters and digits of any script, with their marks.
pub(crate) fn is_word_char(c: char) -> bool {
    c.is_alphanumeric() || is_combining_mark(c)
}

fn runs(folded: &str) -> impl Iterator<Item = Vec<char>> {
    let runs = folded.split(|c| !is_word_char(c)).filter(|run| !run.is_empty());
    runs.map(|run| run.chars().collect())
}

/// What is looked for to find this run: its pairs, or the letter that it is.
fn tokens(run: &[char]) -> Word {
    match run {
        [letter] => vec![letter.to_string()],
        letters => pairs(letters).collect(),
    }
}

fn pairs(run: &[char]) -> impl Iterator<Item = String> {
    run.windows(2).map(|pair| pair.iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(text: &str) -> Vec<Word> {
        text.parse::<SearchTerms>().unwrap().0
    }

    fn word(tokens: &[&str]) -> Word {
        tokens.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn words_are_kept_as_pairs_that_do_not_span_two_words_and_as_letters() {
        assert_eq!(index_text(["비트코인 TC", "c"]), "비트 트코 코인 인 tc c c c t 비 인 코 트 ");
    }

    #[test]
    fn what_looks_alike_folds_alike() {
        assert_eq!(fold("ＢＴＣ Straße"), fold("btc STRASSE"));
        // Decomposed, as macOS writes file names.
        assert_eq!(fold("\u{1107}\u{1175}\u{1110}\u{1173}"), "비트");
    }

    #[test]
    fn operators_are_data() {
        assert_eq!(
            terms("\"btc\" NEAR(x) OR title:eth*"),
            [
                word(&["bt", "tc"]),
                word(&["ne", "ea", "ar"]),
                word(&["x"]),
                word(&["or"]),
                word(&["ti", "it", "tl", "le"]),
                word(&["et", "th"]),
            ]
        );
        for nothing in ["", " ", "\"", "*", "'--", "()", "👍", "\0"] {
            assert_eq!(nothing.parse::<SearchTerms>(), Err(SearchTermsError::Empty), "{nothing:?}");
        }
    }

    #[test]
    fn a_single_letter_is_a_word_too() {
        assert_eq!(terms("a 비트 c"), [word(&["a"]), word(&["비트"]), word(&["c"])]);
    }

    #[test]
    fn a_search_is_bounded() {
        assert_eq!(terms(&"ab ".repeat(30)).len(), SEARCH_WORDS_MAX);
        let long = "가".repeat(SEARCH_CHARS_MAX + 1);
        assert_eq!(long.parse::<SearchTerms>(), Err(SearchTermsError::Length { got: SEARCH_CHARS_MAX + 1 }));
    }
}
