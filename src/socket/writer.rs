//! What goes to the client: all that waits, in one vectored write per wake-up.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tickroom_actors::limits::WRITE_FRAMES;
use tickroom_actors::session::{Next, Outbox};
use tickroom_actors::wire::{CloseCode, frame};
use tokio::io::AsyncWrite;

/// Why the ordinary writing is over.
pub(super) enum Written {
    /// The connection is gone.
    Gone,
    /// Everything before the close has been handed over, and the close frame is next.
    Closing(CloseCode),
}

/// The writing half of a socket.
#[derive(Default)]
pub(super) struct Writer {
    /// Taken from the outbox, the first one perhaps half written.
    batch: VecDeque<Bytes>,
}

impl Writer {
    /// Writes for as long as there is something and the kernel takes it.
    pub(super) fn poll<Io: AsyncWrite + Unpin>(
        &mut self,
        context: &mut Context<'_>,
        io: &mut Io,
        outbox: &Outbox,
    ) -> Poll<Written> {
        loop {
            if ready!(self.poll_flush(context, io)).is_err() {
                return Poll::Ready(Written::Gone);
            }
            match ready!(outbox.poll_take(context, &mut self.batch, WRITE_FRAMES)) {
                Next::Write => {}
                Next::Close(code) => {
                    self.batch.push_back(frame::close(code));
                    return Poll::Ready(Written::Closing(code));
                }
            }
        }
    }

    /// Writes what was taken.
    pub(super) fn poll_flush<Io: AsyncWrite + Unpin>(
        &mut self,
        context: &mut Context<'_>,
        io: &mut Io,
    ) -> Poll<std::io::Result<()>> {
        while !self.batch.is_empty() {
            let mut slices = [IoSlice::new(&[]); WRITE_FRAMES];
            for (slice, frame) in slices.iter_mut().zip(&self.batch) {
                *slice = IoSlice::new(frame);
            }
            let filled = slices.get(..self.batch.len()).unwrap_or(&slices);
            let written = ready!(Pin::new(&mut *io).poll_write_vectored(context, filled))?;
            if written == 0 {
                return Poll::Ready(Err(std::io::ErrorKind::WriteZero.into()));
            }
            self.advance(written);
        }
        Poll::Ready(Ok(()))
    }

    /// Whether the kernel took less than was there.
    pub(super) fn is_blocked(&self) -> bool {
        !self.batch.is_empty()
    }

    fn advance(&mut self, mut written: usize) {
        while let Some(frame) = self.batch.front_mut() {
            if written < frame.len() {
                frame.advance(written);
                return;
            }
            written -= frame.len();
            self.batch.pop_front();
        }
        // An idle socket keeps no memory for the busy time it had.
        self.batch = VecDeque::new();
    }
}
