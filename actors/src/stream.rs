//! Event streams: one user's open pages, and what is on its way to each.
//!
//! A [`StreamSlot`] is what others write to: a bounded queue of notifications and a few flags. Its [`Stream`] is the
//! reading end, polled by the connection. Both are plain state without an actor or a timer of their own; the
//! [`Notifier`](crate::notifier) feeds them and keeps time for all of them.
//!
//! **Nothing is lost and nothing comes twice**, because ids rise in the order of commits. A stream knows the last id
//! that it gave out. It first becomes known to the notifier and then reads what the log has above that id; what came
//! into the queue meanwhile and was in the log as well has a lower id than the last one, and is skipped. Whenever
//! something may have been missed (an actor died, the log did not answer), the flag `catch_up` has it read again.

mod registry;
#[cfg(test)]
mod tests;

pub use registry::{Streams, Terms, count_end};

use crate::limits::{STREAM_NOTIFICATIONS, STREAM_REPLAY};
use crate::session::Identity;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tickroom_storage::notification::{Notification, NotificationLog};
use tickroom_storage::{NotificationId, StorageError};

/// Names a stream for as long as the process lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub(crate) u64);

/// Why the server ends a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The client does not read: it comes back and goes on.
    Slow,
    /// The proof of identity ran out: it comes back with another.
    Expired,
    /// The login ended.
    LoggedOut,
    /// The log did not answer.
    Unavailable,
    /// The server restarts; come back after this time.
    Shutdown(Duration),
}

impl End {
    /// The label in metrics.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Slow => "slow",
            Self::Expired => "expired",
            Self::LoggedOut => "logged_out",
            Self::Unavailable => "unavailable",
            Self::Shutdown(_) => "shutdown",
        }
    }
}

/// What a stream tells its client next.
#[derive(Debug, PartialEq, Eq)]
pub enum Moment {
    /// These are new.
    Notifications(Vec<Arc<Notification>>),
    /// So many are unread now.
    Unread(u64),
    /// Nothing happened for a while.
    Heartbeat,
    /// That was all.
    End(End),
}

/// What outlives a look at the stream, and what others write to.
pub struct StreamSlot {
    /// The stream.
    pub id: StreamId,
    /// Whose it is.
    pub identity: Identity,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    queue: VecDeque<Arc<Notification>>,
    unread: Option<u64>,
    /// What the log has must be read before what is queued: set from the start.
    catch_up: bool,
    heartbeat: bool,
    end: Option<End>,
    reader: Option<Waker>,
}

/// What a look at the slot finds.
enum Found {
    CatchUp,
    Moment(Moment),
}

impl StreamSlot {
    fn new(id: StreamId, identity: Identity) -> Self {
        let inner = Inner { catch_up: true, ..Inner::default() };
        Self { id, identity, inner: Mutex::new(inner) }
    }

    /// Queues a notification. A stream whose client does not read is ended when its queue is full.
    pub fn push(&self, notification: &Arc<Notification>) {
        self.change(|inner| {
            if inner.catch_up {
                // It will be read from the log.
                return;
            }
            if inner.queue.len() < STREAM_NOTIFICATIONS {
                inner.queue.push_back(Arc::clone(notification));
            } else {
                inner.end.get_or_insert(End::Slow);
                inner.queue = VecDeque::new();
            }
        });
    }

    /// So many are unread now; an older number that was not sent yet is forgotten.
    pub fn show_unread(&self, count: u64) {
        self.change(|inner| inner.unread = Some(count));
    }

    /// As [`show_unread`](Self::show_unread), unless the notifier has shown a number meanwhile, which may be newer.
    fn show_unread_unless_known(&self, count: u64) {
        self.change(|inner| _ = inner.unread.get_or_insert(count));
    }

    /// Something may have been missed: the log knows.
    pub fn catch_up(&self) {
        self.change(|inner| inner.catch_up = true);
    }

    /// Gives a sign of life, if there is nothing else to send.
    pub fn heartbeat(&self) {
        self.change(|inner| inner.heartbeat = true);
    }

    /// Ends the stream. The first reason stands.
    pub fn end(&self, end: End) {
        self.change(|inner| _ = inner.end.get_or_insert(end));
    }

    fn change(&self, change: impl FnOnce(&mut Inner)) {
        let mut inner = self.inner.lock();
        change(&mut inner);
        let reader = inner.reader.take();
        drop(inner);
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    fn poll_found(&self, context: &mut Context<'_>) -> Poll<Found> {
        let mut inner = self.inner.lock();
        if inner.catch_up && inner.end.is_none() {
            // All that is queued is in the log. What comes from now on is queued while the log is read.
            inner.catch_up = false;
            inner.queue.clear();
            return Poll::Ready(Found::CatchUp);
        }
        let moment = if !inner.queue.is_empty() {
            Moment::Notifications(std::mem::take(&mut inner.queue).into())
        } else if let Some(end) = inner.end {
            Moment::End(end)
        } else if let Some(count) = inner.unread.take() {
            Moment::Unread(count)
        } else if inner.heartbeat {
            Moment::Heartbeat
        } else {
            inner.reader = Some(context.waker().clone());
            return Poll::Pending;
        };
        inner.heartbeat = false;
        Poll::Ready(Found::Moment(moment))
    }
}

/// The reading end of a stream.
pub struct Stream {
    streams: Arc<Streams>,
    slot: Arc<StreamSlot>,
    log: Arc<dyn NotificationLog>,
    /// The last one that was given out, or where the client was.
    position: NotificationId,
    /// The log has not been read to its end.
    is_behind: bool,
}

impl Stream {
    /// A stream that goes on behind `position`. It has to be in `streams` already.
    pub fn new(
        streams: Arc<Streams>,
        slot: Arc<StreamSlot>,
        log: Arc<dyn NotificationLog>,
        position: NotificationId,
    ) -> Self {
        Self { streams, slot, log, position, is_behind: false }
    }

    /// The last notification that was given out, or where the client was.
    pub fn position(&self) -> NotificationId {
        self.position
    }

    /// Waits for what the client is told next. After [`Moment::End`] there is nothing more.
    pub async fn next(&mut self) -> Moment {
        loop {
            let found = if self.is_behind {
                Found::CatchUp
            } else {
                poll_fn(|context| self.slot.poll_found(context)).await
            };
            match found {
                Found::CatchUp => match self.read_log().await {
                    Ok(Some(moment)) => return moment,
                    Ok(None) => {}
                    Err(error) => {
                        tracing::warn!(%error, "an event stream could not be read from the log");
                        return Moment::End(End::Unavailable);
                    }
                },
                Found::Moment(Moment::Notifications(queued)) => {
                    let news = self.news(queued);
                    if !news.is_empty() {
                        return Moment::Notifications(news);
                    }
                }
                Found::Moment(moment) => return moment,
            }
        }
    }

    /// A page of what the log has behind the position; at its end the number of unread ones.
    async fn read_log(&mut self) -> Result<Option<Moment>, StorageError> {
        let reader = self.slot.identity.user;
        let page = self.log.after(reader, self.position, STREAM_REPLAY).await?;
        self.is_behind = page.len() >= usize::from(STREAM_REPLAY);
        if !self.is_behind {
            let count = self.log.unread_counts(&[reader]).await?.remove(&reader).unwrap_or(0);
            self.slot.show_unread_unless_known(count);
        }
        let news = self.news(page.into_iter().map(Arc::new).collect());
        Ok((!news.is_empty()).then_some(Moment::Notifications(news)))
    }

    /// Those that are above the position, which follows them.
    fn news(&mut self, mut notifications: Vec<Arc<Notification>>) -> Vec<Arc<Notification>> {
        notifications.retain(|notification| {
            let is_new = notification.id > self.position;
            self.position = self.position.max(notification.id);
            is_new
        });
        notifications
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.streams.remove(&self.slot);
    }
}
