//! The chat dialect of `GET /ws/chat`: plain JSON, one room per socket. `docs/protocol/chat.md` is its manual.
//!
//! Client: `{"type":"MESSAGE","content":"…","id":"…"}`; the optional `id` asks for an ack and makes a repeat
//! harmless; unknown keys are ignored, because old clients send `roomName` and `sender` too.
//! Server: `JOINED` first, and again should the room begin a new epoch; `MESSAGE` for every message; `ACK`, `ERROR`;
//! `DELETED` for one that was taken back; `MUTE` and `SLOW_MODE` for who may say something when; `NOTIFICATION` for what the user is told of; `SHUTDOWN` before the server ends the socket to restart.

use super::notification::Language;
use super::{Refusal, frame};
use crate::limits;
use crate::room::Position;
use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::time::Duration;
use tickroom_storage::message::Message;
use tickroom_storage::notification::{Notification, NotificationKind};
use tickroom_storage::{ClientMessageId, MessageId, NotificationId, Offset, RoomName, TimestampMs, UserId};

/// A message that a client wants said in its room.
#[derive(Debug, PartialEq, Eq)]
pub struct Say {
    /// What it says, checked.
    pub content: Box<str>,
    /// The client's own id for it, if it wants an ack.
    pub client_id: Option<ClientMessageId>,
}

#[derive(Deserialize)]
struct Inbound<'a> {
    #[serde(rename = "type", borrow)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    content: Option<Cow<'a, str>>,
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
}

const EXAMPLE: &str = r#"{"type":"MESSAGE","content":"hello","id":"1"}"#;

/// Reads a client's text. On refusal the client's message id comes along, if one could be read.
pub fn decode(text: &str) -> Result<Say, (Refusal, Option<ClientMessageId>)> {
    let inbound: Inbound<'_> = super::parse_object(text, EXAMPLE).map_err(|refusal| (refusal, None))?;
    let client_id = match inbound.id.as_deref().map(str::parse::<ClientMessageId>).transpose() {
        Ok(id) => id,
        Err(error) => return Err((Refusal::InvalidId(error.to_string()), None)),
    };
    match check(inbound.kind.as_deref(), inbound.content.as_deref()) {
        Ok(content) => Ok(Say { content: content.into(), client_id }),
        Err(refusal) => Err((refusal, client_id)),
    }
}

fn check<'a>(kind: Option<&str>, content: Option<&'a str>) -> Result<&'a str, Refusal> {
    let kind = kind.unwrap_or("MESSAGE");
    if kind != "MESSAGE" {
        return Err(Refusal::UnknownType(kind.chars().take(40).collect()));
    }
    let content = content.unwrap_or_default();
    if content.trim().is_empty() {
        return Err(Refusal::ContentEmpty);
    }
    let length = content.chars().count();
    if length > limits::CONTENT_CHARS {
        return Err(Refusal::ContentTooLong { length, limit: limits::CONTENT_CHARS });
    }
    match content.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        Some(control) => Err(Refusal::ContentControl(control)),
        None => Ok(content),
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "UPPERCASE", rename_all_fields = "camelCase")]
enum Outbound<'a> {
    Joined {
        room_name: &'a RoomName,
        epoch: &'a str,
        offset: Offset,
        #[serde(skip_serializing_if = "Option::is_none")]
        recovered: Option<bool>,
    },
    Message {
        room_name: &'a RoomName,
        sender: OutboundSender<'a>,
        content: &'a str,
        timestamp: i64,
        offset: Offset,
        id: MessageId,
    },
    Deleted {
        room_name: &'a RoomName,
        message_id: MessageId,
        offset: Offset,
        #[serde(skip_serializing_if = "Option::is_none")]
        by: Option<OutboundSender<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        timestamp: Option<i64>,
    },
    Mute {
        room_name: &'a RoomName,
        active: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<i64>,
    },
    #[serde(rename = "SLOW_MODE")]
    SlowMode {
        room_name: &'a RoomName,
        seconds: u64,
    },
    Ack {
        id: &'a ClientMessageId,
        message_id: MessageId,
        offset: Offset,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        duplicate: bool,
    },
    Error {
        code: &'a str,
        message: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a ClientMessageId>,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u128>,
    },
    Notification {
        id: NotificationId,
        kind: NotificationKind,
        actor: OutboundActor<'a>,
        text: String,
        link: String,
        timestamp: i64,
    },
    Shutdown {
        retry_after_ms: u128,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OutboundActor<'a> {
    id: UserId,
    name: Option<&'a str>,
    profile_url: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OutboundSender<'a> {
    id: UserId,
    name: &'a str,
    profile_url: Option<&'a str>,
}

/// Encodes frames; keeps its scratch buffer between messages.
#[derive(Default)]
pub struct Encoder {
    json: Vec<u8>,
}

impl Encoder {
    /// Appends the frame of one message to a batch, or of what is in the place of one that was taken back.
    pub fn put_message(&mut self, out: &mut BytesMut, message: &Message) {
        if message.content.is_empty() {
            return self.put(out, &gone(message));
        }
        let sender = &message.sender;
        self.put(
            out,
            &Outbound::Message {
                room_name: &message.room,
                sender: OutboundSender {
                    id: sender.id,
                    name: &sender.name,
                    profile_url: sender.profile_url.as_deref(),
                },
                content: &message.content,
                timestamp: message.created_at.as_millis(),
                offset: message.offset,
                id: message.id,
            },
        );
    }

    fn put(&mut self, out: &mut BytesMut, outbound: &Outbound<'_>) {
        self.json.clear();
        // Strings and numbers into memory: nothing here can fail.
        if serde_json::to_writer(&mut self.json, outbound).is_ok() {
            frame::put_text(out, &self.json);
        }
    }

    fn single(outbound: &Outbound<'_>) -> Bytes {
        let mut out = BytesMut::new();
        Self::default().put(&mut out, outbound);
        out.freeze()
    }
}

/// An entry that says nothing: it takes a message back, or was taken back itself.
fn gone(entry: &Message) -> Outbound<'_> {
    let Message { id, room, offset, sender, deletes, created_at, .. } = entry;
    let by = deletes.map(|_| OutboundSender {
        id: sender.id,
        name: &sender.name,
        profile_url: sender.profile_url.as_deref(),
    });
    let timestamp = deletes.map(|_| created_at.as_millis());
    Outbound::Deleted { room_name: room, message_id: deletes.unwrap_or(*id), offset: *offset, by, timestamp }
}

/// What stands in the place of a message that was taken back.
pub(crate) fn deleted(room: &RoomName, offset: Offset, message_id: MessageId) -> Bytes {
    Encoder::single(&Outbound::Deleted { room_name: room, message_id, offset, by: None, timestamp: None })
}

/// The user of the socket may not speak in the room, or may again.
pub(crate) fn mute(room: &RoomName, active: bool, until: Option<TimestampMs>) -> Bytes {
    let until = until.map(TimestampMs::as_millis);
    Encoder::single(&Outbound::Mute { room_name: room, active, until })
}

/// Everybody in the room waits so long between two messages; not at all if zero.
pub(crate) fn slow_mode(room: &RoomName, pause: Duration) -> Bytes {
    Encoder::single(&Outbound::SlowMode { room_name: room, seconds: pause.as_secs() })
}

/// One message as JSON, in no frame.
pub(crate) fn message(message: &Message) -> Bytes {
    let mut out = BytesMut::new();
    Encoder::default().put_message(&mut out, message);
    frame::payload(&out.freeze())
}

/// The first frame in a room: where it stands, and whether the gap since the client's position follows whole.
/// `recovered` is absent when the client named no position.
pub fn joined(room: &RoomName, position: &Position, recovered: Option<bool>) -> Bytes {
    let Position { epoch, offset } = position;
    Encoder::single(&Outbound::Joined { room_name: room, epoch, offset: *offset, recovered })
}

/// The message that the client called `id` is stored.
pub fn ack(id: &ClientMessageId, message_id: MessageId, offset: Offset, duplicate: bool) -> Bytes {
    Encoder::single(&Outbound::Ack { id, message_id, offset, duplicate })
}

/// A command was refused.
pub fn error(refusal: &Refusal, id: Option<&ClientMessageId>) -> Bytes {
    Encoder::single(&Outbound::Error {
        code: refusal.code(),
        message: refusal.to_string(),
        id,
        retry_after_ms: refusal.retry_after().map(rounded_up_ms),
    })
}

/// In whole milliseconds, never too early.
fn rounded_up_ms(duration: Duration) -> u128 {
    duration.as_micros().div_ceil(1_000)
}

/// Something that the user of the socket is told of, whatever room the socket is in. A socket has said nothing of its
/// language, so the text is Korean; `kind` and `actor` say the same to programs.
pub fn notification(notification: &Notification) -> Bytes {
    let actor = OutboundActor {
        id: notification.actor,
        name: notification.actor_name.as_deref(),
        profile_url: notification.actor_avatar_url.as_deref(),
    };
    Encoder::single(&Outbound::Notification {
        id: notification.id,
        kind: notification.kind,
        actor,
        text: super::notification::text(notification, Language::Korean),
        link: super::notification::link(notification),
        timestamp: notification.created_at.as_millis(),
    })
}

/// The server is about to restart: come back after this time.
pub fn shutdown(retry_after: Duration) -> Bytes {
    Encoder::single(&Outbound::Shutdown { retry_after_ms: retry_after.as_millis() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn old_clients_with_more_keys_are_understood() {
        let say = decode(r#"{"type":"MESSAGE","roomName":"KRW-BTC","sender":"user-1","content":"hi"}"#);
        assert_eq!(say, Ok(Say { content: "hi".into(), client_id: None }));
    }

    #[test]
    fn every_mistake_has_its_code() {
        let long = format!(r#"{{"content":"{}"}}"#, "가".repeat(limits::CONTENT_CHARS + 1));
        let wide_id = format!(r#"{{"content":"x","id":"{}"}}"#, "i".repeat(65));
        let cases = [
            ("hello", "malformed"),
            (r#"["MESSAGE","hi"]"#, "malformed"),
            (r#"{"content":5}"#, "malformed"),
            (r#"{"content":"\ud800"}"#, "malformed"),
            (r#"{"type":"HELLO"}"#, "unknown_type"),
            ("{}", "content_empty"),
            (r#"{"content":null}"#, "content_empty"),
            (r#"{"content":" \n "}"#, "content_empty"),
            (r#"{"content":"a\u0000"}"#, "content_control_character"),
            (r#"{"content":"x","id":""}"#, "invalid_id"),
            (&long, "content_too_long"),
            (&wide_id, "invalid_id"),
        ];
        for (text, code) in cases {
            assert_eq!(decode(text).unwrap_err().0.code(), code, "{text:.80}");
        }
    }

    #[test]
    fn a_refusal_names_the_message_it_is_about() {
        let (_, id) = decode(r#"{"content":"","id":"m-1"}"#).unwrap_err();
        assert_eq!(id.unwrap().to_string(), "m-1");
    }

    #[test]
    fn the_longest_legal_message_fits_an_inbound_frame() {
        let worst = r"\ud83d\ude00".repeat(limits::CONTENT_CHARS);
        let text = format!(r#"{{"type":"MESSAGE","content":"{worst}","id":"{}"}}"#, "i".repeat(64));
        assert!(text.len() <= limits::INBOUND_MESSAGE_BYTES);
        assert_eq!(decode(&text).unwrap().content.chars().count(), limits::CONTENT_CHARS);
    }

    proptest! {
        #[test]
        fn no_input_panics(text in any::<String>()) {
            let _ = decode(&text);
        }

        #[test]
        fn legal_content_comes_through_unchanged(content in r"[^\p{Cc}]{0,40}[\p{L}\p{N}][^\p{Cc}]{0,40}") {
            let text = serde_json::json!({ "type": "MESSAGE", "content": content }).to_string();
            prop_assert_eq!(&*decode(&text).unwrap().content, content.as_str());
        }
    }
}
