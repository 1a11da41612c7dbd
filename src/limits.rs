//! Every bound of the edge: why it has this value, and what happens at it.

use std::{num::NonZeroU32, ops::RangeInclusive, time::Duration};

use tickroom_storage::limits::POST_CONTENT_CHARS_MAX;

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

/// Wrong passwords for one account from one address before the next has to wait: as many as somebody needs who tries
/// her own few. Each further one doubles the wait, from a second on.
pub const GUESSES_FREE_PER_ADDRESS: u32 = 5;

/// The longest that one address waits for its next guess at one account. Longer would be a way to lock out somebody
/// who shares the address, and leaves no more than 288 guesses a day.
pub const GUESS_WAIT_PER_ADDRESS_MAX: Duration = Duration::from_secs(5 * 60);

/// Wrong passwords for one account, from all addresses, before strange ones have to wait. One that has logged in to
/// the account before does not.
pub const GUESSES_FREE_PER_ACCOUNT: u32 = 50;

/// The longest that strange addresses wait for the next guess at one account, all of them together: no more than 1440
/// a day, however many machines guess.
pub const GUESS_WAIT_PER_ACCOUNT_MAX: Duration = Duration::from_secs(60);

/// How long wrong passwords are remembered after the last.
pub const GUESSES_REMEMBERED_FOR: Duration = Duration::from_secs(24 * 3600);

/// Accounts, and pairs of account and address, whose wrong passwords are remembered. Beyond it the least recent are
/// forgotten; the limits per address see to it that few can be made up in a time.
pub const GUESSES_REMEMBERED_MAX: u64 = 100_000;

/// How long an address counts as known after somebody there has followed a link from her mailbox.
pub const MAILBOX_PROOF_TTL: Duration = Duration::from_secs(3600);

/// How long the link to prove an address is good, as its mail says.
pub const VERIFICATION_TTL: Duration = Duration::from_secs(24 * 3600);

/// How long the link to choose a new password is good, as its mail says.
pub const PASSWORD_RESET_TTL: Duration = Duration::from_secs(3600);

/// How long an account is kept whose address is not proved: long enough for who reads mail once a week, and asks for the
/// link again. Then name and address are free for somebody who does.
pub const UNPROVED_KEPT_FOR: Duration = Duration::from_secs(7 * 24 * 3600);

/// Bytes of a token in a link that we look at. Ours have 43; a longer one is not ours.
pub const LINK_TOKEN_BYTES_MAX: usize = 64;

/// Mails that wait to leave, or are leaving. The next deed that would send one is refused with 503.
pub const MAILS_WAITING_MAX: usize = 1000;

/// Mails being sent at once; mail servers dislike more connections.
pub const MAILS_SENDING: usize = 4;

/// How long a mail waits after each failure; after the last it is given up. Long enough for a mail server's restart and
/// for one that turns strangers away at first (greylisting, usually some minutes).
pub const MAIL_RETRY_PAUSES: [Duration; 5] = [
    Duration::from_secs(2),
    Duration::from_secs(15),
    Duration::from_secs(60),
    Duration::from_secs(6 * 60),
    Duration::from_secs(20 * 60),
];

/// How long a mail server may take to answer one command.
pub const SMTP_TIMEOUT: Duration = Duration::from_secs(20);

/// How long a stopping server waits for its mails to leave.
pub const MAIL_DRAIN: Duration = Duration::from_secs(3);

/// Mails kept in the outbox folder. Beyond it the oldest go: the folder is for looking, not for keeping.
pub const OUTBOX_FILES_MAX: usize = 1000;

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

/// How long a client may take to send the head of a request, and be silent between two. Slower ones are cut off.
pub const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(30);

/// How long the body of a request may take to arrive, however it trickles in; then 408. A connection is held for no longer
/// than that, nor is a place among those who send pictures, and a picture of 8 MiB arrives at 2.2 Mbit/s.
pub const BODY_RECEIVE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long accepting pauses when the process has no file descriptor left for a connection.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Documents that an import reads before it stores them.
pub const IMPORT_BATCH: usize = 1_000;

/// How long `/health/ready` waits for the message log. Probes give up soon, and want an answer before that.
pub const LOG_PING_TIMEOUT: Duration = Duration::from_secs(1);

/// How often expired logins, expired links, accounts that were never proved, unused pictures and old notifications are
/// deleted.
pub const PURGE_INTERVAL: Duration = Duration::from_secs(3600);

/// Messages in a page of history when the client does not say.
pub const PAGE_MESSAGES: u16 = 50;

/// Messages in a page of history at most; above it 422.
pub const PAGE_MESSAGES_MAX: u16 = 200;

/// Candles in a page when the client does not say: as many as the exchange gives at most.
pub const PAGE_CANDLES: u16 = 200;

/// Candles in a page at most; above it 422. An export has no limit: it is read and sent a page at a time.
pub const PAGE_CANDLES_MAX: u16 = 1000;

/// How long caches may keep a page of candles that are all closed and complete: nothing will change them.
pub const CLOSED_CANDLES_MAX_AGE: Duration = Duration::from_secs(3600);

/// How long caches may keep a page with a running window, or one that is not complete yet.
pub const RUNNING_CANDLES_MAX_AGE: Duration = Duration::from_secs(1);

/// Bytes below which an answer is not worth compressing: it fits one packet.
pub const COMPRESSED_BYTES_MIN: u16 = 1024;

/// Logins in a page of one's own when the client does not say.
pub const PAGE_LOGINS: u16 = 50;

/// Logins in a page of one's own at most; above it 422.
pub const PAGE_LOGINS_MAX: u16 = 200;

/// People in a page of a list when the client does not say.
pub const PAGE_USERS: u16 = 50;

/// People in a page of a list at most; above it 422.
pub const PAGE_USERS_MAX: u16 = 200;

/// How long a client whose event stream broke waits before it comes back, in milliseconds: each is told another time
/// between these, so that not all come at once.
pub const STREAM_RETRY_MIN_MS: u64 = 2_000;
/// See [`STREAM_RETRY_MIN_MS`].
pub const STREAM_RETRY_MAX_MS: u64 = 4_000;

/// Characters of what administrators search people by: the longest address. Above it 422.
pub const USER_SEARCH_CHARS_MAX: usize = 254;

/// Bytes of a picture as it is sent: a photograph of a telephone, and some. Above it 413.
pub const PICTURE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Pixels of a picture as it is sent: what a telephone takes by default. Above it 422; a few bytes can claim any number.
pub const PICTURE_PIXELS_MAX: u64 = 25_000_000;

/// The longest side of a picture as it is sent, in pixels, which keeps out single lines of millions. Above it 422.
pub const PICTURE_SIDE_MAX: u32 = 16_384;

/// Bytes of a decoded picture: all pixels in four bytes each, and some. Above it, which needs 16 bits a colour, 422. A
/// progressive JPEG takes as much again while it is decoded.
pub const PICTURE_DECODER_BYTES_MAX: u64 = 112 * 1024 * 1024;

/// Pictures decoded at once. Each takes a core and some 200 MiB at most, as a progressive JPEG of 25 megapixels did; the
/// next one waits.
pub const PICTURES_DECODED_AT_ONCE: usize = 2;

/// Pictures being received, waiting or being decoded, each up to [`PICTURE_BYTES_MAX`]. The next one is told 503.
pub const PICTURES_ADMITTED: usize = 16;

/// The quality of stored JPEGs: from here on files grow faster than anybody can see.
pub const PICTURE_JPEG_QUALITY: u8 = 85;

/// Looks at posts that one client address without an account may tell of in a minute: more than a household reads. The
/// next one gets 429; each can leave a row for a day.
pub const ANONYMOUS_VIEWS_PER_MINUTE: NonZeroU32 = NonZeroU32::MIN.saturating_add(239);

/// Posts or comments in a page of a list when the client does not say.
pub const PAGE_ITEMS: u16 = 20;

/// Posts or comments in a page of a list at most; above it 422.
pub const PAGE_ITEMS_MAX: u16 = 100;

/// The cursor of a list. Ours have up to 150 bytes, where they hold a part of a name; above it 422.
pub const CURSOR_BYTES_MAX: usize = 256;

/// Tags in the list of the most used ones when the client does not say.
pub const PAGE_TAGS: u16 = 20;

/// Tags in that list at most; above it 422.
pub const PAGE_TAGS_MAX: u16 = 100;

/// Bytes of a post as it is sent: the longest text with each character as a JSON escape of twelve bytes, and some.
/// Above it 413.
pub const POST_BODY_BYTES: usize = 256 * 1024;

/// Bytes of a request body; pictures and posts may have more.
pub const BODY_BYTES: usize = 64 * 1024;

/// Longest ban or mute with an end: a year. Who shall be silent for longer shall be so for good.
pub const SANCTION_SECONDS_MAX: u32 = 366 * 24 * 3600;

/// Longest pause between two messages of somebody: an hour. A room that is slower is better closed.
pub const SLOW_MODE_SECONDS_MAX: u32 = 3600;

const _: () = assert!(POST_CONTENT_CHARS_MAX * 12 < POST_BODY_BYTES);

const _: () = assert!(PICTURE_PIXELS_MAX * 4 <= PICTURE_DECODER_BYTES_MAX);

const _: () = assert!(PASSWORD_BYTES_MAX == 4 * *PASSWORD_CHARS.end());
