//! What the server tells about itself: log lines on stderr and numbers for `/metrics`.
//!
//! Both recorders are global to the process. The first call wins and later ones are harmless, so that many test
//! servers can live in one process.

use std::io::{self, IsTerminal};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt};

use crate::config::{Log, LogFormat};

/// Upper bounds for metrics named `…_seconds`: from a cast to an actor (microseconds) to a write that hangs. Three in
/// each power of ten, so that a quantile read from them is off by a factor of two at most.
const SECONDS_BUCKETS: [f64; 20] = [
    0.000_01, 0.000_02, 0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2,
    0.5, 1.0, 2.0, 5.0, 10.0, 30.0,
];

/// Upper bounds for everything else that has a distribution: counts of things, such as messages in a batch.
const COUNT_BUCKETS: [f64; 9] = [1.0, 4.0, 16.0, 64.0, 256.0, 1_024.0, 4_096.0, 16_384.0, 65_536.0];

/// How often measured values are sorted into buckets. Until then each one is kept by itself, and memory grows.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Starts logging to stderr. Stdout stays free for what was asked for, such as the output of `check-config`.
pub fn init_logging(log: &Log) {
    let lines = fmt::layer().with_writer(io::stderr);
    let lines = match log.format {
        // Left alone where there are colours: the default looks at `NO_COLOR`.
        LogFormat::Pretty if io::stderr().is_terminal() => lines.boxed(),
        LogFormat::Pretty => lines.with_ansi(false).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let subscriber = tracing_subscriber::registry().with(lines).with(EnvFilter::new(&log.filter));
    // An error means that somebody was here before us, whose lines are as good as ours.
    let _ = subscriber.try_init();
}

/// Starts recording metrics; `render()` of the handle is the body of `GET /metrics`. Needs [`upkeep`].
///
/// # Errors
///
/// When something else in this process has installed a recorder.
pub fn install_metrics() -> Result<PrometheusHandle, BuildError> {
    static INSTALLED: Mutex<Option<PrometheusHandle>> = Mutex::new(None);
    let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = &*installed {
        return Ok(handle.clone());
    }
    let handle = PrometheusBuilder::new()
        .set_buckets(&COUNT_BUCKETS)?
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS_BUCKETS)?
        .install_recorder()?;
    Ok(installed.insert(handle).clone())
}

/// Sorts measured values into their buckets, for as long as it is polled. To be spawned once.
pub async fn upkeep(metrics: PrometheusHandle) {
    let mut interval = tokio::time::interval(UPKEEP_INTERVAL);
    loop {
        interval.tick().await;
        metrics.run_upkeep();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_installed_once_and_sorted_into_buckets() {
        let first = install_metrics().unwrap();
        let second = install_metrics().unwrap();
        metrics::histogram!("telemetry_test_seconds").record(0.003);
        metrics::histogram!("telemetry_test_messages").record(5.0);
        assert!(second.render().contains(r#"telemetry_test_seconds_bucket{le="0.005"} 1"#));
        assert!(first.render().contains(r#"telemetry_test_messages_bucket{le="4"} 0"#));
    }

    #[test]
    fn logging_may_be_started_twice() {
        let log = Log { filter: "warn".to_owned(), format: LogFormat::Json };
        init_logging(&log);
        init_logging(&log);
    }
}
