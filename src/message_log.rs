//! Which engine keeps the messages.

use std::sync::Arc;

use anyhow::Context;
use secrecy::ExposeSecret;
use tickroom_storage::engine::Database;
use tickroom_storage::message::{MessageLog, MongoMessageLog, SqlMessageLog, TellingMentions};
use tickroom_storage::{ErrorKind, StorageError};

use crate::config::Storage;

/// The message log, and how it was found.
pub struct Opened {
    /// The log.
    pub log: Arc<dyn MessageLog>,
    /// Whether it answers.
    pub answers: bool,
}

/// MongoDB if it is configured, else the relational database.
///
/// A MongoDB that does not answer does not keep the server from starting, since there is more to it than rooms; it is not
/// ready until MongoDB has answered once (`/health/ready`). When it answers and something is wrong, the server does not
/// start.
///
/// # Errors
///
/// For a URL that makes no sense, and indexes that cannot be made.
pub async fn open(config: &Storage, database: &Database) -> anyhow::Result<Opened> {
    let Some(url) = &config.mongodb_url else {
        return Ok(Opened { log: Arc::new(SqlMessageLog::new(database.clone())), answers: true });
    };
    let log = MongoMessageLog::connect(url.expose_secret(), config.message_ttl).await?;
    let answers = match log.prepare().await {
        Err(error) if error.kind() == ErrorKind::Unavailable => {
            tracing::warn!(error = cause(&error), "mongodb does not answer, rooms open when it does");
            false
        }
        prepared => {
            prepared.context("MongoDB does not take the message log's indexes")?;
            true
        }
    };
    let log = TellingMentions::new(log, database.clone());
    Ok(Opened { log: Arc::new(log), answers })
}

/// What is behind an error, for operators.
fn cause(error: &StorageError) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}
