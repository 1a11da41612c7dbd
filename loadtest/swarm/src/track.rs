//! The self-check of one member: what it was given, against what it should have been.
//!
//! A room numbers its messages without gaps, so a member can tell by itself what it missed or got twice. That it got
//! the *last* message only the whole swarm can tell; [`Track::behind`] is asked once everything should have arrived.

/// What a delivery was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// New, as it was said.
    Live,
    /// New, from the time when this member was away.
    Recovered,
    /// From before the member first came; rooms show newcomers what was said lately.
    Recent,
    /// Known already, or older than one that is.
    Repeated,
}

/// What one member was given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Track {
    /// Where the member began: what came before is not owed to it.
    base: u64,
    /// The last message that it has, or stands for having.
    last: u64,
    /// Where the room stood when the member last joined.
    joined: u64,
    /// Whether nothing has come since a join without a position: then the first message sets the place.
    fresh: bool,
    /// Messages that were passed over.
    missing: u64,
    /// Messages that came again, or too late.
    repeated: u64,
}

impl Track {
    /// Of a member that has not come yet.
    pub const fn new() -> Self {
        Self { base: 0, last: 0, joined: 0, fresh: false, missing: 0, repeated: 0 }
    }

    /// The member joins as a newcomer in a room that stands at `joined`.
    pub const fn join(&mut self, joined: u64) {
        *self = Self { base: joined, last: joined, joined, fresh: true, ..*self };
    }

    /// The member is back: it had everything up to [`last`](Self::last), and the room stands at `joined`.
    ///
    /// Whether the room promises the gap or not, the member still wants it: what does not come is missing.
    pub const fn resume(&mut self, joined: u64) {
        self.joined = joined;
        self.fresh = false;
    }

    /// A message arrives.
    pub const fn take(&mut self, offset: u64) -> Delivery {
        if offset == self.last + 1 {
            self.last = offset;
            self.fresh = false;
            return if offset > self.joined { Delivery::Live } else { self.replayed(offset) };
        }
        self.out_of_step(offset)
    }

    const fn replayed(&self, offset: u64) -> Delivery {
        if offset <= self.base { Delivery::Recent } else { Delivery::Recovered }
    }

    #[cold]
    const fn out_of_step(&mut self, offset: u64) -> Delivery {
        if self.fresh && offset <= self.joined {
            self.fresh = false;
            self.last = offset;
            return Delivery::Recent;
        }
        if offset <= self.last {
            self.repeated += 1;
            return Delivery::Repeated;
        }
        self.missing += offset - self.last - 1;
        self.last = offset;
        if offset > self.joined { Delivery::Live } else { self.replayed(offset) }
    }

    /// The last message that the member has.
    pub const fn last(&self) -> u64 {
        self.last
    }

    /// Where the member began.
    pub const fn base(&self) -> u64 {
        self.base
    }

    /// Whether the member has what was said until it last joined.
    pub const fn is_caught_up(&self) -> bool {
        self.last >= self.joined
    }

    /// Messages that were passed over.
    pub const fn missing(&self) -> u64 {
        self.missing
    }

    /// Messages that came again, or too late.
    pub const fn repeated(&self) -> u64 {
        self.repeated
    }

    /// Messages that the member still waits for, if its room ended at `tail`.
    pub const fn behind(&self, tail: u64) -> u64 {
        tail.saturating_sub(self.last)
    }

    /// Messages beyond the end that the swarm knows of: somebody else talks in this room.
    pub const fn beyond(&self, tail: u64) -> u64 {
        self.last.saturating_sub(tail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(joined: u64, offsets: &[u64]) -> Track {
        let mut track = Track::default();
        track.join(joined);
        for offset in offsets {
            track.take(*offset);
        }
        track
    }

    #[test]
    fn a_clean_delivery_is_clean() {
        let track = told(5, &[6, 7, 8]);
        assert_eq!((track.missing(), track.repeated(), track.behind(8), track.beyond(8)), (0, 0, 0, 0));
    }

    #[test]
    fn a_lost_delivery_is_caught() {
        assert_eq!(told(5, &[6, 8]).missing(), 1);
        assert_eq!(told(5, &[9]).missing(), 3, "the first ones");
        assert_eq!(told(5, &[6, 7]).behind(8), 1, "the last one");
    }

    #[test]
    fn a_doubled_delivery_is_caught() {
        let track = told(5, &[6, 6, 7]);
        assert_eq!((track.missing(), track.repeated()), (0, 1));
    }

    #[test]
    fn a_reordered_delivery_is_caught() {
        let track = told(5, &[6, 8, 7, 9]);
        assert_eq!((track.missing(), track.repeated()), (1, 1));
    }

    #[test]
    fn a_strangers_message_is_caught() {
        assert_eq!(told(5, &[6, 7]).beyond(6), 1);
    }

    #[test]
    fn what_newcomers_are_shown_is_no_delivery_but_must_be_whole() {
        let mut track = Track::default();
        track.join(5);
        assert_eq!(
            [3, 4, 5, 6].map(|offset| track.take(offset)),
            [Delivery::Recent, Delivery::Recent, Delivery::Recent, Delivery::Live]
        );
        assert_eq!(told(5, &[3, 5, 6]).missing(), 1);
        assert_eq!(told(5, &[3, 4, 6]).missing(), 1, "between what was and what is");
    }

    #[test]
    fn a_resumed_member_gets_the_gap_and_nothing_twice() {
        let mut track = told(0, &[1, 2]);
        track.resume(4);
        assert!(!track.is_caught_up());
        assert_eq!(
            [3, 4, 5].map(|offset| track.take(offset)),
            [Delivery::Recovered, Delivery::Recovered, Delivery::Live]
        );
        assert!(track.is_caught_up());
        assert_eq!((track.missing(), track.repeated()), (0, 0));
        track.resume(6);
        track.take(5);
        track.take(7);
        assert_eq!((track.missing(), track.repeated()), (1, 1));
    }

    proptest! {
        #[test]
        fn any_loss_or_repeat_is_counted(length in 1..50_u64, lost: prop::sample::Index, doubled: prop::sample::Index) {
            let clean: Vec<_> = (1..=length).collect();
            let at = lost.index(clean.len());
            let mut without = clean.clone();
            without.remove(at);
            let track = told(0, &without);
            prop_assert_eq!(track.missing() + track.behind(length), 1);
            let mut twice = clean.clone();
            let at = doubled.index(clean.len());
            twice.insert(at + 1, twice[at]);
            let track = told(0, &twice);
            prop_assert_eq!((track.missing(), track.repeated(), track.behind(length)), (0, 1, 0));
        }

        #[test]
        fn any_other_order_is_counted(offsets in Just((1..=9_u64).collect::<Vec<_>>()).prop_shuffle()) {
            let track = told(0, &offsets);
            let is_sorted = offsets.is_sorted();
            prop_assert_eq!(track.missing() + track.repeated() == 0, is_sorted);
        }
    }
}
