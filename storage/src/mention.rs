//! Mentions: `@name` in what people write.
//!
//! Names may hold spaces and most other characters, so a text alone does not tell where one ends. Each place after an
//! `@` at which a name may end makes a candidate, and the longest one that is somebody's name counts. In Korean, what
//! follows a name is written together with it (`@철수님이`); a name may end there, too.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization;

use crate::engine::Transaction;
use crate::limits::{INSERT_ROWS_MAX, MENTIONS_MAX, USER_NAME_CHARS};
use crate::user::UserName;
use crate::{StorageError, UserId, mark};

/// What Korean adds to a name, after an optional title.
const PARTICLES: [&str; 21] = [
    "", "은", "는", "이", "가", "을", "를", "의", "도", "만", "야", "아", "와", "과", "랑", "이랑", "께",
    "께서", "에게", "한테", "이야",
];
const TITLES: [&str; 3] = ["", "님", "씨"];

/// Characters that have to be looked at behind a name: one more than the longest title with the longest particle.
const ADDED_CHARS: usize = 4;

/// Whom each of these texts mentions, each person once per text.
///
/// # Errors
///
/// Only the engine's.
pub(crate) async fn resolve(
    transaction: &mut Transaction,
    texts: &[&str],
) -> Result<Vec<Vec<UserId>>, StorageError> {
    let places: Vec<Vec<Vec<String>>> = texts.iter().map(|text| candidates(text)).collect();
    let mut names: Vec<&str> = places.iter().flatten().flatten().map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    let known = look_up(transaction, &names).await?;
    Ok(places.iter().map(|places| choose(places, &known)).collect())
}

fn choose(places: &[Vec<String>], known: &HashMap<String, UserId>) -> Vec<UserId> {
    let mut mentioned = Vec::new();
    for longest_first in places {
        let user = longest_first.iter().find_map(|name| known.get(name));
        if let Some(&user) = user.filter(|user| !mentioned.contains(*user)) {
            mentioned.push(user);
        }
    }
    mentioned
}

async fn look_up(
    transaction: &mut Transaction,
    names: &[&str],
) -> Result<HashMap<String, UserId>, StorageError> {
    let mut known = HashMap::new();
    for some in names.chunks(INSERT_ROWS_MAX) {
        let text = "select name_folded, id from users where name_folded in ";
        let text = transaction.database().among(text, some.len());
        let select = sqlx::query_as(text).persistent(false);
        let select = some.iter().fold(select, |select, name| select.bind(*name));
        let found: Vec<(String, UserId)> = select.fetch_all(&mut **transaction).await?;
        known.extend(found);
    }
    Ok(known)
}

/// For each `@`, the names that may follow it, folded, longest first.
fn candidates(text: &str) -> Vec<Vec<String>> {
    let names = mark::after_at_signs(text).map(names_at);
    names.filter(|names| !names.is_empty()).take(MENTIONS_MAX).collect()
}

/// The names that `text` may begin with.
fn names_at(text: &str) -> Vec<String> {
    let line = text.lines().next().unwrap_or_default();
    // Messages come as they were typed, and names are composed.
    let line: String = line.nfc().take(*USER_NAME_CHARS.end() + ADDED_CHARS).collect();
    let ends = line.char_indices().map(|(place, c)| place + c.len_utf8()).take(*USER_NAME_CHARS.end());
    let may_end = ends.filter_map(|end| line.split_at_checked(end)).filter(|(name, rest)| {
        let goes_on = name.chars().next_back().is_some_and(is_in_word);
        !goes_on || ends_before(rest)
    });
    let mut names: Vec<String> =
        may_end.filter_map(|(name, _)| name.parse::<UserName>().ok()).map(|name| name.folded()).collect();
    names.reverse();
    names
}

/// Whether a word can be over where this follows it.
fn ends_before(rest: &str) -> bool {
    // `@ann@example.social` is somebody elsewhere.
    if rest.starts_with('@') {
        return false;
    }
    let word = rest.find(|c| !is_in_word(c)).and_then(|end| rest.get(..end)).unwrap_or(rest);
    let title = |title: &str| word.strip_prefix(title).is_some_and(|particle| PARTICLES.contains(&particle));
    TITLES.into_iter().any(title)
}

fn is_in_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who is mentioned where only these people exist.
    fn mentioned(text: &str, people: &[&str]) -> Vec<i64> {
        let ids = people.iter().zip(1..);
        let known =
            ids.map(|(name, id)| (name.parse::<UserName>().unwrap().folded(), UserId::new(id))).collect();
        choose(&candidates(text), &known).into_iter().map(UserId::get).collect()
    }

    #[test]
    fn a_mention_is_an_at_sign_and_somebodys_name_in_any_letter_case() {
        assert_eq!(mentioned("@ann hi", &["ann"]), [1]);
        assert_eq!(mentioned("hi (@ANN), @bo!", &["Ann", "bo"]), [1, 2]);
        assert_eq!(mentioned("@ann\n@ann again", &["ann"]), [1]);
        assert_eq!(mentioned("@👍👍.", &["👍👍"]), [1]);
        let nobody = mentioned("ann, mail ann@bo.com @ ann @ann@example.social `@bo`", &["ann", "bo"]);
        assert_eq!(nobody, [0_i64; 0]);
    }

    #[test]
    fn the_longest_name_counts_and_a_part_of_a_word_is_none() {
        let people = ["ann", "Ann Lee", "bo_b"];
        assert_eq!(mentioned("@Ann Lee was here", &people), [2]);
        assert_eq!(mentioned("@ann leeward", &people), [1]);
        assert_eq!(mentioned("@annabel @bo", &people), [0_i64; 0]);
        assert_eq!(mentioned("@bo_b.", &people), [3]);
    }

    #[test]
    fn a_korean_name_may_be_followed_by_what_korean_adds() {
        let people = ["철수", "조아라"];
        assert_eq!(mentioned("@철수님이 @조아라에게", &people), [1, 2]);
        assert_eq!(mentioned("@철수야", &people), [1]);
        assert_eq!(mentioned("@철수네집", &people), [0_i64; 0]);
    }

    #[test]
    fn a_mention_may_be_spelled_in_letters_instead_of_syllables() {
        let letters = "@철수님이 왔다".nfd().collect::<String>();
        assert_eq!(mentioned(&letters, &["철수"]), [1]);
    }

    #[test]
    fn a_text_mentions_a_few_people_at_most() {
        let people: Vec<String> = (10..99).map(|n| format!("u{n}")).collect();
        let text = people.iter().map(|name| format!("@{name} ")).collect::<String>();
        let people: Vec<&str> = people.iter().map(String::as_str).collect();
        assert_eq!(mentioned(&text, &people).len(), MENTIONS_MAX);
        assert!(candidates(&"@".repeat(10_000)).is_empty());
    }
}
