//! The connection to the exchange: connect, subscribe, read, notice when it is dead, come back.

use super::upbit::{self, Frame, Kind};
use super::{Backoff, FeedConfig};
use crate::metrics::{FEED_BAD_FRAMES, FEED_FRAMES, FEED_LAG, FEED_RECONNECTS};
use crate::tree::Services;
use futures_util::{SinkExt, StreamExt};
use metrics::{counter, histogram};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tickroom_storage::market::Market;
use tickroom_storage::{MarketCode, TimestampMs};
use tokio::net::TcpStream;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};
use tokio_tungstenite::tungstenite::{self, Message, Utf8Bytes, protocol::WebSocketConfig};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

/// Longest time for a connection, or an answer over REST.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest pause between attempts to connect.
const RECONNECT_PAUSE_MAX: Duration = Duration::from_secs(20);
/// A connection that lived this long was a good one: the next pause is short again.
const GOOD_AFTER: Duration = Duration::from_secs(30);
/// Between two requests on one connection, of which the exchange takes 100 a minute. What is decided meanwhile goes into
/// the next one.
const REQUEST_GAP: Duration = Duration::from_secs(1);
/// Largest frame: Upbit's are a few kilobytes, a list of all markets a few hundred.
const FRAME_BYTES: usize = 4 * 1024 * 1024;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Why the connection is over.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error("no connection within {} s", CONNECT_TIMEOUT.as_secs())]
    Timeout,
    #[error("{0}")]
    Socket(#[from] tungstenite::Error),
    #[error("the exchange closed the connection")]
    Closed,
    #[error("nothing came for {} ms", .0.as_millis())]
    Silent(Duration),
    #[error("the exchange refused the request: {name}: {message}")]
    Refused { name: String, message: String },
    #[error("no market is known yet: {0}")]
    NoMarkets(String),
}

impl Lost {
    /// Whether the exchange wants to be left alone for longer.
    fn is_block(&self) -> bool {
        matches!(self, Self::Socket(tungstenite::Error::Http(response))
            if matches!(response.status().as_u16(), 418 | 429))
    }
}

/// The client of one exchange.
pub(super) struct Link {
    services: Arc<Services>,
    config: FeedConfig,
    rest: reqwest::Client,
    /// What is to be followed, by code.
    codes: Vec<MarketCode>,
    /// Whether that is something else than what the connection was asked for.
    is_outdated: bool,
    /// Codes that have delivered on this connection, and since when it has been asked.
    delivered: HashSet<MarketCode>,
    asked_at: Instant,
}

impl Link {
    pub(super) fn new(services: Arc<Services>, config: FeedConfig) -> Result<Self, reqwest::Error> {
        // One provider for the process; it is no error that somebody installed it before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let rest = reqwest::Client::builder().timeout(CONNECT_TIMEOUT).build()?;
        // Until the list is read: what an earlier run knew of, or the configuration names.
        let codes = services.activation.codes(&config);
        let delivered = HashSet::new();
        Ok(Self { services, config, rest, codes, is_outdated: false, delivered, asked_at: Instant::now() })
    }

    /// Connects again and again, for as long as the feed lives.
    pub(super) async fn run(mut self) {
        let mut backoff = Backoff::new(self.config.reconnect_pause, RECONNECT_PAUSE_MAX);
        loop {
            let started = Instant::now();
            let Err(lost) = self.connection().await;
            if started.elapsed() >= GOOD_AFTER {
                backoff.reset();
            }
            let pause = if lost.is_block() { self.config.blocked_pause } else { backoff.next_pause() };
            counter!(FEED_RECONNECTS).increment(1);
            tracing::warn!(reason = %lost, pause_ms = pause.as_millis(), "feed lost the exchange");
            self.services.feed_view.update(|view| {
                view.connected = false;
                view.reconnects += 1;
                view.last_error = Some(lost.to_string());
            });
            tokio::time::sleep(pause).await;
        }
    }

    /// One connection, from its beginning to its end.
    async fn connection(&mut self) -> Result<std::convert::Infallible, Lost> {
        if let Err(reason) = self.read_list().await
            && self.codes.is_empty()
        {
            return Err(Lost::NoMarkets(reason));
        }
        let limits = WebSocketConfig::default()
            .read_buffer_size(16 * 1024)
            .max_message_size(Some(FRAME_BYTES))
            .max_frame_size(Some(FRAME_BYTES));
        let connect = connect_async_with_config(&self.config.websocket_url, Some(limits), true);
        let (mut socket, _) = timeout(CONNECT_TIMEOUT, connect).await.map_err(|_| Lost::Timeout)??;
        self.subscribe(&mut socket).await?;
        self.services.feed_view.update(|view| {
            view.connected = true;
            view.last_error = None;
        });
        tracing::info!(markets = self.codes.len(), url = self.config.websocket_url, "feed connected");
        self.read(&mut socket).await
    }

    async fn read(&mut self, socket: &mut Socket) -> Result<std::convert::Infallible, Lost> {
        let mut pings = every(self.config.ping_interval);
        let mut lists = every(self.config.list_interval);
        let services = Arc::clone(&self.services);
        let mut silence = std::pin::pin!(tokio::time::sleep(self.config.silence_limit));
        loop {
            tokio::select! {
                frame = socket.next() => {
                    silence.as_mut().reset(Instant::now() + self.config.silence_limit);
                    self.on_message(frame.ok_or(Lost::Closed)??)?;
                }
                () = &mut silence => return Err(Lost::Silent(self.config.silence_limit)),
                _ = pings.tick() => {
                    self.report_silent();
                    socket.send(Message::Ping(bytes::Bytes::new())).await?;
                }
                _ = lists.tick() => {
                    // It was logged, and the markets stay what they are.
                    let _ = self.read_list().await;
                }
                () = services.activation.changed.notified() => self.choose().await,
                // Whatever the number of decisions, it is one request, and not too soon after the last one.
                () = sleep_until(self.asked_at + REQUEST_GAP), if self.is_outdated => {
                    self.subscribe(socket).await?;
                }
            }
        }
    }

    fn on_message(&mut self, message: Message) -> Result<(), Lost> {
        match message {
            Message::Text(text) => self.on_frame(&text),
            // The exchange sends JSON in binary frames.
            Message::Binary(bytes) => match Utf8Bytes::try_from(bytes) {
                Ok(text) => self.on_frame(&text),
                Err(_) => {
                    counter!(FEED_BAD_FRAMES).increment(1);
                    Ok(())
                }
            },
            Message::Close(_) => Err(Lost::Closed),
            _ => Ok(()),
        }
    }

    fn on_frame(&mut self, text: &str) -> Result<(), Lost> {
        counter!(FEED_FRAMES).increment(1);
        match upbit::parse(text) {
            Ok(Frame::Data(data)) => {
                for (kind, code, json) in data {
                    match kind {
                        Kind::Ticker => self.on_ticker(code, json),
                        Kind::Minute => self.on_minute(&code, json),
                    }
                }
                Ok(())
            }
            Ok(Frame::Error { name, message }) => Err(Lost::Refused { name, message }),
            Ok(Frame::Other) => Ok(()),
            Err(error) => {
                counter!(FEED_BAD_FRAMES).increment(1);
                tracing::debug!(%error, bytes = text.len(), "frame of the exchange cannot be read");
                Ok(())
            }
        }
    }

    fn on_ticker(&mut self, code: MarketCode, json: &str) {
        let received = TimestampMs::now();
        // A snapshot repeats what may be hours old.
        if let Some((exchange, false)) =
            self.services.hub.publish(&code, json, received, self.config.simulated)
        {
            let lag_ms = u32::try_from((received.as_millis() - exchange).max(0)).unwrap_or(u32::MAX);
            histogram!(FEED_LAG).record(f64::from(lag_ms) / 1000.0);
        }
        self.services.feed_view.update(|view| {
            view.ticks += 1;
            view.last_tick = Some(Instant::now());
        });
        if !self.delivered.contains(&code) {
            self.delivered.insert(code);
        }
    }

    fn on_minute(&self, code: &MarketCode, json: &str) {
        if !self.services.candles.publish(code, json, TimestampMs::now()) {
            counter!(FEED_BAD_FRAMES).increment(1);
            tracing::debug!(market = %code, "minute of the exchange cannot be read");
        }
    }

    /// Asks for all markets at once: a later request would replace this one.
    async fn subscribe(&mut self, socket: &mut Socket) -> Result<(), Lost> {
        let ticket = format!("tickroom-{:016x}", fastrand::u64(..));
        socket.send(Message::text(upbit::subscribe_request(&ticket, &self.codes))).await?;
        (self.delivered, self.asked_at) = (HashSet::new(), Instant::now());
        self.is_outdated = false;
        self.services.feed_view.update(|view| view.markets = self.codes.len());
        Ok(())
    }

    /// Names the markets that deliver nothing: the exchange is silent about codes that it does not know.
    fn report_silent(&self) {
        if self.asked_at.elapsed() < self.config.silent_after {
            return;
        }
        let silent: Vec<_> =
            self.codes.iter().filter(|code| !self.delivered.contains(*code)).cloned().collect();
        self.services.feed_view.update(|view| {
            if view.silent != silent {
                tracing::warn!(markets = ?silent, "exchange delivers nothing for these markets");
                view.silent = silent;
            }
        });
    }

    /// Reads the list of markets.
    async fn read_list(&mut self) -> Result<(), String> {
        // A list without markets is a mistake of the exchange, not the end of all trade.
        let listed = match self.fetch_list().await {
            Ok(listed) if listed.is_empty() => Err("the list is empty".to_owned()),
            other => other,
        };
        match listed {
            Ok(listed) => self.services.activation.set_listed(listed),
            Err(error) => {
                tracing::warn!(%error, "list of markets cannot be read");
                return Err(error);
            }
        }
        self.choose().await;
        Ok(())
    }

    /// Settles which markets are followed, opens the new ones and closes those that nobody wants any more.
    async fn choose(&mut self) {
        let wanted = self.services.activation.wanted(&self.config);
        let codes = self.services.activation.codes(&self.config);
        self.is_outdated |= codes != self.codes;
        self.codes = codes;
        self.services.open_markets(wanted).await;
        self.services.hub.open(self.codes.iter().cloned());
        self.services.hub.keep(&self.codes);
    }

    async fn fetch_list(&self) -> Result<Vec<Market>, String> {
        let url = format!("{}/market/all?is_details=true", self.config.rest_url);
        let answer = self.rest.get(url).send().await.and_then(reqwest::Response::error_for_status);
        let body =
            answer.map_err(|error| error.to_string())?.bytes().await.map_err(|error| error.to_string())?;
        upbit::parse_markets(&body).map_err(|error| error.to_string())
    }
}

fn every(period: Duration) -> tokio::time::Interval {
    let mut interval = interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval.reset();
    interval
}
