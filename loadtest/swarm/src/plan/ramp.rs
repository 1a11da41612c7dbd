//! The highest rate at which nothing is lost and deliveries are quick enough.
//!
//! Every step gets a swarm of its own, so that one that drowned the server leaves nothing behind for the next.

use super::Lab;
use crate::bisect::Bisect;
use crate::outcome::Outcome;
use crate::scenario::{Crowd, Topology};
use crate::verdict;

/// What is told of the best step.
const TOLD: [&str; 7] = [
    "messages_per_s",
    "deliveries_per_s",
    "latency_p99_ms",
    "deliveries_per_server_cpu_s",
    "generator_cpu_share",
    "generator_wait_share",
    "server_wait_share",
];

pub(super) fn run(lab: &Lab<'_>, topologies: &[Topology]) -> anyhow::Result<Outcome> {
    let mut outcome = Outcome::default();
    for topology in topologies {
        let crowd = Crowd { rooms: topology.rooms, readers_per_room: topology.readers, ..lab.crowd.clone() };
        let name = String::from(*topology);
        let found = search(lab, &crowd, &name)?;
        outcome.notes.extend(found.steps);
        let figures = found.best.figures();
        for told in TOLD {
            outcome.peak(&format!("highest_{name}_{told}"), figures.get(told).copied().unwrap_or_default());
        }
    }
    Ok(outcome)
}

/// What a search came to.
pub(super) struct Found {
    /// The rate that was asked for in the best step; zero when none passed.
    pub(super) messages_per_s: u64,
    /// What the best step came to.
    pub(super) best: Outcome,
    /// All steps in words.
    pub(super) steps: Vec<String>,
}

/// Searches for the highest rate that this crowd can be served with.
pub(super) fn search(lab: &Lab<'_>, crowd: &Crowd, name: &str) -> anyhow::Result<Found> {
    let search = lab.scenario.search;
    let mut bisect =
        Bisect::new(search.first_messages_per_s, search.ceiling_messages_per_s, search.precision_percent);
    let mut found = Found { messages_per_s: 0, best: Outcome::default(), steps: Vec::new() };
    while let Some(messages_per_s) = bisect.next() {
        let outcome = step(lab, crowd, messages_per_s)?;
        let figures = outcome.figures();
        let figure = |name: &str| figures.get(name).copied().unwrap_or_default();
        let faults = verdict::faults(&figures, true);
        let p99_ms = figure("latency_p99_ms");
        let passed = faults.is_empty() && p99_ms <= search.p99_ms && figure("deliveries") > 0.0;
        let line = format!(
            "{name}: {messages_per_s} messages/s, {:.0} deliveries/s, p99 {p99_ms:.1} ms, generator at {:.0} % of \
             its core: {}",
            figure("deliveries_per_s"),
            (figure("generator_cpu_share") + figure("generator_wait_share")) * 100.0,
            if passed { "passed".to_owned() } else { format!("failed {}", faults.join(", ")) },
        );
        eprintln!("{line}");
        found.steps.push(line);
        if passed {
            found.best = outcome;
        }
        bisect.record(messages_per_s, passed);
    }
    if bisect.is_open() {
        found.steps.push(format!("{name}: the ceiling of the search was reached, not that of the server"));
    }
    found.messages_per_s = bisect.highest();
    Ok(found)
}

fn step(lab: &Lab<'_>, crowd: &Crowd, messages_per_s: u64) -> anyhow::Result<Outcome> {
    let mut swarm = lab.gather(lab.setup(crowd))?;
    let measurement = lab.talk(&mut swarm, messages_per_s)?;
    lab.settle(&mut swarm, &measurement)?;
    Ok(swarm.into_outcome())
}
