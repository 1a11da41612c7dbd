//! The Centrifuge protocol over real sockets, by hand: what the SDKs never send is in here, what they do is in
//! `tests/sdk`, and what happens inside in `actors/tests/tree/centrifuge.rs`. The examples of
//! `docs/protocol/centrifuge.md` are what is really sent and answered.

use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{CentrifugeSocket, TestServer, User};

const PATH: &str = "/connection/websocket";
const CHAT: &str = "chat:KRW-BTC";

/// An example of the manual.
fn example(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/protocol/{name}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Holds that two values have the same keys and the same types. Names of connections and users may differ.
fn assert_like(example: &Value, actual: &Value) {
    let key = |key: &String| match key.split_once('#') {
        Some((channel, _)) => channel.to_owned(),
        None if key.len() == 36 => "client".to_owned(),
        None => key.clone(),
    };
    match (example, actual) {
        (Value::Object(one), Value::Object(other)) => {
            let keys = |object: &serde_json::Map<String, Value>| object.keys().map(key).collect::<Vec<_>>();
            assert_eq!(keys(one), keys(other), "{example} {actual}");
            one.values().zip(other.values()).for_each(|(one, other)| assert_like(one, other));
        }
        (Value::Array(one), Value::Array(other)) => {
            assert_eq!(one.len(), other.len(), "{example} {actual}");
            one.iter().zip(other).for_each(|(one, other)| assert_like(one, other));
        }
        (one, other) => {
            assert_eq!(std::mem::discriminant(one), std::mem::discriminant(other), "{example} {actual}");
        }
    }
}

#[tokio::test]
async fn what_the_manual_shows_is_what_happens() {
    let server = TestServer::start().await;
    let (ann, bo) = (server.user("ann").await, server.user("bo").await);
    let mut socket = server.centrifuge().await;
    let mut connect = example("centrifuge-connect");
    connect["connect"]["token"] = ann.access_token.clone().into();
    socket.send_commands(&[connect, example("centrifuge-subscribe")]).await;
    assert_like(&example("centrifuge-connected"), &socket.next_where(|reply| reply["id"] == 1).await);
    let subscribed = socket.next_where(|reply| reply["id"] == 2).await;
    assert_like(&example("centrifuge-subscribed"), &subscribed);
    let join = socket.next_where(|reply| reply["push"]["join"].is_object()).await;
    assert_like(&example("centrifuge-join"), &join);
    let count = socket.next_publication().await;
    assert_eq!(count, example("centrifuge-members"));

    socket.send_commands(&[example("centrifuge-publish")]).await;
    assert_eq!(socket.next_where(|reply| reply["id"] == 3).await, example("centrifuge-published"));
    assert_like(&example("centrifuge-publication"), &socket.next_publication().await);
    let mut refused = example("centrifuge-publish");
    refused["publish"]["data"] = json!({});
    socket.send_commands(&[refused]).await;
    assert_eq!(socket.next_where(|reply| reply["id"] == 3).await, example("centrifuge-error"));

    for (command, result) in [
        ("centrifuge-presence", "centrifuge-presence-result"),
        ("centrifuge-presence-stats", "centrifuge-presence-stats-result"),
        ("centrifuge-history", "centrifuge-history-result"),
        ("centrifuge-unsubscribe", "centrifuge-unsubscribe-result"),
    ] {
        let (command, result) = (example(command), example(result));
        socket.send_commands(std::slice::from_ref(&command)).await;
        assert_like(&result, &socket.next_where(|reply| reply["id"] == command["id"]).await);
    }

    let mut returned = bo.centrifuge().await;
    let mut recover = example("centrifuge-recover");
    recover["subscribe"]["epoch"] = subscribed["subscribe"]["epoch"].clone();
    returned.send_commands(&[recover]).await;
    assert_like(&example("centrifuge-recovered"), &returned.next_where(|reply| reply["id"] == 2).await);
}

#[tokio::test]
async fn a_publication_carries_the_message_as_the_native_dialect_has_it() {
    let server = TestServer::start().await;
    let (ann, bo) = (server.user("ann").await, server.user("bo").await);
    let mut native = ann.enter("KRW-BTC").await;
    let mut socket = bo.centrifuge().await;
    socket.subscribe(CHAT).await;
    native.say("둘\n\"quoted\"").await;
    let (message, push) = (native.next_message().await, socket.next_publication().await);
    assert_eq!(push["push"]["pub"]["data"], message);
    assert_eq!(push["push"]["pub"]["offset"], message["offset"]);
    socket.call("publish", json!({ "channel": CHAT, "data": { "content": "back" } })).await;
    native.expect_message("back").await;
}

#[tokio::test]
async fn the_subprotocol_decides_how_it_is_spelled_and_is_named_in_the_answer() {
    let server = TestServer::without_prices(&[]).await;
    for (offered, chosen) in [
        (None, ""),
        (Some("centrifuge-json"), "centrifuge-json"),
        (Some("centrifuge-protobuf"), "centrifuge-protobuf"),
        (Some("mqtt, centrifuge-protobuf, centrifuge-json"), "centrifuge-protobuf"),
        (Some("mqtt"), ""),
    ] {
        let headers: Vec<_> =
            offered.into_iter().map(|offered| ("Sec-WebSocket-Protocol", offered)).collect();
        let answer = server.handshake(PATH, &headers).await.expect_status(101);
        assert_eq!(answer.header("sec-websocket-protocol"), chosen, "{offered:?}");
    }
}

#[tokio::test]
async fn what_is_no_protocol_is_closed_with_3501() {
    let server = TestServer::without_prices(&[]).await;
    for frame in [
        "",
        "\n",
        "{",
        "[]",
        "null",
        r#"{"id":1}"#,
        r#"{"id":1,"nope":{}}"#,
        r#"{"id":1,"connect":[1]}"#,
        "{}",
    ] {
        let mut socket = server.centrifuge().await;
        socket.send_text(frame).await;
        socket.expect_close(3501).await;
    }
    for frame in ["{}", r#"{"id":2,"connect":{}}"#, r#"{"id":2,"nope":{}}"#, "{}\n\n{}"] {
        let mut socket = server.centrifuge().await;
        socket.connect("").await;
        socket.send_text(frame).await;
        socket.expect_close(3501).await;
    }
}

#[tokio::test]
async fn a_frame_has_64_kib_and_not_a_byte_more() {
    let server = TestServer::without_prices(&[]).await;
    let ping = |bytes: usize| {
        let command = r#"{"id":7,"ping":{}}"#;
        format!("{}{command}", " ".repeat(bytes - command.len()))
    };
    let mut socket = server.centrifuge().await;
    socket.connect("").await;
    socket.send_text(&ping(65_536)).await;
    assert_eq!(socket.next_where(|reply| reply["id"] == 7).await, json!({ "id": 7, "ping": {} }));
    socket.send_text(&ping(65_537)).await;
    socket.expect_close(1009).await;
}

#[tokio::test]
async fn the_handshake_can_prove_who_it_is_and_a_token_in_connect_comes_first() {
    let server = TestServer::start().await;
    let (ann, bo) = (server.user("ann").await, server.user("bo").await);
    let path = format!("{PATH}?ticket={}", ann.ticket().await);
    let by_ticket = server.open(&path, &[]).await;
    let bearer = ann.bearer();
    let by_header = server.open(PATH, &[("Authorization", bearer.as_str())]).await;
    for socket in [by_ticket, by_header] {
        let mut socket = CentrifugeSocket::new(socket);
        let connected = socket.call("connect", json!({})).await;
        assert_eq!(own_channel(&connected), format!("user:#{}", ann.id().await));
        assert!(connected["connect"].get("expires").is_none(), "there is no token to bring: {connected}");
        socket.subscribe(CHAT).await;
    }
    let mut socket = CentrifugeSocket::new(server.open(PATH, &[("Authorization", bearer.as_str())]).await);
    let connected = socket.connect(&bo.access_token).await;
    assert_eq!(own_channel(&connected), format!("user:#{}", bo.id().await));
    server.refusal(PATH, &[("Authorization", "Bearer nonsense")]).await.expect_status(401);
    let cookie = ann.cookie();
    let elsewhere = [("Cookie", cookie.as_str()), ("Origin", "https://elsewhere.example")];
    server.refusal(PATH, &elsewhere).await.expect_status(403);
}

fn own_channel(connected: &Value) -> String {
    connected["connect"]["subs"].as_object().unwrap().keys().next().unwrap().clone()
}

#[tokio::test]
async fn tools_that_know_no_pings_of_the_protocol_get_those_of_websockets() {
    let settings = [("socket.ping_interval_s", "2"), ("socket.pong_timeout_s", "1")];
    let server = TestServer::without_prices(&settings).await;
    let mut socket =
        CentrifugeSocket::new(server.open(&format!("{PATH}?cf_ws_frame_ping_pong=true"), &[]).await);
    let connected = socket.call("connect", json!({})).await;
    assert!(connected["connect"].get("ping").is_none() && connected["connect"].get("pong").is_none());
    // A client of the other kind is asked by an empty object, and closed if it says nothing.
    let mut silent = server.centrifuge().await;
    let connected = silent.connect("").await;
    assert_eq!((&connected["connect"]["ping"], &connected["connect"]["pong"]), (&2.into(), &true.into()));
    assert_eq!(silent.next_text().await, "{}");
    tokio::select! {
        () = silent.expect_close(3012) => {}
        reply = socket.next_where(|reply| reply.is_object()) => panic!("nobody asked for {reply}"),
    }
    assert_eq!(socket.call("ping", json!({})).await["ping"], json!({}), "this one answered by itself");
}

#[tokio::test]
async fn prices_come_at_once_and_anybody_may_watch() {
    let server = TestServer::start().await;
    let mut socket = server.centrifuge().await;
    socket.connect("").await;
    assert_eq!(socket.subscribe("ticker:KRW-BTC").await["subscribe"], json!({}));
    let first = socket.next_publication().await;
    assert_eq!(first["push"]["channel"], "ticker:KRW-BTC");
    assert_eq!(first["push"]["pub"]["data"]["trade_price"], 150_000_000.0);
    assert!(first["push"]["pub"].get("offset").is_none(), "prices are not recovered");
    server.exchange().trade("KRW-BTC", "150001000", "0.01").unwrap();
    let next = socket.next_publication().await;
    assert_eq!(next["push"]["pub"]["data"]["trade_price"], 150_001_000.0);
    for (method, request, code) in [
        ("subscribe", json!({ "channel": CHAT }), 103),
        ("publish", json!({ "channel": CHAT, "data": { "content": "x" } }), 103),
        ("presence", json!({ "channel": CHAT }), 103),
        ("history", json!({ "channel": CHAT }), 103),
        ("history", json!({ "channel": "ticker:KRW-BTC" }), 108),
        ("subscribe", json!({ "channel": "ticker:KRW-NOBODY" }), 102),
        ("subscribe", json!({ "channel": "ticker:KRW-BTC" }), 105),
        ("subscribe", json!({ "channel": "ticker:KRW-ETH", "type": 1 }), 108),
        ("subscribe", json!({ "channel": "ticker:KRW-ETH", "tf": { "key": "x" } }), 107),
        ("rpc", json!({ "method": "x" }), 108),
        ("sub_refresh", json!({ "channel": CHAT, "token": "x" }), 108),
    ] {
        assert_eq!(socket.refused(method, request.clone()).await, code, "{method} {request}");
    }
    socket.call("unsubscribe", json!({ "channel": "ticker:KRW-BTC" })).await;
    server.exchange().trade("KRW-BTC", "150002000", "0.01").unwrap();
    socket.subscribe("ticker:KRW-ETH").await;
    assert_eq!(socket.next_publication().await["push"]["channel"], "ticker:KRW-ETH");
}

#[tokio::test]
async fn candles_come_as_on_their_own_socket() {
    let server = TestServer::start().await;
    let mut socket = server.centrifuge().await;
    socket.connect("").await;
    socket.subscribe("candle.1m:KRW-BTC").await;
    let known = socket.next_publication().await;
    assert_eq!(known["push"]["channel"], "candle.1m:KRW-BTC");
    assert!(known["push"]["pub"]["data"].is_array(), "{known}");
    server.exchange().trade("KRW-BTC", "150003000", "0.01").unwrap();
    let running = socket.next_publication().await;
    assert_eq!(running["push"]["pub"]["data"][0]["type"], "candle.1m");
    for channel in ["candle.1m:KRW-NOBODY", "candle.2m:KRW-BTC"] {
        assert_eq!(socket.refused("subscribe", json!({ "channel": channel })).await, 102);
    }
    assert_eq!(socket.refused("subscribe", json!({ "channel": "candle.1m:KRW-BTC" })).await, 105);
    socket.call("unsubscribe", json!({ "channel": "candle.1m:KRW-BTC" })).await;
    assert_eq!(server.inside().app.tree.services().candles.watchers(), 0);
}

#[tokio::test]
async fn a_user_is_told_of_what_concerns_them_wherever_they_are_connected_and_nobody_else_is() {
    let server = TestServer::without_prices(&[]).await;
    let (ann, bo) = (server.user("ann").await, server.user("bo").await);
    let (mut one, mut another, mut others) =
        (ann.centrifuge().await, ann.centrifuge().await, bo.centrifuge().await);
    let mut nobody = server.centrifuge().await;
    nobody.connect("").await;
    let post = ann.post("비트코인 전망", "text").await;
    bo.comment(&post, "well").await;
    let told = one.next_publication().await;
    assert_like(&example("centrifuge-notification"), &told);
    assert_eq!(told["push"]["channel"], format!("user:#{}", ann.id().await));
    assert_eq!(told["push"]["pub"]["data"]["actor"]["name"], "bo");
    assert_eq!(another.next_publication().await, told);
    assert_eq!(one.refused("subscribe", json!({ "channel": told["push"]["channel"] })).await, 105);
    let refused = others.refused("subscribe", json!({ "channel": told["push"]["channel"] })).await;
    assert_eq!(refused, 103);
    for socket in [&mut others, &mut nobody] {
        socket.call("ping", json!({})).await;
        assert!(!socket.has_unread(), "what concerns ann concerns nobody else");
    }
}

async fn say(user: &User, content: &str) {
    let mut native = user.enter("KRW-BTC").await;
    native.say_and_wait(content, content).await;
}

#[tokio::test]
async fn a_logout_ends_the_connection_and_a_restart_asks_it_to_come_back() {
    let server = TestServer::start().await;
    let (ann, bo) = (server.user("ann").await, server.user("bo").await);
    let mut out = ann.centrifuge().await;
    out.subscribe(CHAT).await;
    ann.log_out().await;
    out.expect_close(3503).await;
    let mut refused = server.centrifuge().await;
    refused.send_commands(&[json!({ "id": 1, "connect": { "token": ann.access_token } })]).await;
    refused.expect_close(3500).await;

    say(&bo, "before").await;
    let mut stays = bo.centrifuge().await;
    stays.subscribe(CHAT).await;
    drop((out, refused));
    tokio::join!(server.restart(), async move { stays.expect_close(3001).await });
}
