//! All that differs between the SQL engines. The statements themselves are the same everywhere.

use std::path::Path;

use sqlx::error::DatabaseError;
use sqlx::postgres::PgDatabaseError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteError};
use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use super::search::{self, Search};
use crate::limits::{BIND_PARAMETERS_MAX, REMOTE_CONNECTIONS, SQLITE_READERS};
use crate::{ErrorKind, StorageError};

/// Waiting is the writer pool's business; `busy_timeout` is for other programs that look into the file. With
/// `synchronous = full` a commit is on the disk when it returns, also under write-ahead logging.
///
/// A batch of messages for many rooms touches pages all over the indexes. They stay in 16 MiB of cache, and go from the
/// log to the database once in 8000 pages (32 MiB) instead of at nearly every commit.
const SQLITE_SESSION: &str = "
    pragma busy_timeout = 5000;
    pragma journal_mode = wal;
    pragma synchronous = full;
    pragma foreign_keys = on;
    pragma cache_size = -16384;
    pragma wal_autocheckpoint = 8000;
";

/// A request that waits longer gives up, and a transaction whose process is gone gives its locks back, so that nobody
/// waits for ever for what a lost machine has begun.
const POSTGRES_SESSION: &str = "
    set statement_timeout = '10s';
    set idle_in_transaction_session_timeout = '10s';
";

/// A statement that inserts rows.
#[derive(Debug)]
pub(crate) struct Insert {
    pub(crate) table: &'static str,
    pub(crate) columns: &'static [&'static str],
    pub(crate) on_conflict: OnConflict,
}

/// What becomes of a row whose place is taken.
#[derive(Debug)]
pub(crate) enum OnConflict {
    /// It is skipped, whichever unique key it violates; the count of affected rows tells.
    Skip,
    /// It replaces the other columns of the row with the same key.
    Replace {
        /// The primary key's column.
        key: &'static str,
    },
}

/// The SQL engine behind a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    pub(super) fn of_url(url: &str) -> Result<Self, StorageError> {
        // A database in memory would be another one for each connection.
        let in_memory = url.contains(":memory:") || url.contains("mode=memory");
        match url.split_once(':') {
            Some(("sqlite", rest)) if rest.starts_with("//") && !in_memory => Ok(Self::Sqlite),
            Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => Ok(Self::Postgres),
            // Not the whole URL: it may hold a password.
            scheme => Err(StorageError::Invalid(format!(
                "expected a database URL sqlite://<path> or postgres://…, got one that begins with {:?}",
                scheme.map_or("", |(scheme, _)| scheme)
            ))),
        }
    }

    /// Makes way for a database that is a file, and says that it may be created.
    pub(super) async fn prepare_url(self, url: &str) -> Result<String, StorageError> {
        if self != Self::Sqlite {
            return Ok(url.to_owned());
        }
        let options: SqliteConnectOptions = url.parse()?;
        if let Some(folder) = options.get_filename().parent().filter(|folder| *folder != Path::new("")) {
            tokio::fs::create_dir_all(folder)
                .await
                .map_err(|error| StorageError::Unavailable(error.into()))?;
        }
        let separator = if url.contains('?') { '&' } else { '?' };
        Ok(format!("{url}{separator}mode=rwc"))
    }

    /// Connections that may write.
    pub(super) fn writers(self) -> u32 {
        match self {
            Self::Sqlite => 1,
            Self::Postgres => REMOTE_CONNECTIONS,
        }
    }

    /// Connections for reading only; `None` where writers and readers need no telling apart.
    pub(super) fn readers(self) -> Option<u32> {
        match self {
            Self::Sqlite => Some(SQLITE_READERS),
            Self::Postgres => None,
        }
    }

    /// Whether a connection can die while nobody looks, and must be tried before it is used.
    pub(super) fn is_remote(self) -> bool {
        self != Self::Sqlite
    }

    /// What a new connection is told first.
    pub(super) fn session(self) -> &'static str {
        match self {
            Self::Sqlite => SQLITE_SESSION,
            Self::Postgres => POSTGRES_SESSION,
        }
    }

    /// What the connection is told that makes the tables: migrations may take their time.
    pub(super) fn migration_session(self) -> &'static str {
        match self {
            Self::Sqlite => SQLITE_SESSION,
            Self::Postgres => "",
        }
    }

    /// How a transaction begins that will write. SQLite takes the write lock at once: one that begins as a reader
    /// fails at its first write when another program has written since. Elsewhere transactions run side by side, and
    /// each statement sees what was committed before it, also when the server's default is another: whoever waited
    /// for a row's lock then sees the row as it is.
    pub(super) fn begin(self) -> &'static str {
        match self {
            Self::Sqlite => "begin immediate",
            Self::Postgres => "begin isolation level read committed",
        }
    }

    /// A statement of ours in the engine's spelling of placeholders, which is ours.
    pub(super) fn sql(self, text: &'static str) -> SqlStr {
        text.into_sql_str()
    }

    /// A `select` by which a transaction locks the rows that it finds, in their order, against all who would change or
    /// lock them. SQLite has one writer, and nothing to lock.
    pub(super) fn locking(self, text: &'static str) -> SqlStr {
        match self {
            Self::Sqlite => text.into_sql_str(),
            // Not as strong as `for update`, so that rows may refer to these meanwhile.
            Self::Postgres => AssertSqlSafe(format!("{text} for no key update")).into_sql_str(),
        }
    }

    /// A statement that inserts `rows` rows, placeholders running from left to right and top to bottom.
    pub(super) fn insert(self, insert: &Insert, rows: usize) -> SqlStr {
        let Insert { table, columns, on_conflict } = insert;
        let width = columns.len();
        debug_assert!(rows * width <= BIND_PARAMETERS_MAX, "{rows} rows of {table} exceed one statement");
        let values = vec![parameters(width); rows].join(", ");
        let conflict = on_conflict_clause(on_conflict, columns);
        let names = columns.join(", ");
        self.assembled(format!("insert into {table} ({names}) values {values} {conflict}"))
    }

    /// A statement followed by a list of parameters.
    pub(super) fn among(self, text: &str, count: usize) -> SqlStr {
        self.assembled(format!("{text}{}", parameters(count)))
    }

    /// A statement that was put together from our own pieces, with `?` for each parameter and for nothing else.
    ///
    /// SQLite gets them as they are: it looks a `$2304` up by walking past the 2303 before it, which made long inserts
    /// take nearly twice as long.
    pub(super) fn assembled(self, text: String) -> SqlStr {
        match self {
            Self::Sqlite => AssertSqlSafe(text).into_sql_str(),
            Self::Postgres => AssertSqlSafe(numbered(&text)).into_sql_str(),
        }
    }

    /// How this engine searches texts.
    pub(super) fn search(self) -> &'static Search {
        match self {
            Self::Sqlite => &search::SQLITE,
            Self::Postgres => &search::POSTGRES,
        }
    }

    /// Whether a unique violation is about this column. SQLite tells only in its message.
    pub(super) fn names_column(self, error: &dyn DatabaseError, table: &str, column: &str) -> bool {
        match self {
            Self::Sqlite => error.message().ends_with(&format!("{table}.{column}")),
            Self::Postgres => error.constraint().is_some_and(|name| name == format!("{table}_{column}_key")),
        }
    }
}

/// So many placeholders, in parentheses.
fn parameters(count: usize) -> String {
    format!("({})", vec!["?"; count].join(", "))
}

/// `$1`, `$2`, … instead of each `?`.
fn numbered(text: &str) -> String {
    let mut pieces = text.split('?');
    let mut numbered = pieces.next().unwrap_or_default().to_owned();
    for (number, piece) in (1..).zip(pieces) {
        numbered.push_str(&format!("${number}{piece}"));
    }
    numbered
}

fn on_conflict_clause(on_conflict: &OnConflict, columns: &[&str]) -> String {
    match on_conflict {
        OnConflict::Skip => "on conflict do nothing".to_owned(),
        OnConflict::Replace { key } => {
            let others = columns.iter().filter(|column| *column != key);
            let updates: Vec<String> = others.map(|column| format!("{column} = excluded.{column}")).collect();
            format!("on conflict ({key}) do update set {}", updates.join(", "))
        }
    }
}

/// What a caller can do about an error of the engine, by the engine's own codes.
pub(super) fn kind(error: &dyn DatabaseError) -> ErrorKind {
    let code = error.code().unwrap_or_default();
    if error.try_downcast_ref::<SqliteError>().is_some() {
        sqlite_kind(&code)
    } else if error.try_downcast_ref::<PgDatabaseError>().is_some() {
        postgres_kind(&code)
    } else {
        ErrorKind::Internal
    }
}

fn sqlite_kind(code: &str) -> ErrorKind {
    // The lowest byte is the primary code, the rest tells more (https://sqlite.org/rescode.html).
    match code.parse::<u32>().unwrap_or_default() & 0xff {
        // busy, locked, out of memory, read-only, i/o error, disk full, cannot open
        5 | 6 | 7 | 8 | 10 | 13 | 14 => ErrorKind::Unavailable,
        // corrupt, not a database
        11 | 26 => ErrorKind::Corrupt,
        _ => ErrorKind::Internal,
    }
}

/// By class, the first two signs (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
fn postgres_kind(code: &str) -> ErrorKind {
    match (code.get(..2).unwrap_or_default(), code) {
        // no connection; not let in; no such database; deadlock, in which another transaction won; out of disk, memory or
        // connections; shutting down or cancelled for taking too long; input or output; a standby that is read only
        ("08" | "28" | "3D" | "40" | "53" | "57" | "58", _) | (_, "25006" | "55P03") => {
            ErrorKind::Unavailable
        }
        (_, "XX001" | "XX002") => ErrorKind::Corrupt,
        _ => ErrorKind::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_engine_is_refused_without_showing_the_password() {
        let error = Dialect::of_url("oracle://ann:secret@db/x").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert_eq!(
            error.to_string(),
            "expected a database URL sqlite://<path> or postgres://…, got one that begins with \"oracle\""
        );
        for bad in ["data/tickroom.db", "", "sqlite::memory:", "sqlite://x?mode=memory"] {
            assert!(Dialect::of_url(bad).is_err(), "{bad:?}");
        }
        assert!(Dialect::of_url("sqlite://data/memory.db").is_ok());
    }

    #[test]
    fn an_insert_has_a_placeholder_for_every_value() {
        let insert = Insert { table: "pair", columns: &["a", "b"], on_conflict: OnConflict::Skip };
        assert_eq!(
            Dialect::Sqlite.insert(&insert, 2).as_str(),
            "insert into pair (a, b) values (?, ?), (?, ?) on conflict do nothing"
        );
        let insert = Insert { on_conflict: OnConflict::Replace { key: "a" }, ..insert };
        assert_eq!(
            Dialect::Sqlite.insert(&insert, 1).as_str(),
            "insert into pair (a, b) values (?, ?) on conflict (a) do update set b = excluded.b"
        );
        assert_eq!(
            Dialect::Postgres.insert(&insert, 2).as_str(),
            "insert into pair (a, b) values ($1, $2), ($3, $4) on conflict (a) do update set b = excluded.b"
        );
    }

    #[test]
    fn what_a_server_is_short_of_may_come_back() {
        for code in ["08006", "53300", "57P01", "57014", "40P01", "25006"] {
            assert_eq!(postgres_kind(code), ErrorKind::Unavailable, "{code}");
        }
        for code in ["42601", "22003", ""] {
            assert_eq!(postgres_kind(code), ErrorKind::Internal, "{code}");
        }
        assert_eq!(postgres_kind("XX001"), ErrorKind::Corrupt);
    }
}
