//! The feed against an exchange that misbehaves in every way its protocol allows.

use crate::harness::{TestTree, config, eventually};
use std::sync::Arc;
use std::time::Duration;
use tickroom_actors::TreeConfig;
use tickroom_actors::feed::FeedConfig;
use tickroom_actors::tree::Services;
use tickroom_sim::{Config, Distortion, Exchange, MarketSpec};
use tickroom_storage::MarketCode;
use tickroom_storage::candle::{Interval, Series};

const BTC: &str = "KRW-BTC";

/// An exchange on which only the test trades, and a tree that reads it with little patience.
async fn start() -> (Exchange, TestTree) {
    let exchange = Exchange::start(Config { trades_per_minute: 0, ..Config::default() }).await.unwrap();
    let feed = FeedConfig {
        ping_interval: Duration::from_millis(100),
        silence_limit: Duration::from_millis(400),
        reconnect_pause: Duration::from_millis(20),
        blocked_pause: Duration::from_millis(700),
        list_interval: Duration::from_millis(100),
        silent_after: Duration::from_millis(300),
        stale_after: Duration::from_millis(600),
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
    let strange: [&[u8]; 8] = [
        b"not json",
        b"\xff\xfe",
        b"[]",
        b"{\"status\":\"UP\"}",
        b"{\"type\":\"ticker\"}",
        b"{\"type\":\"ticker\",\"code\":\"KRW-BTC\",\"timestamp\":\"never\"}",
        b"{\"type\":\"trade\",\"code\":\"KRW-BTC\",\"sequential_id\":17853950437790001999}",
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

#[tokio::test]
async fn defect_49_every_distortion_of_frames_is_read_as_what_it_is() {
    let (exchange, test) = start().await;
    let watcher = watching(&test).await;
    exchange.faults().distort(Distortion {
        unknown_keys: true,
        missing_keys: true,
        arrays: true,
        exponents: true,
        late_duplicates: true,
    });
    let services = test.tree.services();
    exchange.trade(BTC, "161000000", "0.01").unwrap();
    let last = watcher.sees("ticker", |frame| frame["trade_price"] == 1.61E8).await;
    assert!(last.get("market_warning").is_none() && last.get("new_in_2027").is_none(), "{last}");
    eventually("the minute has the price", || highest_of_the_minute(services) == Some(161_000_000)).await;
    assert_eq!(services.feed_view.get().reconnects, 0);
}

/// The highest price of the newest minute that the stream told, in the quote currency.
fn highest_of_the_minute(services: &Services) -> Option<i64> {
    let series = Series { market: BTC.parse().unwrap(), interval: Interval::Minute1 };
    let newest = services.candles.recent(&series, &services.hub).pop()?;
    newest.high_price.to_string().split('.').next()?.parse().ok()
}

#[tokio::test]
async fn the_running_minute_comes_from_the_stream() {
    let (exchange, test) = start().await;
    exchange.trade(BTC, "162000000", "0.25").unwrap();
    let services = test.tree.services();
    eventually("the minute has the price", || highest_of_the_minute(services) == Some(162_000_000)).await;
}

#[tokio::test]
async fn late_duplicates_never_turn_a_price_back() {
    let (exchange, test) = start().await;
    let watcher = watching(&test).await;
    exchange.faults().distort(Distortion { late_duplicates: true, ..Distortion::default() });
    // Many of them in one millisecond, so that the time alone does not tell their order.
    for number in 1..=500 {
        exchange.trade(BTC, &(150_000_000 + number * 1_000).to_string(), "0.01").unwrap();
    }
    watcher.sees("ticker", |frame| frame["trade_price"] == 150_500_000.0).await;
    let before = test.tree.services().feed_view.get().ticks;
    exchange.trade("KRW-ETH", "5001000", "1").unwrap();
    eventually("what was behind it has come", || test.tree.services().feed_view.get().ticks > before).await;
    let prices: Vec<f64> =
        watcher.frames("ticker").iter().map(|frame| frame["trade_price"].as_f64().unwrap()).collect();
    assert!(prices.is_sorted(), "{prices:?}");
    assert_eq!(prices.last(), Some(&150_500_000.0));
}

#[tokio::test]
async fn an_exchange_that_wants_to_be_left_alone_is_left_alone() {
    let (exchange, test) = start().await;
    let watcher = watching(&test).await;
    for status in [429, 418] {
        let before = test.tree.services().feed_view.get().reconnects;
        exchange.faults().refuse_connects(Some(status));
        exchange.faults().drop_connections();
        let lost = || test.tree.services().feed_view.get();
        eventually("it was refused", || lost().last_error.is_some_and(|e| e.contains(&status.to_string())))
            .await;
        let refused_at = std::time::Instant::now();
        eventually("it was asked once more", || lost().reconnects >= before + 3).await;
        assert!(refused_at.elapsed() > Duration::from_millis(500), "after {:?}", refused_at.elapsed());
        exchange.faults().clear();
        price_arrives(&exchange, &watcher, if status == 429 { "163000000" } else { "164000000" }).await;
    }
}

#[tokio::test]
async fn a_list_that_is_refused_or_empty_changes_nothing() {
    let (exchange, test) = start().await;
    let watcher = watching(&test).await;
    let before = test.tree.services().hub.codes();
    for status in [429, 418, 500] {
        exchange.faults().rest_status(Some(status));
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    exchange.faults().drop_connections();
    eventually("it was noticed", || test.tree.services().feed_view.get().reconnects >= 1).await;
    price_arrives(&exchange, &watcher, "165000000").await;
    assert_eq!(test.tree.services().hub.codes(), before);
}

#[tokio::test]
async fn a_code_that_never_delivers_is_named_and_harms_no_other() {
    let (exchange, test) = start().await;
    exchange.faults().mute_code("KRW-DOT");
    // From here on each market is asked for again, and delivers a snapshot; the muted one does not.
    exchange.faults().drop_connections();
    let silent = || test.tree.services().feed_view.get().silent;
    eventually("it is named", || silent().iter().map(MarketCode::as_str).eq(["KRW-DOT"])).await;
    let watcher = watching(&test).await;
    price_arrives(&exchange, &watcher, "166000000").await;
    exchange.faults().unmute_code("KRW-DOT");
    exchange.trade("KRW-DOT", "5805", "1").unwrap();
    eventually("it is not named any more", || silent().is_empty()).await;
}

#[tokio::test]
async fn defect_54_markets_that_are_listed_and_delisted_come_and_go_on_the_same_connection() {
    let (exchange, test) = start().await;
    let services = test.tree.services();
    let new: MarketCode = "KRW-NEW".parse().unwrap();
    exchange.list(MarketSpec::new("KRW-NEW", "새", "New", "1000")).unwrap();
    eventually("it has a price", || services.hub.last(&new).is_ok_and(|tick| tick.is_some())).await;
    assert!(services.directory.all().iter().any(|room| room.name.as_str() == "KRW-NEW"), "and a room");
    exchange.delist("KRW-NEW");
    eventually("it is gone", || services.hub.last(&new).is_err()).await;
    assert_eq!((exchange.connects_total(), services.feed_view.get().reconnects), (1, 0));
}

#[tokio::test]
async fn defect_54_a_market_is_followed_or_not_by_decision_on_the_same_connection_and_over_restarts() {
    let (exchange, test) = start().await;
    let services = Arc::clone(test.tree.services());
    let watcher = watching(&test).await;
    let btc: MarketCode = BTC.parse().unwrap();
    assert!(!services.follow(&btc, false).await.unwrap().unwrap().active);
    watcher.sees("CLOSED", |frame| frame["market"] == BTC).await;
    eventually("the exchange is not asked for it", || !exchange.subscribed_codes().contains(&BTC.to_owned()))
        .await;
    assert_eq!(services.follow(&"KRW-NOBODY".parse().unwrap(), true).await.unwrap(), None);

    assert!(services.follow(&btc, true).await.unwrap().unwrap().by_hand);
    price_arrives(&exchange, &watcher, "167000000").await;
    assert_eq!((exchange.connects_total(), services.feed_view.get().reconnects), (1, 0));

    let eth: MarketCode = "KRW-ETH".parse().unwrap();
    services.follow(&eth, false).await.unwrap();
    drop((services, watcher));
    let config = test.tree.services().config.clone();
    let next = test.restart_with(config).await;
    connected(&next).await;
    assert!(next.tree.services().hub.last(&eth).is_err(), "it is remembered");
}

#[tokio::test]
async fn watchers_are_told_when_prices_become_stale_and_when_they_are_fresh_again() {
    let (exchange, test) = start().await;
    let watcher = watching(&test).await;
    watcher.sees("AGE", |frame| frame["stale"] == true).await;
    let late = watching(&test).await;
    late.sees("AGE", |frame| frame["stale"] == true).await;
    exchange.trade(BTC, "168000000", "0.01").unwrap();
    watcher.sees("AGE", |frame| frame["stale"] == false).await;
    late.sees("AGE", |frame| frame["stale"] == false).await;
}
