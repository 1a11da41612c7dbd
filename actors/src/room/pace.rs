//! [`Pace`]: no room goes faster than most of its members can read.
//!
//! One slow reader among many is closed and comes back. When most of them fall behind, it is the room that is too fast
//! for its audience, or the machine for both; to close them would only make all of them come back at once, to a room
//! that is as fast as before. So the room pauses until they have read, its inbox fills, and senders are refused. It does
//! not wait for ever: sockets that do not read at all are closed in the end, however many.

use super::members::Audience;
use crate::limits::{PACE_CHECK, PACE_PATIENCE};
use std::time::Duration;
use tokio::time::Instant;

/// Whether a room may go on.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Since when the room pauses for its members.
    pausing_since: Option<Instant>,
}

impl Pace {
    /// Notes how the members stand after a delivery.
    pub(super) fn delivered(&mut self, audience: Audience, now: Instant) {
        self.pausing_since = audience.is_behind().then_some(now);
    }

    /// How long to pause before asking again; `None` to go on. `audience` is only asked for during a pause.
    pub(super) fn pause(&mut self, audience: impl FnOnce() -> Audience, now: Instant) -> Option<Duration> {
        let since = self.pausing_since?;
        if now.saturating_duration_since(since) < PACE_PATIENCE && audience().is_behind() {
            return Some(PACE_CHECK);
        }
        self.pausing_since = None;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: Audience = Audience { members: 3, behind: 2 };
    const HALF: Audience = Audience { members: 2, behind: 1 };

    #[test]
    fn a_minority_is_not_waited_for() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        pace.delivered(HALF, now);
        assert_eq!(pace.pause(|| unreachable!("nobody asks"), now), None);
    }

    #[test]
    fn a_majority_is_waited_for_until_it_has_read() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        pace.delivered(MOST, now);
        assert_eq!(pace.pause(|| MOST, now), Some(PACE_CHECK));
        assert_eq!(pace.pause(|| HALF, now), None);
        assert_eq!(pace.pause(|| unreachable!("the pause is over"), now), None);
    }

    #[test]
    fn a_majority_that_does_not_read_at_all_is_not_waited_for_for_ever() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        pace.delivered(MOST, now);
        assert!(pace.pause(|| MOST, now + PACE_PATIENCE - PACE_CHECK).is_some());
        assert_eq!(pace.pause(|| MOST, now + PACE_PATIENCE), None);
    }
}
