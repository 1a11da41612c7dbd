//! The server as a whole: what a configuration becomes, and how it starts and stops.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use axum::extract::FromRef;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use metrics_exporter_prometheus::PrometheusHandle;
use secrecy::ExposeSecret;
use tickroom_actors::candle::CandleConfig;
use tickroom_actors::feed::FeedConfig;
use tickroom_actors::{EventStores, Stores, Tree, TreeConfig};
use tickroom_sim::Exchange;
use tickroom_storage::account::Accounts;
use tickroom_storage::activity::SqlActivityLog;
use tickroom_storage::candle::{Backfills, Candles};
use tickroom_storage::comment::Comments;
use tickroom_storage::dead_letter::DeadLetters;
use tickroom_storage::engine::Database;
use tickroom_storage::follow::Follows;
use tickroom_storage::market::Markets;
use tickroom_storage::message::{MessageLog, Spill};
use tickroom_storage::moderation::Moderation;
use tickroom_storage::notification::Notifications;
use tickroom_storage::picture::Pictures;
use tickroom_storage::post::Posts;
use tickroom_storage::room::Rooms;
use tickroom_storage::tag::Tags;
use tickroom_storage::token::Tokens;
use tickroom_storage::user::Users;
use tickroom_storage::{IdGenerator, TimestampMs, UserId};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::auth::{Auth, Dependencies};
use crate::config::{Config, FeedSource};
use crate::demo::DemoLogin;
use crate::limits::{ANONYMOUS_VIEWS_PER_MINUTE, HEADER_READ_TIMEOUT, MAIL_DRAIN};
use crate::mail::Mailer;
use crate::middleware::rate_limit::{AddressLimit, KeyedLimit};
use crate::picture::PictureMaker;
use crate::viewer::Viewers;
use crate::{housekeeping, listener, message_log, router, telemetry};

/// What the handlers work with. Clones share everything.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// The parts of an [`App`].
pub struct Parts {
    /// What the server runs with.
    pub config: Config,
    /// Who is there.
    pub auth: Auth,
    /// People.
    pub users: Users,
    /// Who follows whom.
    pub follows: Follows,
    /// Their pictures.
    pub pictures: Pictures,
    /// How pictures are made of what people send.
    pub picture_maker: PictureMaker,
    /// How many pictures one user may send.
    pub picture_limit: KeyedLimit<UserId>,
    /// What they post.
    pub posts: Posts,
    /// What they say about it.
    pub comments: Comments,
    /// What it is about.
    pub tags: Tags,
    /// Names for those who look at it without an account.
    pub viewers: Viewers,
    /// How often they may tell of it.
    pub view_limit: AddressLimit,
    /// Names for what is new.
    pub ids: Arc<IdGenerator>,
    /// Markets, with their names.
    pub markets: Markets,
    /// Candles of all lengths.
    pub candles: Candles,
    /// Who asked for old ones.
    pub backfills: Backfills,
    /// What people did.
    pub activity: SqlActivityLog,
    /// What they are told.
    pub notifications: Notifications,
    /// Events that could not be processed.
    pub dead_letters: DeadLetters,
    /// Who keeps order in rooms, and how.
    pub moderation: Moderation,
    /// Messages.
    pub log: Arc<dyn MessageLog>,
    /// Whether the message log has answered since the start. Before, no room can know its place.
    pub has_log_answered: AtomicBool,
    /// The actors.
    pub tree: Arc<Tree>,
    /// Numbers.
    pub metrics: PrometheusHandle,
    /// How fast sockets may come, over all clients.
    pub handshakes: DefaultDirectRateLimiter,
    /// The logins of a demo, which are no secret.
    pub demo_logins: Vec<DemoLogin>,
}

impl std::ops::Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl FromRef<App> for Auth {
    fn from_ref(app: &App) -> Self {
        app.auth.clone()
    }
}

impl FromRef<App> for Users {
    fn from_ref(app: &App) -> Self {
        app.users.clone()
    }
}

impl App {
    /// Whether prices come from a simulated exchange.
    pub fn is_simulated(&self) -> bool {
        self.config.feed.source == FeedSource::Sim
    }
}

/// What does not come from the configuration.
#[derive(Default)]
pub struct Options {
    /// The simulated exchange, if that is where prices come from.
    pub simulation: tickroom_sim::Config,
    /// Logins that `GET /version` gives to everybody.
    pub demo_logins: Vec<DemoLogin>,
}

/// A server that runs.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// What its handlers work with.
    pub app: App,
    database: Database,
    mailer: Mailer,
    /// The simulated exchange, if that is where prices come from.
    exchange: Option<Exchange>,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
    housekeeping: JoinHandle<()>,
}

impl Server {
    /// Opens the stores, starts the actors and listens.
    ///
    /// # Errors
    ///
    /// With what could not be opened or started, and why.
    pub async fn start(mut config: Config, options: Options) -> anyhow::Result<Self> {
        let Options { simulation, demo_logins } = options;
        let metrics = telemetry::install_metrics()?;
        tickroom_actors::metrics::describe();
        let listener = TcpListener::bind(config.server.listen)
            .await
            .map_err(|error| anyhow::anyhow!("cannot listen on {}: {error}", config.server.listen))?;
        let address = listener.local_addr()?;
        config.server.bound_to(address);

        let database = Database::connect(config.storage.database_url.expose_secret()).await?;
        let (feed, exchange) = open_feed(&config, simulation).await?;
        let message_log::Opened { log, answers } = message_log::open(&config.storage, &database).await?;
        let tree = Arc::new(start_tree(&config, feed, &database, Arc::clone(&log)).await?);
        let mailer = Mailer::new(&config.mail, &config.storage.data_dir)?;
        let ids = Arc::new(IdGenerator::new());
        let app = App(Arc::new(Parts {
            auth: start_auth(&config, &database, mailer.clone(), &tree, &ids)?,
            users: Users::new(database.clone()),
            follows: Follows::new(database.clone()),
            pictures: open_pictures(&config, &database).await?,
            picture_maker: PictureMaker::new(),
            picture_limit: KeyedLimit::per_hour(config.uploads.pictures_per_hour),
            posts: Posts::new(database.clone()),
            comments: Comments::new(database.clone()),
            tags: Tags::new(database.clone()),
            viewers: Viewers::default(),
            view_limit: AddressLimit::per_minute(ANONYMOUS_VIEWS_PER_MINUTE),
            ids,
            markets: Markets::new(database.clone()),
            candles: Candles::new(database.clone()),
            backfills: Backfills::new(database.clone()),
            activity: SqlActivityLog::new(database.clone()),
            notifications: Notifications::new(database.clone()),
            dead_letters: DeadLetters::new(database.clone()),
            moderation: Moderation::new(database.clone()),
            log,
            has_log_answered: AtomicBool::new(answers),
            tree,
            handshakes: RateLimiter::direct(Quota::per_second(config.server.handshakes_per_second)),
            demo_logins,
            metrics: metrics.clone(),
            config,
        }));
        let (stop, stopping) = watch::channel(false);
        let max_connections = app.config.server.max_connections;
        let router = router::router(app.clone());
        let serving =
            tokio::spawn(listener::serve(listener, router, max_connections, HEADER_READ_TIMEOUT, stopping));
        let housekeeping = tokio::spawn(housekeeping::keep_house(
            metrics,
            database.clone(),
            app.pictures.clone(),
            app.config.auth.is_verification_required,
        ));
        Ok(Self { address, app, database, mailer, exchange, stop, serving, housekeeping })
    }

    /// The simulated exchange, if that is where prices come from.
    pub fn exchange(&self) -> Option<&Exchange> {
        self.exchange.as_ref()
    }

    /// Completes when the actors have given up; the server is of no use then.
    pub async fn failed(&self) {
        self.app.tree.ended().await;
    }

    /// Stops so that nothing is lost: accept no more, work off what is there, tell the clients, close the stores.
    /// Returns how many messages could not be stored.
    pub async fn stop(self) -> usize {
        let drain = self.app.config.server.shutdown_drain;
        // An error means that serving has ended already.
        let _ = self.stop.send(true);
        let unsaved = self.app.tree.shutdown(drain).await;
        if tokio::time::timeout(Duration::from_secs(1), self.serving).await.is_err() {
            tracing::warn!("some requests did not end in time");
        }
        let unsent = self.mailer.settle(MAIL_DRAIN).await;
        if unsent > 0 {
            tracing::warn!(unsent, "mails were lost");
        }
        self.housekeeping.abort();
        if let Some(exchange) = self.exchange {
            exchange.stop().await;
        }
        self.database.close().await;
        unsaved
    }
}

/// Where prices come from; the simulated exchange is started here.
pub(crate) async fn open_feed(
    config: &Config,
    simulation: tickroom_sim::Config,
) -> anyhow::Result<(Option<FeedConfig>, Option<Exchange>)> {
    let feed = |websocket: &str, rest: &str, simulated| FeedConfig {
        markets: config.feed.markets.clone(),
        stale_after: config.feed.stale_after,
        simulated,
        ..FeedConfig::new(websocket, rest)
    };
    Ok(match config.feed.source {
        FeedSource::Off => (None, None),
        FeedSource::Upbit => (Some(feed(&config.feed.websocket_url, &config.feed.rest_url, false)), None),
        FeedSource::Sim => {
            let exchange = Exchange::start(simulation).await?;
            (Some(feed(&exchange.ws_url(), &exchange.rest_url(), true)), Some(exchange))
        }
    })
}

async fn start_tree(
    config: &Config,
    feed: Option<FeedConfig>,
    database: &Database,
    log: Arc<dyn MessageLog>,
) -> anyhow::Result<Tree> {
    let spill = config.storage.data_dir.join("messages.spill");
    let stores = Stores {
        log,
        spill: Spill::open(spill, config.storage.spill_max_bytes).await?,
        markets: Markets::new(database.clone()),
        rooms: Rooms::new(database.clone()),
        moderation: Moderation::new(database.clone()),
        candles: Candles::new(database.clone()),
        backfills: Backfills::new(database.clone()),
        events: EventStores::new(database),
    };
    let candles = feed.as_ref().map(|feed| candle_config(config, feed.rest_url.clone()));
    let quota = Quota::per_second(config.chat.messages_per_second).allow_burst(config.chat.message_burst);
    let tree = TreeConfig {
        rooms: config.chat.rooms.clone(),
        message_quota: quota,
        outbox_bytes: config.socket.outbox_bytes,
        ping_interval: config.socket.ping_interval,
        pong_timeout: config.socket.pong_timeout,
        sockets_per_user: config.socket.sockets_per_user,
        max_sockets: config.server.max_sockets,
        batch_messages: config.writer.batch_messages,
        linger: config.writer.linger,
        queue_messages: config.writer.queue_messages,
        feed,
        candles,
        ..TreeConfig::default()
    };
    Ok(Tree::start(tree, stores).await?)
}

/// Candles come from where prices do.
pub(crate) fn candle_config(config: &Config, rest_url: String) -> CandleConfig {
    CandleConfig {
        rest_url,
        requests_per_second: config.candles.requests_per_second,
        lock: config.storage.data_dir.join("candles.lock"),
    }
}

async fn open_pictures(config: &Config, database: &Database) -> anyhow::Result<Pictures> {
    let credentials = config.uploads.credentials.iter();
    let options = credentials.map(|(name, secret)| (name.clone(), secret.expose_secret().to_owned()));
    Ok(Pictures::open(database.clone(), config.uploads.store.clone(), options).await?)
}

fn start_auth(
    config: &Config,
    database: &Database,
    mailer: Mailer,
    tree: &Arc<Tree>,
    ids: &Arc<IdGenerator>,
) -> anyhow::Result<Auth> {
    let tree = Arc::downgrade(tree);
    let dependencies = Dependencies {
        users: Users::new(database.clone()),
        accounts: Accounts::new(database.clone()),
        tokens: Tokens::new(database.clone()),
        mailer,
        ids: Arc::clone(ids),
        clock: Arc::new(TimestampMs::now),
        on_revoked: Arc::new(move |user, family| {
            if let Some(tree) = tree.upgrade() {
                tree.logged_out(user, family);
            }
        }),
    };
    Ok(Auth::new(config, dependencies)?)
}
