//! The search for the highest load that still passes: double until something gives, then halve what is between.

/// A search in progress.
#[derive(Debug, Clone, Copy)]
pub struct Bisect {
    passed: u64,
    failed: Option<u64>,
    first: u64,
    ceiling: u64,
    precision_percent: u64,
}

impl Bisect {
    /// Begins at `first`, never tries more than `ceiling`, and ends when the gap between the highest pass and the
    /// lowest failure is at most so many percent of the former.
    pub const fn new(first: u64, ceiling: u64, precision_percent: u64) -> Self {
        Self { passed: 0, failed: None, first, ceiling, precision_percent }
    }

    /// What to try next; nothing when the answer is known.
    pub fn next(&self) -> Option<u64> {
        let candidate = match self.failed {
            None if self.passed == 0 => self.first.min(self.ceiling),
            None => self.passed.saturating_mul(2).min(self.ceiling),
            Some(failed) => {
                let tolerance = self.passed.saturating_mul(self.precision_percent) / 100;
                if failed - self.passed <= tolerance.max(1) {
                    return None;
                }
                self.passed.midpoint(failed)
            }
        };
        (candidate > self.passed).then_some(candidate)
    }

    /// Notes how the last candidate did.
    pub fn record(&mut self, candidate: u64, passed: bool) {
        if passed {
            self.passed = self.passed.max(candidate);
        } else {
            self.failed = Some(self.failed.map_or(candidate, |failed| failed.min(candidate)));
        }
    }

    /// The highest load that passed; zero when none did.
    pub const fn highest(&self) -> u64 {
        self.passed
    }

    /// Whether the search ended at its own ceiling instead of at a failure.
    pub const fn is_open(&self) -> bool {
        self.failed.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn search(first: u64, ceiling: u64, precision_percent: u64, limit: u64) -> (u64, usize) {
        let mut bisect = Bisect::new(first, ceiling, precision_percent);
        let mut steps = 0;
        while let Some(candidate) = bisect.next() {
            bisect.record(candidate, candidate <= limit);
            steps += 1;
        }
        (bisect.highest(), steps)
    }

    #[test]
    fn a_server_that_bears_nothing_scores_zero() {
        assert_eq!(search(100, 1000, 10, 0).0, 0);
    }

    #[test]
    fn the_ceiling_is_tried_and_not_passed() {
        assert_eq!(search(100, 1000, 10, u64::MAX), (1000, 5));
    }

    proptest! {
        #[test]
        fn the_answer_is_within_the_precision(first in 1..1000_u64, limit in 1..1_000_000_u64, percent in 1..50_u64) {
            let (highest, steps) = search(first, 2_000_000, percent, limit);
            prop_assert!(highest <= limit);
            prop_assert!(limit - highest <= (highest * percent / 100).max(1), "{highest} of {limit}");
            prop_assert!(steps <= 45, "{steps} steps");
        }
    }
}
