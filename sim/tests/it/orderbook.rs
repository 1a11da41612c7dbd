//! `/v1/orderbook` and its instruments.

use serde_json::Value;

use crate::harness::{exchange, get, quiet};

#[tokio::test]
async fn books_come_by_market_depth_and_level() {
    let exchange = exchange(quiet()).await;
    let rows = async |query: &str| -> Vec<Value> {
        get(&exchange, &format!("/orderbook?{query}")).await.json().await.unwrap()
    };
    let both = rows("markets=KRW-BTC,krw-eth").await;
    assert_eq!((&both[0]["market"], &both[1]["market"]), (&"KRW-BTC".into(), &"KRW-ETH".into()));
    for (count, units) in [(1, 1), (7, 7), (30, 30), (50, 30)] {
        let row = &rows(&format!("markets=KRW-BTC&count={count}")).await[0];
        assert_eq!(row["orderbook_units"].as_array().unwrap().len(), units);
    }
    assert_eq!(rows("markets=KRW-BTC&level=10000").await[0]["level"], 10_000);
    assert_eq!(rows("markets=KRW-BTC&level=7").await, Vec::<Value>::new());
}

#[tokio::test]
async fn instruments_are_told_to_the_byte() {
    let exchange = exchange(quiet()).await;
    let body = get(&exchange, "/orderbook/instruments?markets=KRW-BTC").await.text().await.unwrap();
    let expected = concat!(
        r#"[{"market":"KRW-BTC","quote_currency":"KRW","tick_size":"1000","#,
        r#""supported_levels":["0","10000","100000","1000000","10000000","100000000"]}]"#
    );
    assert_eq!(body, expected);
}

#[tokio::test]
async fn a_wrong_call_is_refused() {
    let exchange = exchange(quiet()).await;
    for (path, status) in [
        ("/orderbook", 400),
        ("/orderbook?markets=KRW-NOPE", 404),
        ("/orderbook?markets=KRW-BTC&count=x", 400),
        ("/orderbook/instruments", 400),
    ] {
        assert_eq!(get(&exchange, path).await.status().as_u16(), status, "{path}");
    }
}
