//! [`Members`]: who listens to a room, and what each was given last.
//!
//! Part of the slot, so a room that dies does not lose its audience. Sessions leave by themselves; a room with a
//! long queue is not asked.

use super::Window;
use crate::session::{Reading, SessionId, SessionSlot};
use crate::wire::CloseCode;
use bytes::Bytes;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use tickroom_storage::Offset;

/// The members of one room.
#[derive(Default)]
pub struct Members {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Dense, because every delivery walks it.
    list: Vec<Member>,
    /// Where each session stands in the list.
    places: HashMap<SessionId, usize>,
}

struct Member {
    session: Arc<SessionSlot>,
    /// The last offset that was pushed to its outbox.
    delivered: Offset,
}

/// How the members keep up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Audience {
    pub(crate) members: usize,
    /// Those with more than half an outbox still to read.
    pub(crate) behind: usize,
}

impl Audience {
    /// Whether the room is too fast for its members, and not some members too slow for their room.
    pub(crate) const fn is_behind(self) -> bool {
        self.behind * 2 > self.members
    }
}

impl Members {
    /// Adds a session that was given everything up to `delivered`, unless its socket is gone already.
    pub(crate) fn add(&self, session: &Arc<SessionSlot>, delivered: Offset) {
        let mut inner = self.inner.lock();
        // Checked under the lock: whoever closes the session removes it under the same lock afterwards.
        if session.is_closed() || inner.places.contains_key(&session.id) {
            return;
        }
        let place = inner.list.len();
        inner.places.insert(session.id, place);
        inner.list.push(Member { session: Arc::clone(session), delivered });
    }

    /// Removes a session; nothing happens if it is not there.
    pub(crate) fn remove(&self, session: SessionId) {
        let mut inner = self.inner.lock();
        let Some(place) = inner.places.remove(&session) else {
            return;
        };
        inner.list.swap_remove(place);
        if let Some(moved) = inner.list.get(place).map(|member| member.session.id) {
            inner.places.insert(moved, place);
        }
    }

    /// Pushes one piece of frames, which ends at `tail`, to everybody.
    pub(crate) fn deliver(&self, frames: &Bytes, tail: Offset) -> Audience {
        let mut inner = self.inner.lock();
        let mut behind = 0;
        for member in &mut inner.list {
            behind += usize::from(member.session.outbox.push(frames.clone()) == Reading::Behind);
            member.delivered = tail;
        }
        Audience { members: inner.list.len(), behind }
    }

    /// How they keep up.
    pub(crate) fn audience(&self) -> Audience {
        let inner = self.inner.lock();
        let behind = inner.list.iter().filter(|member| member.session.outbox.reading() == Reading::Behind);
        Audience { members: inner.list.len(), behind: behind.count() }
    }

    /// After a restart: gives each member exactly what its room had not pushed to it when it died.
    pub(crate) fn catch_up(&self, window: &Window) {
        for member in &mut self.inner.lock().list {
            match window.since(member.delivered) {
                Some(frames) => member.session.outbox.push_replay(frames),
                None => member.session.outbox.close(CloseCode::INSUFFICIENT_STATE),
            }
            member.delivered = window.tail();
        }
    }

    /// Pushes a frame that has no place in the order.
    pub(crate) fn announce(&self, frame: &Bytes) {
        for member in &self.inner.lock().list {
            member.session.outbox.push(frame.clone());
        }
    }

    /// Ends every member's socket.
    pub(crate) fn close_all(&self, code: CloseCode) {
        for member in &self.inner.lock().list {
            member.session.outbox.close(code);
        }
    }

    /// Whether a session is a member.
    pub fn contains(&self, session: SessionId) -> bool {
        self.inner.lock().places.contains_key(&session)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.inner.lock().list.len()
    }

    /// Whether nobody listens.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
