//! The room supervisor: starts a [`Room`] on first use, stops it when nobody is there, starts it again when it dies.
//!
//! [`RoomDirectory`] holds the slots of all rooms and outlives this actor: its successor finds there which rooms have
//! members or messages and need an actor. A room that keeps dying takes nobody with it: its members are sent
//! away with `3004`, to come back later, and the others go on.

use crate::restart::{RestartLog, RestartPolicy, Verdict};
use crate::room::{Room, RoomMessage, RoomSlot};
use crate::tree::Services;
use crate::turnstile::Turnstile;
use crate::wire::CloseCode;
use dashmap::DashMap;
use ractor::{Actor, ActorId, ActorProcessingErr, ActorRef, SupervisionEvent};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use tickroom_storage::RoomName;
use tokio::time::Instant;

/// The rooms there are, running or not.
pub struct RoomDirectory {
    slots: DashMap<RoomName, Arc<RoomSlot>>,
    /// Where rooms wait for their turn; they are spread over all lines.
    turnstiles: Arc<[Arc<Turnstile>]>,
}

impl RoomDirectory {
    pub(crate) fn new(turnstiles: Arc<[Arc<Turnstile>]>) -> Self {
        Self { slots: DashMap::new(), turnstiles }
    }

    /// Makes rooms known; those that are known already stay as they are.
    pub fn open(&self, names: impl IntoIterator<Item = RoomName>) {
        for name in names {
            let turnstile = fastrand::choice(self.turnstiles.iter()).cloned().unwrap_or_default();
            self.slots.entry(name.clone()).or_insert_with(|| Arc::new(RoomSlot::new(name, turnstile)));
        }
    }

    /// The slot of a room.
    pub fn get(&self, name: &RoomName) -> Option<Arc<RoomSlot>> {
        self.slots.get(name).map(|slot| Arc::clone(&slot))
    }

    /// Every room, by name.
    pub fn all(&self) -> Vec<Arc<RoomSlot>> {
        let mut slots: Vec<_> = self.slots.iter().map(|slot| Arc::clone(&slot)).collect();
        slots.sort_by(|a, b| a.name.cmp(&b.name));
        slots
    }
}

/// The supervisor's control plane.
pub enum RoomsMessage {
    /// A room is needed, and is to hear this.
    Ask {
        /// The room; nothing happens if there is none of this name.
        room: RoomName,
        /// What to say once it runs.
        message: RoomMessage,
    },
    /// The pause after a death is over.
    Respawn(Arc<RoomSlot>),
    /// Time passes.
    Tick,
}

/// The actor.
pub struct Rooms;

/// What the running supervisor knows.
pub struct RoomsState {
    services: Arc<Services>,
    children: HashMap<ActorId, Arc<RoomSlot>>,
    deaths: HashMap<RoomName, RestartLog>,
    /// Rooms whose restart is scheduled.
    respawning: HashSet<RoomName>,
}

impl Actor for Rooms {
    type Msg = RoomsMessage;
    type State = RoomsState;
    type Arguments = Arc<Services>;

    async fn pre_start(
        &self,
        myself: ActorRef<RoomsMessage>,
        services: Arc<Services>,
    ) -> Result<RoomsState, ActorProcessingErr> {
        let mut state = RoomsState {
            services,
            children: HashMap::new(),
            deaths: HashMap::new(),
            respawning: HashSet::new(),
        };
        for slot in state.services.directory.all() {
            if !(slot.members.is_empty() && slot.inbox.is_empty()) {
                state.spawn(&myself, &slot).await;
            }
        }
        let tick = state.services.config.room_idle / 4;
        myself.send_interval(tick, || RoomsMessage::Tick);
        Ok(state)
    }

    async fn handle(
        &self,
        myself: ActorRef<RoomsMessage>,
        message: RoomsMessage,
        state: &mut RoomsState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            RoomsMessage::Ask { room, message } => state.on_ask(&myself, &room, message).await,
            RoomsMessage::Respawn(slot) => state.on_respawn(&myself, &slot).await,
            RoomsMessage::Tick => state.on_tick(),
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<RoomsMessage>,
        event: SupervisionEvent,
        state: &mut RoomsState,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorTerminated(who, _, Some(reason)) if reason == IDLE => {
                state.on_asleep(&myself, who.get_id()).await;
            }
            SupervisionEvent::ActorTerminated(who, ..) => state.on_death(&myself, who.get_id(), "stopped"),
            SupervisionEvent::ActorFailed(who, error) => {
                state.on_death(&myself, who.get_id(), &error.to_string());
            }
            _ => {}
        }
        Ok(())
    }
}

/// The stop reason of a room that nobody needs.
const IDLE: &str = "idle";

impl RoomsState {
    async fn on_ask(&mut self, myself: &ActorRef<RoomsMessage>, room: &RoomName, message: RoomMessage) {
        let Some(slot) = self.services.directory.get(room) else {
            if let RoomMessage::Join { session, .. } = message {
                session.outbox.close(CloseCode::UNKNOWN_ROOM);
            }
            return;
        };
        slot.touch();
        if !slot.address.is_up() && !self.respawning.contains(room) {
            self.spawn(myself, &slot).await;
        }
        // A room that waits for its restart does not hear this; whoever asks, asks again.
        slot.address.cast(message);
    }

    async fn on_respawn(&mut self, myself: &ActorRef<RoomsMessage>, slot: &Arc<RoomSlot>) {
        self.respawning.remove(&slot.name);
        self.spawn(myself, slot).await;
    }

    async fn spawn(&mut self, myself: &ActorRef<RoomsMessage>, slot: &Arc<RoomSlot>) {
        if slot.address.is_up() {
            return;
        }
        let arguments = (Arc::clone(&self.services), Arc::clone(slot));
        match Room::spawn_linked(None, Room, arguments, myself.get_cell()).await {
            Ok((actor, _)) => {
                self.children.insert(actor.get_id(), Arc::clone(slot));
                slot.address.set(actor);
            }
            Err(error) => tracing::error!(room = %slot.name, %error, "room could not be spawned"),
        }
    }

    /// A room went to sleep. One that was given something to do in the same moment is woken again.
    async fn on_asleep(&mut self, myself: &ActorRef<RoomsMessage>, actor: ActorId) {
        if let Some(slot) = self.children.remove(&actor)
            && !(slot.members.is_empty() && slot.inbox.is_empty())
        {
            self.spawn(myself, &slot).await;
        }
    }

    fn on_death(&mut self, myself: &ActorRef<RoomsMessage>, actor: ActorId, error: &str) {
        let Some(slot) = self.children.remove(&actor) else {
            return;
        };
        let deaths = self.deaths.entry(slot.name.clone()).or_default();
        match deaths.on_death(&RestartPolicy::ROOM, Instant::now()) {
            Verdict::Restart(pause) => {
                crate::metrics::restarted("room");
                self.respawning.insert(slot.name.clone());
                tracing::warn!(room = %slot.name, error, pause_ms = pause.as_millis(), "room restarts");
                myself.send_after(pause, move || RoomsMessage::Respawn(slot));
            }
            Verdict::GiveUp => {
                crate::metrics::escalated("room");
                tracing::error!(room = %slot.name, error, "room keeps dying, its members are sent away");
                self.deaths.remove(&slot.name);
                slot.members.send_away(CloseCode::INTERNAL);
            }
        }
    }

    /// Puts rooms to sleep that nobody has used for a while, and forgets deaths that are long past.
    fn on_tick(&mut self) {
        let now = Instant::now();
        self.deaths.retain(|_, deaths| !deaths.is_past(&RestartPolicy::ROOM, now));
        for slot in self.children.values().filter(|slot| slot.is_idle(self.services.config.room_idle)) {
            if let Some(room) = slot.address.actor() {
                room.stop(Some(IDLE.into()));
            }
        }
    }
}
