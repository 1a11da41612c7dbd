//! [`Intake`]: the messages that have a place in their room and are not stored yet.
//!
//! Rooms push, the [`Writer`](super::Writer) peeks a batch, stores it and only then takes it out. So a writer that
//! dies in the middle loses nothing: its successor peeks the same batch again, and the log recognises what it
//! already has.

use super::WriterMessage;
use crate::address::Address;
use crate::room::Receipt;
use crate::wire::Refusal;
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tickroom_storage::message::Message;
use tickroom_storage::{MessageId, Offset, RoomName};
use tokio::time::Instant;

/// A message and those who hear when it is stored: its sender, and again if it was sent again.
pub(super) struct Entry {
    pub(super) message: Arc<Message>,
    pub(super) receipts: Vec<Receipt>,
    queued_at: Instant,
}

/// The queue in front of the message log. Bounded: a full one refuses with `overloaded`.
pub struct Intake {
    capacity: usize,
    /// The writer, when it runs.
    pub address: Address<WriterMessage>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    entries: VecDeque<Entry>,
    /// Set from the push that wakes the writer until it has seen the queue empty.
    awake: bool,
    /// Neither the log nor the spill file takes anything.
    refusing: bool,
    /// The last offset of each room that is in the spill file and may not be in the log.
    spilled: HashMap<RoomName, Offset>,
}

/// What is ready to be stored.
pub(super) enum Due {
    /// These, the oldest messages.
    Batch(Vec<Arc<Message>>),
    /// Fewer than a batch, and the oldest has not waited long enough: look again after this time.
    In(Duration),
    /// Nothing. The next push wakes the writer.
    Nothing,
}

impl Intake {
    /// An empty intake for this many messages.
    pub fn new(capacity: usize) -> Self {
        Self { capacity, address: Address::default(), inner: Mutex::default() }
    }

    /// Queues a message to be stored; the receipt hears of it. On refusal the receipt comes back.
    pub fn push(&self, message: Arc<Message>, receipt: Receipt) -> Result<(), (Refusal, Receipt)> {
        let mut inner = self.inner.lock();
        if inner.refusing {
            return Err((Refusal::StorageUnavailable, receipt));
        }
        if inner.entries.len() >= self.capacity {
            return Err((Refusal::Overloaded, receipt));
        }
        inner.entries.push_back(Entry { message, receipts: vec![receipt], queued_at: Instant::now() });
        if !std::mem::replace(&mut inner.awake, true) {
            drop(inner);
            // A writer that is down looks here when it starts.
            self.address.cast(WriterMessage::Wake);
        }
        Ok(())
    }

    /// Somebody sent a message again that has its place: the receipt hears when it is stored, now or later.
    pub fn acknowledge_repeat(&self, id: MessageId, offset: Offset, receipt: Receipt) {
        let mut inner = self.inner.lock();
        match inner.entries.iter_mut().rev().find(|entry| entry.message.id == id) {
            Some(entry) => entry.receipts.push(receipt),
            None => {
                drop(inner);
                receipt.acknowledge(id, offset, true);
            }
        }
    }

    /// A room's messages that are not stored yet, in order.
    pub fn unsaved(&self, room: &RoomName) -> Vec<Arc<Message>> {
        let inner = self.inner.lock();
        let of_room = inner.entries.iter().filter(|entry| entry.message.room == *room);
        of_room.map(|entry| Arc::clone(&entry.message)).collect()
    }

    /// The last offset of a room that waits in the spill file.
    pub fn spilled_tail(&self, room: &RoomName) -> Option<Offset> {
        self.inner.lock().spilled.get(room).copied()
    }

    /// Messages that wait.
    pub fn len(&self) -> usize {
        self.inner.lock().entries.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether messages are refused because nothing can store them.
    pub fn is_refusing(&self) -> bool {
        self.inner.lock().refusing
    }

    /// The next batch, if there are `max` messages or the oldest has waited for `linger`.
    pub(super) fn due(&self, max: usize, linger: Duration, now: Instant) -> Due {
        let mut inner = self.inner.lock();
        let Some(oldest) = inner.entries.front() else {
            inner.awake = false;
            return Due::Nothing;
        };
        let waited = now.saturating_duration_since(oldest.queued_at);
        if inner.entries.len() < max && waited < linger {
            return Due::In(linger.saturating_sub(waited));
        }
        Due::Batch(inner.entries.iter().take(max).map(|entry| Arc::clone(&entry.message)).collect())
    }

    /// Takes out the oldest messages, which are stored now.
    pub(super) fn take(&self, count: usize) -> Vec<Entry> {
        let mut inner = self.inner.lock();
        let count = count.min(inner.entries.len());
        inner.entries.drain(..count).collect()
    }

    pub(super) fn set_refusing(&self, refusing: bool) {
        self.inner.lock().refusing = refusing;
    }

    pub(crate) fn set_spilled(&self, tails: HashMap<RoomName, Offset>) {
        self.inner.lock().spilled = tails;
    }
}
