//! Sockets that say nothing: how fast they can come, and what each costs in memory.

use super::{Lab, Meter};
use crate::clock::seconds_us;
use crate::outcome::Outcome;

pub(super) fn run(lab: &Lab<'_>, settle_s: u64) -> anyhow::Result<Outcome> {
    let before = Meter::start(lab.pid)?;
    let mut swarm = lab.gather(lab.setup(&lab.crowd))?;
    swarm.run_for(seconds_us(settle_s))?;
    if let Some(growth_kib) = before.rss_growth_kib()? {
        // Never below zero: a server that gave memory back shows nothing about its sockets.
        swarm.ledger.outcome.peak("rss_growth_kib", growth_kib.max(0.0));
    }
    let measurement = lab.measure(&mut swarm)?;
    swarm.run_for(seconds_us(lab.scenario.load.measure_s))?;
    lab.settle(&mut swarm, &measurement)?;
    Ok(swarm.into_outcome())
}
