//! Every limit of the actor tree in one place: why this value, and what happens at it.
//!
//! Limits that an operator may move live in [`crate::TreeConfig`]; these are properties of the design.

use std::num::NonZeroU32;
use std::time::Duration;

/// Text messages a socket may have waiting for its session.
/// At the limit the socket is not read any further, so TCP itself slows the sender down.
pub const SESSION_INBOX_MESSAGES: usize = 32;

/// Messages in a row that a socket may send after it was told to wait; beyond, it is closed with 3013.
pub const IGNORED_REFUSALS: u32 = 1_000;

/// Messages a room may have waiting to be ordered, over all its senders.
/// At the limit a sender gets an `overloaded` error; the room works off this many in a few milliseconds.
pub const ROOM_INBOX_MESSAGES: usize = 4096;

/// Messages that a room orders in one go before it lets the sockets write.
pub const ROOM_BATCH_MESSAGES: usize = 1024;

/// Bytes of encoded frames after which a room's batch is full, whatever the number of messages.
/// Its members get no more until they had their turn to write, so that a burst cannot fill a healthy outbox.
pub const ROOM_BATCH_BYTES: usize = 256 * 1024;

/// Longest time that a room pauses after a batch because most of its members have more than half an outbox to read. Then
/// it goes on, and in the end whoever does not read at all is closed as slow: a crowd of dead sockets can slow the others
/// down for so long, and no longer.
pub const PACE_PATIENCE: Duration = Duration::from_secs(1);

/// How often a pausing room looks whether its members have read.
pub const PACE_CHECK: Duration = Duration::from_millis(10);

/// Messages that a room keeps to replay to members that come back: at the fastest that a room of a thousand has been
/// seen to go, more than half a second. Older positions are answered with `recovered: false`.
pub const WINDOW_MESSAGES: usize = 8 * 1024;

/// Bytes of encoded frames in a room's window: what bounds it when messages are long. Several outboxes, so that who was
/// closed as slow finds there what it missed, with some time to notice.
pub const WINDOW_BYTES: usize = 8 * 1024 * 1024;

/// Age at which messages leave a room's window: long enough for a phone that changes networks or a lift, and a room that
/// was busy and then falls silent gives its memory back. Older ones are in the log.
pub const WINDOW_AGE: Duration = Duration::from_secs(600);

/// How often a room looks at the age of its window, and whether its number of members has changed.
pub const ROOM_TICK: Duration = Duration::from_secs(2);

/// Recent messages that a member without a position is shown on joining.
pub const JOIN_RECENT_MESSAGES: usize = 50;

/// Messages that a room reads back from the log when it starts: all whose ids it knows, and enough to replay to whoever
/// was away for the restart. It costs a room some milliseconds, once.
pub const REBUILD_MESSAGES: u16 = 4096;

/// Client message ids that a room remembers to recognise a repeated send.
/// A repeat that is older than this is still caught by the message log, after it was shown once more.
pub const DEDUPE_MESSAGES: usize = 4096;

/// Longest time that whoever decides something about a room waits for the room to have heard of it. It holds all the same.
pub const RULING_WITHIN: Duration = Duration::from_secs(2);

/// Longest chat message, in Unicode characters.
pub const CONTENT_CHARS: usize = 2_000;

/// Largest inbound WebSocket message. Holds [`CONTENT_CHARS`] of the most wasteful JSON spelling
/// (two `\uXXXX` escapes, 12 bytes a character) and the keys around it; above it the socket is closed with 1009.
pub const INBOUND_MESSAGE_BYTES: usize = 32 * 1024;

/// Largest inbound message of the Centrifuge protocol, whose clients send many commands at once.
/// Above it the socket is closed with 1009.
pub const COMMANDS_BYTES: usize = 64 * 1024;

/// Channels of one socket. One more is refused with error 106.
pub const SOCKET_CHANNELS: usize = 128;

/// Bytes of a channel's name. A longer one is refused with error 107.
pub const CHANNEL_BYTES: usize = 255;

/// Subscriptions that a socket may ask for in a second, after those with which it begins. Each may cost a replay; clients
/// are told 111 and try again by themselves.
pub const SUBSCRIPTIONS_PER_SECOND: NonZeroU32 = NonZeroU32::new(30).unwrap();

/// Subscriptions that a socket may ask for at once: all it may have, and again.
pub const SUBSCRIPTIONS_AT_ONCE: NonZeroU32 = NonZeroU32::new(256).unwrap();

/// How long a socket of the Centrifuge protocol may be silent before its `connect`. Then it is closed with 3502.
pub const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// How long a connection outlives its token: clients refresh when it runs out and not before. Then 3005.
pub const REFRESH_GRACE: Duration = Duration::from_secs(25);

/// How long a command may take. Then it is answered with a temporary error, before clients, which wait for five seconds,
/// give up and do not know what became of it.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(4);

/// Bytes of replies that are put together in one frame.
pub const REPLIES_BYTES: usize = 64 * 1024;

/// Bytes of replays that may wait for one socket, over all its channels. Beyond it a channel is not recovered.
pub const REPLAYS_BYTES: usize = 4 * WINDOW_BYTES;

/// Messages of a page of history.
pub const HISTORY_MESSAGES: u16 = 300;

/// Bytes of a page of history; it is cut short there. A healthy outbox holds several.
pub const HISTORY_BYTES: usize = 128 * 1024;

/// Clients that the answer to `presence` lists; `presence_stats` counts all.
pub const PRESENCE_CLIENTS: usize = 1_000;

/// Members of a room up to which those who want to know are told of everyone who comes and leaves. In larger ones they
/// are told the number.
pub const JOIN_LEAVE_MEMBERS: usize = 100;

/// Default cap of a socket's lossless lane; at the cap the socket is closed with 3008.
pub const OUTBOX_BYTES: usize = 1024 * 1024;

/// Frames that a socket hands to the kernel in one vectored write; Linux takes at most 1,024.
pub const WRITE_FRAMES: usize = 64;

/// Sockets that are let through the turnstile at a time, at least and at most. Few enough to fit the run queue
/// of a worker, which holds 256 tasks.
pub const TURNSTILE_MIN: usize = 16;
/// See [`TURNSTILE_MIN`].
pub const TURNSTILE_MAX: usize = 192;

/// Markets that one socket may watch.
pub const SOCKET_MARKETS: usize = 300;

/// How long a session waits for its room before it asks again: a room that is restarting loses its mailbox.
pub const JOIN_RETRY: Duration = Duration::from_secs(1);

/// Longest time that one append to the message log may take before it counts as failed.
pub const LOG_APPEND_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest time that a starting room waits for the message log.
pub const LOG_READ_TIMEOUT: Duration = Duration::from_secs(5);

/// Failed appends in a row after which the writer spills to the local file instead of waiting.
pub const APPENDS_BEFORE_SPILL: u32 = 3;

/// Requests that must be left in the exchange's second after one of ours; below, the rest of the second is left to
/// whoever else asks from this address, the feed among them.
pub const CANDLE_HEADROOM: u32 = 2;

/// Pause after the first "too many requests" (429); it doubles. The exchange forgives after two seconds (measured).
pub const CANDLE_REFUSAL_PAUSE: Duration = Duration::from_secs(2);

/// Pause after the first "I'm a teapot" (418), which is a block that grows with repetition; it doubles.
pub const CANDLE_BLOCK_PAUSE: Duration = Duration::from_secs(60);

/// Longest pause after a refusal, and after failures of other kinds.
pub const CANDLE_PAUSE_MAX: Duration = Duration::from_secs(3600);

/// Longest time for an answer with candles.
pub const CANDLE_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes of an answer with candles: a full page has some 80 KiB. A larger one is refused.
pub const CANDLE_ANSWER_BYTES: usize = 1024 * 1024;

/// How long after its end a window counts as open: its last trade may be reported late.
pub const CANDLE_SETTLE_MS: i64 = 5_000;

/// How long the minutes of the four hours before are kept in memory after these are over: until they are corrected and
/// stored, with all markets taking turns, and for the hour that a new watcher is shown.
pub const CANDLE_MINUTES_KEPT_MS: i64 = 65 * 60_000;

/// Windows before the running one that are collected without being asked for: one page.
pub const CANDLE_DEPTH: u16 = 200;

/// Windows that a socket is shown when it begins to watch: as many as the original showed.
pub const CANDLE_SNAPSHOT: usize = 60;

/// Series that wait to be collected because somebody looked at them. Beyond it they come when their turn does.
pub const CANDLE_WANTED: usize = 1024;

/// Backfills that may wait. Beyond it new ones are refused.
pub const BACKFILLS_WAITING: u16 = 64;

/// How long a series is left alone after the exchange said that there is none.
pub const CANDLE_PARKED: Duration = Duration::from_secs(600);

/// Series of candles that one socket may watch.
pub const SOCKET_SERIES: usize = 300;
/// Events that the relay publishes in one go. The bus inside the process answers when they have been carried out.
pub const RELAY_BATCH: u16 = 256;

/// How often the relay looks at the outbox unasked. Only what another process left there waits for it.
pub const RELAY_POLL: Duration = Duration::from_secs(5);

/// Events that are carried out in one transaction. It holds the one writer that SQLite has for some milliseconds.
pub const ACTIVITY_BATCH: usize = 64;

/// Jobs that take turns. Later ones wait until one of these is done, so that none waits for ever.
pub const ACTIVITY_JOBS: u16 = 16;

/// How often an event may fail, or the actor die of it, before it is put aside.
pub const EVENT_TRIES: u32 = 3;

/// Notices that may wait for the notifier. For one that does not fit, every stream looks at the log by itself.
pub const NOTICES: usize = 4096;

/// People and notifications that the notifier reads about at once.
pub const NOTICE_LOOK: usize = 512;

/// Notifications that may wait for one stream. At the limit the stream is ended, and the client goes on where it was.
pub const STREAM_NOTIFICATIONS: usize = 64;

/// Notifications that a stream reads from the log at a time.
pub const STREAM_REPLAY: u16 = 100;

const _: () = assert!(ROOM_BATCH_BYTES * 4 <= OUTBOX_BYTES, "a healthy outbox must hold several batches");
const _: () = assert!(WINDOW_BYTES >= OUTBOX_BYTES * 4, "who is closed as slow must be able to resume");
const _: () = assert!(JOIN_RECENT_MESSAGES <= WINDOW_MESSAGES, "recent messages are read from the window");
const _: () = assert!(CONTENT_CHARS * 12 + 1024 <= INBOUND_MESSAGE_BYTES, "a legal message must fit a frame");
const _: () = assert!(HISTORY_BYTES * 4 <= OUTBOX_BYTES, "a healthy outbox must hold several pages");
const _: () = assert!(ROOM_BATCH_MESSAGES <= ROOM_INBOX_MESSAGES, "a batch is taken from the inbox");
