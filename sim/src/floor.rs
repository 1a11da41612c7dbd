//! The trading floor: all markets behind one lock, and the one channel on which they report.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Bytes;
use fastrand::Rng;
use jiff::{Timestamp, ToSpan};
use tokio::sync::broadcast;

use crate::config::MarketSpec;
use crate::decimal::{Decimal, NotADecimal, Price};
use crate::error::SimError;
use crate::market::{Market, Side, Ticker, Trade};
use crate::tick_size::is_on_tick;
use crate::walk;

/// Orders behind each past trade of the first market; the second has half of it, the third a third.
const TOP_WEIGHT: i128 = 1_200;

/// Prices and volumes by hand stay below ten billion, so that no sum of their products can overflow.
const TOO_LARGE: Decimal<8> = Decimal::from_units(10_000_000_000 * Price::ONE);

/// What sockets are told.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// A market moved. `sequence` rises by one with each; a snapshot says up to which one it has seen.
    Moved { sequence: u64, ticker: Arc<Ticker> },
    /// Bytes of a test, for everyone.
    Raw(Bytes),
}

/// A market as listed, and as traded.
#[derive(Debug)]
struct Listing {
    spec: MarketSpec,
    /// Where the walk is drawn to.
    anchor: Price,
    market: Market,
}

/// All markets. Its events leave in the order in which they happened, because they are sent under its lock.
#[derive(Debug)]
pub(crate) struct Floor {
    /// In the order of the configuration.
    listings: Vec<Listing>,
    /// Code to place in `listings`.
    places: HashMap<String, usize>,
    rng: Rng,
    sequence: u64,
    events: broadcast::Sender<Event>,
}

impl Floor {
    pub(crate) fn open(
        specs: Vec<MarketSpec>,
        seed: u64,
        now: Timestamp,
        events: broadcast::Sender<Event>,
    ) -> Result<Self, SimError> {
        let mut rng = Rng::with_seed(seed);
        let list = |(spec, rank): (MarketSpec, i128)| {
            let anchor = parse_price(&spec.code, &spec.start_price)?;
            let weight = (TOP_WEIGHT / rank).max(1);
            let market = walk::open_market(&spec.code, anchor, weight, now, &mut rng);
            Ok(Listing { spec, anchor, market })
        };
        let listings = specs.into_iter().zip(1..).map(list).collect::<Result<Vec<_>, SimError>>()?;
        let place = |(place, listing): (usize, &Listing)| (listing.spec.code.clone(), place);
        let places = listings.iter().enumerate().map(place).collect();
        Ok(Self { listings, places, rng, sequence: 0, events })
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
        listing.market.trade(Trade { price, volume, side, at: now }, now);
        report(listing, &mut self.sequence, &self.events);
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
        for trade in walk::burst(&listing.market, listing.anchor, traded_at, &mut self.rng) {
            listing.market.trade(trade, now);
            report(listing, &mut self.sequence, &self.events);
            trades += 1;
        }
        trades
    }

    /// Brings the 24 h sums up to `now`; each market whose sums moved reports, without having traded.
    pub(crate) fn refresh(&mut self, now: Timestamp) {
        for listing in &mut self.listings {
            if listing.market.refresh(now) {
                report(listing, &mut self.sequence, &self.events);
            }
        }
    }

    /// The present state of the markets `codes`, those of them that exist, and the last event that it
    /// contains.
    pub(crate) fn snapshot<'a>(&self, codes: impl IntoIterator<Item = &'a String>) -> (u64, Vec<Ticker>) {
        let tickers = codes.into_iter().filter_map(|code| self.ticker(code)).cloned().collect();
        (self.sequence, tickers)
    }

    pub(crate) fn ticker(&self, code: &str) -> Option<&Ticker> {
        let place = *self.places.get(code)?;
        self.listings.get(place).map(|listing| listing.market.ticker())
    }

    /// All markets in the order of the configuration.
    pub(crate) fn tickers(&self) -> impl Iterator<Item = &Ticker> {
        self.listings.iter().map(|listing| listing.market.ticker())
    }

    pub(crate) fn specs(&self) -> impl Iterator<Item = &MarketSpec> {
        self.listings.iter().map(|listing| &listing.spec)
    }
}

fn report(listing: &Listing, sequence: &mut u64, events: &broadcast::Sender<Event>) {
    *sequence += 1;
    let ticker = Arc::new(listing.market.ticker().clone());
    // Without a socket there is nobody to tell, which is no error.
    let _ = events.send(Event::Moved { sequence: *sequence, ticker });
}

fn parse_price(code: &str, text: &str) -> Result<Price, SimError> {
    let price = parse_positive(text)?;
    if !is_on_tick(code, price) {
        return Err(SimError::OffTick { code: code.to_owned(), price: text.to_owned() });
    }
    Ok(price)
}

fn parse_positive(text: &str) -> Result<Decimal<8>, SimError> {
    match text.parse() {
        Ok(number) if number > Decimal::ZERO && number < TOO_LARGE => Ok(number),
        Ok(_) | Err(NotADecimal) => Err(SimError::BadNumber { text: text.to_owned() }),
    }
}
