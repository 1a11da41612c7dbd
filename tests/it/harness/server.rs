//! [`TestServer`]: a server in this process, with an exchange that trades only when a test lets it.

use std::ops::Deref;
use std::path::Path;

use secrecy::ExposeSecret;
use tempfile::TempDir;
use tickroom::app::{Options, Server};
use tickroom::config::{self, Sources};
use tickroom_sim::{Exchange, Limits, MarketSpec};
use tickroom_storage::account::Accounts;
use tickroom_storage::engine::Database;
use tickroom_storage::user::Role;
use tickroom_storage::{TimestampMs, UserId};

use super::{FakeUpbit, Host, User, eventually};

/// A server that is gone with its data when this is dropped.
pub(crate) struct TestServer {
    host: Host,
    server: Server,
    folder: TempDir,
}

impl Deref for TestServer {
    type Target = Host;

    fn deref(&self) -> &Host {
        &self.host
    }
}

/// What tests should not have to think about; a test that is about one of these sets it itself.
const GENEROUS: [(&str, &str); 10] = [
    ("server.listen", "127.0.0.1:0"),
    ("server.writes_per_minute", "100000"),
    ("auth.email_verification", "off"),
    ("auth.login_attempts_per_minute", "100000"),
    ("auth.refreshes_per_minute", "100000"),
    ("auth.mails_per_hour", "10000"),
    ("auth.registrations_per_hour", "100000"),
    ("candles.requests_per_second", "10000"),
    ("chat.messages_per_second", "100000"),
    ("chat.message_burst", "100000"),
];

impl TestServer {
    /// With simulated prices, once they flow.
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    /// As [`start`](Self::start), with other settings.
    pub(crate) async fn with(settings: &[(&'static str, &str)]) -> Self {
        let server = Self::in_folder(tempfile::tempdir().unwrap(), "sim", settings).await;
        let ticks = async || server.get("/health/ready").await.json()["feed"]["ticks"].as_u64();
        eventually("the price of each market", async || ticks().await >= Some(2)).await;
        server
    }

    /// With the candles of an exchange that a test wrote, and without prices.
    pub(crate) async fn on(upbit: &FakeUpbit) -> Self {
        let settings =
            [("feed.rest_url", upbit.rest_url.as_str()), ("feed.websocket_url", "ws://127.0.0.1:1/")];
        let server = Self::in_folder(tempfile::tempdir().unwrap(), "upbit", &settings).await;
        eventually("the market", async || server.get("/api/markets/KRW-BTC/candles").await.status == 200)
            .await;
        server
    }

    /// Without prices, which talk does not need.
    pub(crate) async fn without_prices(settings: &[(&'static str, &str)]) -> Self {
        Self::in_folder(tempfile::tempdir().unwrap(), "off", settings).await
    }

    async fn in_folder(folder: TempDir, feed: &str, settings: &[(&'static str, &str)]) -> Self {
        let data_dir = folder.path().to_str().unwrap();
        let base = Sources::default().argument("test", "storage.data_dir", data_dir).argument(
            "test",
            "feed.source",
            feed,
        );
        let sources = GENEROUS
            .iter()
            .chain(settings)
            .fold(base, |sources, (key, value)| sources.argument("test", key, *value));
        let config = config::load(&sources).unwrap_or_else(|mistakes| panic!("{mistakes}")).config;
        let options = Options { simulation: quiet_exchange(), ..Options::default() };
        let server = Server::start(config, options).await.unwrap();
        Self { host: Host::at(server.address), server, folder }
    }

    /// Stops in order, and starts again on the same data.
    pub(crate) async fn restart(self) -> Self {
        self.restart_with(&[]).await
    }

    /// As [`restart`](Self::restart), with these settings.
    pub(crate) async fn restart_with(self, settings: &[(&'static str, &str)]) -> Self {
        let Self { server, folder, .. } = self;
        assert_eq!(server.stop().await, 0, "messages were left behind");
        Self::in_folder(folder, "off", settings).await
    }

    /// Where the server keeps its files.
    pub(crate) fn data_dir(&self) -> &Path {
        self.folder.path()
    }

    /// Gives somebody a role, as an operator does.
    pub(crate) async fn grant(&self, user: UserId, role: Role) {
        let accounts = Accounts::new(self.database().await);
        accounts.set_role(user, role, TimestampMs::now()).await.unwrap();
    }

    /// Somebody new to whom the operator gave this role.
    pub(crate) async fn promoted(&self, name: &str, role: Role) -> User {
        let id = self.user(name).await.id().await.parse().unwrap();
        self.grant(id, role).await;
        self.log_in(name).await
    }

    /// The server's database, as another process would open it.
    pub(crate) async fn database(&self) -> Database {
        let url = self.server.app.config.storage.database_url.expose_secret();
        Database::connect(url).await.unwrap()
    }

    /// Where prices come from.
    pub(crate) fn exchange(&self) -> &Exchange {
        self.server.exchange().expect("an exchange")
    }

    /// What cannot be seen from outside.
    pub(crate) fn inside(&self) -> &Server {
        &self.server
    }

    /// Sockets that listen in a room.
    pub(crate) async fn members(&self, room: &str) -> u64 {
        self.get(&format!("/api/rooms/{room}")).await.json()["members"].as_u64().unwrap()
    }
}

fn quiet_exchange() -> tickroom_sim::Config {
    tickroom_sim::Config {
        markets: vec![
            MarketSpec::new("KRW-BTC", "비트코인", "Bitcoin", "150000000"),
            MarketSpec::new("KRW-ETH", "이더리움", "Ethereum", "5000000"),
        ],
        trades_per_minute: 0,
        limits: Limits::none(),
        ..tickroom_sim::Config::default()
    }
}
