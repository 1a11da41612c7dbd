//! Frames, keep-alive and the end of a connection.

use std::time::{Duration, Instant};

use tickroom_sim::{Config, SimError};
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{Client, eventually, exchange, quiet};

#[tokio::test]
async fn frames_are_text_if_asked_for() {
    let exchange = exchange(Config { text_frames: true, ..quiet() }).await;
    let mut client = Client::connect(&exchange).await;
    client.send(r#"[{"ticket":"t"},{"type":"ticker","codes":["KRW-BTC"]}]"#).await;
    let frame = client.next_message().await.unwrap().unwrap();
    assert!(matches!(frame, Message::Text(ref text) if text.starts_with(r#"{"type":"ticker""#)), "{frame:?}");
}

#[tokio::test]
async fn a_binary_request_is_a_wrong_format() {
    let exchange = exchange(quiet()).await;
    let mut client = Client::connect(&exchange).await;
    client.send_message(Message::binary("[{\"ticket\":\"t\"}]".as_bytes())).await;
    assert_eq!(client.next().await["error"]["name"], "WRONG_FORMAT");
    client.assert_closed().await;
}

#[tokio::test]
async fn a_text_ping_starts_the_status_beat() {
    let beat = Duration::from_millis(40);
    let exchange = exchange(Config { status_interval: beat, ..quiet() }).await;
    let mut client = Client::connect(&exchange).await;
    let begun = Instant::now();
    client.send("PING").await;
    client.send("PING").await;
    for _ in 0..4 {
        assert_eq!(client.next_text().await, r#"{"status":"UP"}"#);
    }
    assert!(
        begun.elapsed() >= 3 * beat - Duration::from_millis(5),
        "one beat, however often it is asked for"
    );
}

#[tokio::test]
async fn an_idle_socket_is_cut_after_its_last_frame() {
    let idle_close = Duration::from_millis(150);
    let exchange = exchange(Config { idle_close, ..quiet() }).await;
    let mut client = Client::connect(&exchange).await;
    let connected = Instant::now();
    client.follow(&["KRW-BTC"]).await;
    client.assert_cut().await;
    assert!(connected.elapsed() >= idle_close);
    eventually("the socket is gone", || exchange.connections() == 0).await;
}

#[tokio::test]
async fn a_ping_or_a_status_frame_keeps_a_socket_open() {
    let idle_close = Duration::from_millis(200);
    let exchange = exchange(Config { idle_close, status_interval: idle_close / 4, ..quiet() }).await;
    let mut client = Client::connect(&exchange).await;
    client.send("PING").await;
    for _ in 0..8 {
        assert_eq!(client.next_text().await, r#"{"status":"UP"}"#);
    }
    assert_eq!(exchange.connections(), 1);
}

#[tokio::test]
async fn connections_are_counted_and_their_codes_united() {
    let exchange = exchange(quiet()).await;
    let (mut ann, mut bob) = (Client::connect(&exchange).await, Client::connect(&exchange).await);
    assert_eq!((exchange.connections(), exchange.connects_total()), (2, 2));
    ann.follow(&["KRW-ETH", "KRW-BTC"]).await;
    bob.follow(&["KRW-BTC", "BTC-ETH"]).await;
    assert_eq!(exchange.subscribed_codes(), ["BTC-ETH", "KRW-BTC", "KRW-ETH"]);
    bob.send_message(Message::Close(None)).await;
    eventually("bob is gone", || exchange.connections() == 1).await;
    assert_eq!(exchange.subscribed_codes(), ["KRW-BTC", "KRW-ETH"]);
    assert_eq!(exchange.connects_total(), 2);
}

#[tokio::test]
async fn a_refresh_moves_the_last_day_and_nothing_else() {
    let exchange = exchange(quiet()).await;
    let mut client = Client::connect(&exchange).await;
    client.follow(&["KRW-BTC"]).await;
    exchange.trade("KRW-BTC", "150001000", "2").unwrap();
    let trade = client.next().await;
    exchange.refresh_sums();
    let refresh = client.next().await;
    assert_ne!(trade["acc_trade_volume_24h"], refresh["acc_trade_volume_24h"]);
    for key in ["trade_timestamp", "trade_price", "trade_volume", "acc_trade_price", "acc_trade_volume"] {
        assert_eq!(trade[key], refresh[key], "{key}");
    }
    assert_eq!(refresh["stream_type"], "REALTIME");
}

#[tokio::test]
async fn it_trades_by_itself_when_told_to() {
    let exchange = exchange(Config { trades_per_minute: 60_000, ..quiet() }).await;
    let mut client = Client::connect(&exchange).await;
    client.follow(&["KRW-BTC", "KRW-ETH", "BTC-ETH"]).await;
    for _ in 0..500 {
        assert_eq!(client.next().await["stream_type"], "REALTIME");
    }
}

#[tokio::test]
async fn what_no_market_could_trade_is_refused() {
    let exchange = exchange(quiet()).await;
    let trade = |code, price, volume| exchange.trade(code, price, volume).unwrap_err();
    assert!(matches!(trade("KRW-NOPE", "1", "1"), SimError::UnknownMarket { .. }));
    assert!(matches!(trade("KRW-BTC", "150000500", "1"), SimError::OffTick { .. }));
    assert!(matches!(trade("KRW-BTC", "1.5E8", "1"), SimError::BadNumber { .. }));
    assert!(matches!(trade("KRW-BTC", "150000000", "0"), SimError::BadNumber { .. }));
    assert!(matches!(trade("KRW-BTC", "10000000000", "1"), SimError::BadNumber { .. }));
}

#[tokio::test]
async fn stop_ends_the_sockets_and_frees_the_port() {
    let first = exchange(quiet()).await;
    let mut client = Client::connect(&first).await;
    let address = first.rest_url().trim_start_matches("http://").trim_end_matches("/v1").parse().unwrap();
    first.stop().await;
    client.assert_cut().await;
    let taken_over = exchange(Config { listen: address, ..quiet() }).await;
    Client::connect(&taken_over).await;
}
