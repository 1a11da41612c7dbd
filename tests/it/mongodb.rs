//! Messages in MongoDB, and what people notice when it is away: nothing that was acked is lost or stands twice.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::durability::{expect_acked, send};
use crate::harness::{
    ChatSocket, Engine, Host, Process, Proxy, TestServer, Way, eventually, fresh_database, shared_mongodb,
};

const ROOM: &str = "KRW-BTC";

/// Messages that are under way together.
const BURST: u64 = 50;

/// What was acked, by the id of the message.
pub(crate) type Acks = BTreeMap<String, Value>;

/// Says a burst of messages, and waits until all are stored.
pub(crate) async fn talk(socket: &mut ChatSocket, acks: &mut Acks) {
    let said = u64::try_from(acks.len()).unwrap();
    send(socket, said..said + BURST).await;
    for _ in 0..BURST {
        let ack = socket.next_of("ACK").await;
        acks.insert(ack["id"].as_str().unwrap().to_owned(), ack);
    }
}

pub(crate) async fn ready(host: &Host) -> Value {
    host.get("/health/ready").await.json()
}

pub(crate) async fn until_route(host: &Host, route: &str) {
    eventually("the writer's other route", async || ready(host).await["writer"]["route"] == route).await;
}

#[tokio::test]
#[ignore = "needs MongoDB, see ops/services"]
async fn what_was_acked_survives_kill_9_of_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let url = fresh_database(shared_mongodb());
    let settings = [("MONGODB_URL", url.as_str())];
    let server = Process::serve_with(folder.path(), &settings);
    let mut socket = server.user("ann").await.enter(ROOM).await;
    let mut acks = Acks::new();
    for _ in 0..10 {
        talk(&mut socket, &mut acks).await;
    }
    // Some of these are under way when it dies.
    send(&mut socket, 500..550).await;
    socket.next_of("ACK").await;
    server.kill();

    let server = Process::serve_with(folder.path(), &settings);
    assert_eq!(ready(&server).await["log"]["engine"], "mongodb");
    // The room is asked before the history, since it decides where the next message goes.
    let mut socket = server.log_in("ann").await.enter(ROOM).await;
    let ack = socket.say_and_wait("after", "after").await;
    let history = server.history(ROOM).await;
    expect_acked(&history, &acks);
    assert_eq!(history.last().unwrap()["id"], ack["messageId"]);
}

#[tokio::test]
#[ignore = "needs MongoDB, see ops/services"]
async fn mongodb_killed_and_started_again_under_traffic_costs_no_message() {
    let mut mongodb = Engine::down("mongodb");
    mongodb.start().await;
    let url = fresh_database(mongodb.address);
    let server = TestServer::without_prices(&[("storage.mongodb_url", &url)]).await;
    let mut socket = server.user("ann").await.enter(ROOM).await;
    let mut acks = Acks::new();
    talk(&mut socket, &mut acks).await;

    mongodb.kill();
    for _ in 0..5 {
        talk(&mut socket, &mut acks).await;
    }
    let view = ready(&server).await;
    assert_eq!(
        (&view["writer"]["route"], &view["log"]["answers"]),
        (&"spill".into(), &false.into()),
        "{view}"
    );
    assert_eq!(view["ready"], true, "rooms that are open go on: {view}");
    server.get(&format!("/api/rooms/{ROOM}/messages")).await.expect_problem(503, "unavailable");

    mongodb.start().await;
    until_route(&server, "log").await;
    talk(&mut socket, &mut acks).await;
    assert_eq!(ready(&server).await["writer"]["spilled"], 0);
    expect_acked(&server.history(ROOM).await, &acks);
}

#[tokio::test]
#[ignore = "needs MongoDB, see ops/services"]
async fn a_server_that_starts_before_mongodb_is_ready_when_it_answers() {
    let mut mongodb = Engine::down("mongodb");
    let url = fresh_database(mongodb.address);
    let server = TestServer::without_prices(&[("storage.mongodb_url", &url)]).await;
    let ann = server.user("ann").await;
    let view = server.get("/health/ready").await.expect_status(503).json();
    assert_eq!((&view["ready"], &view["log"]["answers"]), (&false.into(), &false.into()));

    mongodb.start().await;
    eventually("readiness", async || server.get("/health/ready").await.status == 200).await;
    let mut socket = ann.enter(ROOM).await;
    socket.say_and_wait("1", "first").await;
    assert_eq!(server.history(ROOM).await.len(), 1);
}

/// Talks while the way to MongoDB is as said, then with an open way, and holds that everything acked is there once.
async fn talk_through(way: Way, route: &str) {
    let proxy = Proxy::to(shared_mongodb()).await;
    let url = fresh_database(proxy.address);
    let server = TestServer::without_prices(&[("storage.mongodb_url", &url)]).await;
    let mut socket = server.user("ann").await.enter(ROOM).await;
    let mut acks = Acks::new();
    talk(&mut socket, &mut acks).await;

    proxy.set(way);
    for _ in 0..4 {
        talk(&mut socket, &mut acks).await;
    }
    assert_eq!(ready(&server).await["writer"]["route"], route);

    proxy.set(Way::Open);
    until_route(&server, "log").await;
    talk(&mut socket, &mut acks).await;
    expect_acked(&server.history(ROOM).await, &acks);
}

#[tokio::test]
#[ignore = "needs MongoDB, see ops/services"]
async fn a_cut_way_to_mongodb_costs_no_message() {
    talk_through(Way::Cut, "spill").await;
}

#[tokio::test]
#[ignore = "needs MongoDB, see ops/services"]
async fn a_silent_way_to_mongodb_costs_no_message() {
    talk_through(Way::Silent, "spill").await;
}

#[tokio::test]
#[ignore = "needs MongoDB, see ops/services"]
async fn a_slow_way_to_mongodb_slows_acks_and_nothing_else() {
    talk_through(Way::Slow(Duration::from_millis(200)), "log").await;
}
