//! `tickroom backfill`: old candles from the exchange into the database, without a server.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use secrecy::ExposeSecret;
use tickroom_actors::candle::{CollectError, Collector, CollectorLock, FetchError, closed};
use tickroom_storage::TimestampMs;
use tickroom_storage::candle::{Candles, Series, Span};
use tickroom_storage::engine::Database;
use tokio::signal;

use crate::app::{candle_config, open_feed};
use crate::cli::Backfill;
use crate::config::Config;
use crate::moment::Moment;
use crate::telemetry;

/// Failures in a row after which it gives up. With the pauses between them that is a quarter of an hour without an
/// exchange.
const FAILURES_MAX: u32 = 8;

/// The pause after the first failure; it doubles.
const PAUSE: Duration = Duration::from_secs(4);

/// How often progress is told where it is not drawn.
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// What it came to.
#[derive(Default)]
struct Sum {
    requests: u64,
    changes: u64,
}

/// Reads what is missing, until it is there or somebody presses Ctrl-C. Each page is stored as a whole, so it can be
/// stopped anywhere.
///
/// # Errors
///
/// When somebody else collects, the exchange does not answer for long or does not know the market, or nothing can be
/// stored.
pub async fn run(arguments: &Backfill, config: Config) -> anyhow::Result<()> {
    telemetry::init_logging(&config.log);
    let to = arguments.to.map_or_else(TimestampMs::now, Moment::end);
    let span = Moment::span(arguments.from.begin(), to).map_err(anyhow::Error::msg)?;
    let (feed, exchange) = open_feed(&config, tickroom_sim::Config::default()).await?;
    let feed = feed.context("there is no exchange to ask: feed.source is off")?;
    let database = Database::connect(config.storage.database_url.expose_secret()).await?;
    std::fs::create_dir_all(&config.storage.data_dir).context("the data folder cannot be made")?;
    let config = candle_config(&config, feed.rest_url);
    let lock = CollectorLock::take(&config.lock).context("the collector's lock cannot be taken")?;
    let Some(_lock) = lock else {
        bail!("a server collects candles in this folder; ask it: POST /api/admin/backfills");
    };

    let collector = Collector::new(&config, Candles::new(database.clone()))?;
    let series = arguments.interval.0.iter().map(|interval| (arguments.market.clone(), *interval));
    let series = series.map(|(market, interval)| Series { market, interval }).collect();
    let begun = Instant::now();
    let mut sum = Sum::default();
    let outcome = tokio::select! {
        outcome = collect(collector, series, span, &mut sum) => outcome,
        _ = signal::ctrl_c() => Err(anyhow::anyhow!("stopped; run it again to go on")),
    };
    let (requests, candles, seconds) = (sum.requests, sum.changes, begun.elapsed().as_secs_f64());
    tracing::info!(requests, candles, seconds, "backfill ended");
    database.close().await;
    if let Some(exchange) = exchange {
        exchange.stop().await;
    }
    outcome
}

async fn collect(
    mut collector: Collector,
    series: Vec<Series>,
    span: Span,
    sum: &mut Sum,
) -> anyhow::Result<()> {
    for series in series {
        walk(&mut collector, &series, span, sum)
            .await
            .with_context(|| format!("{} {}", series.market, series.interval))?;
    }
    Ok(())
}

/// Goes back through one series, page by page.
async fn walk(collector: &mut Collector, series: &Series, span: Span, sum: &mut Sum) -> anyhow::Result<()> {
    let bar = bar(series, closed(series.interval, span, TimestampMs::now()));
    let (mut failures, mut told) = (0, Instant::now());
    loop {
        match collector.step(series, span, TimestampMs::now()).await {
            Ok(None) => break,
            Ok(Some(page)) => {
                failures = 0;
                sum.requests += 1;
                sum.changes += page.changes;
                let done = Span::new(page.covered.from, span.until);
                bar.set_position(series.interval.count(closed(series.interval, done, TimestampMs::now())));
                bar.set_message(day(page.covered.from));
                if bar.is_hidden() && told.elapsed() >= TOLD_EVERY {
                    told = Instant::now();
                    let (requests, reached) = (sum.requests, day(page.covered.from));
                    tracing::info!(interval = %series.interval, requests, reached, "backfill goes on");
                }
            }
            Err(error) => pause(error, &mut failures).await?,
        }
    }
    bar.finish_with_message("done");
    Ok(())
}

/// Waits after a failure that may pass; others end it.
async fn pause(error: CollectError, failures: &mut u32) -> anyhow::Result<()> {
    *failures += 1;
    match error {
        CollectError::Fetch(FetchError::Busy { .. }) => {
            // The next request waits by itself.
            tracing::warn!(reason = %error, "the exchange asks for a pause");
        }
        CollectError::Fetch(FetchError::Unreachable(_)) if *failures < FAILURES_MAX => {
            let pause = PAUSE * 2_u32.saturating_pow(*failures - 1);
            tracing::warn!(reason = %error, pause_ms = pause.as_millis(), "trying again");
            tokio::time::sleep(pause).await;
        }
        error => return Err(error.into()),
    }
    Ok(())
}

fn bar(series: &Series, span: Span) -> ProgressBar {
    const TEMPLATE: &str =
        "{prefix:>14} {bar:30} {percent:>3}% {human_pos}/{human_len} windows, {per_sec}, back to {msg}";
    let bar = ProgressBar::with_draw_target(
        Some(series.interval.count(span)),
        ProgressDrawTarget::stderr_with_hz(10),
    );
    if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
        bar.set_style(style);
    }
    bar.set_prefix(format!("{} {}", series.market, series.interval));
    bar.set_message(day(span.until));
    bar
}

fn day(at: TimestampMs) -> String {
    at.to_string().chars().take(10).collect()
}

#[cfg(test)]
mod tests {
    use tickroom_storage::candle::Interval;

    use super::*;

    #[test]
    fn the_bar_can_be_drawn() {
        let series = Series { market: "KRW-BTC".parse().unwrap(), interval: Interval::Day };
        let span =
            Span::new("2020-01-01T00:00:00Z".parse().unwrap(), "2020-01-31T00:00:00Z".parse().unwrap());
        let bar = bar(&series, span);
        assert_eq!((bar.length(), bar.prefix()), (Some(30), "KRW-BTC 1d".into()));
        assert_eq!(bar.message(), "2020-01-31");
    }
}
