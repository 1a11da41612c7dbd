//! Exponential backoff with full jitter: `random(0, min(cap, base · 2^attempt))`.
//!
//! Full jitter spreads clients that lost their server together, as measured in the AWS Architecture Blog,
//! "Exponential Backoff And Jitter".

use std::time::Duration;

/// The pauses between attempts.
#[derive(Debug, Clone)]
pub struct Backoff {
    base: Duration,
    cap: Duration,
    attempt: u32,
}

impl Backoff {
    /// Starts a series: the first pause is at most `base`, no pause is longer than `cap`.
    pub const fn new(base: Duration, cap: Duration) -> Self {
        Self { base, cap, attempt: 0 }
    }

    /// The pause before the next attempt.
    pub fn next_pause(&mut self) -> Duration {
        let ceiling = self.ceiling();
        self.attempt = self.attempt.saturating_add(1);
        ceiling.mul_f64(fastrand::f64())
    }

    /// The longest that the next pause can be.
    pub fn ceiling(&self) -> Duration {
        self.base.saturating_mul(1 << self.attempt.min(20)).min(self.cap)
    }

    /// Attempts since the last success.
    pub const fn attempts(&self) -> u32 {
        self.attempt
    }

    /// Starts over after a success.
    pub const fn reset(&mut self) {
        self.attempt = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ceilings_double_to_the_cap_and_start_over() {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(3));
        let ceilings: Vec<_> = (0..5)
            .map(|_| {
                let ceiling = backoff.ceiling();
                assert!(backoff.next_pause() <= ceiling);
                ceiling.as_millis()
            })
            .collect();
        assert_eq!(ceilings, [500, 1000, 2000, 3000, 3000]);
        backoff.reset();
        assert_eq!(backoff.ceiling().as_millis(), 500);
    }
}
