//! Puts messages of the original into the log, once each, however often it is told.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use super::original::{Found, OriginalMessage, PREFIX, Unfit};
use super::{Message, MessageLog, PageBound, Sender};
use crate::limits::{IMPORT_EXAMPLES, IMPORT_PAGE};
use crate::{ClientMessageId, IdGenerator, Offset, RoomName, StorageError, UserId};

/// Who said what was imported: the original kept names only, and whoever has the name today may be somebody else.
pub(super) const NOBODY: UserId = UserId::new(0);

/// An import under way.
pub struct Import<'a> {
    log: &'a dyn MessageLog,
    ids: IdGenerator,
    dry_run: bool,
    rooms: HashMap<RoomName, Places>,
    report: Report,
}

/// What an import did, for people to read.
#[derive(Debug, Default)]
pub struct Report {
    /// Documents of the original.
    pub read: u64,
    /// Messages that were stored, or would be, by room.
    pub stored: BTreeMap<RoomName, u64>,
    /// Messages that an earlier import had stored.
    pub known: u64,
    /// Documents that are no messages for us.
    pub skipped: BTreeMap<Unfit, Skipped>,
    dry_run: bool,
}

/// Documents that were skipped for one reason.
#[derive(Debug, Default)]
pub struct Skipped {
    /// How many.
    pub count: u64,
    /// Ids of the first.
    pub examples: Vec<String>,
}

impl<'a> Import<'a> {
    /// An import into this log. A dry run reads everything and stores nothing.
    pub fn new(log: &'a dyn MessageLog, dry_run: bool) -> Self {
        let report = Report { dry_run, ..Report::default() };
        Self { log, ids: IdGenerator::new(), dry_run, rooms: HashMap::new(), report }
    }

    /// Stores these, of which some may be stored.
    ///
    /// # Errors
    ///
    /// Only the engine's. What was stored is recognised by the next import.
    pub async fn take(&mut self, found: Vec<Found>) -> Result<(), StorageError> {
        let mut batch = Vec::with_capacity(found.len());
        for Found { id, message } in found {
            self.report.read += 1;
            match message {
                Ok(message) => batch.extend(self.place(message).await?.map(Arc::new)),
                Err(unfit) => self.report.skip(unfit, id),
            }
        }
        if !self.dry_run {
            self.log.append(&batch).await?;
        }
        for message in batch {
            *self.report.stored.entry(message.room.clone()).or_default() += 1;
        }
        Ok(())
    }

    /// The rooms that the original has messages of.
    pub fn rooms(&self) -> Vec<RoomName> {
        self.rooms.keys().cloned().collect()
    }

    /// What was done.
    pub fn finish(self) -> Report {
        self.report
    }

    /// The message in its place; `None` if the log has it.
    async fn place(&mut self, original: OriginalMessage) -> Result<Option<Message>, StorageError> {
        let OriginalMessage { client_id, room, sender_name, profile_url, content, created_at } = original;
        if !self.rooms.contains_key(&room) {
            self.rooms.insert(room.clone(), Places::read(self.log, &room).await?);
        }
        let Some(offset) = self.rooms.get_mut(&room).and_then(|places| places.next_for(&client_id)) else {
            self.report.known += 1;
            return Ok(None);
        };
        let sender =
            Sender { id: NOBODY, name: sender_name.into(), profile_url: profile_url.map(Into::into) };
        let client_id = Some(client_id);
        Ok(Some(Message {
            id: self.ids.next(),
            room,
            offset,
            sender,
            content,
            client_id,
            deletes: None,
            created_at,
        }))
    }
}

/// The places of a room that are taken, and by which messages of the original.
struct Places {
    imported: HashMap<ClientMessageId, Offset>,
    taken: HashSet<Offset>,
    tail: Offset,
    /// Where the next message would have been put by an import that was not interrupted.
    next: Offset,
}

impl Places {
    async fn read(log: &dyn MessageLog, room: &RoomName) -> Result<Self, StorageError> {
        let next = Offset::ZERO.next();
        let mut places = Self { imported: HashMap::new(), taken: HashSet::new(), tail: Offset::ZERO, next };
        loop {
            let page = log.page(room, PageBound::After(places.tail), IMPORT_PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(places);
            };
            places.tail = last.offset;
            for Message { offset, sender, client_id, .. } in page {
                places.taken.insert(offset);
                if let Some(id) =
                    client_id.filter(|id| sender.id == NOBODY && id.as_str().starts_with(PREFIX))
                {
                    places.imported.insert(id, offset);
                }
            }
        }
    }

    /// Where to put this message of the original; `None` if it is there. One that an interrupted import left out goes into
    /// the hole that it left, all others behind what the room has.
    fn next_for(&mut self, client_id: &ClientMessageId) -> Option<Offset> {
        if let Some(offset) = self.imported.get(client_id) {
            self.next = offset.next();
            return None;
        }
        if self.next > self.tail || self.taken.contains(&self.next) {
            self.next = self.tail.next();
            self.tail = self.next;
        }
        let offset = self.next;
        self.taken.insert(offset);
        self.imported.insert(client_id.clone(), offset);
        self.next = offset.next();
        Some(offset)
    }
}

impl Report {
    fn skip(&mut self, unfit: Unfit, id: String) {
        let skipped = self.skipped.entry(unfit).or_default();
        skipped.count += 1;
        if skipped.examples.len() < IMPORT_EXAMPLES {
            skipped.examples.push(id);
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: u64 = self.stored.values().sum();
        let done = if self.dry_run { "would be stored (dry run)" } else { "stored" };
        write!(f, "{} documents read: {all} {done}, {} were there", self.read, self.known)?;
        for (room, count) in &self.stored {
            write!(f, "\n  {room}: {count}")?;
        }
        for (unfit, Skipped { count, examples }) in &self.skipped {
            write!(f, "\n  skipped {count}, since {unfit}: {}", examples.join(", "))?;
            if usize::try_from(*count).is_ok_and(|count| count > examples.len()) {
                f.write_str(", …")?;
            }
        }
        Ok(())
    }
}
