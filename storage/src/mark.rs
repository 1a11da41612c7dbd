//! What people mark in their texts: `#tag`, `$KRW-BTC`, `@name`.
//!
//! A mark begins where a word could, so the `@` of a mail address is none. Code (in backticks or fences), addresses
//! and HTML tags are left alone, and so is what a backslash escapes. A heading is no tag, for a space follows its
//! `#`. The texts are Markdown, read just well enough for this: nothing here renders.

use std::collections::HashSet;

use crate::MarketCode;
use crate::limits::{MARKETS_MAX, TAGS_MAX};
use crate::search::is_word_char;
use crate::tag::Tag;

/// The tags of a text, each once, in order, [`TAGS_MAX`] at most. `#1` is none: a tag has a letter.
pub fn tags(text: &str) -> Vec<Tag> {
    let words = marked(text, '#').map(|rest| word(rest, |c| is_word_char(c) || c == '_'));
    let tags = words.filter(|word| word.contains(char::is_alphabetic)).filter_map(|word| word.parse().ok());
    once(tags, Tag::clone, TAGS_MAX)
}

/// The markets of a text, each once, in order, [`MARKETS_MAX`] at most. Whether an exchange knows them is not asked.
pub fn markets(text: &str) -> Vec<MarketCode> {
    let codes = marked(text, '$').filter_map(|rest| {
        let code = word(rest, |c| matches!(c, 'A'..='Z' | '0'..='9' | '-'));
        let goes_on = rest.get(code.len()..).is_some_and(|rest| rest.starts_with(is_ascii_word));
        let code = code.trim_end_matches('-');
        if goes_on || !code.starts_with(|c: char| c.is_ascii_alphabetic()) { None } else { code.parse().ok() }
    });
    once(codes, MarketCode::clone, MARKETS_MAX)
}

/// What follows each single `@`. Where a name ends in it, [`mention`](crate::mention) finds out.
pub(crate) fn after_at_signs(text: &str) -> impl Iterator<Item = &str> {
    marked(text, '@').filter(|rest| !rest.starts_with('@'))
}

fn is_ascii_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn word(rest: &str, is_part: impl Fn(char) -> bool) -> &str {
    let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
    rest.get(..end).unwrap_or_default()
}

fn once<T, K: Eq + std::hash::Hash>(
    all: impl Iterator<Item = T>,
    key: impl Fn(&T) -> K,
    max: usize,
) -> Vec<T> {
    let mut seen = HashSet::new();
    all.filter(|item| seen.insert(key(item))).take(max).collect()
}

/// What follows each `sign` that begins a mark, up to the end of its paragraph.
fn marked(text: &str, sign: char) -> impl Iterator<Item = &str> {
    paragraphs(text).into_iter().flat_map(move |paragraph| marked_in(paragraph, sign))
}

/// The paragraphs outside fenced code. A fence is three or more backticks or tildes, and ends at the next line of as
/// many or at the end of the text.
fn paragraphs(text: &str) -> Vec<&str> {
    let mut paragraphs = Vec::new();
    let (mut fence, mut start, mut end) = (None, 0, 0);
    for line in text.split_inclusive('\n') {
        let line_start = end;
        end += line.len();
        let opening = fence_of(line);
        let ends_paragraph = fence.is_some() || opening.is_some() || line.trim().is_empty();
        if ends_paragraph {
            paragraphs.push(text.get(start..line_start).unwrap_or_default());
            start = end;
        }
        fence = match (fence, opening) {
            (None, opening) => opening,
            (Some((sign, length)), Some((other, as_many))) if sign == other && as_many >= length => None,
            (open, _) => open,
        };
    }
    paragraphs.push(text.get(start..).unwrap_or_default());
    paragraphs
}

/// The fence that this line is, if it is one: its sign and its length.
fn fence_of(line: &str) -> Option<(char, usize)> {
    let line = line.trim_start_matches(' ');
    let sign = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let length = line.chars().take_while(|c| *c == sign).count();
    // Three backticks around something on one line are no fence.
    let is_fence = length >= 3 && (sign == '~' || !line.get(length..)?.contains('`'));
    is_fence.then_some((sign, length))
}

fn marked_in(paragraph: &str, sign: char) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = paragraph;
    let mut before = None;
    while let Some(c) = rest.chars().next() {
        let behind = rest.get(c.len_utf8()..).unwrap_or_default();
        if c == sign && before.is_none_or(may_precede) {
            found.push(behind);
        }
        let skipped = skip(rest, c, before).max(c.len_utf8());
        before = rest.get(..skipped).and_then(|skipped| skipped.chars().next_back());
        rest = rest.get(skipped..).unwrap_or_default();
    }
    found
}

/// Whether a mark may follow this character: not within a word, an address or a doubled sign.
fn may_precede(before: char) -> bool {
    !is_word_char(before)
        && !matches!(before, '_' | '#' | '$' | '@' | '&' | '/' | '.' | '-' | '+' | '=' | '\\')
}

/// Bytes at the beginning of `rest` in which no mark can be; 0 to go on with the next character.
fn skip(rest: &str, c: char, before: Option<char>) -> usize {
    let until = |ends: fn(char) -> bool| rest.find(ends).unwrap_or(rest.len());
    match c {
        '`' => code_span(rest),
        '\\' => rest.chars().take(2).map(char::len_utf8).sum(),
        ':' if rest.starts_with("://") => until(|c| c.is_whitespace() || matches!(c, '>' | ')')),
        'w' | 'W' if !before.is_some_and(is_word_char) && is_www(rest) => {
            until(|c| c.is_whitespace() || matches!(c, '>' | ')'))
        }
        ']' if rest.starts_with("](") => until(|c| c.is_whitespace() || c == ')'),
        '<' if rest
            .get(1..)
            .is_some_and(|tag| tag.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')) =>
        {
            rest.find('>').unwrap_or_default()
        }
        _ => 0,
    }
}

fn is_www(rest: &str) -> bool {
    rest.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("www."))
}

/// The length of the code span that begins here, or of the backticks alone when nothing closes them.
fn code_span(rest: &str) -> usize {
    let ticks = |text: &str| text.bytes().take_while(|byte| *byte == b'`').count();
    let opening = ticks(rest);
    let mut at = opening;
    while let Some(next) = rest.get(at..).and_then(|rest| rest.find('`')) {
        at += next;
        let closing = rest.get(at..).map_or(0, ticks);
        at += closing;
        if closing == opening {
            return at;
        }
    }
    opening
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tags_of(text: &str) -> Vec<String> {
        tags(text).iter().map(ToString::to_string).collect()
    }

    fn markets_of(text: &str) -> Vec<String> {
        markets(text).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn tags_are_words_of_any_script() {
        assert_eq!(
            tags_of("#비트코인 to the #Moon! (#btc_2025) #हिन्दी\n#끝"),
            ["비트코인", "moon", "btc_2025", "हिन्दी", "끝"]
        );
        assert_eq!(tags_of("#BTC #btc #ｂｔｃ"), ["btc"]);
    }

    #[test]
    fn headings_numbers_and_parts_of_words_are_no_tags() {
        let text = "# Title\n## Another #\nC#sharp a#b ##x #1 #2024 &#39; \\#no #";
        assert_eq!(tags_of(text), Vec::<String>::new());
        assert_eq!(tags_of(&format!("#{}", "a".repeat(31))), Vec::<String>::new());
    }

    #[test]
    fn code_and_addresses_hold_no_marks() {
        let text = "`#a $KRW-A @aa` ``#b ` @bb`` https://x.y/#c?@cc www.x.y/#d [e](#e) [f](/f#f \"t\") \
            <a href=\"#g\">x</a> <https://h.h/#h>\n\n```rust\n#[i] #i @ii\n\n~~~\n#j\n```\n~~~\n#k\n";
        assert_eq!(tags_of(text), Vec::<String>::new());
        assert_eq!(after_at_signs(text).count(), 0);
        assert_eq!(markets_of(text), Vec::<String>::new());
        assert_eq!(
            tags_of("`open #yes\n\n`#too\n\n```\n#no\n```\n#after a < b #and"),
            ["yes", "too", "after", "and"]
        );
    }

    #[test]
    fn markets_are_codes_and_not_prices() {
        let text = "$KRW-BTC는 오르고 ($USDT-1INCH) $KRW-ETH-, $KRW-BTC again";
        assert_eq!(markets_of(text), ["KRW-BTC", "USDT-1INCH", "KRW-ETH"]);
        assert!(markets("$5-10 $100 $krw-btc $KRW a$KRW-BTC $$KRW-BTC $KRW-BTCx $-KRW-BTC").is_empty());
    }

    #[test]
    fn an_at_sign_in_a_word_or_doubled_is_none() {
        assert_eq!(after_at_signs("@조아라 (@bo)").collect::<Vec<_>>(), ["조아라 (@bo)", "bo)"]);
        assert_eq!(after_at_signs("cc ann@example.com x.@no @@twice `@code` 한글@조아라").count(), 0);
    }

    #[test]
    fn marks_of_one_text_are_bounded() {
        let many = |sign: &str| (0..100).map(|n| format!("{sign}A-{n} ")).collect::<String>();
        assert_eq!(markets(&many("$")).len(), MARKETS_MAX);
        assert_eq!(tags(&(0..100).map(|n| format!("#a{n} ")).collect::<String>()).len(), TAGS_MAX);
    }

    #[test]
    fn hostile_texts_are_read_in_reasonable_time() {
        let ticks: String = (1..200).map(|n| format!("{} ", "`".repeat(n))).collect();
        for text in
            [ticks, "<a ".repeat(7_000), "#".repeat(20_000), "[](".repeat(6_000), "```\n".repeat(5_000)]
        {
            tags(&text);
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_stumble(text in "[#$@`~<>:/\\\\\\[\\]() \n가aA.-]{0,80}") {
            let _ = (tags(&text), markets(&text), after_at_signs(&text).count());
        }
    }
}
