//! What a socket is subscribed to, and the frames that follow from it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::book::{Book, depth_of};
use crate::candle::Interval;
use crate::decimal::Price;
use crate::floor::Floor;
use crate::market::Ticker;
use crate::request::{Format, Stream, Subscription};
use crate::spelling::{StreamType, book_frame, candle_frame, ticker_frame, trade_frame};

/// A frame on its way, with what it is about.
pub(super) struct Outgoing {
    pub(super) stream: Stream,
    pub(super) code: Arc<str>,
    pub(super) json: String,
}

/// How a book is wanted: depth and level.
type View = (usize, Price);

/// The live subscriptions, by market.
#[derive(Default)]
pub(super) struct Streams {
    tickers: HashSet<String>,
    trades: HashSet<String>,
    books: HashMap<String, BTreeSet<View>>,
    candles: HashMap<String, BTreeSet<Interval>>,
    /// Markets whose book changed since the last beat.
    due_books: BTreeSet<Arc<str>>,
    /// Windows that changed since the last beat, older ones before newer ones of the same market.
    due_candles: BTreeSet<(Arc<str>, Interval, i64)>,
}

impl Streams {
    pub(super) fn of(subscriptions: &[Subscription]) -> Self {
        let mut streams = Self::default();
        for subscription in subscriptions {
            for code in &subscription.codes {
                let market = market_of(code).to_owned();
                match subscription.kind {
                    Stream::Ticker => _ = streams.tickers.insert(market),
                    Stream::Trade => _ = streams.trades.insert(market),
                    Stream::Orderbook => {
                        let view = (depth_of(code), subscription.level);
                        streams.books.entry(market).or_default().insert(view);
                    }
                    Stream::Candle(interval) => {
                        streams.candles.entry(market).or_default().insert(interval);
                    }
                }
            }
        }
        streams
    }

    /// The frames that a market's move causes at once. What waits for a beat is noted.
    pub(super) fn moved(&mut self, ticker: &Ticker, is_trade: bool, format: Format) -> Vec<Outgoing> {
        let code = &*ticker.code;
        let mut frames = Vec::new();
        if is_trade {
            if self.books.contains_key(code) {
                self.due_books.insert(Arc::clone(&ticker.code));
            }
            for interval in self.candles.get(code).into_iter().flatten() {
                let start = interval.start_of(ticker.traded_at.as_second());
                self.due_candles.insert((Arc::clone(&ticker.code), *interval, start));
            }
            if self.trades.contains(code) {
                let json = trade_frame(ticker, format, StreamType::Realtime);
                frames.push(Outgoing { stream: Stream::Trade, code: Arc::clone(&ticker.code), json });
            }
        }
        if self.tickers.contains(code) {
            let json = ticker_frame(ticker, format, StreamType::Realtime);
            frames.push(Outgoing { stream: Stream::Ticker, code: Arc::clone(&ticker.code), json });
        }
        frames
    }

    pub(super) fn has_due_books(&self) -> bool {
        !self.due_books.is_empty()
    }

    pub(super) fn has_due_candles(&self) -> bool {
        !self.due_candles.is_empty()
    }

    /// The books that changed since the last beat.
    pub(super) fn take_books(&mut self, floor: &Floor, format: Format) -> Vec<Outgoing> {
        let mut frames = Vec::new();
        for code in std::mem::take(&mut self.due_books) {
            let Some(ticker) = floor.ticker(&code) else { continue };
            for view in self.books.get(&*code).into_iter().flatten() {
                frames.extend(book(ticker, *view, format, StreamType::Realtime));
            }
        }
        frames
    }

    /// The candles that changed since the last beat.
    pub(super) fn take_candles(&mut self, floor: &Floor, format: Format) -> Vec<Outgoing> {
        let due = std::mem::take(&mut self.due_candles).into_iter();
        due.filter_map(|(code, interval, start)| {
            let candle = floor.candle(&code, interval, start)?;
            let json = candle_frame(&code, interval, start, &candle, format, StreamType::Realtime);
            Some(Outgoing { stream: Stream::Candle(interval), code, json })
        })
        .collect()
    }
}

/// The snapshots that a request asks for, each once. In the list formats all candles of a type are one array.
pub(super) fn snapshots(subscriptions: &[Subscription], floor: &Floor, format: Format) -> Vec<Outgoing> {
    let mut wanted: Vec<(Stream, &str, View)> = Vec::new();
    for of in subscriptions.iter().filter(|of| of.snapshot) {
        for code in &of.codes {
            let view =
                if of.kind == Stream::Orderbook { (depth_of(code), of.level) } else { Default::default() };
            let one = (of.kind, market_of(code), view);
            if !wanted.contains(&one) {
                wanted.push(one);
            }
        }
    }
    let frames: Vec<Outgoing> = wanted
        .into_iter()
        .filter_map(|(stream, code, view)| snapshot(floor, stream, floor.ticker(code)?, view, format))
        .collect();
    if format.is_list() { in_arrays(frames) } else { frames }
}

fn snapshot(floor: &Floor, stream: Stream, ticker: &Ticker, view: View, format: Format) -> Option<Outgoing> {
    let json = match stream {
        Stream::Ticker => ticker_frame(ticker, format, StreamType::Snapshot),
        Stream::Trade => trade_frame(ticker, format, StreamType::Snapshot),
        Stream::Orderbook => return book(ticker, view, format, StreamType::Snapshot),
        Stream::Candle(interval) => {
            // The window of the last trade, which may be over.
            let start = interval.start_of(ticker.traded_at.as_second());
            let candle = floor.candle(&ticker.code, interval, start)?;
            candle_frame(&ticker.code, interval, start, &candle, format, StreamType::Snapshot)
        }
    };
    Some(Outgoing { stream, code: Arc::clone(&ticker.code), json })
}

/// Candles of one type, each an array of one, as one array.
fn in_arrays(frames: Vec<Outgoing>) -> Vec<Outgoing> {
    let mut candles: BTreeMap<Stream, Outgoing> = BTreeMap::new();
    let mut others = Vec::new();
    for frame in frames {
        match (frame.stream, candles.get_mut(&frame.stream)) {
            (Stream::Candle(_), Some(array)) => {
                array.json.pop();
                array.json.push(',');
                array.json.push_str(frame.json.trim_start_matches('['));
            }
            (Stream::Candle(_), None) => _ = candles.insert(frame.stream, frame),
            _ => others.push(frame),
        }
    }
    others.extend(candles.into_values());
    others
}

fn book(ticker: &Ticker, (depth, level): View, format: Format, stream_type: StreamType) -> Option<Outgoing> {
    let json = book_frame(&Book::of(ticker, depth, level)?, format, stream_type);
    Some(Outgoing { stream: Stream::Orderbook, code: Arc::clone(&ticker.code), json })
}

/// `KRW-BTC` of `KRW-BTC.15`.
pub(super) fn market_of(code: &str) -> &str {
    code.split_once('.').map_or(code, |(market, _)| market)
}
