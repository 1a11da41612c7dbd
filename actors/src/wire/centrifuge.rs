//! The Centrifuge client protocol, version 2, of `GET /connection/websocket`: many channels on one socket.
//! `docs/protocol/centrifuge.md` is its manual.
//!
//! It has two spellings, JSON and Protobuf ([`Format`]). Both are derived from the same definitions ([`message`]), so they
//! cannot say different things. What a publication carries is the JSON of the native dialects, byte for byte: the
//! message is encoded once, and this protocol only wraps it ([`publication`]).

pub mod channel;
pub mod error;
pub mod message;
pub mod publication;

pub use channel::Channel;
pub use message::{Command, Push, Reply};

use super::frame::{self, Opcode, Part};
use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;

/// How a socket spells the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// One object a line, in text frames.
    Json,
    /// Each message with its length before it, in binary frames.
    Protobuf,
}

/// What was sent is not the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the Centrifuge protocol")]
pub struct Malformed;

impl Format {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Json, Self::Protobuf];

    pub(crate) const fn opcode(self) -> Opcode {
        match self {
            Self::Json => Opcode::Text,
            Self::Protobuf => Opcode::Binary,
        }
    }

    /// Reads the commands of one frame.
    ///
    /// # Errors
    ///
    /// When any of it is not a command, or there is none.
    pub fn decode(self, frame: &[u8]) -> Result<Vec<Command>, Malformed> {
        let commands = match self {
            Self::Json => decode_json(frame),
            Self::Protobuf => decode_protobuf(frame),
        }?;
        if commands.is_empty() { Err(Malformed) } else { Ok(commands) }
    }

    /// Appends a reply or push to those that will share a frame.
    pub fn put(self, out: &mut BytesMut, reply: &Reply) {
        match self {
            Self::Json => {
                if !out.is_empty() {
                    out.put_u8(b'\n');
                }
                // Texts, numbers, and JSON that was checked when it came: there is nothing in it that could fail.
                let _ = serde_json::to_writer(out.writer(), reply);
            }
            // Only fails when a buffer is full, which this one never is.
            Self::Protobuf => drop(reply.encode_length_delimited(out)),
        }
    }

    /// The frame of what was put together.
    pub fn frame(self, payload: &[u8]) -> Bytes {
        frame::data(self.opcode(), Part::Last, payload)
    }

    /// One reply or push in a frame of its own.
    pub fn single(self, reply: &Reply) -> Bytes {
        let mut out = BytesMut::new();
        self.put(&mut out, reply);
        self.frame(&out)
    }

    /// What the server sends to hear whether the client is there: an empty message.
    pub const fn ping(self) -> Bytes {
        match self {
            Self::Json => Bytes::from_static(&[0x81, 2, b'{', b'}']),
            Self::Protobuf => Bytes::from_static(&[0x82, 1, 0]),
        }
    }
}

/// One object a line. serde alone would take an array of the fields' values for an object, too.
fn decode_json(frame: &[u8]) -> Result<Vec<Command>, Malformed> {
    let text = str::from_utf8(frame).map_err(|_| Malformed)?;
    let lines = text.strip_suffix('\n').unwrap_or(text).split('\n');
    let command = |line: &str| {
        if !line.trim_start().starts_with('{') {
            return Err(Malformed);
        }
        serde_json::from_str(line).map_err(|_| Malformed)
    };
    lines.map(command).collect()
}

fn decode_protobuf(mut frame: &[u8]) -> Result<Vec<Command>, Malformed> {
    let mut commands = Vec::new();
    while !frame.is_empty() {
        commands.push(Command::decode_length_delimited(&mut frame).map_err(|_| Malformed)?);
    }
    Ok(commands)
}

#[cfg(test)]
mod tests;
