//! What publishers say: messages of one length, each with the time at which it was due.

use crate::frame::{self, Opcode};
use crate::scan::{MARK, STAMP_LETTERS, stamp_letters};

/// Writes messages.
#[derive(Debug, Clone)]
pub struct Talk {
    padding: String,
    acks: bool,
    /// Bytes of one frame; the same for all, so that what was not sent can be counted by its length.
    frame_bytes: usize,
}

impl Talk {
    /// Messages with this much content.
    pub fn new(content_bytes: usize, acks: bool) -> Self {
        let padding = "x".repeat(content_bytes.saturating_sub(STAMP_LETTERS + 2));
        let mut talk = Self { padding, acks, frame_bytes: 1 };
        let mut frame = Vec::new();
        talk.put(&mut frame, 0, 0);
        talk.frame_bytes = frame.len();
        talk
    }

    /// Appends the frame of message `number`, due at `due_us`.
    pub fn put(&self, out: &mut Vec<u8>, due_us: u64, number: u64) {
        let letters = stamp_letters(due_us);
        let letters = letters.escape_ascii();
        let mark = char::from(MARK);
        let padding = &self.padding;
        // The id begins with the time, too, so that an ack tells how old it is.
        let id = if self.acks { format!(r#","id":"{mark}{letters}-{number:010}""#) } else { String::new() };
        let json = format!(r#"{{"type":"MESSAGE","content":"{mark}{letters} {padding}"{id}}}"#);
        frame::put_masked(out, Opcode::Text, json.as_bytes(), fastrand::u32(..).to_le_bytes());
    }

    /// How many messages are not wholly written while so many bytes wait.
    pub fn unwritten(&self, waiting_bytes: usize) -> u64 {
        u64::try_from(waiting_bytes.div_ceil(self.frame_bytes)).unwrap_or(u64::MAX)
    }

    /// Removes the messages of which nothing is written yet, and counts them.
    pub fn forget_whole(&self, waiting: &mut Vec<u8>) -> u64 {
        let whole = waiting.len() / self.frame_bytes;
        waiting.truncate(waiting.len() % self.frame_bytes);
        u64::try_from(whole).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::stamp_us;

    fn json(talk: &Talk, due_us: u64, number: u64) -> Vec<u8> {
        let mut out = Vec::new();
        talk.put(&mut out, due_us, number);
        let (frame, rest) = frame::split(&out).unwrap().unwrap();
        assert!(rest.is_empty());
        let mut payload = frame.payload.to_vec();
        frame::apply_mask(&mut payload, frame.mask.unwrap());
        payload
    }

    #[test]
    fn a_message_is_what_the_protocol_asks_for() {
        let json = json(&Talk::new(150, true), 77, 3);
        let value: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(
            (value["type"].as_str(), value["content"].as_str().map(str::len)),
            (Some("MESSAGE"), Some(150))
        );
        assert_eq!(
            (stamp_us(&json), stamp_us(value["id"].as_str().unwrap().as_bytes())),
            (Some(77), Some(77))
        );
    }

    #[test]
    fn an_ack_is_asked_for_only_if_wanted() {
        let json = json(&Talk::new(20, false), 1, 1);
        assert!(serde_json::from_slice::<serde_json::Value>(&json).unwrap().get("id").is_none());
    }

    #[test]
    fn every_message_has_the_same_length() {
        let talk = Talk::new(40, true);
        let mut out = Vec::new();
        talk.put(&mut out, u64::MAX, 9_999_999_999);
        assert_eq!((talk.unwritten(out.len()), talk.unwritten(out.len() + 1), talk.unwritten(0)), (1, 2, 0));
        talk.put(&mut out, 1, 1);
        out.drain(..10);
        assert_eq!((talk.forget_whole(&mut out), talk.unwritten(out.len())), (1, 1));
    }
}
