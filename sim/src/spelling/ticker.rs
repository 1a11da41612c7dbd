//! How the exchange spells a ticker. <https://docs.upbit.com/kr/v1.6.4/reference/websocket-ticker>

use jiff::tz::{self, Offset};

use super::{Change, Keys, Object, StreamType, date, frame, side, time};
use crate::decimal::Turnover;
use crate::market::Ticker;
use crate::request::Format;
use crate::tick_size::tick_size;

/// One ticker frame.
pub(crate) fn ticker_frame(ticker: &Ticker, format: Format, stream: StreamType) -> String {
    frame(format, |keys| ticker_object(ticker, keys, stream))
}

fn ticker_object(ticker: &Ticker, keys: Keys, stream: StreamType) -> String {
    let Change { word, price, signed_price, rate, signed_rate } =
        Change::of(ticker.change(), ticker.change_rate(), "0E-8");
    let (highest, lowest) = (ticker.highest_52_week, ticker.lowest_52_week);
    let mut object = Object::new(keys);
    object
        .word("type", "ty", "ticker")
        .word("code", "cd", &ticker.code)
        .raw("opening_price", "op", ticker.opening)
        .raw("high_price", "hp", ticker.high)
        .raw("low_price", "lp", ticker.low)
        .raw("trade_price", "tp", ticker.last)
        .raw("prev_closing_price", "pcp", ticker.prev_closing)
        .raw("acc_trade_price", "atp", ticker.acc_price)
        .word("change", "c", word)
        .raw("change_price", "cp", price)
        .raw("signed_change_price", "scp", signed_price)
        .raw("change_rate", "cr", rate)
        .raw("signed_change_rate", "scr", signed_rate)
        .word("ask_bid", "ab", side(ticker.side))
        .raw("trade_volume", "tv", ticker.volume)
        .raw("acc_trade_volume", "atv", ticker.acc_volume())
        .word("trade_date", "tdt", date(ticker.traded_at, Offset::UTC))
        .word("trade_time", "ttm", time(ticker.traded_at, Offset::UTC))
        .raw("trade_timestamp", "ttms", ticker.traded_at.as_millisecond())
        .raw("acc_ask_volume", "aav", ticker.acc_ask_volume)
        .raw("acc_bid_volume", "abv", ticker.acc_bid_volume)
        .raw("highest_52_week_price", "h52wp", highest.0)
        .word("highest_52_week_date", "h52wdt", highest.1)
        .raw("lowest_52_week_price", "l52wp", lowest.0)
        .word("lowest_52_week_date", "l52wdt", lowest.1)
        .word("market_state", "ms", "ACTIVE")
        .raw("is_trading_suspended", "its", false)
        .raw("delisting_date", "dd", "null")
        .word("market_warning", "mw", "NONE")
        .raw("timestamp", "tms", ticker.updated_at.as_millisecond())
        .raw("acc_trade_price_24h", "atp24h", last_day_price(ticker))
        .raw("acc_trade_volume_24h", "atv24h", ticker.acc_volume_24h)
        .word("stream_type", "st", stream.name());
    object.end()
}

/// One row of the REST ticker, which knows no sides and has the times of Korea too.
pub(crate) fn rest_ticker(ticker: &Ticker) -> String {
    let Change { word, price, signed_price, rate, signed_rate } =
        Change::of(ticker.change(), ticker.change_rate(), "0");
    let (highest, lowest) = (ticker.highest_52_week, ticker.lowest_52_week);
    let korea = tz::offset(9);
    let mut object = Object::new(Keys::Full);
    object
        .word("market", "", &ticker.code)
        .word("trade_date", "", date(ticker.traded_at, Offset::UTC))
        .word("trade_time", "", time(ticker.traded_at, Offset::UTC))
        .word("trade_date_kst", "", date(ticker.traded_at, korea))
        .word("trade_time_kst", "", time(ticker.traded_at, korea))
        .raw("trade_timestamp", "", ticker.traded_at.as_millisecond())
        .raw("opening_price", "", ticker.opening)
        .raw("high_price", "", ticker.high)
        .raw("low_price", "", ticker.low)
        .raw("trade_price", "", ticker.last)
        .raw("prev_closing_price", "", ticker.prev_closing)
        .word("change", "", word)
        .raw("change_price", "", price)
        .raw("change_rate", "", rate)
        .raw("signed_change_price", "", signed_price)
        .raw("signed_change_rate", "", signed_rate)
        .raw("trade_volume", "", ticker.volume)
        .raw("acc_trade_price", "", ticker.acc_price)
        .raw("acc_trade_price_24h", "", last_day_price(ticker))
        .raw("acc_trade_volume", "", ticker.acc_volume())
        .raw("acc_trade_volume_24h", "", ticker.acc_volume_24h)
        .raw("highest_52_week_price", "", highest.0)
        .word("highest_52_week_date", "", highest.1)
        .raw("lowest_52_week_price", "", lowest.0)
        .word("lowest_52_week_date", "", lowest.1)
        .raw("timestamp", "", ticker.updated_at.as_millisecond());
    object.end()
}

/// The 24 h turnover with the digits that price unit times smallest volume can produce: 5 for a unit of
/// 1,000. This fits every market of a recorded `ticker/all`.
fn last_day_price(ticker: &Ticker) -> String {
    let unit = tick_size(&ticker.code, ticker.last).units();
    let zeros =
        std::iter::successors(Some(unit), |rest| Some(rest / 10)).take_while(|rest| rest % 10 == 0).count();
    let digits = 16_usize.saturating_sub(zeros);
    let sum: Turnover = ticker.acc_price_24h;
    format!("{sum:.digits$}")
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::market::{Market, Side, Trade};

    /// A market that closed the day before at 150,000,000 and traded twice since, last at `price`.
    fn ticker_at(price: &str) -> Ticker {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let extreme = |price: &str, day: &str| (price.parse().unwrap(), day.parse().unwrap());
        let year = [extreme("240000000", "2025-10-25"), extreme("87000000", "2025-06-03")];
        let mut market =
            Market::new("KRW-BTC", "150000000".parse().unwrap(), year, at("2026-01-30T22:00:00Z"));
        let trades = [
            ("151000000", Side::Ask, "2026-01-30T22:01:00Z"),
            (price, Side::Bid, "2026-01-30T22:02:03.045Z"),
        ];
        for (price, side, when) in trades {
            let (price, volume) = (price.parse().unwrap(), "0.00400001".parse().unwrap());
            market.trade(Trade { id: 0, price, volume, side, at: at(when) }, at(when));
        }
        market.refresh(at("2026-01-30T22:02:03.076Z"));
        market.ticker().clone()
    }

    #[test]
    fn a_default_frame_to_the_byte() {
        let expected = concat!(
            r#"{"type":"ticker","code":"KRW-BTC","opening_price":151000000.00000000,"high_price":151000000.00000000,"#,
            r#""low_price":149000000.00000000,"trade_price":149000000.00000000,"prev_closing_price":150000000.00000000,"#,
            r#""acc_trade_price":1200003.0000000000000000,"change":"FALL","change_price":1000000.00000000,"#,
            r#""signed_change_price":-1000000.00000000,"change_rate":0.0066666667,"signed_change_rate":-0.0066666667,"#,
            r#""ask_bid":"BID","trade_volume":0.00400001,"acc_trade_volume":0.00800002,"trade_date":"20260130","#,
            r#""trade_time":"220203","trade_timestamp":1769810523045,"acc_ask_volume":0.00400001,"#,
            r#""acc_bid_volume":0.00400001,"highest_52_week_price":240000000.00000000,"#,
            r#""highest_52_week_date":"2025-10-25","lowest_52_week_price":87000000.00000000,"#,
            r#""lowest_52_week_date":"2025-06-03","market_state":"ACTIVE","is_trading_suspended":false,"#,
            r#""delisting_date":null,"market_warning":"NONE","timestamp":1769810523076,"#,
            r#""acc_trade_price_24h":1200003.00000,"acc_trade_volume_24h":0.00800002,"stream_type":"SNAPSHOT"}"#,
        );
        let frame = ticker_frame(&ticker_at("149000000"), Format::Default, StreamType::Snapshot);
        assert_eq!(frame, expected);
        let list = ticker_frame(&ticker_at("149000000"), Format::JsonList, StreamType::Snapshot);
        assert_eq!(list, format!("[{expected}]"));
    }

    #[test]
    fn a_simple_frame_to_the_byte() {
        let expected = concat!(
            r#"{"ty":"ticker","cd":"KRW-BTC","op":151000000.00000000,"hp":152000000.00000000,"lp":151000000.00000000,"#,
            r#""tp":152000000.00000000,"pcp":150000000.00000000,"atp":1212003.0300000000000000,"c":"RISE","#,
            r#""cp":2000000.00000000,"scp":2000000.00000000,"cr":0.0133333333,"scr":0.0133333333,"ab":"BID","#,
            r#""tv":0.00400001,"atv":0.00800002,"tdt":"20260130","ttm":"220203","ttms":1769810523045,"#,
            r#""aav":0.00400001,"abv":0.00400001,"h52wp":240000000.00000000,"h52wdt":"2025-10-25","#,
            r#""l52wp":87000000.00000000,"l52wdt":"2025-06-03","ms":"ACTIVE","its":false,"dd":null,"mw":"NONE","#,
            r#""tms":1769810523076,"atp24h":1212003.03000,"atv24h":0.00800002,"st":"REALTIME"}"#,
        );
        let frame = ticker_frame(&ticker_at("152000000"), Format::Simple, StreamType::Realtime);
        assert_eq!(frame, expected);
        let list = ticker_frame(&ticker_at("152000000"), Format::SimpleList, StreamType::Realtime);
        assert_eq!(list, format!("[{expected}]"));
    }

    #[test]
    fn an_unchanged_price_has_an_exponent_on_the_socket_and_none_over_rest() {
        let frame = ticker_frame(&ticker_at("150000000"), Format::Default, StreamType::Realtime);
        let even = concat!(
            r#""change":"EVEN","change_price":0E-8,"signed_change_price":0E-8,"#,
            r#""change_rate":0,"signed_change_rate":0,"ask_bid""#
        );
        assert!(frame.contains(even), "{frame}");
        let row = rest_ticker(&ticker_at("150000000"));
        let even = concat!(
            r#""change":"EVEN","change_price":0,"change_rate":0,"#,
            r#""signed_change_price":0,"signed_change_rate":0,"trade_volume""#
        );
        assert!(row.contains(even), "{row}");
    }

    #[test]
    fn a_rest_row_to_the_byte() {
        let expected = concat!(
            r#"{"market":"KRW-BTC","trade_date":"20260130","trade_time":"220203","trade_date_kst":"20260131","#,
            r#""trade_time_kst":"070203","trade_timestamp":1769810523045,"opening_price":151000000.00000000,"#,
            r#""high_price":151000000.00000000,"low_price":149000000.00000000,"trade_price":149000000.00000000,"#,
            r#""prev_closing_price":150000000.00000000,"change":"FALL","change_price":1000000.00000000,"#,
            r#""change_rate":0.0066666667,"signed_change_price":-1000000.00000000,"signed_change_rate":-0.0066666667,"#,
            r#""trade_volume":0.00400001,"acc_trade_price":1200003.0000000000000000,"#,
            r#""acc_trade_price_24h":1200003.00000,"acc_trade_volume":0.00800002,"acc_trade_volume_24h":0.00800002,"#,
            r#""highest_52_week_price":240000000.00000000,"highest_52_week_date":"2025-10-25","#,
            r#""lowest_52_week_price":87000000.00000000,"lowest_52_week_date":"2025-06-03","timestamp":1769810523076}"#,
        );
        assert_eq!(rest_ticker(&ticker_at("149000000")), expected);
    }
}
