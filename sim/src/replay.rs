//! Recorded trades, played again.

use std::time::Duration;

use crate::error::SimError;
use crate::floor::{parse_positive, parse_price};

/// The first line of a recording.
const HEADER: &str = "trade_timestamp_ms,trade_price,trade_volume";

/// Trades of one market with the gaps between them. Played from the start of the exchange, they happen now, not when
/// they were recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    code: String,
    /// Time since the first trade, price, volume.
    trades: Vec<(Duration, String, String)>,
}

impl Replay {
    /// Reads lines of `trade_timestamp_ms,trade_price,trade_volume`, oldest first, below a line that says so.
    ///
    /// # Errors
    ///
    /// [`SimError::BadRecording`] with the number of the first line that is not such a trade of market `code`.
    pub fn from_csv(code: &str, csv: &str) -> Result<Self, SimError> {
        let bad = |line: usize, reason: &str| SimError::BadRecording { line, reason: reason.to_owned() };
        let mut lines = csv.lines().zip(1..);
        if lines.next().is_none_or(|(header, _)| header.trim() != HEADER) {
            return Err(bad(1, &format!("expected {HEADER}")));
        }
        let (mut trades, mut first, mut latest) = (Vec::new(), None, 0);
        for (line, number) in lines.filter(|(line, _)| !line.trim().is_empty()) {
            let mut cells = line.split(',').map(str::trim);
            let (Some(at), Some(price), Some(volume), None) =
                (cells.next(), cells.next(), cells.next(), cells.next())
            else {
                return Err(bad(number, "expected three columns"));
            };
            let at: u64 = at.parse().map_err(|_| bad(number, "expected epoch milliseconds"))?;
            if at < latest {
                return Err(bad(number, "expected a trade not older than the one before"));
            }
            latest = at;
            let numbers = parse_price(code, price).and_then(|_| parse_positive(volume));
            numbers.map_err(|error| bad(number, &error.to_string()))?;
            let since = Duration::from_millis(at - *first.get_or_insert(at));
            trades.push((since, price.to_owned(), volume.to_owned()));
        }
        Ok(Self { code: code.to_owned(), trades })
    }

    /// The market whose trades these are.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The price of the first trade, if there is any: a good start price for the market.
    pub fn first_price(&self) -> Option<&str> {
        self.trades.first().map(|(_, price, _)| price.as_str())
    }
}

/// All trades of all replays in the order of their times, each with its market.
pub(crate) fn merged(replays: &[Replay]) -> Vec<(Duration, &str, &str, &str)> {
    let mut all = Vec::new();
    for Replay { code, trades } in replays {
        all.extend(trades.iter().map(|(at, price, volume)| (*at, &**code, &**price, &**volume)));
    }
    all.sort_by_key(|(at, ..)| *at);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_keeps_its_gaps_and_its_digits() {
        let csv = "trade_timestamp_ms,trade_price,trade_volume\n1000,150000000.0,0.01\n1000,150001000,1\n3500,150000000,2\n";
        let btc = Replay::from_csv("KRW-BTC", csv).unwrap();
        let eth = Replay::from_csv("KRW-ETH", &csv.replace("1000,1", "2000,1")).unwrap();
        assert_eq!(btc.first_price(), Some("150000000.0"));
        let both = [btc, eth];
        let all: Vec<_> = merged(&both).into_iter().map(|(at, code, ..)| (at.as_millis(), code)).collect();
        let (b, e) = ("KRW-BTC", "KRW-ETH");
        assert_eq!(all, [(0, b), (0, b), (0, e), (0, e), (1_500, e), (2_500, b)]);
    }

    #[test]
    fn a_line_that_is_no_trade_is_named() {
        for (lines, line, reason) in [
            ("time,price,volume\n", 1, "expected trade_timestamp_ms"),
            ("trade_timestamp_ms,trade_price,trade_volume\n1,2\n", 2, "three columns"),
            ("trade_timestamp_ms,trade_price,trade_volume\n\n1,150000500,1\n", 3, "price grid"),
            ("trade_timestamp_ms,trade_price,trade_volume\n5,150000000,1\n4,150000000,1\n", 3, "older"),
            ("trade_timestamp_ms,trade_price,trade_volume\nx,150000000,1\n", 2, "epoch milliseconds"),
        ] {
            let error = Replay::from_csv("KRW-BTC", lines).unwrap_err().to_string();
            assert!(error.contains(&format!("line {line}")) && error.contains(reason), "{error}");
        }
    }
}
