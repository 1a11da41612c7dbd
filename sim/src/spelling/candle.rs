//! How the exchange spells a candle. <https://docs.upbit.com/kr/reference/list-candles-days>

use jiff::Timestamp;
use jiff::tz::{self, Offset};

use super::{Keys, Object, StreamType, frame};
use crate::candle::{Candle, Interval};
use crate::decimal::{Price, Rate};
use crate::request::{Format, Stream};

/// What only candles of days have.
pub(crate) struct DayExtras {
    /// Where the day before ended.
    pub(crate) prev_closing: Price,
    /// The last price in KRW, if that was asked for.
    pub(crate) converted: Option<Price>,
}

/// One row of a REST answer.
pub(crate) fn rest_candle(
    market: &str,
    interval: Interval,
    start: i64,
    candle: &Candle,
    day: Option<DayExtras>,
) -> String {
    let mut object = Object::new(Keys::Full);
    object
        .word("market", "", market)
        .word("candle_date_time_utc", "", window_start(start, Offset::UTC))
        .word("candle_date_time_kst", "", window_start(start, tz::offset(9)))
        .raw("opening_price", "", candle.opening)
        .raw("high_price", "", candle.high)
        .raw("low_price", "", candle.low)
        .raw("trade_price", "", candle.last)
        .raw("timestamp", "", candle.traded_at.as_millisecond())
        .raw("candle_acc_trade_price", "", format_args!("{:.8}", candle.turnover))
        .raw("candle_acc_trade_volume", "", candle.volume);
    match interval {
        Interval::Second | Interval::Day => {}
        Interval::Minutes(unit) => {
            object.raw("unit", "", unit);
        }
        Interval::Week | Interval::Month | Interval::Year => {
            object.word("first_day_of_period", "", instant(start, Offset::UTC).date());
        }
    }
    if let Some(day) = day {
        spell_day(&mut object, candle, &day);
    }
    object.end()
}

fn spell_day(object: &mut Object, candle: &Candle, day: &DayExtras) {
    object.raw("prev_closing_price", "", day.prev_closing);
    let change = candle.last - day.prev_closing;
    if change == Price::ZERO {
        object.raw("change_price", "", 0).raw("change_rate", "", 0);
    } else {
        object.raw("change_price", "", change);
        object.raw("change_rate", "", Rate::ratio(change, day.prev_closing));
    }
    if let Some(converted) = day.converted {
        object.raw("converted_trade_price", "", converted);
    }
}

fn window_start(start: i64, offset: Offset) -> impl std::fmt::Display {
    instant(start, offset).strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

fn instant(second: i64, offset: Offset) -> jiff::civil::DateTime {
    offset.to_datetime(Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH))
}

/// One candle frame of the socket.
pub(crate) fn candle_frame(
    code: &str,
    interval: Interval,
    start: i64,
    candle: &Candle,
    format: Format,
    stream: StreamType,
) -> String {
    frame(format, |keys| {
        let mut object = Object::new(keys);
        object
            .word("type", "ty", Stream::Candle(interval))
            .word("code", "cd", code)
            .word("candle_date_time_utc", "cdttmu", window_start(start, Offset::UTC))
            .word("candle_date_time_kst", "cdttmk", window_start(start, tz::offset(9)))
            .raw("opening_price", "op", candle.opening)
            .raw("high_price", "hp", candle.high)
            .raw("low_price", "lp", candle.low)
            .raw("trade_price", "tp", candle.last)
            .raw("candle_acc_trade_volume", "catv", candle.volume)
            .raw("candle_acc_trade_price", "catp", format_args!("{:.8}", candle.turnover))
            .raw("timestamp", "tms", candle.traded_at.as_millisecond())
            .word("stream_type", "st", stream.name());
        object.end()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_to_the_byte() {
        let candle = Candle {
            opening: "150000000".parse().unwrap(),
            high: "150002000".parse().unwrap(),
            low: "149999000".parse().unwrap(),
            last: "150001000".parse().unwrap(),
            volume: "0.8004467".parse().unwrap(),
            turnover: "120067805.4467".parse().unwrap(),
            traded_at: "2026-03-11T14:42:18.309Z".parse().unwrap(),
        };
        let start = "2026-03-11T14:42:00Z".parse::<Timestamp>().unwrap().as_second();
        let interval = Interval::Minutes(3);
        let expected = concat!(
            r#"[{"ty":"candle.3m","cd":"KRW-BTC","cdttmu":"2026-03-11T14:42:00","cdttmk":"2026-03-11T23:42:00","#,
            r#""op":150000000.00000000,"hp":150002000.00000000,"lp":149999000.00000000,"tp":150001000.00000000,"#,
            r#""catv":0.80044670,"catp":120067805.44670000,"tms":1773240138309,"st":"REALTIME"}]"#
        );
        let stream = StreamType::Realtime;
        assert_eq!(candle_frame("KRW-BTC", interval, start, &candle, Format::SimpleList, stream), expected);
    }
}
