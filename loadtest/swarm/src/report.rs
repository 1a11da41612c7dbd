//! The receipt of a run: what was asked, where it ran, what came out; as JSON for machines and a table for people.

use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::outcome::Outcome;
use crate::procfs::Host;
use crate::scenario::Scenario;
use crate::verdict::{self, Check};

/// From this share of a core on, the generator and not the server may be what is measured.
const SATURATED: f64 = 0.95;

/// From this share of the time on that a process is kept from its core, the machine is too busy to measure on.
const DISTURBED: f64 = 0.05;

/// The receipt.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The scenario's name: that of its file.
    pub name: String,
    /// What was asked, with the changes of the command line.
    pub scenario: Scenario,
    /// Whether everything that was checked is good.
    pub passed: bool,
    /// What was checked.
    pub checks: Vec<Check>,
    /// The figures by name; the name ends with the unit.
    pub figures: BTreeMap<String, f64>,
    /// The raw numbers.
    pub outcome: Outcome,
    /// Under which circumstances.
    pub setting: Setting,
}

/// Under which circumstances a run was made.
#[derive(Debug, Clone, Serialize)]
pub struct Setting {
    /// When it began.
    pub started: String,
    /// The command line.
    pub command: Vec<String>,
    /// This program's version.
    pub version: String,
    /// The source's revision, where there is one.
    pub revision: Option<String>,
    /// The server's address.
    pub server: String,
    /// What the server says about itself.
    pub server_version: Option<String>,
    /// The machine.
    pub host: Host,
}

impl Setting {
    /// Now and here.
    pub fn now(server: String, server_version: Option<String>) -> Self {
        Self {
            started: jiff::Timestamp::now().to_string(),
            command: std::env::args().collect(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            revision: revision(),
            server,
            server_version,
            host: Host::here(),
        }
    }

    /// The folder for the runs of today on this machine.
    pub fn folder(&self) -> PathBuf {
        let day = self.started.split('T').next().unwrap_or_default();
        Path::new("runs").join(format!("{day}-{}", self.host.name))
    }
}

/// What speaks against taking the figures at their word.
fn cautions(figures: &BTreeMap<String, f64>) -> Vec<String> {
    let share = |name: &str| figures.get(name).copied().unwrap_or_default();
    // Time that the generator waited for its core was no time to spare, either.
    let busy = share("generator_cpu_share") + share("generator_wait_share");
    let saturated = (busy > SATURATED)
        .then(|| "the generator's core was saturated: the server can do at least this".to_owned());
    let disturbed = ["server", "generator"].into_iter().filter_map(|who| {
        let waited = Some(share(&format!("{who}_wait_share"))).filter(|waited| *waited > DISTURBED)?;
        let percent = waited * 100.0;
        Some(format!(
            "the {who} waited {percent:.0} % of the time for a core that others used: the times are too long"
        ))
    });
    saturated.into_iter().chain(disturbed).collect()
}

fn revision() -> Option<String> {
    let output = Command::new("git")
        .args(["--no-optional-locks", "describe", "--always", "--dirty", "--abbrev=12"])
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok().filter(|_| output.status.success())?;
    Some(text.trim().to_owned())
}

impl Report {
    /// Judges a run.
    pub fn new(name: &str, scenario: Scenario, mut outcome: Outcome, setting: Setting) -> Self {
        let figures = outcome.figures();
        outcome.notes.extend(cautions(&figures));
        let checks = verdict::checks(&scenario, &figures);
        let passed = checks.iter().all(|check| check.passed);
        Self { name: name.to_owned(), scenario, passed, checks, figures, outcome, setting }
    }

    /// Writes both forms into `folder`.
    ///
    /// # Errors
    ///
    /// The file system's.
    pub fn write(&self, folder: &Path) -> anyhow::Result<PathBuf> {
        std::fs::create_dir_all(folder)?;
        let path = folder.join(&self.name);
        let json = path.with_added_extension("json");
        std::fs::write(&json, serde_json::to_string(self)?)?;
        std::fs::write(path.with_added_extension("txt"), self.to_string())?;
        Ok(json)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Setting { started, command, version, revision, server, server_version, host } = &self.setting;
        let verdict = |passed| if passed { "PASS" } else { "FAIL" };
        writeln!(f, "{} {}\n{}\n", verdict(self.passed), self.name, self.scenario.about.trim())?;
        writeln!(f, "started   {started}\ncommand   {}", command.join(" "))?;
        writeln!(f, "swarm     {version}, revision {}", revision.as_deref().unwrap_or("unknown"))?;
        writeln!(f, "server    {server}, {}", server_version.as_deref().unwrap_or("unknown version"))?;
        writeln!(
            f,
            "host      {}: {} x {}, {}, Linux {}; generator on core {}\n",
            host.name, host.cores, host.cpu, host.memory, host.kernel, host.generator_cores
        )?;
        for Check { name, expected, got, passed } in &self.checks {
            let got = got.map_or_else(String::new, |got| format!(", got {}", number(got)));
            writeln!(f, "{} {name}: {expected}{got}", verdict(*passed))?;
        }
        f.write_char('\n')?;
        for (name, figure) in &self.figures {
            writeln!(f, "{name:<46} {:>16}", number(*figure))?;
        }
        for note in &self.outcome.notes {
            writeln!(f, "\n{note}")?;
        }
        Ok(())
    }
}

/// Large numbers without a fraction, small ones with as much of it as tells something.
pub fn number(figure: f64) -> String {
    match figure.abs() {
        size if size >= 1000.0 || figure.fract() == 0.0 => format!("{figure:.0}"),
        size if size >= 10.0 => format!("{figure:.1}"),
        _ => format!("{figure:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(share: f64) -> Report {
        let text = "about = 'x'\n[plan]\nkind = 'fanout'\n[pass]\ngenerator_cpu_s = { max = 100 }";
        let mut outcome = Outcome::default();
        outcome.peak("generator_cpu_s", share);
        outcome.peak("cpu_window_s", 1.0);
        let setting = Setting {
            started: "2026-11-23T00:00:00Z".into(),
            command: vec!["tickroom-swarm".into()],
            version: "0".into(),
            revision: None,
            server: "http://127.0.0.1:1".into(),
            server_version: None,
            host: Host::here(),
        };
        Report::new("x", Scenario::parse(text, &[]).unwrap(), outcome, setting)
    }

    #[test]
    fn a_saturated_generator_says_so() {
        assert!(report(0.99).to_string().contains("saturated"));
        assert!(!report(0.5).to_string().contains("saturated"));
    }

    #[test]
    fn both_forms_are_written_side_by_side() {
        let folder = tempfile::tempdir().unwrap();
        let json = report(0.5).write(&folder.path().join("deep/er")).unwrap();
        let value: serde_json::Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
        assert_eq!(
            (value["passed"].as_bool(), value["figures"]["generator_cpu_share"].as_f64()),
            (Some(true), Some(0.5))
        );
        assert!(std::fs::read_to_string(json.with_extension("txt")).unwrap().starts_with("PASS x"));
    }

    #[test]
    fn numbers_keep_what_tells_something() {
        assert_eq!([1234.5, 12.34, 0.1234, 3.0].map(number), ["1234", "12.3", "0.123", "3"]);
    }
}
