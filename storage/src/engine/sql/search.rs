//! How each SQL engine searches texts: next to [`dialect`](super::dialect), all that differs between them.
//!
//! The words come cut into pairs of letters (`search.rs` in the crate's root), the same for all engines, so that each
//! needs no more than an index that knows which token stands next to which.

/// One word to look for: its pairs of letters, which must follow each other, or a single letter.
pub(crate) type Word = Vec<String>;

/// The statements and pieces of statements by which an engine searches posts.
#[derive(Debug)]
pub(crate) struct Search {
    /// Forgets a post.
    pub(crate) remove: &'static str,
    /// Adds a post with its tokens: pairs of letters, and letters.
    pub(crate) add: &'static str,
    /// What a search reads from.
    pub(crate) from: &'static str,
    /// The post's id there; rows can be read by it in descending order, without sorting.
    pub(crate) id: &'static str,
    /// That all of these words occur: a condition in the engine's language, and the value of each `?` in it.
    pub(crate) condition: fn(&[Word]) -> (String, Vec<String>),
}

/// <https://sqlite.org/fts5.html>
pub(super) const SQLITE: Search = Search {
    remove: "delete from post_search where rowid = $1",
    add: "insert into post_search (rowid, words) values ($1, $2)",
    from: "post_search s",
    id: "s.rowid",
    condition: |words| ("post_search match ?".to_owned(), vec![fts5(words)]),
};

/// An index of the tokens finds the posts that have all of them; where they stand is looked up in the words.
pub(super) const POSTGRES: Search = Search {
    remove: "delete from post_search where post_id = $1",
    add: "insert into post_search (post_id, words) values ($1, $2)",
    from: "post_search s",
    id: "s.post_id",
    condition: postgres,
};

/// Strings side by side are a conjunction, and within a string tokens must follow each other. Words are letters and
/// digits, so there is no quotation mark that could end a string early.
fn fts5(words: &[Word]) -> String {
    let strings = words.iter().map(|word| format!("\"{}\"", word.join(" ")));
    strings.collect::<Vec<_>>().join(" ")
}

/// Words are letters and digits, so there is neither a space nor a sign of a pattern in them.
fn postgres(words: &[Word]) -> (String, Vec<String>) {
    let mut conditions = Vec::new();
    let mut values = Vec::new();
    for word in words {
        let tokens = word.join(" ");
        conditions.push("string_to_array(s.words, ' ') @> string_to_array(?, ' ') and ' ' || s.words like ?");
        values.extend([tokens.clone(), format!("% {tokens} %")]);
    }
    (conditions.join(" and "), values)
}
