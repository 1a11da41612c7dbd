//! The session supervisors: one [`Sessions`] actor per shard.
//!
//! Sharded because ractor serves the deaths of children before messages: when ten thousand sockets break at once, a
//! single supervisor would do nothing else. A shard also keeps time for its sockets (pings, silence, expiry), so no
//! socket needs a timer of its own. If a shard dies its sessions die with it; the sockets stay open, and the shard's
//! successor starts sessions for all of them from the [`Registry`](crate::registry::Registry).

use crate::limits;
use crate::metrics::{CLOSES, SOCKETS};
use crate::restart::{RestartPolicy, Verdict};
use crate::session::{Dialect, Session, SessionId, SessionMessage, SessionSlot, Stage};
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
    /// A client of the Centrifuge protocol said who it is.
    Identified(Arc<SessionSlot>),
    /// A session waits for answers that may take too long.
    Awaiting(Arc<SessionSlot>),
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
    /// It should have connected by now.
    Connected,
    /// Some commands should have been answered by now.
    Answered,
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
            SessionsMessage::Identified(slot) => state.watch_expiry(&slot),
            SessionsMessage::Awaiting(slot) => state.watch_answers(&slot),
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
        if slot.dialect.terms().is_some() {
            self.deadlines.insert((
                now + millis(self.services.config.connect_within),
                slot.id,
                Due::Connected,
            ));
        }
        self.watch_expiry(&slot);
        self.watch_answers(&slot);
        self.spawn(myself, slot).await;
    }

    fn watch_expiry(&mut self, slot: &SessionSlot) {
        if let Some(left) = self.left_to_live(slot) {
            self.deadlines.insert((self.services.now_ms() + left, slot.id, Due::Expiry));
        }
    }

    fn watch_answers(&mut self, slot: &SessionSlot) {
        if let Some(until) = slot.connection.as_ref().and_then(|connection| connection.watched_until()) {
            self.deadlines.insert((until, slot.id, Due::Answered));
        }
    }

    /// Milliseconds until the identity is void: when it runs out, or a little later if the client is to bring another.
    fn left_to_live(&self, slot: &SessionSlot) -> Option<u64> {
        let expires_at = slot.identity()?.expires_at;
        let stage = slot.connection.as_ref().map(|connection| connection.stage());
        let is_renewable = stage == Some(Stage::Connected { renewable: true });
        let grace = if is_renewable { millis(self.services.config.refresh_grace) } else { 0 };
        let grace = i64::try_from(grace).unwrap_or(i64::MAX);
        Some(millis_until(expires_at.plus_millis(grace), TimestampMs::now()))
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
            Due::Connected => on_connect_due(slot, now + millis(config.connect_within)),
            Due::Answered => {
                let (late, next) = slot.connection.as_ref()?.overdue(now);
                let format = slot.format()?;
                late.iter().for_each(|reply| _ = slot.outbox.push(format.single(reply)));
                next.map(|next| (next, Due::Answered))
            }
            Due::Ping if !slot.ping() => Some((now + spread(millis(config.ping_interval)), Due::Ping)),
            Due::Ping => Some((now + millis(config.pong_timeout), Due::Pong(now))),
            Due::Pong(pinged_at) if slot.last_heard_ms() < pinged_at => {
                slot.outbox.close(CloseCode::NO_PONG);
                None
            }
            // The rest of the interval, a little more or less: sockets that were opened together drift apart.
            Due::Pong(_) => Some((
                now + spread(millis(config.ping_interval.saturating_sub(config.pong_timeout))),
                Due::Ping,
            )),
            Due::Expiry => match self.left_to_live(slot)? {
                0 => {
                    slot.outbox.close(CloseCode::EXPIRED);
                    None
                }
                // It was renewed.
                left => Some((now + left, Due::Expiry)),
            },
        }
    }
}

/// A client had time enough to connect. Who was refused should be gone; it may come back.
fn on_connect_due(slot: &SessionSlot, again: u64) -> Option<(u64, Due)> {
    match slot.connection.as_ref()?.stage() {
        Stage::Silent => slot.outbox.close(CloseCode::STALE),
        Stage::Refused => slot.outbox.close(CloseCode::EXPIRED),
        Stage::Connecting => return Some((again, Due::Connected)),
        Stage::Connected { .. } => {}
    }
    None
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
