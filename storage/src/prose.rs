//! What people write: titles, posts and comments, checked and tidied as they come in.

use unicode_normalization::UnicodeNormalization;

use crate::limits::{COMMENT_CHARS_MAX, POST_CONTENT_CHARS_MAX, POST_TITLE_CHARS_MAX, REASON_CHARS_MAX};
use crate::text_type;
use crate::user::is_invisible;

text_type! {
    /// The title of a post: one line of 1 to 200 characters, composed (NFC), with no space around it.
    PostTitle(Box<str>), parse_title, ProseError
}

text_type! {
    /// The text of a post: 1 to 20,000 characters of Markdown, composed (NFC), lines ending in `\n`, with no white
    /// space around it.
    PostContent(Box<str>), parse_post, ProseError
}

text_type! {
    /// A comment: as [`PostContent`], 1 to 1,000 characters.
    CommentContent(Box<str>), parse_comment, ProseError
}

text_type! {
    /// Why somebody was banned or muted: as [`PostTitle`], 1 to 200 characters.
    Reason(Box<str>), parse_reason, ProseError
}

/// A text is nothing that can be posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProseError {
    /// There is nothing to see in it.
    #[error("expected a text, got nothing that can be seen")]
    Blank,
    /// Too long.
    #[error("expected at most {max} characters, got {got}")]
    Length {
        /// Its characters.
        got: usize,
        /// How many there may be.
        max: usize,
    },
    /// A character that steers a terminal or the direction of the text around it, or breaks a line where there is but
    /// one.
    #[error("expected no control characters, got U+{:04X}", u32::from(*got))]
    Control {
        /// The first such character.
        got: char,
    },
}

fn parse_title(text: &str) -> Result<Box<str>, ProseError> {
    tidy(text, POST_TITLE_CHARS_MAX, |c| c.is_control() || breaks_a_title(c))
}

fn parse_post(text: &str) -> Result<Box<str>, ProseError> {
    tidy(text, POST_CONTENT_CHARS_MAX, breaks_a_body)
}

fn parse_reason(text: &str) -> Result<Box<str>, ProseError> {
    tidy(text, REASON_CHARS_MAX, |c| c.is_control() || breaks_a_title(c))
}

fn parse_comment(text: &str) -> Result<Box<str>, ProseError> {
    tidy(text, COMMENT_CHARS_MAX, breaks_a_body)
}

fn tidy(text: &str, max: usize, is_refused: fn(char) -> bool) -> Result<Box<str>, ProseError> {
    let lines = text.trim().replace("\r\n", "\n");
    if let Some(got) = lines.chars().find(|&c| is_refused(c)) {
        return Err(ProseError::Control { got });
    }
    if lines.chars().all(|c| c.is_whitespace() || is_invisible(c)) {
        return Err(ProseError::Blank);
    }
    let composed: String = lines.nfc().collect();
    let got = composed.chars().count();
    if got > max { Err(ProseError::Length { got, max }) } else { Ok(composed.into()) }
}

fn breaks_a_body(c: char) -> bool {
    c.is_control() && c != '\n' && c != '\t'
}

/// Line and paragraph separators, and what turns the direction of the words that a page puts behind a title.
fn breaks_a_title(c: char) -> bool {
    matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_one_visible_line() {
        assert_eq!(" 떡상 👨‍👩‍👧 가즈아\t".parse::<PostTitle>().unwrap().as_str(), "떡상 👨‍👩‍👧 가즈아");
        for c in ['\n', '\t', '\0', '\u{1b}', '\u{2028}', '\u{202e}', '\u{2066}'] {
            assert_eq!(format!("a{c}b").parse::<PostTitle>(), Err(ProseError::Control { got: c }));
        }
        for blank in ["", "  ", "\u{200b}", "\u{3164} \u{feff}"] {
            assert_eq!(blank.parse::<PostTitle>(), Err(ProseError::Blank), "{blank:?}");
        }
    }

    #[test]
    fn a_body_keeps_lines_and_tabs() {
        assert_eq!("\r\na\r\n\tb\n\nc \n".parse::<PostContent>().unwrap().as_str(), "a\n\tb\n\nc");
        for c in ['\0', '\r', '\u{1b}', '\u{85}'] {
            assert_eq!(format!("a{c}b").parse::<CommentContent>(), Err(ProseError::Control { got: c }));
        }
    }

    #[test]
    fn lengths_count_characters_and_not_bytes() {
        assert!("가".repeat(200).parse::<PostTitle>().is_ok());
        assert_eq!("가".repeat(201).parse::<PostTitle>(), Err(ProseError::Length { got: 201, max: 200 }));
        assert!("👍".repeat(20_000).parse::<PostContent>().is_ok());
        assert!("a".repeat(20_001).parse::<PostContent>().is_err());
        assert!("가".repeat(1_000).parse::<CommentContent>().is_ok());
        assert!("a".repeat(1_001).parse::<CommentContent>().is_err());
    }

    #[test]
    fn decomposed_korean_is_composed() {
        assert_eq!("\u{1107}\u{1175}".parse::<PostTitle>().unwrap().as_str(), "비");
    }
}
