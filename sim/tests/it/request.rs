//! What clients send, and what comes of it.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{Client, exchange, quiet};

/// What a request leads to.
enum Outcome {
    /// A snapshot of each of these, under the key of the code.
    Snapshots(&'static str, &'static [&'static str]),
    /// Nothing, and the socket stays open.
    Silence,
    /// This text.
    Reply(&'static str),
    /// An error whose text contains this, then the end.
    Error(&'static str),
}

use Outcome::{Error, Reply, Silence, Snapshots};

/// One request of every kind that is known from the documentation, from client libraries and from the wire.
const REQUESTS: [(&str, Outcome); 26] = [
    (r#"[{"ticket":"test"},{"type":"ticker","codes":["KRW-BTC"]}]"#, Snapshots("code", &["KRW-BTC"])),
    (
        r#"[{"ticket":"0e66"},{"type":"ticker","codes":["KRW-BTC","KRW-ETH"]},{"format":"DEFAULT"}]"#,
        Snapshots("code", &["KRW-BTC", "KRW-ETH"]),
    ),
    (
        r#"[{"ticket":"t"},{"type":"ticker","codes":["KRW-BTC"]},{"type":"ticker","codes":["BTC-ETH","KRW-BTC"]}]"#,
        Snapshots("code", &["KRW-BTC", "BTC-ETH"]),
    ),
    (
        r#"[{"ticket":"t"},{"type":"ticker","codes":["KRW-BTC"]},{"format":"SIMPLE"}]"#,
        Snapshots("cd", &["KRW-BTC"]),
    ),
    (
        r#"[{"ticket":"t"},{"format":"SIMPLE"},{"type":"ticker","codes":["KRW-BTC"]}]"#,
        Snapshots("cd", &["KRW-BTC"]),
    ),
    (
        r#"[{"ticket":"t"},{"type":"ticker","codes":["KRW-BTC"],"is_only_snapshot":true},{"format":"DEFAULT"}]"#,
        Snapshots("code", &["KRW-BTC"]),
    ),
    (
        r#"[{"ticket":"t"},{"type":"ticker","codes":["KRW-BTC"],"isOnlySnapshot":true}]"#,
        Snapshots("code", &["KRW-BTC"]),
    ),
    (r#"[{"ticket":"t"},{"type":"ticker","codes":["KRW-BTC"],"is_only_realtime":true}]"#, Silence),
    (r#"[{"ticket":"a1b2c3"},{"type":"ticker","codes":["KRW-BTC"],"isOnlyRealtime":true}]"#, Silence),
    (r#"[{"ticket":"t"},{"type":"trade","codes":["KRW-BTC"],"is_only_realtime":true}]"#, Silence),
    (
        r#"[{"ticket":"t"},{"type":"orderbook","codes":["KRW-BTC.15"],"level":10000},{"format":"SIMPLE"}]"#,
        Snapshots("cd", &["KRW-BTC"]),
    ),
    (r#"[{"ticket":"t"},{"type":"orderbook","codes":["BTC-ETH"],"level":10000}]"#, Silence),
    (
        r#"[{"ticket":"9a65"},{"type":"trade","codes":["KRW-BTC"]},{"type":"orderbook","codes":["KRW-ETH"]}]"#,
        Snapshots("code", &["KRW-BTC", "KRW-ETH"]),
    ),
    (r#"[{"ticket":"t"},{"type":"ticker","codes":["KRW-NOPE","krw-btc"]}]"#, Silence),
    (
        r#"[{"ticket":"t"},{"type":"ticker","codes":["KRW-NOPE","KRW-ETH","krw-btc"]}]"#,
        Snapshots("code", &["KRW-ETH"]),
    ),
    (
        r#"[{"ticket":"0e66"},{"method":"LIST_SUBSCRIPTIONS"}]"#,
        Reply(r#"{"method":"LIST_SUBSCRIPTIONS","result":[],"ticket":"0e66"}"#),
    ),
    (
        r#"[{"type":"ticker","codes":["KRW-BTC"]}]"#,
        Error(r#"{"error":{"name":"NO_TICKET","message":"티켓이 존재하지 않거나, 유효하지 않습니다."}}"#),
    ),
    (
        r#"[{"ticket":"t"},{"codes":["KRW-BTC"]}]"#,
        Error(r#"{"error":{"name":"NO_TYPE","message":"type 필드가 존재하지 않습니다."}}"#),
    ),
    (
        r#"[{"ticket":"t"},{"type":"ticker"}]"#,
        Error(r#"{"error":{"name":"NO_CODES","message":"codes 필드가 존재하지 않습니다."}}"#),
    ),
    (
        r#"[{"ticket":"t"},{"type":"nope","codes":["KRW-BTC"]}]"#,
        Error(r#"{"error":{"message":"nope 은 지원하지 않는 타입입니다.","name":"INVALID_PARAM"}}"#),
    ),
    (
        r#"[{"ticket":"t"},{"type":"ticker","codes":[]}]"#,
        Error(r#"{"error":{"name":"INVALID_PARAM","message":"codes 필드가 비어 있습니다."}}"#),
    ),
    (
        r#"[{"ticket":"t"},{"type":"ticker","codes":["KRW-BTC"]},{"format":"NOPE"}]"#,
        Error(r#"{"error":{"name":"INVALID_PARAM","message":"NOPE은 지원하지 않는 포맷입니다."}}"#),
    ),
    (
        r#"[{"ticket":"t"},{"type":"myOrder","codes":["KRW-BTC"]}]"#,
        Error(r#"{"error":{"name":"INVALID_AUTH","message":"인증 정보가 올바르지 않습니다."}}"#),
    ),
    (r#"{"ticket":"t"}"#, Error(r#"{"error":{"message":"Format 이 맞지 않습니다.","name":"WRONG_FORMAT"}}"#)),
    ("hello", Error(r#"{"error":{"message":"Format 이 맞지 않습니다.","name":"WRONG_FORMAT"}}"#)),
    ("ping", Error("WRONG_FORMAT")),
];

#[tokio::test]
async fn every_known_request_has_its_outcome() {
    let exchange = exchange(quiet()).await;
    for (request, outcome) in REQUESTS {
        let mut client = Client::connect(&exchange).await;
        client.send(request).await;
        match outcome {
            Snapshots(key, codes) => {
                for code in codes {
                    let frame = client.next().await;
                    assert_eq!(frame[key], *code, "{request}");
                    let stream = frame.get("stream_type").or(frame.get("st"));
                    assert_eq!(stream, Some(&Value::from("SNAPSHOT")), "{request}");
                }
            }
            Silence => {}
            Reply(text) => assert_eq!(client.next_text().await, text, "{request}"),
            Error(text) => {
                assert!(client.next_text().await.contains(text), "{request}");
                client.assert_closed().await;
                continue;
            }
        }
        client.assert_silent(&exchange).await;
    }
}

#[tokio::test]
async fn the_close_comes_150_ms_after_the_error() {
    let exchange = exchange(quiet()).await;
    let mut client = Client::connect(&exchange).await;
    client.send("hello").await;
    client.next_text().await;
    let told = Instant::now();
    client.assert_closed().await;
    assert!(told.elapsed() >= Duration::from_millis(140), "{:?}", told.elapsed());
}

#[tokio::test]
async fn the_stream_follows_the_snapshot_one_frame_a_trade() {
    let exchange = exchange(quiet()).await;
    let mut client = Client::connect(&exchange).await;
    client.follow(&["KRW-BTC"]).await;
    for (price, side) in [("150010000", "BID"), ("150010000", "BID"), ("149990000", "ASK")] {
        exchange.trade("KRW-BTC", price, "0.5").unwrap();
        exchange.trade("KRW-ETH", "5000000", "1").unwrap();
        let frame = client.next_text().await;
        assert!(frame.contains(&format!(r#""trade_price":{price}.00000000,"#)), "{frame}");
        assert!(frame.contains(&format!(r#""ask_bid":"{side}","trade_volume":0.50000000,"#)), "{frame}");
        assert!(frame.ends_with(r#""stream_type":"REALTIME"}"#), "{frame}");
    }
    client.assert_silent(&exchange).await;
}

#[tokio::test]
async fn only_a_snapshot_means_no_stream() {
    let exchange = exchange(quiet()).await;
    let mut client = Client::connect(&exchange).await;
    client.send(r#"[{"ticket":"t"},{"type":"ticker","codes":["KRW-BTC"],"is_only_snapshot":true}]"#).await;
    client.next().await;
    exchange.trade("KRW-BTC", "150000000", "1").unwrap();
    client.assert_silent(&exchange).await;
    assert!(exchange.subscribed_codes().is_empty());
}

#[tokio::test]
async fn only_realtime_means_no_snapshot() {
    let exchange = exchange(quiet()).await;
    let mut client = Client::connect(&exchange).await;
    client.send(r#"[{"ticket":"t"},{"type":"ticker","codes":["KRW-BTC"],"is_only_realtime":true}]"#).await;
    client.assert_silent(&exchange).await;
    exchange.trade("KRW-BTC", "150000000", "1").unwrap();
    assert_eq!(client.next().await["stream_type"], "REALTIME");
}

#[tokio::test]
async fn a_later_request_replaces_the_former() {
    let exchange = exchange(quiet()).await;
    let mut client = Client::connect(&exchange).await;
    client.follow(&["KRW-BTC", "KRW-ETH"]).await;
    assert_eq!(exchange.subscribed_codes(), ["KRW-BTC", "KRW-ETH"]);
    client.send(r#"[{"ticket":"t"},{"type":"ticker","codes":["BTC-ETH"]},{"format":"JSON_LIST"}]"#).await;
    assert_eq!(client.next().await[0]["code"], "BTC-ETH");
    assert_eq!(exchange.subscribed_codes(), ["BTC-ETH"]);
    exchange.trade("KRW-BTC", "150000000", "1").unwrap();
    exchange.trade("BTC-ETH", "0.03333334", "1").unwrap();
    let frame = client.next_text().await;
    assert!(frame.starts_with(r#"[{"type":"ticker","code":"BTC-ETH","#), "{frame}");
    client.assert_silent(&exchange).await;
}

#[tokio::test]
async fn a_list_names_what_runs_and_its_format_becomes_that_of_the_stream() {
    let exchange = exchange(quiet()).await;
    let mut client = Client::connect(&exchange).await;
    client
        .send(
            r#"[{"ticket":"t"},{"type":"ticker","codes":["KRW-BTC","KRW-NOPE"]},
                {"type":"orderbook","codes":["KRW-ETH"]},{"type":"trade","codes":["KRW-NOPE"]}]"#,
        )
        .await;
    client.next().await;
    assert_eq!(client.next().await["type"], "orderbook");
    client.send(r#"[{"ticket":"x"},{"method":"LIST_SUBSCRIPTIONS"},{"format":"SIMPLE"}]"#).await;
    let expected = concat!(
        r#"{"mthd":"LIST_SUBSCRIPTIONS","rslt":[{"ty":"ticker","cds":["KRW-BTC"]},"#,
        r#"{"ty":"orderbook","cds":["KRW-ETH"],"lv":0}],"tckt":"x"}"#
    );
    assert_eq!(client.next_text().await, expected);
    exchange.trade("KRW-BTC", "150000000", "1").unwrap();
    assert_eq!(client.next().await["st"], "REALTIME");
}
