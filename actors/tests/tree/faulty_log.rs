//! A message log in memory that fails on command.

use async_trait::async_trait;
use parking_lot::Mutex;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use tickroom_storage::message::{Appended, Message, MessageLog, PageBound, Sender};
use tickroom_storage::{MessageId, Offset, RoomName, StorageError, TimestampMs, UserId};

/// What an append does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Stores and says so.
    Up,
    /// Stores nothing and fails.
    Down,
    /// Stores everything and fails all the same: the answer was lost.
    Forgetful,
    /// Stores the first half and fails.
    Half,
    /// Does not answer until the mode changes.
    Hanging,
}

#[derive(Default)]
struct Inner {
    messages: BTreeMap<(RoomName, u64), Arc<Message>>,
    /// Modes of the next appends, then `steady`.
    script: VecDeque<Mode>,
    steady: Option<Mode>,
    batches: Vec<usize>,
}

#[derive(Default)]
pub(crate) struct FaultyLog(Mutex<Inner>);

impl FaultyLog {
    /// The mode of all appends from now on.
    pub(crate) fn set(&self, mode: Mode) {
        let mut inner = self.0.lock();
        inner.script.clear();
        inner.steady = Some(mode);
    }

    /// The modes of the next appends.
    pub(crate) fn script(&self, modes: impl IntoIterator<Item = Mode>) {
        self.0.lock().script.extend(modes);
    }

    /// Everything stored for a room, by offset.
    pub(crate) fn contents(&self, room: &str) -> Vec<Arc<Message>> {
        let inner = self.0.lock();
        inner.messages.values().filter(|message| message.room.as_str() == room).cloned().collect()
    }

    /// Sizes of the appends that were tried.
    pub(crate) fn batches(&self) -> Vec<usize> {
        self.0.lock().batches.clone()
    }

    /// Puts so many messages into a room where nothing was said.
    pub(crate) fn fill(&self, room: &str, messages: u64) {
        for offset in 1..=messages {
            let sender = Sender { id: UserId::new(1), name: "ann".into(), profile_url: None };
            self.insert(Message {
                id: MessageId::new(i64::try_from(offset).unwrap()),
                room: room.parse().unwrap(),
                offset: Offset::new(offset),
                sender,
                content: offset.to_string().into(),
                client_id: None,
                deletes: None,
                created_at: TimestampMs::now(),
            });
        }
    }

    /// Puts a message in, past the writer.
    pub(crate) fn insert(&self, message: Message) {
        self.0.lock().insert(&Arc::new(message)).unwrap();
    }
}

impl Inner {
    fn insert(&mut self, message: &Arc<Message>) -> Result<Appended, StorageError> {
        let place = (message.room.clone(), message.offset.get());
        if let Some(there) = self.messages.get(&place) {
            if there.id == message.id {
                return Ok(Appended::AlreadyStored);
            }
            return Err(StorageError::OffsetTaken { room: message.room.clone(), offset: message.offset });
        }
        let same = |there: &&Arc<Message>| {
            message.client_id.is_some()
                && there.client_id == message.client_id
                && there.sender.id == message.sender.id
                && there.room == message.room
        };
        if let Some(there) = self.messages.values().find(same) {
            return Ok(Appended::Duplicate { id: there.id, offset: there.offset });
        }
        self.messages.insert(place, Arc::clone(message));
        if let Some(deleted) = message.deletes
            && let Some(said) = self.messages.values_mut().find(|said| said.id == deleted)
        {
            *said = Arc::new(Message { content: Box::default(), ..Message::clone(said) });
        }
        Ok(Appended::Stored)
    }
}

fn down() -> StorageError {
    StorageError::Unavailable("the test took the log down".into())
}

#[async_trait]
impl MessageLog for FaultyLog {
    async fn append(&self, batch: &[Arc<Message>]) -> Result<Vec<Appended>, StorageError> {
        // An engine answers from elsewhere; a writer may be killed while it waits.
        tokio::task::yield_now().await;
        while self.0.lock().steady == Some(Mode::Hanging) {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let outcome = {
            let mut inner = self.0.lock();
            inner.batches.push(batch.len());
            let mode = inner.script.pop_front().or(inner.steady).unwrap_or(Mode::Up);
            let stored = match mode {
                Mode::Up | Mode::Forgetful => batch,
                Mode::Half => &batch[..batch.len() / 2],
                Mode::Down | Mode::Hanging => &[],
            };
            let outcomes: Result<Vec<_>, _> = stored.iter().map(|message| inner.insert(message)).collect();
            if mode == Mode::Up { outcomes } else { Err(down()) }
        };
        tokio::task::yield_now().await;
        outcome
    }

    async fn tail(&self, room: &RoomName) -> Result<Option<Offset>, StorageError> {
        Ok(self.contents(room.as_str()).last().map(|message| message.offset))
    }

    async fn page(
        &self,
        room: &RoomName,
        bound: PageBound,
        limit: u16,
    ) -> Result<Vec<Message>, StorageError> {
        if self.0.lock().steady == Some(Mode::Down) {
            return Err(down());
        }
        let all = self.contents(room.as_str());
        let page = match bound {
            PageBound::Latest => &all[all.len().saturating_sub(limit.into())..],
            PageBound::After(offset) => {
                let first = all.partition_point(|message| message.offset <= offset);
                &all[first..all.len().min(first + usize::from(limit))]
            }
            PageBound::Before(_) => unreachable!("nobody here reads backwards"),
        };
        Ok(page.iter().map(|message| (**message).clone()).collect())
    }

    async fn messages(
        &self,
        room: &RoomName,
        bound: PageBound,
        limit: u16,
    ) -> Result<Vec<Message>, StorageError> {
        let page = self.page(room, bound, limit).await?;
        Ok(page.into_iter().filter(|message| !message.content.is_empty()).collect())
    }

    async fn find(&self, room: &RoomName, id: MessageId) -> Result<Option<Message>, StorageError> {
        let page = self.messages(room, PageBound::After(Offset::ZERO), u16::MAX).await?;
        Ok(page.into_iter().find(|message| message.id == id))
    }

    async fn ping(&self) -> Result<(), StorageError> {
        if self.0.lock().steady == Some(Mode::Down) { Err(down()) } else { Ok(()) }
    }
}
