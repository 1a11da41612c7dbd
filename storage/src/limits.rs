//! Every bound of this crate: why it has this value, and what happens at it.

use std::time::Duration;

/// Characters of a user's name, least and most. Shorter is refused as unreadable in a room, longer as unfit for one
/// line of it.
pub const USER_NAME_CHARS: std::ops::RangeInclusive<usize> = 2..=20;

/// Bytes of a mail address: the most that SMTP carries (RFC 5321, section 4.5.3.1.3, less the angle brackets).
/// Longer ones are refused.
pub const EMAIL_BYTES_MAX: usize = 254;

/// Characters of what somebody says about herself: a few lines beside a picture. Longer is refused.
pub const INTRO_CHARS: usize = 200;

/// Characters of one interest. Longer is refused as a sentence.
pub const INTEREST_CHARS: usize = 30;

/// Interests of one person. More are refused: who cares for everything tells nothing.
pub const INTERESTS_MAX: usize = 10;

/// The earliest year of birth; whoever was born before it would be the oldest person alive.
pub const BIRTH_YEAR_MIN: i64 = 1900;

/// People that one person may follow. More than a thousand nobody reads, and a timeline collects from all of them; ten
/// times that is for machines that mean well. The next one is refused.
pub const FOLLOWING_MAX: u32 = 10_000;

/// How long the files of a picture stay after nobody has it any more. Sockets and tokens still show it for as long as
/// an access token lasts, by default a quarter of an hour.
pub const UNUSED_PICTURE_KEPT: Duration = Duration::from_secs(3600);

/// Pictures that are deleted in one sweep; the rest waits for the next one.
pub const UNUSED_PICTURES_SWEPT: u16 = 1000;

/// How long the store of pictures may take for one file. Longer means that it is down: the caller gets an error of kind
/// `Unavailable`.
pub const PICTURE_STORE_TIMEOUT: Duration = Duration::from_secs(10);

/// Characters of a browser's `User-Agent` that are kept with a login. It is for the eye only; the rest is cut off.
pub const USER_AGENT_CHARS_MAX: usize = 256;

/// Characters of a post's title. Longer is refused.
pub const POST_TITLE_CHARS_MAX: usize = 200;

/// Characters of a post: some ten printed pages. Longer is refused.
pub const POST_CONTENT_CHARS_MAX: usize = 20_000;

/// Characters of a post's text that lists carry, enough for the eye to choose by; the rest comes with the post itself.
/// A page of a hundred posts stays under 400 KB.
pub const POST_EXCERPT_CHARS: usize = 1_000;

/// Characters of a comment. Longer is refused.
pub const COMMENT_CHARS_MAX: usize = 1_000;

/// Characters of a tag. Longer ones are refused, or not seen in a text.
pub const TAG_CHARS_MAX: usize = 30;

/// Tags of a post. More of them listed are refused, more of them in the text are not counted.
pub const TAGS_MAX: usize = 10;

/// Markets that a post counts as being about; the rest of those in its text are words.
pub const MARKETS_MAX: usize = 10;

/// People whom one text can call: more would be a way to pester.
pub const MENTIONS_MAX: usize = 20;

/// Characters of a search. Longer is refused.
pub const SEARCH_CHARS_MAX: usize = 100;

/// Words of a search that are looked for; each walks a list as long as there are posts. The rest is not.
pub const SEARCH_WORDS_MAX: usize = 8;

/// How far back popular posts reach.
pub const POPULAR_WINDOW: Duration = Duration::from_secs(7 * 24 * 3600);

/// Posts by an author, of a tag, of a market or found by a search among which the popular ones are chosen: the newest.
/// They have to be sorted at each request.
pub const POPULAR_CANDIDATES_MAX: u16 = 1_000;

/// How long a viewer's next look at a post does not count again, and how long it is known that she looked.
pub const VIEW_WINDOW: Duration = Duration::from_secs(24 * 3600);

/// How long a request can be repeated under its idempotency key.
pub const IDEMPOTENCY_WINDOW: Duration = Duration::from_secs(24 * 3600);

/// Characters of an idempotency key; a UUID has 36. Longer is refused.
pub const IDEMPOTENCY_KEY_CHARS_MAX: usize = 128;

/// Rows that one purge deletes at a time, so that writers wait for no more than a few milliseconds in between.
pub const PURGE_ROWS_MAX: u16 = 1_000;

/// Rows of one `insert` statement. Beyond a few hundred the saving per row is gone, while the statement's text, which
/// every connection caches, goes on growing. More rows make more statements.
pub const INSERT_ROWS_MAX: usize = 256;

/// Bind parameters of one statement: SQLite's default. PostgreSQL and MySQL take twice as many.
pub const BIND_PARAMETERS_MAX: usize = 32_766;

/// Connections that read SQLite at once. Each is a thread; readers never wait for the writer in WAL mode.
pub const SQLITE_READERS: u32 = 4;

/// Connections to a database server. Its cores and disks do not serve more transactions at once any faster, and it has a
/// hundred by default, for all servers that share it.
pub const REMOTE_CONNECTIONS: u32 = 16;

/// How long the message log on a database server may take for one batch or page, which it has in milliseconds. It is what
/// finds out about a network that swallows everything: the caller gets an error of kind `Unavailable`.
pub const REMOTE_OPERATION_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a statement waits for a connection of the pool. A queue this long means the engine is as good as down:
/// the caller gets an error of kind `Unavailable`.
pub const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an operation waits for a MongoDB server that would take it, and for a connection to it. An election takes
/// longer, and is not waited for: the spill file is there for that.
pub const MONGODB_SELECTION_TIMEOUT: Duration = Duration::from_secs(2);

/// How long one operation of MongoDB may take, confirmation by the majority included. It is what finds out about a network
/// that swallows everything: then the caller gets an error of kind `Unavailable`.
pub const MONGODB_OPERATION_TIMEOUT: Duration = Duration::from_secs(5);

/// Messages that one query looks up by their client ids. Each is a clause of its own, and MongoDB plans them one by one.
pub const MONGODB_CLAUSES_MAX: usize = 256;

/// Characters of an imported message: as many as rooms take. Longer ones are skipped and reported.
pub const IMPORT_CONTENT_CHARS_MAX: usize = 2_000;

/// Characters of the name on an imported message: the width of the original's column.
pub const IMPORT_NAME_CHARS_MAX: usize = 255;

/// Bytes of the address of a picture on an imported message; a longer one is left out.
pub const IMPORT_URL_BYTES_MAX: usize = 2_048;

/// Messages that an import reads from our log at a time, to see which are there.
pub const IMPORT_PAGE: u16 = 4_096;

/// Skipped documents of a kind that the report of an import names.
pub const IMPORT_EXAMPLES: usize = 3;

/// How long the spill file waits for another holder of it to let go. It covers an actor that was restarted while the
/// last write of its predecessor still runs; a second server in the same directory is refused.
pub const SPILL_LOCK_WAIT: Duration = Duration::from_secs(5);

/// Bans and mutes of a room. It keeps them in memory; one more is refused.
pub const SANCTIONS_MAX: u32 = 10_000;

/// Moderators of a room. The list is shown whole; one more is refused.
pub const MODERATORS_MAX: u32 = 100;

/// Characters of the reason for a ban or mute: a line. Longer is refused.
pub const REASON_CHARS_MAX: usize = 200;

/// Digits of a decimal number. Upbit's longest sums have 30; at 36, two of them still add up in 128 bits. Longer ones
/// are refused.
pub const DECIMAL_DIGITS_MAX: u32 = 36;

/// Digits of a decimal number behind its point. Upbit's sums have 16.
pub const DECIMAL_SCALE_MAX: u8 = 18;

/// Characters of a decimal number that are looked at: all digits, zeros that fill them up, a sign, a point, an exponent.
pub const DECIMAL_TEXT_MAX: usize = 64;

/// Backfills in a list, the newest ones.
pub const BACKFILLS_LISTED: u16 = 100;

/// Ids that are tried for one event. Two processes seldom draw the same one, and never again and again.
pub const EVENT_ID_TRIES: usize = 8;

/// Events that wait in the bus inside the process. A full one keeps the relay waiting, and the rest in the outbox.
pub const BUS_EVENTS: usize = 1024;

/// Followers told, or notifications withdrawn, in one transaction: some milliseconds of the one writer that SQLite has.
pub const JOB_PAGE: u16 = 500;

/// Notifications that somebody keeps. Older ones are deleted: nobody scrolls that far, and counting the unread ones
/// walks over them.
pub const NOTIFICATIONS_KEPT: u16 = 1000;

/// How long a notification is kept.
pub const NOTIFICATION_DAYS: i64 = 90;

/// How long somebody can look back at what she did.
pub const ACTIVITY_DAYS: i64 = 365;

/// Rows deleted in one transaction when old things are purged, so that writers in between wait for milliseconds.
pub const PURGE_ROWS: u16 = 500;

/// The widest row of this crate's multi-row statements, in columns.
pub(crate) const INSERT_COLUMNS_MAX: usize = 11;

const _: () = assert!(INSERT_ROWS_MAX * INSERT_COLUMNS_MAX <= BIND_PARAMETERS_MAX);
