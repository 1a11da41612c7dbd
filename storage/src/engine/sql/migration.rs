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

    use super::*;

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
