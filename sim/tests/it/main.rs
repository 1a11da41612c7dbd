//! The exchange over real sockets, seen from a client.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on should fail here"
)]

mod faults;
mod harness;
mod limit;
mod request;
mod rest;
mod socket;
