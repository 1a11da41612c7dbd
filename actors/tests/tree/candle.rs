//! Candles: collected by themselves and on demand, one request at a time, whatever the exchange says.

use crate::harness::{TestTree, config, eventually};
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use tickroom_actors::TreeConfig;
use tickroom_actors::candle::{CandleConfig, CollectorLock};
use tickroom_actors::feed::FeedConfig;
use tickroom_actors::root::Role;
use tickroom_actors::tree::Services;
use tickroom_sim::{Config, Exchange, Limits, MarketSpec};
use tickroom_storage::candle::{Candle, CandleBound, Interval, NewBackfill, Outcome, Series, Span};
use tickroom_storage::{BackfillId, TimestampMs};

const BTC: &str = "KRW-BTC";

struct Test {
    exchange: Exchange,
    test: TestTree,
    lock: tempfile::TempDir,
}

impl Test {
    /// An exchange with one market on which nothing happens by itself, and a tree that collects.
    async fn start() -> Self {
        let markets = vec![MarketSpec::new(BTC, "비트코인", "Bitcoin", "150000000")];
        let quiet = Config { markets, trades_per_minute: 0, limits: Limits::none(), ..Config::default() };
        let exchange = Exchange::start(quiet).await.unwrap();
        let lock = tempfile::tempdir().unwrap();
        let test = TestTree::with(tree(&exchange, lock.path())).await;
        Self { exchange, test, lock }
    }

    fn services(&self) -> &Arc<Services> {
        self.test.tree.services()
    }

    /// Until nothing recent is missing.
    async fn collected(&self) {
        let services = Arc::clone(self.services());
        eventually("recent candles are there", || {
            let view = services.candles_view.get();
            view.pages >= 12 && view.behind == 0
        })
        .await;
    }

    async fn page(&self, interval: Interval) -> Vec<Candle> {
        let before = CandleBound::Before(TimestampMs::new(i64::MAX));
        self.services().candle_store.page(&series(interval), before, 1000).await.unwrap()
    }

    async fn ask(&self, id: i64, series: &Series, span: Span) -> (i64, i64, Outcome) {
        let (services, id) = (self.services(), BackfillId::new(id));
        let new = NewBackfill { id, series: series.clone(), span, created_at: TimestampMs::now() };
        assert!(services.backfills.create(&new, 9).await.unwrap());
        services.candles.hurry();
        loop {
            let backfill = services.backfills.get(id).await.unwrap().unwrap();
            if let Some((_, outcome)) = backfill.finished {
                return (backfill.requests, backfill.changes, outcome);
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
}

fn tree(exchange: &Exchange, folder: &Path) -> TreeConfig {
    let feed = FeedConfig { simulated: true, ..FeedConfig::new(exchange.ws_url(), exchange.rest_url()) };
    let candles = CandleConfig {
        rest_url: exchange.rest_url(),
        requests_per_second: NonZeroU32::new(1_000).unwrap(),
        lock: folder.join("candles.lock"),
    };
    TreeConfig { feed: Some(feed), candles: Some(candles), ..config() }
}

fn series(interval: Interval) -> Series {
    Series { market: BTC.parse().unwrap(), interval }
}

fn at(text: &str) -> TimestampMs {
    text.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_52_recent_candles_of_every_length_are_collected_without_being_asked_for() {
    let test = Test::start().await;
    test.collected().await;
    let now = TimestampMs::now();
    for interval in Interval::ALL {
        let candles = test.page(interval).await;
        assert!(!candles.is_empty(), "{interval}");
        assert!(candles.windows(2).all(|pair| pair[0].start < pair[1].start), "{interval}");
        assert!(
            candles.iter().all(|candle| interval.window(candle.start).from == candle.start),
            "{interval}"
        );
        let closed = interval.window(now.plus_millis(-60_000)).from;
        let span = Span::new(interval.back(closed, 100), closed);
        let gaps = test.services().candle_store.gaps(&series(interval), span).await.unwrap();
        assert_eq!(gaps, [], "{interval}");
    }
    assert!(test.services().candles_view.get().collecting);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_52_the_running_week_month_and_year_are_made_of_their_days() {
    let test = Test::start().await;
    test.collected().await;
    test.exchange.trade(BTC, "170000000", "0.5").unwrap();
    let services = Arc::clone(test.services());
    let recent = |interval| services.candles.recent(&series(interval), &services.hub).pop();
    let price = "170000000".parse().unwrap();
    for interval in [Interval::Day, Interval::Week, Interval::Month, Interval::Year] {
        eventually("the running window has the last price", || {
            recent(interval).is_some_and(|candle| candle.trade_price == price)
        })
        .await;
    }
    let [day, week, year] = [Interval::Day, Interval::Week, Interval::Year].map(|of| recent(of).unwrap());
    assert!(day.volume <= week.volume && week.volume <= year.volume);
    assert!(year.high_price >= week.high_price && week.low_price >= year.low_price);
    let year_begins = Interval::Year.window(TimestampMs::now()).from;
    let days = test.page(Interval::Day).await;
    let today = Interval::Day.window(TimestampMs::now()).from;
    let closed = days.iter().filter(|candle| (year_begins..today).contains(&candle.start));
    assert_eq!(Some(year), Candle::fold(year_begins, closed.chain([&day])), "sums are exact");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_52_the_last_day_is_part_of_a_backfill_and_nothing_before_the_first() {
    let test = Test::start().await;
    test.collected().await;
    let span = Span::new(at("2022-01-10T00:00:00Z"), at("2023-03-01T00:00:00Z"));
    let days = series(Interval::Day);
    let (requests, changes, outcome) = test.ask(1, &days, span).await;
    assert_eq!((requests, changes, outcome), (3, 415, Outcome::Done));
    let stored = test.services().candle_store.page(&days, CandleBound::In(span), 1000).await.unwrap();
    let ends = [stored[0].start, stored[stored.len() - 1].start].map(|start| start.to_string());
    assert_eq!(ends, ["2022-01-10T00:00:00.000Z", "2023-02-28T00:00:00.000Z"]);
    let before = Span::new(at("2020-01-01T00:00:00Z"), span.from);
    let before = test.services().candle_store.page(&days, CandleBound::In(before), 10).await.unwrap();
    assert_eq!(before, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_backfill_twice_asks_nothing_and_changes_nothing() {
    let test = Test::start().await;
    let span = Span::new(at("2024-01-01T00:00:00Z"), at("2024-01-03T00:00:00Z"));
    let minutes = series(Interval::Minute5);
    let (requests, changes, _) = test.ask(1, &minutes, span).await;
    assert!(requests >= 3 && changes > 100, "{requests} {changes}");
    assert_eq!(test.ask(2, &minutes, span).await, (0, 0, Outcome::Done));
    let wider = Span::new(span.from.plus_millis(-86_400_000), span.until);
    let (requests, _, outcome) = test.ask(3, &minutes, wider).await;
    assert_eq!((requests, outcome), (2, Outcome::Done), "only what is missing is read");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_52_a_refusal_delays_a_backfill_and_ends_neither_it_nor_the_others() {
    let test = Test::start().await;
    test.collected().await;
    test.exchange.faults().rest_status(Some(429));
    let span = Span::new(at("2024-01-01T00:00:00Z"), at("2024-01-03T00:00:00Z"));
    let days = series(Interval::Day);
    let services = Arc::clone(test.services());
    let asked = test.ask(1, &days, span);
    let refused = async {
        eventually("it is refused", || {
            services.candles_view.get().last_error.is_some_and(|error| error.contains("429"))
        })
        .await;
        test.exchange.faults().rest_status(None);
    };
    let ((_, changes, outcome), ()) = tokio::join!(asked, refused);
    assert_eq!((changes, outcome), (2, Outcome::Done));

    let nobody = Series { market: "KRW-NOBODY".parse().unwrap(), interval: Interval::Day };
    assert_eq!(test.ask(2, &nobody, span).await.2, Outcome::Failed);
    assert_eq!(test.ask(3, &days, span).await.2, Outcome::Done);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_dies_goes_on_where_it_was() {
    let test = Test::start().await;
    let services = Arc::clone(test.services());
    let span = Span::new(at("2024-01-01T00:00:00Z"), at("2024-01-15T00:00:00Z"));
    let minutes = series(Interval::Minute1);
    let killer = async {
        for _ in 0..3 {
            let before = services.candles_view.get().pages;
            eventually("it works", || services.candles_view.get().pages > before + 10).await;
            let dead = services.collector.actor().unwrap();
            dead.kill();
            let is_new = || services.collector.actor().is_some_and(|now| now.get_id() != dead.get_id());
            eventually("a successor is there", is_new).await;
        }
    };
    let ((requests, _, outcome), ()) = tokio::join!(test.ask(1, &minutes, span), killer);
    assert_eq!(outcome, Outcome::Done);
    let windows = i64::try_from(Interval::Minute1.count(span)).unwrap();
    assert!(requests <= windows / 200 + 4, "at most the page in its hands is read twice: {requests}");
    assert_eq!(services.candle_store.coverage(&minutes).await.unwrap()[0], span);
    assert_eq!(services.root_view.get().restarts[&Role::Candles], 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_never_collect_at_once_in_one_folder() {
    let test = Test::start().await;
    test.collected().await;
    let lock = test.lock.path().join("candles.lock");
    assert!(CollectorLock::take(&lock).unwrap().is_none(), "the collector holds it");
    let second = TestTree::with(tree(&test.exchange, test.lock.path())).await;
    eventually("the second one is up", || second.tree.services().is_up(Role::Candles)).await;
    assert!(!second.tree.services().candles_view.get().collecting);
    drop(test.test);
    eventually("the second one takes over", || second.tree.services().candles_view.get().collecting).await;
}
