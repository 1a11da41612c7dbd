//! What is wrong with a configuration, all of it.

use std::error::Error;
use std::fmt;

use super::Place;
use super::raw::SECRETS;

/// One mistake: which key, where it was written, what was expected and what came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The key, as in `server.listen`; `syntax` or `file` when it is about the file itself.
    pub key: String,
    /// Where the offending value was written.
    pub place: Place,
    /// What was expected and what came. Never the value of a secret.
    pub problem: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.key, self.place, self.problem)
    }
}

/// All mistakes of a configuration; at least one when it is returned as an error.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mistakes(Vec<Mistake>);

impl Mistakes {
    /// The mistakes in the order they were found: layer by layer, then key by key.
    pub fn iter(&self) -> impl Iterator<Item = &Mistake> {
        self.0.iter()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether something is already wrong with this key. What follows from it is not worth a second line.
    pub(super) fn concern(&self, key: &str) -> bool {
        self.0.iter().any(|mistake| mistake.key == key)
    }

    pub(super) fn add(&mut self, key: &str, place: Place, problem: impl Into<String>) {
        self.0.push(Mistake { key: key.to_owned(), place, problem: problem.into() });
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.0.len() == 1 { "" } else { "s" };
        write!(f, "{} mistake{plural} in the configuration", self.0.len())?;
        self.0.iter().try_for_each(|mistake| write!(f, "\n  {mistake}"))
    }
}

impl Error for Mistakes {}

/// A value as a mistake may quote it.
pub(super) fn quote(key: &str, value: impl fmt::Display) -> String {
    if SECRETS.contains(&key) {
        "a value that is not shown, being secret".to_owned()
    } else {
        value.to_string()
    }
}
