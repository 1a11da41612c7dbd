//! How each SQL engine searches texts: next to [`dialect`](super::dialect), all that differs between them.
//!
//! The words come cut into pairs of letters (`search.rs` in the crate's root), the same for all engines, so that each
//! needs no more than an index that knows which pair stands next to which.

/// One word to look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// Its pairs of letters, which must follow each other.
    Pairs(Vec<String>),
    /// A single letter, with which a pair must begin.
    Letter(char),
}

/// The statements and pieces of statements by which an engine searches posts.
#[derive(Debug)]
pub(crate) struct Search {
    /// Forgets a post.
    pub(crate) remove: &'static str,
    /// Adds a post with its pairs of letters.
    pub(crate) add: &'static str,
    /// What a search reads from.
    pub(crate) from: &'static str,
    /// The post's id there; rows can be read by it in descending order, without sorting.
    pub(crate) id: &'static str,
    /// The condition, with one parameter: what [`expression`](Self::expression) makes.
    pub(crate) condition: &'static str,
    /// All of these words, in the engine's language.
    pub(crate) expression: fn(&[Word]) -> String,
}

/// <https://sqlite.org/fts5.html>
pub(super) const SQLITE: Search = Search {
    remove: "delete from post_search where rowid = $1",
    add: "insert into post_search (rowid, words) values ($1, $2)",
    from: "post_search s",
    id: "s.rowid",
    condition: "post_search match ?",
    expression: fts5,
};

/// Strings side by side are a conjunction, and within a string tokens must follow each other. Words are letters and
/// digits, so there is no quotation mark that could end a string early.
fn fts5(words: &[Word]) -> String {
    let strings = words.iter().map(|word| match word {
        Word::Pairs(pairs) => format!("\"{}\"", pairs.join(" ")),
        Word::Letter(letter) => format!("\"{letter}\" *"),
    });
    strings.collect::<Vec<_>>().join(" ")
}
