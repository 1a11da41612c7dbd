//! What the client sends: tungstenite reads it, the session gets it.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tickroom_actors::session::Inbound;
use tickroom_actors::wire::CloseCode;
use tokio::io::{AsyncRead, ReadBuf};
use tungstenite::Message;
use tungstenite::error::{CapacityError, Error, ProtocolError};
use tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};

use super::OpenSession;
use crate::limits::{SOCKET_BUFFER_BYTES, SOCKET_READ_BYTES};

thread_local! {
    /// Where the kernel puts what it has received. One for all sockets of a thread, because at any time only one reads:
    /// a socket that sends much takes few calls, and one that sends nothing holds no memory for it.
    static RECEIVED: RefCell<Box<[u8]>> = RefCell::new(vec![0; SOCKET_READ_BYTES].into());
}

/// Why reading is over.
pub(super) enum Heard {
    /// The connection is gone without a word.
    Gone,
    /// The client closed, or did something that ends the socket for this reason.
    Close(CloseCode),
}

/// The reading half of a socket.
pub(super) struct Reader {
    protocol: WebSocketContext,
    /// What the kernel gave and tungstenite has not taken yet.
    unread: Bytes,
    /// What tungstenite wants to send by itself, which is pongs.
    control: Vec<u8>,
    done: bool,
}

impl Reader {
    /// A reader that takes messages up to this size.
    pub(super) fn new(message_bytes: usize) -> Self {
        let config = WebSocketConfig::default()
            // The default is allocated at once, 128 KiB a socket.
            .read_buffer_size(SOCKET_BUFFER_BYTES)
            .write_buffer_size(0)
            .max_message_size(Some(message_bytes))
            .max_frame_size(Some(message_bytes));
        let protocol = WebSocketContext::new(Role::Server, Some(config));
        Self { protocol, unread: Bytes::new(), control: Vec::new(), done: false }
    }

    /// Reads for as long as the client sends and the session takes it.
    pub(super) fn poll<Io: AsyncRead + Unpin>(
        &mut self,
        context: &mut Context<'_>,
        io: &mut Io,
        session: &OpenSession,
    ) -> Poll<Heard> {
        while !self.done {
            // A session that has enough to do stops the reading, and TCP stops the client.
            ready!(session.slot.poll_ready(context));
            let Self { unread, control, .. } = self;
            let read = self.protocol.read(&mut Pipe { io, context, unread, control });
            if !self.control.is_empty() {
                session.slot.outbox.push(Bytes::from(std::mem::take(&mut self.control)));
            }
            match read {
                Ok(Message::Close(_)) => {
                    self.done = true;
                    return Poll::Ready(Heard::Close(CloseCode::NORMAL));
                }
                Ok(message) => {
                    session.slot.heard(session.tree.services().now_ms());
                    if let Some(inbound) = inbound(message) {
                        session.slot.receive(inbound);
                    }
                }
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
                Err(error) => {
                    self.done = true;
                    return Poll::Ready(ending(&error));
                }
            }
        }
        Poll::Pending
    }
}

/// What a message is to the session; pings and pongs are none of its business.
fn inbound(message: Message) -> Option<Inbound> {
    match message {
        Message::Text(text) => Some(Inbound::Text(text)),
        Message::Binary(bytes) => Some(Inbound::Binary(bytes)),
        _ => None,
    }
}

/// How a socket ends on which reading failed.
fn ending(error: &Error) -> Heard {
    match error {
        Error::Capacity(CapacityError::MessageTooLong { .. }) => Heard::Close(CloseCode::TOO_BIG),
        Error::Utf8(_) => Heard::Close(CloseCode::INVALID_UTF8),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) | Error::Io(_) => Heard::Gone,
        _ => Heard::Close(CloseCode::PROTOCOL_ERROR),
    }
}

/// Reads on until the client has closed its side.
pub(super) fn poll_end<Io: AsyncRead + Unpin>(context: &mut Context<'_>, io: &mut Io) -> Poll<()> {
    let mut bytes = [0; 512];
    loop {
        let mut buffer = ReadBuf::new(&mut bytes);
        match ready!(Pin::new(&mut *io).poll_read(context, &mut buffer)) {
            Ok(()) if !buffer.filled().is_empty() => {}
            _ => return Poll::Ready(()),
        }
    }
}

/// The connection as tungstenite wants it: blocking calls that say `WouldBlock`. What it writes is kept, because a
/// frame of ours may be half way out.
struct Pipe<'a, 'b, Io> {
    io: &'a mut Io,
    context: &'a mut Context<'b>,
    unread: &'a mut Bytes,
    control: &'a mut Vec<u8>,
}

impl<Io: AsyncRead + Unpin> Read for Pipe<'_, '_, Io> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if !self.unread.is_empty() {
            let rest = self.unread.split_off(bytes.len().min(self.unread.len()));
            let part = std::mem::replace(self.unread, rest);
            return (&*part).read(bytes);
        }
        RECEIVED.with_borrow_mut(|received| {
            let mut buffer = ReadBuf::new(received);
            let Poll::Ready(outcome) = Pin::new(&mut *self.io).poll_read(self.context, &mut buffer) else {
                return Err(io::ErrorKind::WouldBlock.into());
            };
            outcome?;
            let mut received = buffer.filled();
            let read = received.read(bytes)?;
            *self.unread = Bytes::copy_from_slice(received);
            Ok(read)
        })
    }
}

impl<Io> Write for Pipe<'_, '_, Io> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.control.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
