//! From what people wrote to what the server can rely on.
//!
//! Each section looks at all of its keys before it gives up with `?`, so that one mistake does not hide the next; then
//! come the relations between keys, each with its argument.

mod checker;

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use lettre::message::Mailbox;
use secrecy::SecretString;
use tickroom_storage::picture::PictureStore;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use self::checker::Checker;
use super::settings::Settings;
use super::{
    Auth, Candles, Chat, Config, Feed, FeedSource, Log, LogFormat, Mail, Mistakes, Server, Socket, Storage,
    Uploads, WebOrigin, Writer,
};

const DAY_S: u64 = 24 * 60 * 60;
const MIB: u64 = 1024 * 1024;

/// HMAC-SHA256 wants a key of at least its output's length (RFC 7518 section 3.2).
const SIGNING_KEY_MIN_BYTES: usize = 32;

const ORIGIN: &str = "scheme, host and port such as https://chat.example.com";

/// Checks all keys and relations; `None` when there is a mistake that leaves a value open.
pub(super) fn check(settings: &Settings, mistakes: &mut Mistakes) -> Option<Config> {
    let mut check = Checker::new(settings, mistakes);
    let server = server(check.section("server"));
    let storage = storage(check.section("storage"));
    let data_dir = storage.as_ref().map(|storage| storage.data_dir.as_path());
    let uploads = uploads(check.section("uploads"), data_dir);
    let auth = auth(check.section("auth"), server.as_ref());
    let mail = mail(check.section("mail"));
    let chat = chat(check.section("chat"));
    let socket = socket(check.section("socket"));
    let writer = writer(check.section("writer"));
    let feed = feed(check.section("feed"));
    let candles = candles(check.section("candles"));
    let log = log(check.section("log"));
    relations(&mut check);
    Some(Config {
        server: server?,
        storage: storage?,
        uploads: uploads?,
        auth: auth?,
        mail: mail?,
        chat: chat?,
        socket: socket?,
        writer: writer?,
        feed: feed?,
        candles: candles?,
        log: log?,
    })
}

fn server(check: &mut Checker<'_>) -> Option<Server> {
    let listen = check.text("listen", "an address such as 127.0.0.1:8080", str::parse);
    let public_url = check.optional("public_url", ORIGIN, str::parse);
    let trusted_proxies = check.list("trusted_proxies", "a network such as 10.0.0.0/8", network);
    let identity_gateways = check.list("identity_gateways", "a network such as 10.0.0.0/8", network);
    let allowed_origins = check.list("allowed_origins", ORIGIN, str::parse);
    let max_sockets = check.number("max_sockets", 1..=10_000_000);
    let handshakes_per_second = check.rate("handshakes_per_second", 1_000_000);
    let max_connections = check.number("max_connections", 1..=1_000_000);
    let writes_per_minute = check.rate("writes_per_minute", 1_000_000);
    let shutdown_drain = check.millis("shutdown_drain_ms", 0..=600_000);
    let listen: SocketAddr = listen?;
    Some(Server {
        listen,
        public_url: public_url?.unwrap_or_else(|| WebOrigin::of_listener(listen)),
        trusted_proxies: trusted_proxies?,
        identity_gateways: identity_gateways?,
        allowed_origins: allowed_origins?,
        max_sockets: max_sockets?,
        handshakes_per_second: handshakes_per_second?,
        max_connections: max_connections?,
        writes_per_minute: writes_per_minute?,
        shutdown_drain: shutdown_drain?,
    })
}

fn storage(check: &mut Checker<'_>) -> Option<Storage> {
    let data_dir = check.text("data_dir", "the path of a folder", folder);
    let database_url = check.optional("database_url", "sqlite://… or postgres://…", |url| {
        url_of(url, &["sqlite", "postgres", "postgresql"])
    });
    let mongodb_url = check.optional("mongodb_url", "mongodb://… or mongodb+srv://…", |url| {
        url_of(url, &["mongodb", "mongodb+srv"])
    });
    // What MongoDB can count in seconds, 31 bits.
    let message_ttl_days = check.number::<u64>("message_ttl_days", 0..=24_000);
    let spill_max_mib = check.number::<u64>("spill_max_mib", 1..=MIB);
    let data_dir = data_dir?;
    Some(Storage {
        database_url: database_url?.unwrap_or_else(|| embedded_database_url(&data_dir)).into(),
        data_dir,
        mongodb_url: mongodb_url?.map(SecretString::from),
        message_ttl: Some(message_ttl_days?)
            .filter(|days| *days > 0)
            .map(|days| Duration::from_secs(days * DAY_S)),
        spill_max_bytes: spill_max_mib? * MIB,
    })
}

fn uploads(check: &mut Checker<'_>, data_dir: Option<&Path>) -> Option<Uploads> {
    let store =
        check.optional("url", "file:///FOLDER, s3://BUCKET, gs://BUCKET or az://CONTAINER", picture_store);
    let pictures_per_hour = check.rate("pictures_per_hour", 1_000_000);
    let embedded = data_dir.map(|data_dir| PictureStore::Folder(data_dir.join("uploads")));
    Some(Uploads {
        store: store?.or(embedded)?,
        // They come from the environment as they are; nothing here can tell whether they are right.
        credentials: Vec::new(),
        pictures_per_hour: pictures_per_hour?,
    })
}

fn auth(check: &mut Checker<'_>, server: Option<&Server>) -> Option<Auth> {
    let signing_key = check.optional("signing_key", "32 bytes or more", long_enough);
    let access_token_ttl = check.seconds("access_token_ttl_s", 1..=DAY_S);
    let refresh_token_ttl = check.seconds("refresh_token_ttl_s", 1..=366 * DAY_S);
    let plain = server.is_some_and(|server| server.public_url.is_plain_loopback());
    let secure_cookies =
        check.choice("secure_cookies", [("auto", !plain), ("always", true), ("never", false)]);
    let is_verification_required = check.choice("email_verification", [("required", true), ("off", false)]);
    let login_attempts_per_minute = check.rate("login_attempts_per_minute", 1_000_000);
    let registrations_per_hour = check.rate("registrations_per_hour", 1_000_000);
    let refreshes_per_minute = check.rate("refreshes_per_minute", 1_000_000);
    let mails_per_hour = check.rate("mails_per_hour", 100_000);
    Some(Auth {
        signing_key: signing_key?,
        access_token_ttl: access_token_ttl?,
        refresh_token_ttl: refresh_token_ttl?,
        secure_cookies: secure_cookies?,
        is_verification_required: is_verification_required?,
        login_attempts_per_minute: login_attempts_per_minute?,
        registrations_per_hour: registrations_per_hour?,
        refreshes_per_minute: refreshes_per_minute?,
        mails_per_hour: mails_per_hour?,
    })
}

fn mail(check: &mut Checker<'_>) -> Option<Mail> {
    let smtp_url =
        check.optional("smtp_url", "smtps://… or smtp://…", |url| url_of(url, &["smtps", "smtp"]));
    let from = check.text("from", "a name and an address such as Tickroom <no-reply@example.com>", mailbox);
    Some(Mail { smtp_url: smtp_url?.map(SecretString::from), from: from? })
}

fn chat(check: &mut Checker<'_>) -> Option<Chat> {
    let rooms = check.list("rooms", "the name of a room", str::parse);
    let messages_per_second = check.rate("messages_per_second", 1_000_000);
    let message_burst = check.rate("message_burst", 1_000_000);
    Some(Chat { rooms: rooms?, messages_per_second: messages_per_second?, message_burst: message_burst? })
}

fn socket(check: &mut Checker<'_>) -> Option<Socket> {
    // The least has room for one message of the greatest length. The most is what one reader may cost the others.
    let outbox_kib = check.number::<usize>("outbox_kib", 16..=64 * 1024);
    let ping_interval = check.seconds("ping_interval_s", 1..=3600);
    let pong_timeout = check.seconds("pong_timeout_s", 1..=3600);
    let sockets_per_user = check.number("sockets_per_user", 1..=10_000_000);
    Some(Socket {
        outbox_bytes: outbox_kib? * 1024,
        ping_interval: ping_interval?,
        pong_timeout: pong_timeout?,
        sockets_per_user: sockets_per_user?,
    })
}

fn writer(check: &mut Checker<'_>) -> Option<Writer> {
    let batch_messages = check.number("batch_messages", 1..=100_000);
    let linger = check.millis("linger_ms", 0..=10_000);
    let queue_messages = check.number("queue_messages", 1..=10_000_000);
    Some(Writer { batch_messages: batch_messages?, linger: linger?, queue_messages: queue_messages? })
}

fn feed(check: &mut Checker<'_>) -> Option<Feed> {
    let source = check
        .choice("source", [("upbit", FeedSource::Upbit), ("sim", FeedSource::Sim), ("off", FeedSource::Off)]);
    let websocket_url =
        check.text("websocket_url", "ws://… or wss://…", |url| url_of(url, &["ws", "wss"]));
    let rest_url = check.text("rest_url", "http://… or https://…", |url| url_of(url, &["http", "https"]));
    let markets = check.list("markets", "a market such as KRW-BTC", str::parse);
    let stale_after = check.seconds("stale_after_s", 1..=3600);
    Some(Feed {
        source: source?,
        websocket_url: websocket_url?,
        rest_url: rest_url?,
        markets: markets?,
        stale_after: stale_after?,
    })
}

fn candles(check: &mut Checker<'_>) -> Option<Candles> {
    // Beyond ten the real exchange refuses; a simulated one may take more.
    let requests_per_second = check.rate("requests_per_second", 10_000);
    Some(Candles { requests_per_second: requests_per_second? })
}

fn log(check: &mut Checker<'_>) -> Option<Log> {
    let expected = "a level such as info, or info,tickroom_actors=debug";
    let filter = check.text("level", expected, log_filter);
    let format = check.choice("format", [("pretty", LogFormat::Pretty), ("json", LogFormat::Json)]);
    Some(Log { filter: filter?, format: format? })
}

/// What has to hold between keys.
fn relations(check: &mut Checker<'_>) {
    check.less(
        "socket.pong_timeout_s",
        "socket.ping_interval_s",
        "the answer to one ping has to be missed before the next ping goes out",
    );
    check.less(
        "auth.access_token_ttl_s",
        "auth.refresh_token_ttl_s",
        "a refresh token that does not outlive the access token is of no use",
    );
    check.at_most(
        "chat.messages_per_second",
        "chat.message_burst",
        "a client that keeps to the rate may still send one second's worth at once",
    );
    check.at_most(
        "writer.batch_messages",
        "writer.queue_messages",
        "a batch is filled from the queue, so a larger one would never be full",
    );
    check.at_most(
        "writer.linger_ms",
        "server.shutdown_drain_ms",
        "a stopping server has to wait for the last batch",
    );
    check.needs(
        "storage.message_ttl_days",
        "storage.mongodb_url",
        "the relational database keeps messages for ever",
    );
    check.at_most(
        "socket.sockets_per_user",
        "server.max_sockets",
        "one user's share cannot be more than there is for all",
    );
}

/// A network, or one address as the network that holds only it.
fn network(text: &str) -> Result<IpNet, ipnet::AddrParseError> {
    let address = text.parse::<IpAddr>().map(IpNet::from);
    address.or_else(|_| text.parse().map(|network: IpNet| network.trunc()))
}

fn mailbox(text: &str) -> Result<Mailbox, lettre::address::AddressError> {
    text.parse()
}

fn folder(text: &str) -> Result<PathBuf, &'static str> {
    if text.is_empty() { Err("it is empty") } else { Ok(PathBuf::from(text)) }
}

fn long_enough(key: &str) -> Result<SecretString, String> {
    match key.len() {
        SIGNING_KEY_MIN_BYTES.. => Ok(SecretString::from(key)),
        short => Err(format!("it has {short}")),
    }
}

/// The URL without a trailing slash, so that a path can be appended.
fn url_of(text: &str, schemes: &[&str]) -> Result<String, &'static str> {
    match text.split_once("://") {
        Some((scheme, rest)) if schemes.contains(&scheme) && !rest.is_empty() => {
            Ok(text.trim_end_matches('/').to_owned())
        }
        Some(_) => Err("the scheme is another, or nothing follows it"),
        None => Err("it has no ://"),
    }
}

fn picture_store(text: &str) -> Result<PictureStore, &'static str> {
    match text.strip_prefix("file://") {
        Some(folder) if folder.starts_with('/') => Ok(PictureStore::Folder(folder.into())),
        Some(_) => Err("three slashes begin the path of a folder"),
        None => url_of(text, &["s3", "gs", "az"]).map(PictureStore::Url),
    }
}

/// The database in the data folder. What could mean something else in a URL is percent-encoded.
fn embedded_database_url(data_dir: &Path) -> String {
    let mut url = "sqlite://".to_owned();
    for byte in data_dir.join("tickroom.db").to_string_lossy().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => url.push(byte.into()),
            _ => url.push_str(&format!("%{byte:02X}")),
        }
    }
    url
}

/// `EnvFilter` takes a bare word that is no level for the name of a target to log everything of; here, that is a typo
/// far more often than a wish.
fn log_filter(text: &str) -> Result<String, String> {
    let directives = text.split(',').map(str::trim);
    for word in directives.filter(|directive| !directive.contains(['=', '['])) {
        word.parse::<LevelFilter>().map_err(|_| format!("{word:?} is not a level"))?;
    }
    EnvFilter::try_new(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}
