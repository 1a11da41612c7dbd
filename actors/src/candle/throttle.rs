//! [`Throttle`]: when the next request may go out. The exchange takes ten a second from an address and blocks whoever
//! goes on beyond that, longer each time (<https://docs.upbit.com/kr/reference/rate-limits>). So requests are spaced
//! evenly, and what it says about the rest of the second is obeyed: others may ask from the same address.
//! Pure: time is passed in.

use crate::limits::{CANDLE_BLOCK_PAUSE, CANDLE_HEADROOM, CANDLE_PAUSE_MAX, CANDLE_REFUSAL_PAUSE};
use std::num::NonZeroU32;
use std::time::Duration;
use tokio::time::Instant;

/// The pace of one client.
#[derive(Debug)]
pub struct Throttle {
    spacing: Duration,
    next: Option<Instant>,
    /// Refusals since the last answer; each doubles the pause.
    refusals: u32,
}

impl Throttle {
    /// So many requests a second, evenly.
    pub fn new(per_second: NonZeroU32) -> Self {
        Self { spacing: Duration::from_secs(1) / per_second.get(), next: None, refusals: 0 }
    }

    /// When the next request may go out.
    pub fn next(&self, now: Instant) -> Instant {
        self.next.map_or(now, |next| next.max(now))
    }

    /// A request goes out.
    pub fn on_request(&mut self, now: Instant) {
        self.next = Some(now + self.spacing);
    }

    /// It was served, with so many left in this second.
    pub fn on_served(&mut self, remaining: Option<u32>, now: Instant) {
        self.refusals = 0;
        if remaining.is_some_and(|remaining| remaining < CANDLE_HEADROOM) {
            self.wait(now + Duration::from_secs(1));
        }
    }

    /// It was refused, for too many requests (429) or for going on all the same (418). Returns the pause.
    pub fn on_refused(&mut self, status: u16, now: Instant) -> Duration {
        let first = if status == 418 { CANDLE_BLOCK_PAUSE } else { CANDLE_REFUSAL_PAUSE };
        let pause = first.saturating_mul(1 << self.refusals.min(16)).min(CANDLE_PAUSE_MAX);
        self.refusals = self.refusals.saturating_add(1);
        self.wait(now + pause);
        pause
    }

    fn wait(&mut self, until: Instant) {
        self.next = Some(self.next.map_or(until, |next| next.max(until)));
    }
}

/// What `Remaining-Req: group=candles; min=600; sec=9` leaves in this second. `min` is a dead constant.
pub fn remaining(header: &str) -> Option<u32> {
    let fields = header.split(';').filter_map(|field| field.trim().split_once('='));
    fields.into_iter().find(|(name, _)| *name == "sec").and_then(|(_, left)| left.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throttle() -> (Throttle, Instant) {
        (Throttle::new(NonZeroU32::new(8).unwrap()), Instant::now())
    }

    #[test]
    fn requests_are_spaced_evenly() {
        let (mut throttle, start) = throttle();
        let mut now = start;
        for _ in 0..17 {
            now = throttle.next(now);
            throttle.on_request(now);
            throttle.on_served(Some(9), now);
        }
        assert_eq!(now - start, Duration::from_secs(2));
    }

    #[test]
    fn when_others_use_the_second_up_it_waits_for_the_next() {
        let (mut throttle, now) = throttle();
        throttle.on_request(now);
        throttle.on_served(Some(CANDLE_HEADROOM), now);
        assert_eq!(throttle.next(now) - now, Duration::from_millis(125));
        throttle.on_served(Some(CANDLE_HEADROOM - 1), now);
        assert_eq!(throttle.next(now) - now, Duration::from_secs(1));
    }

    #[test]
    fn refusals_make_pauses_that_grow_and_an_answer_ends_them() {
        let (mut throttle, now) = throttle();
        let pauses: Vec<_> = (0..3).map(|_| throttle.on_refused(429, now)).collect();
        assert_eq!(pauses, [1, 2, 4].map(|n| CANDLE_REFUSAL_PAUSE * n));
        throttle.on_served(Some(9), now);
        assert_eq!(throttle.on_refused(418, now), CANDLE_BLOCK_PAUSE);
        assert!((0..40).all(|_| throttle.on_refused(418, now) <= CANDLE_PAUSE_MAX));
        assert_eq!(throttle.next(now) - now, CANDLE_PAUSE_MAX);
    }

    #[test]
    fn the_header_is_read_as_it_was_seen_on_the_wire() {
        assert_eq!(remaining("group=candles; min=600; sec=9"), Some(9));
        assert_eq!(remaining("group=origin; min=6; sec=0"), Some(0));
        for strange in ["", "sec", "group=candles", "sec=many", "min=600; sec=-1"] {
            assert_eq!(remaining(strange), None, "{strange}");
        }
    }
}
