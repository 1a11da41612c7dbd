//! Candles: every digit of the exchange, pages, files, and sockets that follow the running window.

use std::sync::atomic::Ordering;

use reqwest::Method;
use serde_json::Value;
use tickroom_storage::TimestampMs;
use tickroom_storage::candle::Interval;
use tickroom_storage::user::Role;

use crate::harness::{Answer, CandleSocket, FakeUpbit, TestServer, User, eventually, run};

const BTC: &str = "KRW-BTC";

/// A low price with 8 decimals, a volume with 8, and a sum with 16 digits before the point and 8 behind it.
const EXACT: &str = r#""opening_price":0.00001234,"high_price":0.00001236,"low_price":0.00001233,"trade_price":0.00001235,"candle_acc_trade_price":1234567890123456.12345678,"candle_acc_trade_volume":98765432.00000001"#;

fn now() -> TimestampMs {
    TimestampMs::now()
}

/// The beginning of the minute so many before the running one.
fn minute(back: u16) -> TimestampMs {
    Interval::Minute1.back(Interval::Minute1.window(now()).from, back)
}

/// Milliseconds into a minute, later than anything that the exchange has traded in it by itself.
const LATE: i64 = 59_000;

/// What the feed hears from the exchange: a state of a minute.
fn frame(start: TimestampMs, state: i64, price: &str, volume: &str) -> String {
    let utc = start.to_string().replace(".000Z", "");
    let timestamp = start.as_millis() + state;
    format!(
        r#"{{"type":"candle.1m","code":"{BTC}","candle_date_time_utc":"{utc}","opening_price":{price},"high_price":{price},"low_price":{price},"trade_price":{price},"candle_acc_trade_volume":{volume},"candle_acc_trade_price":1234567890123456.12345678,"timestamp":{timestamp},"stream_type":"REALTIME"}}"#
    )
}

fn publish(server: &TestServer, frame: &str) {
    let candles = &server.inside().app.tree.services().candles;
    assert!(candles.publish(&BTC.parse().unwrap(), frame, now()), "{frame}");
}

async fn candles(server: &TestServer, query: &str) -> Value {
    server.get(&format!("/api/markets/{BTC}/candles?{query}")).await.expect_status(200).json()
}

/// Somebody new who runs the place.
async fn administrator(server: &TestServer) -> User {
    let root = server.user("root").await;
    server.grant(root.id().await.parse().unwrap(), Role::Admin).await;
    server.log_in("root").await
}

/// Until nothing recent is missing.
async fn collected(server: &TestServer) {
    eventually("recent candles", async || {
        let candles = &server.get("/health/ready").await.json()["candles"];
        candles["pages"].as_u64() >= Some(24) && candles["behind_series"] == 0
    })
    .await;
}

fn starts(page: &Value) -> Vec<String> {
    let candles = page["candles"].as_array().unwrap();
    candles.iter().map(|candle| candle["start"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn defect_53_a_value_with_8_decimals_and_a_16_digit_sum_goes_from_the_wire_to_the_api_unchanged() {
    let upbit = FakeUpbit::start(EXACT).await;
    let server = TestServer::on(&upbit).await;
    let path = "/api/markets/KRW-BTC/candles?interval=1d&limit=1&to=2026-01-31";
    let admin = administrator(&server).await;
    let body =
        serde_json::json!({ "market": BTC, "interval": "1d", "from": "2026-01-31", "to": "2026-01-31" });
    admin.post_to("/api/admin/backfills", &body).await.expect_status(201);
    eventually("the day", async || server.get(path).await.body.contains("2026-01-31")).await;

    let json = server.get(path).await.expect_status(200).body;
    let expected = r#""opening_price":0.00001234,"high_price":0.00001236,"low_price":0.00001233,"trade_price":0.00001235,"volume":98765432.00000001,"turnover":1234567890123456.12345678,"#;
    assert!(json.contains(expected), "{json}");
    let csv = server.get(&format!("{path}&from=2026-01-31&format=csv")).await.expect_status(200).body;
    assert!(
        csv.contains(
            ",0.00001234,0.00001236,0.00001233,0.00001235,98765432.00000001,1234567890123456.12345678,"
        ),
        "{csv}"
    );
}

#[tokio::test]
async fn defect_53_what_the_stream_says_reaches_sockets_and_the_api_unchanged() {
    let server = TestServer::start().await;
    let mut socket = server.watch_candles().await;
    socket.watch(BTC, "1m").await;
    publish(&server, &frame(minute(0), LATE, "0.00001234", "98765432.00000001"));
    // Minutes before it may be corrected meanwhile.
    let mut text = socket.next_text().await;
    while text.contains(r#""closed":true"#) {
        text = socket.next_text().await;
    }
    let expected = r#""trade_price":0.00001234,"timestamp":"#;
    assert!(text.contains(expected), "{text}");
    let sums =
        r#""candle_acc_trade_price":1234567890123456.12345678,"candle_acc_trade_volume":98765432.00000001,"#;
    assert!(text.contains(sums), "{text}");
    let json = server.get("/api/markets/KRW-BTC/candles?limit=1").await.expect_status(200).body;
    assert!(json.contains(r#""volume":98765432.00000001,"turnover":1234567890123456.12345678,"#), "{json}");
}

#[tokio::test]
async fn defect_54_candles_come_in_order_in_pages_that_lead_both_ways() {
    let server = TestServer::start().await;
    collected(&server).await;
    let (mut back, mut query) = (Vec::new(), "interval=1d&limit=47".to_owned());
    loop {
        let page = candles(&server, &query).await;
        assert_eq!(page["complete"], true, "{query}");
        back.splice(0..0, starts(&page));
        let Some(cursor) = page["next_cursor"].as_str().filter(|_| back.len() < 150) else { break };
        query = format!("interval=1d&limit=47&to={cursor}");
    }
    assert!(back.len() >= 150 && back.windows(2).all(|pair| pair[0] < pair[1]));

    let (mut forth, mut from) = (Vec::new(), back[0].clone());
    loop {
        let page = candles(&server, &format!("interval=1d&limit=31&from={from}")).await;
        forth.extend(starts(&page));
        match page["next_cursor"].as_str() {
            Some(cursor) => from = cursor.to_owned(),
            None => break,
        }
    }
    assert_eq!(forth, back, "the same both ways, each once");
    assert!(back.iter().all(|start| start.ends_with("T00:00:00.000Z")));
    let weeks = candles(&server, "interval=1w&limit=3").await;
    let is_monday = |start: &String| Interval::Week.window(start.parse().unwrap()).from.to_string() == *start;
    assert!(starts(&weeks).iter().all(is_monday), "{weeks}");
}

#[tokio::test]
async fn defect_54_an_unknown_market_is_not_found_and_every_mistake_is_named() {
    let server = TestServer::start().await;
    for code in ["KRW-NOBODY", "krw-btc", "..%2F..", "KRW-BTC'--"] {
        server.get(&format!("/api/markets/{code}/candles")).await.expect_problem(404, "not_found");
    }
    let path = "/api/markets/KRW-BTC/candles";
    let query = "interval=2m&from=yesterday&to=2024-02-30&limit=1001&format=xml";
    server.get(&format!("{path}?{query}")).await.expect_violations(&[
        ("interval", "invalid"),
        ("limit", "out_of_range"),
        ("format", "invalid"),
        ("from", "invalid"),
        ("to", "invalid"),
    ]);
    server
        .get(&format!("{path}?from=2024-02-02&to=2024-02-01"))
        .await
        .expect_violations(&[("to", "out_of_range")]);
    server.get(&format!("{path}?limit=0")).await.expect_violations(&[("limit", "out_of_range")]);
    server.get(&format!("{path}?limit=-1")).await.expect_violations(&[("limit", "invalid")]);
}

#[tokio::test]
async fn closed_candles_may_be_kept_by_caches_and_running_ones_may_not() {
    let server = TestServer::start().await;
    collected(&server).await;
    let today = Interval::Day.window(now()).from;
    let closed = format!("/api/markets/KRW-BTC/candles?interval=1d&limit=10&to={today}");
    let first = server.get(&closed).await.expect_status(200);
    assert_eq!(first.header("cache-control"), "public, max-age=3600");
    assert!(first.json()["candles"].as_array().unwrap().iter().all(|candle| candle["closed"] == true));
    let running = server.get("/api/markets/KRW-BTC/candles?interval=1d").await.expect_status(200);
    assert_eq!(running.header("cache-control"), "public, max-age=1");
    assert_eq!(running.json()["candles"].as_array().unwrap().last().unwrap()["closed"], false);

    let again = async |tags: &str| {
        Answer::of(server.request(Method::GET, &closed).header("if-none-match", tags)).await
    };
    let unchanged = again(&format!("\"other\", {}", first.header("etag"))).await.expect_status(304);
    assert_eq!((unchanged.body.as_str(), unchanged.header("etag")), ("", first.header("etag")));
    again("\"other\"").await.expect_status(200);
}

#[tokio::test]
async fn long_answers_are_compressed_for_who_can_read_that_and_sockets_are_not() {
    let server = TestServer::start().await;
    collected(&server).await;
    let path = "/api/markets/KRW-BTC/candles?interval=1d";
    assert_eq!(server.get(path).await.header("content-encoding"), "");
    let gzip = async |path: &str| {
        let request = server.request(Method::GET, path).header("accept-encoding", "gzip");
        request.send().await.unwrap()
    };
    let compressed = gzip(path).await;
    assert_eq!(compressed.headers()["content-encoding"], "gzip");
    assert!(compressed.bytes().await.unwrap().starts_with(&[0x1f, 0x8b]));
    assert!(!gzip("/health/live").await.headers().contains_key("content-encoding"), "a few bytes");
    let mut socket = server.open("/ws/minute", &[("Accept-Encoding", "gzip")]).await;
    socket.send_text(r#"{"market":"KRW-BTC"}"#).await;
    assert!(socket.next().await.is_array());
}

#[tokio::test]
async fn an_export_holds_everything_once_and_in_order() {
    let server = TestServer::start().await;
    collected(&server).await;
    let admin = administrator(&server).await;
    let body =
        serde_json::json!({ "market": BTC, "interval": "60m", "from": "2025-01-01", "to": "2025-03-31" });
    let place = admin.post_to("/api/admin/backfills", &body).await.expect_status(201);
    let id = place.json()["id"].as_str().unwrap().to_owned();
    finished(&admin, &id).await;
    let query = "interval=60m&from=2025-01-01&to=2025-03-31";
    let request = server.request(Method::GET, &format!("/api/markets/KRW-BTC/candles?{query}"));
    let csv = Answer::of(request.header("accept", "text/csv")).await.expect_status(200);
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(csv.header("content-disposition"), "attachment; filename=\"KRW-BTC-60m.csv\"");
    let mut lines = csv.body.split_terminator("\r\n");
    let head = "start,opening_price,high_price,low_price,trade_price,volume,turnover,traded_at,closed";
    assert_eq!(lines.next(), Some(head));
    let starts: Vec<&str> = lines.map(|line| line.split(',').next().unwrap()).collect();
    assert!(starts.len() > 2_000 && starts.windows(2).all(|pair| pair[0] < pair[1]), "{}", starts.len());
    assert_eq!(
        (starts[0], starts[starts.len() - 1]),
        ("2025-01-01T00:00:00.000Z", "2025-03-31T23:00:00.000Z")
    );
}

#[tokio::test]
async fn defect_51_a_watcher_gets_the_recent_minutes_once_and_then_what_changes() {
    let server = TestServer::start().await;
    publish(&server, &frame(minute(2), 1, "100", "1"));
    publish(&server, &frame(minute(1), 1, "101", "1"));
    let mut socket = server.watch_candles().await;
    let snapshot = socket.watch(BTC, "1m").await;
    assert!((2..=60).contains(&snapshot.len()));
    let newest: Vec<_> =
        snapshot.iter().map(|candle| candle["candle_date_time_utc"].as_str().unwrap()).collect();
    assert!(newest.windows(2).all(|pair| pair[0] > pair[1]), "newest first, as the original: {newest:?}");
    publish(&server, &frame(minute(0), LATE, "102", "1"));
    let running = socket.next_running().await;
    assert_eq!(running["trade_price"], 102);
    assert_eq!(
        (&running["market"], &running["code"], &running["unit"]),
        (&BTC.into(), &BTC.into(), &1.into())
    );
    assert_eq!((&running["type"], &running["simulated"]), (&"candle.1m".into(), &true.into()));
}

#[tokio::test]
async fn defect_51_a_hundred_watchers_cost_the_exchange_nothing_and_leave_nothing_behind() {
    let upbit = FakeUpbit::start(EXACT).await;
    let server = TestServer::on(&upbit).await;
    eventually("recent candles", async || {
        server.get("/health/ready").await.json()["candles"]["behind_series"] == 0
    })
    .await;
    let before = upbit.seen.requests.lock().len();
    let mut sockets: Vec<CandleSocket> = Vec::new();
    for _ in 0..100 {
        let mut socket = server.watch_candles().await;
        socket.watch(BTC, "1m").await;
        sockets.push(socket);
    }
    // A minute may have closed meanwhile, which is one request for each market, however many watch.
    let requests = upbit.seen.requests.lock().len() - before;
    assert!(requests <= 24, "{requests}");
    assert_eq!(upbit.seen.most_at_once.load(Ordering::SeqCst), 1, "one request at a time");
    drop(sockets);
    let candles = &server.inside().app.tree.services().candles;
    eventually("no watcher is left", async || candles.watchers() == 0).await;
}

#[tokio::test]
async fn longer_windows_follow_the_running_minute() {
    let server = TestServer::start().await;
    collected(&server).await;
    let mut socket = server.watch_candles().await;
    for (interval, state) in [(Interval::Minute240, LATE), (Interval::Minute60, LATE + 1)] {
        socket.watch(BTC, interval.as_str()).await;
        let volume = format!("0.{state}");
        publish(&server, &frame(minute(0), state, "987654321", &volume));
        let candle = loop {
            let candle = socket.next_candle().await;
            if candle["type"] == format!("candle.{interval}") {
                break candle;
            }
        };
        let start = interval.window(now()).from.to_string().replace(".000Z", "");
        assert_eq!(candle["candle_date_time_utc"], start);
        assert_eq!(
            (&candle["high_price"], &candle["unit"]),
            (&987_654_321.into(), &interval.minutes().into())
        );
    }
}

#[tokio::test]
async fn one_socket_watches_many_series_and_stops_watching_one() {
    let server = TestServer::start().await;
    let mut socket = server.watch_candles().await;
    socket.watch(BTC, "1m").await;
    socket.watch("KRW-ETH", "1m").await;
    socket.watch(BTC, "1w").await;
    socket.send_text(r#"{"market":"KRW-BTC"}"#).await;
    socket.settle().await;
    let candles = &server.inside().app.tree.services().candles;
    assert_eq!(candles.watchers(), 3, "twice is once");
    socket.send_text(r#"{"market":"KRW-BTC","type":"UNSUBSCRIBE"}"#).await;
    socket.settle().await;
    assert_eq!(candles.watchers(), 2);
    publish(&server, &frame(minute(0), 1, "100", "1"));
    socket.settle().await;
    let unread = socket.take_unread();
    let is_minute = |candle: &Value| candle["type"] == "candle.1m" && candle["code"] == BTC;
    assert!(!unread.iter().flat_map(|frame| frame.as_array().unwrap()).any(is_minute), "{unread:?}");
}

#[tokio::test]
async fn what_is_no_market_or_no_request_is_refused_and_the_socket_lives_on() {
    let server = TestServer::start().await;
    let mut socket = server.watch_candles().await;
    for (text, code) in [
        (r#"{"market":"KRW-NOBODY"}"#, "unknown_market"),
        (r#"{"market":"krw-btc"}"#, "unknown_market"),
        (r#"{"market":"KRW-NOBODY","type":"UNSUBSCRIBE"}"#, "unknown_market"),
        ("{}", "unknown_market"),
        ("", "malformed"),
        (r#"{"market":7}"#, "malformed"),
        (r#"{"market":"KRW-BTC","interval":"2m"}"#, "malformed"),
        (r#"["KRW-BTC"]"#, "malformed"),
        (r#"{"market":"KRW-BTC","type":"BUY"}"#, "malformed"),
    ] {
        socket.send_text(text).await;
        let error = socket.next().await;
        assert_eq!((&error["type"], &error["code"]), (&"ERROR".into(), &code.into()), "{text}");
    }
    socket.watch(BTC, "1m").await;
}

#[tokio::test]
async fn defect_52_only_administrators_ask_for_old_candles_and_nobody_waits_for_them() {
    let server = TestServer::start().await;
    let body =
        serde_json::json!({ "market": BTC, "interval": "1d", "from": "2024-01-01", "to": "2024-12-31" });
    server.post("/api/admin/backfills", &body).await.expect_problem(401, "unauthenticated");
    let ann = server.user("ann").await;
    ann.post_to("/api/admin/backfills", &body).await.expect_status(403);

    let admin = administrator(&server).await;
    let created = admin.post_to("/api/admin/backfills", &body).await.expect_status(201);
    let view = created.json();
    assert_eq!((&view["state"], &view["to"]), (&"waiting".into(), &"2025-01-01T00:00:00.000Z".into()));
    let id = view["id"].as_str().unwrap();
    assert_eq!(created.header("location"), format!("/api/admin/backfills/{id}"));
    let done = finished(&admin, id).await;
    assert_eq!(
        (&done["state"], &done["progress"], &done["changes"]),
        (&"done".into(), &1.0.into(), &366.into())
    );

    let again = admin.post_to("/api/admin/backfills", &body).await.expect_status(201).json();
    let again = finished(&admin, again["id"].as_str().unwrap()).await;
    assert_eq!((&again["requests"], &again["changes"]), (&0.into(), &0.into()), "{again}");
}

#[tokio::test]
async fn a_backfill_can_be_called_off_and_mistakes_are_named() {
    let server = TestServer::start().await;
    let admin = administrator(&server).await;
    let body =
        serde_json::json!({ "market": "KRW-NOBODY", "interval": "2m", "from": "2024-13-01", "to": "soon" });
    admin.post_to("/api/admin/backfills", &body).await.expect_violations(&[
        ("market", "unknown"),
        ("interval", "invalid"),
        ("from", "invalid"),
        ("to", "invalid"),
    ]);
    server.exchange().faults().rest_status(Some(503));
    let body = serde_json::json!({ "market": BTC, "interval": "1m", "from": "2020-01-01" });
    let id = admin.post_to("/api/admin/backfills", &body).await.expect_status(201).json()["id"].clone();
    let path = format!("/api/admin/backfills/{}", id.as_str().unwrap());
    for _ in 0..2 {
        admin.delete(&path).await.expect_status(204);
    }
    assert_eq!(finished(&admin, id.as_str().unwrap()).await["state"], "cancelled");
    for unknown in ["/api/admin/backfills/1", "/api/admin/backfills/x"] {
        admin.delete(unknown).await.expect_problem(404, "not_found");
    }
    let off = TestServer::without_prices(&[]).await;
    let body = serde_json::json!({ "market": BTC, "interval": "1m", "from": "2020-01-01" });
    administrator(&off).await.post_to("/api/admin/backfills", &body).await.expect_problem(409, "no_exchange");
}

/// Waits for the end of a backfill.
async fn finished(admin: &User, id: &str) -> Value {
    let mut found = Value::Null;
    eventually("the end of the backfill", async || {
        let list = admin.get("/api/admin/backfills").await.expect_status(200).json();
        let backfills = list["backfills"].as_array().unwrap().iter();
        found = backfills.into_iter().find(|backfill| backfill["id"] == id).unwrap().clone();
        !found["finished_at"].is_null()
    })
    .await;
    found
}

#[test]
fn a_backfill_from_the_command_line_can_be_repeated_and_says_what_it_did() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let backfill = |arguments: &[&str]| {
        let common = ["--from", "2024-01-01", "--to", "2025-06-30", "--feed", "sim", "--data-dir", data];
        let output = run(&[&["backfill", BTC], arguments, &common].concat());
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = backfill(&["--interval", "1d"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("requests=3") && said.contains("candles=547"), "{said}");
    let (code, said) = backfill(&["--interval", "1d"]);
    assert!(code == Some(0) && said.contains("requests=0") && said.contains("candles=0"), "{said}");
    assert_eq!(backfill(&["--interval", "2d"]).0, Some(2));
}

#[tokio::test]
async fn the_command_line_does_not_collect_beside_a_server() {
    let server = TestServer::start().await;
    eventually("the server collects", async || {
        server.get("/health/ready").await.json()["candles"]["collecting"] == true
    })
    .await;
    let data = server.inside().app.config.storage.data_dir.to_str().unwrap().to_owned();
    let arguments = ["backfill", BTC, "--interval", "1d", "--from", "2024-01-01", "--feed", "sim"];
    let output = tokio::task::spawn_blocking(move || run(&[&arguments[..], &["--data-dir", &data]].concat()));
    let output = output.await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("POST /api/admin/backfills"));
}
