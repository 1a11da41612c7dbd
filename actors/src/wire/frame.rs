//! Server-to-client WebSocket frames (RFC 6455, section 5.2), encoded once and shared.
//!
//! Frames of a server carry no mask, so the bytes are the same for every receiver: one buffer holds header and
//! payload, and sending it to ten thousand sockets is ten thousand reference counts.

use super::CloseCode;
use bytes::{BufMut, Bytes, BytesMut};

const FIN: u8 = 0x80;
const FIN_TEXT: u8 = FIN | 1;
const FIN_CLOSE: u8 = FIN | 8;

/// What kind of payload a data frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opcode {
    /// More of the message that the frame before began.
    Continuation,
    /// UTF-8.
    Text,
    /// Bytes.
    Binary,
}

/// Whether a frame ends its message. Each fragment is a frame of its own, so control frames (a pong, the close) may come
/// between two of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// It does.
    Last,
    /// Another fragment follows.
    MoreFollows,
}

/// A ping without payload; every client library answers it by itself.
pub const PING: Bytes = Bytes::from_static(&[0x89, 0x00]);

/// Appends one text frame that holds `payload`.
pub fn put_text(out: &mut BytesMut, payload: &[u8]) {
    out.reserve(payload.len() + 10);
    out.put_u8(FIN_TEXT);
    put_length(out, payload.len());
    out.put_slice(payload);
}

/// One text frame of its own.
pub fn text(payload: &[u8]) -> Bytes {
    let mut out = BytesMut::new();
    put_text(&mut out, payload);
    out.freeze()
}

/// One data frame of its own.
pub fn data(opcode: Opcode, part: Part, payload: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(payload.len() + 10);
    let fin = if part == Part::Last { FIN } else { 0 };
    out.put_u8(fin | opcode.bits());
    put_length(&mut out, payload.len());
    out.put_slice(payload);
    out.freeze()
}

/// What a data frame made here holds.
pub fn payload(frame: &Bytes) -> Bytes {
    let header = match frame.get(1) {
        Some(127) => 10,
        Some(126) => 4,
        _ => 2,
    };
    frame.slice(header.min(frame.len())..)
}

impl Opcode {
    const fn bits(self) -> u8 {
        match self {
            Self::Continuation => 0,
            Self::Text => 1,
            Self::Binary => 2,
        }
    }
}

/// A close frame with code and reason.
pub fn close(close: CloseCode) -> Bytes {
    let mut out = BytesMut::with_capacity(4 + close.reason.len());
    out.put_u8(FIN_CLOSE);
    put_length(&mut out, 2 + close.reason.len());
    out.put_u16(close.code);
    out.put_slice(close.reason.as_bytes());
    out.freeze()
}

/// The payload length in the shortest of its three forms, with the mask bit off.
fn put_length(out: &mut BytesMut, length: usize) {
    if let Ok(short) = u8::try_from(length)
        && short < 126
    {
        out.put_u8(short);
    } else if let Ok(medium) = u16::try_from(length) {
        out.put_u8(126);
        out.put_u16(medium);
    } else {
        out.put_u8(127);
        // A usize never exceeds 64 bits on the platforms that this builds for.
        out.put_u64(u64::try_from(length).unwrap_or(u64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_tungstenite::tungstenite::{
        Message,
        protocol::{Role, WebSocket},
    };

    /// What a client reads from these bytes.
    fn read_back(bytes: &Bytes, count: usize) -> Vec<Message> {
        let mut client = WebSocket::from_raw_socket(std::io::Cursor::new(bytes.to_vec()), Role::Client, None);
        (0..count).map(|_| client.read().unwrap()).collect()
    }

    #[test]
    fn a_client_reads_text_of_every_length_class() {
        for length in [0, 1, 125, 126, 127, 65_535, 65_536, 70_000] {
            let payload = "x".repeat(length);
            assert_eq!(read_back(&text(payload.as_bytes()), 1), [Message::text(payload)], "{length}");
        }
    }

    #[test]
    fn a_payload_comes_out_as_it_went_in() {
        for length in [0, 125, 126, 65_535, 65_536] {
            let payload = vec![b'x'; length];
            assert_eq!(super::payload(&text(&payload)), payload, "{length}");
        }
    }

    #[test]
    fn fragments_make_one_message_and_a_ping_may_come_between_them() {
        let frames = [
            data(Opcode::Text, Part::MoreFollows, b"one "),
            PING,
            data(Opcode::Continuation, Part::MoreFollows, b"two "),
            data(Opcode::Continuation, Part::Last, b""),
            data(Opcode::Binary, Part::Last, b"\0"),
        ];
        let read = read_back(&frames.concat().into(), 3);
        let expected = [Message::Ping(Bytes::new()), Message::text("one two "), Message::binary(&b"\0"[..])];
        assert_eq!(read, expected);
    }

    #[test]
    fn frames_put_into_one_buffer_are_read_one_by_one() {
        let mut out = BytesMut::new();
        put_text(&mut out, b"one");
        put_text(&mut out, "둘".as_bytes());
        assert_eq!(read_back(&out.freeze(), 2), [Message::text("one"), Message::text("둘")]);
    }

    #[test]
    fn a_client_reads_code_and_reason_of_a_close() {
        for code in CloseCode::ALL {
            let Message::Close(Some(read)) = read_back(&close(*code), 1).remove(0) else {
                panic!("no close frame")
            };
            assert_eq!((u16::from(read.code), read.reason.as_str()), (code.code, code.reason));
        }
    }

    #[test]
    fn a_client_reads_the_ping() {
        assert_eq!(read_back(&PING, 1), [Message::Ping(Bytes::new())]);
    }
}
