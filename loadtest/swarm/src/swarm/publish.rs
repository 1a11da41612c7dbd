//! Talking, waiting for what was said to arrive, and the audit at the end.

use super::Swarm;
use crate::client::{Role, Stage};
use crate::clock::{self, seconds_us};
use crate::ledger::Room;
use crate::limits::PUBLISHER_BACKLOG_BYTES;
use crate::outcome::float;
use crate::pacer::Pacer;

impl Swarm<'_> {
    /// From now on, so many messages a second are said, over all rooms.
    pub fn start_talking(&mut self, messages_per_s: u64) {
        self.now_us = clock::now_us();
        self.speech = Some(Pacer::new(self.now_us, messages_per_s));
    }

    /// Nothing more is said.
    pub const fn stop_talking(&mut self) {
        self.speech = None;
    }

    /// Says what is due, each publisher in turn.
    pub(super) fn publish(&mut self) {
        let Some(mut speech) = self.speech.take() else { return };
        let mut said = 0;
        while let Some((number, due_us)) = speech.take_due(self.now_us) {
            let publisher = usize::try_from(number).ok().and_then(|number| number.checked_rem(self.publishers));
            if let Some(publisher) = publisher {
                self.say(publisher, number, due_us);
            }
            said += 1;
        }
        self.speech = Some(speech);
        for publisher in 0..self.publishers.min(said) {
            // The ones that spoke are those before the next in turn, but asking all of them costs next to nothing.
            if said >= self.publishers || self.has_words(publisher) {
                self.flush(publisher);
            }
        }
    }
}
