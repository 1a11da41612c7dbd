//! [`Frame`]: WebSocket frames made by hand (RFC 6455, section 5.2), right and wrong ones.

/// A frame of a client, whole and masked unless a test says otherwise.
pub(crate) struct Frame {
    first: u8,
    masked: bool,
    payload: Vec<u8>,
}

const FIN: u8 = 0x80;
const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

impl Frame {
    fn new(opcode: u8, payload: &[u8]) -> Self {
        Self { first: FIN | opcode, masked: true, payload: payload.to_vec() }
    }

    pub(crate) fn text(payload: impl AsRef<[u8]>) -> Self {
        Self::new(TEXT, payload.as_ref())
    }

    pub(crate) fn continuation(payload: impl AsRef<[u8]>) -> Self {
        Self::new(CONTINUATION, payload.as_ref())
    }

    pub(crate) fn ping(payload: impl AsRef<[u8]>) -> Self {
        Self::new(PING, payload.as_ref())
    }

    /// A goodbye without a reason.
    pub(crate) fn close() -> Self {
        Self::new(CLOSE, b"")
    }

    /// With an opcode that nobody has defined.
    pub(crate) fn reserved() -> Self {
        Self::new(3, b"")
    }

    /// More frames of the same message follow.
    pub(crate) fn unfinished(mut self) -> Self {
        self.first &= !FIN;
        self
    }

    /// As only servers may send it.
    pub(crate) fn unmasked(mut self) -> Self {
        self.masked = false;
        self
    }

    /// With a bit that belongs to an extension nobody agreed on.
    pub(crate) fn extended(mut self) -> Self {
        self.first |= 0x40;
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mask_bit = if self.masked { 0x80 } else { 0 };
        let mut bytes = vec![self.first];
        match u16::try_from(self.payload.len()).expect("no test needs a longer frame") {
            short @ ..126 => bytes.push(mask_bit | u8::try_from(short).unwrap()),
            medium => {
                bytes.push(mask_bit | 126);
                bytes.extend(medium.to_be_bytes());
            }
        }
        let mask = if self.masked { MASK } else { [0; 4] };
        if self.masked {
            bytes.extend(mask);
        }
        bytes.extend(self.payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        bytes
    }
}
