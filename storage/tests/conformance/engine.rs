//! The database as such: opening, sharing, closing.

use std::sync::Arc;

use tickroom_storage::engine::Database;
use tickroom_storage::message::{Appended, MessageLog, PageBound, SqlMessageLog};
use tickroom_storage::room::Rooms;
use tickroom_storage::{ErrorKind, Offset};
use tokio::task::JoinSet;

use crate::message::said;
use crate::{Sqlite, at, room};

#[tokio::test]
async fn what_was_written_is_there_after_reopening() {
    let sqlite = Sqlite::new().await;
    Rooms::new(sqlite.database.clone()).ensure(&[room("KRW-BTC")], at(0)).await.unwrap();
    sqlite.database.close().await;

    let again = sqlite.again().await;
    again.ping().await.unwrap();
    assert_eq!(Rooms::new(again).list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_closed_database_is_unavailable_and_says_no_more() {
    let sqlite = Sqlite::new().await;
    sqlite.database.close().await;
    let error = sqlite.database.ping().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(error.to_string(), "the storage engine is unavailable");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_corrupt() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tickroom.db");
    std::fs::write(&path, "what a human left here by mistake ".repeat(100)).unwrap();
    let error = Database::connect(&format!("sqlite://{}", path.display())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn a_place_that_cannot_be_opened_is_unavailable() {
    let folder = tempfile::tempdir().unwrap();
    let error = Database::connect(&format!("sqlite://{}", folder.path().display())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixteen_writers_and_readers_never_fail_for_being_many() {
    let sqlite = Sqlite::new().await;
    write_and_read([sqlite.database.clone(), sqlite.again().await]).await;
}

/// Half of the sixteen go through a second set of connections, as another process would.
pub(crate) async fn write_and_read(databases: [Database; 2]) {
    let logs = databases.map(|database| Arc::new(SqlMessageLog::new(database)));
    let mut writers = JoinSet::new();
    for writer in 0..16_i64 {
        let log = Arc::clone(&logs[usize::try_from(writer % 2).unwrap()]);
        writers.spawn(async move {
            let name = format!("KRW-W{writer}");
            for turn in 0..20 {
                let batch: Vec<_> =
                    (1..=5).map(|n| said(&name, writer * 1_000 + turn * 5 + n, turn * 5 + n)).collect();
                assert_eq!(log.append(&batch).await.unwrap(), [Appended::Stored; 5]);
                assert_eq!(log.page(&room(&name), PageBound::Latest, 5).await.unwrap().len(), 5);
            }
        });
    }
    writers.join_all().await;
    for writer in 0..16 {
        assert_eq!(logs[0].tail(&room(&format!("KRW-W{writer}"))).await.unwrap(), Some(Offset::new(100)));
    }
}
