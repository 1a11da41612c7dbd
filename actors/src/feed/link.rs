//! The connection to the exchange: connect, subscribe, read, notice when it is dead, come back.

use super::upbit::{self, Frame};
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
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_tungstenite::tungstenite::{self, Message, Utf8Bytes, protocol::WebSocketConfig};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

/// Longest time for a connection, or an answer over REST.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest pause between attempts to connect.
const RECONNECT_PAUSE_MAX: Duration = Duration::from_secs(20);
/// Pause after the exchange said "too many requests" (429) or "I'm a teapot" (418): blocks grow with repetition.
const BLOCKED_PAUSE: Duration = Duration::from_secs(60);
/// A connection that lived this long was a good one: the next pause is short again.
const GOOD_AFTER: Duration = Duration::from_secs(30);
/// How often the list of markets is read again.
const LIST_INTERVAL: Duration = Duration::from_secs(600);
/// A market that delivers nothing for this long after it was asked for is reported.
const SILENT_AFTER: Duration = Duration::from_secs(60);
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
    codes: Vec<MarketCode>,
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
        let mut codes = services.hub.codes();
        codes.retain(|code| config.wants(code));
        let delivered = HashSet::new();
        Ok(Self { services, config, rest, codes, delivered, asked_at: Instant::now() })
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
            let pause = if lost.is_block() { BLOCKED_PAUSE } else { backoff.next_pause() };
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
        let mut lists = every(LIST_INTERVAL);
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
                    if self.read_list().await.is_ok_and(|changed| changed) {
                        self.subscribe(socket).await?;
                    }
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
            Ok(Frame::Tickers(tickers)) => {
                tickers.into_iter().for_each(|(code, json)| self.on_ticker(code, json));
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
        if let Some(exchange) = self.services.hub.publish(&code, json, received, self.config.simulated) {
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

    /// Asks for all markets at once: a later request would replace this one.
    async fn subscribe(&mut self, socket: &mut Socket) -> Result<(), Lost> {
        let ticket = format!("tickroom-{:016x}", fastrand::u64(..));
        socket.send(Message::text(upbit::subscribe_request(&ticket, &self.codes))).await?;
        (self.delivered, self.asked_at) = (HashSet::new(), Instant::now());
        self.services.feed_view.update(|view| view.markets = self.codes.len());
        Ok(())
    }

    /// Names the markets that deliver nothing: the exchange is silent about codes that it does not know.
    fn report_silent(&self) {
        if self.asked_at.elapsed() < SILENT_AFTER {
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

    /// Reads the list of markets; tells whether other ones are wanted than before.
    async fn read_list(&mut self) -> Result<bool, String> {
        let listed = match self.fetch_list().await {
            Ok(listed) => listed,
            Err(error) => {
                tracing::warn!(%error, "list of markets cannot be read");
                return Err(error);
            }
        };
        let markets: Vec<_> = listed.into_iter().filter(|market| self.config.wants(&market.code)).collect();
        let codes: Vec<_> = match self.config.markets.as_slice() {
            [] => markets.iter().map(|market| market.code.clone()).collect(),
            // Those that the list lacks, too: that they deliver nothing is reported.
            named => named.to_vec(),
        };
        self.services.open_markets(markets).await;
        let changed = codes.iter().collect::<HashSet<_>>() != self.codes.iter().collect();
        self.codes = codes;
        Ok(changed)
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
