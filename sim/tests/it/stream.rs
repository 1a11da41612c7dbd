//! The streams beside the ticker: trades, books and candles.

use std::time::{Duration, Instant};

use crate::harness::{Client, exchange, get, quiet};

const REALTIME: &str = r#","is_only_realtime":true"#;
const SNAPSHOT: &str = r#","is_only_snapshot":true"#;

#[tokio::test]
async fn a_trade_is_one_frame_with_an_id_beyond_what_a_double_holds() {
    let exchange = exchange(quiet()).await;
    let mut client = Client::connect(&exchange).await;
    client.subscribe("trade", &["KRW-BTC"], REALTIME, "DEFAULT").await;
    client.assert_silent(&exchange).await;
    let mut ids = Vec::new();
    for price in ["150001000", "150001000", "149999000"] {
        exchange.trade("KRW-BTC", price, "0.25").unwrap();
        let frame = client.next().await;
        assert_eq!((&frame["type"], &frame["stream_type"]), (&"trade".into(), &"REALTIME".into()));
        assert_eq!(frame["trade_price"], price.parse::<f64>().unwrap());
        let id = frame["sequential_id"].as_i64().unwrap();
        assert_eq!(id / 10_000, frame["trade_timestamp"].as_i64().unwrap());
        assert!(id > 1 << 53);
        ids.push(id);
    }
    assert!(ids.is_sorted_by(|one, next| one < next), "{ids:?}");
    exchange.refresh_sums();
    client.assert_silent(&exchange).await;
}

#[tokio::test]
async fn a_trade_has_its_keys_in_the_order_of_the_exchange_and_dashes_in_its_date() {
    let exchange = exchange(quiet()).await;
    let mut client = Client::connect(&exchange).await;
    client.subscribe("trade", &["KRW-BTC"], SNAPSHOT, "SIMPLE").await;
    let text = client.next_text().await;
    let keys = [
        "ty", "cd", "tms", "td", "ttm", "ttms", "tp", "tv", "ab", "pcp", "c", "cp", "sid", "bap", "bas",
        "bbp", "bbs", "st",
    ];
    let places: Vec<_> = keys.iter().map(|key| text.find(&format!("\"{key}\":")).expect(key)).collect();
    assert!(places.is_sorted(), "{text}");
    let date = text.split(r#""td":""#).nth(1).unwrap();
    assert_eq!(&date[4..5], "-", "{text}");
}

#[tokio::test]
async fn one_request_carries_several_types() {
    let exchange = exchange(quiet()).await;
    let mut client = Client::connect(&exchange).await;
    client
        .send(
            r#"[{"ticket":"t"},{"type":"ticker","codes":["KRW-BTC"]},{"type":"trade","codes":["KRW-BTC"]},
                {"type":"candle.1s","codes":["KRW-BTC"]},{"type":"orderbook","codes":["KRW-BTC.5"]}]"#,
        )
        .await;
    for kind in ["ticker", "trade", "candle.1s", "orderbook"] {
        assert_eq!(client.next().await["type"], kind);
    }
    exchange.trade("KRW-BTC", "150001000", "0.25").unwrap();
    let mut kinds = Vec::new();
    for _ in 0..4 {
        kinds.push(client.next().await["type"].as_str().unwrap().to_owned());
    }
    kinds.sort();
    assert_eq!(kinds, ["candle.1s", "orderbook", "ticker", "trade"]);
}

#[tokio::test]
async fn a_candle_comes_on_a_beat_of_a_second_and_only_after_a_trade() {
    let exchange = exchange(quiet()).await;
    let mut client = Client::connect(&exchange).await;
    client.subscribe("candle.60m", &["KRW-BTC"], REALTIME, "DEFAULT").await;
    client.assert_silent(&exchange).await;
    let mut frames = Vec::new();
    for _ in 0..2 {
        let volumes = ["0.1", "0.2", "0.3"];
        volumes.iter().for_each(|volume| exchange.trade("KRW-BTC", "150001000", volume).unwrap());
        frames.push((client.next().await, Instant::now()));
    }
    let apart = frames[1].1 - frames[0].1;
    assert!(apart > Duration::from_millis(900) && apart < Duration::from_millis(1_500), "{apart:?}");
    assert_eq!(frames[0].0["type"], "candle.60m");
    let text = get(&exchange, "/candles/minutes/60?market=KRW-BTC").await.json::<serde_json::Value>().await;
    let row = &text.unwrap()[0];
    for key in
        ["opening_price", "high_price", "candle_acc_trade_volume", "candle_acc_trade_price", "timestamp"]
    {
        assert_eq!(row[key], frames[1].0[key], "stream and REST agree on {key}");
    }
    assert_eq!(row["candle_date_time_utc"], frames[1].0["candle_date_time_utc"]);
}

#[tokio::test]
async fn candle_snapshots_of_a_list_format_are_one_array() {
    let exchange = exchange(quiet()).await;
    let mut client = Client::connect(&exchange).await;
    client.subscribe("candle.1m", &["KRW-BTC", "KRW-ETH"], "", "SIMPLE_LIST").await;
    let array = client.next().await;
    assert_eq!((&array[0]["cd"], &array[1]["cd"]), (&"KRW-BTC".into(), &"KRW-ETH".into()));
    assert_eq!(array[1]["st"], "SNAPSHOT");
    client.assert_silent(&exchange).await;
}

#[tokio::test]
async fn a_book_has_the_depth_asked_for_and_moves_on_a_beat_of_a_tenth_of_a_second() {
    let exchange = exchange(quiet()).await;
    let mut client = Client::connect(&exchange).await;
    for (code, depth) in [("KRW-BTC", 30), ("KRW-BTC.1", 1), ("KRW-BTC.15", 15), ("KRW-BTC.7", 30)] {
        client.subscribe("orderbook", &[code], SNAPSHOT, "DEFAULT").await;
        let book = client.next().await;
        assert_eq!(
            (book["orderbook_units"].as_array().unwrap().len(), &book["code"]),
            (depth, &"KRW-BTC".into())
        );
    }
    client.subscribe("orderbook", &["KRW-BTC.5"], REALTIME, "DEFAULT").await;
    client.assert_silent(&exchange).await;
    for price in ["150001000", "150002000"] {
        exchange.trade("KRW-BTC", price, "1").unwrap();
    }
    let text = client.next_text().await;
    assert!(text.contains(r#""orderbook_units":[{"ask_price":1.50002E8,"bid_price":1.50001E8,"#), "{text}");
    client.assert_silent(&exchange).await;
}
