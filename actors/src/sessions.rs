//! The session supervisors: one [`Sessions`] actor per shard.
//!
//! Sharded because ractor serves the deaths of children before messages: when ten thousand sockets break at once, a
//! single supervisor would do nothing else. A shard also keeps time for its sockets (pings, silence, expiry), so no
//! socket needs a timer of its own. If a shard dies its sessions die with it; the sockets stay open, and the shard's
//! successor starts sessions for all of them from the [`Registry`](crate::registry::Registry).

use crate::limits;
use crate::metrics::{CLOSES, SOCKETS};
use crate::restart::{RestartPolicy, Verdict};
use crate::session::{Dialect, Session, SessionId, SessionMessage, SessionSlot};
use crate::tree::Services;
use crate::wire::CloseCode;
use metrics::{counter, gauge};
use ractor::{Actor, ActorId, ActorProcessingErr, ActorRef, SupervisionEvent};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tickroom_storage::TimestampMs;
use tokio::time::Instant;

/// How often a shard looks at the clock.
const TICK: Duration = Duration::from_millis(250);

/// The shard's control plane.
pub enum SessionsMessage {
    /// A socket was opened and registered.
    Opened(Arc<SessionSlot>),
    /// The pause after a death is over.
    Respawn(Arc<SessionSlot>),
    /// Time passes.
    Tick,
}

/// The actor of one shard, by its number.
pub struct Sessions(pub usize);

/// What a running shard knows.
pub struct SessionsState {
    shard: usize,
    services: Arc<Services>,
    children: HashMap<ActorId, Arc<SessionSlot>>,
    /// The sessions among the children, so that one found twice is started once.
    supervised: HashSet<SessionId>,
    /// What to look at next, in milliseconds of the tree's clock. Entries of sockets that are gone stay until they
    /// are due and find nobody.
    deadlines: BTreeSet<(u64, SessionId, Due)>,
}

/// What is due on one socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// It should have entered its room by now.
    Joined,
    /// It is time to ask whether the client is there.
    Ping,
    /// The client should have given a sign of life since this time.
    Pong(u64),
    /// The identity runs out.
    Expiry,
}

impl Actor for Sessions {
    type Msg = SessionsMessage;
    type State = SessionsState;
    type Arguments = Arc<Services>;

    async fn pre_start(
        &self,
        myself: ActorRef<SessionsMessage>,
        services: Arc<Services>,
    ) -> Result<SessionsState, ActorProcessingErr> {
        let mut state = SessionsState {
            shard: self.0,
            services,
            children: HashMap::new(),
            supervised: HashSet::new(),
            deadlines: BTreeSet::new(),
        };
        for slot in state.services.registry.of_shard(state.shard) {
            state.on_opened(&myself, slot).await;
        }
        myself.send_interval(TICK, || SessionsMessage::Tick);
        Ok(state)
    }

    async fn handle(
        &self,
        myself: ActorRef<SessionsMessage>,
        message: SessionsMessage,
        state: &mut SessionsState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            SessionsMessage::Opened(slot) => state.on_opened(&myself, slot).await,
            SessionsMessage::Respawn(slot) => state.spawn(&myself, slot).await,
            SessionsMessage::Tick => state.on_tick(),
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<SessionsMessage>,
        event: SupervisionEvent,
        state: &mut SessionsState,
    ) -> Result<(), ActorProcessingErr> {
        if let SupervisionEvent::ActorTerminated(who, ..) | SupervisionEvent::ActorFailed(who, _) = event {
            state.on_death(&myself, who.get_id());
        }
        Ok(())
    }
}

impl SessionsState {
    /// Takes on a socket: found in the registry at start, announced by message, or both.
    async fn on_opened(&mut self, myself: &ActorRef<SessionsMessage>, slot: Arc<SessionSlot>) {
        if self.supervised.contains(&slot.id) {
            return;
        }
        let now = self.services.now_ms();
        let ping_interval = millis(self.services.config.ping_interval);
        self.deadlines.insert((now + spread(ping_interval), slot.id, Due::Ping));
        if matches!(slot.dialect, Dialect::Chat { .. }) {
            self.deadlines.insert((now + millis(limits::JOIN_RETRY), slot.id, Due::Joined));
        }
        if let Some(identity) = &slot.identity {
            let left = millis_until(identity.expires_at, TimestampMs::now());
            self.deadlines.insert((now + left, slot.id, Due::Expiry));
        }
        self.spawn(myself, slot).await;
    }

    async fn spawn(&mut self, myself: &ActorRef<SessionsMessage>, slot: Arc<SessionSlot>) {
        if !self.services.registry.contains(slot.id) {
            return;
        }
        let arguments = (Arc::clone(&self.services), Arc::clone(&slot));
        match Session::spawn_linked(None, Session, arguments, myself.get_cell()).await {
            Ok((actor, _)) => {
                self.supervised.insert(slot.id);
                self.children.insert(actor.get_id(), Arc::clone(&slot));
                slot.address.set(actor.clone());
                // The socket may have ended while nobody was at the address to be stopped.
                if !self.services.registry.contains(slot.id) {
                    actor.stop(None);
                }
            }
            Err(error) => {
                tracing::error!(%error, "session could not be spawned");
                slot.outbox.close(CloseCode::INTERNAL);
            }
        }
    }

    /// A session ended: because its socket did, or because it failed.
    fn on_death(&mut self, myself: &ActorRef<SessionsMessage>, actor: ActorId) {
        let Some(slot) = self.children.remove(&actor) else {
            return;
        };
        self.supervised.remove(&slot.id);
        if !self.services.registry.contains(slot.id) {
            return;
        }
        let verdict = slot.deaths.lock().on_death(&RestartPolicy::SESSION, Instant::now());
        match verdict {
            Verdict::Restart(pause) => {
                crate::metrics::restarted("session");
                myself.send_after(pause, move || SessionsMessage::Respawn(slot));
            }
            Verdict::GiveUp => {
                crate::metrics::escalated("session");
                slot.outbox.close(CloseCode::INTERNAL);
            }
        }
    }

    fn on_tick(&mut self) {
        let now = self.services.now_ms();
        let later = self.deadlines.split_off(&(now + 1, SessionId(0), Due::Joined));
        for (_, id, due) in std::mem::replace(&mut self.deadlines, later) {
            if let Some(slot) = self.services.registry.get(id)
                && let Some((at, next)) = self.on_due(&slot, due, now)
            {
                self.deadlines.insert((at, id, next));
            }
        }
    }

    /// Does what is due on one socket; returns what to look at next, and when.
    fn on_due(&self, slot: &SessionSlot, due: Due, now: u64) -> Option<(u64, Due)> {
        let config = &self.services.config;
        match due {
            Due::Joined if slot.room().is_some() => None,
            Due::Joined => {
                slot.address.cast(SessionMessage::Join);
                Some((now + millis(limits::JOIN_RETRY), Due::Joined))
            }
            Due::Ping => {
                slot.outbox.ping();
                Some((now + millis(config.pong_timeout), Due::Pong(now)))
            }
            Due::Pong(pinged_at) if slot.last_heard_ms() < pinged_at => {
                slot.outbox.close(CloseCode::NO_PONG);
                None
            }
            // The rest of the interval, a little more or less: sockets that were opened together drift apart.
            Due::Pong(_) => Some((
                now + spread(millis(config.ping_interval.saturating_sub(config.pong_timeout))),
                Due::Ping,
            )),
            Due::Expiry => {
                slot.outbox.close(CloseCode::EXPIRED);
                None
            }
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn millis_until(then: TimestampMs, now: TimestampMs) -> u64 {
    u64::try_from(then.as_millis().saturating_sub(now.as_millis())).unwrap_or(0)
}

/// Somewhere between 80 and 120 percent.
fn spread(millis: u64) -> u64 {
    millis * 4 / 5 + fastrand::u64(0..=millis * 2 / 5)
}

/// Counts a socket that the server closed.
pub fn count_close(code: CloseCode) {
    counter!(CLOSES, "reason" => code.reason).increment(1);
}

/// Shows how many sockets are open.
pub(crate) fn show_sockets(count: usize) {
    gauge!(SOCKETS).set(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
}
