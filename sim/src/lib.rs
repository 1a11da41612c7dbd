//! An exchange that speaks Upbit's public market data protocol over a real loopback socket.
//!
//! Tests drive it by hand and break it on purpose; the demo lets it trade by itself. All its data is made up.
//!
//! # Layout, along the way of one price
//!
//! 1. `walk` decides what a taker does, or a test calls [`Exchange::trade`].
//! 2. `floor` books it into its `market`, on the grid of `tick_size`, in the exact numbers of `decimal`,
//!    and reports the new state on one broadcast channel.
//! 3. Each `socket` that asked for the market (`request`) writes it as the exchange would (`spelling`).
//! 4. `rest` answers from the same floor. Both doors are guarded by `limit`, and both obey [`Faults`].
//!
//! Served so far: the `ticker` stream, `/v1/market/all`, `/v1/ticker` and `/v1/ticker/all`. Subscriptions to
//! the other public types are understood and stay silent.

mod candle;
mod config;
mod connections;
mod decimal;
mod error;
mod exchange;
mod faults;
mod floor;
mod guard;
mod history;
mod limit;
mod market;
mod path;
mod request;
mod rest;
mod socket;
mod spelling;
mod tick_size;
mod walk;

pub use config::{Config, MarketSpec};
pub use error::SimError;
pub use exchange::Exchange;
pub use faults::Faults;
pub use limit::Limits;
