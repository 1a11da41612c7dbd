//! The socket edge: the WebSocket handshake and the task that moves bytes between one connection and its session.
//!
//! One task per socket, and one loop in it: write what the session's outbox holds, read what the client sent, sleep
//! until either can go on. Reading goes through tungstenite, which unmasks, reassembles and checks UTF-8. Writing does
//! not: frames come encoded and shared from the rooms, and go to the kernel as they are, many in one call.

mod handshake;
mod reader;
mod writer;

pub use handshake::Handshake;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tickroom_actors::Tree;
use tickroom_actors::session::SessionSlot;
use tickroom_actors::sessions::count_close;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::limits::CLOSE_GRACE;
use reader::{Heard, Reader};
use writer::{Writer, Written};

/// The session of one socket, ended with whatever holds this: the task, or a handshake that came to nothing.
pub struct OpenSession {
    tree: Arc<Tree>,
    slot: Arc<SessionSlot>,
}

impl OpenSession {
    /// Takes over the duty to close.
    pub fn new(tree: Arc<Tree>, slot: Arc<SessionSlot>) -> Self {
        Self { tree, slot }
    }
}

impl Drop for OpenSession {
    fn drop(&mut self) {
        self.tree.close(&self.slot);
    }
}

/// Serves a socket from the moment the client has our 101 until it is gone.
pub async fn serve(upgrade: OnUpgrade, session: OpenSession) {
    match upgrade.await {
        Ok(upgraded) => {
            let mut socket = Socket::new(TokioIo::new(upgraded), session);
            poll_fn(|context| socket.poll(context)).await;
        }
        Err(error) => tracing::debug!(%error, "socket was gone before it was open"),
    }
}

struct Socket<Io> {
    io: Io,
    reader: Reader,
    writer: Writer,
    session: OpenSession,
    stage: Stage,
    /// Set when the end begins; a peer that neither reads nor closes is cut off then.
    deadline: Option<Pin<Box<Sleep>>>,
}

/// How far the socket has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Frames go both ways.
    Open,
    /// Our close frame is on its way; what the client still sends is not for us any more.
    Closing,
    /// It is out. The client closes, so that the last frames are not lost in a reset.
    Lingering,
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Socket<Io> {
    fn new(io: Io, session: OpenSession) -> Self {
        Self {
            io,
            reader: Reader::new(session.slot.dialect.inbound_bytes()),
            writer: Writer::default(),
            session,
            stage: Stage::Open,
            deadline: None,
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if let Some(deadline) = &mut self.deadline
            && deadline.as_mut().poll(context).is_ready()
        {
            return Poll::Ready(());
        }
        match self.stage {
            Stage::Open => self.poll_open(context),
            Stage::Closing => self.poll_closing(context),
            Stage::Lingering => self.poll_lingering(context),
        }
    }

    fn poll_open(&mut self, context: &mut Context<'_>) -> Poll<()> {
        // Reading first: it may put pongs and errors into the outbox, which then go out in the same wake-up.
        match self.reader.poll(context, &mut self.io, &self.session) {
            Poll::Ready(Heard::Gone) => return Poll::Ready(()),
            Poll::Ready(Heard::Close(code)) => self.session.slot.outbox.close(code),
            Poll::Pending => {}
        }
        match self.writer.poll(context, &mut self.io, &self.session.slot.outbox) {
            Poll::Ready(Written::Gone) => Poll::Ready(()),
            Poll::Ready(Written::Closing(code)) => {
                count_close(code);
                self.enter(Stage::Closing, context)
            }
            Poll::Pending => {
                // A peer that does not read must not keep the end waiting.
                if self.writer.is_blocked()
                    && self.deadline.is_none()
                    && self.session.slot.outbox.poll_closing(context).is_ready()
                {
                    return self.enter(Stage::Open, context);
                }
                Poll::Pending
            }
        }
    }

    fn poll_closing(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if ready!(self.writer.poll_flush(context, &mut self.io)).is_err() {
            return Poll::Ready(());
        }
        self.enter(Stage::Lingering, context)
    }

    fn poll_lingering(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if ready!(Pin::new(&mut self.io).poll_shutdown(context)).is_err() {
            return Poll::Ready(());
        }
        reader::poll_end(context, &mut self.io)
    }

    /// Goes on at another stage of the end, against the clock.
    fn enter(&mut self, stage: Stage, context: &mut Context<'_>) -> Poll<()> {
        self.stage = stage;
        self.deadline.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + CLOSE_GRACE)));
        self.poll(context)
    }
}
