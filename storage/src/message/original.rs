//! The messages of the system that Tickroom replaces, as its MongoDB has them.
//!
//! They are in `chat_app.messages` and have `chatRoomName`, `senderName`, `senderProfileUrl`, `content` and `createdAt`,
//! either at the top or, where its bulk insert wrapped them, in a subdocument `document`. There is no id of the sender.

use futures_util::TryStreamExt;
use mongodb::Cursor;
use mongodb::bson::{Bson, Document, doc};

use crate::engine::{Mongo, in_time};
use crate::limits::{IMPORT_CONTENT_CHARS_MAX, IMPORT_NAME_CHARS_MAX, IMPORT_URL_BYTES_MAX};
use crate::{ClientMessageId, RoomName, StorageError, TimestampMs};

/// The original's database, when the URL names no other.
const DATABASE: &str = "chat_app";
const COLLECTION: &str = "messages";

/// What every imported message's client id begins with; the original's id follows.
pub(super) const PREFIX: &str = "original-";

/// All of them, in the order in which they were stored.
#[derive(Debug)]
pub struct OriginalMessages(Cursor<Document>);

/// One document of the collection.
#[derive(Debug)]
pub struct Found {
    /// The original's id, as text.
    pub id: String,
    /// The message, or why it is none for us.
    pub message: Result<OriginalMessage, Unfit>,
}

/// A message, as far as the original knew it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginalMessage {
    /// Made of the original's id, so that importing twice stores once.
    pub client_id: ClientMessageId,
    /// Where it was said.
    pub room: RoomName,
    /// What its sender was called.
    pub sender_name: Box<str>,
    /// The sender's picture, if it is on the web. The original's own files are not here.
    pub profile_url: Option<Box<str>>,
    /// The words.
    pub content: Box<str>,
    /// When it was stored.
    pub created_at: TimestampMs,
}

/// Why a document is no message for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Unfit {
    /// `_id` is neither an ObjectId nor a short text nor a number.
    #[error("the id has no short text")]
    Id,
    /// `chatRoomName` is missing, or rooms cannot be called so here.
    #[error("the room has no name such as KRW-BTC")]
    Room,
    /// `senderName` is missing, empty or too long.
    #[error("the sender has no name, or one of more than {IMPORT_NAME_CHARS_MAX} characters")]
    Sender,
    /// `content` is missing or empty.
    #[error("nothing was said")]
    Empty,
    /// `content` is longer than rooms take it.
    #[error("it has more than {IMPORT_CONTENT_CHARS_MAX} characters")]
    Long,
    /// Neither `createdAt` nor the id has a time.
    #[error("it has no time")]
    Time,
}

impl OriginalMessages {
    /// Begins to read the collection in the database of this URL.
    ///
    /// # Errors
    ///
    /// `Invalid` for a URL that makes no sense, `Unavailable` when it does not answer.
    pub async fn open(url: &str) -> Result<Self, StorageError> {
        let mongo = Mongo::connect_or(url, DATABASE).await?;
        let collection = mongo.database().collection(COLLECTION);
        Ok(Self(in_time(collection.find(doc! {}).sort(doc! { "_id": 1 }).into_future()).await?))
    }

    /// The next ones, up to `limit`; none at the end.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn next(&mut self, limit: usize) -> Result<Vec<Found>, StorageError> {
        let mut found = Vec::new();
        while found.len() < limit {
            match in_time(self.0.try_next()).await? {
                Some(document) => found.push(read(&document)),
                None => break,
            }
        }
        Ok(found)
    }
}

fn read(document: &Document) -> Found {
    let id = document.get("_id").map(text_of).unwrap_or_default();
    Found { message: message(document, &id), id }
}

fn message(document: &Document, id: &str) -> Result<OriginalMessage, Unfit> {
    let inner = document.get_document("document").unwrap_or(document);
    let text = |key: &str| inner.get_str(key).unwrap_or_default().trim();
    let (sender_name, content, url) = (text("senderName"), text("content"), text("senderProfileUrl"));
    let created_at = time(inner, document.get("_id"));
    let is_on_the_web = ["https://", "http://"].iter().any(|scheme| url.starts_with(scheme));
    let is_usable = is_on_the_web && url.len() <= IMPORT_URL_BYTES_MAX;
    match (sender_name.chars().count(), content.chars().count()) {
        (0, _) => Err(Unfit::Sender),
        (name, _) if name > IMPORT_NAME_CHARS_MAX => Err(Unfit::Sender),
        (_, 0) => Err(Unfit::Empty),
        (_, content) if content > IMPORT_CONTENT_CHARS_MAX => Err(Unfit::Long),
        _ => Ok(OriginalMessage {
            client_id: format!("{PREFIX}{id}").parse().ok().filter(|_| !id.is_empty()).ok_or(Unfit::Id)?,
            room: text("chatRoomName").parse().map_err(|_| Unfit::Room)?,
            sender_name: sender_name.into(),
            profile_url: is_usable.then(|| url.into()),
            content: content.into(),
            created_at: created_at.ok_or(Unfit::Time)?,
        }),
    }
}

/// When it was created, else when its id was made.
fn time(inner: &Document, id: Option<&Bson>) -> Option<TimestampMs> {
    let time = match (inner.get("createdAt"), id) {
        (Some(Bson::DateTime(time)), _) => *time,
        (_, Some(Bson::ObjectId(id))) => id.timestamp(),
        _ => return None,
    };
    Some(TimestampMs::new(time.timestamp_millis()))
}

fn text_of(id: &Bson) -> String {
    match id {
        Bson::ObjectId(id) => id.to_hex(),
        Bson::String(text) => text.clone(),
        Bson::Int32(number) => number.to_string(),
        Bson::Int64(number) => number.to_string(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use mongodb::bson::DateTime;
    use mongodb::bson::oid::ObjectId;

    use super::*;

    fn original() -> Document {
        doc! {
            "chatRoomName": "KRW-BTC",
            "senderName": " 김철수 ",
            "senderProfileUrl": "https://example.com/a.png",
            "content": "가즈아",
            "createdAt": DateTime::from_millis(1_714_555_800_000),
        }
    }

    fn with_id(mut document: Document) -> Document {
        document.insert("_id", ObjectId::parse_str("663203d8c2b1f4a5d6e7f801").unwrap());
        document
    }

    fn changed(key: &str, value: impl Into<Bson>) -> Document {
        let mut document = with_id(original());
        document.insert(key, value);
        document
    }

    #[test]
    fn defect_56_a_message_is_found_whether_or_not_it_was_wrapped() {
        let flat = read(&with_id(original())).message.unwrap();
        let wrapped = doc! { "document": original(), "_class": "com.mongodb.client.model.InsertOneModel" };
        assert_eq!(read(&with_id(wrapped)).message.unwrap(), flat);
        assert_eq!(flat.client_id.as_str(), "original-663203d8c2b1f4a5d6e7f801");
        assert_eq!((&*flat.sender_name, &*flat.content), ("김철수", "가즈아"));
        assert_eq!(flat.created_at, TimestampMs::new(1_714_555_800_000));
        assert_eq!(flat.profile_url.as_deref(), Some("https://example.com/a.png"));
    }

    #[test]
    fn what_is_missing_or_unfit_is_told() {
        let unfit = |document: Document| read(&document).message.unwrap_err();
        for room in [Bson::Null, "비트코인".into(), "krw-btc".into(), 5.into()] {
            assert_eq!(unfit(changed("chatRoomName", room)), Unfit::Room);
        }
        for name in [Bson::Null, " ".into(), "x".repeat(256).into()] {
            assert_eq!(unfit(changed("senderName", name)), Unfit::Sender);
        }
        assert_eq!(unfit(changed("content", "\n")), Unfit::Empty);
        assert_eq!(unfit(changed("content", "가".repeat(2_001))), Unfit::Long);
        for id in [Bson::Null, "가".into(), "x".repeat(60).into()] {
            assert_eq!(unfit(changed("_id", id)), Unfit::Id);
        }
        let mut timeless = changed("_id", "1");
        timeless.remove("createdAt");
        assert_eq!(unfit(timeless), Unfit::Time);
        assert_eq!(unfit(doc! {}), Unfit::Sender);
    }

    #[test]
    fn a_message_without_a_time_has_that_of_its_id() {
        let message = read(&changed("createdAt", Bson::Null)).message.unwrap();
        assert_eq!(message.created_at, TimestampMs::new(0x6632_03d8 * 1_000));
    }

    #[test]
    fn only_pictures_on_the_web_are_kept() {
        let long = format!("https://{}", "x".repeat(3_000));
        for url in ["1714555800000_me.png", "javascript:alert(1)", "", &long] {
            assert_eq!(read(&changed("senderProfileUrl", url)).message.unwrap().profile_url, None, "{url}");
        }
    }
}
