//! The message log in MongoDB, in one collection, `message`:
//!
//! ```text
//! {
//!   _id: Long("138…"),               // the message's id; a retry bears the same
//!   room: "KRW-BTC",
//!   offset: Long(7),                 // the place in the room, rising by one
//!   sender: { id: Long("92…"), name: "ann", profile_url: "/…" },   // the url only if there is one
//!   content: "hello",
//!   client_id: "my-1",               // what the sender calls it; only if she does
//!   deletes: Long("137…"),           // the message that this entry takes back, whose content is empty then; only if it does
//!   created_at: ISODate("…")
//! }
//! ```
//!
//! | index | keys | what for |
//! |---|---|---|
//! | `room_offset` | room, offset; unique | one message in a place, and pages in both directions |
//! | `client_id` | room, sender.id, client_id; unique among those that have a client id | sending twice stores once |
//! | `expiry` | created_at; `expireAfterSeconds` | only when messages are to expire |
//!
//! A batch is one unordered insert: MongoDB takes what is new and names what collides, document by document. What
//! collided is then looked up, all of it in one or two queries. MongoDB confirms an insert that found a duplicate like any
//! other (by the majority, unless the URL says otherwise), so that what is reported as stored before is as durable as what
//! is stored now.
//!
//! Messages are taken back after the insert. If that fails, the batch counts as not stored; when it is repeated its
//! messages are recognised, and what it takes back is emptied all the same.
//!
//! When all messages of a room have expired, the room counts from 1 again at its next start, under another epoch.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};
use mongodb::error::{Error, ErrorKind};
use mongodb::options::IndexOptions;
use mongodb::{Collection, IndexModel};
use tokio::sync::OnceCell;

use self::document::{ClientName, Known, Stored, name_of};
use super::{Appended, Message, MessageLog, PageBound, Place, deleted, recognise};
use crate::engine::{Mongo, in_time};
use crate::limits::MONGODB_CLAUSES_MAX;
use crate::{MessageId, Offset, RoomName, StorageError};

mod document;

const COLLECTION: &str = "message";

/// The name of the index that lets messages expire.
const EXPIRY: &str = "expiry";

/// The codes of MongoDB that mean something here (`error_codes.yml`).
mod code {
    pub(super) const BAD_VALUE: i32 = 2;
    pub(super) const NAMESPACE_NOT_FOUND: i32 = 26;
    pub(super) const INDEX_NOT_FOUND: i32 = 27;
    pub(super) const INDEX_OPTIONS_CONFLICT: i32 = 85;
    pub(super) const INDEX_KEY_SPECS_CONFLICT: i32 = 86;
    pub(super) const DOCUMENT_VALIDATION_FAILURE: i32 = 121;
    pub(super) const BSON_OBJECT_TOO_LARGE: i32 = 10_334;
    pub(super) const DUPLICATE_KEY: i32 = 11_000;
}

/// The message log in MongoDB.
#[derive(Clone, Debug)]
pub struct MongoMessageLog {
    mongo: Mongo,
    /// After this time messages may go.
    ttl: Option<Duration>,
    /// Whether the indexes are there. Without them nothing would be recognised, so nothing is stored before.
    prepared: Arc<OnceCell<()>>,
}

impl MongoMessageLog {
    /// The log in the database of this URL, which need not answer yet. With a `ttl`, MongoDB deletes messages that are
    /// older, within a minute or so.
    ///
    /// # Errors
    ///
    /// `Invalid` for a URL that makes no sense.
    pub async fn connect(url: &str, ttl: Option<Duration>) -> Result<Self, StorageError> {
        Ok(Self { mongo: Mongo::connect(url).await?, ttl, prepared: Arc::default() })
    }

    /// Makes the indexes. The first append does so by itself; who calls this before learns whether it works.
    ///
    /// # Errors
    ///
    /// `Unavailable` when MongoDB does not answer; others when it does, and a human has to look.
    pub async fn prepare(&self) -> Result<(), StorageError> {
        self.prepared.get_or_try_init(|| self.make_indexes()).await.copied()
    }

    fn collection<T: Send + Sync>(&self) -> Collection<T> {
        self.mongo.database().collection(COLLECTION)
    }

    async fn make_indexes(&self) -> Result<(), StorageError> {
        let client_id = doc! { "client_id": { "$exists": true } };
        let indexes = [
            index("room_offset", doc! { "room": 1, "offset": 1 }, unique(None)),
            index("client_id", doc! { "room": 1, "sender.id": 1, "client_id": 1 }, unique(Some(client_id))),
        ];
        in_time(self.collection::<Document>().create_indexes(indexes).into_future()).await?;
        match self.ttl {
            Some(ttl) => self.expire_after(ttl).await,
            None => self.keep_for_ever().await,
        }
    }

    async fn expire_after(&self, ttl: Duration) -> Result<(), StorageError> {
        let options = IndexOptions::builder().expire_after(ttl).build();
        let expiry = index(EXPIRY, doc! { "created_at": 1 }, options);
        let made = in_time(self.collection::<Document>().create_index(expiry).into_future()).await;
        match made {
            Ok(_) => Ok(()),
            // There is one with another time.
            Err(error)
                if is_command(&error, &[code::INDEX_OPTIONS_CONFLICT, code::INDEX_KEY_SPECS_CONFLICT]) =>
            {
                let seconds = i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX);
                let change = doc! { "name": EXPIRY, "expireAfterSeconds": seconds };
                let command = doc! { "collMod": COLLECTION, "index": change };
                in_time(self.mongo.database().run_command(command).into_future()).await?;
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn keep_for_ever(&self) -> Result<(), StorageError> {
        match in_time(self.collection::<Document>().drop_index(EXPIRY).into_future()).await {
            Err(error) if !is_command(&error, &[code::NAMESPACE_NOT_FOUND, code::INDEX_NOT_FOUND]) => {
                Err(error.into())
            }
            _ => Ok(()),
        }
    }

    /// What became of messages that MongoDB did not take because something is in their place.
    async fn explain(&self, refused: &[&Message]) -> Result<Vec<Appended>, StorageError> {
        let places = self.places(refused).await?;
        let unknown: Vec<&Message> =
            refused.iter().copied().filter(|message| !places.contains_key(&message.id)).collect();
        let rivals = self.rivals(&unknown).await?;
        let outcome = |message: &&Message| match (places.get(&message.id), rivals.get(&name_of(message))) {
            (Some(place), _) => recognise(message, place),
            (None, Some(&(id, offset))) => Ok(Appended::Duplicate { id, offset }),
            (None, None) => {
                Err(StorageError::OffsetTaken { room: message.room.clone(), offset: message.offset })
            }
        };
        refused.iter().map(outcome).collect()
    }

    /// Where those of these messages are that are stored.
    async fn places(&self, messages: &[&Message]) -> Result<HashMap<MessageId, Place>, StorageError> {
        let ids: Vec<i64> = messages.iter().map(|message| message.id.get()).collect();
        let found: Vec<Known> = self.known(doc! { "_id": { "$in": ids } }).await?;
        let place = |known: Known| (known.id(), (known.room.clone(), known.offset(), known.sender()));
        Ok(found.into_iter().map(place).collect())
    }

    /// The stored messages that bear the client ids of these.
    async fn rivals(
        &self,
        messages: &[&Message],
    ) -> Result<HashMap<ClientName, (MessageId, Offset)>, StorageError> {
        let clause = |message: &&Message| {
            let client_id = message.client_id.as_ref()?.as_str();
            Some(
                doc! { "room": message.room.as_str(), "sender.id": message.sender.id.get(), "client_id": client_id },
            )
        };
        let clauses: Vec<Document> = messages.iter().filter_map(clause).collect();
        let mut rivals = HashMap::new();
        for some in clauses.chunks(MONGODB_CLAUSES_MAX) {
            let found = self.known(doc! { "$or": some }).await?;
            rivals.extend(found.into_iter().map(|known| (known.name(), (known.id(), known.offset()))));
        }
        Ok(rivals)
    }

    /// Takes the words out of what this batch takes back.
    async fn redact(&self, batch: &[Arc<Message>]) -> Result<(), StorageError> {
        let ids: Vec<i64> = deleted(batch).into_iter().map(MessageId::get).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let (which, empty) = (doc! { "_id": { "$in": ids } }, doc! { "$set": { "content": "" } });
        in_time(self.collection::<Document>().update_many(which, empty).into_future()).await?;
        Ok(())
    }

    /// A page of what matches, and stands in this room.
    async fn read(
        &self,
        mut filter: Document,
        room: &RoomName,
        bound: PageBound,
        limit: u16,
    ) -> Result<Vec<Message>, StorageError> {
        // MongoDB takes no limit at all for none of it.
        if limit == 0 {
            return Ok(Vec::new());
        }
        filter.insert("room", room.as_str());
        let direction = match bound {
            PageBound::Latest => -1,
            PageBound::Before(offset) => {
                filter.insert("offset", doc! { "$lt": offset.to_bigint() });
                -1
            }
            PageBound::After(offset) => {
                filter.insert("offset", doc! { "$gt": offset.to_bigint() });
                1
            }
        };
        let collection = self.collection::<Stored<'static>>();
        let find = collection.find(filter).sort(doc! { "offset": direction });
        let find = find.limit(limit.into()).batch_size(limit.into());
        let found: Vec<Stored<'static>> = in_time(async { find.await?.try_collect().await }).await?;
        let mut messages = found.into_iter().map(Message::try_from).collect::<Result<Vec<_>, _>>()?;
        if direction < 0 {
            messages.reverse();
        }
        Ok(messages)
    }

    async fn known(&self, filter: Document) -> Result<Vec<Known>, StorageError> {
        let parts = doc! { "room": 1, "offset": 1, "sender.id": 1, "client_id": 1 };
        let collection = self.collection::<Known>();
        Ok(in_time(async { collection.find(filter).projection(parts).await?.try_collect().await }).await?)
    }
}

#[async_trait]
impl MessageLog for MongoMessageLog {
    async fn append(&self, batch: &[Arc<Message>]) -> Result<Vec<Appended>, StorageError> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        self.prepare().await?;
        let collection = self.collection::<Stored<'_>>();
        let insert = collection.insert_many(batch.iter().map(|message| Stored::from(&**message)));
        let mut outcomes = vec![Appended::Stored; batch.len()];
        if let Err(error) = in_time(insert.ordered(false).into_future()).await {
            let indexes = collisions(error)?;
            let refused: Vec<&Message> =
                indexes.iter().filter_map(|index| batch.get(*index)).map(|m| &**m).collect();
            for (index, outcome) in indexes.into_iter().zip(self.explain(&refused).await?) {
                if let Some(place) = outcomes.get_mut(index) {
                    *place = outcome;
                }
            }
        }
        self.redact(batch).await?;
        Ok(outcomes)
    }

    async fn tail(&self, room: &RoomName) -> Result<Option<Offset>, StorageError> {
        Ok(self.page(room, PageBound::Latest, 1).await?.last().map(|message| message.offset))
    }

    async fn page(
        &self,
        room: &RoomName,
        bound: PageBound,
        limit: u16,
    ) -> Result<Vec<Message>, StorageError> {
        self.read(Document::new(), room, bound, limit).await
    }

    async fn messages(
        &self,
        room: &RoomName,
        bound: PageBound,
        limit: u16,
    ) -> Result<Vec<Message>, StorageError> {
        self.read(said(), room, bound, limit).await
    }

    async fn find(&self, room: &RoomName, id: MessageId) -> Result<Option<Message>, StorageError> {
        let mut filter = said();
        filter.insert("_id", id.get());
        filter.insert("room", room.as_str());
        let found = in_time(self.collection::<Stored<'static>>().find_one(filter).into_future()).await?;
        found.map(Message::try_from).transpose()
    }

    async fn ping(&self) -> Result<(), StorageError> {
        let ping = self.mongo.database().run_command(doc! { "ping": 1 });
        Ok(in_time(ping.into_future()).await.map(|_| ())?)
    }
}

/// What was said and not taken back.
fn said() -> Document {
    doc! { "content": { "$ne": "" } }
}

fn index(name: &str, keys: Document, mut options: IndexOptions) -> IndexModel {
    options.name = Some(name.to_owned());
    IndexModel::builder().keys(keys).options(options).build()
}

fn unique(among: Option<Document>) -> IndexOptions {
    IndexOptions::builder().unique(true).partial_filter_expression(among).build()
}

fn is_command(error: &Error, codes: &[i32]) -> bool {
    matches!(&*error.kind, ErrorKind::Command(command) if codes.contains(&command.code))
}

/// Which documents of an insert collided, when that is all that went wrong.
fn collisions(error: Error) -> Result<Vec<usize>, StorageError> {
    let ErrorKind::InsertMany(insert) = &*error.kind else {
        return Err(error.into());
    };
    // Whether they were stored for good is open then, also for those that did not collide.
    if insert.write_concern_error.is_some() {
        return Err(error.into());
    }
    let errors = insert.write_errors.as_deref().unwrap_or_default();
    match errors.iter().find(|error| error.code != code::DUPLICATE_KEY) {
        None => Ok(errors.iter().map(|error| error.index).collect()),
        Some(other) if is_about_the_document(other.code) => {
            Err(StorageError::Invalid(format!("MongoDB takes no such document (code {})", other.code)))
        }
        Some(_) => Err(error.into()),
    }
}

/// Whether this document will never be taken.
fn is_about_the_document(found: i32) -> bool {
    matches!(found, code::BAD_VALUE | code::DOCUMENT_VALIDATION_FAILURE | code::BSON_OBJECT_TOO_LARGE)
}
