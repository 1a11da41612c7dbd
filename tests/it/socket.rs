//! The handshake and what limits it: who is let in, who is told why not, and how many fit.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::harness::{Answer, TestServer, eventually};

const CHAT: &str = "/ws/chat?room=KRW-BTC";

#[tokio::test]
async fn a_request_that_is_no_handshake_is_told_what_one_is() {
    let server = TestServer::without_prices(&[]).await;
    let bearer = server.user("ann").await.bearer();
    for (method, path) in [(Method::GET, CHAT), (Method::POST, CHAT), (Method::GET, "/ws/ticker")] {
        let request = server.request(method, path).header("Authorization", &bearer);
        let answer = Answer::of(request).await;
        assert_eq!(answer.header("sec-websocket-version"), "13");
        answer.expect_problem(400, "not_a_websocket_handshake");
    }
}

#[tokio::test]
async fn a_handshake_of_another_version_is_told_ours() {
    let server = TestServer::without_prices(&[]).await;
    let bearer = server.user("ann").await.bearer();
    let headers = [
        ("Connection", "upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Version", "8"),
        ("Authorization", &bearer),
    ];
    let request = headers
        .iter()
        .fold(server.request(Method::GET, CHAT), |request, (name, value)| request.header(*name, *value));
    let answer = Answer::of(request).await;
    assert_eq!(answer.header("sec-websocket-version"), "13");
    answer.expect_problem(400, "not_a_websocket_handshake");
}

#[tokio::test]
async fn one_user_may_open_so_many_sockets_and_another_when_one_is_closed() {
    let server = TestServer::without_prices(&[("socket.sockets_per_user", "2")]).await;
    let (ann, bo) = (server.user("ann").await, server.user("bo").await);
    let first = ann.enter("KRW-BTC").await;
    let _second = ann.enter("KRW-ETH").await;
    let refusal = ann.refusal(CHAT).await;
    assert_eq!(refusal.header("retry-after"), "", "time does not help");
    refusal.expect_problem(429, "too_many_sockets");
    let _somebody_else = bo.enter("KRW-BTC").await;
    first.hang_up();
    eventually("the first socket is gone", async || server.members("KRW-BTC").await == 1).await;
    ann.enter("KRW-BTC").await;
}

#[tokio::test]
async fn a_full_server_refuses_the_next_socket_and_says_when_to_come_back() {
    let settings = [("server.max_sockets", "2"), ("socket.sockets_per_user", "2")];
    let server = TestServer::without_prices(&settings).await;
    let first = server.watch_prices().await;
    let _second = server.watch_prices().await;
    let refusal = server.refusal("/ws/ticker", &[]).await;
    assert_eq!(refusal.header("retry-after"), "1");
    refusal.expect_problem(503, "busy");
    drop(first);
    let sockets = async || server.get("/health/ready").await.json()["sockets"].clone();
    eventually("the first socket is gone", async || sockets().await == json!(1)).await;
    server.watch_prices().await;
}

#[tokio::test]
async fn handshakes_that_come_too_fast_are_sent_away_for_a_moment() {
    let server = TestServer::without_prices(&[("server.handshakes_per_second", "1")]).await;
    let answers = join_all((0..10).map(|_| server.handshake("/ws/ticker", &[]))).await;
    let (welcome, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 101);
    assert!(!welcome.is_empty() && !refused.is_empty(), "{} got in", welcome.len());
    for answer in refused {
        assert_eq!(answer.header("retry-after"), "1");
        answer.expect_problem(503, "busy");
    }
}

#[tokio::test]
async fn a_refused_handshake_takes_no_place() {
    let server = TestServer::without_prices(&[("socket.sockets_per_user", "1")]).await;
    let ann = server.user("ann").await;
    for _ in 0..3 {
        ann.refusal("/ws/chat?room=NOWHERE").await.expect_problem(404, "not_found");
        server.refusal(CHAT, &[]).await.expect_problem(401, "unauthenticated");
    }
    ann.enter("KRW-BTC").await;
}
