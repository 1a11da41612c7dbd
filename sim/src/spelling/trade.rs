//! How the exchange spells a trade. <https://docs.upbit.com/kr/reference/websocket-trade>
//!
//! Date and time are dashed here and plain in a ticker, and the short key of the date is another one, too.

use jiff::Timestamp;
use jiff::tz::Offset;

use super::{Change, Keys, Object, StreamType, frame, shortest, side};
use crate::book::Book;
use crate::decimal::Price;
use crate::market::{Ticker, Trade};
use crate::request::Format;

/// The frame of the last trade of a ticker.
pub(crate) fn trade_frame(ticker: &Ticker, format: Format, stream: StreamType) -> String {
    frame(format, |keys| trade_object(ticker, keys, stream))
}

fn trade_object(ticker: &Ticker, keys: Keys, stream: StreamType) -> String {
    let Change { word, price, .. } = Change::of(ticker.change(), ticker.change_rate(), "0E-8");
    let best = Book::best(ticker);
    let mut object = Object::new(keys);
    object
        .word("type", "ty", "trade")
        .word("code", "cd", &ticker.code)
        .raw("timestamp", "tms", ticker.updated_at.as_millisecond())
        .word("trade_date", "td", clock(ticker.traded_at, "%Y-%m-%d"))
        .word("trade_time", "ttm", clock(ticker.traded_at, "%H:%M:%S"))
        .raw("trade_timestamp", "ttms", ticker.traded_at.as_millisecond())
        .raw("trade_price", "tp", ticker.last)
        .raw("trade_volume", "tv", ticker.volume)
        .word("ask_bid", "ab", side(ticker.side))
        .raw("prev_closing_price", "pcp", ticker.prev_closing)
        .word("change", "c", word)
        .raw("change_price", "cp", price)
        .raw("sequential_id", "sid", ticker.trade_id)
        .raw("best_ask_price", "bap", shortest(best.ask_price))
        .raw("best_ask_size", "bas", shortest(best.ask_size))
        .raw("best_bid_price", "bbp", shortest(best.bid_price))
        .raw("best_bid_size", "bbs", shortest(best.bid_size))
        .word("stream_type", "st", stream.name());
    object.end()
}

/// One row of `trades/ticks`, where the change has its sign.
pub(crate) fn rest_trade(market: &str, trade: &Trade, prev_closing: Price) -> String {
    let change = trade.price - prev_closing;
    let signed_change = if change == Price::ZERO { "0".to_owned() } else { change.to_string() };
    let mut object = Object::new(Keys::Full);
    object
        .word("market", "", market)
        .word("trade_date_utc", "", clock(trade.at, "%Y-%m-%d"))
        .word("trade_time_utc", "", clock(trade.at, "%H:%M:%S"))
        .raw("timestamp", "", trade.at.as_millisecond())
        .raw("trade_price", "", trade.price)
        .raw("trade_volume", "", trade.volume)
        .raw("prev_closing_price", "", prev_closing)
        .raw("change_price", "", signed_change)
        .word("ask_bid", "", side(trade.side))
        .raw("sequential_id", "", trade.id);
    object.end()
}

fn clock(at: Timestamp, format: &str) -> String {
    Offset::UTC.to_datetime(at).strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decimal::Volume;
    use crate::market::Side;

    #[test]
    fn a_rest_row_to_the_byte() {
        let trade = Trade {
            id: 17_732_400_590_950_000,
            price: "150001000".parse().unwrap(),
            volume: Volume::from_units(400_000),
            side: Side::Ask,
            at: "2026-03-11T14:40:59.095Z".parse().unwrap(),
        };
        let expected = concat!(
            r#"{"market":"KRW-BTC","trade_date_utc":"2026-03-11","trade_time_utc":"14:40:59","#,
            r#""timestamp":1773240059095,"trade_price":150001000.00000000,"trade_volume":0.00400000,"#,
            r#""prev_closing_price":150002000.00000000,"change_price":-1000.00000000,"ask_bid":"ASK","#,
            r#""sequential_id":17732400590950000}"#
        );
        assert_eq!(rest_trade("KRW-BTC", &trade, "150002000".parse().unwrap()), expected);
    }
}
