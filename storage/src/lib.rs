//! What Tickroom remembers: typed ids, records, and one store per noun.
//!
//! A store speaks in records ([`user::User`], [`message::Message`]) and hides which engine keeps them. Nothing
//! here knows of HTTP, sockets or actors, and no engine's type crosses this crate's border.
//!
//! # Layout
//!
//! | module | what it holds |
//! |---|---|
//! | [`id`](crate::UserId) | ids, offsets, names and times: the words that every signature is made of |
//! | [`user`] | people: [`Users`](user::Users) |
//! | [`account`] | what becomes of their accounts: [`Accounts`](account::Accounts) |
//! | [`picture`] | their pictures, as files: [`Pictures`](picture::Pictures) |
//! | [`follow`] | who follows whom: [`Follows`](follow::Follows) |
//! | [`token`] | logins, each a family of rotating refresh tokens: [`Tokens`](token::Tokens) |
//! | [`market`] | what is traded: [`Markets`](market::Markets) |
//! | [`candle`] | what was traded in each window of time: [`Candles`](candle::Candles), and who asked for old ones: [`Backfills`](candle::Backfills) |
//! | [`room`] | where people talk, one room per market: [`Rooms`](room::Rooms) |
//! | [`message`] | what they said: the [`MessageLog`](message::MessageLog), its SQL and MongoDB engines, and the [`Spill`](message::Spill) file that stands in while the log is down |
//! | [`post`] | what they post, with likes, views, search and timelines: [`Posts`](post::Posts) |
//! | [`comment`] | what they say about it: [`Comments`](comment::Comments) |
//! | [`tag`], [`mark`], [`prose`], [`search`] | tags; the signs `#`, `$` and `@` in a text; texts that are checked; words that are looked for |
//! | [`idempotency`] | writes that were sent twice: [`Idempotency`](idempotency::Idempotency) |
//! | [`event`] | what was done, on its way to those it concerns: the [`Outbox`](event::Outbox) |
//! | [`bus`] | how it gets there: [`Bus`](bus::Bus) |
//! | [`activity`] | what follows from it, once: the [`ActivityLog`](activity::ActivityLog) |
//! | [`notification`] | what people are told of: [`Notifications`](notification::Notifications) |
//! | [`dead_letter`] | events that could not be processed: [`DeadLetters`](dead_letter::DeadLetters) |
//! | [`engine`] | the databases below: [`Database`](engine::Database), and in one file all that differs between SQL dialects |
//! | [`limits`] | every bound of this crate, with its reason |
//! | [`StorageError`] | what can go wrong, sorted by what the caller can do about it |
//!
//! # Where a message goes
//!
//! A room gives a [`Message`](message::Message) its [`Offset`]; the writer passes whole batches to
//! [`MessageLog::append`](message::MessageLog::append), and to [`Spill::append`](message::Spill::append) when that
//! fails. Both are durable when they return, and both may be told the same batch twice.

pub mod account;
pub mod activity;
pub mod bus;
pub mod candle;
pub mod comment;
pub mod dead_letter;
pub mod engine;
pub mod event;
pub mod follow;
pub mod idempotency;
pub mod limits;
pub mod mark;
pub mod market;
pub mod message;
pub mod moderation;
pub mod notification;
pub mod picture;
pub mod post;
pub mod prose;
pub mod room;
pub mod search;
pub mod tag;
pub mod token;
pub mod user;

mod decimal;
mod error;
mod id;
mod mention;
mod page;

pub use decimal::{Decimal, DecimalError};
pub use error::{ErrorKind, StorageError};
pub use id::*;
pub use page::PageBound;
