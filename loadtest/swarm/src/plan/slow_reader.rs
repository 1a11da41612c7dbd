//! Some members read far too slowly. The server must not keep more and more for them, the others must not notice, and
//! they themselves are closed as slow and come back to what they missed.

use super::Lab;
use crate::client::Role;
use crate::clock::{self, seconds_us};
use crate::outcome::Outcome;
use crate::scenario::SlowReader;
use crate::swarm::{Setup, Slow};

/// How often the server's memory is looked at.
const LOOK_EVERY_US: u64 = 500_000;

pub(super) fn run(lab: &Lab<'_>, plan: &SlowReader) -> anyhow::Result<Outcome> {
    let slow = Slow {
        readers: plan.slow,
        receive_buffer_bytes: plan.receive_buffer_bytes,
        sip_bytes: (plan.bytes_per_s / 4).max(1),
    };
    let mut swarm = lab.gather(Setup { slow: Some(slow), returns: true, ..lab.setup(&lab.crowd) })?;
    let load = &lab.scenario.load;
    swarm.start_talking(lab.messages_per_s());
    swarm.run_for(seconds_us(load.warmup_s))?;
    lab.measure(&mut swarm)?;
    swarm.run_for(seconds_us(plan.baseline_s))?;
    let baseline = swarm.ledger.latency.clone();
    swarm.ledger.outcome.keep("baseline_latency", &baseline);

    let measurement = lab.measure(&mut swarm)?;
    let window_us = seconds_us(plan.wake_from_s)..seconds_us(plan.wake_to_s);
    for index in swarm.with_role(Role::SlowReader) {
        // One after the other, because only those that wake up shortly after the server gave up on them can still
        // read its close frame.
        swarm.slow_down(index, fastrand::u64(window_us.clone()));
    }
    let end_us = clock::now_us() + seconds_us(load.measure_s);
    while swarm.now_us() < end_us {
        swarm.run_for(LOOK_EVERY_US)?;
        if let Some(growth_kib) = measurement.meter.rss_growth_kib()? {
            swarm.ledger.outcome.peak("rss_growth_mib", growth_kib / 1024.0);
        }
    }
    lab.settle(&mut swarm, &measurement)?;
    Ok(swarm.into_outcome())
}
