//! The exchange over real sockets, seen from a client.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should fail where it stands"
)]

mod admin;
mod candle;
mod faults;
mod harness;
mod limit;
mod orderbook;
mod replay;
mod request;
mod rest;
mod socket;
mod stream;
mod trade;
