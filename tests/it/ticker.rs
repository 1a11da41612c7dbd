//! Prices: the last one at once and every newer one after it, in the exchange's own spelling, whatever the exchange
//! does in between.

use serde_json::Value;

use crate::harness::{TestServer, TickerSocket, eventually};

const BTC: &str = "KRW-BTC";
const ETH: &str = "KRW-ETH";

fn trade(server: &TestServer, market: &str, price: &str) {
    server.exchange().trade(market, price, "0.01").unwrap();
}

/// Reads until the market has this price.
async fn expect_price(socket: &mut TickerSocket, market: &str, price: f64) -> Value {
    loop {
        let tick = socket.next_price(market).await;
        if tick["trade_price"] == price {
            return tick;
        }
    }
}

#[tokio::test]
async fn defect_50_a_watcher_gets_the_last_price_at_once_and_then_each_new_one() {
    let server = TestServer::start().await;
    let mut socket = server.watch_prices().await;
    let snapshot = socket.watch(BTC).await;
    assert_eq!((&snapshot["trade_price"], &snapshot["simulated"]), (&150_000_000.0.into(), &true.into()));
    let seq = snapshot["seq"].as_u64().unwrap();
    for (price, number) in ["150001000", "150002000", "149999000"].into_iter().zip(1..) {
        trade(&server, BTC, price);
        let tick = expect_price(&mut socket, BTC, price.parse().unwrap()).await;
        assert_eq!(tick["stream_type"], "REALTIME");
        assert_eq!(tick["seq"], seq + number);
        assert!(tick["received"].as_i64() >= tick["timestamp"].as_i64(), "{tick}");
    }
    let mut late = server.watch_prices().await;
    assert_eq!(late.watch(BTC).await["trade_price"], 149_999_000.0);
}

#[tokio::test]
async fn defect_53_numbers_keep_the_spelling_of_the_exchange() {
    let server = TestServer::start().await;
    let mut socket = server.watch_prices().await;
    let snapshot = socket.watch(BTC).await;
    let unchanged = snapshot["prev_closing_price"].as_f64().unwrap().to_string();
    trade(&server, BTC, &unchanged);
    let tick = socket.next_text().await;
    assert!(tick.contains(r#""change_price":0E-8"#), "{tick}");
    assert!(tick.contains(&format!(r#""trade_price":{unchanged}.00000000"#)), "{tick}");
    server.exchange().trade(BTC, "150001000", "0.00000001").unwrap();
    let tick = socket.next_text().await;
    assert!(tick.contains(r#""trade_price":150001000.00000000"#), "{tick}");
    assert!(tick.contains(r#""trade_volume":0.00000001"#), "{tick}");
    let over_rest = server.get("/api/markets/KRW-BTC/ticker").await.expect_status(200).body;
    assert_eq!(over_rest, tick.replace("REALTIME", "SNAPSHOT"));
}

#[tokio::test]
async fn one_socket_watches_many_markets_and_stops_watching_one() {
    let server = TestServer::start().await;
    let mut socket = server.watch_prices().await;
    socket.watch(BTC).await;
    socket.watch(ETH).await;
    trade(&server, BTC, "150001000");
    expect_price(&mut socket, BTC, 150_001_000.0).await;
    trade(&server, ETH, "5001000");
    expect_price(&mut socket, ETH, 5_001_000.0).await;

    socket.unwatch(BTC).await;
    socket.settle().await;
    trade(&server, BTC, "150002000");
    eventually("the price that is not sent", async || {
        server.get("/api/markets/KRW-BTC/ticker").await.json()["trade_price"] == 150_002_000.0
    })
    .await;
    trade(&server, ETH, "5002000");
    let tick = socket.next_price(ETH).await;
    assert_eq!(tick["trade_price"], 5_002_000.0);
}

#[tokio::test]
async fn watching_twice_is_watching_once() {
    let server = TestServer::start().await;
    let mut socket = server.watch_prices().await;
    socket.watch(BTC).await;
    socket.send_text(r#"{"market":"KRW-BTC","type":"SUBSCRIBE"}"#).await;
    socket.settle().await;
    trade(&server, BTC, "150001000");
    trade(&server, BTC, "150002000");
    let tick = expect_price(&mut socket, BTC, 150_002_000.0).await;
    socket.settle().await;
    assert!(socket.take_unread().is_empty(), "{tick} came twice");
}

#[tokio::test]
async fn defect_48_a_hundred_watchers_cost_the_exchange_one_connection() {
    let server = TestServer::start().await;
    let mut sockets = Vec::new();
    for _ in 0..100 {
        let mut socket = server.watch_prices().await;
        socket.watch(BTC).await;
        sockets.push(socket);
    }
    trade(&server, BTC, "150001000");
    for socket in &mut sockets {
        assert_eq!(socket.next_price(BTC).await["trade_price"], 150_001_000.0);
    }
    assert_eq!((server.exchange().connections(), server.exchange().connects_total()), (1, 1));
    drop(sockets);
    let hub = &server.inside().app.tree.services().hub;
    eventually("no watcher is left", async || hub.watchers() == 0).await;
}

#[tokio::test]
async fn what_is_no_market_or_no_request_is_refused_and_the_socket_lives_on() {
    let server = TestServer::start().await;
    let mut socket = server.watch_prices().await;
    for (text, code) in [
        (r#"{"market":"KRW-NOBODY"}"#, "unknown_market"),
        (r#"{"market":"krw-btc"}"#, "unknown_market"),
        (r#"{"market":"../../etc/passwd"}"#, "unknown_market"),
        (r#"{"market":"KRW-NOBODY","type":"UNSUBSCRIBE"}"#, "unknown_market"),
        ("{}", "unknown_market"),
        ("", "malformed"),
        (r#"{"market":7}"#, "malformed"),
        (r#"["KRW-BTC"]"#, "malformed"),
        (r#"{"market":"KRW-BTC","type":"BUY"}"#, "malformed"),
    ] {
        socket.send_text(text).await;
        let error = socket.next().await;
        assert_eq!((&error["type"], &error["code"]), (&"ERROR".into(), &code.into()), "{text}");
    }
    socket.watch(BTC).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_slowly_is_spared_old_prices_and_ends_with_the_last() {
    const TRADES: u32 = 3_000;
    let server = TestServer::start().await;
    let mut socket = server.watch_prices_slowly().await;
    let first = socket.watch(BTC).await["seq"].as_u64().unwrap();
    let price = |number: u32| 150_000_000 + number * 1_000;
    for number in 1..=TRADES {
        trade(&server, BTC, &price(number).to_string());
    }
    let last = f64::from(price(TRADES));
    eventually("the last price", async || {
        server.get("/api/markets/KRW-BTC/ticker").await.json()["trade_price"] == last
    })
    .await;
    let (mut seq, mut frames) = (first, 0);
    loop {
        let tick = socket.next_price(BTC).await;
        assert!(tick["seq"].as_u64() > Some(seq), "prices go back");
        (seq, frames) = (tick["seq"].as_u64().unwrap(), frames + 1);
        if tick["trade_price"] == last {
            break;
        }
    }
    assert_eq!(seq, first + u64::from(TRADES));
    assert!(frames < TRADES, "nothing was spared");
    socket.settle().await;
    assert!(socket.take_unread().is_empty(), "something came after the last price");
}

#[tokio::test]
async fn defect_50_prices_flow_again_after_the_exchange_hung_up_and_watchers_stay() {
    let server = TestServer::start().await;
    let mut socket = server.watch_prices().await;
    let before = socket.watch(BTC).await;
    for (price, connects) in [("150001000", 2), ("150002000", 3)] {
        server.exchange().faults().drop_connections();
        eventually("another connection", async || server.exchange().connects_total() == connects).await;
        eventually("a subscription", async || server.exchange().subscribed_codes().len() == 2).await;
        trade(&server, BTC, price);
        let tick = expect_price(&mut socket, BTC, price.parse().unwrap()).await;
        assert!(tick["seq"].as_u64() > before["seq"].as_u64());
    }
    let ready = server.get("/health/ready").await.expect_status(200).json();
    assert_eq!((&ready["feed"]["connected"], &ready["feed"]["reconnects"]), (&true.into(), &2.into()));
}

#[tokio::test]
async fn a_handshake_that_the_exchange_refuses_is_tried_again() {
    let server = TestServer::start().await;
    let mut socket = server.watch_prices().await;
    socket.watch(BTC).await;
    let faults = server.exchange().faults();
    faults.refuse_connects(Some(503));
    faults.drop_connections();
    let feed = async || server.get("/health/ready").await.expect_status(200).json()["feed"].clone();
    eventually("a refusal", async || feed().await["reconnects"].as_u64() >= Some(2)).await;
    assert_eq!(feed().await["connected"], false);
    trade(&server, BTC, "150001000");
    faults.refuse_connects(None);
    // The price of the time without a connection is in the snapshot that follows it.
    expect_price(&mut socket, BTC, 150_001_000.0).await;
}

#[tokio::test]
async fn defect_49_frames_that_nobody_expected_do_not_stop_the_prices() {
    let server = TestServer::start().await;
    let mut socket = server.watch_prices().await;
    socket.watch(BTC).await;
    let frames: [&[u8]; 12] = [
        b"",
        b"garbage",
        b"\xff\xfe\x00",
        b"[]",
        b"{}",
        b"null",
        br#"{"status":"UP"}"#,
        br#"{"type":"ticker"}"#,
        br#"{"type":"ticker","code":"KRW-BTC"}"#,
        br#"{"type":"ticker","code":5,"trade_price":"x"}"#,
        br#"[{"type":"ticker","code":"../etc"},{"type":"trade","code":"KRW-BTC"}]"#,
        br#"{"error":{"name":"NO_TICKET","message":"made up"}}"#,
    ];
    for (frame, number) in frames.iter().zip(1..) {
        server.exchange().faults().send_raw(frame.to_vec());
        let price = 150_000_000 + number * 1_000;
        trade(&server, BTC, &price.to_string());
        expect_price(&mut socket, BTC, f64::from(price)).await;
    }
}

#[tokio::test]
async fn defect_49_keys_that_are_new_or_missing_are_no_reason_to_drop_a_price() {
    let server = TestServer::start().await;
    let mut socket = server.watch_prices().await;
    let timestamp = socket.watch(BTC).await["timestamp"].as_i64().unwrap();
    let frame = format!(
        r#"[{{"type":"ticker","code":"KRW-BTC","brand_new":{{"a":[1]}},"trade_price":1E+3,"timestamp":{timestamp}}}]"#
    );
    server.exchange().faults().send_raw(frame.into_bytes());
    let text = socket.next_text().await;
    assert!(text.contains(r#""trade_price":1E+3"#), "{text}");
    assert!(!text.contains("opening_price") && !text.contains("brand_new"), "{text}");
}

#[tokio::test]
async fn markets_are_listed_with_their_names_and_prices_are_labelled_as_simulated() {
    let server = TestServer::start().await;
    let view = server.get("/api/markets").await.expect_status(200).json();
    assert_eq!((&view["simulated"], &view["stale"]), (&true.into(), &false.into()));
    let markets = view["markets"].as_array().unwrap();
    let codes: Vec<_> = markets.iter().map(|market| market["code"].as_str().unwrap()).collect();
    assert_eq!(codes, [BTC, ETH]);
    assert_eq!(
        (&markets[0]["korean_name"], &markets[0]["english_name"]),
        (&"비트코인".into(), &"Bitcoin".into())
    );
    for nobody in ["KRW-NOBODY", "krw-btc", "%00", "..%2Fetc"] {
        server.get(&format!("/api/markets/{nobody}/ticker")).await.expect_problem(404, "not_found");
    }
}

#[tokio::test]
async fn without_a_feed_there_is_no_market_to_watch() {
    let server = TestServer::without_prices(&[]).await;
    let mut socket = server.watch_prices().await;
    socket.send_text(r#"{"market":"KRW-BTC"}"#).await;
    assert_eq!(socket.next().await["code"], "unknown_market");
    let view = server.get("/api/markets").await.expect_status(200).json();
    assert_eq!((&view["markets"], &view["simulated"]), (&serde_json::json!([]), &false.into()));
}

#[tokio::test]
async fn prices_that_have_become_stale_are_said_to_be_so_everywhere() {
    let server = TestServer::with(&[("feed.stale_after_s", "1")]).await;
    let mut socket = server.watch_prices().await;
    socket.watch(BTC).await;
    assert_eq!(socket.next_of("AGE").await["stale"], true);
    assert_eq!(server.get("/api/markets").await.json()["stale"], true);
    let ready = server.get("/health/ready").await.expect_status(200).json();
    assert_eq!(ready["feed"]["stale"], true, "people still talk, so the server stays in");
    assert!(server.get("/metrics").await.body.contains("tickroom_feed_stale 1"));
    trade(&server, BTC, "150001000");
    assert_eq!(socket.next_of("AGE").await["stale"], false);
    assert_eq!(server.get("/api/markets").await.json()["stale"], false);
}
