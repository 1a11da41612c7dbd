//! Configuration: read once, checked whole.
//!
//! Four layers, each winning over the one before it: the defaults in `raw.rs`, a TOML file, the environment, the
//! command line. [`load`] merges them, checks every key and either returns an [`Effective`] configuration or *all*
//! mistakes at once, each with the key, the place it was written, what was expected and what came.
//!
//! The structs here are what the rest of the server sees: addresses, durations, names and secrets, never bare text
//! or numbers that still have to be looked at. What a person may write, with its default, is documented once, in
//! `raw.rs`; `tickroom.example.toml` is generated from those comments.

mod check;
mod mistake;
mod origin;
mod raw;
mod settings;
mod source;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use lettre::message::Mailbox;
use secrecy::SecretString;
use tickroom_storage::picture::PictureStore;
use tickroom_storage::{MarketCode, RoomName};

pub use mistake::{Mistake, Mistakes};
pub use origin::WebOrigin;
pub use source::{Place, Sources};

/// The whole configuration, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// The HTTP listener and who may reach it.
    pub server: Server,
    /// Where data lives.
    pub storage: Storage,
    /// Pictures that people send.
    pub uploads: Uploads,
    /// Tokens, cookies and the limits on guessing.
    pub auth: Auth,
    /// How mail leaves.
    pub mail: Mail,
    /// Rooms and how fast people may talk in them.
    pub chat: Chat,
    /// One WebSocket connection.
    pub socket: Socket,
    /// How messages reach the message log.
    pub writer: Writer,
    /// Where prices come from.
    pub feed: Feed,
    /// How candles are collected.
    pub candles: Candles,
    /// What the server says about itself on stderr.
    pub log: Log,
}

/// `[server]`: the HTTP listener and who may reach it.
#[derive(Debug, Clone)]
pub struct Server {
    /// Where to listen; port 0 takes any free one, see [`Server::bound_to`].
    pub listen: SocketAddr,
    /// What people type to get here: links in mails and the same-origin rule are made from it.
    pub public_url: WebOrigin,
    /// Peers that may say for which client address they ask.
    pub trusted_proxies: Vec<IpNet>,
    /// Peers that may say who asks, without proof; everybody else's claims are stripped.
    pub identity_gateways: Vec<IpNet>,
    /// Pages, beside our own, whose scripts may use cookies here.
    pub allowed_origins: Vec<WebOrigin>,
    /// Open WebSocket connections; the next one is refused with 503.
    pub max_sockets: usize,
    /// WebSocket handshakes per second, server-wide; the next one is refused with 503.
    pub handshakes_per_second: NonZeroU32,
    /// Connections beside WebSockets; the next one is refused with 503.
    pub max_connections: usize,
    /// Requests that change something, per minute and user; the next one is refused with 429.
    pub writes_per_minute: NonZeroU32,
    /// How long a stopping server goes on sending what it still owes to its clients.
    pub shutdown_drain: Duration,
}

impl Server {
    /// Takes over the address that the listener really got. A public URL that was only derived from the listen
    /// address follows it; one that somebody wrote stays.
    pub fn bound_to(&mut self, address: SocketAddr) {
        if self.public_url == WebOrigin::of_listener(self.listen) {
            self.public_url = WebOrigin::of_listener(address);
        }
        self.listen = address;
    }
}

/// `[storage]`: where data lives.
#[derive(Debug, Clone)]
pub struct Storage {
    /// The folder of everything that is kept in files.
    pub data_dir: PathBuf,
    /// The relational engine. Secret, for it may hold a password.
    pub database_url: SecretString,
    /// The engine of the message log, with its password; `None`: the relational one.
    pub mongodb_url: Option<SecretString>,
    /// How long messages are kept; `None`: for ever. Only MongoDB can do that.
    pub message_ttl: Option<Duration>,
    /// How much the message log may be behind before new messages are refused.
    pub spill_max_bytes: u64,
}

/// `[uploads]`: pictures that people send.
#[derive(Debug, Clone)]
pub struct Uploads {
    /// Where they are kept.
    pub store: PictureStore,
    /// What the store may ask for beside that: variables of the environment, by name.
    pub credentials: Vec<(String, SecretString)>,
    /// Pictures per hour and user.
    pub pictures_per_hour: NonZeroU32,
}

/// `[auth]`: tokens, cookies and the limits on guessing.
#[derive(Debug, Clone)]
pub struct Auth {
    /// What tokens are signed with, at least 32 bytes; `None`: the key in `data_dir/signing.key`, made on first use.
    pub signing_key: Option<SecretString>,
    /// How long an access token is good for.
    pub access_token_ttl: Duration,
    /// How long a refresh token is good for; longer than an access token.
    pub refresh_token_ttl: Duration,
    /// Whether cookies carry `Secure`; `auto` has been decided by the public URL.
    pub secure_cookies: bool,
    /// Whether an address must be proved before its owner can log in.
    pub is_verification_required: bool,
    /// Login attempts per minute and client address.
    pub login_attempts_per_minute: NonZeroU32,
    /// Registrations per hour and client address.
    pub registrations_per_hour: NonZeroU32,
    /// Refreshes per minute and client address.
    pub refreshes_per_minute: NonZeroU32,
    /// Mails per hour and mailbox; ten times as many per client address.
    pub mails_per_hour: NonZeroU32,
}

/// `[mail]`: how mail leaves.
#[derive(Debug, Clone)]
pub struct Mail {
    /// The mail server, with its password; `None`: files in `data_dir/outbox`.
    pub smtp_url: Option<SecretString>,
    /// Who writes.
    pub from: Mailbox,
}

/// `[chat]`: rooms and how fast people may talk in them.
#[derive(Debug, Clone)]
pub struct Chat {
    /// Rooms that are always there, beside one for every market the feed knows.
    pub rooms: Vec<RoomName>,
    /// Messages per second and socket, in the long run.
    pub messages_per_second: NonZeroU32,
    /// Messages that a socket may send at once; at least one second's worth.
    pub message_burst: NonZeroU32,
}

/// `[socket]`: one WebSocket connection.
#[derive(Debug, Clone)]
pub struct Socket {
    /// Bytes that may wait for a reader in the lossless lane; above it, the socket is closed as slow.
    pub outbox_bytes: usize,
    /// How often a silent client is asked whether it is there.
    pub ping_interval: Duration,
    /// How long it may take to answer; shorter than the ping interval.
    pub pong_timeout: Duration,
    /// Sockets that one user may hold open.
    pub sockets_per_user: usize,
}

/// `[writer]`: how messages reach the message log.
#[derive(Debug, Clone)]
pub struct Writer {
    /// Messages in one write; at most the queue's capacity.
    pub batch_messages: usize,
    /// How long a batch that is not full waits for more.
    pub linger: Duration,
    /// Messages that wait to be written; above it, senders are refused.
    pub queue_messages: usize,
}

/// `[feed]`: where prices come from.
#[derive(Debug, Clone)]
pub struct Feed {
    /// The exchange, the simulator or nothing.
    pub source: FeedSource,
    /// The exchange's WebSocket, `ws` or `wss`, without a trailing slash.
    pub websocket_url: String,
    /// The exchange's REST root, `http` or `https`, without a trailing slash.
    pub rest_url: String,
    /// Markets to follow; empty: every market quoted in KRW.
    pub markets: Vec<MarketCode>,
    /// A feed that is silent for longer is reported and reconnected.
    pub stale_after: Duration,
}

/// Where prices come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedSource {
    /// The real exchange.
    Upbit,
    /// The simulator, in this process; always labelled "simulated".
    Sim,
    /// No prices: rooms only.
    Off,
}

/// `[candles]`: how candles are collected.
#[derive(Debug, Clone)]
pub struct Candles {
    /// Requests per second to the exchange, at most.
    pub requests_per_second: NonZeroU32,
}

/// `[log]`: what the server says about itself on stderr.
#[derive(Debug, Clone)]
pub struct Log {
    /// A level, or `target=level` directives separated by commas; known to parse.
    pub filter: String,
    /// For people or for machines.
    pub format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Coloured where the terminal can, one event a line.
    Pretty,
    /// One JSON object a line.
    Json,
}

/// A checked configuration that remembers where each value came from.
///
/// Its `Display` is a TOML document of all keys, a comment behind each one that is not a default, secrets masked.
pub struct Effective {
    /// What the server runs with.
    pub config: Config,
    settings: settings::Settings,
}

impl fmt::Display for Effective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.settings.fmt(f)
    }
}

/// Reads and checks everything.
///
/// # Errors
///
/// All mistakes of all layers together.
pub fn load(sources: &Sources) -> Result<Effective, Mistakes> {
    let (mut settings, mut mistakes) = settings::read(sources);
    match check::check(&settings, &mut mistakes) {
        Some(mut config) if mistakes.is_empty() => {
            config.uploads.credentials = sources.cloud_credentials();
            settings.show_derived(&config);
            Ok(Effective { config, settings })
        }
        _ => Err(mistakes),
    }
}
