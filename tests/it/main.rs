//! The server as its clients meet it: over real sockets, from the handshake to the close frame.
//!
//! One file per noun, as in `src/routes`; [`harness`] lets them speak in roles.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test may panic")]

mod harness;

mod account;
mod activation;
mod activity;
mod auth;
mod candle;
mod centrifuge;
mod comment;
mod durability;
mod follow;
mod frame;
mod listener;
mod message;
mod moderation;
mod mongodb;
mod notification;
mod openapi;
mod ops;
mod picture;
mod post;
mod postgres;
mod protocol;
mod room;
mod slow;
mod socket;
mod ticker;
mod timeline;
mod ui;
mod user;
