//! The actor tree of Tickroom.
//!
//! # The way of a chat message
//!
//! 1. The socket's task reads a text frame and puts it into its session's inbox
//!    ([`SessionSlot::receive`](session::SessionSlot::receive)); a full inbox stops the reading.
//! 2. The [`Session`](session::Session) checks its allowance, decodes the frame ([`wire::native::decode`]) and hands a
//!    [`Publish`](room::Publish) to its room ([`RoomSlot::publish`](room::RoomSlot::publish)); a full one refuses.
//! 3. The [`Room`](room::Room) takes what waits, gives each message the next offset, queues it to be stored
//!    ([`Intake::push`](writer::Intake::push)) and encodes it once ([`wire::native::Encoder`]).
//! 4. The frames of the batch, one piece of memory, go to every member's [`Outbox`](session::Outbox)
//!    ([`Members`](room::Members)); the sender is a member like the others. Rooms and sockets take turns, in the line
//!    of a [`Turnstile`](turnstile::Turnstile).
//! 5. The socket's task, woken once, hands all that waits to the kernel in one vectored write.
//! 6. Meanwhile the [`Writer`](writer::Writer) stores the batch and acknowledges each message to its sender
//!    ([`Receipt::acknowledge`](room::Receipt::acknowledge)).
//!
//! # Two planes
//!
//! ractor's mailboxes have no bound and die with their actor. So they carry control messages only; data waits in
//! bounded queues that belong to a *slot*, and a slot outlives its actor. An actor that dies is started again
//! on the same slot and goes on where the other stopped: see [`queue`], [`root`] and [`restart`].
//!
//! # Layout
//!
//! - [`tree`]: start, use and stop the whole; [`root`], [`rooms`], [`sessions`] supervise, by [`restart`]'s rule.
//! - [`room`], [`session`], [`writer`], [`notifier`], [`feed`], [`candle`]: the actors. [`ticker`], [`registry`]: shared
//!   state.
//! - [`relay`], [`activity`]: from what people did to what others are told. [`stream`]: how it reaches open pages.
//! - [`wire`]: frames, close codes, refusals, dialects.
//! - [`address`], [`queue`], [`turnstile`], [`observed`]: what actors are connected with.
//! - [`limits`], [`metrics`]: every bound, every number.

pub mod activity;
pub mod address;
pub mod candle;
pub mod feed;
pub mod limits;
pub mod metrics;
pub mod notifier;
pub mod observed;
pub mod queue;
pub mod registry;
pub mod relay;
pub mod restart;
pub mod room;
pub mod rooms;
pub mod root;
pub mod session;
pub mod sessions;
pub mod stream;
mod task;
mod thread;
pub mod ticker;
pub mod tree;
pub mod turnstile;
pub mod wire;
pub mod writer;

pub use tree::{EventStores, StartError, Stores, Tree, TreeConfig};

#[cfg(test)]
mod testing;
