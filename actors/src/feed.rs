//! The feed: a client of the exchange.
//!
//! A [`Feed`] keeps one connection for all markets alive in a task of its own, so that its mailbox never waits for
//! the network. Prices go straight to the [`TickerHub`](crate::ticker::TickerHub), running minutes to the
//! [`CandleHub`](crate::candle::CandleHub); both outlive the feed: if it dies, watchers keep the last price, and the next
//! feed connects anew. Which markets are followed is [`Activation`]'s to say, and outlives the feed as well.

mod activation;
mod backoff;
mod link;
pub mod upbit;

pub use activation::{Activation, Candidate};
pub use backoff::Backoff;

use crate::tree::Services;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::sync::Arc;
use std::time::Duration;
use tickroom_storage::MarketCode;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// How often the age of the last price is looked at.
const AGE_INTERVAL: Duration = Duration::from_secs(1);

/// Which exchange to read, and how.
#[derive(Debug, Clone)]
pub struct FeedConfig {
    /// The exchange's socket, `wss://` or `ws://`.
    pub websocket_url: String,
    /// The exchange's REST API, up to and with `/v1`.
    pub rest_url: String,
    /// The markets to read, unless somebody decided otherwise by hand; all that are priced in KRW if empty.
    pub markets: Vec<MarketCode>,
    /// Without any price for this long, prices count as stale.
    pub stale_after: Duration,
    /// Whether the exchange is a simulation, and prices are to be labelled so.
    pub simulated: bool,
    /// Pause between pings. The exchange ends a connection that was quiet for 60 s (seen) to 120 s (documented).
    pub ping_interval: Duration,
    /// A connection on which nothing came for this long, not even a pong, is dead.
    pub silence_limit: Duration,
    /// Upper bound of the first pause before connecting again; it doubles up to 20 s.
    pub reconnect_pause: Duration,
    /// Pause after the exchange said "too many requests" (429) or "I'm a teapot" (418): blocks grow with repetition.
    pub blocked_pause: Duration,
    /// How often the list of markets is read again.
    pub list_interval: Duration,
    /// A market that delivers nothing for this long after it was asked for is reported.
    pub silent_after: Duration,
}

impl FeedConfig {
    /// The timing that suits the real exchange.
    pub fn new(websocket_url: impl Into<String>, rest_url: impl Into<String>) -> Self {
        Self {
            websocket_url: websocket_url.into(),
            rest_url: rest_url.into(),
            markets: Vec::new(),
            stale_after: Duration::from_secs(30),
            simulated: false,
            ping_interval: Duration::from_secs(20),
            silence_limit: Duration::from_secs(45),
            reconnect_pause: Duration::from_millis(500),
            blocked_pause: Duration::from_secs(60),
            list_interval: Duration::from_secs(600),
            silent_after: Duration::from_secs(60),
        }
    }

    /// Whether a market is to be read, if nobody decided about it by hand.
    fn wants(&self, code: &MarketCode) -> bool {
        if self.markets.is_empty() { code.as_str().starts_with("KRW-") } else { self.markets.contains(code) }
    }
}

/// What the feed shows.
#[derive(Debug, Clone, Default)]
pub struct FeedView {
    /// Whether the connection stands.
    pub connected: bool,
    /// Markets asked for.
    pub markets: usize,
    /// Prices taken since the process started.
    pub ticks: u64,
    /// Times the connection was lost or refused.
    pub reconnects: u64,
    /// When the last price came.
    pub last_tick: Option<Instant>,
    /// Markets that were asked for and have delivered nothing for [`FeedConfig::silent_after`]: renamed, delisted or misspelled.
    pub silent: Vec<MarketCode>,
    /// Why the connection was lost last, while it is.
    pub last_error: Option<String>,
}

impl FeedView {
    /// Whether no price has come for so long that the known ones mean little.
    pub fn is_stale(&self, after: Duration) -> bool {
        self.last_tick.is_none_or(|at| at.elapsed() > after)
    }
}

/// The feed's control plane.
pub enum FeedMessage {
    /// The connection's task is over, which it never should be.
    LinkEnded,
}

/// The actor.
pub struct Feed;

/// Ends the connection with the actor, however that ends.
pub struct FeedState {
    link: JoinHandle<()>,
}

impl Drop for FeedState {
    fn drop(&mut self) {
        self.link.abort();
    }
}

impl Actor for Feed {
    type Msg = FeedMessage;
    type State = FeedState;
    type Arguments = (Arc<Services>, FeedConfig);

    async fn pre_start(
        &self,
        myself: ActorRef<FeedMessage>,
        (services, config): Self::Arguments,
    ) -> Result<FeedState, ActorProcessingErr> {
        let link = link::Link::new(Arc::clone(&services), config.clone())?;
        let link = tokio::spawn(async move {
            // A panic in there unwinds through the guard, so the actor hears of that as well.
            let _ended = Ended(myself);
            tokio::join!(link.run(), watch_age(services, config.stale_after));
        });
        Ok(FeedState { link })
    }

    async fn handle(
        &self,
        _myself: ActorRef<FeedMessage>,
        FeedMessage::LinkEnded: FeedMessage,
        _state: &mut FeedState,
    ) -> Result<(), ActorProcessingErr> {
        Err("the connection's task ended".into())
    }
}

/// Tells watchers when prices become stale, and when they are fresh again. A feed that has just started gets its time.
async fn watch_age(services: Arc<Services>, stale_after: Duration) {
    let started = Instant::now();
    let mut looks = interval(AGE_INTERVAL.min(stale_after / 2).max(Duration::from_millis(1)));
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        let last = services.feed_view.get().last_tick.unwrap_or(started);
        services.hub.set_stale(last.elapsed() > stale_after);
    }
}

struct Ended(ActorRef<FeedMessage>);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.cast(FeedMessage::LinkEnded);
    }
}
