//! The last price of every market, and the sockets that watch it.
//!
//! The [`Feed`](crate::feed) writes here and may die; the hub is plain shared state and stays, so watchers keep
//! their last price and their subscription. Prices travel in the conflated lane: each socket holds one slot per
//! market, and a newer price replaces one that was not sent yet.

use crate::feed::upbit::Ticker;
use crate::session::{SessionId, SessionSlot};
use crate::wire;
use crate::wire::centrifuge::Channel;
use crate::wire::centrifuge::publication::Spellings;
use bytes::Bytes;
use dashmap::DashMap;
use dashmap::mapref::multiple::RefMulti;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use tickroom_storage::{MarketCode, TimestampMs};

/// One price of one market.
#[derive(Debug, Clone)]
pub struct Tick {
    /// The exchange's JSON object, copied out of the read buffer.
    json: Arc<str>,
    /// Epoch milliseconds at the exchange; prices of a market never go back in it.
    pub exchange: i64,
    /// When this server read it.
    pub received: TimestampMs,
    /// Counts the prices of the market since the process started.
    pub seq: u64,
    /// Whether a simulated exchange made it up.
    pub simulated: bool,
}

impl Tick {
    /// The exchange's fields.
    pub fn ticker(&self) -> Option<Ticker<'_>> {
        serde_json::from_str(&self.json).ok()
    }

    /// Whether `other`, of the same millisecond, has less of the day's volume: many trades share their millisecond, and
    /// the volume tells their order.
    fn is_ahead_of(&self, other: &Ticker<'_>) -> bool {
        let Some(own) = self.ticker() else { return false };
        match (own.day_volume(), other.day_volume()) {
            (Some((day, volume)), Some((other_day, other_volume))) => {
                day == other_day && other_volume < volume
            }
            _ => false,
        }
    }
}

/// One market: its last price and who watches it.
struct Market {
    /// Names the market's slot in the conflated lanes.
    key: u32,
    /// Whether it is followed. A market that is not keeps its watchers, in case it is again.
    open: AtomicBool,
    last: Mutex<Option<Tick>>,
    watchers: Mutex<HashMap<SessionId, Arc<SessionSlot>>>,
}

/// The slot of the conflated lanes that says whether prices are stale. Those of markets are above.
const STALE_KEY: u32 = 0;

/// Added to a market's slot, the slot that says the same in its channel of the Centrifuge protocol, which has no word for
/// the whole socket. Slots of markets are below, those of candles above.
const STALE_KEY_OF_CHANNEL: u32 = 1 << 30;

/// What clients of the Centrifuge protocol are told when a market is not followed any more.
pub(crate) const MARKET_CLOSED: (u32, &str) = (2000, "market closed");

/// All markets that can be watched.
#[derive(Default)]
pub struct TickerHub {
    markets: DashMap<MarketCode, Arc<Market>>,
    /// The last slot that was given to a market.
    last_key: AtomicU32,
    /// Whether no price came for so long that the known ones mean little.
    stale: AtomicBool,
}

/// The market is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownMarket;

impl Market {
    /// Tells the watchers that the market is not followed any more. Those of the native dialect stay, in case it is again.
    fn close(&self, code: &MarketCode) {
        let frame = wire::ticker::encode_closed(code);
        let channel = Channel::Ticker(code.clone()).to_string();
        self.watchers.lock().retain(|_, session| {
            if session.format().is_none() {
                // In the place of a price that was not sent yet.
                session.outbox.conflate(self.key, frame.clone());
                return true;
            }
            self.forget(session);
            let (code, reason) = MARKET_CLOSED;
            session.unsubscribed(&channel, code, reason);
            false
        });
    }

    /// Tells one watcher that prices are stale, or are not any more.
    fn tell_stale(&self, session: &SessionSlot, frames: &Spellings) {
        let (format, of_channel) = (session.format(), STALE_KEY_OF_CHANNEL + self.key);
        let key = if format.is_some() { of_channel } else { STALE_KEY };
        session.outbox.conflate(key, frames.in_format(format));
    }

    /// Drops what one watcher was not sent yet.
    fn forget(&self, session: &SessionSlot) {
        session.outbox.forget(self.key);
        session.outbox.forget(STALE_KEY_OF_CHANNEL + self.key);
    }
}

impl TickerHub {
    /// Makes markets watchable. Known ones keep their price and watchers.
    pub fn open(&self, codes: impl IntoIterator<Item = MarketCode>) {
        for code in codes {
            let market = self.markets.entry(code).or_insert_with(|| {
                let key = self.last_key.fetch_add(1, Ordering::Relaxed) + 1;
                let open = AtomicBool::new(true);
                Arc::new(Market { key, open, last: Mutex::default(), watchers: Mutex::default() })
            });
            market.open.store(true, Ordering::SeqCst);
        }
    }

    /// Closes all markets but these. Who watches one that is closed is told so, and gets prices again if it is opened again.
    pub fn keep(&self, codes: &[MarketCode]) {
        for entry in self.markets.iter().filter(|entry| !codes.contains(entry.key())) {
            if entry.open.swap(false, Ordering::SeqCst) {
                entry.close(entry.key());
            }
        }
    }

    /// Tells all watchers that prices have become stale, or are not any more; nothing if they know.
    pub fn set_stale(&self, stale: bool) {
        if self.stale.swap(stale, Ordering::SeqCst) == stale {
            return;
        }
        tracing::info!(stale, "age of prices");
        for market in &self.markets {
            let frames =
                Spellings::new(Channel::Ticker(market.key().clone()), wire::ticker::encode_stale(stale));
            market.watchers.lock().values().for_each(|session| market.tell_stale(session, &frames));
        }
    }

    /// When the last price of each market that has one was read.
    pub fn last_received(&self) -> Vec<(MarketCode, TimestampMs)> {
        let received = |market: &Market| market.last.lock().as_ref().map(|tick| tick.received);
        self.open_markets().filter_map(|entry| Some((entry.key().clone(), received(&entry)?))).collect()
    }

    /// The codes of all markets, sorted.
    pub fn codes(&self) -> Vec<MarketCode> {
        let mut codes: Vec<_> = self.open_markets().map(|entry| entry.key().clone()).collect();
        codes.sort();
        codes
    }

    /// The last price of a market; `Ok(None)` while none has come.
    pub fn last(&self, code: &MarketCode) -> Result<Option<Tick>, UnknownMarket> {
        Ok(self.market(code)?.last.lock().clone())
    }

    /// Takes a price from the exchange and hands it to the watchers; returns the exchange's time, and whether it is a
    /// snapshot. Prices of markets that nobody opened, and prices older than the last one (a snapshot after a reconnect
    /// may be, a late duplicate is), are dropped.
    pub fn publish(
        &self,
        code: &MarketCode,
        json: &str,
        received: TimestampMs,
        simulated: bool,
    ) -> Option<(i64, bool)> {
        let market = self.market(code).ok()?;
        let ticker: Ticker<'_> = serde_json::from_str(json).ok()?;
        // A clock that runs ahead for one frame must not make all later ones look old.
        let exchange = ticker.timestamp_ms().min(received.as_millis());
        let mut last = market.last.lock();
        let seq = match &*last {
            Some(last) if exchange < last.exchange => return None,
            Some(last) if exchange == last.exchange && last.is_ahead_of(&ticker) => return None,
            Some(last) => last.seq + 1,
            None => 1,
        };
        let tick = last.insert(Tick { json: json.into(), exchange, received, seq, simulated });
        let watchers = market.watchers.lock();
        if !watchers.is_empty()
            && let Some(frame) = wire::ticker::encode(tick, false)
        {
            let frames = Spellings::new(Channel::Ticker(code.clone()), frame);
            for session in watchers.values() {
                session.outbox.conflate(market.key, frames.in_format(session.format()));
            }
        }
        Some((exchange, ticker.stream_type.as_deref() == Some("SNAPSHOT")))
    }

    /// Subscribes a socket and gives it the last price at once. Twice is once.
    pub fn watch(&self, code: &MarketCode, session: &Arc<SessionSlot>) -> Result<(), UnknownMarket> {
        let market = self.market(code)?;
        // Under the price's lock, so that no newer price overtakes the snapshot.
        let last = market.last.lock();
        market.watchers.lock().insert(session.id, Arc::clone(session));
        if !market.open.load(Ordering::SeqCst) {
            // Closed in the meantime: who closed it may have told the watchers before this one was there.
            market.watchers.lock().remove(&session.id);
            return Err(UnknownMarket);
        }
        if self.stale.load(Ordering::SeqCst) {
            let frames = Spellings::new(Channel::Ticker(code.clone()), wire::ticker::encode_stale(true));
            market.tell_stale(session, &frames);
        }
        let snapshot: Option<Bytes> = last.as_ref().and_then(|tick| wire::ticker::encode(tick, true));
        if let Some(frame) = snapshot {
            let frames = Spellings::new(Channel::Ticker(code.clone()), frame);
            session.outbox.conflate(market.key, frames.in_format(session.format()));
        }
        Ok(())
    }

    /// Ends a subscription; unsent prices of the market are dropped with it.
    pub fn unwatch(&self, code: &MarketCode, session: &SessionSlot) -> Result<(), UnknownMarket> {
        let market = self.markets.get(code).ok_or(UnknownMarket)?;
        market.watchers.lock().remove(&session.id);
        market.forget(session);
        Ok(())
    }

    /// Subscriptions over all markets.
    pub fn watchers(&self) -> usize {
        self.markets.iter().map(|market| market.watchers.lock().len()).sum()
    }

    fn market(&self, code: &MarketCode) -> Result<Arc<Market>, UnknownMarket> {
        let market = self.markets.get(code).filter(|market| market.open.load(Ordering::SeqCst));
        market.map(|market| Arc::clone(&market)).ok_or(UnknownMarket)
    }

    fn open_markets(&self) -> impl Iterator<Item = RefMulti<'_, MarketCode, Arc<Market>>> {
        self.markets.iter().filter(|market| market.open.load(Ordering::SeqCst))
    }
}
