//! `tickroom import-messages`: what people said in the system that Tickroom replaces.

use anyhow::Context;
use secrecy::ExposeSecret;
use tickroom_storage::TimestampMs;
use tickroom_storage::engine::Database;
use tickroom_storage::message::{Import, OriginalMessages, Report};
use tickroom_storage::room::Rooms;

use crate::config::Config;
use crate::limits::IMPORT_BATCH;
use crate::message_log;

/// Copies the original's messages into the message log. Says what became of them.
///
/// # Errors
///
/// When one of the databases cannot be opened or stops answering. Whatever was copied is recognised the next time.
pub async fn messages(config: &Config, from: &str, dry_run: bool) -> anyhow::Result<Report> {
    let database = Database::connect(config.storage.database_url.expose_secret()).await?;
    let log = message_log::open(&config.storage, &database).await?.log;
    let mut original =
        OriginalMessages::open(from).await.context("the original's messages cannot be read")?;
    let mut import = Import::new(&*log, dry_run);
    loop {
        let found = original.next(IMPORT_BATCH).await.context("the original's messages cannot be read")?;
        if found.is_empty() {
            break;
        }
        import.take(found).await.context("the message log stopped taking messages; repeat this to go on")?;
    }
    if !dry_run {
        Rooms::new(database.clone()).ensure(&import.rooms(), TimestampMs::now()).await?;
    }
    database.close().await;
    Ok(import.finish())
}
