//! Every bound of the edge: why it has this value, and what happens at it.

use std::{ops::RangeInclusive, time::Duration};

/// Characters of an inbound `x-request-id` that we repeat; a UUID has 36. Longer ones are replaced by our own.
pub const REQUEST_ID_BYTES_MAX: usize = 64;

/// Characters of a password. The least is NIST SP 800-63B's; the most leaves room for passphrases. Refused with 422.
pub const PASSWORD_CHARS: RangeInclusive<usize> = 8..=128;

/// Bytes of a password: the longest allowed one in four-byte characters. Above it nothing is counted or hashed.
pub const PASSWORD_BYTES_MAX: usize = 512;

/// Password hashes computed at once: half the cores. Each takes 19 MiB and one core for some 20 ms, and messages need
/// cores, too. The next hash waits.
#[must_use]
pub fn password_hashes_running() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(2))
}

/// Password hashes running or waiting: a second of work or less. The next login is told 503, which is better than an
/// answer after its client has given up.
pub const PASSWORD_HASHES_ADMITTED: usize = 64;

/// Bytes of an access token that we look at. Ours are under 1 KiB; a longer one is not ours.
pub const ACCESS_TOKEN_BYTES_MAX: usize = 4096;

/// How far the clocks of two of our servers may differ before one refuses the other's fresh tokens.
pub const CLOCK_SKEW: Duration = Duration::from_secs(5);

/// How long a used refresh token still yields access: tabs of one browser refresh at the same moment. Used again
/// later, it has been stolen, and its family ends.
pub const REFRESH_GRACE: Duration = Duration::from_secs(10);

/// How long a ticket waits for its socket.
pub const TICKET_TTL: Duration = Duration::from_secs(30);

/// Tickets waiting at once. Beyond it the oldest are forgotten, and their clients ask for another.
pub const TICKETS_MAX: u64 = 100_000;

/// Families whose liveness is remembered. Beyond it the least used are asked from the database again.
pub const FAMILIES_REMEMBERED_MAX: u64 = 100_000;

/// How long a family counts as live after the database said so: the most that a logout on another server takes to
/// reach this one. One on this server is immediate.
pub const FAMILY_REMEMBERED_FOR: Duration = Duration::from_secs(10);

/// Client addresses that a rate limit remembers, some 10 MB. Beyond it new requests of that kind are told 503.
pub const RATE_LIMIT_KEYS_MAX: usize = 100_000;

/// A rate limit forgets idle addresses once in so many checks: often enough to stay small, seldom enough that the
/// walk over all addresses costs a check next to nothing.
pub const RATE_LIMIT_SWEEP_EVERY: u32 = 1024;

/// Bytes that a socket's read buffer starts with; most messages are shorter, and a longer one makes it grow.
pub const SOCKET_BUFFER_BYTES: usize = 1024;

/// Bytes that the kernel takes for a connection before the first of them can be sent. A reader is behind as soon as
/// these wait and its outbox fills; what is on its way to a reader that keeps up does not count.
pub const UNSENT_BYTES: u32 = 256 * 1024;

/// Bytes that are read from a socket in one call, into memory that all sockets of a thread share.
pub const SOCKET_READ_BYTES: usize = 16 * 1024;

/// How long an ending socket may take: to read what is left for it, and to close its side. Then it is cut off.
pub const CLOSE_GRACE: Duration = Duration::from_secs(5);

/// How often expired logins are deleted.
pub const PURGE_INTERVAL: Duration = Duration::from_secs(3600);

/// Messages in a page of history when the client does not say.
pub const PAGE_MESSAGES: u16 = 50;

/// Messages in a page of history at most; above it 422.
pub const PAGE_MESSAGES_MAX: u16 = 200;

/// Bytes of a request body; no resource so far needs more.
pub const BODY_BYTES: usize = 64 * 1024;

const _: () = assert!(PASSWORD_BYTES_MAX == 4 * *PASSWORD_CHARS.end());
