//! The root: starts the supervisors and the single actors, and restarts each when it dies.
//!
//! The policy is [`RestartPolicy::CHILD`] for each role by itself (one for one): the roles share no state that a
//! death could corrupt, only slots that are written in whole steps. A role that dies too often ends the root and with
//! it the process; whoever runs the process starts it again, and what was acked is in the log or in the spill file.

use crate::activity::Activity;
use crate::candle::Candles;
use crate::feed::Feed;
use crate::notifier::Notifier;
use crate::relay::Relay;
use crate::restart::{RestartLog, RestartPolicy, Verdict};
use crate::rooms::Rooms;
use crate::sessions::Sessions;
use crate::thread::Thread;
use crate::tree::Services;
use crate::writer::Writer;
use ractor::{Actor, ActorCell, ActorId, ActorProcessingErr, ActorRef, SpawnErr, SupervisionEvent};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use tokio::time::Instant;

/// A child of the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Messages to the log.
    Writer,
    /// Notices to users.
    Notifier,
    /// What follows from what people did.
    Activity,
    /// What people did, to the bus.
    Relay,
    /// Supervisor of the sessions of one shard.
    Sessions(usize),
    /// Supervisor of the rooms.
    Rooms,
    /// Prices from the exchange.
    Feed,
    /// Candles from the exchange.
    Candles,
}

impl Role {
    /// The name in metrics, one for all shards.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Writer => "writer",
            Self::Notifier => "notifier",
            Self::Activity => "activity",
            Self::Relay => "relay",
            Self::Sessions(_) => "sessions",
            Self::Rooms => "rooms",
            Self::Feed => "feed",
            Self::Candles => "candles",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sessions(shard) => write!(f, "sessions/{shard}"),
            role => f.write_str(role.name()),
        }
    }
}

/// What the root shows.
#[derive(Debug, Clone, Default)]
pub struct RootView {
    /// Every child, and how often it was restarted.
    pub restarts: BTreeMap<Role, u64>,
    /// The child that the root gave up on.
    pub gave_up: Option<Role>,
}

/// The root's control plane.
pub enum RootMessage {
    /// The pause after a death is over.
    Respawn(Role),
}

/// The actor.
pub struct Root;

/// What the running root knows.
pub struct RootState {
    services: Arc<Services>,
    children: HashMap<ActorId, Role>,
    deaths: HashMap<Role, RestartLog>,
}

impl Actor for Root {
    type Msg = RootMessage;
    type State = RootState;
    type Arguments = Arc<Services>;

    async fn pre_start(
        &self,
        myself: ActorRef<RootMessage>,
        services: Arc<Services>,
    ) -> Result<RootState, ActorProcessingErr> {
        let mut state = RootState { services, children: HashMap::new(), deaths: HashMap::new() };
        for role in state.roles() {
            state.services.root_view.update(|view| _ = view.restarts.insert(role, 0));
            state.spawn(&myself, role).await?;
        }
        Ok(state)
    }

    async fn handle(
        &self,
        myself: ActorRef<RootMessage>,
        RootMessage::Respawn(role): RootMessage,
        state: &mut RootState,
    ) -> Result<(), ActorProcessingErr> {
        state.on_respawn(&myself, role).await
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<RootMessage>,
        event: SupervisionEvent,
        state: &mut RootState,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorTerminated(who, _, reason) => {
                state.on_death(&myself, who.get_id(), reason.as_deref().unwrap_or("stopped"))
            }
            SupervisionEvent::ActorFailed(who, error) => {
                state.on_death(&myself, who.get_id(), &error.to_string())
            }
            _ => Ok(()),
        }
    }
}

impl RootState {
    /// In the order of starting: a role only needs those before it.
    fn roles(&self) -> Vec<Role> {
        let shards = (0..self.services.sessions.len()).map(Role::Sessions);
        let feed = self.services.config.feed.as_ref().map(|_| Role::Feed);
        let candles = self.services.config.candles.as_ref().map(|_| Role::Candles);
        let single = [Role::Writer, Role::Notifier, Role::Activity, Role::Relay, Role::Rooms];
        single.into_iter().chain(shards).chain(feed).chain(candles).collect()
    }

    async fn spawn(&mut self, myself: &ActorRef<RootMessage>, role: Role) -> Result<(), SpawnErr> {
        let id = start(role, &self.services, myself.get_cell()).await?;
        self.children.insert(id, role);
        Ok(())
    }

    async fn on_respawn(
        &mut self,
        myself: &ActorRef<RootMessage>,
        role: Role,
    ) -> Result<(), ActorProcessingErr> {
        match self.spawn(myself, role).await {
            Ok(()) => Ok(()),
            // A start that fails is one more death.
            Err(error) => self.decide(myself, role, &error.to_string()),
        }
    }

    fn on_death(
        &mut self,
        myself: &ActorRef<RootMessage>,
        actor: ActorId,
        error: &str,
    ) -> Result<(), ActorProcessingErr> {
        match self.children.remove(&actor) {
            Some(role) => self.decide(myself, role, error),
            None => Ok(()),
        }
    }

    fn decide(
        &mut self,
        myself: &ActorRef<RootMessage>,
        role: Role,
        error: &str,
    ) -> Result<(), ActorProcessingErr> {
        let verdict = self.deaths.entry(role).or_default().on_death(&RestartPolicy::CHILD, Instant::now());
        match verdict {
            Verdict::Restart(pause) => {
                crate::metrics::restarted(role.name());
                self.services.root_view.update(|view| *view.restarts.entry(role).or_default() += 1);
                tracing::warn!(actor = %role, error, pause_ms = pause.as_millis(), "actor restarts");
                myself.send_after(pause, move || RootMessage::Respawn(role));
                Ok(())
            }
            Verdict::GiveUp => {
                crate::metrics::escalated(role.name());
                self.services.root_view.update(|view| view.gave_up = Some(role));
                Err(format!("{role} died too often: {error}").into())
            }
        }
    }
}

/// Starts one child and points its address at it.
async fn start(role: Role, services: &Arc<Services>, root: ActorCell) -> Result<ActorId, SpawnErr> {
    let shared = Arc::clone(services);
    macro_rules! spawn {
        ($actor:expr, $arguments:expr, $address:expr) => {{
            let (actor, _) = Actor::spawn_linked(None, $actor, $arguments, root).await?;
            let id = actor.get_id();
            $address.set(actor);
            Ok(id)
        }};
    }
    let unknown = || SpawnErr::StartupFailed(format!("{role} is not part of this tree").into());
    match role {
        Role::Writer => {
            let address = Arc::clone(&services.intake);
            let start = async move { spawn!(Writer, shared, address.address) };
            on_thread(&services.writer_thread, start).await
        }
        Role::Notifier => spawn!(Notifier, shared, services.notifier),
        Role::Activity => spawn!(Activity, shared, services.events.activity),
        Role::Relay => spawn!(Relay, shared, services.events.relay),
        Role::Rooms => spawn!(Rooms, shared, services.rooms),
        Role::Sessions(shard) => {
            let address = services.sessions.get(shard).ok_or_else(unknown)?;
            spawn!(Sessions(shard), shared, address)
        }
        Role::Feed => {
            let config = services.config.feed.clone().ok_or_else(unknown)?;
            spawn!(Feed, (shared, config), services.feed)
        }
        Role::Candles => {
            let config = services.config.candles.clone().ok_or_else(unknown)?;
            spawn!(Candles, (shared, config), services.collector)
        }
    }
}

/// Starts an actor on a thread of its own: its loop runs where its start did.
async fn on_thread(
    thread: &Thread,
    start: impl Future<Output = Result<ActorId, SpawnErr>> + Send + 'static,
) -> Result<ActorId, SpawnErr> {
    let failed = |reason: &str| SpawnErr::StartupFailed(reason.into());
    let started = thread.spawn(start).ok_or_else(|| failed("its thread has ended"))?;
    started.await.map_err(|error| failed(&error.to_string()))?
}
