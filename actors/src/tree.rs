//! The tree as the rest of the server sees it: [`Tree`] to start, use and stop it, [`Services`] that its actors share.

mod events;
mod moderation;

pub use events::{EventStores, Events};

use crate::address::Address;
use crate::candle::{CandleConfig, CandleHub, CandleMessage, CandleView};
use crate::feed::{Activation, Candidate, FeedConfig, FeedView};
use crate::notifier::{self, Notice, NotifierMessage};
use crate::observed::Observed;
use crate::queue::Inbox;
use crate::registry::{Refused, Registry};
use crate::rooms::{RoomDirectory, RoomsMessage};
use crate::root::{Role, Root, RootMessage, RootView};
use crate::session::{Dialect, Identity, Outbox, SessionId, SessionSlot};
use crate::sessions::{SessionsMessage, show_sockets};
use crate::stream::Streams;
use crate::thread::Thread;
use crate::ticker::TickerHub;
use crate::turnstile::Turnstile;
use crate::wire::{CloseCode, native};
use crate::writer::{Intake, WriterMessage, WriterView};
use governor::Quota;
use ractor::{Actor, ActorRef};
use std::future::Future;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tickroom_storage::candle::{Backfills, Candles};
use tickroom_storage::market::{Market, Markets};
use tickroom_storage::message::{MessageLog, Spill};
use tickroom_storage::moderation::Moderation;
use tickroom_storage::room::Rooms as RoomStore;
use tickroom_storage::{FamilyId, IdGenerator, MarketCode, RoomName, StorageError, TimestampMs, UserId};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

/// What an operator may set about the tree.
#[derive(Debug, Clone)]
pub struct TreeConfig {
    /// Rooms that exist whatever markets the feed knows.
    pub rooms: Vec<RoomName>,
    /// What a socket may send, on average and at once.
    pub message_quota: Quota,
    /// Cap of a socket's lossless lane.
    pub outbox_bytes: usize,
    /// Pause between pings of one socket, more or less.
    pub ping_interval: Duration,
    /// A socket that gives no sign of life for this long after a ping is closed.
    pub pong_timeout: Duration,
    /// How long a client of the Centrifuge protocol may take to connect.
    pub connect_within: Duration,
    /// How long such a client may take to bring another token when the first has run out.
    pub refresh_grace: Duration,
    /// Open sockets at most.
    pub max_sockets: usize,
    /// Open sockets of one user at most.
    pub sockets_per_user: usize,
    /// Messages per append to the log.
    pub batch_messages: usize,
    /// How long a message waits for others to share its append.
    pub linger: Duration,
    /// Messages that may wait to be stored.
    pub queue_messages: usize,
    /// A room without members is stopped after this time; its place in the order is kept.
    pub room_idle: Duration,
    /// Supervisors that sessions are spread over.
    pub session_shards: usize,
    /// The exchange; none for a server without prices.
    pub feed: Option<FeedConfig>,
    /// Where candles are collected from; none for a server without.
    pub candles: Option<CandleConfig>,
}

impl Default for TreeConfig {
    fn default() -> Self {
        const PER_SECOND: NonZeroU32 = NonZeroU32::new(30).unwrap();
        const BURST: NonZeroU32 = NonZeroU32::new(60).unwrap();
        Self {
            rooms: Vec::new(),
            message_quota: Quota::per_second(PER_SECOND).allow_burst(BURST),
            outbox_bytes: crate::limits::OUTBOX_BYTES,
            ping_interval: Duration::from_secs(25),
            pong_timeout: Duration::from_secs(10),
            connect_within: crate::limits::CONNECT_WITHIN,
            refresh_grace: crate::limits::REFRESH_GRACE,
            max_sockets: 50_000,
            sockets_per_user: 100,
            batch_messages: 2_000,
            linger: Duration::from_millis(20),
            queue_messages: 100_000,
            room_idle: Duration::from_secs(60),
            session_shards: std::thread::available_parallelism().map_or(1, usize::from),
            feed: None,
            candles: None,
        }
    }
}

/// The stores that the tree reads and writes.
pub struct Stores {
    /// Where messages go.
    pub log: Arc<dyn MessageLog>,
    /// Where messages go while the log is down.
    pub spill: Spill,
    /// The markets of earlier runs.
    pub markets: Markets,
    /// The rooms of earlier runs.
    pub rooms: RoomStore,
    /// Who keeps order in them, and how.
    pub moderation: Moderation,
    /// Candles of all lengths.
    pub candles: Candles,
    /// Who asked for old ones.
    pub backfills: Backfills,
    /// What people do, and what follows from it.
    pub events: EventStores,
}

/// What the actors share. Everything in here outlives every one of them.
pub struct Services {
    /// What an operator set.
    pub config: TreeConfig,
    /// Rooms, running or not.
    pub directory: RoomDirectory,
    /// Open sockets.
    pub registry: Registry,
    /// Prices and their watchers.
    pub hub: TickerHub,
    /// Candles that the database does not have yet, and their watchers.
    pub candles: CandleHub,
    /// Messages on their way to the log.
    pub intake: Arc<Intake>,
    /// Makes message ids.
    pub ids: IdGenerator,
    /// Where messages go.
    pub log: Arc<dyn MessageLog>,
    /// Who keeps order in rooms, and how.
    pub moderation: Moderation,
    /// The room supervisor.
    pub rooms: Address<RoomsMessage>,
    /// The session supervisors, by shard.
    pub sessions: Box<[Address<SessionsMessage>]>,
    /// The notifier.
    pub notifier: Address<NotifierMessage>,
    /// From what people do to what others are told.
    pub events: Events,
    /// Open event streams.
    pub streams: Arc<Streams>,
    /// The feed.
    pub feed: Address<crate::feed::FeedMessage>,
    /// The collector of candles.
    pub collector: Address<CandleMessage>,
    /// Candles of all lengths.
    pub candle_store: Candles,
    /// Who asked for old ones.
    pub backfills: Backfills,
    /// Which markets are followed.
    pub activation: Activation,
    /// What the feed shows.
    pub feed_view: Observed<FeedView>,
    /// What the collector of candles shows.
    pub candles_view: Observed<CandleView>,
    /// What the writer shows.
    pub writer_view: Observed<WriterView>,
    /// What the root shows.
    pub root_view: Observed<RootView>,
    pub(crate) spill: Arc<tokio::sync::Mutex<Spill>>,
    pub(crate) notices: Inbox<Notice>,
    /// Where rooms and sockets wait for their turn, by shard.
    turnstiles: Arc<[Arc<Turnstile>]>,
    turnstile_keepers: Vec<JoinHandle<()>>,
    /// Where the writer runs.
    pub(crate) writer_thread: Thread,
    market_store: Markets,
    room_store: RoomStore,
    draining: AtomicBool,
    started: Instant,
}

impl Services {
    fn new(config: TreeConfig, stores: Stores) -> std::io::Result<Self> {
        let shards = config.session_shards.max(1);
        let intake = Arc::new(Intake::new(config.queue_messages));
        let turnstiles: Arc<[Arc<Turnstile>]> = (0..shards).map(|_| Arc::default()).collect();
        intake.set_spilled(stores.spill.tails().clone());
        Ok(Self {
            directory: RoomDirectory::new(Arc::clone(&turnstiles)),
            registry: Registry::new(shards),
            hub: TickerHub::default(),
            candles: CandleHub::new(config.feed.as_ref().is_some_and(|feed| feed.simulated)),
            intake,
            ids: IdGenerator::new(),
            log: stores.log,
            moderation: stores.moderation,
            rooms: Address::default(),
            sessions: (0..shards).map(|_| Address::default()).collect(),
            notifier: Address::default(),
            events: Events::new(stores.events),
            streams: Arc::default(),
            feed: Address::default(),
            collector: Address::default(),
            candle_store: stores.candles,
            backfills: stores.backfills,
            candles_view: Observed::default(),
            activation: Activation::default(),
            feed_view: Observed::default(),
            writer_view: Observed::default(),
            root_view: Observed::default(),
            spill: Arc::new(tokio::sync::Mutex::new(stores.spill)),
            notices: notifier::inbox(),
            turnstile_keepers: turnstiles.iter().map(Turnstile::start).collect(),
            turnstiles,
            writer_thread: Thread::start("writer")?,
            market_store: stores.markets,
            room_store: stores.rooms,
            draining: AtomicBool::new(false),
            started: Instant::now(),
            config,
        })
    }

    /// Makes markets watchable and gives each a room; remembers both for the next run.
    pub(crate) async fn open_markets(&self, markets: Vec<Market>) {
        self.hub.open(markets.iter().map(|market| market.code.clone()));
        let rooms: Vec<RoomName> = markets.iter().map(|market| market.code.clone().into()).collect();
        self.directory.open(rooms.clone());
        let stored = match self.market_store.upsert(&markets).await {
            Ok(()) => self.room_store.ensure(&rooms, TimestampMs::now()).await,
            Err(error) => Err(error),
        };
        if let Err(error) = stored {
            tracing::warn!(%error, "markets cannot be remembered");
        }
    }

    /// Opens what the configuration names and what earlier runs knew.
    async fn open_known(&self) -> Result<(), StorageError> {
        self.room_store.ensure(&self.config.rooms, TimestampMs::now()).await?;
        self.directory.open(self.room_store.list().await?.into_iter().map(|room| room.name));
        if let Some(feed) = &self.config.feed {
            let (decided, known) = (self.market_store.decided().await?, self.market_store.list().await?);
            self.activation.restore(decided, known);
            self.hub.open(self.activation.codes(feed));
        }
        Ok(())
    }

    /// Follows a market from now on, or follows it no more, and remembers that. What it is now, or nothing if nobody
    /// knows such a market.
    ///
    /// # Errors
    ///
    /// When it cannot be remembered; then nothing changes.
    pub async fn follow(&self, code: &MarketCode, active: bool) -> Result<Option<Candidate>, StorageError> {
        let Some(feed) = &self.config.feed else { return Ok(None) };
        if self.activation.candidate(feed, code).is_none() {
            return Ok(None);
        }
        self.market_store.decide(code, active, TimestampMs::now()).await?;
        self.activation.decide(code.clone(), active);
        Ok(self.activation.candidate(feed, code))
    }

    #[expect(clippy::indexing_slicing, reason = "there are as many turnstiles as shards")]
    fn turnstile_of(&self, id: SessionId) -> Arc<Turnstile> {
        Arc::clone(&self.turnstiles[self.registry.shard_of(id)])
    }

    /// Milliseconds since the tree was started; the clock of everything that concerns sockets.
    pub fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Whether the actor that plays a role is there.
    pub fn is_up(&self, role: Role) -> bool {
        match role {
            Role::Writer => self.intake.address.is_up(),
            Role::Notifier => self.notifier.is_up(),
            Role::Activity => self.events.activity.is_up(),
            Role::Relay => self.events.relay.is_up(),
            Role::Rooms => self.rooms.is_up(),
            Role::Sessions(shard) => self.sessions.get(shard).is_some_and(Address::is_up),
            Role::Feed => self.feed.is_up(),
            Role::Candles => self.collector.is_up(),
        }
    }

    /// Whether the server is on its way down and takes nothing new.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        self.turnstile_keepers.iter().for_each(JoinHandle::abort);
    }
}

/// A running tree.
pub struct Tree {
    services: Arc<Services>,
    root: ActorRef<RootMessage>,
    ended: watch::Receiver<bool>,
    next_session: AtomicU64,
}

/// The tree could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// What earlier runs stored cannot be read.
    #[error("rooms and markets cannot be read")]
    Storage(#[from] StorageError),
    /// No thread for the writer.
    #[error("the writer's thread cannot be started")]
    Thread(#[from] std::io::Error),
    /// An actor failed at its start.
    #[error("an actor failed at its start: {0}")]
    Actor(#[from] ractor::SpawnErr),
}

/// A tree that nobody holds any more has nobody to serve.
impl Drop for Tree {
    fn drop(&mut self) {
        self.root.stop(None);
    }
}

impl Tree {
    /// Starts all actors.
    ///
    /// # Errors
    ///
    /// When the stores do not answer, or an actor fails at its start.
    pub async fn start(config: TreeConfig, stores: Stores) -> Result<Self, StartError> {
        let services = Arc::new(Services::new(config, stores)?);
        services.open_known().await?;
        let (root, join) = Root::spawn(None, Root, Arc::clone(&services)).await?;
        let (end, ended) = watch::channel(false);
        watch_root(join, end);
        Ok(Self { services, root, ended, next_session: AtomicU64::new(1) })
    }

    /// What the actors share, to look at.
    pub fn services(&self) -> &Arc<Services> {
        &self.services
    }

    /// Lets a socket in. The caller ends it with [`close`](Self::close) once the socket is gone.
    ///
    /// # Errors
    ///
    /// When the server or the user has too many already, or the server is on its way down.
    pub fn open(&self, identity: Option<Identity>, dialect: Dialect) -> Result<Arc<SessionSlot>, Refused> {
        let services = &self.services;
        if services.is_draining() {
            return Err(Refused::ShuttingDown);
        }
        let id = SessionId(self.next_session.fetch_add(1, Ordering::Relaxed));
        let config = &services.config;
        let outbox = Outbox::new(config.outbox_bytes, services.turnstile_of(id));
        let slot = Arc::new(SessionSlot::new(id, identity, dialect, outbox));
        services.registry.add(&slot, config.max_sockets, config.sockets_per_user)?;
        show_sockets(services.registry.len());
        if let Some(shard) = services.sessions.get(services.registry.shard_of(id)) {
            // A shard that is down finds the socket in the registry when it starts.
            shard.cast(SessionsMessage::Opened(Arc::clone(&slot)));
        }
        Ok(slot)
    }

    /// The socket is gone: ends its memberships and its session.
    pub fn close(&self, slot: &SessionSlot) {
        if self.services.registry.remove(slot) {
            slot.leave(&self.services);
            if let Some(session) = slot.address.actor() {
                session.stop(None);
            }
            show_sockets(self.services.registry.len());
        }
    }

    /// A login ended: ends the sockets that it vouched for.
    pub fn logged_out(&self, user: UserId, family: FamilyId) {
        notifier::notify(&self.services, Notice::LoggedOut { user, family });
    }

    /// Completes when the tree has ended, by [`shutdown`](Self::shutdown) or because its root gave up.
    pub fn ended(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut ended = self.ended.clone();
        async move {
            // An error means that the watcher is gone, and with it the tree.
            let _ = ended.wait_for(|ended| *ended).await;
        }
    }

    /// Takes the tree down so that nothing is lost: no new commands, rooms and writer work off what they have, senders
    /// hear of it, clients are told when to come back, sockets get their last frames. Each step has an equal part
    /// of `deadline`. Returns how many messages could not be stored.
    pub async fn shutdown(&self, deadline: Duration) -> usize {
        let services = &self.services;
        let step = deadline / 3;
        services.draining.store(true, Ordering::SeqCst);
        let rooms_done = timeout(step, until(|| self.rooms_are_done())).await.is_ok();
        let left = self.flush(step).await;
        for slot in services.registry.all() {
            if matches!(slot.dialect, Dialect::Chat { .. }) {
                slot.outbox.push(native::shutdown(come_back_after()));
            }
            slot.outbox.close(CloseCode::SHUTDOWN);
        }
        services.streams.shut_down(come_back_after);
        let all_are_gone = || services.registry.is_empty() && services.streams.is_empty();
        let sockets_done = timeout(step, until(all_are_gone)).await.is_ok();
        self.root.stop(Some("shutdown".into()));
        let _ = timeout(step, self.ended()).await;
        tracing::info!(rooms_done, sockets_done, unsaved = left, "actor tree stopped");
        left
    }

    fn rooms_are_done(&self) -> bool {
        self.services.directory.all().iter().all(|room| room.inbox.is_empty())
    }

    async fn flush(&self, limit: Duration) -> usize {
        let intake = &self.services.intake;
        if let Some(writer) = intake.address.actor() {
            let flushed = writer.call(WriterMessage::Flush, Some(limit)).await;
            if let Ok(ractor::rpc::CallResult::Success(left)) = flushed {
                return left;
            }
        }
        intake.len()
    }
}

/// Spread over as long as a restart takes, so that not all come back at once.
fn come_back_after() -> Duration {
    Duration::from_millis(fastrand::u64(500..5_000))
}

/// Completes when the condition holds. Asked in short steps: only used on the way down.
async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn watch_root(join: JoinHandle<()>, end: watch::Sender<bool>) {
    tokio::spawn(async move {
        let _ = join.await;
        let _ = end.send(true);
    });
}
