//! MongoDB as such: a database for each test, indexes, and a server that is not there.

use std::env;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use mongodb::Client;
use mongodb::bson::{DateTime, Document, doc};
use tickroom_storage::ErrorKind;
use tickroom_storage::message::{
    Import, MessageLog, MongoMessageLog, OriginalMessages, PageBound, TellingMentions, Unfit,
};

use crate::event::{self, BO, CHO, Empty, World};
use crate::message::said;
use crate::{Sqlite, room};

/// The server that the tests use.
const VARIABLE: &str = "TICKROOM_TEST_MONGODB_URL";

static DATABASES: AtomicU32 = AtomicU32::new(0);

/// A fresh database on the server that is told to the tests. It stays: the server throws everything away in the end.
pub(crate) struct Mongodb {
    url: String,
    name: String,
    log: MongoMessageLog,
}

impl Mongodb {
    pub(crate) async fn new() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "where the server is, tests are told by the environment"
        )]
        let server = env::var(VARIABLE).unwrap_or_else(|_| panic!("{VARIABLE} is not set, see ops/services"));
        let number = DATABASES.fetch_add(1, Ordering::Relaxed);
        let name = format!("tickroom_test_{}_{number}", std::process::id());
        let (host, options) = server.split_once("/?").unwrap_or((&server, ""));
        let url = format!("{host}/{name}?{options}");
        let log = MongoMessageLog::connect(&url, None).await.unwrap();
        Self { url, name, log }
    }

    pub(crate) fn log(&self) -> MongoMessageLog {
        self.log.clone()
    }

    /// The same database for another process, with messages that expire.
    async fn expiring(&self, ttl: Option<Duration>) -> MongoMessageLog {
        MongoMessageLog::connect(&self.url, ttl).await.unwrap()
    }

    async fn index(&self, name: &str) -> Option<Document> {
        let database = Client::with_uri_str(&self.url).await.unwrap().database(&self.name);
        let answer = database.run_command(doc! { "listIndexes": "message" }).await.unwrap();
        let indexes = answer.get_document("cursor").unwrap().get_array("firstBatch").unwrap();
        let mut indexes = indexes.iter().map(|index| index.as_document().unwrap());
        indexes.find(|index| index.get_str("name").unwrap() == name).cloned()
    }

    /// After how many seconds messages expire.
    async fn expiry(&self) -> Option<i64> {
        let index = self.index("expiry").await?;
        let seconds = index.get("expireAfterSeconds").unwrap();
        seconds.as_i64().or(seconds.as_i32().map(i64::from))
    }
}

#[tokio::test]
#[ignore = "needs a server, see ops/services"]
async fn messages_expire_as_the_last_start_had_it() {
    let mongodb = Mongodb::new().await;
    for ttl in [None, Some(86_400), Some(3_600), None] {
        let log = mongodb.expiring(ttl.map(Duration::from_secs)).await;
        log.prepare().await.unwrap();
        assert_eq!(mongodb.expiry().await, ttl.map(|seconds| seconds.try_into().unwrap()));
    }
}

#[tokio::test]
#[ignore = "needs a server, see ops/services"]
async fn pages_are_read_by_an_index() {
    let mongodb = Mongodb::new().await;
    mongodb.log.append(&[said("KRW-BTC", 1, 1)]).await.unwrap();
    let index = mongodb.index("room_offset").await.unwrap();
    assert_eq!(index.get_document("key").unwrap(), &doc! { "room": 1, "offset": 1 });
    assert!(index.get_bool("unique").unwrap());
}

#[tokio::test]
#[ignore = "needs a server, see ops/services"]
async fn mentions_are_told_once_also_of_messages_that_were_stored_before_a_crash() {
    let (mongodb, sqlite) = (Mongodb::new().await, Sqlite::new().await);
    let world = World::new(Empty(sqlite.database.clone())).await;
    let telling = TellingMentions::new(mongodb.log(), sqlite.database.clone());
    mongodb.log.append(&[event::said(1, "@bo")]).await.unwrap();
    for _ in 0..2 {
        telling
            .append(&[event::said(1, "@bo"), event::said(2, "@cho"), event::said(3, "hello")])
            .await
            .unwrap();
    }
    assert_eq!(world.mentioned().await, [vec![BO], vec![CHO]]);
}

#[tokio::test]
#[ignore = "needs a server, see ops/services"]
async fn what_is_stored_and_cannot_be_told_of_is_to_be_repeated() {
    let (mongodb, sqlite) = (Mongodb::new().await, Sqlite::new().await);
    let telling = TellingMentions::new(mongodb.log(), sqlite.database.clone());
    sqlite.database.close().await;
    let error = telling.append(&[event::said(1, "@bo")]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    telling.append(&[event::said(2, "hello")]).await.unwrap();
}

#[tokio::test]
#[ignore = "needs a server, see ops/services"]
async fn the_originals_messages_are_read_in_their_order_wrapped_or_not() {
    let mongodb = Mongodb::new().await;
    let flat = |number: i32| {
        let time = DateTime::from_millis(1_714_555_800_000);
        doc! { "chatRoomName": "KRW-BTC", "senderName": "ann", "content": format!("{number}"), "createdAt": time }
    };
    let originals = (1..=1_500).rev().map(|number| match number % 3 {
        0 => doc! { "_id": number, "document": flat(number) },
        1 => doc! { "_id": number, "about": "nothing" },
        _ => {
            let mut document = flat(number);
            document.insert("_id", number);
            document
        }
    });
    let client = Client::with_uri_str(&mongodb.url).await.unwrap();
    client.database(&mongodb.name).collection("messages").insert_many(originals).await.unwrap();

    let mut messages = OriginalMessages::open(&mongodb.url).await.unwrap();
    let mut import = Import::new(&mongodb.log, false);
    for expected in [1_000, 500, 0] {
        let found = messages.next(1_000).await.unwrap();
        assert_eq!(found.len(), expected);
        import.take(found).await.unwrap();
    }
    let report = import.finish();
    assert_eq!(
        (report.read, report.stored[&room("KRW-BTC")], report.skipped[&Unfit::Sender].count),
        (1_500, 1_000, 500)
    );
    let page = mongodb.log.page(&room("KRW-BTC"), PageBound::Latest, 3).await.unwrap();
    assert_eq!(page.iter().map(|message| &*message.content).collect::<Vec<_>>(), ["1497", "1499", "1500"]);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable_soon() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let log = MongoMessageLog::connect(&format!("mongodb://{nobody}"), None).await.unwrap();
    let before = Instant::now();
    assert_eq!(log.append(&[said("KRW-BTC", 1, 1)]).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(
        log.page(&room("KRW-BTC"), PageBound::Latest, 1).await.unwrap_err().kind(),
        ErrorKind::Unavailable
    );
    assert_eq!(log.ping().await.unwrap_err().to_string(), "the storage engine is unavailable");
    assert!(before.elapsed() < Duration::from_secs(15), "{:?}", before.elapsed());
}

#[tokio::test]
async fn a_server_that_swallows_everything_is_unavailable_soon() {
    // Its backlog takes the connection, and nobody ever reads it.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("mongodb://{}/?directConnection=true", silent.local_addr().unwrap());
    let log = MongoMessageLog::connect(&url, None).await.unwrap();
    let before = Instant::now();
    assert_eq!(log.append(&[said("KRW-BTC", 1, 1)]).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(before.elapsed() < Duration::from_secs(10), "{:?}", before.elapsed());
}
