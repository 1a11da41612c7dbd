//! A bad network: readers are cut again and again, and must get every message exactly once all the same.

use super::Lab;
use crate::clock::seconds_us;
use crate::outcome::Outcome;
use crate::swarm::{Setup, Weather};

pub(super) fn run(lab: &Lab<'_>, cut_every_s: u64, offline_s: u64) -> anyhow::Result<Outcome> {
    let mut swarm = lab.gather(Setup { returns: true, ..lab.setup(&lab.crowd) })?;
    let weather = Weather { cut_every_us: seconds_us(cut_every_s), offline_us: seconds_us(offline_s) };
    swarm.set_weather(Some(weather));
    let measurement = lab.talk(&mut swarm, lab.messages_per_s())?;
    swarm.set_weather(None);
    lab.settle(&mut swarm, &measurement)?;
    Ok(swarm.into_outcome())
}
