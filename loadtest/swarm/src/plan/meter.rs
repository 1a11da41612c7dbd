//! Processor time and memory, of the server and of the generator, over a stretch of time.

use crate::clock;
use crate::outcome::Outcome;
use crate::procfs::Usage;

/// What was used before.
pub(super) struct Meter {
    pid: Option<String>,
    start_us: u64,
    own: Usage,
    server: Option<Usage>,
}

impl Meter {
    /// Begins to measure.
    pub(super) fn start(pid: Option<u32>) -> anyhow::Result<Self> {
        let pid = pid.map(|pid| pid.to_string());
        let server = pid.as_deref().map(Usage::of).transpose()?;
        Ok(Self { pid, start_us: clock::now_us(), own: Usage::own(), server })
    }

    /// How much memory the server has taken since, in KiB; less than none if it gave some back.
    pub(super) fn rss_growth_kib(&self) -> anyhow::Result<Option<f64>> {
        let now = self.pid.as_deref().map(Usage::of).transpose()?;
        Ok(now.zip(self.server).map(|(now, before)| now.rss_kib - before.rss_kib))
    }

    /// Books what was used since the start.
    pub(super) fn stop(&self, outcome: &mut Outcome) -> anyhow::Result<()> {
        outcome.peak("cpu_window_s", clock::seconds(clock::now_us() - self.start_us));
        let own = Usage::own();
        outcome.peak("generator_cpu_s", own.cpu_s - self.own.cpu_s);
        outcome.peak("generator_wait_s", own.wait_s - self.own.wait_s);
        let now = self.pid.as_deref().map(Usage::of).transpose()?;
        if let Some((now, before)) = now.zip(self.server) {
            outcome.peak("server_cpu_s", now.cpu_s - before.cpu_s);
            // Less than none when threads have ended and taken theirs with them.
            outcome.peak("server_wait_s", (now.wait_s - before.wait_s).max(0.0));
            outcome.peak("server_rss_mib", now.rss_kib / 1024.0);
        }
        Ok(())
    }
}
