//! The session: the server's side of one socket.
//!
//! A [`Session`] turns what its client sends into commands: it decodes, checks the allowance, and hands on to the room
//! or the ticker hub. Its [`SessionSlot`] holds what outlives it and what others write to: identity, inbox, outbox,
//! memberships. If a session dies, its shard starts another on the same slot; the socket does not notice. What
//! is lost is the message in its hands and the state of its rate limit.

mod outbox;

pub use outbox::{Next, Outbox, Reading};

use crate::address::Address;
use crate::limits;
use crate::metrics::REFUSALS;
use crate::queue::{Full, Inbox, Wake};
use crate::restart::RestartLog;
use crate::room::{Position, Publish, Receipt, RoomSlot};
use crate::rooms::RoomsMessage;
use crate::tree::Services;
use crate::wire::{self, CloseCode, Refusal, native, ticker::Watch};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, RateLimiter};
use metrics::counter;
use parking_lot::Mutex;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use tickroom_storage::candle::Series;
use tickroom_storage::message::Sender;
use tickroom_storage::{ClientMessageId, FamilyId, MarketCode, Offset, RoomName, TimestampMs, UserId};
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// Names a socket for as long as the process lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub(crate) u64);

/// Who is at the other end, as proved at the handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user.
    pub user: UserId,
    /// The name under which messages appear.
    pub name: Arc<str>,
    /// The picture beside it.
    pub profile_url: Option<Arc<str>>,
    /// The login that vouches for the socket; ending it ends the socket.
    pub family: Option<FamilyId>,
    /// When the proof runs out, and the socket with it.
    pub expires_at: TimestampMs,
}

/// What the socket speaks, and what it is for.
#[derive(Debug, Clone)]
pub enum Dialect {
    /// Chat in one room.
    Chat {
        /// The room.
        room: RoomName,
        /// Where the client was before its connection broke.
        resume: Option<Position>,
    },
    /// Prices of any markets.
    Ticker,
    /// Candles of any markets and lengths.
    Candle,
}

/// One message from the client, as the socket read it.
#[derive(Debug)]
pub enum Inbound {
    /// A text frame.
    Text(Utf8Bytes),
    /// A binary frame; no dialect here has a use for its content.
    Binary,
}

/// What outlives the session's actor.
pub struct SessionSlot {
    /// The socket.
    pub id: SessionId,
    /// Who is at the other end; nobody in particular where no login is needed.
    pub identity: Option<Identity>,
    /// What the socket speaks.
    pub dialect: Dialect,
    /// What waits to be written.
    pub outbox: Outbox,
    /// The actor, when it runs.
    pub address: Address<SessionMessage>,
    pub(crate) deaths: Mutex<RestartLog>,
    inbox: Inbox<Inbound>,
    room: OnceLock<Arc<RoomSlot>>,
    watched: Mutex<Vec<MarketCode>>,
    watched_series: Mutex<Vec<Series>>,
    closed: AtomicBool,
    heard_at_ms: AtomicU64,
}

impl SessionSlot {
    pub(crate) fn new(id: SessionId, identity: Option<Identity>, dialect: Dialect, outbox: Outbox) -> Self {
        Self {
            id,
            identity,
            dialect,
            outbox,
            address: Address::default(),
            deaths: Mutex::default(),
            inbox: Inbox::new(limits::SESSION_INBOX_MESSAGES),
            room: OnceLock::new(),
            watched: Mutex::default(),
            watched_series: Mutex::default(),
            closed: AtomicBool::new(false),
            heard_at_ms: AtomicU64::new(0),
        }
    }

    /// Whether the session takes another message. A socket stops reading until it does.
    pub fn poll_ready(&self, context: &mut Context<'_>) -> Poll<()> {
        self.inbox.poll_room(context)
    }

    /// Hands over one message of the client. Only the socket's task calls this, after [`poll_ready`](Self::poll_ready).
    pub fn receive(&self, inbound: Inbound) {
        match self.inbox.push(inbound) {
            // A session that is down finds the message when it starts.
            Ok(Wake::Needed) => self.address.cast(SessionMessage::Wake),
            Ok(Wake::Pending) => {}
            Err(Full(_)) => self.refuse(&Refusal::Overloaded, None),
        }
    }

    /// Notes that the client gave a sign of life, at this many milliseconds of the tree's clock.
    pub fn heard(&self, at_ms: u64) {
        self.heard_at_ms.store(at_ms, Ordering::Relaxed);
    }

    pub(crate) fn last_heard_ms(&self) -> u64 {
        self.heard_at_ms.load(Ordering::Relaxed)
    }

    /// Whether the socket is gone.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// The room of a chat session, once it has joined.
    pub fn room(&self) -> Option<&Arc<RoomSlot>> {
        self.room.get()
    }

    /// The room took the session in, having given it everything up to `delivered`.
    pub(crate) fn enter(self: &Arc<Self>, room: &Arc<RoomSlot>, delivered: Offset) {
        // The room first: whoever closes the session afterwards knows what to leave.
        let _ = self.room.set(Arc::clone(room));
        room.members.add(self, delivered);
        self.address.cast(SessionMessage::Wake);
    }

    /// Ends all memberships. After this nothing is pushed to the outbox any more.
    pub(crate) fn leave(&self, services: &Services) {
        self.closed.store(true, Ordering::SeqCst);
        if let Some(room) = self.room.get() {
            room.members.remove(self.id);
        }
        for code in self.watched.lock().drain(..) {
            let _ = services.hub.unwatch(&code, self);
        }
        for series in self.watched_series.lock().drain(..) {
            services.candles.unwatch(&series, self);
        }
    }

    fn refuse(&self, refusal: &Refusal, id: Option<&ClientMessageId>) {
        counter!(REFUSALS, "code" => refusal.code()).increment(1);
        self.outbox.push(native::error(refusal, id));
    }
}

/// The session's control plane. What the client sends waits in the slot's inbox.
pub enum SessionMessage {
    /// There is something in the inbox, or the room was entered.
    Wake,
    /// The room has not answered: ask again.
    Join,
}

/// The actor.
pub struct Session;

/// What a running session knows.
pub struct SessionState {
    services: Arc<Services>,
    slot: Arc<SessionSlot>,
    allowance: DefaultDirectRateLimiter,
    /// Refusals for want of allowance since the last message that was taken.
    ignored_refusals: u32,
}

/// Whether a session has to come back to its inbox.
#[derive(Debug, PartialEq, Eq)]
enum Progress {
    NothingWaits,
    MoreWaits,
}

impl Actor for Session {
    type Msg = SessionMessage;
    type State = SessionState;
    type Arguments = (Arc<Services>, Arc<SessionSlot>);

    async fn pre_start(
        &self,
        myself: ActorRef<SessionMessage>,
        (services, slot): Self::Arguments,
    ) -> Result<SessionState, ActorProcessingErr> {
        let allowance = RateLimiter::direct(services.config.message_quota);
        myself.cast(SessionMessage::Join)?;
        Ok(SessionState { services, slot, allowance, ignored_refusals: 0 })
    }

    async fn handle(
        &self,
        myself: ActorRef<SessionMessage>,
        message: SessionMessage,
        state: &mut SessionState,
    ) -> Result<(), ActorProcessingErr> {
        if let SessionMessage::Join = message {
            state.on_join();
        }
        if state.work_off() == Progress::MoreWaits {
            myself.cast(SessionMessage::Wake)?;
        }
        Ok(())
    }

    /// Says what the client sent right before it left: ractor serves a stop before the messages that wait.
    async fn post_stop(
        &self,
        _myself: ActorRef<SessionMessage>,
        state: &mut SessionState,
    ) -> Result<(), ActorProcessingErr> {
        state.work_off();
        Ok(())
    }
}

impl SessionState {
    /// Works off the inbox, an inboxful at a time: a client that never stops sending must not keep the thread. A chat
    /// session that has not entered its room yet leaves it: what came early is said once there is somebody to hear it.
    fn work_off(&mut self) -> Progress {
        if matches!(self.slot.dialect, Dialect::Chat { .. }) && self.slot.room().is_none() {
            return Progress::NothingWaits;
        }
        for _ in 0..limits::SESSION_INBOX_MESSAGES {
            let Some(inbound) = self.slot.inbox.pop() else { return Progress::NothingWaits };
            self.on_inbound(&inbound);
        }
        Progress::MoreWaits
    }

    /// Asks for the room. A session that was restarted is a member already and just goes on.
    fn on_join(&mut self) {
        if let (Dialect::Chat { room, resume }, None) = (&self.slot.dialect, self.slot.room()) {
            let (room, resume, session) = (room.clone(), resume.clone(), Arc::clone(&self.slot));
            // While the rooms are down nobody answers, and the shard asks again.
            self.services.rooms.cast(RoomsMessage::Join { room, session, resume });
        }
    }

    fn on_inbound(&mut self, inbound: &Inbound) {
        // Whoever was sent away is not heard any more. A client that says goodbye is: its last words came before it.
        if self.slot.outbox.closing().is_some_and(|code| code != CloseCode::NORMAL) {
            return;
        }
        let Inbound::Text(text) = inbound else {
            return self.slot.refuse(&Refusal::Binary, None);
        };
        if self.services.is_draining() {
            return self.slot.refuse(&Refusal::ShuttingDown, None);
        }
        if let Err(refusal) = self.spend() {
            return self.slot.refuse(&refusal, None);
        }
        match (&self.slot.dialect, self.slot.room(), &self.slot.identity) {
            (Dialect::Chat { .. }, Some(room), Some(identity)) => self.on_say(text, room, identity),
            (Dialect::Chat { .. }, ..) => self.slot.refuse(&Refusal::NotJoined, None),
            (Dialect::Ticker, ..) => self.on_watch(text),
            (Dialect::Candle, ..) => self.on_watch_series(text),
        }
    }

    /// Takes one message from the allowance. A refused one is not decoded, and a client that goes on all the same is
    /// sent away: refusing costs something, too.
    fn spend(&mut self) -> Result<(), Refusal> {
        let Err(until) = self.allowance.check() else {
            self.ignored_refusals = 0;
            return Ok(());
        };
        self.ignored_refusals += 1;
        if self.ignored_refusals > limits::IGNORED_REFUSALS {
            self.slot.outbox.close(CloseCode::TOO_MANY_REQUESTS);
        }
        Err(Refusal::RateLimited { retry_after: until.wait_time_from(DefaultClock::default().now()) })
    }

    fn on_say(&self, text: &str, room: &Arc<RoomSlot>, identity: &Identity) {
        match native::decode(text) {
            Ok(say) => room.publish(Publish {
                sender: Sender {
                    id: identity.user,
                    name: Arc::clone(&identity.name),
                    profile_url: identity.profile_url.clone(),
                },
                content: say.content,
                receipt: Receipt::new(Arc::clone(&self.slot), say.client_id),
            }),
            Err((refusal, id)) => self.slot.refuse(&refusal, id.as_ref()),
        }
    }

    fn on_watch(&self, text: &str) {
        let outcome = wire::ticker::decode(text).and_then(|watch| match watch {
            Watch::Start(code) => self.watch(code),
            Watch::Stop(code) => self.unwatch(&code),
        });
        if let Err(refusal) = outcome {
            self.slot.refuse(&refusal, None);
        }
    }

    fn watch(&self, code: MarketCode) -> Result<(), Refusal> {
        {
            let mut watched = self.slot.watched.lock();
            if watched.contains(&code) {
                return Ok(());
            }
            if watched.len() >= limits::SOCKET_MARKETS {
                return Err(Refusal::TooManyMarkets(limits::SOCKET_MARKETS));
            }
            watched.push(code.clone());
        }
        let watching = self.services.hub.watch(&code, &self.slot);
        // Closed in the meantime: whoever closed it may have looked before the hub knew.
        if self.slot.is_closed() || watching.is_err() {
            self.slot.watched.lock().retain(|watched| *watched != code);
            let _ = self.services.hub.unwatch(&code, &self.slot);
        }
        watching.map_err(|_| Refusal::UnknownMarket(code.to_string()))
    }

    fn unwatch(&self, code: &MarketCode) -> Result<(), Refusal> {
        self.slot.watched.lock().retain(|watched| watched != code);
        self.services.hub.unwatch(code, &self.slot).map_err(|_| Refusal::UnknownMarket(code.to_string()))
    }

    fn on_watch_series(&self, text: &str) {
        let outcome = wire::candle::decode(text).and_then(|watch| match watch {
            wire::candle::Watch::Start(series) => self.watch_series(series),
            wire::candle::Watch::Stop(series) => self.unwatch_series(&series),
        });
        if let Err(refusal) = outcome {
            self.slot.refuse(&refusal, None);
        }
    }

    fn watch_series(&self, series: Series) -> Result<(), Refusal> {
        {
            let mut watched = self.slot.watched_series.lock();
            if watched.contains(&series) {
                return Ok(());
            }
            if watched.len() >= limits::SOCKET_SERIES {
                return Err(Refusal::TooManyMarkets(limits::SOCKET_SERIES));
            }
            watched.push(series.clone());
        }
        let watching = self.services.candles.watch(&series, &self.slot, &self.services.hub);
        // Closed in the meantime: whoever closed it may have looked before the hub knew.
        if self.slot.is_closed() || watching.is_err() {
            self.slot.watched_series.lock().retain(|watched| *watched != series);
            self.services.candles.unwatch(&series, &self.slot);
        }
        watching.map_err(|_| Refusal::UnknownMarket(series.market.to_string()))
    }

    fn unwatch_series(&self, series: &Series) -> Result<(), Refusal> {
        self.slot.watched_series.lock().retain(|watched| watched != series);
        self.services.candles.unwatch(series, &self.slot);
        let known = self.services.hub.last(&series.market);
        known.map(|_| ()).map_err(|_| Refusal::UnknownMarket(series.market.to_string()))
    }
}
