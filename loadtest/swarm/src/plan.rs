//! What is done in each kind of scenario, one file each.

mod avalanche;
mod fanout;
mod idle;
mod jitter;
mod meter;
mod notifications;
mod overload;
mod ramp;
mod slow_reader;
mod ticks;

use crate::clock::seconds_us;
use crate::outcome::{Outcome, float};
use crate::part::Part;
use crate::scenario::{Crowd, Plan, Scenario};
use crate::swarm::{Setup, Swarm};
use crate::target::Target;
use meter::Meter;

/// Everything that a plan works with.
#[derive(Debug)]
pub struct Lab<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// Those of the crowd that come from this process.
    pub crowd: Crowd,
    /// The server.
    pub target: Target,
    /// Access tokens, shared by the clients.
    pub tokens: &'a [String],
    /// The server's process, if it is to be watched.
    pub pid: Option<u32>,
    /// Which part of the swarm this is.
    pub part: Part,
}

/// Carries out the scenario's plan.
///
/// # Errors
///
/// What keeps the run from coming to numbers. A server that does badly is no error.
pub fn run(lab: &Lab<'_>) -> anyhow::Result<Outcome> {
    match &lab.scenario.plan {
        Plan::Fanout => fanout::run(lab),
        Plan::Ramp { topologies } => ramp::run(lab, topologies),
        Plan::Idle { settle_s } => idle::run(lab, *settle_s),
        Plan::Jitter { cut_every_s, offline_s } => jitter::run(lab, *cut_every_s, *offline_s),
        Plan::Avalanche { rounds, spread_s, return_s } => avalanche::run(lab, *rounds, *spread_s, *return_s),
        Plan::SlowReader(plan) => slow_reader::run(lab, plan),
        Plan::Ticks { markets } => ticks::run(lab, markets),
        Plan::Overload => overload::run(lab),
        Plan::Notifications { authors, posts_per_s, settle_s } => {
            notifications::run(lab, *authors, *posts_per_s, *settle_s)
        }
    }
}

impl<'a> Lab<'a> {
    /// A swarm of this crowd, which stays away once it is cut.
    fn setup(&'a self, crowd: &'a Crowd) -> Setup<'a> {
        Setup {
            target: self.target,
            tokens: self.tokens,
            crowd,
            load: &self.scenario.load,
            first_room: self.part.first_room(self.scenario.crowd.rooms),
            slow: None,
            markets: &[],
            returns: false,
        }
    }

    /// Messages a second over all rooms of this part.
    fn messages_per_s(&self) -> u64 {
        let rooms = u64::try_from(self.crowd.rooms).unwrap_or(u64::MAX);
        self.scenario.load.room_messages_per_s * rooms
    }

    /// Everybody comes, and waits for the other parts.
    fn gather(&'a self, setup: Setup<'a>) -> anyhow::Result<Swarm<'a>> {
        let mut swarm = Swarm::new(setup.clone())?;
        swarm.gather(setup.crowd.sockets())?;
        self.part.meet()?;
        Ok(swarm)
    }

    /// Talks for the scenario's time, at first without measuring.
    fn talk(&self, swarm: &mut Swarm<'_>, messages_per_s: u64) -> anyhow::Result<Measurement> {
        let load = &self.scenario.load;
        swarm.start_talking(messages_per_s);
        swarm.run_for(seconds_us(load.warmup_s))?;
        let measurement = self.measure(swarm)?;
        swarm.run_for(seconds_us(load.measure_s))?;
        Ok(measurement)
    }

    /// Measures from now on.
    fn measure(&self, swarm: &mut Swarm<'_>) -> anyhow::Result<Measurement> {
        swarm.ledger.measure(swarm.now_us());
        Ok(Measurement { meter: Meter::start(self.pid)?, accepted_before: swarm.ledger.accepted() })
    }

    /// Waits until all has arrived, and closes the books.
    fn settle(&self, swarm: &mut Swarm<'_>, measurement: &Measurement) -> anyhow::Result<()> {
        swarm.drain(seconds_us(self.scenario.load.drain_s))?;
        let ledger = &mut swarm.ledger;
        let messages = ledger.accepted().saturating_sub(measurement.accepted_before);
        let outcome = &mut ledger.outcome;
        measurement.meter.stop(outcome)?;
        outcome.count("messages", messages);
        outcome.count("deliveries", ledger.measured);
        outcome.peak("window_s", float(ledger.last_delivery_us - ledger.measure_from_us) / 1e6);
        outcome.keep("latency", &ledger.latency);
        outcome.keep("recovered_latency", &ledger.recovered);
        outcome.keep("slow_latency", &ledger.slow);
        swarm.audit();
        Ok(())
    }
}

/// What was noted when measuring began.
struct Measurement {
    meter: Meter,
    accepted_before: u64,
}
