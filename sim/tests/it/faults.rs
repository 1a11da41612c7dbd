//! What a client sees when the exchange is broken on purpose.

use tickroom_sim::Distortion;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{Client, exchange, quiet, refused};

#[tokio::test]
async fn dropped_connections_end_without_a_close_frame_and_may_come_back() {
    let exchange = exchange(quiet()).await;
    let (mut ann, mut bob) = (Client::connect(&exchange).await, Client::connect(&exchange).await);
    ann.follow(&["KRW-BTC"]).await;
    exchange.faults().drop_connections();
    ann.assert_cut().await;
    bob.assert_cut().await;
    let mut ann = Client::connect(&exchange).await;
    ann.follow(&["KRW-BTC"]).await;
    assert_eq!(exchange.connects_total(), 3);
}

#[tokio::test]
async fn a_stalled_exchange_keeps_the_sockets_and_says_nothing() {
    let exchange = exchange(quiet()).await;
    let mut client = Client::connect(&exchange).await;
    client.follow(&["KRW-BTC"]).await;
    exchange.faults().stall(true);
    exchange.trade("KRW-BTC", "150001000", "1").unwrap();
    client.send_message(Message::Ping("anyone?".into())).await;
    client.assert_mute().await;
    assert_eq!(exchange.connections(), 1);

    exchange.faults().stall(false);
    assert!(matches!(client.next_message().await, Some(Ok(Message::Pong(_)))));
    exchange.trade("KRW-BTC", "150002000", "1").unwrap();
    assert_eq!(client.next().await["trade_price"], 150_002_000.0, "what happened meanwhile is lost");
}

#[tokio::test]
async fn a_stalled_exchange_can_still_be_dropped() {
    let exchange = exchange(quiet()).await;
    let mut client = Client::connect(&exchange).await;
    exchange.faults().stall(true);
    client.assert_mute().await;
    exchange.faults().drop_connections();
    client.assert_cut().await;
}

#[tokio::test]
async fn refused_connects_get_the_status() {
    let exchange = exchange(quiet()).await;
    for status in [503, 429, 418] {
        exchange.faults().refuse_connects(Some(status));
        assert_eq!(refused(&exchange, &[]).await.0, status);
    }
    exchange.faults().refuse_connects(None);
    Client::connect(&exchange).await;
    assert_eq!(exchange.connects_total(), 1);
}

#[tokio::test]
async fn raw_bytes_go_to_everyone_as_they_are() {
    let exchange = exchange(quiet()).await;
    let (mut ann, mut bob) = (Client::connect(&exchange).await, Client::connect(&exchange).await);
    let garbage = b"\xff\x00[{".to_vec();
    exchange.faults().send_raw(garbage.clone());
    for client in [&mut ann, &mut bob] {
        let frame = client.next_message().await.unwrap().unwrap();
        assert_eq!(frame, Message::binary(garbage.clone()));
    }
}

#[tokio::test]
async fn a_muted_code_is_known_and_never_delivers() {
    let exchange = exchange(quiet()).await;
    exchange.faults().mute_code("KRW-ETH");
    let mut client = Client::connect(&exchange).await;
    client.send(r#"[{"ticket":"t"},{"type":"ticker","codes":["KRW-ETH","KRW-BTC"]}]"#).await;
    assert_eq!(client.next().await["code"], "KRW-BTC");
    assert_eq!(exchange.subscribed_codes(), ["KRW-BTC", "KRW-ETH"]);
    exchange.trade("KRW-ETH", "5001000", "1").unwrap();
    client.assert_silent(&exchange).await;
}

#[tokio::test]
async fn distorted_frames_are_ugly_and_still_json() {
    let exchange = exchange(quiet()).await;
    let mut client = Client::connect(&exchange).await;
    client.follow(&["KRW-BTC"]).await;
    exchange.faults().distort(Distortion {
        unknown_keys: true,
        missing_keys: true,
        arrays: true,
        exponents: true,
        late_duplicates: false,
    });
    exchange.trade("KRW-BTC", "150001000", "1").unwrap();
    let text = client.next_text().await;
    assert!(text.contains(r#""trade_price":1.50001E8"#), "{text}");
    let frame: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(frame[0].get("market_warning").is_none() && frame[0].get("new_in_2027").is_some(), "{text}");
    exchange.faults().clear();
    exchange.trade("KRW-BTC", "150002000", "1").unwrap();
    assert_eq!(client.next().await["market_warning"], "NONE");
}

#[tokio::test]
async fn a_late_duplicate_follows_the_next_frame_of_its_market() {
    let exchange = exchange(quiet()).await;
    let mut client = Client::connect(&exchange).await;
    client.follow(&["KRW-BTC"]).await;
    exchange.faults().distort(Distortion { late_duplicates: true, ..Distortion::default() });
    for price in ["150001000", "150002000", "150003000"] {
        exchange.trade("KRW-BTC", price, "1").unwrap();
    }
    for price in [150_001_000.0, 150_002_000.0, 150_001_000.0, 150_003_000.0, 150_002_000.0] {
        assert_eq!(client.next().await["trade_price"], price);
    }
}
