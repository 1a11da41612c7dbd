//! What a run came to: raw numbers that parts of a swarm can add up, and the figures made of them.

use hdrhistogram::Histogram;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::collections::BTreeMap;

use crate::limits::LATENCY_MAX_US;

/// Times in microseconds, to one part in a thousand.
#[derive(Debug, Clone)]
pub struct Latencies(Histogram<u64>);

impl Default for Latencies {
    fn default() -> Self {
        // The bounds are constants that the histogram takes; `new` is the same without an upper one.
        let bounded = Histogram::new_with_bounds(1, LATENCY_MAX_US, 3);
        Self(bounded.unwrap_or_else(|error| unreachable!("constant bounds: {error}")))
    }
}

impl Latencies {
    /// Adds one time; beyond [`LATENCY_MAX_US`] it counts as that.
    pub fn record(&mut self, us: u64) {
        self.0.saturating_record(us);
    }

    /// The time that so many percent of all stay within, in milliseconds; zero when there are none.
    pub fn percentile_ms(&self, percent: f64) -> f64 {
        float(self.0.value_at_quantile(percent / 100.0)) / 1000.0
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// Adds all of the other's.
    pub fn merge(&mut self, other: &Self) {
        // Both have the same bounds, so this cannot fail.
        let _ = self.0.add(&other.0);
    }
}

impl Serialize for Latencies {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let recorded = self.0.iter_recorded();
        serializer.collect_seq(recorded.map(|step| (step.value_iterated_to(), step.count_at_value())))
    }
}

impl<'de> Deserialize<'de> for Latencies {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut latencies = Self::default();
        for (us, count) in Vec::<(u64, u64)>::deserialize(deserializer)? {
            latencies.0.record_n(us, count).map_err(D::Error::custom)?;
        }
        Ok(latencies)
    }
}

/// The raw numbers of a run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Outcome {
    /// What is added over the parts: deliveries, refusals, closes by code.
    pub counts: BTreeMap<String, u64>,
    /// What is the same for all parts, or worst in one of them: time spans, the server's memory.
    pub peaks: BTreeMap<String, f64>,
    /// All samples in microseconds, as (value, count).
    pub latencies: BTreeMap<String, Latencies>,
    /// What a reader should know beside the numbers.
    pub notes: Vec<String>,
}

/// A figure made of two others: its name, and what is divided by what.
const RATIOS: [(&str, &str, &str); 12] = [
    ("deliveries_per_s", "deliveries", "window_s"),
    ("messages_per_s", "messages", "window_s"),
    ("notifications_per_s", "notifications", "window_s"),
    ("ticks_per_s", "ticks", "window_s"),
    ("deliveries_per_server_cpu_s", "deliveries", "server_cpu_s"),
    ("server_cpu_share", "server_cpu_s", "cpu_window_s"),
    ("server_wait_share", "server_wait_s", "cpu_window_s"),
    ("generator_cpu_share", "generator_cpu_s", "cpu_window_s"),
    ("generator_wait_share", "generator_wait_s", "cpu_window_s"),
    ("connects_per_s", "joined", "connect_s"),
    ("rss_per_socket_kib", "rss_growth_kib", "weighed_sockets"),
    ("p99_to_baseline", "latency_p99_ms", "baseline_latency_p99_ms"),
];

/// Percentiles that are reported of every kind of time.
const PERCENTILES: [(&str, f64); 5] =
    [("p50", 50.0), ("p90", 90.0), ("p99", 99.0), ("p999", 99.9), ("max", 100.0)];

impl Outcome {
    /// Adds to a count.
    pub fn count(&mut self, name: &str, by: u64) {
        *self.counts.entry(name.to_owned()).or_default() += by;
    }

    /// Sets a peak, unless a higher one is known.
    pub fn peak(&mut self, name: &str, value: f64) {
        let peak = self.peaks.entry(name.to_owned()).or_insert(value);
        *peak = peak.max(value);
    }

    /// Keeps times, beside those of the same name. None are not kept: a figure of nothing would look like a good one.
    pub fn keep(&mut self, name: &str, latencies: &Latencies) {
        if latencies.count() > 0 {
            self.latencies.entry(name.to_owned()).or_default().merge(latencies);
        }
    }

    /// Adds another part's numbers.
    pub fn merge(&mut self, other: Self) {
        other.counts.iter().for_each(|(name, by)| self.count(name, *by));
        other.peaks.iter().for_each(|(name, value)| self.peak(name, *value));
        other.latencies.iter().for_each(|(name, latencies)| self.keep(name, latencies));
        self.notes.extend(other.notes);
    }

    /// Everything that a scenario can set a bound for, by name. The name ends with the unit.
    pub fn figures(&self) -> BTreeMap<String, f64> {
        let counts = self.counts.iter().map(|(name, count)| (name.clone(), float(*count)));
        let peaks = self.peaks.iter().map(|(name, value)| (name.clone(), *value));
        let times = self.latencies.iter().flat_map(|(name, latencies)| {
            PERCENTILES
                .iter()
                .map(move |(p, percent)| (format!("{name}_{p}_ms"), latencies.percentile_ms(*percent)))
        });
        let mut figures: BTreeMap<_, _> = counts.chain(peaks).chain(times).collect();
        for (name, dividend, divisor) in RATIOS {
            if let (Some(dividend), Some(divisor)) = (figures.get(dividend), figures.get(divisor))
                && *divisor > 0.0
            {
                let ratio = dividend / divisor;
                figures.insert(name.to_owned(), ratio);
            }
        }
        figures
    }
}

/// A count as a number to calculate with. Exact up to 2^53, which no count here reaches.
pub fn float(count: u64) -> f64 {
    let high = u32::try_from(count >> 32).unwrap_or(u32::MAX);
    let low = u32::try_from(count & u64::from(u32::MAX)).unwrap_or(u32::MAX);
    f64::from(high) * 4_294_967_296.0 + f64::from(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(us: &[u64]) -> Outcome {
        let mut outcome = Outcome::default();
        let mut latencies = Latencies::default();
        us.iter().for_each(|us| latencies.record(*us));
        outcome.keep("latency", &latencies);
        outcome.count("deliveries", u64::try_from(us.len()).unwrap());
        outcome.peak("window_s", 2.0);
        outcome
    }

    #[test]
    fn parts_are_merged_by_sample_and_not_by_percentile() {
        let mut all = part(&[1000; 99]);
        all.merge(part(&[900_000]));
        let figures = all.figures();
        assert!(figures["latency_p99_ms"] < 2.0);
        assert!(figures["latency_max_ms"] > 890.0);
        assert_eq!((figures["deliveries"], figures["deliveries_per_s"]), (100.0, 50.0));
    }

    #[test]
    fn what_was_not_measured_has_no_figure() {
        let figures = part(&[]).figures();
        assert!(
            !figures.contains_key("latency_p99_ms") && !figures.contains_key("deliveries_per_server_cpu_s")
        );
    }

    #[test]
    fn raw_numbers_survive_json() {
        let outcome = part(&[5, 5, 70_000]);
        let json = serde_json::to_string(&outcome).unwrap();
        let back: Outcome = serde_json::from_str(&json).unwrap();
        assert_eq!(back.figures()["deliveries"], 3.0);
        assert_eq!(back.latencies["latency"].count(), 3);
        assert!((back.figures()["latency_max_ms"] - 70.0).abs() < 0.1);
    }

    #[test]
    fn counts_become_floats_exactly() {
        for count in [0, 1, u64::from(u32::MAX), 1 << 32, (1 << 53) - 1] {
            assert_eq!(format!("{:.0}", float(count)), count.to_string());
        }
    }
}
