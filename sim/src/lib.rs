//! An exchange that speaks Upbit's public market data protocol over a real loopback socket.
//!
//! Tests drive it by hand and break it on purpose; the demo lets it trade by itself. All its data is made up.
//!
//! # Layout, along the way of one price
//!
//! 1. `walk` decides what a taker does, a `replay` plays what somebody recorded, or a test calls [`Exchange::trade`].
//! 2. `floor` books it into its `market` and its `history`, on the grid of `tick_size`, in the exact numbers of
//!    `decimal`, and reports the new state on one broadcast channel.
//! 3. Each `socket` that asked for the market (`request`) writes what its `streams` make of it: a ticker and a trade at
//!    once, a `book` and a `candle` at the next beat, as the exchange would spell it (`spelling`).
//! 4. `rest` answers from the same floor; candles and trades from before the exchange opened come from a `path`.
//!    Both doors are guarded by `limit`, and both obey [`Faults`], which `admin` injects over HTTP.

mod admin;
mod book;
mod candle;
mod config;
mod connections;
mod decimal;
mod distortion;
mod error;
mod exchange;
mod faults;
mod floor;
mod guard;
mod history;
mod limit;
mod market;
mod path;
mod replay;
mod request;
mod rest;
mod socket;
mod spelling;
mod tick_size;
mod walk;

pub use config::{Config, MarketSpec};
pub use distortion::Distortion;
pub use error::SimError;
pub use exchange::Exchange;
pub use faults::Faults;
pub use limit::Limits;
pub use replay::Replay;
