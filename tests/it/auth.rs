//! Who may open a socket, how that is proved, and that it is checked for as long as the socket lives.

use crate::harness::{ChatSocket, TestServer};

const ROOM: &str = "KRW-BTC";
const CHAT: &str = "/ws/chat?room=KRW-BTC";

async fn enter(server: &TestServer, path: &str, headers: &[(&str, &str)]) -> ChatSocket {
    ChatSocket::join(server.open(path, headers).await).await
}

/// Holds that messages of this socket appear under this name.
async fn expect_name(mut socket: ChatSocket, name: &str) {
    socket.say("who am I?").await;
    assert_eq!(socket.next_message().await["sender"]["name"], name);
}

#[tokio::test]
async fn a_bearer_token_opens_a_socket() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    expect_name(ann.enter(ROOM).await, "ann").await;
}

#[tokio::test]
async fn nobody_opens_no_chat() {
    let server = TestServer::without_prices(&[]).await;
    let refusal = server.refusal(CHAT, &[]).await;
    assert_eq!(refusal.header("www-authenticate"), r#"Bearer realm="tickroom""#);
    refusal.expect_problem(401, "unauthenticated");
    server.refusal(CHAT, &[("Authorization", "Bearer x.y.z")]).await.expect_problem(401, "token_invalid");
}

#[tokio::test]
async fn defect_05_a_refresh_token_is_no_access_token() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    let bearer = format!("Bearer {}", ann.refresh_token);
    server.refusal(CHAT, &[("Authorization", &bearer)]).await.expect_problem(401, "token_invalid");
}

#[tokio::test]
async fn defect_10_a_cookie_opens_a_socket_from_our_own_pages_only() {
    let settings = [("server.allowed_origins", "https://app.example.com")];
    let server = TestServer::without_prices(&settings).await;
    let cookie = server.user("ann").await.cookie();
    let own = server.url("");
    for origin in [own.as_str(), "https://app.example.com"] {
        let socket = enter(&server, CHAT, &[("Cookie", &cookie), ("Origin", origin)]).await;
        expect_name(socket, "ann").await;
    }
    for origin in
        ["https://evil.example.com", "https://app.example.com.evil.com", "null", "", "http://127.0.0.1:1"]
    {
        let refusal = server.refusal(CHAT, &[("Cookie", &cookie), ("Origin", origin)]).await;
        refusal.expect_problem(403, "origin_forbidden");
    }
    server.refusal(CHAT, &[("Cookie", &cookie)]).await.expect_problem(403, "origin_forbidden");
}

#[tokio::test]
async fn a_bearer_token_counts_wherever_the_page_is_from() {
    let server = TestServer::without_prices(&[]).await;
    let bearer = server.user("ann").await.bearer();
    enter(&server, CHAT, &[("Authorization", &bearer), ("Origin", "https://evil.example.com")]).await;
}

#[tokio::test]
async fn a_ticket_opens_one_socket() {
    let server = TestServer::without_prices(&[]).await;
    let ticket = server.user("ann").await.ticket().await;
    let path = format!("{CHAT}&ticket={ticket}");
    expect_name(enter(&server, &path, &[]).await, "ann").await;
    server.refusal(&path, &[]).await.expect_problem(401, "token_invalid");
    server.refusal(&format!("{CHAT}&ticket="), &[]).await.expect_problem(401, "token_invalid");
}

#[tokio::test]
async fn two_proofs_contradict_each_other() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    let path = format!("{CHAT}&ticket={}", ann.ticket().await);
    ann.refusal(&path).await.expect_problem(400, "ambiguous_credentials");
}

#[tokio::test]
async fn defect_07_only_a_trusted_proxy_may_say_who_somebody_is() {
    let server = TestServer::without_prices(&[]).await;
    let id = server.user("ann").await.id().await;
    let claim = [("X-Claim-userId", id.as_str())];
    server.refusal(CHAT, &claim).await.expect_problem(401, "unauthenticated");

    let server = TestServer::without_prices(&[("server.identity_gateways", "127.0.0.1")]).await;
    let id = server.user("ann").await.id().await;
    expect_name(enter(&server, CHAT, &[("X-Claim-userId", &id)]).await, "ann").await;
    for nobody in ["1", "", "ann", "-1"] {
        server.refusal(CHAT, &[("X-Claim-userId", nobody)]).await.expect_problem(401, "token_invalid");
    }
}

#[tokio::test]
async fn defect_01_no_url_talks_its_way_past_the_login() {
    let server = TestServer::without_prices(&[]).await;
    for path in [
        "/api/users/me?next=/api/auth/login",
        "/api/users/me?/api/auth/login",
        "/api/users/me#/api/auth/login",
    ] {
        server.get(path).await.expect_problem(401, "unauthenticated");
    }
    server.get("/api/auth/login/../../users/me").await.expect_problem(401, "unauthenticated");
    server.get("/api/users/me/api/auth/login").await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_logout_ends_the_sockets_of_that_login_and_no_others() {
    let server = TestServer::without_prices(&[]).await;
    let laptop = server.user("ann").await;
    let phone = server.log_in("ann").await;
    let (mut first, mut second) = (laptop.enter(ROOM).await, laptop.enter("KRW-ETH").await);
    let mut on_phone = phone.enter(ROOM).await;
    laptop.log_out().await;
    first.expect_close(3503).await;
    second.expect_close(3503).await;
    on_phone.say("still logged in").await;
    on_phone.expect_message("still logged in").await;
    laptop.refusal(CHAT).await.expect_problem(401, "token_revoked");
}

#[tokio::test]
async fn a_ticket_of_a_login_that_ended_opens_nothing() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    let ticket = ann.ticket().await;
    ann.log_out().await;
    let refusal = server.refusal(&format!("{CHAT}&ticket={ticket}"), &[]).await;
    refusal.expect_problem(401, "token_revoked");
}

#[tokio::test]
async fn defect_06_a_socket_ends_with_its_token_and_the_token_is_of_no_use_any_more() {
    let server = TestServer::without_prices(&[("auth.access_token_ttl_s", "3")]).await;
    let ann = server.user("ann").await;
    let mut socket = ann.enter(ROOM).await;
    socket.say("not for long").await;
    socket.expect_message("not for long").await;
    socket.expect_close(3005).await;
    ann.refusal(CHAT).await.expect_problem(401, "token_expired");
    let headers = [("Cookie", &*ann.cookie()), ("Origin", &*server.url(""))];
    server.refusal(CHAT, &headers).await.expect_problem(401, "token_expired");
}

#[tokio::test]
async fn defect_03_a_handshake_with_a_good_refresh_cookie_renews_the_login() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    let cookie = format!("ACCESS_TOKEN=stale; REFRESH_TOKEN={}", ann.refresh_token);
    let answer = server.handshake(CHAT, &[("Origin", &server.url("")), ("Cookie", &cookie)]).await;
    let answer = answer.expect_status(101);
    let cookies: Vec<_> =
        answer.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap()).collect();
    assert!(cookies.iter().any(|cookie| cookie.starts_with("ACCESS_TOKEN=")), "{cookies:?}");
    assert!(cookies.iter().any(|cookie| cookie.starts_with("REFRESH_TOKEN=")), "{cookies:?}");
    assert!(cookies.iter().all(|cookie| cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax")));
}
