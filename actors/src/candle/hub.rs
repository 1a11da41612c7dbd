//! [`CandleHub`]: the candles that are not in the database yet, and the sockets that watch them.
//!
//! The [`Feed`](crate::feed) writes the running minutes here, the collector corrects the closed ones; both may die, the
//! hub is plain shared state and stays. Windows of up to four hours are made of minutes. The running day is what the
//! ticker says of it; weeks, months and years are made of the closed days before it and of that.

use super::minutes::Minutes;
use super::watched::Watched;
use super::{Series, upbit};
use crate::limits::{CANDLE_SETTLE_MS, CANDLE_SNAPSHOT, CANDLE_WANTED};
use crate::session::SessionSlot;
use crate::ticker::{Tick, TickerHub, UnknownMarket};
use dashmap::DashMap;
use parking_lot::Mutex;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tickroom_storage::candle::{Candle, Interval, Span};
use tickroom_storage::{MarketCode, TimestampMs};
use tokio::sync::Notify;

/// The slots of candles in the conflated lanes begin here; those of prices are below.
const FIRST_KEY: u32 = 1 << 31;

/// What is known of one market.
struct Market {
    key: u32,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    minutes: Minutes,
    days: Option<ClosedDays>,
    watched: BTreeMap<Interval, Watched>,
}

/// What the closed days of the running week, month and year add up to.
#[derive(Debug, Clone)]
pub(super) struct ClosedDays {
    /// The day that runs: the first that is not in the sums.
    pub(super) today: TimestampMs,
    /// The sums, without those of windows that begin today or had no trade yet.
    pub(super) sums: Vec<(Interval, Candle)>,
}

/// All markets with candles that are not in the database yet.
pub struct CandleHub {
    markets: DashMap<MarketCode, Arc<Market>>,
    next_key: AtomicU32,
    simulated: bool,
    /// What somebody looked at and the database does not have yet, the first one first.
    wanted: Mutex<VecDeque<Series>>,
    /// Wakes the collector.
    pub(super) work: Notify,
}

impl CandleHub {
    /// A hub without candles.
    pub(crate) fn new(simulated: bool) -> Self {
        Self {
            markets: DashMap::new(),
            next_key: AtomicU32::new(FIRST_KEY),
            simulated,
            wanted: Mutex::default(),
            work: Notify::new(),
        }
    }

    /// Takes a `candle.1m` frame of the exchange's socket. Says whether it could be read; one that is older than what
    /// is known changes nothing.
    pub fn publish(&self, code: &MarketCode, json: &str, now: TimestampMs) -> bool {
        let Ok(candle) = upbit::parse(json, Interval::Minute1) else { return false };
        let market = self.market(code);
        let mut state = market.state.lock();
        let start = candle.start;
        if state.minutes.take(candle, now) {
            state.announce(start);
        }
        true
    }

    /// Replaces the minutes in `span` by what the exchange's REST API says they were, once they are closed.
    /// `complete_from`: since when no minute is missing, if that is known.
    pub(super) fn correct(
        &self,
        code: &MarketCode,
        span: Span,
        minutes: &[Candle],
        complete_from: Option<TimestampMs>,
    ) {
        let market = self.market(code);
        let mut state = market.state.lock();
        let changed = state.minutes.correct(span, minutes);
        if let Some(from) = complete_from {
            state.minutes.complete_from(from);
        }
        changed.into_iter().for_each(|start| state.announce(start));
    }

    /// Remembers what the closed days add up to.
    pub(super) fn set_days(&self, code: &MarketCode, days: ClosedDays) {
        self.market(code).state.lock().days = Some(days);
    }

    /// The window of up to four hours that begins at `start`, if all of its minutes are known.
    pub(super) fn window(&self, series: &Series, start: TimestampMs) -> Option<Candle> {
        self.market(&series.market).state.lock().minutes.window(series.interval, start)
    }

    /// What is newer than the database, or will be in it soon; oldest first.
    pub fn recent(&self, series: &Series, tickers: &TickerHub) -> Vec<Candle> {
        let day = tickers.last(&series.market).ok().flatten().as_ref().and_then(running_day);
        match self.markets.get(&series.market).map(|market| Arc::clone(&market)) {
            Some(market) => market.state.lock().recent(series.interval, day.as_ref()),
            None => State::default().recent(series.interval, day.as_ref()),
        }
    }

    /// Subscribes a socket, and gives it what is known at once. Twice is once.
    ///
    /// # Errors
    ///
    /// When nobody follows the market.
    pub fn watch(
        &self,
        series: &Series,
        session: &Arc<SessionSlot>,
        tickers: &TickerHub,
    ) -> Result<(), UnknownMarket> {
        let day = tickers.last(&series.market)?.as_ref().and_then(running_day);
        let market = self.market(&series.market);
        let mut state = market.state.lock();
        let recent = state.recent(series.interval, day.as_ref());
        let recent = recent.get(recent.len().saturating_sub(CANDLE_SNAPSHOT)..).unwrap_or_default();
        let (key, simulated) = (market.key + slot(series.interval), self.simulated);
        let watched = state.watched.entry(series.interval);
        let watched = watched.or_insert_with(|| Watched::new(series.clone(), key, simulated));
        watched.add(session, recent, TimestampMs::now());
        Ok(())
    }

    /// Ends a subscription; what was not sent yet of the running window is dropped with it.
    pub fn unwatch(&self, series: &Series, session: &SessionSlot) {
        let Some(market) = self.markets.get(&series.market).map(|market| Arc::clone(&market)) else { return };
        let mut state = market.state.lock();
        if state.watched.get_mut(&series.interval).is_some_and(|watched| watched.remove(session)) {
            state.watched.remove(&series.interval);
        }
    }

    /// Subscriptions over all markets.
    pub fn watchers(&self) -> usize {
        let of = |market: &Market| market.state.lock().watched.values().map(Watched::readers).sum::<usize>();
        self.markets.iter().map(|market| of(&market)).sum()
    }

    /// Asks for what the database lacks of a series that somebody looks at. When too many are asked for at once, it
    /// comes when its turn does.
    pub fn want(&self, series: &Series) {
        let mut wanted = self.wanted.lock();
        if wanted.len() < CANDLE_WANTED && !wanted.contains(series) {
            wanted.push_back(series.clone());
            self.work.notify_one();
        }
    }

    /// There is a new backfill.
    pub fn hurry(&self) {
        self.work.notify_one();
    }

    pub(super) fn next_wanted(&self) -> Option<Series> {
        self.wanted.lock().pop_front()
    }

    /// What the clock does: closes windows that are over, and lets the long ones follow the ticker.
    pub(super) fn tick(&self, now: TimestampMs, tickers: &TickerHub) {
        let markets: Vec<_> =
            self.markets.iter().map(|entry| (entry.key().clone(), Arc::clone(entry.value()))).collect();
        for (code, market) in markets {
            let mut state = market.state.lock();
            if state.watched.is_empty() {
                continue;
            }
            let day = tickers.last(&code).ok().flatten().as_ref().and_then(running_day);
            state.follow(day.as_ref());
            let over = now.plus_millis(-CANDLE_SETTLE_MS);
            state.watched.values_mut().for_each(|watched| watched.close_due(over));
        }
    }

    fn market(&self, code: &MarketCode) -> Arc<Market> {
        if let Some(market) = self.markets.get(code) {
            return Arc::clone(&market);
        }
        let market = self.markets.entry(code.clone()).or_insert_with(|| {
            let key = self.next_key.fetch_add(slot(Interval::Year) + 1, Ordering::Relaxed);
            Arc::new(Market { key, state: Mutex::default() })
        });
        Arc::clone(&market)
    }
}

impl State {
    /// Tells the readers of every window that this minute is part of.
    fn announce(&mut self, minute: TimestampMs) {
        for (interval, watched) in &mut self.watched {
            if interval.minutes().is_some()
                && let Some(candle) = self.minutes.window(*interval, interval.window(minute).from)
            {
                watched.announce(candle);
            }
        }
    }

    /// Tells the readers of days and longer windows what the ticker says.
    fn follow(&mut self, day: Option<&Candle>) {
        for (interval, watched) in &mut self.watched {
            if interval.minutes().is_none()
                && let Some(candle) = long_window(*interval, self.days.as_ref(), day)
            {
                watched.announce(candle);
            }
        }
    }

    fn recent(&self, interval: Interval, day: Option<&Candle>) -> Vec<Candle> {
        match interval.minutes() {
            Some(_) => self.minutes.windows(interval),
            None => long_window(interval, self.days.as_ref(), day).into_iter().collect(),
        }
    }
}

/// The running window of a day or longer.
fn long_window(interval: Interval, days: Option<&ClosedDays>, day: Option<&Candle>) -> Option<Candle> {
    if interval == Interval::Day {
        return day.cloned();
    }
    let days = days?;
    let start = interval.window(days.today).from;
    // Yesterday's last price is in the sums already.
    let day = day.filter(|day| day.start == days.today);
    let closed = days.sums.iter().find(|(of, _)| *of == interval).map(|(_, sum)| sum);
    Candle::fold(start, closed.into_iter().chain(day))
}

/// The day as the ticker sums it up.
fn running_day(tick: &Tick) -> Option<Candle> {
    let ticker = tick.ticker()?;
    let number = |raw: Option<&serde_json::value::RawValue>| raw?.get().parse().ok();
    let traded_at = TimestampMs::new(ticker.trade_timestamp?.get().parse().ok()?);
    Some(Candle {
        start: Interval::Day.window(traded_at).from,
        opening_price: number(ticker.opening_price)?,
        high_price: number(ticker.high_price)?,
        low_price: number(ticker.low_price)?,
        trade_price: number(ticker.trade_price)?,
        volume: number(ticker.acc_trade_volume)?,
        turnover: number(ticker.acc_trade_price)?,
        traded_at,
    })
}

/// The place of an interval among a market's slots.
fn slot(interval: Interval) -> u32 {
    let place = Interval::ALL.iter().position(|other| *other == interval);
    place.and_then(|place| u32::try_from(place).ok()).unwrap_or(0)
}
