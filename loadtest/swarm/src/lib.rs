//! A native load generator for Tickroom's sockets, and a bare relay to compare a server with.
//!
//! It knows the wire protocol and nothing else of Tickroom: accounts, follows and posts over HTTP, `GET /ws/chat`,
//! `GET /ws/ticker` and `GET /api/notifications/stream`.
//!
//! # The way of one delivery
//!
//! 1. [`pacer`] says that a message is due, [`talk`] writes it with that time in its content, a publisher's socket
//!    takes it.
//! 2. The server gives it an offset and sends it to all members.
//! 3. [`swarm`] is told by `epoll` which sockets have something, and reads each into one buffer.
//! 4. [`frame`] splits the bytes where they lie; [`scan`] finds offset and send time without parsing.
//! 5. [`track`] holds the offset against the one before: the self-check. [`ledger`] counts and times it.
//! 6. [`outcome`] makes figures of the counts, [`verdict`] holds them against the [`scenario`], [`report`] writes down
//!    both, and on which machine it was.
//!
//! # Layout
//!
//! | | |
//! |---|---|
//! | [`plan`] | what each kind of scenario does with the swarm |
//! | [`swarm`], [`client`], [`alarm`], [`socket`], [`handshake`] | the clients and what drives them |
//! | [`audience`], [`event_stream`] | listeners of event streams |
//! | [`account`], [`part`], [`run`], [`compare`] | before and around a run |
//! | [`relay`] | the bare relay |

pub mod account;
pub mod alarm;
pub mod audience;
pub mod bisect;
pub mod client;
pub mod clock;
pub mod compare;
pub mod event_stream;
pub mod frame;
pub mod handshake;
pub mod ledger;
pub mod limits;
pub mod outcome;
pub mod pacer;
pub mod part;
pub mod plan;
pub mod procfs;
pub mod relay;
pub mod report;
pub mod run;
pub mod scan;
pub mod scenario;
pub mod socket;
pub mod swarm;
pub mod talk;
pub mod target;
pub mod tick;
pub mod track;
pub mod verdict;
