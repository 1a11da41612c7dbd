//! Relay and generator together, on loopback, small: every delivery is there, counted exactly.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use tickroom_swarm::relay::Relay;
use tickroom_swarm::report::Report;
use tickroom_swarm::run::Run;
use tickroom_swarm::target::Target;

/// A relay in a thread of its own.
struct Running {
    target: Target,
    should_stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    fn start() -> Self {
        let mut relay = Relay::bind_anywhere().unwrap();
        let target = relay.target().unwrap();
        let should_stop = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&should_stop);
        let thread = std::thread::spawn(move || relay.run(|| stop.load(Ordering::Relaxed)).unwrap());
        Self { target, should_stop, thread: Some(thread) }
    }

    /// Runs a scenario of this crate with some changes.
    fn run(&self, scenario: &str, changes: &[&str]) -> Report {
        let out = tempfile::tempdir().unwrap();
        let run = Run {
            scenario: Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(scenario),
            changes: changes.iter().map(|change| (*change).to_owned()).collect(),
            server: self.target,
            pid: Some(std::process::id()),
            label: None,
            out: Some(out.path().to_owned()),
            parts: 1,
        };
        run.execute().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.should_stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
    }
}

#[test]
fn fifty_clients_get_every_message_exactly_once() {
    let relay = Running::start();
    let report = relay.run(
        "fanout-1x1000.toml",
        &[
            "crowd.rooms=5",
            "crowd.readers_per_room=9",
            "load.room_messages_per_s=100",
            "load.warmup_s=0",
            "load.measure_s=1",
        ],
    );
    let count = |name| report.outcome.counts[name];
    // Ten members in each room, and the publisher hears itself.
    assert_eq!((count("joined"), count("missing"), count("repeated"), count("foreign")), (50, 0, 0, 0));
    assert_eq!(count("deliveries_total"), count("messages_total") * 10);
    assert_eq!(count("deliveries_total"), count("expected"));
    // A busy machine may say a few more before it notices that the time is over, but not fewer.
    assert!(count("messages_total") >= 450, "{}", count("messages_total"));
    assert!(report.figures["latency_p50_ms"] > 0.0);
    assert!(report.checks[0].passed, "{report}");
}

#[test]
fn a_server_that_cannot_resume_is_found_out() {
    let relay = Running::start();
    let report = relay.run(
        "jitter.toml",
        &[
            "crowd.rooms=1",
            "crowd.readers_per_room=20",
            "load.room_messages_per_s=50",
            "load.measure_s=2",
            "load.drain_s=1",
            "plan.cut_every_s=1",
            "plan.offline_s=1",
        ],
    );
    assert!(!report.passed);
    assert!(report.figures["cuts"] > 0.0 && report.figures["unrecovered"] > 0.0, "{report}");
    assert!(report.figures["missing"] > 0.0 && report.figures["repeated"] == 0.0, "{report}");
}

#[test]
fn a_search_ends_at_its_ceiling_when_nothing_gives() {
    let relay = Running::start();
    let report = relay.run(
        "ramp.toml",
        &[
            r#"plan.topologies=["1x10"]"#,
            "search.first_messages_per_s=20",
            "search.ceiling_messages_per_s=40",
            "search.p99_ms=60000",
            "load.warmup_s=0",
            "load.measure_s=1",
        ],
    );
    assert!((25.0..=60.0).contains(&report.figures["highest_1x10_messages_per_s"]), "{report}");
    assert!(report.to_string().contains("the ceiling of the search was reached"));
}
