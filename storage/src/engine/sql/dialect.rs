//! All that differs between the SQL engines. The statements themselves are the same everywhere.

use std::path::Path;

use sqlx::error::DatabaseError;
use sqlx::migrate::{Migration, MigrationType};
use sqlx::sqlite::{SqliteConnectOptions, SqliteError};
use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use super::search::{self, Search};
use crate::limits::{BIND_PARAMETERS_MAX, SQLITE_READERS};
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

/// Version, name and text; one file per noun, in the order in which they refer to each other.
const SQLITE_MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "user", include_str!("../../../migrations/sqlite/0001_user.sql")),
    (2, "token", include_str!("../../../migrations/sqlite/0002_token.sql")),
    (3, "market", include_str!("../../../migrations/sqlite/0003_market.sql")),
    (4, "room", include_str!("../../../migrations/sqlite/0004_room.sql")),
    (5, "message", include_str!("../../../migrations/sqlite/0005_message.sql")),
    (6, "account", include_str!("../../../migrations/sqlite/0006_account.sql")),
    (7, "profile", include_str!("../../../migrations/sqlite/0007_profile.sql")),
    (8, "follow", include_str!("../../../migrations/sqlite/0008_follow.sql")),
    (9, "post", include_str!("../../../migrations/sqlite/0009_post.sql")),
    (10, "comment", include_str!("../../../migrations/sqlite/0010_comment.sql")),
    (11, "candle", include_str!("../../../migrations/sqlite/0011_candle.sql")),
    (12, "event", include_str!("../../../migrations/sqlite/0012_event.sql")),
    (13, "notification", include_str!("../../../migrations/sqlite/0013_notification.sql")),
    (14, "market_activation", include_str!("../../../migrations/sqlite/0014_market_activation.sql")),
];

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
}

impl Dialect {
    pub(super) fn of_url(url: &str) -> Result<Self, StorageError> {
        // A database in memory would be another one for each connection.
        let in_memory = url.contains(":memory:") || url.contains("mode=memory");
        match url.split_once(':') {
            Some(("sqlite", rest)) if rest.starts_with("//") && !in_memory => Ok(Self::Sqlite),
            // Not the whole URL: it may hold a password.
            scheme => Err(StorageError::Invalid(format!(
                "expected a database URL sqlite://<path>, got one that begins with {:?}",
                scheme.map_or("", |(scheme, _)| scheme)
            ))),
        }
    }

    /// Makes way for a database that is a file, and says that it may be created.
    pub(super) async fn prepare_url(self, url: &str) -> Result<String, StorageError> {
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
        1
    }

    /// Connections for reading only; `None` where writers and readers need no telling apart.
    pub(super) fn readers(self) -> Option<u32> {
        Some(SQLITE_READERS)
    }

    /// Whether a connection can die while nobody looks, and must be tried before it is used.
    pub(super) fn is_remote(self) -> bool {
        false
    }

    /// What a new connection is told first.
    pub(super) fn session(self) -> &'static str {
        SQLITE_SESSION
    }

    /// How a transaction begins that will write. SQLite takes the write lock at once: one that begins as a reader
    /// fails at its first write when another program has written since.
    pub(super) fn begin(self) -> &'static str {
        "begin immediate"
    }

    /// A statement of ours in the engine's spelling of placeholders, which is ours.
    pub(super) fn sql(self, text: &'static str) -> SqlStr {
        text.into_sql_str()
    }

    /// A statement that inserts `rows` rows, placeholders running from left to right and top to bottom.
    pub(super) fn insert(self, insert: &Insert, rows: usize) -> SqlStr {
        let Insert { table, columns, on_conflict } = insert;
        let width = columns.len();
        debug_assert!(rows * width <= BIND_PARAMETERS_MAX, "{rows} rows of {table} exceed one statement");
        let values = vec![self.parameters(width); rows].join(", ");
        let conflict = on_conflict_clause(on_conflict, columns);
        let names = columns.join(", ");
        AssertSqlSafe(format!("insert into {table} ({names}) values {values} {conflict}")).into_sql_str()
    }

    /// A statement followed by a list of parameters.
    pub(super) fn among(self, text: &str, parameters: usize) -> SqlStr {
        AssertSqlSafe(format!("{text}{}", self.parameters(parameters))).into_sql_str()
    }

    /// A statement that was put together from our own pieces, with `?` for each parameter.
    pub(super) fn assembled(self, text: String) -> SqlStr {
        AssertSqlSafe(text).into_sql_str()
    }

    /// So many placeholders, in parentheses. Bare ones, because SQLite looks a `$2304` up by walking past the 2303
    /// before it, which made long inserts take nearly twice as long.
    fn parameters(self, count: usize) -> String {
        format!("({})", vec!["?"; count].join(", "))
    }

    pub(super) fn migrations(self) -> Vec<Migration> {
        let migration = |&(version, name, text): &(i64, &'static str, &'static str)| {
            Migration::new(version, name.into(), MigrationType::Simple, text.into_sql_str(), false)
        };
        SQLITE_MIGRATIONS.iter().map(migration).collect()
    }

    /// How this engine searches texts.
    pub(super) fn search(self) -> &'static Search {
        &search::SQLITE
    }

    /// Whether a unique violation is about this column. SQLite tells only in its message.
    pub(super) fn names_column(self, error: &dyn DatabaseError, table: &str, column: &str) -> bool {
        error.message().ends_with(&format!("{table}.{column}"))
    }
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
    let Some(sqlite) = error.try_downcast_ref::<SqliteError>() else {
        return ErrorKind::Internal;
    };
    // The lowest byte is the primary code, the rest tells more (https://sqlite.org/rescode.html).
    let code = sqlite.code().and_then(|code| code.parse::<u32>().ok()).unwrap_or_default() & 0xff;
    match code {
        // busy, locked, out of memory, read-only, i/o error, disk full, cannot open
        5 | 6 | 7 | 8 | 10 | 13 | 14 => ErrorKind::Unavailable,
        // corrupt, not a database
        11 | 26 => ErrorKind::Corrupt,
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
            "expected a database URL sqlite://<path>, got one that begins with \"oracle\""
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
    }
}
