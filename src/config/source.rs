//! Where settings are written: a file, environment variables, arguments. This file finds them and remembers the
//! place; what they mean is decided in `settings.rs`.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use toml::Spanned;
use toml::Value;
use toml::de::{DeTable, DeValue};

use super::Mistakes;

/// Variables that start with this are settings, if they have a `__` behind the section. See [`in_variable`].
const PREFIX: &str = "TICKROOM_";

/// Settings that are also known by the name that hosting platforms give them. The prefixed name wins.
const WELL_KNOWN: [(&str, &str); 4] = [
    ("DATABASE_URL", "storage.database_url"),
    ("MONGODB_URL", "storage.mongodb_url"),
    ("SMTP_URL", "mail.smtp_url"),
    ("UPLOADS_URL", "uploads.url"),
];

/// Variables that start with these say how to get into a cloud's store. They keep the names that the clouds' own tools
/// know them by, so that what works there works here.
const CLOUDS: [&str; 3] = ["AWS_", "AZURE_", "GOOGLE_"];

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Nowhere: it is the default.
    Default,
    /// A line of the file, counted from 1; line 0 is the file as a whole.
    File(PathBuf, usize),
    /// An environment variable, by name.
    Environment(String),
    /// An argument, by name.
    CommandLine(&'static str),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path, 0) => write!(f, "{}", path.display()),
            Self::File(path, line) => write!(f, "{} line {line}", path.display()),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::CommandLine(name) => write!(f, "{name} on the command line"),
        }
    }
}

/// What [`super::load`] reads, each layer winning over the one before: file, environment, arguments. Empty: nothing
/// but the defaults.
#[derive(Clone, Default)]
pub struct Sources {
    file: Option<PathBuf>,
    environment: Vec<(String, String)>,
    arguments: Vec<(&'static str, &'static str, String)>,
}

impl Sources {
    /// Reads this TOML file; it is a mistake when it cannot be read.
    #[must_use]
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        self.file = Some(path.into());
        self
    }

    /// Reads the environment of this process.
    #[must_use]
    pub fn process_environment(self) -> Self {
        // Not `vars`, which panics at a variable of somebody else that is not UTF-8.
        let text = |os: OsString| os.to_string_lossy().into_owned();
        self.environment(env::vars_os().map(|(name, value)| (text(name), text(value))))
    }

    /// Reads these environment variables, of which most may have nothing to do with us.
    #[must_use]
    pub fn environment(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        self.environment.extend(variables);
        self
    }

    /// Sets `key` to a text as in an environment variable; `name` is how mistakes call the place.
    #[must_use]
    pub fn argument(mut self, name: &'static str, key: &'static str, value: impl Into<String>) -> Self {
        self.arguments.push((name, key, value.into()));
        self
    }

    /// Everything that is written, the weakest layer first.
    pub(super) fn written(&self, mistakes: &mut Mistakes) -> Vec<Written> {
        let mut written = self.file.as_deref().map(|path| in_file(path, mistakes)).unwrap_or_default();
        written.extend(self.well_known());
        written.extend(self.environment.iter().filter_map(|(name, text)| in_variable(name, text)));
        written.extend(self.arguments.iter().map(|(name, key, text)| Written {
            key: (*key).to_owned(),
            value: Value::String(text.clone()),
            place: Place::CommandLine(name),
        }));
        written
    }

    /// What the environment says about getting into a cloud's store.
    pub(super) fn cloud_credentials(&self) -> Vec<(String, SecretString)> {
        let is_clouds = |name: &str| CLOUDS.iter().any(|prefix| name.starts_with(prefix));
        let clouds = self.environment.iter().filter(|(name, text)| is_clouds(name) && !text.is_empty());
        clouds.map(|(name, text)| (name.clone(), text.as_str().into())).collect()
    }

    fn well_known(&self) -> impl Iterator<Item = Written> {
        self.environment.iter().filter(|(_, text)| !text.is_empty()).filter_map(|(name, text)| {
            let (_, key) = WELL_KNOWN.iter().find(|(known, _)| known == name)?;
            Some(Written {
                key: (*key).to_owned(),
                value: Value::String(text.clone()),
                place: Place::Environment(name.clone()),
            })
        })
    }
}

/// One setting as it was written.
pub(super) struct Written {
    /// `section.key`, or whatever stands in its place.
    pub(super) key: String,
    /// Typed when it comes from the file, else always a text.
    pub(super) value: Value,
    pub(super) place: Place,
}

/// `TICKROOM_SERVER__LISTEN` is `server.listen`; without the `__`, it stays `server_listen`, which may be a slip or
/// somebody else's. An empty variable is one that was not set: container tools write `NAME=` for a value they do not
/// have.
fn in_variable(name: &str, text: &str) -> Option<Written> {
    let key = name.strip_prefix(PREFIX)?.replacen("__", ".", 1);
    (!text.is_empty()).then(|| Written {
        key: key.to_ascii_lowercase(),
        value: Value::String(text.to_owned()),
        place: Place::Environment(name.to_owned()),
    })
}

/// What a variable would have to be called for this key.
pub(super) fn variable_of(key: &str) -> String {
    format!("{PREFIX}{}", key.replacen('.', "__", 1).to_ascii_uppercase())
}

/// The settings of a file. What is wrong with its syntax is reported, the rest is still read.
fn in_file(path: &Path, mistakes: &mut Mistakes) -> Vec<Written> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            let place = Place::File(path.to_owned(), 0);
            mistakes.add("file", place, format!("cannot be read: {error}"));
            return Vec::new();
        }
    };
    let file = File { path, text: &text };
    let (table, errors) = DeTable::parse_recoverable(&text);
    for error in errors {
        // Only the message: the error's `Display` quotes the line, which may hold a secret.
        let place = file.place(error.span().unwrap_or_default());
        mistakes.add("syntax", place, error.message());
    }
    file.sections(table.into_inner(), mistakes)
}

/// A file being read: what it takes to turn a span into a place.
struct File<'a> {
    path: &'a Path,
    text: &'a str,
}

impl File<'_> {
    fn place(&self, span: Range<usize>) -> Place {
        let before = self.text.bytes().take(span.start);
        let line = 1 + before.filter(|byte| *byte == b'\n').count();
        Place::File(self.path.to_owned(), line)
    }

    /// Keys two levels down by their full name, and by its own name what is not a section but stands in its place.
    fn sections(&self, table: DeTable<'_>, mistakes: &mut Mistakes) -> Vec<Written> {
        let mut written = Vec::new();
        for (name, value) in table {
            let place = self.place(name.span());
            let name = name.into_inner();
            if !value.get_ref().is_table() {
                written.extend(typed(name.into_owned(), value, place, mistakes));
            } else if let DeValue::Table(section) = value.into_inner() {
                written.push(Written {
                    key: name.to_string(),
                    value: Value::Table(toml::Table::new()),
                    place,
                });
                written.extend(section.into_iter().filter_map(|(key, value)| {
                    let place = self.place(key.span());
                    typed(format!("{name}.{}", key.get_ref()), value, place, mistakes)
                }));
            }
        }
        written
    }
}

/// A parsed value as a typed one. What fails here is a number that no type can hold.
fn typed(key: String, value: Spanned<DeValue<'_>>, place: Place, mistakes: &mut Mistakes) -> Option<Written> {
    match Value::deserialize(value.into_deserializer()) {
        Ok(value) => Some(Written { key, value, place }),
        Err(error) => {
            mistakes.add(&key, place, error.message());
            None
        }
    }
}
