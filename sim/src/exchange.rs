//! The exchange as a whole: start, drive by hand, observe, stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use axum::serve::ListenerExt;
use fastrand::Rng;
use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;
use tokio::time::{interval, sleep_until, timeout};

use crate::config::{Config, MarketSpec};
use crate::connections::Connections;
use crate::error::SimError;
use crate::faults::Faults;
use crate::floor::{Event, Floor};
use crate::limit::Gate;
use crate::{admin, replay, rest, socket};

/// Events that a socket may be behind. At the limit it is ended: better no stream than one with holes.
const EVENT_BACKLOG: usize = 65_536;

/// Upbit moves the 24 h sums about this often.
const REFRESH_INTERVAL: Duration = Duration::from_secs(60);

/// How long [`Exchange::stop`] waits for REST calls that are being answered.
const STOP_TIMEOUT: Duration = Duration::from_secs(1);

/// An exchange on a loopback port. Dropping it ends its sockets and frees the port; [`Exchange::stop`] also
/// waits until that is done.
#[derive(Debug)]
pub struct Exchange {
    hall: Arc<Hall>,
    address: SocketAddr,
    admin_address: Option<SocketAddr>,
    server: JoinHandle<()>,
}

/// What the doors (REST and sockets) share.
#[derive(Debug)]
pub(crate) struct Hall {
    pub(crate) floor: Mutex<Floor>,
    pub(crate) gate: Mutex<Gate>,
    pub(crate) faults: Faults,
    pub(crate) events: broadcast::Sender<Event>,
    pub(crate) connections: Connections,
    pub(crate) config: Config,
    /// The server clock that `{"status":"UP"}` beats to.
    pub(crate) opened: tokio::time::Instant,
}

impl Exchange {
    /// Binds the port, gives every market a day of history and serves until dropped or stopped.
    ///
    /// # Errors
    ///
    /// [`SimError::Listen`] when the port is not to be had;
    /// [`SimError::BadNumber`] or [`SimError::OffTick`] for a
    /// start price that no trade could have.
    pub async fn start(config: Config) -> Result<Self, SimError> {
        let listener = bind(config.listen).await?;
        let address =
            listener.local_addr().map_err(|source| SimError::Listen { address: config.listen, source })?;
        let admin = match config.admin {
            Some(address) => Some(bind(address).await?),
            None => None,
        };
        let admin_address = admin.as_ref().and_then(|listener| listener.local_addr().ok());
        let hall = Arc::new(Hall::new(config)?);
        tokio::spawn(until_closed(Arc::clone(&hall), trade_by_itself(Arc::clone(&hall))));
        tokio::spawn(until_closed(Arc::clone(&hall), play(Arc::clone(&hall))));
        if let Some(listener) = admin {
            let app = admin::routes().with_state(Arc::clone(&hall));
            tokio::spawn(until_closed(Arc::clone(&hall), answer(listener, app)));
        }
        let server = tokio::spawn(serve(listener, Arc::clone(&hall)));
        tracing::debug!(%address, "simulated exchange listens");
        Ok(Self { hall, address, admin_address, server })
    }

    /// The address of the public WebSocket.
    pub fn ws_url(&self) -> String {
        format!("ws://{}/websocket/v1", self.address)
    }

    /// What stands before `/ticker` and the like.
    pub fn rest_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Where the admin port listens, if there is one.
    pub fn admin_url(&self) -> Option<String> {
        self.admin_address.map(|address| format!("http://{address}"))
    }

    /// Lists one more market, with a history as if it had always been there.
    ///
    /// # Errors
    ///
    /// As for the markets of the configuration.
    pub fn list(&self, spec: MarketSpec) -> Result<(), SimError> {
        self.hall.floor.lock().list(spec, Timestamp::now())
    }

    /// Takes a market off the list; its subscriptions fall silent.
    pub fn delist(&self, code: &str) {
        self.hall.floor.lock().delist(code);
    }

    /// Lets a trade of `volume` at `price` happen now. Both are plain decimals, `"152345000"` or `"0.00061"`.
    /// The taker bought if the price rose, sold if it fell, and did what the one before did if it is
    /// unchanged.
    ///
    /// # Errors
    ///
    /// An unknown market, a number that is none, or a price off the market's grid.
    pub fn trade(&self, code: &str, price: &str, volume: &str) -> Result<(), SimError> {
        self.hall.floor.lock().trade(code, price, volume, Timestamp::now())
    }

    /// Brings the 24 h sums up to date now, as Upbit does every minute or so: every market whose sums moved
    /// sends a frame that repeats its last trade.
    pub fn refresh_sums(&self) {
        self.hall.floor.lock().refresh(Timestamp::now());
    }

    /// What can be broken.
    pub fn faults(&self) -> &Faults {
        &self.hall.faults
    }

    /// Sockets that are open now.
    pub fn connections(&self) -> usize {
        self.hall.connections.open()
    }

    /// Sockets that were ever let in.
    pub fn connects_total(&self) -> u64 {
        self.hall.connections.total()
    }

    /// The codes that some socket has a live subscription to, sorted. Unknown codes and those that were only
    /// asked for a snapshot are not among them.
    pub fn subscribed_codes(&self) -> Vec<String> {
        self.hall.connections.codes()
    }

    /// Ends all sockets without a close frame, stops listening and returns when the port is free.
    pub async fn stop(mut self) {
        self.hall.faults.close();
        if timeout(STOP_TIMEOUT, &mut self.server).await.is_err() {
            self.server.abort();
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.hall.faults.close();
    }
}

impl Hall {
    fn new(mut config: Config) -> Result<Self, SimError> {
        let (events, _) = broadcast::channel(EVENT_BACKLOG);
        let specs = std::mem::take(&mut config.markets);
        let by_hand = config.trades_per_minute == 0;
        let floor = Floor::open(specs, config.seed, by_hand, Timestamp::now(), events.clone())?;
        Ok(Self {
            floor: Mutex::new(floor),
            gate: Mutex::new(Gate::new(config.limits.clone())),
            faults: Faults::new(events.clone()),
            events,
            connections: Connections::default(),
            config,
            opened: tokio::time::Instant::now(),
        })
    }

    /// The clock of the limits.
    pub(crate) fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, SimError> {
    TcpListener::bind(address).await.map_err(|source| SimError::Listen { address, source })
}

/// The admin port, which ends with the exchange and waits for nobody.
async fn answer(listener: TcpListener, app: Router) {
    if let Err(error) = axum::serve(listener, app).await {
        tracing::warn!(%error, "admin port ended");
    }
}

async fn serve(listener: TcpListener, hall: Arc<Hall>) {
    let app = Router::new()
        .route("/websocket/v1", get(socket::connect))
        .nest("/v1", rest::routes(&hall))
        .fallback(rest::no_route)
        .with_state(Arc::clone(&hall));
    let listener = listener.tap_io(|stream| {
        // Small frames, and somebody measures their latency. A socket that refuses this is a little late.
        let _ = stream.set_nodelay(true);
    });
    let closed = until_closed(hall, std::future::pending());
    if let Err(error) = axum::serve(listener, app).with_graceful_shutdown(closed).await {
        tracing::warn!(%error, "simulated exchange ended");
    }
}

/// Runs `work` until the exchange closes.
async fn until_closed(hall: Arc<Hall>, work: impl Future<Output = ()>) {
    let mut faults = hall.faults.watch();
    tokio::select! {
        _ = faults.wait_for(|state| state.closed) => {}
        () = work => {}
    }
}

/// The walk, at the configured rate on average, and the beat of the 24 h sums.
async fn trade_by_itself(hall: Arc<Hall>) {
    let Some(mean_gap) = Duration::from_secs(60).checked_div(hall.config.trades_per_minute) else {
        return;
    };
    let mut rng = Rng::with_seed(hall.config.seed);
    let mut refresh = interval(REFRESH_INTERVAL);
    let mut next = tokio::time::Instant::now();
    loop {
        tokio::select! {
            _ = refresh.tick() => hall.floor.lock().refresh(Timestamp::now()),
            () = sleep_until(next) => {
                let trades = hall.floor.lock().trade_at_random(Timestamp::now());
                // From none to twice the mean; a burst is paid for with a longer pause.
                next += mean_gap * trades.max(1) * rng.u32(0..=200) / 100;
            }
        }
    }
}

/// The recorded trades, each at its time since the start.
async fn play(hall: Arc<Hall>) {
    let start = tokio::time::Instant::now();
    let speed = hall.config.replay_speed.max(1);
    for (at, code, price, volume) in replay::merged(&hall.config.replays) {
        sleep_until(start + at / speed).await;
        if let Err(error) = hall.floor.lock().trade(code, price, volume, Timestamp::now()) {
            tracing::warn!(%error, code, "recorded trade cannot happen here");
        }
    }
}
