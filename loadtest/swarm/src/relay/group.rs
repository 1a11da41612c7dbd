//! A broadcast group: its log of encoded frames, and who has a place in it.

use std::io::Write;

use crate::frame::{self, Opcode};
use crate::limits::RELAY_FORGET_BYTES;

/// The epoch of every group: nothing outlives the process.
pub(super) const EPOCH: &str = "relay";

/// One group.
pub(super) struct Group {
    room: String,
    /// Frames that not every member has yet.
    log: Vec<u8>,
    /// The position of the log's first byte, counted from the first byte ever.
    start: u64,
    /// The last message's number.
    offset: u64,
    is_dirty: bool,
    /// The members' numbers.
    pub(super) members: Vec<usize>,
    json: Vec<u8>,
}

impl Group {
    /// A group that nobody has said anything in.
    pub(super) fn new(room: &str) -> Self {
        Self {
            room: room.to_owned(),
            log: Vec::new(),
            start: 0,
            offset: 0,
            is_dirty: false,
            members: Vec::new(),
            json: Vec::new(),
        }
    }

    /// Adds a message with the content as it came, which must be free of escapes. The keys are Tickroom's, so that a
    /// frame is about as long as one of Tickroom's.
    pub(super) fn say(&mut self, content: &[u8]) {
        self.offset += 1;
        self.json.clear();
        let (room, offset) = (&self.room, self.offset);
        // Writing to memory cannot fail.
        let _ = write!(
            self.json,
            r#"{{"type":"MESSAGE","roomName":"{room}","sender":{{"id":"100000000000000000","name":"swarm-00000000-0","profileUrl":null}},"content":""#
        );
        self.json.extend_from_slice(content);
        let _ = write!(
            self.json,
            r#"","timestamp":1790000000000,"offset":{offset},"id":"{:018}"}}"#,
            self.offset
        );
        frame::put_plain(&mut self.log, Opcode::Text, &self.json);
        self.is_dirty = true;
    }

    /// The frame that tells a newcomer where the group stands.
    pub(super) fn joined(&self, out: &mut Vec<u8>) {
        let (room, offset) = (&self.room, self.offset);
        let json = format!(r#"{{"type":"JOINED","roomName":"{room}","epoch":"{EPOCH}","offset":{offset}}}"#);
        frame::put_plain(out, Opcode::Text, json.as_bytes());
    }

    /// Everything from this position on.
    pub(super) fn since(&self, position: u64) -> &[u8] {
        let from = usize::try_from(position.saturating_sub(self.start)).unwrap_or(usize::MAX);
        self.log.get(from..).unwrap_or_default()
    }

    /// The position behind the last byte.
    pub(super) fn end(&self) -> u64 {
        self.start + u64::try_from(self.log.len()).unwrap_or(u64::MAX)
    }

    /// Whether something was said since [`mark_clean`](Self::mark_clean).
    pub(super) const fn is_dirty(&self) -> bool {
        self.is_dirty
    }

    /// All members have been given what there is, or wait for the kernel.
    pub(super) const fn mark_clean(&mut self) {
        self.is_dirty = false;
    }

    /// All members are at `least` or beyond.
    pub(super) fn forget(&mut self, least: u64) {
        if least >= self.end() {
            self.start = self.end();
            self.log.clear();
            return;
        }
        let behind = usize::try_from(least.saturating_sub(self.start)).unwrap_or(0);
        if behind >= RELAY_FORGET_BYTES {
            self.log.drain(..behind);
            self.start = least;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::split;
    use crate::scan;

    #[test]
    fn a_message_looks_like_tickrooms() {
        let mut group = Group::new("SWARM-00");
        group.say(b"~aaaaaaaaaaaaaaab x");
        let (frame, rest) = split(group.since(0)).unwrap().unwrap();
        assert!(rest.is_empty());
        let value: serde_json::Value = serde_json::from_slice(frame.payload).unwrap();
        assert_eq!((value["offset"].as_u64(), value["roomName"].as_str()), (Some(1), Some("SWARM-00")));
        assert_eq!(
            (scan::last_number(frame.payload, br#""offset""#), scan::stamp_us(frame.payload)),
            (Some(1), Some(1))
        );
    }

    #[test]
    fn what_everybody_has_is_forgotten_and_positions_stay_good() {
        let mut group = Group::new("SWARM-00");
        group.say(b"one");
        let first = group.end();
        group.forget(first);
        group.say(b"two");
        assert_eq!(group.since(0), group.since(first), "there is nothing before");
        assert!(group.since(first).ends_with(b"\"}"));
        group.forget(first + 1);
        assert_eq!(group.since(group.end()), b"");
    }
}
