//! Limits on sockets. Those of REST calls are in `rest.rs`.

use tickroom_sim::{Config, Limits};

use crate::harness::{Client, exchange, quiet, refused};

#[tokio::test]
async fn the_handshake_says_what_is_left() {
    let exchange = exchange(Config { limits: Limits::default(), ..quiet() }).await;
    let client = Client::connect(&exchange).await;
    let headers = client.handshake.headers();
    assert_eq!(headers["remaining-req"], "group=websocket; min=300; sec=4");
    assert_eq!(headers["limit-by-ip"], "Yes");
}

#[tokio::test]
async fn too_many_handshakes_get_429_and_then_418() {
    let limits = Limits { connects_per_second: 0, refusals_before_block: 3, ..Limits::default() };
    let exchange = exchange(Config { limits, ..quiet() }).await;
    for _ in 0..2 {
        assert_eq!(refused(&exchange, &[]).await, (429, "Too many API requests.".to_owned()));
    }
    assert_eq!(refused(&exchange, &[]).await, (418, String::new()));
    assert_eq!(exchange.connects_total(), 0);
}

#[tokio::test]
async fn browsers_may_connect_once_in_ten_seconds() {
    let exchange = exchange(Config { limits: Limits::default(), ..quiet() }).await;
    let origin = [("origin", "http://localhost")];
    let browser = Client::try_connect(&exchange, &origin).await.unwrap();
    assert_eq!(browser.handshake.headers()["remaining-req"], "group=origin; min=6; sec=0");
    assert_eq!(refused(&exchange, &origin).await.0, 429);
    Client::connect(&exchange).await;
}

#[tokio::test]
async fn too_many_messages_end_the_connection() {
    let limits = Limits { messages_per_second: 1000, messages_per_minute: 2, ..Limits::default() };
    let exchange = exchange(Config { limits, ..quiet() }).await;
    let mut client = Client::connect(&exchange).await;
    client.follow(&["KRW-BTC"]).await;
    client.follow(&["KRW-ETH"]).await;
    client.send("PING").await;
    assert_eq!(client.next().await["error"]["name"], "Too Many Requests");
    client.assert_closed().await;
}
