//! What the kernel says about processes and the machine.

use anyhow::Context;
use serde::Serialize;
use std::fs;

use crate::outcome::float;

/// What a process has used.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usage {
    /// Processor time of all its threads, in seconds. The kernel counts in hundredths.
    pub cpu_s: f64,
    /// Time that its threads were ready to run while others had their core, in seconds. Threads that have ended are not
    /// in it.
    pub wait_s: f64,
    /// Resident memory in KiB. What sockets cost inside the kernel is not in it.
    pub rss_kib: f64,
}

impl Usage {
    /// Of the process with this id, or of `self`.
    ///
    /// # Errors
    ///
    /// When there is no such process.
    pub fn of(process: &str) -> anyhow::Result<Self> {
        let read = |file: &str| {
            let path = format!("/proc/{process}/{file}");
            fs::read_to_string(&path).with_context(|| format!("cannot read {path}: is the process gone?"))
        };
        let ticks = parse_ticks(&read("stat")?).context("cannot read the processor time in stat")?;
        let pages = read("statm")?;
        let pages: u64 =
            pages.split(' ').nth(1).and_then(|pages| pages.parse().ok()).context("cannot read statm")?;
        let page_bytes = u64::try_from(rustix::param::page_size())?;
        let ticks_per_s = rustix::param::clock_ticks_per_second();
        Ok(Self {
            cpu_s: float(ticks) / float(ticks_per_s),
            wait_s: float(wait_ns(process)) / 1e9,
            rss_kib: float(pages * page_bytes / 1024),
        })
    }

    /// Of this process; nothing used where the kernel does not say.
    pub fn own() -> Self {
        Self::of("self").unwrap_or(Self { cpu_s: 0.0, wait_s: 0.0, rss_kib: 0.0 })
    }
}

/// The second field of each thread's `schedstat`; nothing where the kernel does not keep it.
fn wait_ns(process: &str) -> u64 {
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let stats = threads.filter_map(|thread| fs::read_to_string(thread.path().join("schedstat")).ok());
    stats.filter_map(|stat| stat.split(' ').nth(1).and_then(|wait| wait.parse::<u64>().ok())).sum()
}

/// User and system time out of `/proc/<pid>/stat`: the 14th and 15th field, counted behind the name, which may hold
/// spaces and parentheses.
fn parse_ticks(stat: &str) -> Option<u64> {
    let (_, behind_name) = stat.rsplit_once(") ")?;
    let mut fields = behind_name.split(' ').skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// The machine, as far as it explains the numbers.
#[derive(Debug, Clone, Serialize)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// The kernel's release.
    pub kernel: String,
    /// The first processor's model.
    pub cpu: String,
    /// Processors.
    pub cores: usize,
    /// Main memory.
    pub memory: String,
    /// Processors that the generator may use.
    pub generator_cores: String,
}

impl Host {
    /// This machine.
    pub fn here() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let cpus = read("/proc/cpuinfo");
        Self {
            name: read("/proc/sys/kernel/hostname").trim().to_owned(),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            cpu: field(&cpus, "model name"),
            cores: cpus.lines().filter(|line| line.starts_with("processor")).count(),
            memory: field(&read("/proc/meminfo"), "MemTotal"),
            generator_cores: field(&read("/proc/self/status"), "Cpus_allowed_list"),
        }
    }
}

fn field(text: &str, name: &str) -> String {
    let fields = text.lines().filter_map(|line| line.split_once(':'));
    let mut values = fields.filter(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().to_owned());
    values.next().unwrap_or_else(|| "unknown".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_confuse() {
        let stat = "7 (a) b) c) S 1 7 7 0 -1 4194560 1 0 0 0 250 31 0 0 20 0 1 0 5 6 7";
        assert_eq!(parse_ticks(stat), Some(281));
    }

    #[test]
    fn this_process_uses_memory_and_this_machine_has_cores() {
        assert!(Usage::of("self").unwrap().rss_kib > 100.0);
        assert!(Host::here().cores > 0);
        assert!(Usage::of("0").is_err());
    }
}
