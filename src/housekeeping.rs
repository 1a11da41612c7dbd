//! What has to be done now and then: what is of no use any more is deleted, because it costs room or says something about
//! somebody. A deletion that fails is reported, and comes again with the next round.

use metrics_exporter_prometheus::PrometheusHandle;
use tickroom_storage::TimestampMs;
use tickroom_storage::account::Accounts;
use tickroom_storage::activity::SqlActivityLog;
use tickroom_storage::engine::Database;
use tickroom_storage::notification::Notifications;
use tickroom_storage::picture::Pictures;
use tickroom_storage::post::Posts;
use tickroom_storage::token::Tokens;

use crate::limits::{PURGE_INTERVAL, UNPROVED_KEPT_FOR};
use crate::telemetry;

/// What has to be done now and then, for as long as the server runs.
pub(crate) async fn keep_house(
    metrics: PrometheusHandle,
    database: Database,
    pictures: Pictures,
    is_proof_required: bool,
) {
    let posts = Posts::new(database.clone());
    let (tokens, accounts) = (Tokens::new(database.clone()), Accounts::new(database.clone()));
    let unproved = async {
        if is_proof_required {
            purge_unproved(accounts.clone()).await;
        }
    };
    let people = async { tokio::join!(purge(tokens, accounts.clone()), unproved) };
    let purging = async { tokio::join!(people, purge_posts(posts), purge_events(database)) };
    tokio::join!(telemetry::upkeep(metrics), purging, sweep(pictures));
}

/// Deletes what people were told and did so long ago that nobody looks for it.
async fn purge_events(database: Database) {
    let (notifications, activity) = (Notifications::new(database.clone()), SqlActivityLog::new(database));
    let mut interval = tokio::time::interval(PURGE_INTERVAL);
    loop {
        interval.tick().await;
        let now = TimestampMs::now();
        match notifications.purge(now).await {
            Ok(purged) => tracing::debug!(purged, "old notifications purged"),
            Err(error) => tracing::warn!(%error, "old notifications could not be purged"),
        }
        match activity.purge(now).await {
            Ok(purged) => tracing::debug!(purged, "old activity purged"),
            Err(error) => tracing::warn!(%error, "old activity could not be purged"),
        }
    }
}

/// Deletes pictures that are nobody's any more.
async fn sweep(pictures: Pictures) {
    let mut interval = tokio::time::interval(PURGE_INTERVAL);
    loop {
        interval.tick().await;
        match pictures.sweep(TimestampMs::now()).await {
            Ok(swept) => tracing::debug!(swept, "unused pictures deleted"),
            Err(error) => tracing::warn!(%error, "unused pictures could not be deleted"),
        }
    }
}

/// Deletes logins and mail links that have expired: they are of no use, and say where somebody was.
async fn purge(tokens: Tokens, accounts: Accounts) {
    let mut interval = tokio::time::interval(PURGE_INTERVAL);
    loop {
        interval.tick().await;
        let now = TimestampMs::now();
        match tokens.purge_expired(now).await {
            Ok(purged) => tracing::debug!(purged, "expired logins purged"),
            Err(error) => tracing::warn!(%error, "expired logins could not be purged"),
        }
        match accounts.purge_expired(now).await {
            Ok(purged) => tracing::debug!(purged, "expired links purged"),
            Err(error) => tracing::warn!(%error, "expired links could not be purged"),
        }
    }
}

/// Deletes accounts whose owner never showed that the address is hers.
async fn purge_unproved(accounts: Accounts) {
    let mut interval = tokio::time::interval(PURGE_INTERVAL);
    loop {
        interval.tick().await;
        let now = TimestampMs::now();
        match accounts.purge_unproved(now.minus(UNPROVED_KEPT_FOR), now).await {
            Ok(purged) => tracing::debug!(purged, "accounts that were never proved purged"),
            Err(error) => tracing::warn!(%error, "accounts that were never proved could not be purged"),
        }
    }
}

/// Forgets who looked at which post and which requests may come again, after a day: nobody needs to know for longer.
async fn purge_posts(posts: Posts) {
    let mut interval = tokio::time::interval(PURGE_INTERVAL);
    loop {
        interval.tick().await;
        match posts.purge(TimestampMs::now()).await {
            Ok(purged) => tracing::debug!(purged, "old views and requests purged"),
            Err(error) => tracing::warn!(%error, "old views and requests could not be purged"),
        }
    }
}
