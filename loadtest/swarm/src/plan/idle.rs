//! Sockets that say nothing: how fast they can come, and what each costs in memory.
//!
//! Only the second half of them is weighed. The first half takes up what the server had freed but not given back, from
//! the password hashes of the swarm's own logins for one, and would seem too light.

use super::{Lab, Meter};
use crate::clock::seconds_us;
use crate::outcome::Outcome;
use crate::swarm::Swarm;

pub(super) fn run(lab: &Lab<'_>, settle_s: u64) -> anyhow::Result<Outcome> {
    let mut swarm = Swarm::new(lab.setup(&lab.crowd))?;
    let all = lab.crowd.sockets();
    gather(lab, &mut swarm, all / 2, settle_s)?;
    let half = Meter::start(lab.pid)?;
    // Nobody's second half may come before everybody has looked.
    lab.part.meet()?;
    gather(lab, &mut swarm, all, settle_s)?;
    let outcome = &mut swarm.ledger.outcome;
    outcome.count("weighed_sockets", u64::try_from(all - all / 2)?);
    match half.rss_growth_kib()? {
        Some(growth_kib) if growth_kib > 0.0 => outcome.peak("rss_growth_kib", growth_kib),
        Some(_) => outcome.notes.push(
            "the server's memory did not grow: it had served others before; start it afresh to measure it"
                .to_owned(),
        ),
        None => {}
    }
    let measurement = lab.measure(&mut swarm)?;
    swarm.run_for(seconds_us(lab.scenario.load.measure_s))?;
    lab.settle(&mut swarm, &measurement)?;
    Ok(swarm.into_outcome())
}

fn gather(lab: &Lab<'_>, swarm: &mut Swarm<'_>, invited: usize, settle_s: u64) -> anyhow::Result<()> {
    swarm.gather(invited)?;
    lab.part.meet()?;
    swarm.run_for(seconds_us(settle_s))
}
