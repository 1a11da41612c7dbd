//! The words that the checks are written in: each looks up a key, reads it and notes what is wrong with it.

use std::fmt::Display;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::time::Duration;

use toml::Value;

use super::super::mistake::quote;
use super::super::settings::Settings;
use super::super::{Mistakes, Place};

/// Reads keys of one section at a time. `None` from any of its methods means that the mistake has been noted.
pub(super) struct Checker<'a> {
    settings: &'a Settings,
    mistakes: &'a mut Mistakes,
    section: &'static str,
}

impl<'a> Checker<'a> {
    pub(super) fn new(settings: &'a Settings, mistakes: &'a mut Mistakes) -> Self {
        Self { settings, mistakes, section: "" }
    }

    /// Turns to the keys of this section.
    pub(super) fn section(&mut self, name: &'static str) -> &mut Self {
        self.section = name;
        self
    }

    /// A text that `parse` understands.
    pub(super) fn text<T, E: Display>(
        &mut self,
        key: &str,
        expected: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        let key = self.full(key);
        let text = self.value(&key)?.as_str()?;
        self.parsed(&key, text, expected, &parse)
    }

    /// A text that may be empty, which means that it was not set.
    pub(super) fn optional<T, E: Display>(
        &mut self,
        key: &str,
        expected: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<Option<T>> {
        match self.value(&self.full(key))?.as_str()? {
            "" => Some(None),
            _ => self.text(key, expected, parse).map(Some),
        }
    }

    /// A list of texts that `parse` understands, each of which may be a mistake of its own.
    pub(super) fn list<T, E: Display>(
        &mut self,
        key: &str,
        expected: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<Vec<T>> {
        let key = self.full(key);
        let texts = self.value(&key)?.as_array()?.iter().filter_map(Value::as_str);
        let items: Vec<_> = texts.map(|text| self.parsed(&key, text, expected, &parse)).collect();
        items.into_iter().collect()
    }

    /// One of several names, as what it stands for.
    pub(super) fn choice<T: Copy, const N: usize>(
        &mut self,
        key: &str,
        choices: [(&str, T); N],
    ) -> Option<T> {
        let names = choices.map(|(name, _)| name).join(", ");
        let find = |text: &str| choices.into_iter().find(|(name, _)| *name == text).ok_or("none of them");
        self.text(key, &format!("one of {names}"), find).map(|(_, value)| value)
    }

    /// A number within bounds.
    pub(super) fn number<T: TryFrom<u64>>(&mut self, key: &str, bounds: RangeInclusive<u64>) -> Option<T> {
        let key = self.full(key);
        let value = self.integer(&key)?;
        let number =
            Some(value).filter(|value| bounds.contains(value)).and_then(|value| T::try_from(value).ok());
        if number.is_none() {
            let (least, most) = bounds.into_inner();
            self.wrong(&key, format!("expected a whole number from {least} to {most}, got {value}"));
        }
        number
    }

    /// A number of things in a time, at least one.
    pub(super) fn rate(&mut self, key: &str, most: u32) -> Option<NonZeroU32> {
        self.number(key, 1..=most.into()).and_then(NonZeroU32::new)
    }

    pub(super) fn seconds(&mut self, key: &str, bounds: RangeInclusive<u64>) -> Option<Duration> {
        self.number(key, bounds).map(Duration::from_secs)
    }

    pub(super) fn millis(&mut self, key: &str, bounds: RangeInclusive<u64>) -> Option<Duration> {
        self.number(key, bounds).map(Duration::from_millis)
    }

    /// The number of one key is less than that of another; both by their full names.
    pub(super) fn less(&mut self, small: &str, large: &str, why: &str) {
        self.relation(small, "less than", large, |small, large| small < large, why);
    }

    /// The number of one key is at most that of another; both by their full names.
    pub(super) fn at_most(&mut self, small: &str, large: &str, why: &str) {
        self.relation(small, "at most", large, |small, large| small <= large, why);
    }

    /// A number that is not 0 is of use only when another key, a text, is set; both by their full names.
    pub(super) fn needs(&mut self, key: &str, other: &str, why: &str) {
        let is_set = self.value(other).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
        if !is_set && self.integer(key).is_some_and(|number| number > 0) {
            self.wrong(key, format!("expected {other} to be set with it: {why}"));
        }
    }

    /// Noted under the smaller key, with the place of the other: either may be the wrong one. A key that already is a
    /// mistake still has its default here, from which nothing follows.
    fn relation(&mut self, small: &str, how: &str, large: &str, holds: impl Fn(u64, u64) -> bool, why: &str) {
        let (Some(value), Some(bound)) = (self.integer(small), self.integer(large)) else {
            return;
        };
        if holds(value, bound) || self.mistakes.concern(small) || self.mistakes.concern(large) {
            return;
        }
        let place = self.settings.place(large);
        self.wrong(small, format!("expected {how} {large} = {bound} ({place}), got {value}: {why}"));
    }

    fn parsed<T, E: Display>(
        &mut self,
        key: &str,
        text: &str,
        expected: &str,
        parse: &impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        let error = match parse(text) {
            Ok(value) => return Some(value),
            Err(error) => error.to_string(),
        };
        let got = quote(key, format_args!("{text:?}"));
        self.wrong(key, format!("expected {expected}, got {got} ({error})"));
        None
    }

    fn full(&self, key: &str) -> String {
        format!("{}.{key}", self.section)
    }

    fn integer(&mut self, key: &str) -> Option<u64> {
        self.value(key)?.as_integer()?.try_into().ok()
    }

    /// The value of a key, which has the type of its default. Only a key that `raw.rs` does not know has none; that is
    /// a mistake of ours, which any test finds.
    fn value(&mut self, key: &str) -> Option<&'a Value> {
        let value = self.settings.value(key);
        if value.is_none() {
            self.mistakes.add(key, Place::Default, "is checked, but it has no default");
        }
        value
    }

    fn wrong(&mut self, key: &str, problem: String) {
        self.mistakes.add(key, self.settings.place(key), problem);
    }
}
