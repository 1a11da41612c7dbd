//! What people write: every section, every key, its meaning and its default.
//!
//! These comments are the manual. A test prints them into `tickroom.example.toml`, so they are written for the
//! person who runs a server, in plain text.
//!
//! The defaults are the schema, too: a written value must have the type of its default, which is a text, a list of
//! texts or a whole number (`settings.rs`). An empty text means "not set" where the comment says so. Nothing is ever
//! read into these structs: a text that is no address and a number out of bounds are told apart where they are
//! checked (`check.rs`), one key at a time.

use serde::Serialize;

/// Keys whose values are never printed, neither in mistakes nor by `check-config`.
pub(super) const SECRETS: [&str; 4] =
    ["storage.database_url", "storage.mongodb_url", "auth.signing_key", "mail.smtp_url"];

/// Every setting of Tickroom with its default. Remove the `#` in front of a key to change it.
///
/// A setting is looked for in four places, and the last one that has it wins: the default, this file (`--config
/// PATH`, else `tickroom.toml` in the working directory), the environment, the command line. In the environment,
/// `listen` of `[server]` is called `TICKROOM_SERVER__LISTEN`; a list is written with commas, and an empty
/// variable counts as not set. `tickroom check-config` shows what came out and where it came from.
#[derive(Default, Serialize)]
pub(super) struct Raw {
    pub(super) server: Server,
    pub(super) storage: Storage,
    pub(super) uploads: Uploads,
    pub(super) auth: Auth,
    pub(super) mail: Mail,
    pub(super) chat: Chat,
    pub(super) socket: Socket,
    pub(super) writer: Writer,
    pub(super) feed: Feed,
    pub(super) candles: Candles,
    pub(super) log: Log,
}

/// The HTTP listener and who may reach it.
#[derive(Serialize)]
pub(super) struct Server {
    /// Address and port to listen on. Port 0 takes any free port; the log tells which. TLS is the business of a
    /// proxy in front.
    pub(super) listen: String,
    /// What people type to get here, such as "https://chat.example.com": links in mails are made from it, and pages
    /// from there may use cookies. Not set: http:// and the listen address.
    pub(super) public_url: String,
    /// Networks of the proxies in front, such as "10.0.0.0/8". Only these may say for which client address they ask
    /// (X-Forwarded-For); rate limits and logs go by it.
    pub(super) trusted_proxies: Vec<String>,
    /// Networks of gateways that log people in themselves and say who asks (X-Claim-userId). They are believed
    /// without any further proof, and everybody else's header is stripped. A gateway that passes the header on as its
    /// clients send it lets them be anybody. Empty: nobody is believed.
    pub(super) identity_gateways: Vec<String>,
    /// Pages, beside our own, whose scripts may use people's cookies here, such as "https://app.example.com".
    pub(super) allowed_origins: Vec<String>,
    /// WebSocket connections held at the same time. The next one is refused with 503. Each takes a file
    /// descriptor: raise `ulimit -n` with it.
    pub(super) max_sockets: u64,
    /// WebSocket handshakes in one second, for the whole server. The next one is refused with 503. It keeps the
    /// return of all clients after a restart from starving those already here.
    pub(super) handshakes_per_second: u64,
    /// Connections held at the same time beside WebSockets, which have left HTTP behind. The next one is refused with
    /// 503. A handshake counts until it is done.
    pub(super) max_connections: u64,
    /// Requests that change something, in one minute and by one user; messages are counted by themselves. The next one
    /// gets 429.
    pub(super) writes_per_minute: u64,
    /// How long a stopping server goes on sending what it still owes to its clients.
    pub(super) shutdown_drain_ms: u64,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".into(),
            public_url: String::new(),
            trusted_proxies: Vec::new(),
            identity_gateways: Vec::new(),
            allowed_origins: Vec::new(),
            max_sockets: 50_000,
            handshakes_per_second: 5_000,
            max_connections: 20_000,
            writes_per_minute: 120,
            shutdown_drain_ms: 10_000,
        }
    }
}

/// Where data lives.
#[derive(Serialize)]
pub(super) struct Storage {
    /// The folder of everything that is kept in files; made when missing.
    pub(super) data_dir: String,
    /// The relational database, sqlite://PATH or postgres://USER:PASSWORD@HOST/DATABASE (?sslmode=verify-full checks the
    /// server's certificate). Also read from the environment variable DATABASE_URL. Not set: tickroom.db in the data
    /// folder.
    pub(super) database_url: String,
    /// Where messages are kept instead, mongodb://… or mongodb+srv://…, with the name of the database as its path, else
    /// tickroom. Also read from the environment variable MONGODB_URL. Writes wait for the majority unless it says
    /// otherwise (?w=1). Not set: messages are in the relational database.
    pub(super) mongodb_url: String,
    /// After how many days MongoDB deletes messages. 0: never. Needs mongodb_url.
    pub(super) message_ttl_days: u64,
    /// How much may pile up on disk while the message log cannot be written. Beyond it, new messages are refused.
    pub(super) spill_max_mib: u64,
}

impl Default for Storage {
    fn default() -> Self {
        Self {
            data_dir: "data".into(),
            database_url: String::new(),
            mongodb_url: String::new(),
            message_ttl_days: 0,
            spill_max_mib: 1024,
        }
    }
}

/// Pictures that people send.
#[derive(Serialize)]
pub(super) struct Uploads {
    /// Where they are kept: file:///FOLDER, s3://BUCKET/FOLDER, gs://BUCKET/FOLDER or az://CONTAINER/FOLDER. Also read
    /// from the environment variable UPLOADS_URL. What a cloud asks for beside it is read from the variables that its
    /// own tools read, such as AWS_ACCESS_KEY_ID, AWS_REGION, GOOGLE_APPLICATION_CREDENTIALS or
    /// AZURE_STORAGE_ACCOUNT_NAME. Not set: the folder uploads in the data folder.
    pub(super) url: String,
    /// Pictures that one user may send in one hour. The next one gets 429.
    pub(super) pictures_per_hour: u64,
}

impl Default for Uploads {
    fn default() -> Self {
        Self { url: String::new(), pictures_per_hour: 20 }
    }
}

/// Tokens, cookies and the limits on guessing.
#[derive(Serialize)]
pub(super) struct Auth {
    /// What tokens are signed with, 32 bytes or more. Not set: a random key, made once and kept in signing.key in the
    /// data folder. Several servers that share users need the same key.
    pub(super) signing_key: String,
    /// How long an access token is good for. A ban or logout does not wait for it, but a stolen token does.
    pub(super) access_token_ttl_s: u64,
    /// How long somebody who does not come back stays logged in. The default is 14 days.
    pub(super) refresh_token_ttl_s: u64,
    /// Whether cookies are kept to https: "always", "never", or "auto", which is "always" unless public_url is plain
    /// http on this very machine.
    pub(super) secure_cookies: String,
    /// Whether people must prove their mail address before they can log in: "required" or "off". Without a mail server
    /// the link is in the log, see [mail].
    pub(super) email_verification: String,
    /// Login attempts in one minute from one client address. The next one gets 429.
    pub(super) login_attempts_per_minute: u64,
    /// Registrations in one hour from one client address. The next one gets 429.
    pub(super) registrations_per_hour: u64,
    /// Refreshed tokens in one minute for one client address. The next one gets 429.
    pub(super) refreshes_per_minute: u64,
    /// Mails to one mailbox in one hour, and for one client address ten times as many. The next one gets 429.
    pub(super) mails_per_hour: u64,
}

impl Default for Auth {
    fn default() -> Self {
        Self {
            signing_key: String::new(),
            access_token_ttl_s: 15 * 60,
            refresh_token_ttl_s: 14 * 24 * 60 * 60,
            secure_cookies: "auto".into(),
            email_verification: "required".into(),
            login_attempts_per_minute: 10,
            registrations_per_hour: 20,
            refreshes_per_minute: 60,
            mails_per_hour: 5,
        }
    }
}

/// How mail leaves: links to prove an address or to choose a new password.
#[derive(Serialize)]
pub(super) struct Mail {
    /// The mail server: "smtps://user:password@mail.example.com", or "smtp://…:587?tls=required" for STARTTLS. Also read
    /// from the environment variable SMTP_URL. Not set: mails are written to outbox in the data folder, the last
    /// thousand of them, and their links into the log.
    pub(super) smtp_url: String,
    /// Who writes.
    pub(super) from: String,
}

impl Default for Mail {
    fn default() -> Self {
        Self { smtp_url: String::new(), from: "Tickroom <no-reply@localhost>".into() }
    }
}

/// Rooms and how fast people may talk in them.
#[derive(Serialize)]
pub(super) struct Chat {
    /// Rooms that are always there, beside one for every market the feed knows.
    pub(super) rooms: Vec<String>,
    /// Messages that one socket may send in a second, in the long run. What is above is refused with an error code.
    pub(super) messages_per_second: u64,
    /// Messages that one socket may send at once after a pause.
    pub(super) message_burst: u64,
}

impl Default for Chat {
    fn default() -> Self {
        Self {
            rooms: ["KRW-BTC", "KRW-ETH", "KRW-XRP"].map(String::from).to_vec(),
            messages_per_second: 30,
            message_burst: 60,
        }
    }
}

/// One WebSocket connection.
#[derive(Serialize)]
pub(super) struct Socket {
    /// How much may wait for one slow reader. Beyond it, the socket is closed with code 3008 and the client resumes
    /// from where it was. Only slow readers use it; prices never queue.
    pub(super) outbox_kib: u64,
    /// How often a client is asked whether it is still there. Proxies often drop what is silent for 60 seconds.
    pub(super) ping_interval_s: u64,
    /// How long it may take to answer before it is taken for dead.
    pub(super) pong_timeout_s: u64,
    /// Sockets that one user may hold open, over all tabs and devices.
    pub(super) sockets_per_user: u64,
}

impl Default for Socket {
    fn default() -> Self {
        Self { outbox_kib: 1024, ping_interval_s: 25, pong_timeout_s: 10, sockets_per_user: 100 }
    }
}

/// How messages reach the message log. A message is acknowledged when it is stored, so these are part of its latency.
#[derive(Serialize)]
pub(super) struct Writer {
    /// Messages in one write. A full batch is written at once.
    pub(super) batch_messages: u64,
    /// How long a batch that is not full waits for more.
    pub(super) linger_ms: u64,
    /// Messages that may wait to be written. Beyond it, senders are refused with an error code.
    pub(super) queue_messages: u64,
}

impl Default for Writer {
    fn default() -> Self {
        Self { batch_messages: 2_000, linger_ms: 20, queue_messages: 100_000 }
    }
}

/// Where prices come from.
#[derive(Serialize)]
pub(super) struct Feed {
    /// "upbit": the real exchange. "sim": a simulated one inside this process, always labelled so. "off": no prices.
    pub(super) source: String,
    /// The exchange's WebSocket.
    pub(super) websocket_url: String,
    /// The exchange's REST root, without a trailing slash.
    pub(super) rest_url: String,
    /// Markets to follow, such as "KRW-BTC". An empty list is every market quoted in KRW. What an administrator decides
    /// about a market goes before it.
    pub(super) markets: Vec<String>,
    /// An exchange that says nothing for longer is reported as stale and connected to anew.
    pub(super) stale_after_s: u64,
}

impl Default for Feed {
    fn default() -> Self {
        Self {
            source: "upbit".into(),
            websocket_url: "wss://api.upbit.com/websocket/v1".into(),
            rest_url: "https://api.upbit.com/v1".into(),
            markets: Vec::new(),
            stale_after_s: 30,
        }
    }
}

/// How candles are collected from the exchange that prices come from.
#[derive(Serialize)]
pub(super) struct Candles {
    /// Requests in one second, at most. Upbit takes 10 from one address; lower this when others ask from the same one.
    pub(super) requests_per_second: u64,
}

impl Default for Candles {
    fn default() -> Self {
        Self { requests_per_second: 8 }
    }
}

/// What the server says about itself on stderr.
#[derive(Serialize)]
pub(super) struct Log {
    /// "error", "warn", "info", "debug" or "trace", with exceptions for parts behind commas, such as
    /// "info,tickroom_actors=debug".
    pub(super) level: String,
    /// "pretty" for people, "json" for machines: one object a line.
    pub(super) format: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".into(), format: "pretty".into() }
    }
}
