//! A scenario file: who comes, what is said, what is done to them, and what must hold.

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use toml::{Table, Value};

/// A scenario, as its file has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it proves, and which settings the server needs for it.
    pub about: String,
    /// Who comes.
    #[serde(default)]
    pub crowd: Crowd,
    /// What is said.
    #[serde(default)]
    pub load: Load,
    /// How a plan that searches for the highest rate does it.
    #[serde(default)]
    pub search: Search,
    /// What is done.
    pub plan: Plan,
    /// What must hold, by the name of the figure.
    #[serde(default)]
    pub pass: BTreeMap<String, Bound>,
}

/// Who comes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Crowd {
    /// Rooms, called `SWARM-00` and so on. The server must have them.
    pub rooms: usize,
    /// Members of each room that only listen.
    pub readers_per_room: usize,
    /// Members of each room that talk, and listen, too.
    pub publishers_per_room: usize,
    /// Accounts that share the sockets; the server must allow each of them its share.
    pub users: usize,
    /// New sockets in a second, at most.
    pub connects_per_s: u64,
    /// Handshakes under way at the same time, at most.
    pub handshakes: usize,
    /// How long everybody may take to come.
    pub gather_s: u64,
}

impl Default for Crowd {
    fn default() -> Self {
        Self {
            rooms: 1,
            readers_per_room: 0,
            publishers_per_room: 0,
            users: 4,
            connects_per_s: 4000,
            handshakes: 200,
            gather_s: 60,
        }
    }
}

impl Crowd {
    /// Sockets of all kinds.
    pub const fn sockets(&self) -> usize {
        self.rooms * (self.readers_per_room + self.publishers_per_room)
    }
}

/// What is said.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Load {
    /// Messages in each room in a second, over all its publishers.
    pub room_messages_per_s: u64,
    /// Bytes of a message's content.
    pub content_bytes: usize,
    /// Whether publishers ask for acks.
    pub acks: bool,
    /// Talk before anything is measured.
    pub warmup_s: u64,
    /// Talk that is measured.
    pub measure_s: u64,
    /// How long the last deliveries may take.
    pub drain_s: u64,
}

impl Default for Load {
    fn default() -> Self {
        Self {
            room_messages_per_s: 1,
            content_bytes: 150,
            acks: false,
            warmup_s: 1,
            measure_s: 10,
            drain_s: 15,
        }
    }
}

/// What is done.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Plan {
    /// Talk at a steady rate.
    Fanout,
    /// The highest rate with nothing lost and quick enough, for each topology.
    Ramp {
        /// Such as `"100x100"`: rooms times readers.
        topologies: Vec<Topology>,
    },
    /// Sit there.
    Idle {
        /// How long before memory is looked at.
        settle_s: u64,
    },
    /// Every reader is cut now and then, and resumes.
    Jitter {
        /// The mean time between two cuts of one reader.
        cut_every_s: u64,
        /// How long it stays away.
        offline_s: u64,
    },
    /// All readers are cut at once, and resume.
    Avalanche {
        /// How often.
        rounds: u64,
        /// Each comes back after a random time up to this.
        spread_s: u64,
        /// How long the last one may take.
        return_s: u64,
    },
    /// Some readers read too slowly.
    SlowReader(SlowReader),
    /// Prices, read on `/ws/ticker`. A room is a reader's group and nothing else here.
    Ticks {
        /// Which.
        markets: Vec<String>,
    },
    /// Find the highest rate, then offer twice as much.
    Overload,
    /// Listen to event streams while others post. A room is nothing here, its readers are the listeners.
    Notifications {
        /// Accounts that post; the others follow one of them each, and listen.
        authors: usize,
        /// Posts in a second, over all authors.
        posts_per_s: u64,
        /// How long before memory is looked at.
        settle_s: u64,
    },
}

/// Readers that read too slowly.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlowReader {
    /// How many, of all readers.
    pub slow: usize,
    /// What they read in a second.
    pub bytes_per_s: usize,
    /// Their `SO_RCVBUF`.
    pub receive_buffer_bytes: usize,
    /// Talk with everybody healthy, for comparison.
    pub baseline_s: u64,
    /// The slow ones wake up one after the other, from here on
    pub wake_from_s: u64,
    /// to here.
    pub wake_to_s: u64,
}

/// How to search for the highest rate.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Search {
    /// The first rate, in messages a second over all rooms.
    pub first_messages_per_s: u64,
    /// No rate above it is tried.
    pub ceiling_messages_per_s: u64,
    /// The search ends when the answer is known to so many percent.
    pub precision_percent: u64,
    /// A rate passes if nothing is lost and 99 of 100 deliveries take at most this.
    pub p99_ms: f64,
}

impl Default for Search {
    fn default() -> Self {
        Self {
            first_messages_per_s: 100,
            ceiling_messages_per_s: 100_000,
            precision_percent: 10,
            p99_ms: 500.0,
        }
    }
}

/// Rooms and readers in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Topology {
    /// Rooms.
    pub rooms: usize,
    /// Readers in each.
    pub readers: usize,
}

impl TryFrom<String> for Topology {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parse = |(rooms, readers): (&str, &str)| {
            Some(Self { rooms: rooms.parse().ok()?, readers: readers.parse().ok()? })
        };
        let topology = text.split_once('x').and_then(parse);
        topology.ok_or_else(|| format!("expected rooms x readers such as \"100x100\", got {text:?}"))
    }
}

impl From<Topology> for String {
    fn from(topology: Topology) -> Self {
        format!("{}x{}", topology.rooms, topology.readers)
    }
}

/// What a figure must be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Bound {
    /// At least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// At most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
}

impl Bound {
    /// Whether the figure is within.
    pub fn holds(&self, figure: f64) -> bool {
        self.min.is_none_or(|min| figure >= min) && self.max.is_none_or(|max| figure <= max)
    }
}

impl Scenario {
    /// Reads a file and puts `changes` such as `load.measure_s=5` over it.
    ///
    /// # Errors
    ///
    /// What cannot be read, or makes no sense.
    pub fn read(path: &Path, changes: &[String]) -> anyhow::Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text, changes).with_context(|| format!("in {}", path.display()))
    }

    /// As [`read`](Self::read), from text.
    ///
    /// # Errors
    ///
    /// What makes no sense.
    pub fn parse(text: &str, changes: &[String]) -> anyhow::Result<Self> {
        let mut table: Table = text.parse()?;
        for change in changes {
            apply(&mut table, change)?;
        }
        let scenario: Self = table.try_into()?;
        scenario.check()?;
        Ok(scenario)
    }

    fn check(&self) -> anyhow::Result<()> {
        let Crowd { rooms, users, handshakes, connects_per_s, .. } = self.crowd;
        ensure!((1..=100).contains(&rooms), "crowd.rooms: expected 1 to 100, got {rooms}");
        ensure!(
            users > 0 && handshakes > 0 && connects_per_s > 0,
            "crowd: expected no zeros among its rates"
        );
        let least = crate::scan::STAMP_LETTERS + 2;
        ensure!(
            self.load.content_bytes >= least,
            "load.content_bytes: expected {least} or more for the send time"
        );
        if let Plan::Notifications { authors, .. } = self.plan {
            ensure!(
                (1..users).contains(&authors),
                "plan.authors: expected fewer than the {users} accounts, and one at least, got {authors}"
            );
        }
        if let Plan::SlowReader(SlowReader { slow, wake_from_s, wake_to_s, .. }) = self.plan {
            let readers = rooms * self.crowd.readers_per_room;
            ensure!(slow < readers, "plan.slow: expected fewer than the {readers} readers, got {slow}");
            ensure!(wake_from_s < wake_to_s, "plan: expected wake_from_s below wake_to_s");
        }
        Ok(())
    }
}

fn apply(table: &mut Table, change: &str) -> anyhow::Result<()> {
    let (path, value) = change.split_once('=').context("expected a change such as load.measure_s=5")?;
    // A bare word is a string: nobody likes to quote in a shell.
    let parsed =
        toml::from_str::<Table>(&format!("value = {value}")).ok().and_then(|mut table| table.remove("value"));
    let value = parsed.unwrap_or_else(|| Value::String(value.to_owned()));
    let mut keys: Vec<_> = path.split('.').collect();
    let last = keys.pop().unwrap_or_default();
    let mut place = table;
    for key in keys {
        let entry = place.entry(key).or_insert_with(|| Value::Table(Table::new()));
        place = entry.as_table_mut().with_context(|| format!("{key} of {path} is no table"))?;
    }
    place.insert(last.to_owned(), value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "about = 'x'\n[plan]\nkind = 'jitter'\ncut_every_s = 15\noffline_s = 2\n[pass]\nmissing = { max = 0 }";

    #[test]
    fn every_shipped_scenario_is_sound() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
        let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(files.len() >= 10);
        for file in files {
            Scenario::read(&file, &[]).unwrap_or_else(|error| panic!("{error:#}"));
        }
    }

    #[test]
    fn changes_go_over_the_file() {
        let changes = ["load.measure_s=3", "plan.offline_s=1", "about=short"].map(str::to_owned);
        let scenario = Scenario::parse(TEXT, &changes).unwrap();
        assert_eq!((scenario.load.measure_s, scenario.about.as_str()), (3, "short"));
        assert!(matches!(scenario.plan, Plan::Jitter { cut_every_s: 15, offline_s: 1 }));
    }

    #[test]
    fn mistakes_are_named() {
        for (change, named) in [
            ("crowd.rooms=0", "crowd.rooms"),
            ("crowd.roms=1", "roms"),
            ("load.content_bytes=3", "content_bytes"),
            ("plan.kind=dance", "dance"),
            ("about", "load.measure_s=5"),
        ] {
            let error = Scenario::parse(TEXT, &[change.to_owned()]).unwrap_err();
            assert!(format!("{error:#}").contains(named), "{change}: {error:#}");
        }
    }

    #[test]
    fn topologies_read_as_they_are_said() {
        let topology = Topology::try_from("100x20".to_owned()).unwrap();
        assert_eq!(topology, Topology { rooms: 100, readers: 20 });
        assert!(Topology::try_from("100".to_owned()).is_err());
    }

    #[test]
    fn bounds_hold_on_both_sides() {
        let bound = Bound { min: Some(1.0), max: Some(2.0) };
        assert_eq!([0.5, 1.0, 2.0, 2.5].map(|figure| bound.holds(figure)), [false, true, true, false]);
        assert!(!Bound { max: Some(1.0), ..Bound::default() }.holds(f64::NAN));
    }
}
