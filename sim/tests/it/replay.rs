//! Recorded trades over the socket.

use tickroom_sim::{Config, Replay};

use crate::harness::{Client, exchange, quiet};

#[tokio::test]
async fn a_recording_happens_again_with_its_prices_volumes_and_order() {
    let csv = "trade_timestamp_ms,trade_price,trade_volume
1778570215547,150001000.0,0.010729
1778570215747,150000000.0,0.00093671
1778570215747,150002000.0,1
";
    let replays = vec![Replay::from_csv("KRW-BTC", csv).unwrap()];
    let exchange = exchange(Config { replays, ..quiet() }).await;
    let mut client = Client::connect(&exchange).await;
    client.subscribe("trade", &["KRW-BTC"], "", "DEFAULT").await;
    let mut frames = vec![client.next().await];
    while frames.last().unwrap()["trade_price"] != 150_002_000.0 {
        frames.push(client.next().await);
    }
    let [.., second, third] = frames.as_slice() else { panic!("{frames:?}") };
    assert_eq!(
        (&second["trade_price"], &second["trade_volume"]),
        (&150_000_000.0.into(), &0.00093671.into())
    );
    assert_eq!((&second["ask_bid"], &third["ask_bid"]), (&"ASK".into(), &"BID".into()));
}
