//! [`Streams`]: every open event stream, by user, and when to look after it next.
//!
//! Plain shared state that outlives the notifier: one that was restarted finds here whom it serves.

use super::{End, StreamId, StreamSlot};
use crate::metrics::{STREAM_ENDS, STREAMS};
use crate::registry::Refused;
use crate::session::Identity;
use dashmap::DashMap;
use metrics::{counter, gauge};
use parking_lot::Mutex;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tickroom_storage::{FamilyId, UserId};

/// What is due on one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Heartbeat,
    Expiry,
}

/// The open streams.
#[derive(Default)]
pub struct Streams {
    users: DashMap<UserId, Vec<Arc<StreamSlot>>>,
    by_id: Mutex<HashMap<StreamId, Arc<StreamSlot>>>,
    /// In milliseconds of the tree's clock. Entries of streams that are gone stay until they find nobody.
    deadlines: Mutex<BTreeSet<(u64, StreamId, Due)>>,
    count: AtomicUsize,
    next: AtomicU64,
}

/// What a new stream has to keep to.
pub struct Terms {
    /// Open streams at most.
    pub max: usize,
    /// Open streams of one user at most.
    pub max_per_user: usize,
    /// The tree's clock.
    pub now_ms: u64,
    /// How long until the identity runs out.
    pub expires_in_ms: u64,
    /// Pause between heartbeats, more or less.
    pub heartbeat: Duration,
}

impl Streams {
    /// Adds a stream unless that passes a limit. Exact: streams that come at once are counted one by one.
    ///
    /// # Errors
    ///
    /// When the server or the user has too many already.
    pub fn open(&self, identity: Identity, terms: &Terms) -> Result<Arc<StreamSlot>, Refused> {
        if self.count.fetch_add(1, Ordering::SeqCst) >= terms.max {
            self.count.fetch_sub(1, Ordering::SeqCst);
            return Err(Refused::Full);
        }
        let id = StreamId(self.next.fetch_add(1, Ordering::Relaxed));
        let slot = Arc::new(StreamSlot::new(id, identity));
        {
            let mut of_user = self.users.entry(slot.identity.user).or_default();
            if of_user.len() >= terms.max_per_user {
                self.count.fetch_sub(1, Ordering::SeqCst);
                return Err(Refused::TooManyOfUser);
            }
            of_user.push(Arc::clone(&slot));
        }
        self.by_id.lock().insert(id, Arc::clone(&slot));
        self.deadlines.lock().extend([
            (terms.now_ms + spread(terms.heartbeat), id, Due::Heartbeat),
            (terms.now_ms + terms.expires_in_ms, id, Due::Expiry),
        ]);
        self.show();
        Ok(slot)
    }

    /// Forgets a stream. Twice is once.
    pub(super) fn remove(&self, slot: &StreamSlot) {
        if self.by_id.lock().remove(&slot.id).is_none() {
            return;
        }
        self.count.fetch_sub(1, Ordering::SeqCst);
        self.users.remove_if_mut(&slot.identity.user, |_, of_user| {
            of_user.retain(|other| other.id != slot.id);
            of_user.is_empty()
        });
        self.show();
    }

    /// Whether this user has a page open.
    pub(crate) fn has(&self, user: UserId) -> bool {
        self.users.contains_key(&user)
    }

    /// The streams of one user.
    pub fn of_user(&self, user: UserId) -> Vec<Arc<StreamSlot>> {
        self.users.get(&user).map(|of_user| of_user.clone()).unwrap_or_default()
    }

    /// Open streams.
    pub fn len(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    /// Whether no stream is open.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Something may have been missed by anybody.
    pub(crate) fn catch_up(&self) {
        self.all().iter().for_each(|slot| slot.catch_up());
    }

    /// A login ended, and the streams that it vouched for.
    pub(crate) fn log_out(&self, user: UserId, family: FamilyId) {
        for slot in self.of_user(user).iter().filter(|slot| slot.identity.family == Some(family)) {
            slot.end(End::LoggedOut);
        }
    }

    /// The server restarts: each is told another time to come back, so that not all come at once.
    pub(crate) fn shut_down(&self, mut retry_after: impl FnMut() -> Duration) {
        self.all().iter().for_each(|slot| slot.end(End::Shutdown(retry_after())));
    }

    /// Does what is due.
    pub(crate) fn tick(&self, now_ms: u64, heartbeat: Duration) {
        let mut deadlines = self.deadlines.lock();
        let later = deadlines.split_off(&(now_ms + 1, StreamId(0), Due::Heartbeat));
        let due = std::mem::replace(&mut *deadlines, later);
        for (_, id, due) in due {
            let Some(slot) = self.by_id.lock().get(&id).cloned() else { continue };
            match due {
                Due::Heartbeat => {
                    slot.heartbeat();
                    deadlines.insert((now_ms + spread(heartbeat), id, Due::Heartbeat));
                }
                Due::Expiry => slot.end(End::Expired),
            }
        }
    }

    fn all(&self) -> Vec<Arc<StreamSlot>> {
        self.by_id.lock().values().cloned().collect()
    }

    fn show(&self) {
        gauge!(STREAMS).set(f64::from(u32::try_from(self.len()).unwrap_or(u32::MAX)));
    }
}

/// Counts a stream that the server ended.
pub fn count_end(end: End) {
    counter!(STREAM_ENDS, "reason" => end.reason()).increment(1);
}

/// Somewhere between 80 and 120 percent, in milliseconds.
fn spread(duration: Duration) -> u64 {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX / 2);
    millis / 5 * 4 + fastrand::u64(0..=millis / 5 * 2)
}
