//! The last price of every market, and the sockets that watch it.
//!
//! The [`Feed`](crate::feed) writes here and may die; the hub is plain shared state and stays, so watchers keep
//! their last price and their subscription. Prices travel in the conflated lane: each socket holds one slot per
//! market, and a newer price replaces one that was not sent yet.

use crate::feed::upbit::Ticker;
use crate::session::{SessionId, SessionSlot};
use crate::wire;
use bytes::Bytes;
use dashmap::DashMap;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
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
}

/// One market: its last price and who watches it.
struct Market {
    /// Names the market's slot in the conflated lanes.
    key: u32,
    last: Mutex<Option<Tick>>,
    watchers: Mutex<HashMap<SessionId, Arc<SessionSlot>>>,
}

/// All markets that can be watched.
#[derive(Default)]
pub struct TickerHub {
    markets: DashMap<MarketCode, Arc<Market>>,
    next_key: AtomicU32,
}

/// The market is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownMarket;

impl TickerHub {
    /// Makes markets watchable. Known ones keep their price and watchers.
    pub fn open(&self, codes: impl IntoIterator<Item = MarketCode>) {
        for code in codes {
            self.markets.entry(code).or_insert_with(|| {
                let key = self.next_key.fetch_add(1, Ordering::Relaxed);
                Arc::new(Market { key, last: Mutex::default(), watchers: Mutex::default() })
            });
        }
    }

    /// The codes of all markets, sorted.
    pub fn codes(&self) -> Vec<MarketCode> {
        let mut codes: Vec<_> = self.markets.iter().map(|entry| entry.key().clone()).collect();
        codes.sort();
        codes
    }

    /// The last price of a market; `Ok(None)` while none has come.
    pub fn last(&self, code: &MarketCode) -> Result<Option<Tick>, UnknownMarket> {
        Ok(self.market(code)?.last.lock().clone())
    }

    /// Takes a price from the exchange and hands it to the watchers; returns the exchange's time. Prices of markets
    /// that nobody opened, and prices older than the last one (a snapshot after a reconnect may be), are dropped.
    pub fn publish(
        &self,
        code: &MarketCode,
        json: &str,
        received: TimestampMs,
        simulated: bool,
    ) -> Option<i64> {
        let market = self.market(code).ok()?;
        let ticker: Ticker<'_> = serde_json::from_str(json).ok()?;
        // A clock that runs ahead for one frame must not make all later ones look old.
        let exchange = ticker.timestamp_ms().min(received.as_millis());
        let mut last = market.last.lock();
        let seq = match &*last {
            Some(last) if exchange < last.exchange => return None,
            Some(last) => last.seq + 1,
            None => 1,
        };
        let tick = last.insert(Tick { json: json.into(), exchange, received, seq, simulated });
        let watchers = market.watchers.lock();
        if !watchers.is_empty()
            && let Some(frame) = wire::ticker::encode(tick, false)
        {
            watchers.values().for_each(|session| session.outbox.conflate(market.key, frame.clone()));
        }
        Some(exchange)
    }

    /// Subscribes a socket and gives it the last price at once. Twice is once.
    pub fn watch(&self, code: &MarketCode, session: &Arc<SessionSlot>) -> Result<(), UnknownMarket> {
        let market = self.market(code)?;
        // Under the price's lock, so that no newer price overtakes the snapshot.
        let last = market.last.lock();
        market.watchers.lock().insert(session.id, Arc::clone(session));
        let snapshot: Option<Bytes> = last.as_ref().and_then(|tick| wire::ticker::encode(tick, true));
        if let Some(frame) = snapshot {
            session.outbox.conflate(market.key, frame);
        }
        Ok(())
    }

    /// Ends a subscription; unsent prices of the market are dropped with it.
    pub fn unwatch(&self, code: &MarketCode, session: &SessionSlot) -> Result<(), UnknownMarket> {
        let market = self.market(code)?;
        market.watchers.lock().remove(&session.id);
        session.outbox.forget(market.key);
        Ok(())
    }

    /// Subscriptions over all markets.
    pub fn watchers(&self) -> usize {
        self.markets.iter().map(|market| market.watchers.lock().len()).sum()
    }

    fn market(&self, code: &MarketCode) -> Result<Arc<Market>, UnknownMarket> {
        self.markets.get(code).map(|market| Arc::clone(&market)).ok_or(UnknownMarket)
    }
}
