//! Prices: how many reach their readers, and how old they are by then.

use super::Lab;
use crate::clock::seconds_us;
use crate::outcome::{Outcome, float};
use crate::swarm::Setup;

pub(super) fn run(lab: &Lab<'_>, markets: &[String]) -> anyhow::Result<Outcome> {
    let mut swarm = lab.gather(Setup { markets, ..lab.setup(&lab.crowd) })?;
    swarm.run_for(seconds_us(lab.scenario.load.warmup_s))?;
    // Snapshots and the first prices are over; what is counted from here on is the steady stream.
    for name in ["ticks", "ticks_spared"] {
        swarm.ledger.outcome.counts.remove(name);
    }
    for name in ["tick_lag", "tick_age"] {
        swarm.ledger.outcome.latencies.remove(name);
    }
    let measurement = lab.measure(&mut swarm)?;
    swarm.run_for(seconds_us(lab.scenario.load.measure_s))?;
    let silent = swarm.clients().iter().flat_map(|client| &client.seqs).filter(|seq| **seq == 0).count();
    let outcome = &mut swarm.ledger.outcome;
    outcome.count("silent_markets", u64::try_from(silent)?);
    outcome.count("lost_sockets", u64::try_from(swarm.ledger.lost)?);
    outcome.peak("window_s", float(lab.scenario.load.measure_s));
    measurement.meter.stop(outcome)?;
    Ok(swarm.into_outcome())
}
