//! Markets.

use tickroom_storage::TimestampMs;
use tickroom_storage::market::{Market, Markets};

on_every_engine!(Markets::new =>
    markets_are_listed_by_code,
    a_market_is_brought_up_to_date,
    hundreds_at_once_are_fine,
    the_last_decision_about_a_market_counts,
);

fn market(code: &str, english_name: &str) -> Market {
    Market {
        code: code.parse().unwrap(),
        korean_name: "비트코인".to_owned(),
        english_name: english_name.to_owned(),
        warning: false,
    }
}

async fn markets_are_listed_by_code(markets: Markets) {
    assert_eq!(markets.list().await.unwrap(), []);
    let (btc, eth) =
        (market("KRW-BTC", "Bitcoin"), Market { warning: true, ..market("BTC-ETH", "Ethereum") });
    markets.upsert(&[btc.clone(), eth.clone()]).await.unwrap();
    assert_eq!(markets.list().await.unwrap(), [eth, btc]);
}

async fn a_market_is_brought_up_to_date(markets: Markets) {
    markets.upsert(&[market("KRW-BTC", "Bitcion")]).await.unwrap();
    let right = Market { warning: true, ..market("KRW-BTC", "Bitcoin") };
    markets.upsert(&[right.clone(), market("KRW-ETH", "Ethereum")]).await.unwrap();
    assert_eq!(markets.list().await.unwrap(), [right, market("KRW-ETH", "Ethereum")]);
}

async fn hundreds_at_once_are_fine(markets: Markets) {
    let all: Vec<Market> = (1000..1700).map(|n| market(&format!("KRW-{n}"), "Coin")).collect();
    markets.upsert(&[]).await.unwrap();
    markets.upsert(&all).await.unwrap();
    markets.upsert(&all).await.unwrap();
    assert_eq!(markets.list().await.unwrap(), all);
}

async fn the_last_decision_about_a_market_counts(markets: Markets) {
    let (btc, eth) = ("KRW-BTC".parse().unwrap(), "BTC-ETH".parse().unwrap());
    assert_eq!(markets.decided().await.unwrap(), []);
    for (active, at) in [(true, 1), (false, 2), (false, 3)] {
        markets.decide(&btc, active, TimestampMs::new(at)).await.unwrap();
    }
    markets.decide(&eth, true, TimestampMs::new(4)).await.unwrap();
    assert_eq!(markets.decided().await.unwrap(), [(eth, true), (btc, false)]);
    assert_eq!(markets.list().await.unwrap(), [], "a market may be decided about before it is listed");
}
