//! The migrations: each has a number, a name, and a file for every engine.

use std::borrow::Cow;

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType};

use super::dialect::Dialect;

/// One step, in the words of each engine.
struct Step {
    version: i64,
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

/// Reads the files of each step: of `14 "0014" "market_activation"`, `migrations/sqlite/0014_market_activation.sql` and
/// the one beside it for each other engine. A file that is missing does not compile.
macro_rules! steps {
    ($($version:literal $number:literal $name:literal),+ $(,)?) => {
        &[$(Step {
            version: $version,
            name: $name,
            sqlite: include_str!(concat!("../../../migrations/sqlite/", $number, "_", $name, ".sql")),
            postgres: include_str!(concat!("../../../migrations/postgres/", $number, "_", $name, ".sql")),
        }),+]
    };
}

/// One per noun, in the order in which they refer to each other.
const STEPS: &[Step] = steps! {
    1 "0001" "user",
    2 "0002" "token",
    3 "0003" "market",
    4 "0004" "room",
    5 "0005" "message",
    6 "0006" "account",
    7 "0007" "profile",
    8 "0008" "follow",
    9 "0009" "post",
    10 "0010" "comment",
    11 "0011" "candle",
    12 "0012" "event",
    13 "0013" "notification",
    14 "0014" "market_activation",
    15 "0015" "post_index",
    16 "0016" "moderation",
};

impl Dialect {
    /// All migrations for this engine.
    pub(super) fn migrations(self) -> Vec<Migration> {
        let migration = |step: &Step| {
            let text = match self {
                Self::Sqlite => step.sqlite,
                Self::Postgres => step.postgres,
            };
            let name = Cow::Borrowed(step.name);
            Migration::new(step.version, name, MigrationType::Simple, text.into_sql_str(), false)
        };
        STEPS.iter().map(migration).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use sqlx::migrate::Migrator;
    use sqlx::{AnyConnection, Connection, Executor};

    use super::*;

    /// The tables as they were before the last steps were written, brought up to date with what is in them.
    #[tokio::test]
    async fn posts_from_before_letters_were_indexed_are_found_by_letters() {
        sqlx::any::install_default_drivers();
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/old.db?mode=rwc", folder.path().display());
        let mut connection = AnyConnection::connect(&url).await.unwrap();
        let steps = Dialect::Sqlite.migrations();
        let old = steps.iter().filter(|step| step.version < 15).cloned().collect();
        Migrator::with_migrations(old).run(&mut connection).await.unwrap();
        let add =
            "insert into post_search (rowid, words) values (1, '비트 트코 코인 인 tc c '), (2, '구리 리 ')";
        let edit = "delete from post_search where rowid = 2; \
            insert into post_search (rowid, words) values (2, '오른 른다 다 ')";
        for text in [add, edit] {
            connection.execute(text).await.unwrap();
        }
        Migrator::with_migrations(steps).run(&mut connection).await.unwrap();
        for (words, found) in [
            ("\"코\"", vec![1]),
            ("\"c\"", vec![1]),
            ("\"t\"", vec![1]),
            ("\"비트 트코\"", vec![1]),
            ("\"코인 비트\"", vec![]),
            ("\"른\"", vec![2]),
            ("\"구\"", vec![]),
        ] {
            let select = sqlx::query_scalar("select rowid from post_search where post_search match $1");
            let rows: Vec<i64> = select.bind(words).fetch_all(&mut connection).await.unwrap();
            assert_eq!(rows, found, "{words}");
        }
    }

    #[test]
    fn every_engine_has_the_same_migrations_and_each_is_run() {
        let listed: BTreeSet<String> =
            STEPS.iter().map(|step| format!("{:04}_{}.sql", step.version, step.name)).collect();
        assert_eq!(listed.len(), STEPS.len(), "two migrations have one number and name");
        for engine in ["sqlite", "postgres"] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(engine);
            let files = fs::read_dir(folder).unwrap();
            let files: BTreeSet<String> =
                files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
            assert_eq!(files, listed, "{engine}");
        }
        assert!(STEPS.is_sorted_by(|one, next| one.version < next.version));
    }
}
