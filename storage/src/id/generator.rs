//! Where ids come from: made here rather than by a database, so that a message has its id before it is stored.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::TimestampMs;

/// 2024-01-01T00:00:00Z, where the ids' clock begins.
const EPOCH_MS: i64 = 1_704_067_200_000;
/// Bits that tell processes apart.
const NODE_BITS: u32 = 8;
/// Bits that count within one millisecond of one process.
const SEQUENCE_BITS: u32 = 12;
/// The last millisecond that an id can carry.
const MILLIS_MAX: i64 = i64::MAX >> (NODE_BITS + SEQUENCE_BITS);
const SEQUENCE_MASK: i64 = (1 << SEQUENCE_BITS) - 1;
/// A millisecond's counting starts at random below this, so that two processes which drew the same node bits still
/// seldom make the same id; the rest of the sequence stays for counting.
const RANDOM_START: i64 = 1 << (SEQUENCE_BITS - 2);

/// Makes ids that rise with time.
///
/// ```text
///  63   62 ............... 20   19 ... 12   11 ....... 0
/// | 0 | ms since 2024-01-01   | node      | sequence    |
/// ```
///
/// 43 bits of milliseconds last until the year 2302. The node bits are drawn at random by each process, so ids of
/// processes that run at once differ (two of them agree once in 256 times, and then only ids of the same millisecond
/// and sequence collide; the message log refuses such a pair).
///
/// Within a process ids rise strictly. When more are drawn than a millisecond holds, the next ones are borrowed from
/// the future; when the clock is set back, ids go on from where they were until it has caught up.
pub struct IdGenerator {
    node: u8,
    /// The last id given out, without its node bits: milliseconds and sequence side by side, so that one
    /// compare-and-swap advances both.
    last: AtomicI64,
    clock: Box<dyn Fn() -> TimestampMs + Send + Sync>,
}

impl IdGenerator {
    /// A generator on the system clock, with random node bits.
    pub fn new() -> Self {
        Self::with_clock(fastrand::u8(..), TimestampMs::now)
    }

    /// A generator for tests: the caller chooses node bits and time.
    pub fn with_clock(node: u8, clock: impl Fn() -> TimestampMs + Send + Sync + 'static) -> Self {
        Self { node, last: AtomicI64::new(0), clock: Box::new(clock) }
    }

    /// The least id of this moment, of whichever type is asked for: ids made before are lower, ids made from then on
    /// are not.
    pub fn least_at<I: From<i64>>(moment: TimestampMs) -> I {
        let millis = moment.get().saturating_sub(EPOCH_MS).clamp(0, MILLIS_MAX);
        I::from(millis << (NODE_BITS + SEQUENCE_BITS))
    }

    /// The next id, of whichever type is asked for.
    pub fn next<I: From<i64>>(&self) -> I {
        I::from(self.next_id())
    }

    /// The next id as a number.
    pub fn next_id(&self) -> i64 {
        let millis = (self.clock)().get().saturating_sub(EPOCH_MS).max(0);
        let floor = (millis << SEQUENCE_BITS) | fastrand::i64(0..RANDOM_START);
        let advance = |last: i64| floor.max(last + 1);
        // Only this one number is shared, so no other memory needs to be ordered around it.
        let last = self.last.update(Ordering::Relaxed, Ordering::Relaxed, advance);
        self.assemble(advance(last))
    }

    fn assemble(&self, tick: i64) -> i64 {
        let millis = tick >> SEQUENCE_BITS;
        (millis << (NODE_BITS + SEQUENCE_BITS))
            | (i64::from(self.node) << SEQUENCE_BITS)
            | (tick & SEQUENCE_MASK)
    }
}

impl Default for IdGenerator {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for IdGenerator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdGenerator").field("node", &self.node).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::MessageId;

    /// A generator whose clock reads what the test stores.
    fn on_a_set_clock(node: u8) -> (IdGenerator, Arc<AtomicI64>) {
        let clock = Arc::new(AtomicI64::new(EPOCH_MS));
        let hand = clock.clone();
        (IdGenerator::with_clock(node, move || TimestampMs::new(clock.load(Ordering::Relaxed))), hand)
    }

    proptest! {
        #[test]
        fn ids_rise_whatever_the_clock_does(node: u8, steps in prop::collection::vec((-5_000_i64..5_000, 1..50_u16), 1..40)) {
            let (ids, clock) = on_a_set_clock(node);
            let mut last = -1;
            for (step, draws) in steps {
                clock.fetch_add(step, Ordering::Relaxed);
                for _ in 0..draws {
                    let id = ids.next_id();
                    prop_assert!(id > last);
                    prop_assert_eq!((id >> SEQUENCE_BITS) & 0xff, i64::from(node));
                    last = id;
                }
            }
        }
    }

    #[test]
    fn an_id_carries_its_millisecond() {
        let (ids, clock) = on_a_set_clock(7);
        clock.store(EPOCH_MS + 86_400_000, Ordering::Relaxed);
        assert_eq!(ids.next_id() >> 20, 86_400_000);
    }

    #[test]
    fn ids_before_and_after_a_moment_are_told_apart() {
        let (ids, clock) = on_a_set_clock(0);
        clock.store(EPOCH_MS + 999, Ordering::Relaxed);
        let before = ids.next_id();
        clock.store(EPOCH_MS + 1_000, Ordering::Relaxed);
        let least: i64 = IdGenerator::least_at(TimestampMs::new(EPOCH_MS + 1_000));
        assert!(before < least && least <= ids.next_id());
        assert_eq!(IdGenerator::least_at::<i64>(TimestampMs::new(0)), 0);
        assert!(IdGenerator::least_at::<i64>(TimestampMs::new(i64::MAX)) > 0);
    }

    #[test]
    fn a_full_millisecond_borrows_from_the_next() {
        let (ids, _clock) = on_a_set_clock(0);
        let drawn: Vec<i64> = (0..10_000).map(|_| ids.next_id()).collect();
        assert!(drawn.is_sorted_by(|a, b| a < b));
        assert_eq!(drawn[9_999] >> 20, 2);
    }

    #[test]
    fn threads_never_draw_the_same_id() {
        let ids = IdGenerator::new();
        let draw = || (0..20_000).map(|_| ids.next::<MessageId>()).collect::<Vec<_>>();
        let all: Vec<MessageId> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(draw)).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), 80_000);
    }
}
