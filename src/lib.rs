//! Tickroom: a realtime discussion server for markets.
//!
//! # Layout
//!
//! - [`cli`], [`config`], [`telemetry`]: what is asked of the binary, what it runs with, what it says of itself.
//! - [`app`]: the server as a whole, started and stopped. [`demo`]: the same with people in it. `housekeeping`: what is
//!   deleted meanwhile.
//! - [`backfill`]: old candles from the command line. [`moment`]: how people write a time.
//! - [`router`]: every URL on one screen. [`routes`]: the handlers by noun. [`middleware`]: what happens to all requests.
//! - [`auth`]: who is there. [`error`], [`extract`]: what a failed request is answered.
//! - [`mail`], [`language`]: how people are written to. [`admin`]: what an operator does to accounts by hand.
//! - [`listener`]: from TCP connections to requests.
//! - [`picture`]: from what people send as their picture to what is shown.
//! - [`idempotency`]: writes that come twice. [`viewer`]: who looks at a post, without knowing who it is.
//! - [`openapi`]: what the handlers say of themselves, for programs.
//! - [`stream`]: the edge of event streams.
//! - [`socket`]: the WebSocket edge; from there on, a message's way is told in [`tickroom_actors`].

pub mod admin;
pub mod app;
pub mod auth;
pub mod backfill;
pub mod cli;
pub mod config;
pub mod connection;
pub mod demo;
pub mod error;
pub mod extract;
mod housekeeping;
pub mod idempotency;
pub mod import;
pub mod language;
pub mod limits;
pub mod listener;
pub mod mail;
pub mod message_log;
pub mod middleware;
pub mod moment;
pub mod open_files;
pub mod openapi;
pub mod picture;
pub mod router;
pub mod routes;
pub mod socket;
pub mod stream;
pub mod telemetry;
pub mod viewer;
