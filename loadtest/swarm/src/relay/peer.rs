//! One connection to the relay.

use anyhow::{anyhow, ensure};
use std::io::{self, Read, Write};
use std::net::TcpStream;

use super::group::Group;
use crate::frame::{self, Frame, Opcode};
use crate::handshake;
use crate::limits::RELAY_LAG_BYTES;
use crate::scan;

const NOT_FOUND: &[u8] = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// What a read brought.
pub(super) enum Heard {
    /// Nothing that others should know.
    Nothing,
    /// It wants into this room.
    Join(String),
    /// It said these things.
    Said(Vec<Vec<u8>>),
}

/// One connection.
pub(super) struct Peer {
    /// The connection.
    pub(super) stream: TcpStream,
    /// Its group, once it has joined.
    pub(super) group: Option<usize>,
    /// The position in the group's log up to which it has everything.
    pub(super) sent: u64,
    /// Whether it waits for the kernel.
    pub(super) is_blocked: bool,
    /// Whether it has got its last answer.
    pub(super) is_done: bool,
    /// What it is to get before anything from the log.
    greeting: Vec<u8>,
    partial: Vec<u8>,
    key: String,
}

impl Peer {
    /// A connection that has not asked for anything yet.
    pub(super) const fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            group: None,
            sent: 0,
            is_blocked: false,
            is_done: false,
            greeting: Vec::new(),
            partial: Vec::new(),
            key: String::new(),
        }
    }

    /// Reads once.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> anyhow::Result<Heard> {
        let held = self.partial.len();
        let (head, free) = buffer.split_at_mut_checked(held).ok_or_else(|| anyhow!("a frame is too long"))?;
        head.copy_from_slice(&self.partial);
        let filled = match self.stream.read(free) {
            Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            Ok(read) => held + read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Heard::Nothing),
            Err(error) => return Err(error.into()),
        };
        let bytes = buffer.get(..filled).unwrap_or_default();
        let (heard, rest) = if self.group.is_some() { said(bytes)? } else { self.request(bytes)? };
        self.partial.clear();
        self.partial.extend_from_slice(rest);
        Ok(heard)
    }

    fn request<'a>(&mut self, bytes: &'a [u8]) -> anyhow::Result<(Heard, &'a [u8])> {
        let Some(request) = handshake::read_request(bytes)? else { return Ok((Heard::Nothing, bytes)) };
        let rest = bytes.get(request.length..).unwrap_or_default();
        match (request.key, room(&request.path)) {
            (Some(key), Some(room)) => {
                self.key = key;
                Ok((Heard::Join(room), rest))
            }
            _ => {
                self.greeting.extend_from_slice(NOT_FOUND);
                self.is_done = true;
                self.write(None)?;
                Ok((Heard::Nothing, rest))
            }
        }
    }

    /// Takes its place at the end of the group's log.
    pub(super) fn enter(&mut self, number: usize, group: &Group) {
        self.group = Some(number);
        self.sent = group.end();
        self.greeting.extend_from_slice(handshake::response(&std::mem::take(&mut self.key)).as_bytes());
        group.joined(&mut self.greeting);
    }

    /// Writes what it has not got yet, in one call where there is no greeting.
    pub(super) fn write(&mut self, group: Option<&Group>) -> anyhow::Result<()> {
        self.is_blocked = false;
        if !self.greeting.is_empty() {
            let written = written(self.stream.write(&self.greeting))?;
            self.greeting.drain(..written);
            self.is_blocked = !self.greeting.is_empty();
        }
        let waiting = group.filter(|_| !self.is_blocked).map_or(&[][..], |group| group.since(self.sent));
        if !waiting.is_empty() {
            ensure!(waiting.len() <= RELAY_LAG_BYTES, "too slow");
            let written = written(self.stream.write(waiting))?;
            self.sent += u64::try_from(written)?;
            self.is_blocked = written < waiting.len();
        }
        Ok(())
    }
}

/// What the kernel took; nothing if it has to be waited for.
fn written(result: io::Result<usize>) -> io::Result<usize> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        result => result,
    }
}

/// The contents of all whole messages, and what is left.
fn said(bytes: &[u8]) -> anyhow::Result<(Heard, &[u8])> {
    let mut rest = bytes;
    let mut contents = Vec::new();
    while let Some((frame, after)) = frame::split(rest)? {
        rest = after;
        match frame.opcode {
            Opcode::Text => contents.extend(content(&frame)),
            Opcode::Close => return Err(anyhow!("the client closed")),
            Opcode::Binary | Opcode::Ping | Opcode::Pong => {}
        }
    }
    Ok((if contents.is_empty() { Heard::Nothing } else { Heard::Said(contents) }, rest))
}

/// A message's content. One with escapes is left out: the relay neither reads nor writes JSON.
fn content(frame: &Frame<'_>) -> Option<Vec<u8>> {
    let mut json = frame.payload.to_vec();
    frame::apply_mask(&mut json, frame.mask?);
    let content = scan::first_text(&json, br#""content""#)?;
    (!content.contains(&b'\\')).then(|| content.to_vec())
}

/// The room that a request names.
fn room(path: &str) -> Option<String> {
    let query = path.strip_prefix("/ws/chat?")?;
    query.split('&').find_map(|pair| pair.strip_prefix("room=")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_is_named_in_the_query() {
        assert_eq!(room("/ws/chat?room=A-1&epoch=x&offset=3").as_deref(), Some("A-1"));
        assert_eq!((room("/ws/chat"), room("/ws/ticker?room=A-1")), (None, None));
    }

    #[test]
    fn contents_are_taken_as_they_are() {
        let mut bytes = Vec::new();
        for json in [
            r#"{"content":"one"}"#,
            r#"{"content":"t\"wo"}"#,
            "{}",
            r#"{"type":"MESSAGE","content":"three"}"#,
        ] {
            frame::put_masked(&mut bytes, Opcode::Text, json.as_bytes(), [1, 2, 3, 4]);
        }
        bytes.push(0x81);
        let (Heard::Said(contents), rest) = said(&bytes).unwrap() else { panic!("nothing was said") };
        assert_eq!((contents, rest), (vec![b"one".to_vec(), b"three".to_vec()], &[0x81][..]));
    }
}
