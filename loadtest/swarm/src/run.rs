//! One run of one scenario, in one process or several.

use anyhow::{Context, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::account;
use crate::limits::SPARE_FILES;
use crate::outcome::Outcome;
use crate::part::{Part, READY};
use crate::plan::{self, Lab};
use crate::report::{Report, Setting};
use crate::scenario::{Plan, Scenario};
use crate::target::Target;

/// What is to be run.
#[derive(Debug, Clone)]
pub struct Run {
    /// The scenario's file.
    pub scenario: PathBuf,
    /// Changes to it, such as `load.measure_s=5`.
    pub changes: Vec<String>,
    /// The server.
    pub server: Target,
    /// Its process, if it is to be watched.
    pub pid: Option<u32>,
    /// Distinguishes this run from others of the same scenario.
    pub label: Option<String>,
    /// Where the results go.
    pub out: Option<PathBuf>,
    /// Over how many processes the swarm is spread.
    pub parts: usize,
}

impl Run {
    /// Runs, reports on standard output and in files, and returns the report.
    ///
    /// # Errors
    ///
    /// What keeps the run from coming to numbers.
    pub fn execute(&self) -> anyhow::Result<Report> {
        let scenario = Scenario::read(&self.scenario, &self.changes)?;
        let version = account::get(self.server, "/version")?;
        let version = Some(version.body).filter(|_| version.status == 200);
        let setting = Setting::now(self.server.to_string(), version);
        let outcome =
            if self.parts > 1 { self.spread(&scenario)? } else { self.part(&scenario, Part::WHOLE)? };
        let folder = self.out.clone().unwrap_or_else(|| setting.folder());
        let report = Report::new(&self.name(), scenario, outcome, setting);
        print!("{report}");
        println!("\nresults in {}", report.write(&folder)?.display());
        Ok(report)
    }

    /// Runs as one of several processes, and tells the one that started it what came out.
    ///
    /// # Errors
    ///
    /// As [`execute`](Self::execute).
    pub fn execute_part(&self, part: Part) -> anyhow::Result<()> {
        let scenario = Scenario::read(&self.scenario, &self.changes)?;
        let outcome = self.part(&scenario, part)?;
        println!("{}", serde_json::to_string(&outcome)?);
        Ok(())
    }

    fn name(&self) -> String {
        let stem = self.scenario.file_stem().unwrap_or_default().to_string_lossy();
        self.label.as_ref().map_or_else(|| stem.to_string(), |label| format!("{stem}.{label}"))
    }

    fn part(&self, scenario: &Scenario, part: Part) -> anyhow::Result<Outcome> {
        let crowd = part.crowd(scenario)?;
        let topologies = match &scenario.plan {
            Plan::Ramp { topologies } => topologies.as_slice(),
            _ => &[],
        };
        let largest = topologies.iter().map(|it| it.rooms * (it.readers + crowd.publishers_per_room)).max();
        ensure_files(largest.unwrap_or_else(|| crowd.sockets()))?;
        let tokens = account::tokens(self.server, crowd.users)?;
        let lab = Lab { scenario, crowd, target: self.server, tokens: &tokens, pid: self.pid, part };
        plan::run(&lab)
    }

    /// Starts the parts, lets them go on together where they meet, and adds up what they tell.
    fn spread(&self, scenario: &Scenario) -> anyhow::Result<Outcome> {
        // Says what is wrong once, instead of once a part.
        Part { index: 0, of: self.parts }.crowd(scenario)?;
        let parts: Vec<_> = (0..self.parts)
            .map(|index| self.spawn(Part { index, of: self.parts }))
            .collect::<Result<_, _>>()?;
        let mut parts: Vec<_> = parts.into_iter().map(Spawned::new).collect::<Result<_, _>>()?;
        loop {
            let lines: Vec<_> = parts.iter_mut().map(Spawned::line).collect::<Result<_, _>>()?;
            if lines.iter().all(|line| line.trim() == READY) {
                parts.iter_mut().try_for_each(Spawned::go)?;
                continue;
            }
            let mut all = Outcome::default();
            for line in lines {
                all.merge(serde_json::from_str(&line).context("expected a part's numbers")?);
            }
            return Ok(all);
        }
    }

    fn spawn(&self, part: Part) -> anyhow::Result<Child> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("run").arg(&self.scenario).arg("--server").arg(self.server.to_string());
        command.arg("--part").arg(format!("{}/{}", part.index, part.of));
        self.changes.iter().for_each(|change| {
            command.arg("--set").arg(change);
        });
        if let Some(pid) = self.pid {
            command.arg("--pid").arg(pid.to_string());
        }
        Ok(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?)
    }
}

/// A part that runs as a process. Ended with whatever holds it.
struct Spawned {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Spawned {
    fn new(mut child: Child) -> anyhow::Result<Self> {
        let stdout = child.stdout.take().context("a part has no standard output")?;
        Ok(Self { child, stdout: BufReader::new(stdout) })
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        ensure!(self.stdout.read_line(&mut line)? > 0, "a part ended early; its reason stands above");
        Ok(line)
    }

    fn go(&mut self) -> anyhow::Result<()> {
        let stdin = self.child.stdin.as_mut().context("a part has no standard input")?;
        Ok(stdin.write_all(b"go\n")?)
    }
}

impl Drop for Spawned {
    fn drop(&mut self) {
        // Nothing to do about a process that is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Raises the limit of open files as far as this process may, and checks that the sockets fit under it.
fn ensure_files(sockets: usize) -> anyhow::Result<()> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?;
    let files = maximum.unwrap_or(u64::MAX);
    let fitting = files.saturating_sub(SPARE_FILES);
    let sockets = u64::try_from(sockets)?;
    ensure!(
        sockets <= fitting,
        "expected to open {sockets} sockets, but this process may have {files} files open: {fitting} sockets fit. \
         Use --parts {} or a smaller crowd (--set crowd.readers_per_room=..)",
        sockets.div_ceil(fitting.max(1))
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_that_does_not_fit_is_told_what_does() {
        assert!(ensure_files(10).is_ok());
        let error = ensure_files(usize::MAX / 2).unwrap_err().to_string();
        assert!(error.contains("sockets fit") && error.contains("--parts"), "{error}");
    }

    #[test]
    fn a_label_tells_two_runs_of_a_scenario_apart() {
        let run = Run {
            scenario: "scenarios/ramp.toml".into(),
            changes: Vec::new(),
            server: "127.0.0.1:1".parse().unwrap(),
            pid: None,
            label: Some("relay".to_owned()),
            out: None,
            parts: 1,
        };
        assert_eq!(run.name(), "ramp.relay");
    }
}
