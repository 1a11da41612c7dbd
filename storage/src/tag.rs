//! What posts are about.

use unicode_normalization::char::is_combining_mark;

use crate::engine::Database;
use crate::limits::TAG_CHARS_MAX;
use crate::search::{fold, is_word_char};
use crate::{StorageError, text_type};

text_type! {
    /// A tag without its `#`: 1 to 30 letters, digits and `_` of any script, folded, so that tags that look alike are
    /// one.
    Tag(Box<str>), parse_tag, TagError
}

/// A text is no [`Tag`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TagError {
    /// Too short or too long.
    #[error("expected 1 to {TAG_CHARS_MAX} characters, got {got}")]
    Length {
        /// Its characters.
        got: usize,
    },
    /// Something else than letters, digits and `_`.
    #[error("expected letters, digits and _ only, got {got:?}")]
    Character {
        /// The first such character.
        got: char,
    },
}

fn parse_tag(text: &str) -> Result<Box<str>, TagError> {
    // Nobody means the sign to be part of it.
    let text = text.trim();
    let folded = fold(text.strip_prefix('#').unwrap_or(text));
    let got = folded.chars().count();
    if !(1..=TAG_CHARS_MAX).contains(&got) {
        return Err(TagError::Length { got });
    }
    let is_odd = |(place, c): &(usize, char)| {
        !(is_word_char(*c) || *c == '_') || (*place == 0 && is_combining_mark(*c))
    };
    match folded.char_indices().find(is_odd) {
        Some((_, got)) => Err(TagError::Character { got }),
        None => Ok(folded.into()),
    }
}

/// A tag and how many posts have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagCount {
    /// The tag.
    pub tag: Tag,
    /// Posts that have it.
    pub post_count: u64,
}

const POPULAR: &str = "
    select name, post_count from tag where post_count > 0
    order by post_count desc, name limit $1";

/// A range instead of a pattern: every engine answers it from the primary key, and no character in it has a meaning.
const POPULAR_FROM: &str = "
    select name, post_count from tag where name >= $1 and name < $2 and post_count > 0
    order by post_count desc, name limit $3";

/// All tags.
#[derive(Clone, Debug)]
pub struct Tags {
    database: Database,
}

impl Tags {
    /// The tags in this database.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// Up to `limit` tags, the most used first; with `prefix`, only those that begin with it.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn popular(&self, prefix: Option<&Tag>, limit: u16) -> Result<Vec<TagCount>, StorageError> {
        let select = match prefix {
            None => self.database.query_as::<(Tag, i64)>(POPULAR),
            Some(prefix) => {
                let end = format!("{prefix}{}", char::MAX);
                self.database.query_as(POPULAR_FROM).bind(prefix).bind(end)
            }
        };
        let rows = select.bind(i64::from(limit)).fetch_all(self.database.reader()).await?;
        let counts = rows.into_iter().map(|(tag, count)| TagCount { tag, post_count: count.unsigned_abs() });
        Ok(counts.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_folded_words() {
        for (text, tag) in [
            ("BTC", "btc"),
            ("#비트코인", "비트코인"),
            (" a_1 ", "a_1"),
            ("2025", "2025"),
            ("Straße", "strasse"),
        ] {
            assert_eq!(text.parse::<Tag>().unwrap().as_str(), tag);
        }
        for (text, got) in
            [("a b", ' '), ("a-b", '-'), ("##a", '#'), ("a\u{202e}", '\u{202e}'), ("a'", '\''), ("👍", '👍')]
        {
            assert_eq!(text.parse::<Tag>(), Err(TagError::Character { got }));
        }
        assert_eq!("#".parse::<Tag>(), Err(TagError::Length { got: 0 }));
        assert!("가".repeat(30).parse::<Tag>().is_ok());
        assert_eq!("가".repeat(31).parse::<Tag>(), Err(TagError::Length { got: 31 }));
    }
}
