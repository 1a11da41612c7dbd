//! What every engine must do, one file per noun. A case takes a store and knows nothing of the engine below it;
//! `on_every_engine!` makes a test of each case for each engine.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed, as it should"
)]

use tempfile::TempDir;
use tickroom_storage::engine::Database;
use tickroom_storage::{RoomName, TimestampMs};

/// Makes one test per engine and case; `$store` makes what the cases take from a fresh database.
macro_rules! on_every_engine {
    ($store:expr => $($case:ident),+ $(,)?) => {
        mod sqlite {
            use super::*;

            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $case() {
                    let sqlite = $crate::Sqlite::new().await;
                    let store = $store;
                    super::$case(store(sqlite.database.clone())).await;
                }
            )+
        }

        mod postgres {
            use super::*;

            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                #[ignore = "needs a server, see ops/services"]
                async fn $case() {
                    let postgres = $crate::postgres::Postgres::new().await;
                    let store = $store;
                    super::$case(store(postgres.database.clone())).await;
                }
            )+
        }
    };
}

/// The same for cases that take a message log, which MongoDB serves as well. Their file imports `SqlMessageLog`.
macro_rules! on_every_log {
    ($($case:ident),+ $(,)?) => {
        on_every_engine!(SqlMessageLog::new => $($case),+);

        mod mongodb {
            use crate::mongodb::Mongodb;

            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                #[ignore = "needs a server, see ops/services"]
                async fn $case() {
                    super::$case(Mongodb::new().await.log()).await;
                }
            )+
        }
    };
}

mod account;
mod activity;
mod candle;
mod comment;
mod engine;
mod event;
mod follow;
mod import;
mod market;
mod message;
mod moderation;
mod mongodb;
mod notification;
mod picture;
mod post;
mod postgres;
mod profile;
mod room;
mod token;
mod user;

/// A fresh database in a folder of its own, gone when the test ends.
struct Sqlite {
    database: Database,
    folder: TempDir,
}

impl Sqlite {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::connect(&url(&folder)).await.unwrap();
        Self { database, folder }
    }

    /// The same database as another process would open it.
    async fn again(&self) -> Database {
        Database::connect(&url(&self.folder)).await.unwrap()
    }
}

fn url(folder: &TempDir) -> String {
    format!("sqlite://{}/made/on/demand/tickroom.db", folder.path().display())
}

fn room(name: &str) -> RoomName {
    name.parse().unwrap()
}

/// So many milliseconds into the test's time.
fn at(millis: i64) -> TimestampMs {
    TimestampMs::new(1_714_555_800_000 + millis)
}
