//! The trading floor: all markets behind one lock, and the one channel on which they report.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Bytes;
use fastrand::Rng;
use jiff::{Timestamp, ToSpan};
use tokio::sync::broadcast;

use crate::candle::{Candle, Interval};
use crate::config::MarketSpec;
use crate::decimal::{Decimal, NotADecimal, Price};
use crate::error::SimError;
use crate::history::{History, Page};
use crate::market::{Market, Side, Ticker, Trade};
use crate::path::Path;
use crate::tick_size::is_on_tick;
use crate::walk;

/// Prices and volumes by hand stay below ten billion, so that no sum of their products can overflow.
const TOO_LARGE: Decimal<8> = Decimal::from_units(10_000_000_000 * Price::ONE);

/// What sockets are told.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// A market moved, by a trade or because its sums did. `sequence` rises by one with each; a snapshot says up to
    /// which one it has seen.
    Moved { sequence: u64, ticker: Arc<Ticker>, is_trade: bool },
    /// Bytes of a test, for everyone.
    Raw(Bytes),
    /// An error that everyone is told before the connection is closed.
    Error { name: String, message: String },
}

/// A market as listed, and as traded.
#[derive(Debug)]
struct Listing {
    spec: MarketSpec,
    market: Market,
    history: History,
}

impl Listing {
    fn open(
        spec: MarketSpec,
        rank: usize,
        seed: u64,
        is_driven_by_hand: bool,
        now: Timestamp,
        rng: &mut Rng,
    ) -> Result<Self, SimError> {
        let anchor = parse_price(&spec.code, &spec.start_price)?;
        let path = Path::new(&spec.code, anchor, rank, seed);
        let path = if is_driven_by_hand { path.through_anchor_at(minute_of(now)) } else { path };
        let mut history = History::new(path, now);
        let market = walk::open_market(&mut history, now, rng);
        Ok(Self { spec, market, history })
    }

    fn trade(&mut self, trade: Trade, now: Timestamp) {
        let booked = self.market.trade(trade, now);
        self.history.record(&booked);
    }
}

fn minute_of(at: Timestamp) -> i64 {
    at.as_second().div_euclid(60)
}

/// All markets. Its events leave in the order in which they happened, because they are sent under its lock.
#[derive(Debug)]
pub(crate) struct Floor {
    /// In the order of the configuration.
    listings: Vec<Listing>,
    /// Code to place in `listings`.
    places: HashMap<String, usize>,
    seed: u64,
    is_driven_by_hand: bool,
    rng: Rng,
    sequence: u64,
    events: broadcast::Sender<Event>,
}

impl Floor {
    pub(crate) fn open(
        specs: Vec<MarketSpec>,
        seed: u64,
        is_driven_by_hand: bool,
        now: Timestamp,
        events: broadcast::Sender<Event>,
    ) -> Result<Self, SimError> {
        let mut rng = Rng::with_seed(seed);
        let list = |(rank, spec)| Listing::open(spec, rank, seed, is_driven_by_hand, now, &mut rng);
        let listings = specs.into_iter().enumerate().map(list).collect::<Result<Vec<_>, SimError>>()?;
        let places = places(&listings);
        Ok(Self { listings, places, seed, is_driven_by_hand, rng, sequence: 0, events })
    }

    /// Books one trade at `now`. A higher price than the last is a buyer's doing, a lower one a seller's, and
    /// an equal one that of whoever came last.
    pub(crate) fn trade(
        &mut self,
        code: &str,
        price: &str,
        volume: &str,
        now: Timestamp,
    ) -> Result<(), SimError> {
        let unknown = || SimError::UnknownMarket { code: code.to_owned() };
        let place = *self.places.get(code).ok_or_else(unknown)?;
        let price = parse_price(code, price)?;
        let volume = parse_positive(volume)?;
        let Some(listing) = self.listings.get_mut(place) else {
            return Err(unknown());
        };
        let ticker = listing.market.ticker();
        let side = match price.cmp(&ticker.last) {
            std::cmp::Ordering::Greater => Side::Bid,
            std::cmp::Ordering::Less => Side::Ask,
            std::cmp::Ordering::Equal => ticker.side,
        };
        listing.trade(Trade { id: 0, price, volume, side, at: now }, now);
        report(listing, true, &mut self.sequence, &self.events);
        Ok(())
    }

    /// Lets one taker trade somewhere. How many trades that gave.
    pub(crate) fn trade_at_random(&mut self, now: Timestamp) -> u32 {
        // The smaller of two draws: the markets at the top of the list are the most active.
        let count = self.listings.len();
        let place = if count == 0 { 0 } else { self.rng.usize(..count).min(self.rng.usize(..count)) };
        let Some(listing) = self.listings.get_mut(place) else {
            return 0;
        };
        // Frames leave 20 to 60 ms after the trade that they report.
        let traded_at = now - self.rng.i64(20..=60).milliseconds();
        let mut trades = 0;
        let anchor = listing.history.path().price_at(minute_of(now));
        for trade in walk::burst(&listing.market, anchor, traded_at, &mut self.rng) {
            listing.trade(trade, now);
            report(listing, true, &mut self.sequence, &self.events);
            trades += 1;
        }
        trades
    }

    /// Brings the 24 h sums up to `now`; each market whose sums moved reports, without having traded.
    pub(crate) fn refresh(&mut self, now: Timestamp) {
        for listing in &mut self.listings {
            if listing.market.refresh(now) {
                report(listing, false, &mut self.sequence, &self.events);
            }
        }
    }

    /// The number of the last event.
    pub(crate) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The window of market `code` that starts at `start`, as far as it has been traded.
    pub(crate) fn candle(&self, code: &str, interval: Interval, start: i64) -> Option<Candle> {
        self.listing(code)?.history.window(interval, start)
    }

    pub(crate) fn history(&self, code: &str) -> Option<&History> {
        self.listing(code).map(|listing| &listing.history)
    }

    /// Lists one more market, as if it had always been there; one that is there already stays as it is.
    pub(crate) fn list(&mut self, spec: MarketSpec, now: Timestamp) -> Result<(), SimError> {
        if self.places.contains_key(&spec.code) {
            return Ok(());
        }
        let rank = self.listings.len();
        let listing = Listing::open(spec, rank, self.seed, self.is_driven_by_hand, now, &mut self.rng)?;
        self.places.insert(listing.spec.code.clone(), rank);
        self.listings.push(listing);
        Ok(())
    }

    /// Takes a market off the list. Its subscriptions fall silent.
    pub(crate) fn delist(&mut self, code: &str) {
        self.listings.retain(|listing| listing.spec.code != code);
        self.places = places(&self.listings);
    }

    pub(crate) fn ticker(&self, code: &str) -> Option<&Ticker> {
        self.listing(code).map(|listing| listing.market.ticker())
    }

    fn listing(&self, code: &str) -> Option<&Listing> {
        self.listings.get(*self.places.get(code)?)
    }

    /// The newest `count` candles of market `code` that begin before the epoch second `before`.
    pub(crate) fn page(
        &self,
        code: &str,
        interval: Interval,
        before: i64,
        count: usize,
        now: Timestamp,
    ) -> Option<Page> {
        self.listing(code).map(|listing| listing.history.page(interval, before, count, now))
    }

    /// All markets in the order of the configuration.
    pub(crate) fn tickers(&self) -> impl Iterator<Item = &Ticker> {
        self.listings.iter().map(|listing| listing.market.ticker())
    }

    pub(crate) fn specs(&self) -> impl Iterator<Item = &MarketSpec> {
        self.listings.iter().map(|listing| &listing.spec)
    }
}

fn places(listings: &[Listing]) -> HashMap<String, usize> {
    listings.iter().enumerate().map(|(place, listing)| (listing.spec.code.clone(), place)).collect()
}

fn report(listing: &Listing, is_trade: bool, sequence: &mut u64, events: &broadcast::Sender<Event>) {
    *sequence += 1;
    let ticker = Arc::new(listing.market.ticker().clone());
    // Without a socket there is nobody to tell, which is no error.
    let _ = events.send(Event::Moved { sequence: *sequence, ticker, is_trade });
}

pub(crate) fn parse_price(code: &str, text: &str) -> Result<Price, SimError> {
    let price = parse_positive(text)?;
    if !is_on_tick(code, price) {
        return Err(SimError::OffTick { code: code.to_owned(), price: text.to_owned() });
    }
    Ok(price)
}

pub(crate) fn parse_positive(text: &str) -> Result<Decimal<8>, SimError> {
    match text.parse() {
        Ok(number) if number > Decimal::ZERO && number < TOO_LARGE => Ok(number),
        Ok(_) | Err(NotADecimal) => Err(SimError::BadNumber { text: text.to_owned() }),
    }
}
