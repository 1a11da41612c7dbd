//! All readers lose their connection at the same moment and want back in: the end of a deploy, a switch that restarts.

use super::Lab;
use crate::client::Role;
use crate::clock::{self, seconds_us};
use crate::outcome::Outcome;
use crate::swarm::Setup;

pub(super) fn run(lab: &Lab<'_>, rounds: u64, spread_s: u64, return_s: u64) -> anyhow::Result<Outcome> {
    let mut swarm = lab.gather(Setup { returns: true, ..lab.setup(&lab.crowd) })?;
    let measurement = lab.talk(&mut swarm, lab.messages_per_s())?;
    for _ in 0..rounds {
        let cut_us = clock::now_us();
        for index in swarm.with_role(Role::Reader) {
            swarm.cut_off(index, fastrand::u64(0..=seconds_us(spread_s)));
        }
        let all_back = swarm.run_until(cut_us + seconds_us(return_s), |swarm| swarm.ledger.away == 0)?;
        let outcome = &mut swarm.ledger.outcome;
        outcome.peak("all_back_s", clock::seconds(clock::now_us() - cut_us));
        outcome.count("not_back", u64::try_from(swarm.ledger.away)?);
        if !all_back {
            outcome.notes.push(format!("{} clients were not back after {return_s} s", swarm.ledger.away));
        }
    }
    lab.settle(&mut swarm, &measurement)?;
    Ok(swarm.into_outcome())
}
