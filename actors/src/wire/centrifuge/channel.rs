//! [`Channel`]: what can be subscribed to, and how that is spelled.

use std::fmt;
use std::str::FromStr;
use tickroom_storage::candle::Series;
use tickroom_storage::{MarketCode, RoomName, UserId};

/// Something to subscribe to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Channel {
    /// `chat:KRW-BTC`: what is said in a room.
    Chat(RoomName),
    /// `ticker:KRW-BTC`: the prices of a market.
    Ticker(MarketCode),
    /// `candle.1m:KRW-BTC`: the candles of a market, of any length.
    Candle(Series),
    /// `user:#42`: what concerns one user.
    User(UserId),
}

/// No channel is called that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownChannel;

impl FromStr for Channel {
    type Err = UnknownChannel;

    fn from_str(name: &str) -> Result<Self, UnknownChannel> {
        let (namespace, rest) = name.split_once(':').ok_or(UnknownChannel)?;
        let channel = match namespace {
            "chat" => Self::Chat(rest.parse().map_err(|_| UnknownChannel)?),
            "ticker" => Self::Ticker(rest.parse().map_err(|_| UnknownChannel)?),
            "user" => {
                let user = rest.strip_prefix('#').ok_or(UnknownChannel)?;
                Self::User(user.parse().map_err(|_| UnknownChannel)?)
            }
            _ => {
                let interval = namespace.strip_prefix("candle.").ok_or(UnknownChannel)?;
                let interval = interval.parse().map_err(|_| UnknownChannel)?;
                Self::Candle(Series { market: rest.parse().map_err(|_| UnknownChannel)?, interval })
            }
        };
        // A channel is its whole name: "user:#07" is not "user:#7".
        if channel.to_string() == name { Ok(channel) } else { Err(UnknownChannel) }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chat(room) => write!(f, "chat:{}", room.as_str()),
            Self::Ticker(market) => write!(f, "ticker:{}", market.as_str()),
            Self::Candle(Series { market, interval }) => write!(f, "candle.{interval}:{}", market.as_str()),
            Self::User(user) => write!(f, "user:#{user}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_has_one_name() {
        for name in ["chat:KRW-BTC", "ticker:KRW-BTC", "candle.1m:KRW-BTC", "candle.1M:KRW-BTC", "user:#7"] {
            assert_eq!(name.parse::<Channel>().unwrap().to_string(), name);
        }
        for name in [
            "",
            "chat",
            "chat:",
            "chat:krw-btc",
            "Chat:KRW-BTC",
            "user:7",
            "user:#",
            "user:#07",
            "user:#7,8",
            "candle:KRW-BTC",
            "candle.7m:KRW-BTC",
            "candle.1m:btc",
        ] {
            assert_eq!(name.parse::<Channel>(), Err(UnknownChannel), "{name}");
        }
    }
}
