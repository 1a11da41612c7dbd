//! Talking, waiting for what was said to arrive, and the audit at the end.

use super::Swarm;
use crate::client::Stage;
use crate::clock;
use crate::ledger::Room;
use crate::limits::PUBLISHER_BACKLOG_BYTES;
use crate::pacer::Pacer;

/// Members whose trouble is told in words; of the others the numbers are enough.
const EXAMPLES: usize = 5;

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
        while let Some((number, due_us)) = speech.take_due(self.now_us) {
            let turn = usize::try_from(number).unwrap_or_default();
            if let Some(publisher) = turn.checked_rem(self.publishers) {
                self.say(publisher, number, due_us);
            }
        }
        self.speech = Some(speech);
        for publisher in 0..self.publishers {
            // Who still waits for the kernel is told when to go on.
            if self.clients.get(publisher).is_some_and(|client| client.spoke) {
                self.flush(publisher);
            }
        }
    }

    fn say(&mut self, publisher: usize, number: u64, due_us: u64) {
        let Some(client) = self.clients.get_mut(publisher) else { return };
        if client.stage != Stage::Live || client.out.len() > PUBLISHER_BACKLOG_BYTES {
            return self.ledger.note("unsaid");
        }
        self.talk.put(&mut client.out, due_us, number);
        client.spoke = true;
        if let Some(room) = self.ledger.rooms.get_mut(client.room) {
            room.sent += 1;
        }
    }

    /// Deliveries that are due for everything that the server has taken.
    pub fn expected(&self) -> u64 {
        let crowd = self.setup.crowd;
        let members = u64::try_from(crowd.readers_per_room + crowd.publishers_per_room).unwrap_or(u64::MAX);
        self.ledger.accepted() * members
    }

    /// Stops talking and waits until everything has arrived, or for so long.
    ///
    /// # Errors
    ///
    /// As [`run_until`](Self::run_until).
    pub fn drain(&mut self, patience_us: u64) -> anyhow::Result<bool> {
        self.stop_talking();
        let deadline_us = clock::now_us() + patience_us;
        let is_done = |swarm: &Self| swarm.ledger.deliveries >= swarm.expected() && swarm.all_is_written();
        let all_arrived = self.run_until(deadline_us, is_done)?;
        self.retract_unwritten();
        Ok(all_arrived)
    }

    /// Forgets what the server has not even read, up to the frame that is half written.
    pub fn drop_backlog(&mut self) {
        for client in self.clients.iter_mut().take(self.publishers) {
            let unwritten = self.talk.forget_whole(&mut client.out);
            if let Some(room) = self.ledger.rooms.get_mut(client.room) {
                room.sent -= unwritten;
                self.ledger.outcome.count("unwritten", unwritten);
            }
        }
    }

    fn all_is_written(&self) -> bool {
        self.clients.iter().take(self.publishers).all(|client| client.out.is_empty())
    }

    /// What the server would not even read was not sent to it.
    fn retract_unwritten(&mut self) {
        for client in self.clients.iter().take(self.publishers) {
            let unwritten = self.talk.unwritten(client.out.len());
            if let Some(room) = self.ledger.rooms.get_mut(client.room).filter(|_| unwritten > 0) {
                room.sent -= unwritten.min(room.sent);
                self.ledger.outcome.count("unwritten", unwritten);
            }
        }
    }

    /// Holds what every member was given against what was said in its room. All that it counts must be zero, but for
    /// `messages_total`, `expected` and `deliveries_total`.
    pub fn audit(&mut self) {
        let expected = self.expected();
        let ledger = &mut self.ledger;
        let outcome = &mut ledger.outcome;
        outcome.count("messages_total", ledger.rooms.iter().map(Room::accepted).sum());
        outcome.count("expected", expected);
        outcome.count("deliveries_total", ledger.deliveries);
        outcome.count("lost_sockets", u64::try_from(ledger.lost).unwrap_or(u64::MAX));
        let mut examples = 0;
        for (index, client) in self.clients.iter().enumerate() {
            let Some(room) = ledger.rooms.get(client.room) else { continue };
            let (track, tail) = (&client.track, room.tail());
            let missing = track.missing() + track.behind(tail);
            let (repeated, foreign) = (track.repeated(), track.beyond(tail));
            outcome.count("missing", missing);
            outcome.count("repeated", repeated);
            outcome.count("foreign", foreign);
            if missing + repeated + foreign > 0 && examples < EXAMPLES {
                examples += 1;
                let last = track.last();
                outcome.notes.push(format!(
                    "client {index} ({:?}, {:?}): {missing} missing, {repeated} repeated, {foreign} not ours; \
                     it ends at {last}, its room at {tail}",
                    client.role, client.stage
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::frame::{Opcode, put_plain};
    use crate::scenario::{Crowd, Load};
    use crate::swarm::{Setup, Swarm};
    use std::collections::BTreeMap;

    /// A swarm of one publisher and two readers in a room that stood at 10 and had `said` messages since. The first
    /// reader is given `offsets`, everybody else what they should get.
    fn audit(said: u64, offsets: &[u64]) -> BTreeMap<String, u64> {
        let crowd = Crowd { readers_per_room: 2, publishers_per_room: 1, ..Crowd::default() };
        let load = Load::default();
        let mut swarm = Swarm::new(Setup {
            target: "127.0.0.1:1".parse().unwrap(),
            tokens: &[],
            crowd: &crowd,
            load: &load,
            first_room: 0,
            slow: None,
            markets: &[],
            returns: false,
        })
        .unwrap();
        let right: Vec<_> = (11..=10 + said).collect();
        for (index, client) in swarm.clients.iter_mut().enumerate() {
            let mut bytes = Vec::new();
            put_plain(&mut bytes, Opcode::Text, br#"{"type":"JOINED","epoch":"e","offset":10}"#);
            for offset in if index == 1 { offsets } else { &right } {
                let json =
                    format!(r#"{{"type":"MESSAGE","content":"~aaaaaaaaaaaaaaaa x","offset":{offset}}}"#);
                put_plain(&mut bytes, Opcode::Text, json.as_bytes());
            }
            client.stage = crate::client::Stage::Joining;
            client.digest(&bytes, 1, &mut swarm.ledger).unwrap();
        }
        swarm.ledger.rooms[0].sent = said;
        swarm.audit();
        swarm.into_outcome().counts
    }

    fn faults(counts: &BTreeMap<String, u64>) -> [u64; 3] {
        ["missing", "repeated", "foreign"].map(|name| counts[name])
    }

    #[test]
    fn a_clean_run_is_clean() {
        let counts = audit(3, &[11, 12, 13]);
        assert_eq!((faults(&counts), counts["expected"], counts["deliveries_total"]), ([0, 0, 0], 9, 9));
    }

    #[test]
    fn the_audit_catches_what_was_lost_doubled_reordered_or_not_ours() {
        assert_eq!(faults(&audit(3, &[11, 13])), [1, 0, 0], "lost in the middle");
        assert_eq!(faults(&audit(3, &[11, 12])), [1, 0, 0], "lost at the end");
        assert_eq!(faults(&audit(3, &[])), [3, 0, 0], "all lost");
        assert_eq!(faults(&audit(3, &[11, 12, 12, 13])), [0, 1, 0], "doubled");
        assert_eq!(faults(&audit(3, &[12, 11, 13])), [1, 1, 0], "reordered");
        assert_eq!(faults(&audit(3, &[11, 12, 13, 14])), [0, 0, 1], "a stranger's");
    }
}
