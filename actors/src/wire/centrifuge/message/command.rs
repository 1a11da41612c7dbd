//! What a client sends.

use super::{Empty, is_default, json};
use bytes::Bytes;
use prost::Message;
use serde::{Deserialize, Serialize};

/// From the client. Without `id` and `send` it answers a ping.
#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct Command {
    /// Named by the reply.
    #[prost(uint32, tag = "1")]
    #[serde(skip_serializing_if = "is_default")]
    pub id: u32,
    /// The first command of a connection.
    #[prost(message, optional, tag = "4")]
    #[serde(skip_serializing_if = "is_default")]
    pub connect: Option<ConnectRequest>,
    /// Asks for a channel.
    #[prost(message, optional, tag = "5")]
    #[serde(skip_serializing_if = "is_default")]
    pub subscribe: Option<SubscribeRequest>,
    /// Wants no more of a channel.
    #[prost(message, optional, tag = "6")]
    #[serde(skip_serializing_if = "is_default")]
    pub unsubscribe: Option<ChannelRequest>,
    /// Says something.
    #[prost(message, optional, tag = "7")]
    #[serde(skip_serializing_if = "is_default")]
    pub publish: Option<PublishRequest>,
    /// Who is in a channel?
    #[prost(message, optional, tag = "8")]
    #[serde(skip_serializing_if = "is_default")]
    pub presence: Option<ChannelRequest>,
    /// How many are?
    #[prost(message, optional, tag = "9")]
    #[serde(skip_serializing_if = "is_default")]
    pub presence_stats: Option<ChannelRequest>,
    /// What was said?
    #[prost(message, optional, tag = "10")]
    #[serde(skip_serializing_if = "is_default")]
    pub history: Option<HistoryRequest>,
    /// Are you there?
    #[prost(message, optional, tag = "11")]
    #[serde(skip_serializing_if = "is_default")]
    pub ping: Option<Empty>,
    /// A message to the server, which wants none.
    #[prost(message, optional, tag = "12")]
    #[serde(skip_serializing_if = "is_default")]
    pub send: Option<Empty>,
    /// A call of a function, of which there is none.
    #[prost(message, optional, tag = "13")]
    #[serde(skip_serializing_if = "is_default")]
    pub rpc: Option<Empty>,
    /// A new token for the connection.
    #[prost(message, optional, tag = "14")]
    #[serde(skip_serializing_if = "is_default")]
    pub refresh: Option<RefreshRequest>,
    /// A new token for a subscription; none here needs one.
    #[prost(message, optional, tag = "15")]
    #[serde(skip_serializing_if = "is_default")]
    pub sub_refresh: Option<Empty>,
}

/// `connect`
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct ConnectRequest {
    /// An access token; without one, whoever the handshake proved counts.
    #[prost(string, tag = "1")]
    #[serde(skip_serializing_if = "is_default")]
    pub token: String,
}

/// `subscribe`
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct SubscribeRequest {
    /// Which channel.
    #[prost(string, tag = "1")]
    #[serde(skip_serializing_if = "is_default")]
    pub channel: String,
    /// Whether the client has a position to go on from.
    #[prost(bool, tag = "3")]
    #[serde(skip_serializing_if = "is_default")]
    pub recover: bool,
    /// The epoch of that position; empty if the client does not know it.
    #[prost(string, tag = "6")]
    #[serde(skip_serializing_if = "is_default")]
    pub epoch: String,
    /// The last publication that the client has.
    #[prost(uint64, tag = "7")]
    #[serde(skip_serializing_if = "is_default")]
    pub offset: u64,
    /// Whether the client wants to hear who comes and goes.
    #[prost(bool, tag = "11")]
    #[serde(skip_serializing_if = "is_default")]
    pub join_leave: bool,
    /// A compression that the client could read.
    #[prost(string, tag = "12")]
    #[serde(skip_serializing_if = "is_default")]
    pub delta: String,
    /// A filter, which no channel here has.
    #[prost(message, optional, tag = "13")]
    #[serde(skip_serializing_if = "is_default")]
    pub tf: Option<Empty>,
    /// Bits: [`ERROR_IF_UNRECOVERABLE`] and others that ask for nothing.
    #[prost(int64, tag = "14")]
    #[serde(skip_serializing_if = "is_default")]
    pub flag: i64,
    /// Other kinds of subscriptions than to a stream.
    #[prost(int32, tag = "15")]
    #[serde(rename = "type", skip_serializing_if = "is_default")]
    pub kind: i32,
}

/// A bit of [`SubscribeRequest::flag`]: error 112 instead of a subscription that has missed something.
pub const ERROR_IF_UNRECOVERABLE: i64 = 2;

/// A command about a channel and nothing else.
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct ChannelRequest {
    /// Which channel.
    #[prost(string, tag = "1")]
    #[serde(skip_serializing_if = "is_default")]
    pub channel: String,
}

/// `publish`
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct PublishRequest {
    /// Where.
    #[prost(string, tag = "1")]
    #[serde(skip_serializing_if = "is_default")]
    pub channel: String,
    /// What, as JSON.
    #[prost(bytes = "bytes", tag = "2")]
    #[serde(with = "json", skip_serializing_if = "is_default")]
    pub data: Bytes,
}

/// `history`
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct HistoryRequest {
    /// Which channel.
    #[prost(string, tag = "1")]
    #[serde(skip_serializing_if = "is_default")]
    pub channel: String,
    /// How many: none for the position only, negative for as many as one may have.
    #[prost(int32, tag = "7")]
    #[serde(skip_serializing_if = "is_default")]
    pub limit: i32,
    /// Behind (or, in reverse, before) which position.
    #[prost(message, optional, tag = "8")]
    #[serde(skip_serializing_if = "is_default")]
    pub since: Option<StreamPosition>,
    /// The newest first.
    #[prost(bool, tag = "9")]
    #[serde(skip_serializing_if = "is_default")]
    pub reverse: bool,
}

/// A place in a channel.
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct StreamPosition {
    /// The publication.
    #[prost(uint64, tag = "1")]
    #[serde(skip_serializing_if = "is_default")]
    pub offset: u64,
    /// The run of offsets that it belongs to.
    #[prost(string, tag = "2")]
    #[serde(skip_serializing_if = "is_default")]
    pub epoch: String,
}

/// `refresh`
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct RefreshRequest {
    /// The new token.
    #[prost(string, tag = "1")]
    #[serde(skip_serializing_if = "is_default")]
    pub token: String,
}
