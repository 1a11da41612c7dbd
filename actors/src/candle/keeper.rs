//! [`Keeper`]: decides what each request is for, and what follows from its answer.

use super::hub::ClosedDays;
use super::minutes::kept_from;
use super::{CandleConfig, CollectError, Collector, CollectorLock, FetchError, Page, Series, closed_until};
use crate::feed::Backoff;
use crate::limits::{CANDLE_DEPTH, CANDLE_PARKED, CANDLE_PAUSE_MAX};
use crate::metrics::CANDLE_BEHIND;
use crate::tree::Services;
use metrics::gauge;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tickroom_storage::candle::{Backfill, Batch, Candle, CandleBound, Interval, Outcome, Span};
use tickroom_storage::{MarketCode, StorageError, TimestampMs};
use tokio::time::{Instant, sleep, timeout};

/// How often the keeper looks for work when nothing wakes it.
const IDLE: Duration = Duration::from_secs(1);
/// How often it tries to get the lock that another process holds.
const LOCK_RETRY: Duration = Duration::from_secs(2);
/// Rows of candles that are read at once to be summed up: more than a year has days, and four hours have minutes.
const SUMMED_ROWS: u16 = 1000;

/// What a turn was good for.
enum Turn {
    /// There may be more to do.
    Worked,
    /// There is nothing to do.
    Idle,
}

/// Whose turn it is.
enum Work {
    Backfill(Box<Backfill>),
    Upkeep(Series, Span),
}

/// The one collection of this process.
pub(super) struct Keeper {
    services: Arc<Services>,
    config: CandleConfig,
    collector: Collector,
    /// What is known, as the database has it.
    known: HashMap<Series, Vec<Span>>,
    /// Markets whose recent candles have been put into the hub.
    loaded: HashSet<MarketCode>,
    /// The turn in which a series was served last.
    served: HashMap<Series, u64>,
    turns: u64,
    /// Series that the exchange does not have, and until when they are left alone.
    parked: HashMap<Series, Instant>,
    backfilled_last: bool,
}

impl Keeper {
    pub(super) fn new(services: Arc<Services>, config: CandleConfig) -> Result<Self, reqwest::Error> {
        let collector = Collector::new(&config, services.candle_store.clone())?;
        Ok(Self {
            services,
            config,
            collector,
            known: HashMap::new(),
            loaded: HashSet::new(),
            served: HashMap::new(),
            turns: 0,
            parked: HashMap::new(),
            backfilled_last: false,
        })
    }

    /// Collects for as long as the actor lives.
    pub(super) async fn run(mut self) {
        let _lock = self.lock().await;
        self.services.candles_view.update(|view| view.collecting = true);
        let mut backoff = Backoff::new(Duration::from_secs(1), CANDLE_PAUSE_MAX / 60);
        loop {
            match self.turn().await {
                Ok(Turn::Worked) => backoff.reset(),
                Ok(Turn::Idle) => {
                    let _ = timeout(IDLE, self.services.candles.work.notified()).await;
                }
                Err(error) => {
                    // The throttle waits by itself when the exchange told for how long.
                    let is_told = matches!(error, CollectError::Fetch(FetchError::Busy { .. }));
                    let pause = if is_told { Duration::ZERO } else { backoff.next_pause() };
                    let reason = describe(&error);
                    tracing::warn!(reason, pause_ms = pause.as_millis(), "candles cannot be collected");
                    self.services.candles_view.update(|view| view.last_error = Some(reason));
                    sleep(pause).await;
                }
            }
        }
    }

    async fn lock(&self) -> CollectorLock {
        let mut is_told = false;
        loop {
            match CollectorLock::take(&self.config.lock) {
                Ok(Some(lock)) => return lock,
                Ok(None) if is_told => {}
                Ok(None) => {
                    tracing::info!("another process collects candles in this folder; waiting for its end");
                    is_told = true;
                }
                Err(error) => tracing::warn!(%error, "the collector's lock cannot be taken"),
            }
            sleep(LOCK_RETRY).await;
        }
    }

    /// One request at most.
    async fn turn(&mut self) -> Result<Turn, CollectError> {
        let now = TimestampMs::now();
        if let Some(code) = self.services.hub.codes().into_iter().find(|code| !self.loaded.contains(code)) {
            self.load(&code, now).await?;
            self.loaded.insert(code);
            return Ok(Turn::Worked);
        }
        match self.next_work(now).await? {
            None => return Ok(Turn::Idle),
            Some(Work::Backfill(backfill)) => self.backfill(*backfill, now).await?,
            Some(Work::Upkeep(series, gap)) => self.upkeep(series, gap, now).await?,
        }
        self.services.candles_view.update(|view| view.last_error = None);
        Ok(Turn::Worked)
    }

    async fn next_work(&mut self, now: TimestampMs) -> Result<Option<Work>, StorageError> {
        while let Some(series) = self.services.candles.next_wanted() {
            if let Some(gap) = self.gap(&series, now) {
                return Ok(Some(Work::Upkeep(series, gap)));
            }
        }
        let backfill = self.services.backfills.next().await?;
        let upkeep = self.next_upkeep(now);
        let is_backfills_turn = upkeep.is_none() || !self.backfilled_last;
        self.backfilled_last = backfill.is_some() && is_backfills_turn;
        Ok(match (backfill, upkeep) {
            (Some(backfill), _) if is_backfills_turn => Some(Work::Backfill(Box::new(backfill))),
            (_, upkeep) => upkeep.map(|(series, gap)| Work::Upkeep(series, gap)),
        })
    }

    /// The series that lacks something and was not served for the longest time.
    fn next_upkeep(&mut self, now: TimestampMs) -> Option<(Series, Span)> {
        self.parked.retain(|_, until| *until > Instant::now());
        let codes = self.services.hub.codes();
        let series = codes
            .iter()
            .flat_map(|market| Interval::ALL.map(|interval| Series { market: market.clone(), interval }));
        let behind: Vec<_> = series.filter_map(|series| Some((self.gap(&series, now)?, series))).collect();
        gauge!(CANDLE_BEHIND).set(u32::try_from(behind.len()).map_or(f64::INFINITY, f64::from));
        self.services.candles_view.update(|view| view.behind = behind.len());
        let next = behind.into_iter().min_by_key(|(_, series)| self.served.get(series).copied().unwrap_or(0));
        next.map(|(gap, series)| (series, gap))
    }

    /// The newest gap in what is to be known of a series without being asked for.
    fn gap(&self, series: &Series, now: TimestampMs) -> Option<Span> {
        if self.parked.contains_key(series) {
            return None;
        }
        let recent = recent(series.interval, now);
        match self.known.get(series) {
            Some(known) => recent.without(known).pop(),
            None => Some(recent),
        }
    }

    async fn upkeep(&mut self, series: Series, gap: Span, now: TimestampMs) -> Result<(), CollectError> {
        self.turns += 1;
        self.served.insert(series.clone(), self.turns);
        match self.collector.read(&series, gap, now).await {
            Ok(page) => self.on_page(&series, &page, now).await,
            Err(CollectError::Fetch(FetchError::Rejected(reason))) => {
                tracing::warn!(market = %series.market, interval = %series.interval, reason, "no candles");
                self.parked.insert(series, Instant::now() + CANDLE_PARKED);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    async fn backfill(&mut self, backfill: Backfill, now: TimestampMs) -> Result<(), CollectError> {
        let Backfill { id, series, span, .. } = backfill;
        let backfills = self.services.backfills.clone();
        match self.collector.step(&series, span, now).await {
            Ok(Some(page)) => {
                backfills.progress(id, page.changes).await?;
                self.services.candles_view.update(|view| view.backfill = Some((id, page.covered.from)));
                self.on_page(&series, &page, now).await
            }
            Ok(None) => self.finish(id, Outcome::Done, None, &series).await,
            Err(CollectError::Fetch(FetchError::Rejected(reason))) => {
                self.finish(id, Outcome::Failed, Some(&reason), &series).await
            }
            Err(error) => Err(error),
        }
    }

    async fn finish(
        &self,
        id: tickroom_storage::BackfillId,
        outcome: Outcome,
        reason: Option<&str>,
        series: &Series,
    ) -> Result<(), CollectError> {
        self.services.backfills.finish(id, outcome, reason, TimestampMs::now()).await?;
        self.services.candles_view.update(|view| view.backfill = None);
        let (market, interval, outcome) = (&series.market, series.interval, outcome.as_str());
        tracing::info!(%id, %market, %interval, outcome, reason, "backfill ended");
        Ok(())
    }

    /// What was read is stored already; now others hear of it.
    async fn on_page(&mut self, series: &Series, page: &Page, now: TimestampMs) -> Result<(), CollectError> {
        page.covered.join(self.known.entry(series.clone()).or_default());
        self.services.candles_view.update(|view| {
            view.pages += 1;
            view.changes += page.changes;
        });
        if !self.services.hub.codes().contains(&series.market) {
            return Ok(());
        }
        match series.interval {
            Interval::Minute1 => {
                self.correct(&series.market, page.covered, &page.candles, now);
                self.derive(&series.market, now).await?;
            }
            Interval::Day => self.sum_up_days(&series.market, now).await?,
            _ => {}
        }
        Ok(())
    }

    /// Puts what the database has into the hub.
    async fn load(&mut self, code: &MarketCode, now: TimestampMs) -> Result<(), CollectError> {
        let store = self.services.candle_store.clone();
        if self.known.is_empty() {
            self.known = store.all_coverage().await?;
        }
        let minutes = Series { market: code.clone(), interval: Interval::Minute1 };
        if let Some(last) = self.known.get(&minutes).and_then(|known| known.last()) {
            let span = Span::new(last.from.max(kept_from(now)), last.until);
            let candles = store.page(&minutes, CandleBound::In(span), SUMMED_ROWS).await?;
            self.correct(code, span, &candles, now);
        }
        self.sum_up_days(code, now).await
    }

    fn correct(&self, code: &MarketCode, covered: Span, minutes: &[Candle], now: TimestampMs) {
        let series = Series { market: code.clone(), interval: Interval::Minute1 };
        let last = self.known.get(&series).and_then(|known| known.last());
        let recent = Span::new(covered.from.max(kept_from(now)), covered.until);
        let complete_from = last.filter(|last| last.until >= covered.until).map(|last| last.from);
        if !recent.is_empty() {
            self.services.candles.correct(code, recent, minutes, complete_from);
        }
    }

    /// Stores the longer windows that the minutes have made complete, all in one transaction.
    async fn derive(&mut self, code: &MarketCode, now: TimestampMs) -> Result<(), CollectError> {
        let series = |interval| Series { market: code.clone(), interval };
        let minutes = self.known.get(&series(Interval::Minute1)).and_then(|known| known.last().copied());
        let Some(minutes) = minutes else { return Ok(()) };
        let from = minutes.from.max(kept_from(now));
        let lengths = Interval::ALL.into_iter().filter(|length| length.minutes().is_some_and(|m| m > 1));
        let batches: Vec<Batch> = lengths
            .filter_map(|length| {
                let series = series(length);
                let start = self.known.get(&series)?.last()?.until;
                let until = length.window(minutes.until).from;
                let covered = Span::new(start, until);
                (start >= from && !covered.is_empty()).then(|| self.made_of_minutes(series, covered))
            })
            .collect();
        if batches.is_empty() {
            return Ok(());
        }
        self.services.candle_store.put(&batches).await?;
        for Batch { series, covered, .. } in batches {
            if let Some(covered) = covered {
                covered.join(self.known.entry(series).or_default());
            }
        }
        Ok(())
    }

    fn made_of_minutes(&self, series: Series, covered: Span) -> Batch {
        let interval = series.interval;
        let starts = std::iter::successors(Some(covered.from), |start| Some(interval.window(*start).until));
        let starts = starts.take_while(|start| *start < covered.until);
        let candles = starts.filter_map(|start| self.services.candles.window(&series, start)).collect();
        Batch { series, candles, covered: Some(covered) }
    }

    /// Adds up the closed days of the running week, month and year, once they are all known.
    async fn sum_up_days(&self, code: &MarketCode, now: TimestampMs) -> Result<(), CollectError> {
        let days = Series { market: code.clone(), interval: Interval::Day };
        let today = closed_until(Interval::Day, now);
        let long = [Interval::Week, Interval::Month, Interval::Year]
            .map(|length| (length, length.window(today).from));
        let first = long.iter().map(|(_, start)| *start).min().unwrap_or(today);
        let known = self.known.get(&days).map(Vec::as_slice).unwrap_or_default();
        let span = Span::new(first, today);
        if !span.without(known).is_empty() {
            return Ok(());
        }
        let closed = self.services.candle_store.page(&days, CandleBound::In(span), SUMMED_ROWS).await?;
        let sum = |(length, start): (Interval, TimestampMs)| {
            let parts = closed.iter().filter(|day| day.start >= start);
            Candle::fold(start, parts).map(|sum| (length, sum))
        };
        let sums = long.into_iter().filter_map(sum).collect();
        self.services.candles.set_days(code, ClosedDays { today, sums });
        Ok(())
    }
}

/// The closed windows that are to be known without being asked for: a page of them, and whatever the running windows
/// are made of.
fn recent(interval: Interval, now: TimestampMs) -> Span {
    let until = closed_until(interval, now);
    let page = interval.back(until, CANDLE_DEPTH);
    let from = match interval {
        Interval::Minute1 => kept_from(now).min(page),
        Interval::Day => {
            let starts =
                [Interval::Week, Interval::Month, Interval::Year].map(|long| long.window(until).from);
            starts.into_iter().fold(page, TimestampMs::min)
        }
        _ => page,
    };
    Span::new(from, until)
}

fn describe(error: &CollectError) -> String {
    let source = std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default();
    format!("{error}{source}")
}
