//! The feed against an exchange that misbehaves in every way its protocol allows.

use crate::harness::{TestTree, config, eventually};
use std::sync::Arc;
use std::time::Duration;
use tickroom_actors::TreeConfig;
use tickroom_actors::feed::FeedConfig;
use tickroom_sim::{Config, Exchange};
use tickroom_storage::MarketCode;

const BTC: &str = "KRW-BTC";

/// An exchange on which only the test trades, and a tree that reads it with little patience.
async fn start() -> (Exchange, TestTree) {
    let exchange = Exchange::start(Config { trades_per_minute: 0, ..Config::default() }).await.unwrap();
    let feed = FeedConfig {
        ping_interval: Duration::from_millis(100),
        silence_limit: Duration::from_millis(400),
        reconnect_pause: Duration::from_millis(20),
        simulated: true,
        ..FeedConfig::new(exchange.ws_url(), exchange.rest_url())
    };
    let test = TestTree::with(TreeConfig { feed: Some(feed), ..config() }).await;
    connected(&test).await;
    (exchange, test)
}

async fn connected(test: &TestTree) {
    let services = Arc::clone(test.tree.services());
    eventually("the feed is connected", || services.feed_view.get().connected).await;
    let code: MarketCode = BTC.parse().unwrap();
    eventually("a price has come", || services.hub.last(&code).is_ok_and(|tick| tick.is_some())).await;
}

/// Trades until the watcher has seen it; a trade while the feed is away is seen by nobody.
async fn price_arrives(exchange: &Exchange, watcher: &crate::harness::Member, price: &str) {
    let seen =
        || watcher.frames("ticker").iter().any(|frame| frame["trade_price"].to_string().starts_with(price));
    for _ in 0..500 {
        exchange.trade(BTC, price, "0.01").unwrap();
        tokio::time::sleep(Duration::from_millis(10)).await;
        if seen() {
            return;
        }
    }
    panic!("{price} never came");
}

async fn watching(test: &TestTree) -> crate::harness::Member {
    let watcher = test.watcher();
    watcher.send(format!(r#"{{"market":"{BTC}"}}"#)).await;
    watcher.sees("ticker", |_| true).await;
    watcher
}

#[tokio::test]
async fn a_watcher_gets_the_last_price_at_once_and_then_each_new_one() {
    let (exchange, test) = start().await;
    let watcher = watching(&test).await;
    let snapshot = watcher.frames("ticker").remove(0);
    assert_eq!((&snapshot["stream_type"], &snapshot["simulated"]), (&"SNAPSHOT".into(), &true.into()));
    price_arrives(&exchange, &watcher, "151000000").await;
    let last = watcher.frames("ticker").pop().unwrap();
    assert_eq!(last["stream_type"], "REALTIME");
    assert!(last["seq"].as_u64() > snapshot["seq"].as_u64());
    assert!(last["received"].as_i64() >= last["timestamp"].as_i64());
}

#[tokio::test]
async fn who_stops_watching_gets_no_more() {
    let (exchange, test) = start().await;
    let (stays, goes) = (watching(&test).await, watching(&test).await);
    goes.send(format!(r#"{{"market":"{BTC}","type":"UNSUBSCRIBE"}}"#)).await;
    eventually("one is left", || test.tree.services().hub.watchers() == 1).await;
    let before = goes.frames("ticker").len();
    price_arrives(&exchange, &stays, "152000000").await;
    assert_eq!(goes.frames("ticker").len(), before);
    stays.hang_up();
    assert_eq!(test.tree.services().hub.watchers(), 0);
}

#[tokio::test]
async fn defect_50_a_dropped_connection_is_made_again_and_watchers_notice_nothing() {
    let (exchange, test) = start().await;
    let watcher = watching(&test).await;
    exchange.faults().drop_connections();
    eventually("it was noticed", || test.tree.services().feed_view.get().reconnects >= 1).await;
    connected(&test).await;
    price_arrives(&exchange, &watcher, "153000000").await;
    assert!(exchange.subscribed_codes().iter().any(|code| code == BTC));
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_given_up() {
    let (exchange, test) = start().await;
    let watcher = watching(&test).await;
    exchange.faults().stall(true);
    eventually("it was noticed", || test.tree.services().feed_view.get().reconnects >= 1).await;
    assert!(test.tree.services().feed_view.get().last_error.unwrap().contains("nothing came"));
    exchange.faults().stall(false);
    price_arrives(&exchange, &watcher, "154000000").await;
}

#[tokio::test]
async fn an_exchange_that_refuses_connections_is_asked_again() {
    let (exchange, test) = start().await;
    let watcher = watching(&test).await;
    exchange.faults().refuse_connects(Some(503));
    exchange.faults().drop_connections();
    eventually("it was refused", || test.tree.services().feed_view.get().reconnects >= 3).await;
    exchange.faults().refuse_connects(None);
    price_arrives(&exchange, &watcher, "155000000").await;
}

#[tokio::test]
async fn defect_49_strange_frames_are_survived() {
    let (exchange, test) = start().await;
    let watcher = watching(&test).await;
    let strange: [&[u8]; 7] = [
        b"not json",
        b"\xff\xfe",
        b"[]",
        b"{\"status\":\"UP\"}",
        b"{\"type\":\"ticker\"}",
        b"{\"type\":\"ticker\",\"code\":\"KRW-BTC\",\"timestamp\":\"never\"}",
        b"{\"type\":\"orderbook\",\"code\":\"KRW-BTC\",\"level\":0}",
    ];
    strange.iter().for_each(|bytes| exchange.faults().send_raw(bytes.to_vec()));
    let far_future = 99_999_999_999_999;
    let array = format!(
        r#"[{{"type":"ticker","code":"KRW-BTC","trade_price":1.5E8,"new_key":{{}},"timestamp":{far_future}}}]"#
    );
    exchange.faults().send_raw(array.into_bytes());
    let frame = watcher.sees("ticker", |frame| frame["timestamp"].as_i64() == Some(far_future)).await;
    assert_eq!(frame["trade_price"].to_string(), "150000000.0");
    assert!(frame.get("opening_price").is_none() && frame.get("new_key").is_none());
    assert_eq!(test.tree.services().feed_view.get().reconnects, 0);
}

#[tokio::test]
async fn an_error_of_the_exchange_is_shown_and_the_connection_made_again() {
    let (exchange, test) = start().await;
    let error = br#"{"error":{"message":"m","name":"WRONG_FORMAT"}}"#;
    exchange.faults().send_raw(error.to_vec());
    eventually("it was noticed", || test.tree.services().feed_view.get().reconnects >= 1).await;
    connected(&test).await;
}

#[tokio::test]
async fn markets_get_rooms_and_are_remembered() {
    let (exchange, test) = start().await;
    let rooms = test.tree.services().directory.all();
    assert!(rooms.len() > 1 && rooms.iter().any(|room| room.name.as_str() == "KRW-ETH"));
    exchange.stop().await;
    let next = test.crash_and_restart(1 << 30).await;
    assert_eq!(next.tree.services().directory.all().len(), rooms.len());
}
