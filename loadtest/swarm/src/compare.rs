//! Tickroom against the bare relay: both on one core, one after the other, the generator on another.

use anyhow::{Context, ensure};
use serde_json::Value;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::account;
use crate::limits::START_TIMEOUT_S;
use crate::report::number;
use crate::target::Target;

/// The figures that stand side by side, beside all that a search found.
const COMPARED: [&str; 8] = [
    "deliveries_per_s",
    "deliveries_per_server_cpu_s",
    "latency_p50_ms",
    "latency_p99_ms",
    "server_rss_mib",
    "generator_cpu_share",
    "generator_wait_share",
    "server_wait_share",
];

/// What is to be compared.
#[derive(Debug)]
pub struct Comparison {
    /// The server's binary.
    pub tickroom: PathBuf,
    /// Its settings.
    pub config: PathBuf,
    /// The scenarios' files.
    pub scenarios: Vec<PathBuf>,
    /// Changes to all of them.
    pub changes: Vec<String>,
    /// Where the results go.
    pub out: PathBuf,
    /// The servers' core.
    pub server_core: u32,
    /// The generator's core.
    pub generator_core: u32,
    /// A run that takes longer is ended.
    pub limit: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Contender {
    Relay,
    Tickroom,
}

impl Comparison {
    /// Runs every scenario against both, and prints how they compare. Returns whether all runs passed.
    ///
    /// # Errors
    ///
    /// When a server does not start or a run comes to no numbers.
    pub fn execute(&self) -> anyhow::Result<bool> {
        let mut all_passed = true;
        let mut table = String::new();
        for scenario in &self.scenarios {
            let relay = self.measure(scenario, Contender::Relay)?;
            let tickroom = self.measure(scenario, Contender::Tickroom)?;
            all_passed &= [&relay, &tickroom].iter().all(|report| passed(report));
            table.push_str(&rows(scenario, &relay, &tickroom));
        }
        println!("{table}");
        std::fs::write(self.out.join("compare.txt"), table)?;
        Ok(all_passed)
    }

    fn measure(&self, scenario: &Path, contender: Contender) -> anyhow::Result<Value> {
        let data = std::env::temp_dir().join(format!("tickroom-swarm-{:016x}", fastrand::u64(..)));
        let target = free_target()?;
        let server = Server::start(self.server_command(contender, target, &data)?, target);
        let report = server.and_then(|server| self.run(scenario, contender, target, &server));
        // The relay has no data, and a server that failed to start may have none either.
        let _ = std::fs::remove_dir_all(&data);
        report
    }

    fn server_command(&self, contender: Contender, target: Target, data: &Path) -> anyhow::Result<Command> {
        let mut command = pinned(self.server_core);
        let address = target.address().to_string();
        match contender {
            Contender::Relay => command.arg(std::env::current_exe()?).args(["relay", "--listen", &address]),
            Contender::Tickroom => command
                .arg(&self.tickroom)
                .args(["serve", "--listen", &address, "--log-level", "warn", "--config"])
                .arg(&self.config)
                .arg("--data-dir")
                .arg(data),
        };
        Ok(command)
    }

    fn run(
        &self,
        scenario: &Path,
        contender: Contender,
        target: Target,
        server: &Server,
    ) -> anyhow::Result<Value> {
        let label = format!("{contender:?}").to_lowercase();
        let mut command = pinned(self.generator_core);
        command.arg(std::env::current_exe()?).arg("run").arg(scenario);
        command.args([
            "--server",
            &target.to_string(),
            "--pid",
            &server.0.id().to_string(),
            "--label",
            &label,
        ]);
        command.arg("--out").arg(&self.out);
        self.changes.iter().for_each(|change| {
            command.args(["--set", change]);
        });
        println!("{label}: {}", scenario.display());
        let mut run = command.stdout(Stdio::null()).spawn().context("cannot start taskset")?;
        let status = wait(&mut run, self.limit)?;
        let _ = run.kill();
        ensure!(status.is_some(), "{} against {label} took too long", scenario.display());
        let stem = scenario.file_stem().unwrap_or_default().to_string_lossy();
        let path = self.out.join(format!("{stem}.{label}.json"));
        let json =
            std::fs::read_to_string(&path).with_context(|| format!("no results in {}", path.display()))?;
        Ok(serde_json::from_str(&json)?)
    }
}

fn pinned(core: u32) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string()]);
    command
}

/// A port that was free a moment ago.
fn free_target() -> anyhow::Result<Target> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string().parse()?)
}

/// A server that runs. Asked to stop with whatever holds it.
struct Server(Child);

impl Server {
    fn start(mut command: Command, target: Target) -> anyhow::Result<Self> {
        let mut server = Self(command.spawn().context("cannot start taskset")?);
        let deadline = Instant::now() + Duration::from_secs(START_TIMEOUT_S);
        while !account::get(target, "/health/ready").is_ok_and(|answer| matches!(answer.status, 200 | 404)) {
            ensure!(
                wait(&mut server.0, Duration::from_millis(100))?.is_none(),
                "the server ended before it was up"
            );
            ensure!(Instant::now() < deadline, "the server was not up in {START_TIMEOUT_S} s");
        }
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let pid = i32::try_from(self.0.id()).ok().and_then(rustix::process::Pid::from_raw);
        // A server that is gone, or does not go, is dealt with below.
        let _ = pid.map(|pid| rustix::process::kill_process(pid, rustix::process::Signal::TERM));
        let _ = wait(&mut self.0, Duration::from_secs(START_TIMEOUT_S));
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How the process ended; nothing if it has not in this time.
#[expect(clippy::disallowed_methods, reason = "there is no runtime here whose thread could be blocked")]
fn wait(child: &mut Child, patience: Duration) -> anyhow::Result<Option<ExitStatus>> {
    let deadline = Instant::now() + patience;
    loop {
        let status = child.try_wait()?;
        if status.is_some() || Instant::now() >= deadline {
            return Ok(status);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn passed(report: &Value) -> bool {
    report.get("passed").and_then(Value::as_bool) == Some(true)
}

fn rows(scenario: &Path, relay: &Value, tickroom: &Value) -> String {
    let figures =
        |report: &Value| report.get("figures").and_then(Value::as_object).cloned().unwrap_or_default();
    let verdict = |report| if passed(report) { "PASS" } else { "FAIL" };
    let stem = scenario.file_stem().unwrap_or_default().to_string_lossy();
    let mut text = row([&stem, "relay", "tickroom", "tickroom/relay"]);
    text += &row(["verdict", verdict(relay), verdict(tickroom), ""]);
    let (left, right) = (figures(relay), figures(tickroom));
    for name in left.keys().filter(|name| COMPARED.contains(&name.as_str()) || name.starts_with("highest_")) {
        let pair = (left.get(name).and_then(Value::as_f64), right.get(name).and_then(Value::as_f64));
        if let (Some(relay), Some(tickroom)) = pair {
            text += &row([name, &number(relay), &number(tickroom), &number(tickroom / relay)]);
        }
    }
    text + "\n"
}

fn row([name, relay, tickroom, ratio]: [&str; 4]) -> String {
    format!("{name:<46} {relay:>14} {tickroom:>14} {ratio:>14}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn figures_stand_side_by_side_with_their_ratio() {
        let relay = json!({ "passed": true, "figures": { "deliveries_per_server_cpu_s": 4000.0 } });
        let tickroom = json!({ "passed": false, "figures": { "deliveries_per_server_cpu_s": 1000.0, "latency_p99_ms": 3.0 } });
        let text = rows(Path::new("scenarios/fanout.toml"), &relay, &tickroom);
        let words: Vec<Vec<_>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(words[1], ["verdict", "PASS", "FAIL"]);
        assert_eq!(words[2], ["deliveries_per_server_cpu_s", "4000", "1000", "0.250"]);
        assert_eq!(words.len(), 4, "what only one of them has is not compared: {text}");
    }

    #[test]
    fn a_process_is_waited_for_but_not_forever() {
        let mut quick = Command::new("true").spawn().unwrap();
        assert!(wait(&mut quick, Duration::from_secs(5)).unwrap().unwrap().success());
        let mut slow = Command::new("sleep").arg("30").spawn().unwrap();
        assert!(wait(&mut slow, Duration::from_millis(30)).unwrap().is_none());
        slow.kill().unwrap();
        slow.wait().unwrap();
    }
}
