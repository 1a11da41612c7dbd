//! The layers laid over each other: for every key the value that won, and the place that it came from.

use std::collections::BTreeMap;
use std::fmt;

use secrecy::ExposeSecret;
use toml::{Table, Value};

use super::mistake::quote;
use super::raw::{Raw, SECRETS};
use super::source::{Written, variable_of};
use super::{Config, Mistakes, Place, Sources};

/// Below this likeness (1 is equal), a known key is not what somebody meant by an unknown one.
const LIKENESS_FLOOR: f64 = 0.6;

/// Every key there is with its present value, in sections, and the places of those that are not defaults.
pub(super) struct Settings {
    sections: Table,
    places: BTreeMap<String, Place>,
}

/// Lays everything that is written over the defaults. A value of the wrong type or an unknown key is a mistake and
/// is left out, so that it does not hide what is wrong with the others.
pub(super) fn read(sources: &Sources) -> (Settings, Mistakes) {
    let mut mistakes = Mistakes::default();
    // Writing the defaults as TOML cannot fail: they are texts, lists and small numbers. If it did, every key would
    // be unknown.
    let sections = Table::try_from(Raw::default()).unwrap_or_default();
    let mut settings = Settings { sections, places: BTreeMap::new() };
    for Written { key, value, place } in sources.written(&mut mistakes) {
        if let Err(problem) = settings.put(&key, value, &place) {
            mistakes.add(&key, place, problem);
        }
    }
    (settings, mistakes)
}

impl Settings {
    /// The present value of a key, of the same type as its default.
    pub(super) fn value(&self, key: &str) -> Option<&Value> {
        let (section, name) = key.split_once('.')?;
        self.sections.get(section)?.get(name)
    }

    /// Where the present value of a key was written.
    pub(super) fn place(&self, key: &str) -> Place {
        self.places.get(key).cloned().unwrap_or(Place::Default)
    }

    /// Fills in what follows from other settings where nobody set it, for people to see.
    pub(super) fn show_derived(&mut self, config: &Config) {
        let public_url = config.server.public_url.as_str();
        let database_url = config.storage.database_url.expose_secret();
        let derived = [("server.public_url", public_url), ("storage.database_url", database_url)];
        for (key, text) in derived {
            if let Some(value) = self.value_mut(key) {
                *value = Value::String(text.to_owned());
            }
        }
    }

    /// Takes over one value, or says what is wrong with it.
    fn put(&mut self, key: &str, value: Value, place: &Place) -> Result<(), String> {
        if let Some(section) = self.sections.get(key) {
            // Not the value itself: whatever it is, a secret may be in it.
            let got = value.type_str();
            return if section.same_type(&value) {
                Ok(())
            } else {
                Err(format!("expected a section, got {got}"))
            };
        }
        let Some(present) = self.value_mut(key) else {
            return self.unknown(key, place).map_or(Ok(()), Err);
        };
        let value = match place {
            Place::File(..) => value,
            _ => coerce(present, value),
        };
        if !accepts(present, &value) {
            return Err(format!("expected {}, got {}", expected(present), quote(key, &value)));
        }
        *present = value;
        self.places.insert(key.to_owned(), place.clone());
        Ok(())
    }

    fn value_mut(&mut self, key: &str) -> Option<&mut Value> {
        let (section, name) = key.split_once('.')?;
        self.sections.get_mut(section)?.get_mut(name)
    }

    fn keys(&self) -> impl Iterator<Item = String> {
        let sections = self.sections.iter().filter_map(|(name, section)| Some((name, section.as_table()?)));
        sections.flat_map(|(name, section)| section.keys().map(move |key| format!("{name}.{key}")))
    }

    /// What to say about a key that does not exist, if anything.
    fn unknown(&self, key: &str, place: &Place) -> Option<String> {
        match place {
            Place::Environment(_) => self.unknown_variable(key),
            _ => Some(self.unknown_key(key)),
        }
    }

    /// Which one was probably meant, else which there are.
    fn unknown_key(&self, key: &str) -> String {
        if let Some(known) = self.nearest(key) {
            return format!("no such key; did you mean {known}?");
        }
        let names = |table: &Table| table.keys().cloned().collect::<Vec<_>>().join(", ");
        let section = key.split_once('.').and_then(|(name, _)| self.sections.get(name)?.as_table());
        match section {
            Some(section) => format!("no such key; there are {}", names(section)),
            None => format!("no such section; there are {}", names(&self.sections)),
        }
    }

    /// Without a `__`, a variable is a mistake only when the missing underscore would make a key of it: in Kubernetes,
    /// a service named `tickroom` puts variables like `TICKROOM_PORT` into every container.
    fn unknown_variable(&self, key: &str) -> Option<String> {
        if key.contains('.') {
            let nearest = self.nearest(key).as_deref().map(variable_of);
            return Some(
                nearest.map_or("no such key".to_owned(), |name| format!("no such key; did you mean {name}?")),
            );
        }
        let known = self.keys().find(|known| known.replace('.', "_") == key)?;
        let meant = variable_of(&known);
        Some(format!("two underscores go behind the section: did you mean {meant}?"))
    }

    fn nearest(&self, key: &str) -> Option<String> {
        let candidates = self.keys().map(|known| (likeness(key, &known), known));
        let likely = candidates.filter(|(likeness, _)| *likeness >= LIKENESS_FLOOR);
        likely.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, known)| known)
    }
}

/// A TOML document of every key; behind each that is not a default, where it was written.
impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "# What the server runs with. A value without a remark is the default.")?;
        for (name, section) in &self.sections {
            write!(f, "\n\n[{name}]")?;
            for (key, value) in section.as_table().into_iter().flatten() {
                let full = format!("{name}.{key}");
                write!(f, "\n{key} = {}", masked(&full, value))?;
                if let Some(place) = self.places.get(&full) {
                    write!(f, "  # {place}")?;
                }
            }
        }
        Ok(())
    }
}

/// A value for the eyes of people. SQLite has no passwords, and its path is what one looks for.
fn masked(key: &str, value: &Value) -> String {
    let text = value.as_str().unwrap_or_default();
    if !SECRETS.contains(&key) || text.is_empty() || text.starts_with("sqlite:") {
        return value.to_string();
    }
    "\"***\"".to_owned()
}

/// How alike the names of two keys are, from 0 to 1. The section is left out: the right name in the wrong section is
/// as good a hint as any, and a long section would make all its keys look alike.
fn likeness(written: &str, known: &str) -> f64 {
    let name = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    strsim::normalized_damerau_levenshtein(&name(written), &name(known))
}

/// A text from outside the file as the type of the value that it replaces, where it can be read as that.
fn coerce(present: &Value, written: Value) -> Value {
    let text = written.as_str().unwrap_or_default();
    match present {
        Value::Integer(_) => text.trim().parse().map_or(written, Value::Integer),
        Value::Array(_) => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            items.map(Value::from).collect::<Vec<_>>().into()
        }
        _ => written,
    }
}

fn accepts(present: &Value, written: &Value) -> bool {
    match (present, written) {
        (Value::Integer(_), Value::Integer(number)) => *number >= 0,
        (Value::Array(_), Value::Array(items)) => items.iter().all(Value::is_str),
        _ => present.same_type(written),
    }
}

fn expected(present: &Value) -> &'static str {
    match present {
        Value::Integer(_) => "a whole number that is not negative",
        Value::Array(_) => "a list of texts",
        _ => "a text in quotes",
    }
}
