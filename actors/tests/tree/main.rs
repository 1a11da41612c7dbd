//! The actor tree with faults: actors killed under live traffic, a message log that fails in every way, an exchange
//! that misbehaves. No HTTP and no sockets here; a member is a session whose outbox the test reads.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test may panic")]

mod candle;
mod centrifuge;
mod channel;
mod client;
mod event;
mod faults;
mod faulty_log;
mod feed;
mod harness;
mod kill;
mod moderation;
mod property;
mod room;
mod session;
mod writer;
