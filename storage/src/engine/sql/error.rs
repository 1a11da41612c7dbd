//! From the SQL driver's errors to ours.

use sqlx::migrate::MigrateError;

use super::dialect;
use crate::{ErrorKind, StorageError};

impl From<sqlx::Error> for StorageError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        match &error {
            E::Database(e) if e.is_unique_violation() => Self::Taken { field: "id" },
            E::Database(e) if e.is_foreign_key_violation() => Self::NotFound { what: "record to refer to" },
            E::Database(e) => match dialect::kind(&**e) {
                ErrorKind::Unavailable => Self::Unavailable(error.into()),
                ErrorKind::Corrupt => Self::Corrupt(error.into()),
                _ => Self::Internal(error.into()),
            },
            // A connection that ends where it begins is a breach of the protocol, too.
            E::Io(_)
            | E::Protocol(_)
            | E::Tls(_)
            | E::PoolTimedOut
            | E::PoolClosed
            | E::WorkerCrashed
            | E::BeginFailed => Self::Unavailable(error.into()),
            E::ColumnDecode { .. } | E::Decode(_) => Self::Corrupt(error.into()),
            E::Configuration(_) => Self::Invalid("the database URL is malformed".to_owned()),
            _ => Self::Internal(error.into()),
        }
    }
}

impl From<MigrateError> for StorageError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
            // The tables were made by another version of this program.
            other => Self::Corrupt(other.into()),
        }
    }
}
