//! What other pages can make a browser do here.

use axum::http::Method;
use serde_json::json;

use super::harness::{PASSWORD, TestServer, email};

#[tokio::test]
async fn defect_10_another_page_cannot_act_with_our_cookies() {
    let server = TestServer::start().await;
    let login = server.user("ann").await;
    let by_cookie = |method: Method| server.post("/probe").method(method).cookies_of(&login);
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        let verdict = |header, value| by_cookie(method.clone()).header(header, value).send();
        assert_eq!(verdict("origin", "https://evil.example").await.verdict(), (403, "origin_forbidden"));
        assert_eq!(verdict("origin", "null").await.status, 403);
        assert_eq!(verdict("sec-fetch-site", "cross-site").await.status, 403);
        assert_eq!(verdict("sec-fetch-site", "same-site").await.status, 403);
        assert_eq!(verdict("sec-fetch-site", "same-origin").await.status, 200);
        assert_eq!(verdict("origin", "https://tickroom.example").await.status, 200);
        assert_eq!(by_cookie(method.clone()).send().await.status, 200, "no browser");
    }
    let lied = by_cookie(Method::POST)
        .header("origin", "https://evil.example")
        .header("sec-fetch-site", "same-origin");
    assert_eq!(lied.send().await.status, 403, "the origin counts where there is one");
    let logout = server.post("/api/auth/logout").cookies_of(&login).header("origin", "https://evil.example");
    assert_eq!(logout.send().await.status, 403);
    assert!(server.revoked().is_empty());
}

#[tokio::test]
async fn reading_and_bearers_need_no_origin() {
    let server = TestServer::start().await;
    let login = server.user("ann").await;
    let get = server.get("/probe").cookies_of(&login).header("origin", "https://evil.example").send().await;
    assert_eq!(get.status, 200);
    assert!(!get.headers.contains_key("access-control-allow-origin"), "though that page does not see it");
    let post =
        server.post("/probe").bearer(login.text("access_token")).header("origin", "https://evil.example");
    assert_eq!(post.send().await.status, 200);
}

#[tokio::test]
async fn the_host_that_was_called_is_an_allowed_origin_if_cookies_are_as_safe_there() {
    for (secure, origin, status) in [
        (true, "https://other.name:8443", 200),
        (true, "http://other.name:8443", 403),
        (false, "http://other.name:8443", 200),
        (false, "http://other.name", 403),
    ] {
        let server = TestServer::start_with(|config| config.auth.secure_cookies = secure).await;
        let login = server.user("ann").await;
        let call = server.post("/probe").cookies_of(&login).header("origin", origin).host("other.name:8443");
        assert_eq!(call.send().await.status, status, "{secure} {origin}");
    }
}

#[tokio::test]
async fn defect_9_preflights_of_allowed_pages_permit_every_method() {
    let server = TestServer::start_with(|config| {
        config.server.allowed_origins = vec!["https://partner.example".parse().unwrap()];
    })
    .await;
    let preflight = |origin: &'static str| {
        let call = server.get("/probe").method(Method::OPTIONS).header("origin", origin);
        call.header("access-control-request-method", "PATCH").send()
    };
    let allowed = preflight("https://partner.example").await;
    assert_eq!(allowed.header("access-control-allow-origin"), "https://partner.example");
    assert_eq!(allowed.header("access-control-allow-credentials"), "true");
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
        assert!(allowed.header("access-control-allow-methods").contains(method));
    }
    assert!(!preflight("https://evil.example").await.headers.contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn a_form_on_another_page_cannot_log_its_visitors_in() {
    let server = TestServer::start().await;
    server.register("ann").await;
    let body = json!({"email": email("ann"), "password": PASSWORD}).to_string();
    let form = server.post("/api/auth/login").header("content-type", "text/plain").body(body);
    assert_eq!(form.send().await.verdict(), (415, "unsupported_media_type"));
}
