//! The types that can be subscribed to.

use std::fmt;

use super::RequestError;
use crate::candle::{Interval, MINUTE_UNITS};

/// What a subscription delivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Stream {
    Ticker,
    Trade,
    Orderbook,
    /// Of seconds or minutes; longer ones are not on the socket.
    Candle(Interval),
}

impl Stream {
    pub(super) fn parse(kind: &str) -> Result<Self, RequestError> {
        let unknown = || RequestError::UnknownType(kind.to_owned());
        match kind {
            "ticker" => Ok(Self::Ticker),
            "trade" => Ok(Self::Trade),
            "orderbook" => Ok(Self::Orderbook),
            "myOrder" | "myAsset" | "announcement" => Err(RequestError::InvalidAuth),
            _ => {
                let unit = kind.strip_prefix("candle.").ok_or_else(unknown)?;
                let is_known = |minutes: &i64| *unit == format!("{minutes}m");
                match MINUTE_UNITS.into_iter().find(is_known) {
                    Some(minutes) => Ok(Self::Candle(Interval::Minutes(minutes))),
                    None if unit == "1s" => Ok(Self::Candle(Interval::Second)),
                    None => Err(unknown()),
                }
            }
        }
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ticker => out.write_str("ticker"),
            Self::Trade => out.write_str("trade"),
            Self::Orderbook => out.write_str("orderbook"),
            Self::Candle(Interval::Minutes(unit)) => write!(out, "candle.{unit}m"),
            Self::Candle(_) => out.write_str("candle.1s"),
        }
    }
}
