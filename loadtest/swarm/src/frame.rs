//! WebSocket frames (RFC 6455, section 5.2), as far as Tickroom's dialects use them: whole messages, text and control.
//!
//! Parsing borrows and never copies: a reader of a busy room parses hundreds of frames out of one read.

use crate::limits::FRAME_BYTES_MAX;

/// What a frame is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opcode {
    /// UTF-8 text.
    Text,
    /// Bytes.
    Binary,
    /// The end, with a code.
    Close,
    /// A question whether the other side is there.
    Ping,
    /// The answer to it.
    Pong,
}

impl Opcode {
    const fn bits(self) -> u8 {
        match self {
            Self::Text => 1,
            Self::Binary => 2,
            Self::Close => 8,
            Self::Ping => 9,
            Self::Pong => 10,
        }
    }
}

/// One frame, where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What it is for.
    pub opcode: Opcode,
    /// What the payload is masked with; servers do not mask, clients must.
    pub mask: Option<[u8; 4]>,
    /// The payload as it came, masked or not.
    pub payload: &'a [u8],
}

/// The stream is not what a server or client of Tickroom sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A fragment, a reserved bit or an unknown opcode.
    #[error("expected a whole text or control frame, got one that begins with {0:#04x}")]
    Unexpected(u8),
    /// Longer than anything we send or expect.
    #[error("expected a frame of at most {FRAME_BYTES_MAX} bytes, got one of {0}")]
    TooLong(u64),
}

impl Frame<'_> {
    /// The code of a close frame; 1005 where it names none, as RFC 6455 section 7.1.5 has it.
    pub fn close_code(&self) -> u16 {
        self.payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code))
    }
}

/// The first frame of `bytes` and what follows it, or nothing while it is incomplete.
///
/// # Errors
///
/// [`FrameError`], as soon as the header shows it.
pub fn split(bytes: &[u8]) -> Result<Option<(Frame<'_>, &[u8])>, FrameError> {
    let [first, second, rest @ ..] = bytes else { return Ok(None) };
    let opcode = match first {
        0x81 => Opcode::Text,
        0x82 => Opcode::Binary,
        0x88 => Opcode::Close,
        0x89 => Opcode::Ping,
        0x8a => Opcode::Pong,
        _ => return Err(FrameError::Unexpected(*first)),
    };
    let Some((length, rest)) = split_length(second & 0x7f, rest) else { return Ok(None) };
    let bounded = usize::try_from(length).ok().filter(|length| *length <= FRAME_BYTES_MAX);
    let length = bounded.ok_or(FrameError::TooLong(length))?;
    let Some((mask, rest)) = split_mask(second & 0x80 != 0, rest) else { return Ok(None) };
    Ok(rest.split_at_checked(length).map(|(payload, rest)| (Frame { opcode, mask, payload }, rest)))
}

fn split_length(short: u8, rest: &[u8]) -> Option<(u64, &[u8])> {
    match short {
        126 => rest.split_first_chunk().map(|(length, rest)| (u16::from_be_bytes(*length).into(), rest)),
        127 => rest.split_first_chunk().map(|(length, rest)| (u64::from_be_bytes(*length), rest)),
        short => Some((short.into(), rest)),
    }
}

fn split_mask(masked: bool, rest: &[u8]) -> Option<(Option<[u8; 4]>, &[u8])> {
    if masked { rest.split_first_chunk().map(|(mask, rest)| (Some(*mask), rest)) } else { Some((None, rest)) }
}

/// Masks or unmasks a payload in place: the operation is its own inverse.
pub fn apply_mask(payload: &mut [u8], mask: [u8; 4]) {
    for piece in payload.chunks_mut(mask.len()) {
        for (byte, mask) in piece.iter_mut().zip(mask) {
            *byte ^= mask;
        }
    }
}

/// Appends a frame as a client sends it.
pub fn put_masked(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8], mask: [u8; 4]) {
    put_header(out, opcode, payload.len(), 0x80);
    out.extend_from_slice(&mask);
    let masked = payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask);
    out.extend(masked);
}

/// Appends a frame as a server sends it.
pub fn put_plain(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8]) {
    put_header(out, opcode, payload.len(), 0);
    out.extend_from_slice(payload);
}

fn put_header(out: &mut Vec<u8>, opcode: Opcode, length: usize, mask_bit: u8) {
    out.push(0x80 | opcode.bits());
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short), _) if short < 126 => out.push(mask_bit | short),
        (_, Ok(medium)) => {
            out.push(mask_bit | 126);
            out.extend(medium.to_be_bytes());
        }
        _ => {
            out.push(mask_bit | 127);
            // A usize never exceeds 64 bits on the platforms that this builds for.
            out.extend(u64::try_from(length).unwrap_or(u64::MAX).to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Feeds `stream` in pieces, as a socket would, and collects what comes out.
    fn parse_in_pieces(stream: &[u8], cuts: &[usize]) -> Vec<(Opcode, Vec<u8>)> {
        let mut cuts: Vec<_> =
            cuts.iter().map(|cut| cut % (stream.len() + 1)).chain([stream.len()]).collect();
        cuts.sort_unstable();
        let (mut held, mut start, mut frames) = (Vec::new(), 0, Vec::new());
        for cut in cuts {
            held.extend_from_slice(&stream[start..cut]);
            start = cut;
            let mut rest = held.as_slice();
            while let Some((frame, after)) = split(rest).unwrap() {
                let mut payload = frame.payload.to_vec();
                apply_mask(&mut payload, frame.mask.unwrap_or_default());
                frames.push((frame.opcode, payload));
                rest = after;
            }
            held = rest.to_vec();
        }
        assert!(held.is_empty());
        frames
    }

    #[test]
    fn lengths_of_every_class_come_through() {
        for length in [0, 1, 125, 126, 127, FRAME_BYTES_MAX.min(65_535)] {
            let mut stream = Vec::new();
            put_plain(&mut stream, Opcode::Text, &vec![b'x'; length]);
            assert_eq!(parse_in_pieces(&stream, &[]), [(Opcode::Text, vec![b'x'; length])]);
        }
    }

    #[test]
    fn the_masked_hello_of_the_rfc_is_what_we_send() {
        let mut out = Vec::new();
        put_masked(&mut out, Opcode::Text, b"Hello", [0x37, 0xfa, 0x21, 0x3d]);
        assert_eq!(out, [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]);
    }

    #[test]
    fn what_tickroom_never_sends_is_an_error() {
        for first in [0x01, 0x00, 0x80, 0xc1, 0x83] {
            assert_eq!(split(&[first, 0]), Err(FrameError::Unexpected(first)));
        }
        let huge = [&[0x81, 127][..], &u64::MAX.to_be_bytes()].concat();
        assert_eq!(split(&huge), Err(FrameError::TooLong(u64::MAX)));
    }

    #[test]
    fn a_close_tells_its_code() {
        let close = |payload| Frame { opcode: Opcode::Close, mask: None, payload };
        assert_eq!(close(&[0x0b, 0xc0, b's', b'l', b'o', b'w']).close_code(), 3008);
        assert_eq!(close(&[]).close_code(), 1005);
    }

    proptest! {
        #[test]
        fn a_stream_may_be_cut_anywhere(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..8),
            masks in prop::collection::vec(prop::option::of(any::<[u8; 4]>()), 8),
            cuts in prop::collection::vec(any::<usize>(), 0..20),
        ) {
            let mut stream = Vec::new();
            for (payload, mask) in payloads.iter().zip(masks) {
                match mask {
                    Some(mask) => put_masked(&mut stream, Opcode::Text, payload, mask),
                    None => put_plain(&mut stream, Opcode::Text, payload),
                }
            }
            let expected: Vec<_> = payloads.into_iter().map(|payload| (Opcode::Text, payload)).collect();
            prop_assert_eq!(parse_in_pieces(&stream, &cuts), expected);
        }

        #[test]
        fn masking_twice_changes_nothing(payload: Vec<u8>, mask: [u8; 4]) {
            let mut twice = payload.clone();
            apply_mask(&mut twice, mask);
            apply_mask(&mut twice, mask);
            prop_assert_eq!(twice, payload);
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = split(&bytes);
        }
    }
}
