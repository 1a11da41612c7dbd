//! How the exchange spells what it says: key order and every digit.
//!
//! The numbers come from a Java server that prints decimals with all their trailing zeros and doubles with exponents,
//! and a parser that was only ever shown tidy numbers breaks on them; hence no JSON library here.

mod candle;
mod orderbook;
mod ticker;
mod trade;

use std::fmt::{Display, Write};

use jiff::Timestamp;
use jiff::tz::Offset;

use crate::decimal::{Decimal, Price, Rate};
use crate::market::Side;
use crate::request::Format;

pub(crate) use candle::{DayExtras, candle_frame, rest_candle};
pub(crate) use orderbook::{book_frame, rest_book};
pub(crate) use ticker::{rest_ticker, ticker_frame};
pub(crate) use trade::{rest_trade, trade_frame};

/// Whether a frame answers a request or reports something new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StreamType {
    Snapshot,
    Realtime,
}

impl StreamType {
    fn name(self) -> &'static str {
        match self {
            Self::Snapshot => "SNAPSHOT",
            Self::Realtime => "REALTIME",
        }
    }
}

/// A JSON object whose members keep their order.
struct Object {
    json: String,
    keys: Keys,
}

/// Which of a member's two names is written.
#[derive(Clone, Copy)]
enum Keys {
    Full,
    Short,
}

impl Object {
    /// A ticker has about 1,000 bytes.
    const CAPACITY: usize = 1100;

    fn new(keys: Keys) -> Self {
        let mut json = String::with_capacity(Self::CAPACITY);
        json.push('{');
        Self { json, keys }
    }

    /// A member whose value is already JSON: numbers, `true`, `null`.
    fn raw(&mut self, full: &str, short: &str, value: impl Display) -> &mut Self {
        let key = match self.keys {
            Keys::Full => full,
            Keys::Short => short,
        };
        let comma = if self.json.len() > 1 { "," } else { "" };
        // Writing to a String cannot fail.
        let _ = write!(self.json, "{comma}\"{key}\":{value}");
        self
    }

    /// A member whose value is a word without anything to escape.
    fn word(&mut self, full: &str, short: &str, value: impl Display) -> &mut Self {
        self.raw(full, short, format_args!("\"{value}\""))
    }

    fn end(mut self) -> String {
        self.json.push('}');
        self.json
    }
}

/// `object` as a frame of `format`, given the keys of the format.
fn frame(format: Format, object: impl FnOnce(Keys) -> String) -> String {
    let json = object(format.keys());
    if format.is_list() { format!("[{json}]") } else { json }
}

impl Format {
    fn keys(self) -> Keys {
        match self {
            Self::Default | Self::JsonList => Keys::Full,
            Self::Simple | Self::SimpleList => Keys::Short,
        }
    }

    /// Whether each frame is an array.
    pub(crate) fn is_list(self) -> bool {
        matches!(self, Self::JsonList | Self::SimpleList)
    }
}

/// The five change fields, spelled.
struct Change {
    word: &'static str,
    price: String,
    signed_price: String,
    rate: String,
    signed_rate: String,
}

impl Change {
    /// `zero` is how an unchanged price is spelled: `0E-8` on the socket, `0` over REST. A rate is `0` on
    /// both.
    fn of(change: Price, rate: Rate, zero: &str) -> Self {
        if change == Price::ZERO {
            let (price, rate) = (zero.to_owned(), "0".to_owned());
            return Self {
                word: "EVEN",
                signed_price: price.clone(),
                price,
                signed_rate: rate.clone(),
                rate,
            };
        }
        Self {
            word: if change > Price::ZERO { "RISE" } else { "FALL" },
            price: change.abs().to_string(),
            signed_price: change.to_string(),
            rate: rate.abs().to_string(),
            signed_rate: rate.to_string(),
        }
    }
}

/// A number as Java prints a double: at least one digit after the point, and an exponent from 10^7 on and below 10^-3.
pub(crate) fn java_double<const SCALE: usize>(number: Decimal<SCALE>) -> String {
    let sign = if number.units() < 0 { "-" } else { "" };
    let digits = number.units().unsigned_abs().to_string();
    let significant = digits.trim_end_matches('0');
    let Some((first, rest)) = significant.split_at_checked(1) else {
        return "0.0".to_owned();
    };
    // The power of ten of the first digit, in the digits' places.
    let (places, scale) = (digits.len(), SCALE + 1);
    let is_plain = places < scale + 7 && places + 3 >= scale;
    if is_plain {
        let plain = number.to_string();
        let short = plain.trim_end_matches('0');
        return if short.ends_with('.') { format!("{short}0") } else { short.to_owned() };
    }
    let rest = if rest.is_empty() { "0" } else { rest };
    match places.checked_sub(scale) {
        Some(power) => format!("{sign}{first}.{rest}E{power}"),
        None => format!("{sign}{first}.{rest}E-{}", scale - places),
    }
}

/// A number without zeros that say nothing.
pub(crate) fn shortest(number: Price) -> String {
    let plain = number.to_string();
    plain.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn side(side: Side) -> &'static str {
    match side {
        Side::Ask => "ASK",
        Side::Bid => "BID",
    }
}

fn date(at: Timestamp, offset: Offset) -> impl Display {
    offset.to_datetime(at).strftime("%Y%m%d").to_string()
}

fn time(at: Timestamp, offset: Offset) -> impl Display {
    offset.to_datetime(at).strftime("%H%M%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_are_those_of_java() {
        for (plain, java) in [
            ("116539000", "1.16539E8"),
            ("10000000", "1.0E7"),
            ("9999999.5", "9999999.5"),
            ("3200", "3200.0"),
            ("0.02054761", "0.02054761"),
            ("0.001", "0.001"),
            ("0.00079276", "7.9276E-4"),
            ("0.0005", "5.0E-4"),
            ("0.00000001", "1.0E-8"),
            ("-282000000", "-2.82E8"),
            ("0", "0.0"),
        ] {
            assert_eq!(java_double(plain.parse::<Price>().unwrap()), java);
        }
    }

    #[test]
    fn the_shortest_spelling_has_no_point_without_need() {
        for (units, text) in [("116606000", "116606000"), ("0.00700", "0.007"), ("0", "0")] {
            assert_eq!(shortest(units.parse().unwrap()), text);
        }
    }
}
