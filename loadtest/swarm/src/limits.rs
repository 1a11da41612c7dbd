//! Every bound of the generator and the relay: why it has this value, and what happens at it.

/// Bytes that one `read` takes at most. Large, because a reader of a busy room finds hundreds of frames waiting; small
/// enough to stay in a core's second-level cache until they are parsed.
pub const READ_BYTES: usize = 128 * 1024;

/// The largest frame that is taken for one. Tickroom's longest message is a tenth of it; above it the stream counts as
/// broken.
pub const FRAME_BYTES_MAX: usize = READ_BYTES / 2;

/// Bytes of an HTTP head that is waited for. Above it the handshake has failed.
pub const HEAD_BYTES_MAX: usize = 8 * 1024;

/// Headers that an HTTP head may have.
pub const HEADERS_MAX: usize = 64;

/// Events taken from the kernel in one turn: few, so that publishing is not late by a whole round of readers.
pub const EVENTS: usize = 256;

/// The shortest sleep while publishing. Messages that fall due within it share a write.
pub const PUBLISH_TICK_US: u64 = 200;

/// Bytes that a publisher lets pile up when the server does not read. Beyond it messages count as not sent.
pub const PUBLISHER_BACKLOG_BYTES: usize = 8 * 1024 * 1024;

/// Source addresses, 127.0.0.2 and up. Each has some 28,000 ports, so ports never are what runs out.
pub const SOURCES: u8 = 64;

/// A handshake that takes longer has failed and is tried again.
pub const HANDSHAKE_TIMEOUT_US: u64 = 10_000_000;

/// The first wait before another attempt at a connection; doubled each time, and fully jittered.
pub const BACKOFF_BASE_US: u64 = 200_000;

/// The longest such wait.
pub const BACKOFF_CAP_US: u64 = 5_000_000;

/// The longest latency that is told apart from longer ones: ten minutes.
pub const LATENCY_MAX_US: u64 = 600_000_000;

/// File descriptors that are not sockets: standard streams, epoll, files being read.
pub const SPARE_FILES: u64 = 32;

/// The longest answer to an HTTP request that is read.
pub const HTTP_ANSWER_BYTES_MAX: u64 = 1024 * 1024;

/// How long an HTTP request may take. A password hash in a queue is the slowest thing behind one.
pub const HTTP_TIMEOUT_S: u64 = 20;

/// Connections that the relay accepts before it looks at its peers again.
pub const RELAY_ACCEPTS: usize = 64;

/// Bytes that a peer of the relay may be behind its group before it is dropped.
pub const RELAY_LAG_BYTES: usize = 64 * 1024 * 1024;

/// Bytes of a group's log that every peer has, kept until forgetting them is worth a move of the rest.
pub const RELAY_FORGET_BYTES: usize = 1024 * 1024;

/// How long `compare` waits for a server to come up.
pub const START_TIMEOUT_S: u64 = 20;

const _: () =
    assert!(FRAME_BYTES_MAX * 2 <= READ_BYTES, "a half-read frame must leave room for the rest of it");
