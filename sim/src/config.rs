//! What an exchange is started with.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde::Deserialize;

use crate::limit::Limits;
use crate::replay::Replay;

/// What an exchange is started with.
///
/// The default is a lively demo: a dozen KRW markets with about 20 trades a second and the limits of Upbit.
/// A test usually sets `trades_per_minute: 0` and trades by hand.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen. The default is a free port on loopback.
    pub listen: SocketAddr,
    /// Begins the random walk; the same seed gives the same prices, volumes and history.
    pub seed: u64,
    /// What is traded, most active first.
    pub markets: Vec<MarketSpec>,
    /// Trades of all markets together, on average. Zero: nothing happens but what [`Exchange::trade`] and
    /// [`Exchange::refresh_sums`] cause.
    ///
    /// [`Exchange::trade`]: crate::Exchange::trade
    /// [`Exchange::refresh_sums`]: crate::Exchange::refresh_sums
    pub trades_per_minute: u32,
    /// Recorded trades that happen again, besides those of the walk. Their markets have to be among `markets`.
    pub replays: Vec<Replay>,
    /// How much faster than they were recorded. Zero counts as one.
    pub replay_speed: u32,
    /// Where the admin port listens; there is none without. It has no authentication.
    pub admin: Option<SocketAddr>,
    /// How many requests are taken.
    pub limits: Limits,
    /// A socket on which nothing went either way for so long is ended, without a close frame. Measured on
    /// Upbit: 60 s; documented: 120 s.
    pub idle_close: Duration,
    /// The beat of `{"status":"UP"}` after a text `PING`.
    pub status_interval: Duration,
    /// Text frames instead of the binary ones that Upbit sends, for clients that should take both.
    pub text_frames: bool,
}

/// A market of the exchange.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct MarketSpec {
    /// `QUOTE-BASE`, upper case.
    pub code: String,
    /// The name shown in Korea.
    pub korean_name: String,
    /// The name shown elsewhere.
    pub english_name: String,
    /// The price around which the market moves, a plain decimal on the market's price grid. An exchange without trades
    /// of its own opens at it.
    pub start_price: String,
}

impl MarketSpec {
    /// A market by its code, Korean name, English name and first price.
    pub fn new(code: &str, korean_name: &str, english_name: &str, start_price: &str) -> Self {
        Self {
            code: code.to_owned(),
            korean_name: korean_name.to_owned(),
            english_name: english_name.to_owned(),
            start_price: start_price.to_owned(),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            seed: 0,
            markets: default_markets(),
            trades_per_minute: 20 * 60,
            replays: Vec::new(),
            replay_speed: 1,
            admin: None,
            limits: Limits::default(),
            idle_close: Duration::from_secs(60),
            status_interval: Duration::from_secs(10),
            text_frames: false,
        }
    }
}

fn default_markets() -> Vec<MarketSpec> {
    [
        ("KRW-BTC", "비트코인", "Bitcoin", "150000000"),
        ("KRW-XRP", "리플", "XRP", "3200"),
        ("KRW-ETH", "이더리움", "Ethereum", "5000000"),
        ("KRW-USDT", "테더", "Tether", "1400"),
        ("KRW-SOL", "솔라나", "Solana", "240000"),
        ("KRW-DOGE", "도지코인", "Dogecoin", "300"),
        ("KRW-ADA", "에이다", "Ada", "1100"),
        ("KRW-AVAX", "아발란체", "Avalanche", "35000"),
        ("KRW-LINK", "체인링크", "Chainlink", "26000"),
        ("KRW-DOT", "폴카닷", "Polkadot", "5800"),
        ("KRW-SHIB", "시바이누", "Shiba Inu", "0.0175"),
        ("KRW-ZIL", "질리카", "Zilliqa", "15.4"),
    ]
    .map(|(code, korean, english, price)| MarketSpec::new(code, korean, english, price))
    .into()
}
