//! Every failure is a problem document that says enough and not too much.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use axum::http::Method;
use serde_json::json;

use super::harness::{Answer, PASSWORD, TestServer, email};

fn assert_is_problem(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.verdict(), (status, code), "{answer:?}");
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.text("type"), format!("urn:tickroom:problem:{code}"));
    assert_eq!(answer.body["status"], status);
    assert_eq!(answer.text("request_id"), answer.header("x-request-id"));
    assert!(!answer.text("title").is_empty() && !answer.text("detail").is_empty());
}

#[tokio::test]
async fn defect_17_each_failure_has_its_own_status() {
    let server = TestServer::start().await;
    let register = || server.post("/api/auth/register").header("content-type", "application/json");
    assert_is_problem(&register().body("{\"username\": ").send().await, 400, "malformed_json");
    assert_is_problem(&register().body("").send().await, 400, "malformed_json");
    assert_is_problem(
        &register().body(format!("{{\"deep\": {}", "[".repeat(100_000))).send().await,
        400,
        "malformed_json",
    );
    assert_is_problem(&register().body(vec![b' '; 3_000_000]).send().await, 413, "body_too_large");
    let plain = server.post("/api/auth/register").header("content-type", "text/plain").body("{}");
    assert_is_problem(&plain.send().await, 415, "unsupported_media_type");
    assert_is_problem(
        &server.post("/api/auth/register").body("{}").send().await,
        415,
        "unsupported_media_type",
    );
    assert_is_problem(&server.get("/api/users/ann").send().await, 400, "invalid_path");
    assert_is_problem(&server.get("/api/users/%ff").send().await, 400, "invalid_path");
    assert_is_problem(&server.get("/nowhere").send().await, 404, "not_found");
    assert_is_problem(&server.get("/probe").send().await, 401, "unauthenticated");
    assert_is_problem(&server.get("/panic").send().await, 500, "internal");

    let method = server.get("/api/auth/login").method(Method::PUT).send().await;
    assert_is_problem(&method, 405, "method_not_allowed");
    assert_eq!(method.header("allow"), "POST");
}

#[tokio::test]
async fn defect_17_a_wrong_type_is_422_and_names_the_field() {
    let server = TestServer::start().await;
    let body = json!({"username": "ann", "email": {"a": 1}, "password": PASSWORD});
    let answer = server.post("/api/auth/register").json(&body).send().await;
    assert_is_problem(&answer, 422, "validation_failed");
    assert_eq!(answer.refused(), [("email", "invalid")]);

    let answer = server.post("/api/auth/refresh").json(&json!({"refresh_token": 5})).send().await;
    assert_eq!(answer.refused(), [("refresh_token", "invalid")]);
    let answer = server.post("/api/auth/refresh").json(&json!({})).send().await;
    assert_eq!(answer.refused(), [("refresh_token", "required")]);
    let answer = server.get("/number?limit=many").send().await;
    assert_is_problem(&answer, 422, "validation_failed");
    assert_eq!(answer.refused(), [("limit", "invalid")]);
}

#[tokio::test]
async fn defect_17_a_failing_database_is_503_and_keeps_its_words() {
    let server = TestServer::start().await;
    let login = server.user("ann").await;
    server.database.close().await;
    let answer = server.get("/api/users/me").bearer(login.text("access_token")).send().await;
    assert_is_problem(&answer, 503, "unavailable");
    assert_eq!(answer.header("retry-after"), "1");
    assert!(!answer.body.to_string().contains("pool"));
    let answer = server.get("/probe").cookies_of(&login).send().await;
    assert!(answer.set_cookies().is_empty(), "a failure of ours logs nobody out");
}

#[tokio::test]
async fn defect_1_no_url_gets_around_authentication() {
    let server = TestServer::start().await;
    for url in [
        "/probe?next=/api/auth/login",
        "/probe/api/auth/login",
        "/probe/api/auth/register/../login",
        "/probe/%2fapi%2fauth%2flogin",
        "/probe/;/api/auth/login",
    ] {
        assert_eq!(server.get(url).send().await.verdict(), (401, "unauthenticated"), "{url}");
    }
    for url in ["//probe", "/probe/", "/api/auth/login/../../../probe", "/PROBE", "/api/users/me/"] {
        assert_eq!(server.get(url).send().await.status, 404, "{url}");
    }
}

#[tokio::test]
async fn a_sane_request_id_is_kept_and_another_replaced() {
    let server = TestServer::start().await;
    let sent = server.get("/probe").header("x-request-id", "4f7c.A-1_b").send().await;
    assert_eq!((sent.header("x-request-id"), sent.text("request_id")), ("4f7c.A-1_b", "4f7c.A-1_b"));
    for odd in ["", "a b", "<script>", "\"", &"a".repeat(65)] {
        let answer = server.get("/probe").header("x-request-id", odd).send().await;
        assert_ne!(answer.header("x-request-id"), odd);
        assert_is_problem(&answer, 401, "unauthenticated");
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn defect_8_the_log_has_routes_and_no_secrets() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false);
    let _guard = tracing::subscriber::set_default(subscriber.with_writer(move || writer.clone()).finish());

    // With a single subscriber, tracing asks the thread that first reaches an event whether anybody cares, and that
    // may be a test that does not. With two it asks both.
    let _other = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default());

    let server = TestServer::start().await;
    let login = server.user("ann").await;
    let ticket =
        server.post("/api/auth/ticket").cookies_of(&login).header("x-request-id", "r-1").send().await;
    server.get(&format!("/socket?ticket={}", ticket.text("ticket"))).send().await;
    server.refresh(login.text("refresh_token")).await;
    server.get(&format!("/nowhere/{PASSWORD}").replace(' ', "+")).send().await;

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let line = log.lines().find(|line| line.contains("r-1") && line.contains("request served")).unwrap();
    for field in ["method=POST", "path=\"/api/auth/ticket\"", "status=200", "duration_ms="] {
        assert!(line.contains(field), "{line}");
    }
    assert!(log.contains("path=\"unmatched\" status=404"));
    let secrets = [login.text("access_token"), login.text("refresh_token"), ticket.text("ticket")];
    for secret in secrets.into_iter().chain(["correct", "argon2", &email("ann")]) {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}
