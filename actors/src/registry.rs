//! [`Registry`]: every open socket, by shard and by user.
//!
//! Plain shared state that outlives the actors: a [`Sessions`](crate::sessions::Sessions) shard that was restarted
//! finds here which sockets it is responsible for.

use crate::session::{Identity, SessionId, SessionSlot};
use dashmap::DashMap;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tickroom_storage::UserId;

type Shard = Mutex<HashMap<SessionId, Arc<SessionSlot>>>;

/// The open sockets.
pub struct Registry {
    shards: Box<[Shard]>,
    users: DashMap<UserId, Vec<Arc<SessionSlot>>>,
    count: AtomicUsize,
}

/// Why a socket was not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The server holds as many sockets as it may.
    #[error("the server has no room for another socket")]
    Full,
    /// The user does.
    #[error("too many sockets of one user")]
    TooManyOfUser,
    /// The server is about to restart.
    #[error("the server is shutting down")]
    ShuttingDown,
}

impl Registry {
    pub(crate) fn new(shards: usize) -> Self {
        Self {
            shards: (0..shards).map(|_| Shard::default()).collect(),
            users: DashMap::new(),
            count: AtomicUsize::new(0),
        }
    }

    /// Adds a socket unless that passes a limit. Exact: sockets that come at once are counted one by one.
    pub(crate) fn add(
        &self,
        slot: &Arc<SessionSlot>,
        max: usize,
        max_per_user: usize,
    ) -> Result<(), Refused> {
        if self.count.fetch_add(1, Ordering::SeqCst) >= max {
            self.count.fetch_sub(1, Ordering::SeqCst);
            return Err(Refused::Full);
        }
        if let Some(user) = slot.user()
            && !self.add_to(user, slot, max_per_user)
        {
            self.count.fetch_sub(1, Ordering::SeqCst);
            return Err(Refused::TooManyOfUser);
        }
        self.shard(slot.id).lock().insert(slot.id, Arc::clone(slot));
        Ok(())
    }

    /// Notes who is at the other end of a socket that was opened without saying so, or as somebody else.
    pub(crate) fn identify(
        &self,
        slot: &Arc<SessionSlot>,
        identity: Identity,
        max_per_user: usize,
    ) -> Result<(), Refused> {
        let (before, user) = (slot.user(), identity.user);
        if before != Some(user) && !self.add_to(user, slot, max_per_user) {
            return Err(Refused::TooManyOfUser);
        }
        slot.set_identity(identity);
        if let Some(before) = before.filter(|before| *before != user) {
            self.remove_from(before, slot);
        }
        // Gone in the meantime: whoever removed it may have looked before it was added.
        if !self.contains(slot.id) {
            self.remove_from(user, slot);
        }
        Ok(())
    }

    fn add_to(&self, user: UserId, slot: &Arc<SessionSlot>, max: usize) -> bool {
        let mut of_user = self.users.entry(user).or_default();
        if of_user.len() >= max {
            return false;
        }
        of_user.push(Arc::clone(slot));
        true
    }

    fn remove_from(&self, user: UserId, slot: &SessionSlot) {
        self.users.remove_if_mut(&user, |_, of_user| {
            of_user.retain(|other| other.id != slot.id);
            of_user.is_empty()
        });
    }

    /// Forgets a socket; `false` if it was not there.
    pub(crate) fn remove(&self, slot: &SessionSlot) -> bool {
        if self.shard(slot.id).lock().remove(&slot.id).is_none() {
            return false;
        }
        self.count.fetch_sub(1, Ordering::SeqCst);
        if let Some(user) = slot.user() {
            self.remove_from(user, slot);
        }
        true
    }

    /// Whether a socket is open.
    pub(crate) fn contains(&self, id: SessionId) -> bool {
        self.shard(id).lock().contains_key(&id)
    }

    /// An open socket.
    pub(crate) fn get(&self, id: SessionId) -> Option<Arc<SessionSlot>> {
        self.shard(id).lock().get(&id).cloned()
    }

    /// The sockets of one shard.
    pub(crate) fn of_shard(&self, shard: usize) -> Vec<Arc<SessionSlot>> {
        self.shards.get(shard).map(|shard| shard.lock().values().cloned().collect()).unwrap_or_default()
    }

    /// The sockets of one user.
    pub fn of_user(&self, user: UserId) -> Vec<Arc<SessionSlot>> {
        self.users.get(&user).map(|of_user| of_user.clone()).unwrap_or_default()
    }

    /// Whether this user has a socket open.
    pub(crate) fn has(&self, user: UserId) -> bool {
        self.users.contains_key(&user)
    }

    /// Every socket.
    pub(crate) fn all(&self) -> Vec<Arc<SessionSlot>> {
        (0..self.shards.len()).flat_map(|shard| self.of_shard(shard)).collect()
    }

    /// Which shard supervises a session.
    pub(crate) fn shard_of(&self, id: SessionId) -> usize {
        usize::try_from(id.0).unwrap_or(0) % self.shards.len().max(1)
    }

    /// Open sockets.
    pub fn len(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    /// Whether no socket is open.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "shard_of is a remainder of the length, and there is a shard"
    )]
    fn shard(&self, id: SessionId) -> &Shard {
        &self.shards[self.shard_of(id)]
    }
}
