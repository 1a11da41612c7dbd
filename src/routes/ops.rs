//! `/health`, `/metrics`, `/version`: what operators and their machines ask.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use serde::Serialize;
use tickroom_actors::root::Role;
use tickroom_actors::writer::Route;
use tokio::time::timeout;
use utoipa::ToSchema;

use crate::app::App;
use crate::demo::DemoLogin;
use crate::extract::Json;
use crate::limits::LOG_PING_TIMEOUT;

/// The process runs and answers. Says nothing of anything else, so that a database that is down does not get the server
/// restarted.
#[utoipa::path(
    get, path = "/health/live", tag = "ops",
    responses((status = 200, body = String)),
)]
pub async fn live() -> &'static str {
    "ok\n"
}

/// The answer to `GET /health/ready`.
#[derive(Serialize, ToSchema)]
pub struct ReadyView {
    ready: bool,
    /// On its way down: takes nothing new.
    draining: bool,
    actors: BTreeMap<String, ActorView>,
    log: LogView,
    writer: WriterView,
    feed: Option<FeedView>,
    candles: Option<CollectorView>,
    sockets: usize,
    rooms_running: usize,
}

#[derive(Serialize, ToSchema)]
struct ActorView {
    up: bool,
    restarts: u64,
}

#[derive(Serialize, ToSchema)]
struct LogView {
    /// `mongodb` or `sql`.
    engine: &'static str,
    /// Not a reason to take the server out once it has answered: rooms that are open go on, and what they say is kept
    /// in the spill file. Before it has, no room can open.
    answers: bool,
}

#[derive(Serialize, ToSchema)]
struct WriterView {
    /// `log`, or `spill` while the message log is down.
    route: &'static str,
    /// Neither takes messages: senders are refused.
    refusing: bool,
    queued: usize,
    spilled: u64,
    stored: u64,
    failures: u32,
    last_error: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct FeedView {
    connected: bool,
    simulated: bool,
    /// No price for longer than `feed.stale_after_s`. Not a reason to take the server out: people still talk.
    stale: bool,
    markets: usize,
    ticks: u64,
    reconnects: u64,
    #[schema(value_type = Option<u64>)]
    last_tick_age_ms: Option<u128>,
    silent_markets: Vec<String>,
    last_error: Option<String>,
}

/// Candles that are late are no reason to take the server out, either.
#[derive(Serialize, ToSchema)]
struct CollectorView {
    /// Whether this process collects; it does not while another one does in the same folder.
    collecting: bool,
    /// Series that lack recent candles.
    behind_series: usize,
    pages: u64,
    changes: u64,
    last_error: Option<String>,
}

/// 200 when sockets are welcome, else 503; the body says what is wrong.
#[utoipa::path(
    get, path = "/health/ready", tag = "ops",
    responses((status = 200, body = ReadyView), (status = 503, body = ReadyView)),
)]
pub async fn ready(State(app): State<App>) -> impl IntoResponse {
    let services = app.tree.services();
    let actors = actors(&app);
    let log = log(&app).await;
    let writer = writer(&app);
    let draining = services.is_draining();
    let has_log_answered = app.has_log_answered.load(Ordering::Relaxed);
    let ready = !draining && has_log_answered && !writer.refusing && actors.values().all(|actor| actor.up);
    let rooms = services.directory.all();
    let view = ReadyView {
        ready,
        draining,
        actors,
        log,
        writer,
        feed: feed(&app),
        candles: candles(&app),
        sockets: services.registry.len(),
        rooms_running: rooms.iter().filter(|room| room.address.is_up()).count(),
    };
    (if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(view))
}

fn actors(app: &App) -> BTreeMap<String, ActorView> {
    let services = app.tree.services();
    let restarts = services.root_view.get().restarts;
    let view =
        |(role, restarts): (Role, u64)| (role.to_string(), ActorView { up: services.is_up(role), restarts });
    restarts.into_iter().map(view).collect()
}

async fn log(app: &App) -> LogView {
    let answers = matches!(timeout(LOG_PING_TIMEOUT, app.log.ping()).await, Ok(Ok(())));
    app.has_log_answered.fetch_or(answers, Ordering::Relaxed);
    LogView { engine: if app.config.storage.mongodb_url.is_some() { "mongodb" } else { "sql" }, answers }
}

fn writer(app: &App) -> WriterView {
    let services = app.tree.services();
    let view = services.writer_view.get();
    WriterView {
        route: match view.route {
            Route::Log => "log",
            Route::Spill => "spill",
        },
        refusing: services.intake.is_refusing(),
        queued: services.intake.len(),
        spilled: view.spilled,
        stored: view.stored,
        failures: view.failures,
        last_error: view.last_error,
    }
}

fn feed(app: &App) -> Option<FeedView> {
    let services = app.tree.services();
    let config = services.config.feed.as_ref()?;
    let view = services.feed_view.get();
    Some(FeedView {
        connected: view.connected,
        simulated: config.simulated,
        stale: view.is_stale(config.stale_after),
        markets: view.markets,
        ticks: view.ticks,
        reconnects: view.reconnects,
        last_tick_age_ms: view.last_tick.map(|at| at.elapsed().as_millis()),
        silent_markets: view.silent.iter().map(ToString::to_string).collect(),
        last_error: view.last_error,
    })
}

fn candles(app: &App) -> Option<CollectorView> {
    let services = app.tree.services();
    services.config.candles.as_ref()?;
    let view = services.candles_view.get();
    Some(CollectorView {
        collecting: view.collecting,
        behind_series: view.behind,
        pages: view.pages,
        changes: view.changes,
        last_error: view.last_error,
    })
}

/// Numbers, for Prometheus.
#[utoipa::path(
    get, path = "/metrics", tag = "ops",
    responses((status = 200, body = String, content_type = "text/plain; version=0.0.4; charset=utf-8")),
)]
pub async fn metrics(State(app): State<App>) -> impl IntoResponse {
    tickroom_actors::metrics::show_ages(app.tree.services());
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], app.metrics.render())
}

/// The answer to `GET /version`.
#[derive(Serialize, ToSchema)]
pub struct VersionView {
    name: &'static str,
    version: &'static str,
    /// Whether prices come from a simulated exchange.
    simulated: bool,
    /// In a demo: whom one may log in as.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    demo_logins: Vec<DemoLogin>,
}

/// What runs here.
#[utoipa::path(
    get, path = "/version", tag = "ops",
    responses((status = 200, body = VersionView)),
)]
pub async fn version(State(app): State<App>) -> Json<VersionView> {
    Json(VersionView {
        name: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        simulated: app.is_simulated(),
        demo_logins: app.demo_logins.clone(),
    })
}
