//! What operators and their machines ask, what everybody is told who asks for the wrong thing, and the command line.

use reqwest::Method;
use serde_json::json;

use crate::harness::{Answer, Process, TestServer, User, eventually, run};

/// What dashboards and alerts are built on, each after it was caused once.
const METRICS: [&str; 16] = [
    "tickroom_messages_in_total",
    "tickroom_deliveries_total",
    "tickroom_acks_total",
    "tickroom_refusals_total{code=\"content_empty\"}",
    "tickroom_sockets",
    "tickroom_socket_closes_total{reason=\"bye\"}",
    "tickroom_writer_batch_messages_bucket",
    "tickroom_writer_queue_messages",
    "tickroom_writer_repeats_total",
    "tickroom_writer_spilled_messages",
    "tickroom_feed_frames_total",
    "tickroom_feed_lag_seconds_bucket",
    "tickroom_feed_tick_age_seconds{market=\"KRW-BTC\"}",
    "tickroom_feed_stale 0",
    "# HELP tickroom_messages_in_total",
    "# TYPE tickroom_sockets gauge",
];

#[tokio::test]
async fn a_live_server_says_so() {
    let server = TestServer::without_prices(&[]).await;
    assert_eq!(server.get("/health/live").await.expect_status(200).body, "ok\n");
}

#[tokio::test]
async fn a_ready_server_shows_that_all_its_parts_are_up() {
    let server = TestServer::start().await;
    let _ann = server.user("ann").await.enter("KRW-BTC").await;
    let ready = server.get("/health/ready").await.expect_status(200).json();
    assert_eq!((&ready["ready"], &ready["draining"]), (&true.into(), &false.into()));
    let actors = ready["actors"].as_object().unwrap();
    assert!(actors.len() >= 5, "{ready}");
    assert!(actors.values().all(|actor| *actor == json!({ "up": true, "restarts": 0 })), "{ready}");
    assert_eq!((&ready["sockets"], &ready["rooms_running"]), (&1.into(), &1.into()));
    let writer = &ready["writer"];
    assert_eq!(
        (&writer["route"], &writer["refusing"], &writer["spilled"]),
        (&"log".into(), &false.into(), &0.into())
    );
    assert_eq!(ready["log"], json!({ "engine": "sql", "answers": true }));
    let feed = &ready["feed"];
    assert_eq!(
        (&feed["connected"], &feed["simulated"], &feed["stale"]),
        (&true.into(), &true.into(), &false.into())
    );
    assert_eq!((&feed["markets"], &feed["silent_markets"]), (&2.into(), &json!([])));
}

#[tokio::test]
async fn a_server_without_prices_is_ready_all_the_same() {
    let server = TestServer::without_prices(&[]).await;
    let ready = server.get("/health/ready").await.expect_status(200).json();
    assert_eq!((&ready["ready"], &ready["feed"]), (&true.into(), &json!(null)));
}

#[tokio::test]
async fn metrics_show_what_happened() {
    let server = TestServer::start().await;
    let mut ann = server.user("ann").await.enter("KRW-BTC").await;
    ann.say_and_wait("1", "count me").await;
    ann.say("").await;
    ann.expect_error("content_empty").await;
    ann.send(tokio_tungstenite::tungstenite::Message::Close(None)).await;
    ann.expect_close(1000).await;
    server.exchange().trade("KRW-BTC", "150001000", "0.01").unwrap();
    let lag = "tickroom_feed_lag_seconds_bucket";
    eventually("a price came", async || server.get("/metrics").await.body.contains(lag)).await;
    let answer = server.get("/metrics").await.expect_status(200);
    assert!(answer.header("content-type").starts_with("text/plain; version=0.0.4"));
    for name in METRICS {
        assert!(answer.body.contains(name), "{name} is missing:\n{}", answer.body);
    }
}

#[tokio::test]
async fn the_version_tells_whether_prices_are_simulated() {
    let server = TestServer::start().await;
    let version = server.get("/version").await.expect_status(200).json();
    assert_eq!(
        version,
        json!({ "name": "tickroom", "version": env!("CARGO_PKG_VERSION"), "simulated": true })
    );
}

#[tokio::test]
async fn defect_17_what_does_not_exist_is_a_problem_document() {
    let server = TestServer::without_prices(&[]).await;
    for path in
        ["/nothing", "/api", "/api/rooms/", "/API/ROOMS", "//api/rooms", "/ws/minute/x", "/%2e%2e/etc/passwd"]
    {
        let problem = server.get(path).await.expect_problem(404, "not_found");
        assert_eq!(problem["type"], "urn:tickroom:problem:not_found");
        assert!(problem["request_id"].is_string(), "{problem}");
    }
}

#[tokio::test]
async fn every_answer_tells_browsers_to_be_careful() {
    let server = TestServer::without_prices(&[]).await;
    for path in ["/", "/api/rooms", "/nothing", "/api/users/me", "/metrics", "/assets/app.js"] {
        let answer = server.get(path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(answer.header("strict-transport-security"), "", "{path}: this is plain http");
    }
    let server = TestServer::without_prices(&[("server.public_url", "https://chat.example.com")]).await;
    let answer = server.get("/api/rooms").await;
    assert_eq!(answer.header("strict-transport-security"), "max-age=31536000");
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let server = TestServer::without_prices(&[]).await;
    for (method, path, allowed) in [
        (Method::DELETE, "/api/rooms", "GET"),
        (Method::GET, "/api/auth/login", "POST"),
        (Method::PATCH, "/health/live", "GET"),
    ] {
        let answer = Answer::of(server.request(method, path)).await;
        assert!(answer.header("allow").contains(allowed), "{answer:?}");
        answer.expect_problem(405, "method_not_allowed");
    }
}

#[tokio::test]
async fn a_huge_body_is_refused() {
    let server = TestServer::without_prices(&[]).await;
    let body = json!({ "email": "x".repeat(65 * 1024), "password": "x" });
    server.post("/api/auth/login", &body).await.expect_problem(413, "body_too_large");
}

#[tokio::test]
async fn a_body_that_is_no_json_is_refused() {
    let server = TestServer::without_prices(&[]).await;
    let post = |body: &'static str| {
        server.request(Method::POST, "/api/auth/login").header("content-type", "application/json").body(body)
    };
    Answer::of(post("{")).await.expect_problem(400, "malformed_json");
    Answer::of(post("[]")).await.expect_problem(422, "validation_failed");
    Answer::of(post("{}")).await.expect_violations(&[("email", "required"), ("password", "required")]);
    let plain = server.request(Method::POST, "/api/auth/login").body("{}");
    Answer::of(plain).await.expect_problem(415, "unsupported_media_type");
}

#[test]
fn help_mentions_all_commands() {
    let output = run(&["--help"]);
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).unwrap();
    for command in ["serve", "demo", "check-config", "import-messages", "admin"] {
        assert!(help.contains(command), "{command} is missing:\n{help}");
    }
}

#[test]
fn all_mistakes_of_a_configuration_are_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wrong.toml");
    std::fs::write(&file, "[chat]\nrooms = [\"\"]\nmessage_brust = 5\n[auth]\nsigning_key = \"hunter2\"\n")
        .unwrap();
    let output = run(&["check-config", "--config", file.to_str().unwrap(), "--listen", "nowhere"]);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    for mistake in ["server.listen", "chat.rooms", "chat.message_brust", "auth.signing_key"] {
        assert!(told.contains(mistake), "{mistake} is missing:\n{told}");
    }
    assert!(!told.contains("hunter2"), "a secret was printed:\n{told}");
    assert!(output.stdout.is_empty());
}

#[test]
fn a_server_that_cannot_listen_says_why_and_exits_with_1() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = run(&["serve", "--feed", "off", "--listen", &address, "--data-dir", "data"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains(&address));
}

#[tokio::test]
async fn the_demo_tells_its_logins_which_work_and_leaves_nothing_behind() {
    let temporary = tempfile::tempdir().unwrap();
    let (demo, said) = Process::demo(temporary.path());
    for (email, password, name) in [
        ("ann@example.com", "tickroom-ann", "ann"),
        ("bo@example.com", "tickroom-bo", "bo"),
        ("cho@example.com", "tickroom-cho", "조아라"),
    ] {
        assert!(said.contains(email) && said.contains(password), "{said}");
        let visitor = User::log_in_with(&demo, name, email, password).await;
        assert_eq!(visitor.me().await.json()["username"], name);
    }
    assert_eq!(demo.get("/version").await.json()["simulated"], true);
    assert!(demo.history("KRW-BTC").await.len() >= 3, "nobody said anything");
    let posts = demo.get("/api/posts?sort=popular&limit=100").await.expect_status(200).json();
    assert!(posts["posts"].as_array().unwrap().len() >= 12, "nobody posted anything");
    let mut socket = demo.watch_prices().await;
    assert_eq!(socket.watch("KRW-BTC").await["simulated"], true);
    demo.terminate();
    socket.expect_close(3001).await;
    drop(socket);
    assert_eq!(demo.ended().await.code(), Some(0));
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0, "data of the demo was left");
}
