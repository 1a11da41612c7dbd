//! How the exchange spells a candle. <https://docs.upbit.com/kr/reference/list-candles-days>

use jiff::Timestamp;
use jiff::tz::{self, Offset};

use super::{Keys, Object};
use crate::candle::{Candle, Interval};
use crate::decimal::{Price, Rate};

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
