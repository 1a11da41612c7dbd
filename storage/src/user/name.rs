//! Names and mail addresses of people, checked as they come in.

use std::sync::Arc;

use unicode_normalization::UnicodeNormalization;

use crate::limits::{EMAIL_BYTES_MAX, USER_NAME_CHARS};
use crate::text_type;

text_type! {
    /// What a person is called in rooms: 2 to 20 Unicode characters, single spaces allowed inside. It is composed (NFC),
    /// so that a Korean name is one name and has as many characters as syllables, whether it came as syllables or, as
    /// some systems write it, as their letters.
    ///
    /// Characters that nobody sees are refused, because they make two names look alike.
    UserName(Arc<str>), parse_user_name, UserNameError
}

text_type! {
    /// A mail address, lower-cased. Whether mail arrives there only a verification mail can tell, so the syntax is
    /// checked loosely.
    Email(Box<str>), parse_email, EmailError
}

/// A text is no [`UserName`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserNameError {
    /// Too short or too long.
    #[error("expected 2 to 20 characters, got {got}")]
    Length {
        /// Its characters.
        got: usize,
    },
    /// Spaces at an end, or two in a row.
    #[error("expected no spaces at the ends and only single ones inside")]
    Spaces,
    /// A control character, a line break, or one that nobody sees.
    #[error("expected visible characters only, got U+{:04X}", u32::from(*got))]
    Invisible {
        /// The first such character.
        got: char,
    },
}

/// A text is no [`Email`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmailError {
    /// Too long for SMTP.
    #[error("expected at most 254 bytes, got {got}")]
    Length {
        /// Its bytes.
        got: usize,
    },
    /// White space or a control character.
    #[error("expected no spaces or control characters")]
    Spaces,
    /// Not `local@domain.tld`.
    #[error("expected an address like ann@example.com")]
    Shape,
}

impl UserName {
    /// The form under which names are compared: two names that differ only in case fold to the same text.
    pub(crate) fn folded(&self) -> String {
        fold(self.as_str())
    }
}

/// A text without letter case, composed. Through upper case first, so that letters with several lower-case forms (σ and ς,
/// ß and ss) meet.
pub(super) fn fold(text: &str) -> String {
    text.nfc().flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfc().collect()
}

fn parse_user_name(text: &str) -> Result<Arc<str>, UserNameError> {
    let text: String = text.nfc().collect();
    if let Some(got) = text.chars().find(|&c| is_invisible(c)) {
        return Err(UserNameError::Invisible { got });
    }
    if text.starts_with(' ') || text.ends_with(' ') || text.contains("  ") {
        return Err(UserNameError::Spaces);
    }
    let got = text.chars().count();
    if !USER_NAME_CHARS.contains(&got) {
        return Err(UserNameError::Length { got });
    }
    Ok(text.into())
}

/// Whether a character leaves no ink, other than the plain space: controls, odd spaces, fillers, joiners, text
/// direction, variation selectors and tags (Unicode's `Default_Ignorable_Code_Point`, and the blank Braille cell).
pub(crate) fn is_invisible(c: char) -> bool {
    (c != ' ' && (c.is_whitespace() || c.is_control()))
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

fn parse_email(text: &str) -> Result<Box<str>, EmailError> {
    let lower = text.to_lowercase();
    if lower.len() > EMAIL_BYTES_MAX {
        return Err(EmailError::Length { got: lower.len() });
    }
    if lower.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(EmailError::Spaces);
    }
    match lower.split_once('@') {
        Some((local, domain)) if !local.is_empty() && is_domain(domain) => Ok(lower.into()),
        _ => Err(EmailError::Shape),
    }
}

/// A name with a dot between labels, or `localhost` for a server on one's own machine.
fn is_domain(text: &str) -> bool {
    let dotted = text.contains('.') && text.split('.').all(|label| !label.is_empty());
    !text.contains('@') && (dotted || text == "localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_visible_text_of_2_to_20_characters() {
        for good in ["ann", "김철수", "Ann Lee", "ß2", "👍👍", &"가".repeat(20)] {
            assert_eq!(good.parse::<UserName>().unwrap().as_str(), good);
        }
        assert_eq!("a".parse::<UserName>(), Err(UserNameError::Length { got: 1 }));
        assert_eq!("가".repeat(21).parse::<UserName>(), Err(UserNameError::Length { got: 21 }));
        for spaced in [" ann", "ann ", "ann  lee", "   "] {
            assert_eq!(spaced.parse::<UserName>(), Err(UserNameError::Spaces), "{spaced:?}");
        }
    }

    #[test]
    fn names_hide_nothing() {
        for c in [
            '\0', '\n', '\t', '\u{a0}', '\u{3000}', '\u{200b}', '\u{200d}', '\u{202e}', '\u{2066}',
            '\u{3164}', '\u{feff}',
        ] {
            assert_eq!(format!("an{c}n").parse::<UserName>(), Err(UserNameError::Invisible { got: c }));
        }
        assert_eq!(
            "an\u{202e}n".parse::<UserName>().unwrap_err().to_string(),
            "expected visible characters only, got U+202E"
        );
    }

    #[test]
    fn names_that_differ_in_case_fold_alike() {
        let folded = |text: &str| text.parse::<UserName>().unwrap().folded();
        assert_eq!(folded("Straße"), folded("STRASSE"));
        assert_eq!(folded("ΟΔΥΣΣΕΥΣ"), folded("οδυσσευς"));
        assert_ne!(folded("ann"), folded("anne"));
    }

    #[test]
    fn two_spellings_of_a_korean_name_are_one_name() {
        let syllables: UserName = "김철수".parse().unwrap();
        let letters: UserName =
            "\u{1100}\u{1175}\u{11b7}\u{110e}\u{1165}\u{11af}\u{1109}\u{116e}".parse().unwrap();
        assert_eq!(letters, syllables);
        // As many syllables as a name may have, each in three letters.
        assert_eq!(
            "\u{1100}\u{1161}\u{11a8}".repeat(20).parse::<UserName>().unwrap().as_str(),
            "각".repeat(20)
        );
    }

    #[test]
    fn emails_are_lower_cased_and_loosely_checked() {
        assert_eq!("Ann.Lee+x@Example.COM".parse::<Email>().unwrap().as_str(), "ann.lee+x@example.com");
        assert!("root@localhost".parse::<Email>().is_ok());
        for bad in
            ["", "@", "ann", "ann@", "@example.com", "a@b@c.de", "ann@example", "a@.com", "a@b..c", "a@b."]
        {
            assert_eq!(bad.parse::<Email>(), Err(EmailError::Shape), "{bad:?}");
        }
        for bad in ["ann lee@example.com", "ann@example.com\n", "a\0@example.com"] {
            assert_eq!(bad.parse::<Email>(), Err(EmailError::Spaces), "{bad:?}");
        }
        let long = format!("{}@example.com", "a".repeat(243));
        assert_eq!(long.parse::<Email>(), Err(EmailError::Length { got: 255 }));
    }
}
