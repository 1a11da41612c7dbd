//! Everything in PostgreSQL, and what people notice when it is away.

use serde_json::json;
use tickroom_storage::engine::Database;

use crate::durability::expect_acked;
use crate::harness::{Engine, Process, Proxy, TestServer, Way, eventually};
use crate::mongodb::{Acks, ready, talk, until_route};

const ROOM: &str = "KRW-BTC";

/// A PostgreSQL of one test that answers, and the URL of its database.
async fn postgres() -> (Engine, String) {
    let mut postgres = Engine::down("postgres");
    postgres.start().await;
    let url = format!("postgres://tickroom@{}/postgres", postgres.address);
    eventually("an answer of PostgreSQL", async || Database::connect(&url).await.is_ok()).await;
    (postgres, url)
}

#[tokio::test]
#[ignore = "needs PostgreSQL, see ops/services"]
async fn what_people_did_is_there_after_kill_9_of_the_server_on_postgres() {
    let (_postgres, url) = postgres().await;
    let folder = tempfile::tempdir().unwrap();
    let server = Process::serve_with(folder.path(), &[("DATABASE_URL", &url)]);
    let (ann, bo) = (server.user("ann").await, server.user("조아라").await);
    bo.follow(&ann).await;
    let post = ann.post("비트코인 시황", "for @조아라 #btc $KRW-BTC").await;
    bo.comment(&post, "well, @ann").await;
    bo.is_told(&["mention"]).await;
    ann.is_told(&["comment", "follow"]).await;
    let ack = ann.enter(ROOM).await.say_and_wait("1", "hello").await;
    server.kill();

    let server = Process::serve_with(folder.path(), &[("DATABASE_URL", &url)]);
    let ann = server.log_in("ann").await;
    ann.is_told(&["comment", "follow"]).await;
    let found = ann.get("/api/posts?q=트코&tag=btc&market=KRW-BTC").await.expect_status(200).json();
    assert_eq!((&found["posts"][0]["id"], &found["posts"][0]["comment_count"]), (&post["id"], &json!(1)));
    let people = ann.get("/api/users?q=아").await.expect_status(200).json();
    assert_eq!(people["users"][0]["username"], "조아라");
    ann.get("/api/users?q=a%00b").await.expect_status(200);
    let mut room = ann.enter(ROOM).await;
    room.say_and_wait("2", "again").await;
    let history = server.history(ROOM).await;
    assert_eq!((history.len(), &history[0]["id"]), (2, &ack["messageId"]));
}

/// Talks while the way to PostgreSQL is as said, then with an open way, and holds that everything acked is there once.
async fn talk_through(way: Way) {
    let (postgres, _) = postgres().await;
    let proxy = Proxy::to(postgres.address).await;
    let url = format!("postgres://tickroom@{}/postgres", proxy.address);
    let server = TestServer::without_prices(&[("storage.database_url", &url)]).await;
    let ann = server.user("ann").await;
    let mut socket = ann.enter(ROOM).await;
    let mut acks = Acks::new();
    talk(&mut socket, &mut acks).await;

    proxy.set(way);
    for _ in 0..4 {
        talk(&mut socket, &mut acks).await;
    }
    let view = ready(&server).await;
    assert_eq!(view["writer"]["route"], "spill", "{view}");
    server.get(&format!("/api/rooms/{ROOM}/messages")).await.expect_problem(503, "unavailable");
    server.get("/api/posts").await.expect_problem(503, "unavailable");

    proxy.set(Way::Open);
    until_route(&server, "log").await;
    talk(&mut socket, &mut acks).await;
    expect_acked(&server.history(ROOM).await, &acks);
    ann.post("title", "everything else goes on, too").await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL, see ops/services"]
async fn a_cut_way_to_postgres_costs_no_message() {
    talk_through(Way::Cut).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL, see ops/services"]
async fn a_silent_way_to_postgres_costs_no_message() {
    talk_through(Way::Silent).await;
}
