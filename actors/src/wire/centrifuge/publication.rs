//! Publications: messages that were encoded once, wrapped for this protocol.
//!
//! Live, a batch of messages becomes one frame of pushes. For those who come back, messages are listed in the answer to
//! `subscribe`; the list is made in pieces that all who miss them share, as fragments of one WebSocket message.

use super::message::{ClientInfo, Publication, SubscribeResult};
use super::{Channel, Format, Push, Reply};
use crate::wire::frame::{self, Opcode, Part};
use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint, uint32};
use std::cell::OnceCell;
use tickroom_storage::{Offset, UserId};

/// A message in its place.
#[derive(Debug, Clone)]
pub struct Said {
    /// Its JSON, as the native dialect has it.
    pub json: Bytes,
    /// Who said it.
    pub sender: UserId,
    /// Its place.
    pub offset: Offset,
}

/// What a message is to this protocol. The connection it came by is not told: the log does not know it.
impl From<Said> for Publication {
    fn from(Said { json, sender, offset }: Said) -> Self {
        let info = ClientInfo { user: sender.to_string(), ..ClientInfo::default() };
        Self { data: json, info: Some(info), offset: offset.get() }
    }
}

/// Field numbers of [`Reply`] and [`SubscribeResult`].
const ID: u32 = 1;
const SUBSCRIBE: u32 = 6;
const PUBLICATIONS: u32 = 7;

impl Format {
    /// The pushes of a batch, in one frame.
    pub fn pushes(self, channel: &str, batch: impl Iterator<Item = Said>) -> Bytes {
        let mut out = BytesMut::new();
        for said in batch {
            match self {
                Self::Json => {
                    let separator: &[u8] = if out.is_empty() { b"" } else { b"\n" };
                    out.put_slice(separator);
                    // By hand: this is where most of what is ever sent is made. No channel here has a name to escape.
                    out.put_slice(br#"{"push":{"channel":""#);
                    out.put_slice(channel.as_bytes());
                    out.put_slice(br#"","pub":"#);
                    put_json(&mut out, &said);
                    out.put_slice(b"}}");
                }
                Self::Protobuf => self.put(&mut out, &Reply::push(publication(channel, said.into()))),
            }
        }
        self.frame(&out)
    }

    /// A publication without a place in an order.
    pub fn push(self, channel: &str, data: Bytes) -> Bytes {
        self.single(&Reply::push(publication(channel, Publication { data, ..Publication::default() })))
    }

    /// Some messages as part of a list; `first` if the list begins with them.
    pub(crate) fn list(self, first: bool, batch: impl Iterator<Item = Said>) -> BytesMut {
        let mut out = BytesMut::new();
        for said in batch {
            match self {
                Self::Json => {
                    if !first || !out.is_empty() {
                        out.put_u8(b',');
                    }
                    put_json(&mut out, &said);
                }
                Self::Protobuf => {
                    prost::encoding::message::encode(PUBLICATIONS, &Publication::from(said), &mut out);
                }
            }
        }
        out
    }

    /// As [`list`](Self::list), in a frame that continues a message and is continued itself.
    pub(crate) fn list_fragment(self, batch: impl Iterator<Item = Said>) -> Bytes {
        frame::data(Opcode::Continuation, Part::MoreFollows, &self.list(false, batch))
    }

    /// The answer to a `subscribe` with the list of what was missed: `first`, then what the fragments hold.
    pub(crate) fn recovered(
        self,
        id: u32,
        result: SubscribeResult,
        first: &[u8],
        fragments: Vec<Bytes>,
    ) -> Vec<Bytes> {
        let listed: usize =
            first.len() + fragments.iter().map(|fragment| frame::payload(fragment).len()).sum::<usize>();
        let mut head = match self {
            Self::Json => json_head(id, result),
            Self::Protobuf => protobuf_head(id, &result, listed),
        };
        head.put_slice(first);
        let tail: &[u8] = if self == Self::Json { b"]}}" } else { b"" };
        if fragments.is_empty() {
            head.put_slice(tail);
            return vec![self.frame(&head)];
        }
        let head = frame::data(self.opcode(), Part::MoreFollows, &head);
        let tail = frame::data(Opcode::Continuation, Part::Last, tail);
        std::iter::once(head).chain(fragments).chain([tail]).collect()
    }
}

/// A frame of the native dialect, and the same as a publication in a channel, made when the first socket wants it.
pub(crate) struct Spellings {
    channel: Channel,
    native: Bytes,
    json: OnceCell<Bytes>,
    protobuf: OnceCell<Bytes>,
}

impl Spellings {
    pub(crate) const fn new(channel: Channel, native: Bytes) -> Self {
        Self { channel, native, json: OnceCell::new(), protobuf: OnceCell::new() }
    }

    /// For a socket that speaks `format`, or the native dialect.
    pub(crate) fn in_format(&self, format: Option<Format>) -> Bytes {
        let (cell, format) = match format {
            None => return self.native.clone(),
            Some(Format::Json) => (&self.json, Format::Json),
            Some(Format::Protobuf) => (&self.protobuf, Format::Protobuf),
        };
        let push = || format.push(&self.channel.to_string(), frame::payload(&self.native));
        cell.get_or_init(push).clone()
    }
}

fn publication(channel: &str, publication: Publication) -> Push {
    Push { channel: channel.to_owned(), publication: Some(publication), ..Push::default() }
}

fn put_json(out: &mut BytesMut, said: &Said) {
    out.put_slice(br#"{"data":"#);
    out.put_slice(&said.json);
    let rest = format!(r#","info":{{"user":"{}","client":""}},"offset":{}}}"#, said.sender, said.offset);
    out.put_slice(rest.as_bytes());
}

/// The reply up to its list. A result that recovers says so, hence is not empty, and a comma is right.
fn json_head(id: u32, result: SubscribeResult) -> BytesMut {
    let mut head = BytesMut::new();
    Format::Json.put(&mut head, &Reply { subscribe: Some(result), ..Reply::to(id) });
    head.truncate(head.len().saturating_sub(2));
    head.put_slice(br#","publications":["#);
    head
}

/// The reply up to its list, whose length all lengths before it include.
fn protobuf_head(id: u32, result: &SubscribeResult, listed: usize) -> BytesMut {
    let length = |bytes: usize| u64::try_from(bytes).unwrap_or(u64::MAX);
    let mut body = BytesMut::new();
    uint32::encode(ID, &id, &mut body);
    encode_key(SUBSCRIBE, WireType::LengthDelimited, &mut body);
    encode_varint(length(result.encoded_len() + listed), &mut body);
    body.put_slice(&result.encode_to_vec());
    let mut head = BytesMut::new();
    encode_varint(length(body.len() + listed), &mut head);
    head.put_slice(&body);
    head
}
