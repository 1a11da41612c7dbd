//! Steady talk in full rooms: what a delivery costs and how long it takes.

use super::Lab;
use crate::outcome::Outcome;

pub(super) fn run(lab: &Lab<'_>) -> anyhow::Result<Outcome> {
    let mut swarm = lab.gather(lab.setup(&lab.crowd))?;
    let measurement = lab.talk(&mut swarm, lab.messages_per_s())?;
    lab.settle(&mut swarm, &measurement)?;
    Ok(swarm.into_outcome())
}
