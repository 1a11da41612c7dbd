//! [`Hand`]: what the activity actor has in its hands, for its successor to know.
//!
//! Plain state that outlives the actor. One that died with events in its hands may have died of one of them. Its
//! successor takes them one by one, so that the next death tells which it is.

use parking_lot::Mutex;
use tickroom_storage::EventId;

/// What is being carried out.
#[derive(Default)]
pub struct Hand(Mutex<Held>);

#[derive(Default)]
struct Held {
    is_full: bool,
    /// The events at hand are taken one by one.
    is_careful: bool,
    /// The one that is being carried out, while they are taken one by one.
    one: Option<EventId>,
    /// The one that an actor died with last, and how often.
    deadly: Option<(EventId, u32)>,
}

impl Hand {
    /// A new actor begins. If its predecessor died with something in its hands, it takes care.
    pub(crate) fn picked_up(&self) {
        let mut held = self.0.lock();
        held.is_careful |= held.is_full;
        if let Some(id) = held.one.take() {
            let deaths = held.deadly.filter(|(deadly, _)| *deadly == id).map_or(0, |(_, deaths)| deaths);
            held.deadly = Some((id, deaths.saturating_add(1)));
        }
    }

    /// Takes events. Whether to take them one by one.
    pub(crate) fn take(&self) -> bool {
        let mut held = self.0.lock();
        held.is_full = true;
        held.is_careful
    }

    /// Takes one of them; says how many actors have died with it in a row.
    pub(crate) fn take_one(&self, id: EventId) -> u32 {
        let mut held = self.0.lock();
        held.one = Some(id);
        held.deadly.filter(|(deadly, _)| *deadly == id).map_or(0, |(_, deaths)| deaths)
    }

    /// All of them are done.
    pub(crate) fn put_down(&self) {
        *self.0.lock() = Held::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_successor_takes_care_until_the_events_are_done_and_counts_the_deaths() {
        let (hand, good, bad) = (Hand::default(), EventId::new(1), EventId::new(2));
        hand.picked_up();
        assert!(!hand.take());
        for deaths in 0..4 {
            hand.picked_up();
            assert!(hand.take());
            assert_eq!((hand.take_one(good), hand.take_one(bad)), (0, deaths));
        }
        hand.put_down();
        hand.picked_up();
        assert!(!hand.take());
    }
}
