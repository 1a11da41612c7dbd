//! Twice what the server can bear: it must go on delivering as much, and say no to the rest with a code.

use super::{Lab, ramp};
use crate::outcome::Outcome;
use crate::swarm::Setup;

pub(super) fn run(lab: &Lab<'_>) -> anyhow::Result<Outcome> {
    let found = ramp::search(lab, &lab.crowd, "sustainable")?;
    let sustainable = found.best.figures().get("deliveries_per_s").copied().unwrap_or_default();

    // A reader that cannot keep up may be closed, but then it must be able to resume.
    let mut swarm = lab.gather(Setup { returns: true, ..lab.setup(&lab.crowd) })?;
    let measurement = lab.talk(&mut swarm, found.messages_per_s * 2)?;
    swarm.drop_backlog();
    lab.settle(&mut swarm, &measurement)?;

    let mut outcome = swarm.into_outcome();
    outcome.notes.extend(found.steps);
    outcome.peak("sustainable_deliveries_per_s", sustainable);
    let under_load = outcome.figures().get("deliveries_per_s").copied().unwrap_or_default();
    if sustainable > 0.0 {
        outcome.peak("overload_to_sustainable", under_load / sustainable);
    }
    Ok(outcome)
}
