//! What people may tell of themselves, checked as it comes in.

use jiff::tz::TimeZone;

use super::name::is_invisible;
use crate::limits::{BIRTH_YEAR_MIN, INTEREST_CHARS, INTRO_CHARS};
use crate::{TimestampMs, text_type};

text_type! {
    /// What somebody says about herself: some lines of text, without blank ends.
    Intro(Box<str>), parse_intro, DetailError
}

text_type! {
    /// Where somebody lives, as ISO 3166 has it: a country, `KR`, or a part of one, `KR-11`. Only the form is checked.
    Region(Box<str>), parse_region, DetailError
}

text_type! {
    /// Something that somebody cares for, in a word or two.
    Interest(Box<str>), parse_interest, DetailError
}

/// The year that somebody was born in: not before 1900, not in the future.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BirthYear(u16);

/// A text or number is no detail of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DetailError {
    /// Nothing, or nothing but spaces.
    #[error("expected at least one character")]
    Empty,
    /// More than there is room for.
    #[error("expected at most {most} characters, got {got}")]
    TooLong {
        /// Its characters.
        got: usize,
        /// The limit.
        most: usize,
    },
    /// A control character, or in a single line one that nobody sees.
    #[error("expected visible characters only, got U+{:04X}", u32::from(*got))]
    Invisible {
        /// The first such character.
        got: char,
    },
    /// Not of the form that ISO 3166 gives to its codes.
    #[error("expected an ISO 3166 code such as KR or KR-11")]
    Region,
    /// Long ago, or to come.
    #[error("expected a year from {BIRTH_YEAR_MIN} to {latest}")]
    Year {
        /// The present year.
        latest: i64,
    },
}

impl BirthYear {
    /// A year, as people born in it would say at the time `now`.
    ///
    /// # Errors
    ///
    /// [`DetailError::Year`] for a year that is too far back or still to come.
    pub fn new(year: i64, now: TimestampMs) -> Result<Self, DetailError> {
        let latest = year_of(now);
        let possible = (BIRTH_YEAR_MIN..=latest).contains(&year);
        let year = u16::try_from(year).ok().filter(|_| possible);
        year.map(Self).ok_or(DetailError::Year { latest })
    }

    /// The year, as in 1990.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// One that was checked when it was stored.
    pub(crate) const fn stored(year: u16) -> Self {
        Self(year)
    }
}

fn year_of(now: TimestampMs) -> i64 {
    let now = jiff::Timestamp::from_millisecond(now.as_millis()).unwrap_or_default();
    now.to_zoned(TimeZone::UTC).year().into()
}

fn parse_intro(text: &str) -> Result<Box<str>, DetailError> {
    let text = text.replace("\r\n", "\n");
    let text = text.trim();
    if let Some(got) = text.chars().find(|&c| c.is_control() && c != '\n') {
        return Err(DetailError::Invisible { got });
    }
    within(text, INTRO_CHARS)
}

fn parse_interest(text: &str) -> Result<Box<str>, DetailError> {
    let text = text.trim();
    match text.chars().find(|&c| is_invisible(c)) {
        Some(got) => Err(DetailError::Invisible { got }),
        None => within(text, INTEREST_CHARS),
    }
}

fn within(text: &str, most: usize) -> Result<Box<str>, DetailError> {
    match text.chars().count() {
        0 => Err(DetailError::Empty),
        got if got > most => Err(DetailError::TooLong { got, most }),
        _ => Ok(text.into()),
    }
}

fn parse_region(text: &str) -> Result<Box<str>, DetailError> {
    let (country, part) = text.split_once('-').map_or((text, None), |(country, part)| (country, Some(part)));
    let is_country = country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase());
    let is_part = |part: &str| {
        (1..=3).contains(&part.len())
            && part.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    };
    if is_country && part.is_none_or(is_part) { Ok(text.into()) } else { Err(DetailError::Region) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_intro_is_some_lines_of_text() {
        let intro = |text: &str| text.parse::<Intro>().map(|intro| intro.to_string());
        assert_eq!(intro("  코인 3년차\r\n👩‍🚀 to the moon \n").unwrap(), "코인 3년차\n👩‍🚀 to the moon");
        assert_eq!(intro(&"가".repeat(INTRO_CHARS)).unwrap().chars().count(), INTRO_CHARS);
        assert_eq!(intro(" \n "), Err(DetailError::Empty));
        assert_eq!(intro("a\u{7}"), Err(DetailError::Invisible { got: '\u{7}' }));
        let got = INTRO_CHARS + 1;
        assert_eq!(intro(&"가".repeat(got)), Err(DetailError::TooLong { got, most: INTRO_CHARS }));
    }

    #[test]
    fn a_region_has_the_form_of_iso_3166() {
        for good in ["KR", "KR-11", "US-CA", "GB-ENG"] {
            assert_eq!(good.parse::<Region>().unwrap().as_str(), good);
        }
        for bad in ["", "K", "kr", "KOR", "KR-", "KR-1111", "KR-a", "KR-1-1", "서울"] {
            assert_eq!(bad.parse::<Region>(), Err(DetailError::Region), "{bad:?}");
        }
    }

    #[test]
    fn an_interest_is_a_visible_word_or_two() {
        assert_eq!(" 비트 코인 ".parse::<Interest>().unwrap().as_str(), "비트 코인");
        assert_eq!("".parse::<Interest>(), Err(DetailError::Empty));
        assert_eq!("a\u{200b}b".parse::<Interest>(), Err(DetailError::Invisible { got: '\u{200b}' }));
        assert!("a".repeat(INTEREST_CHARS + 1).parse::<Interest>().is_err());
    }

    #[test]
    fn nobody_was_born_before_1900_or_will_be() {
        let now = "2024-05-01T00:00:00Z".parse().unwrap();
        assert_eq!(BirthYear::new(1900, now).unwrap().get(), 1900);
        assert_eq!(BirthYear::new(2024, now).unwrap().get(), 2024);
        for bad in [-1, 0, 1899, 2025, i64::MIN, i64::MAX] {
            assert_eq!(BirthYear::new(bad, now), Err(DetailError::Year { latest: 2024 }));
        }
    }
}
