//! Candles: collected over REST, kept current from the stream.
//!
//! [`Candles`] owns one task that asks the exchange, so there is never more than one collection at a time; its requests
//! are spaced and paused as the exchange wants ([`throttle`]). Each turn is one request, and goes to
//!
//! 1. what somebody looks at and the database does not have ([`CandleHub::want`]);
//! 2. in turn, the oldest backfill and the series that was not served for the longest time: closed minutes of each
//!    market, corrected, and what is missing of the last [`CANDLE_DEPTH`](crate::limits::CANDLE_DEPTH) windows.
//!
//! Windows of 3 minutes to 4 hours that close are made of corrected minutes, which costs the exchange nothing. What is
//! known is in the database ([`Store::coverage`](tickroom_storage::candle::Candles::coverage)), so an actor that dies,
//! and a process, goes on where it was. Running windows are in the [`CandleHub`], which outlives the actor.

mod client;
mod collector;
mod hub;
mod keeper;
mod lock;
mod minutes;
pub mod throttle;
pub mod upbit;
mod watched;

pub use client::FetchError;
pub use collector::{CollectError, Collector, Page, closed};
pub use hub::CandleHub;
pub use lock::CollectorLock;

use crate::limits::CANDLE_SETTLE_MS;
use crate::tree::Services;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tickroom_storage::candle::{Interval, Series};
use tickroom_storage::{BackfillId, TimestampMs};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

/// How often the hub looks at the clock.
const TICK: Duration = Duration::from_secs(1);

/// Where candles are collected from, and how.
#[derive(Debug, Clone)]
pub struct CandleConfig {
    /// The exchange's REST API, up to and with `/v1`.
    pub rest_url: String,
    /// Requests in a second. The exchange takes ten from one address.
    pub requests_per_second: NonZeroU32,
    /// The file that one collector at a time holds.
    pub lock: PathBuf,
}

/// What the collector shows.
#[derive(Debug, Clone, Default)]
pub struct CandleView {
    /// Whether it collects; it does not while another process does in the same folder.
    pub collecting: bool,
    /// Series that lack recent candles.
    pub behind: usize,
    /// Pages read since the process started.
    pub pages: u64,
    /// Candles that were new or different since the process started.
    pub changes: u64,
    /// The backfill that is worked on, and up to where, going backwards, it is complete.
    pub backfill: Option<(BackfillId, TimestampMs)>,
    /// What went wrong last, until something goes right.
    pub last_error: Option<String>,
}

/// Windows that begin before this moment are over for good.
pub(crate) fn closed_until(interval: Interval, now: TimestampMs) -> TimestampMs {
    interval.window(now.plus_millis(-CANDLE_SETTLE_MS)).from
}

/// The collector's control plane.
pub enum CandleMessage {
    /// The task is over, which it never should be.
    Ended,
}

/// The actor.
pub struct Candles;

/// Ends the task with the actor, however that ends.
pub struct CandleState {
    task: JoinHandle<()>,
}

impl Drop for CandleState {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Actor for Candles {
    type Msg = CandleMessage;
    type State = CandleState;
    type Arguments = (Arc<Services>, CandleConfig);

    async fn pre_start(
        &self,
        myself: ActorRef<CandleMessage>,
        (services, config): Self::Arguments,
    ) -> Result<CandleState, ActorProcessingErr> {
        let keeper = keeper::Keeper::new(Arc::clone(&services), config)?;
        let task = tokio::spawn(async move {
            // A panic in there unwinds through the guard, so the actor hears of that as well.
            let _ended = Ended(myself);
            tokio::join!(keeper.run(), watch_the_clock(services));
        });
        Ok(CandleState { task })
    }

    async fn handle(
        &self,
        _myself: ActorRef<CandleMessage>,
        CandleMessage::Ended: CandleMessage,
        _state: &mut CandleState,
    ) -> Result<(), ActorProcessingErr> {
        Err("the collector's task ended".into())
    }
}

async fn watch_the_clock(services: Arc<Services>) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        services.candles.tick(TimestampMs::now(), &services.hub);
    }
}

struct Ended(ActorRef<CandleMessage>);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.cast(CandleMessage::Ended);
    }
}
