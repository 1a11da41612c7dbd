//! Candles, what is known of them, and requests for old ones.

use tickroom_storage::candle::{
    Backfills, Batch, Candle, CandleBound, Candles, Interval, NewBackfill, Outcome, Series, Span,
};
use tickroom_storage::{BackfillId, Decimal, TimestampMs};
use tokio::task::JoinSet;

use crate::at;

mod stored {
    use super::*;

    on_every_engine!(Candles::new =>
        candles_come_back_with_every_digit,
        defect_53_no_digit_of_a_large_sum_or_a_low_price_is_lost,
        defect_52_storing_the_same_twice_changes_nothing,
        a_running_window_goes_on_and_never_back,
        defect_54_pages_are_ordered_and_lead_both_ways,
        series_are_kept_apart,
        what_is_read_is_known_and_what_lies_between_is_a_gap,
        many_at_once_lose_nothing,
    );
}

mod asked_for {
    use super::*;

    on_every_engine!(Backfills::new =>
        backfills_are_worked_off_in_their_order,
        no_more_backfills_wait_than_may,
        a_backfill_that_ended_ends_once,
    );
}

pub(crate) fn series(market: &str, interval: Interval) -> Series {
    Series { market: market.parse().unwrap(), interval }
}

fn minutes() -> Series {
    series("KRW-BTC", Interval::Minute1)
}

/// The beginning of the minute so many after the beginning of the test's time.
fn minute(number: i64) -> TimestampMs {
    at(number * 60_000)
}

fn span(from: i64, until: i64) -> Span {
    Span::new(minute(from), minute(until))
}

fn number(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn candle(number_of_minute: i64, price: &str) -> Candle {
    Candle {
        start: minute(number_of_minute),
        opening_price: number(price),
        high_price: number(price),
        low_price: number(price),
        trade_price: number(price),
        volume: number("0.5"),
        turnover: number("1000.25"),
        traded_at: minute(number_of_minute).plus_millis(1_000),
    }
}

fn batch(candles: Vec<Candle>, covered: Option<Span>) -> Batch {
    Batch { series: minutes(), candles, covered }
}

async fn all(candles: &Candles) -> Vec<Candle> {
    candles.page(&minutes(), CandleBound::In(span(-10_000, 10_000)), u16::MAX).await.unwrap()
}

async fn candles_come_back_with_every_digit(candles: Candles) {
    let exact = Candle {
        volume: number("0.00000001"),
        turnover: number("95078733694.3792000000000001"),
        ..candle(0, "158219000.00000000")
    };
    assert_eq!(candles.put(&[batch(vec![exact.clone()], None)]).await.unwrap(), 1);
    assert_eq!(all(&candles).await, [exact]);
}

async fn defect_53_no_digit_of_a_large_sum_or_a_low_price_is_lost(candles: Candles) {
    let texts = ["0.00000123", "1234567890123456.12345678", "17343033068679.969", "0"];
    for (text, number_of_minute) in texts.into_iter().zip(0..) {
        let exact = Candle { turnover: number(text), ..candle(number_of_minute, text) };
        candles.put(&[batch(vec![exact], None)]).await.unwrap();
    }
    let stored: Vec<_> =
        all(&candles).await.iter().map(|c| (c.low_price.to_string(), c.turnover.to_string())).collect();
    assert_eq!(stored, texts.map(|text| (text.to_owned(), text.to_owned())));
}

async fn defect_52_storing_the_same_twice_changes_nothing(candles: Candles) {
    let page: Vec<_> = (0..600).map(|number| candle(number, "7")).collect();
    assert_eq!(candles.put(&[batch(page.clone(), Some(span(0, 600)))]).await.unwrap(), 600);
    let before = (all(&candles).await, candles.coverage(&minutes()).await.unwrap());
    assert_eq!(candles.put(&[batch(page, Some(span(0, 600)))]).await.unwrap(), 0);
    assert_eq!((all(&candles).await, candles.coverage(&minutes()).await.unwrap()), before);
    // The exchange may spell the same number another way.
    assert_eq!(candles.put(&[batch(vec![candle(3, "7.00000000")], None)]).await.unwrap(), 0);
}

async fn a_running_window_goes_on_and_never_back(candles: Candles) {
    let early = candle(0, "7");
    let late =
        Candle { trade_price: number("9"), traded_at: early.traded_at.plus_millis(500), ..early.clone() };
    assert_eq!(candles.put(&[batch(vec![early.clone(), candle(1, "8")], None)]).await.unwrap(), 2);
    assert_eq!(candles.put(&[batch(vec![late.clone(), candle(1, "8")], None)]).await.unwrap(), 1);
    assert_eq!(candles.put(&[batch(vec![early], None)]).await.unwrap(), 0, "an answer that was overtaken");
    assert_eq!(all(&candles).await, [late.clone(), candle(1, "8")]);
    let restated = Candle { volume: number("3"), ..late };
    assert_eq!(
        candles.put(&[batch(vec![restated], None)]).await.unwrap(),
        1,
        "a correction of the last state"
    );
}

async fn defect_54_pages_are_ordered_and_lead_both_ways(candles: Candles) {
    let numbers: Vec<i64> = (0..25).filter(|number| number % 7 != 3).collect();
    let shuffled = numbers.iter().rev().map(|&number| candle(number, "7")).collect();
    candles.put(&[batch(shuffled, None)]).await.unwrap();
    let expected: Vec<_> = numbers.iter().map(|&number| minute(number)).collect();

    let (mut back, mut before) = (Vec::new(), minute(1_000));
    loop {
        let page = candles.page(&minutes(), CandleBound::Before(before), 4).await.unwrap();
        let Some(first) = page.first() else { break };
        before = first.start;
        back.splice(0..0, page.iter().map(|candle| candle.start));
    }
    assert_eq!(back, expected);

    let (mut forth, mut from) = (Vec::new(), minute(-5));
    loop {
        let page = candles.page(&minutes(), CandleBound::In(Span::new(from, minute(24))), 4).await.unwrap();
        let Some(last) = page.last() else { break };
        from = last.start.plus_millis(1);
        forth.extend(page.iter().map(|candle| candle.start));
    }
    assert_eq!(forth, expected[..expected.len() - usize::from(numbers.contains(&24))]);
}

async fn series_are_kept_apart(candles: Candles) {
    let others = [series("KRW-ETH", Interval::Minute1), series("KRW-BTC", Interval::Minute3)];
    for series in &others {
        let batch =
            Batch { series: series.clone(), candles: vec![candle(0, "1")], covered: Some(span(0, 3)) };
        candles.put(&[batch]).await.unwrap();
    }
    assert_eq!(all(&candles).await, []);
    assert_eq!(candles.coverage(&minutes()).await.unwrap(), []);
    let coverage = candles.all_coverage().await.unwrap();
    assert_eq!(coverage.len(), 2);
    assert!(others.iter().all(|series| coverage[series] == [span(0, 3)]));
}

async fn what_is_read_is_known_and_what_lies_between_is_a_gap(candles: Candles) {
    let cover = async |from, until| {
        candles.put(&[batch(Vec::new(), Some(span(from, until)))]).await.unwrap();
    };
    let gaps = async || candles.gaps(&minutes(), span(0, 100)).await.unwrap();
    assert_eq!(gaps().await, [span(0, 100)]);
    cover(80, 100).await;
    cover(60, 80).await;
    cover(10, 20).await;
    assert_eq!(gaps().await, [span(0, 10), span(20, 60)]);
    assert_eq!(candles.coverage(&minutes()).await.unwrap(), [span(10, 20), span(60, 100)]);
    cover(5, 70).await;
    cover(0, 5).await;
    assert_eq!((gaps().await, candles.coverage(&minutes()).await.unwrap()), (vec![], vec![span(0, 100)]));
    cover(30, 30).await;
    assert_eq!(candles.coverage(&minutes()).await.unwrap(), [span(0, 100)]);
}

async fn many_at_once_lose_nothing(candles: Candles) {
    let mut race = JoinSet::new();
    for part in 0..20 {
        let candles = candles.clone();
        race.spawn(async move {
            let page = (part * 5..part * 5 + 10).map(|number| candle(number, "7")).collect();
            candles.put(&[batch(page, Some(span(part * 5, part * 5 + 10)))]).await.unwrap()
        });
    }
    let changes: u64 = race.join_all().await.into_iter().sum();
    assert_eq!(changes, 105, "each window is new once");
    assert_eq!(candles.coverage(&minutes()).await.unwrap(), [span(0, 105)]);
}

fn backfill(id: i64) -> NewBackfill {
    NewBackfill { id: BackfillId::new(id), series: minutes(), span: span(0, id), created_at: at(id) }
}

async fn backfills_are_worked_off_in_their_order(backfills: Backfills) {
    for id in [1, 2] {
        assert!(backfills.create(&backfill(id), 10).await.unwrap());
    }
    let next = async || backfills.next().await.unwrap().map(|backfill| backfill.id.get());
    assert_eq!(next().await, Some(1));
    backfills.progress(BackfillId::new(1), 200).await.unwrap();
    backfills.progress(BackfillId::new(1), 0).await.unwrap();
    let one = backfills.get(BackfillId::new(1)).await.unwrap().unwrap();
    assert_eq!((one.requests, one.changes, one.finished), (2, 200, None));
    assert_eq!((one.series, one.span, one.created_at), (minutes(), span(0, 1), at(1)));
    backfills.finish(BackfillId::new(1), Outcome::Done, None, at(9)).await.unwrap();
    assert_eq!(next().await, Some(2));
    backfills.finish(BackfillId::new(2), Outcome::Failed, Some("no such market"), at(9)).await.unwrap();
    assert_eq!(next().await, None);
    let list = backfills.list().await.unwrap();
    let ended: Vec<_> = list.iter().map(|backfill| (backfill.id.get(), backfill.finished)).collect();
    assert_eq!(ended, [(2, Some((at(9), Outcome::Failed))), (1, Some((at(9), Outcome::Done)))]);
    assert_eq!(list[0].failure.as_deref(), Some("no such market"));
}

async fn no_more_backfills_wait_than_may(backfills: Backfills) {
    for id in 1..=3 {
        assert!(backfills.create(&backfill(id), 3).await.unwrap());
    }
    assert!(!backfills.create(&backfill(4), 3).await.unwrap());
    backfills.finish(BackfillId::new(2), Outcome::Cancelled, None, at(9)).await.unwrap();
    assert!(backfills.create(&backfill(4), 3).await.unwrap());
}

async fn a_backfill_that_ended_ends_once(backfills: Backfills) {
    backfills.create(&backfill(1), 3).await.unwrap();
    let finish = async |outcome| backfills.finish(BackfillId::new(1), outcome, None, at(9)).await.unwrap();
    assert!(finish(Outcome::Cancelled).await);
    assert!(!finish(Outcome::Done).await);
    backfills.progress(BackfillId::new(1), 5).await.unwrap();
    let one = backfills.get(BackfillId::new(1)).await.unwrap().unwrap();
    assert_eq!((one.finished, one.requests), (Some((at(9), Outcome::Cancelled)), 0));
    assert_eq!(backfills.get(BackfillId::new(2)).await.unwrap(), None);
}
