//! When each message of a steady stream is due.
//!
//! A message is stamped with the time at which it was *due*, not with that of its write. A generator that falls behind
//! thereby shows its own delay as latency, instead of quietly asking for less (coordinated omission).

/// A steady stream of numbered events.
#[derive(Debug, Clone, Copy)]
pub struct Pacer {
    start_us: u64,
    per_second: u64,
    taken: u64,
}

impl Pacer {
    /// Events from `start_us` on, so many a second.
    pub const fn new(start_us: u64, per_second: u64) -> Self {
        Self { start_us, per_second, taken: 0 }
    }

    /// Number and due time of the next event, if it is due.
    pub fn take_due(&mut self, now_us: u64) -> Option<(u64, u64)> {
        let due_us = self.next_us().filter(|due_us| *due_us <= now_us)?;
        let number = self.taken;
        self.taken += 1;
        Some((number, due_us))
    }

    /// When the next event is due; never at a rate of zero.
    pub fn next_us(&self) -> Option<u64> {
        let after = u128::from(self.taken) * 1_000_000;
        let after_us = after.checked_div(u128::from(self.per_second))?;
        u64::try_from(after_us).ok().map(|after_us| self.start_us + after_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_is_ever_due_at_a_rate_of_zero() {
        assert_eq!(Pacer::new(0, 0).take_due(u64::MAX), None);
    }

    proptest! {
        #[test]
        fn the_rate_is_kept_however_seldom_one_looks(rate in 1..50_000_u64, looks in prop::collection::vec(0..1_000_000_u64, 0..20)) {
            let mut pacer = Pacer::new(7, rate);
            let mut looks = looks;
            looks.sort_unstable();
            let mut stamps = Vec::new();
            for now_us in looks.into_iter().chain([999_999]).map(|after| after + 7) {
                while let Some((number, due_us)) = pacer.take_due(now_us) {
                    prop_assert_eq!(number, u64::try_from(stamps.len()).unwrap());
                    prop_assert!(due_us <= now_us);
                    stamps.push(due_us);
                }
            }
            prop_assert_eq!(u64::try_from(stamps.len()).unwrap(), rate);
            prop_assert!(stamps.is_sorted());
        }
    }
}
