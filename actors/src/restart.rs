//! When a child that died is started again, and when its supervisor gives up.
//!
//! ractor reports deaths and leaves the rest to the supervisor. The rule here is OTP's restart intensity with a
//! pause that grows: at most `max_restarts` within `window`; the first one at once, each further one after twice
//! the pause of the one before. Pure: time is passed in.

use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// How often, and how fast, a child may be restarted.
#[derive(Debug, Clone, Copy)]
pub struct RestartPolicy {
    /// Restarts allowed within [`window`](Self::window).
    pub max_restarts: usize,
    /// The period over which restarts are counted.
    pub window: Duration,
    /// Pause before the second restart of a series; it doubles from there.
    pub pause_min: Duration,
    /// Longest pause.
    pub pause_max: Duration,
}

impl RestartPolicy {
    /// For the children of the root: eight deaths of one role within a minute are not bad luck any more.
    pub const CHILD: Self = Self {
        max_restarts: 8,
        window: Duration::from_secs(60),
        pause_min: Duration::from_millis(50),
        pause_max: Duration::from_secs(5),
    };

    /// For rooms: they fail one by one, and a message log that is down makes all of them wait together.
    pub const ROOM: Self = Self { max_restarts: 16, ..Self::CHILD };

    /// For sessions: a socket whose session keeps dying is sent away, it may come back by itself.
    pub const SESSION: Self = Self { max_restarts: 3, ..Self::CHILD };
}

/// What to do about a death.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Start the child again after this pause.
    Restart(Duration),
    /// The limit is reached: escalate.
    GiveUp,
}

/// The recent deaths of one child.
#[derive(Debug, Default)]
pub struct RestartLog {
    deaths: VecDeque<Instant>,
}

impl RestartLog {
    /// Whether nothing in here counts any more.
    pub fn is_past(&self, policy: &RestartPolicy, now: Instant) -> bool {
        self.deaths.iter().all(|death| now.duration_since(*death) >= policy.window)
    }

    /// Records a death and decides what follows from it.
    pub fn on_death(&mut self, policy: &RestartPolicy, now: Instant) -> Verdict {
        self.deaths.retain(|death| now.duration_since(*death) < policy.window);
        if self.deaths.len() >= policy.max_restarts {
            return Verdict::GiveUp;
        }
        let earlier = u32::try_from(self.deaths.len()).unwrap_or(u32::MAX);
        self.deaths.push_back(now);
        Verdict::Restart(match earlier {
            0 => Duration::ZERO,
            n => policy.pause_min.saturating_mul(1 << (n - 1).min(16)).min(policy.pause_max),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const POLICY: RestartPolicy = RestartPolicy {
        max_restarts: 3,
        window: Duration::from_secs(10),
        pause_min: Duration::from_millis(100),
        pause_max: Duration::from_millis(150),
    };

    #[test]
    fn the_first_restart_is_immediate_and_pauses_grow_to_the_cap() {
        let (mut log, now) = (RestartLog::default(), Instant::now());
        let verdicts: Vec<_> = (0..4).map(|_| log.on_death(&POLICY, now)).collect();
        let after = |millis| Verdict::Restart(Duration::from_millis(millis));
        assert_eq!(verdicts, [after(0), after(100), after(150), Verdict::GiveUp]);
    }

    proptest! {
        #[test]
        fn never_more_restarts_in_a_window_than_allowed(gaps in prop::collection::vec(0u64..8_000, 1..60)) {
            let (mut log, mut now) = (RestartLog::default(), Instant::now());
            let mut restarts: Vec<Instant> = Vec::new();
            for gap in gaps {
                now += Duration::from_millis(gap);
                let recent = restarts.iter().filter(|at| now.duration_since(**at) < POLICY.window).count();
                match log.on_death(&POLICY, now) {
                    Verdict::Restart(_) => { prop_assert!(recent < POLICY.max_restarts); restarts.push(now); }
                    Verdict::GiveUp => prop_assert_eq!(recent, POLICY.max_restarts),
                }
            }
        }
    }
}
