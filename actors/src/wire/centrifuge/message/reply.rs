//! What the server sends.

use super::{ClientInfo, Empty, Publication, is_default};
use prost::Message;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// From the server: the answer to a command, or without `id` a push.
#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct Reply {
    /// Of the command.
    #[prost(uint32, tag = "1")]
    #[serde(skip_serializing_if = "is_default")]
    pub id: u32,
    /// Instead of a result.
    #[prost(message, optional, tag = "2")]
    #[serde(skip_serializing_if = "is_default")]
    pub error: Option<Error>,
    /// Something that nobody asked for.
    #[prost(message, optional, tag = "4")]
    #[serde(skip_serializing_if = "is_default")]
    pub push: Option<Push>,
    /// Connected.
    #[prost(message, optional, tag = "5")]
    #[serde(skip_serializing_if = "is_default")]
    pub connect: Option<ConnectResult>,
    /// Subscribed.
    #[prost(message, optional, tag = "6")]
    #[serde(skip_serializing_if = "is_default")]
    pub subscribe: Option<SubscribeResult>,
    /// Not subscribed any more.
    #[prost(message, optional, tag = "7")]
    #[serde(skip_serializing_if = "is_default")]
    pub unsubscribe: Option<Empty>,
    /// Said, and stored.
    #[prost(message, optional, tag = "8")]
    #[serde(skip_serializing_if = "is_default")]
    pub publish: Option<Empty>,
    /// Who is there.
    #[prost(message, optional, tag = "9")]
    #[serde(skip_serializing_if = "is_default")]
    pub presence: Option<PresenceResult>,
    /// How many.
    #[prost(message, optional, tag = "10")]
    #[serde(skip_serializing_if = "is_default")]
    pub presence_stats: Option<PresenceStatsResult>,
    /// What was said.
    #[prost(message, optional, tag = "11")]
    #[serde(skip_serializing_if = "is_default")]
    pub history: Option<HistoryResult>,
    /// The server is there.
    #[prost(message, optional, tag = "12")]
    #[serde(skip_serializing_if = "is_default")]
    pub ping: Option<Empty>,
    /// The new token was taken.
    #[prost(message, optional, tag = "14")]
    #[serde(skip_serializing_if = "is_default")]
    pub refresh: Option<RefreshResult>,
}

/// Why a command was not carried out.
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct Error {
    /// The number that programs branch on.
    #[prost(uint32, tag = "1")]
    pub code: u32,
    /// For people.
    #[prost(string, tag = "2")]
    pub message: String,
    /// Whether trying again may help.
    #[prost(bool, tag = "3")]
    #[serde(skip_serializing_if = "is_default")]
    pub temporary: bool,
}

/// `connect`
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct ConnectResult {
    /// Names the connection.
    #[prost(string, tag = "1")]
    pub client: String,
    /// Of the server.
    #[prost(string, tag = "2")]
    #[serde(skip_serializing_if = "is_default")]
    pub version: String,
    /// Whether the client has to bring another token.
    #[prost(bool, tag = "3")]
    #[serde(skip_serializing_if = "is_default")]
    pub expires: bool,
    /// In how many seconds.
    #[prost(uint32, tag = "4")]
    #[serde(skip_serializing_if = "is_default")]
    pub ttl: u32,
    /// What the server subscribed the client to.
    #[prost(message, repeated, tag = "6")]
    #[serde(with = "by_channel", skip_serializing_if = "is_default")]
    pub subs: Vec<ServerSubscription>,
    /// Seconds between pings.
    #[prost(uint32, tag = "7")]
    #[serde(skip_serializing_if = "is_default")]
    pub ping: u32,
    /// Whether the client has to answer them.
    #[prost(bool, tag = "8")]
    #[serde(skip_serializing_if = "is_default")]
    pub pong: bool,
}

/// An entry of a map, in Protobuf's own spelling of maps. prost would leave out a result that is empty, which the SDK for
/// JavaScript takes for none at all.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ServerSubscription {
    /// Which channel.
    #[prost(string, tag = "1")]
    pub channel: String,
    /// As if the client had asked.
    #[prost(message, optional, tag = "2")]
    pub result: Option<SubscribeResult>,
}

/// `subscribe`
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct SubscribeResult {
    /// Whether the client may come back with a position.
    #[prost(bool, tag = "3")]
    #[serde(skip_serializing_if = "is_default")]
    pub recoverable: bool,
    /// Of the position.
    #[prost(string, tag = "6")]
    #[serde(skip_serializing_if = "is_default")]
    pub epoch: String,
    /// What came after the client's position.
    #[prost(message, repeated, tag = "7")]
    #[serde(skip_serializing_if = "is_default")]
    pub publications: Vec<Publication>,
    /// Whether that is all of it.
    #[prost(bool, tag = "8")]
    #[serde(skip_serializing_if = "is_default")]
    pub recovered: bool,
    /// Where the client stands before the publications.
    #[prost(uint64, tag = "9")]
    #[serde(skip_serializing_if = "is_default")]
    pub offset: u64,
    /// Whether publications have offsets.
    #[prost(bool, tag = "10")]
    #[serde(skip_serializing_if = "is_default")]
    pub positioned: bool,
    /// Whether the client asked for what it missed.
    #[prost(bool, tag = "12")]
    #[serde(skip_serializing_if = "is_default")]
    pub was_recovering: bool,
}

/// Something that nobody asked for.
#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct Push {
    /// Where.
    #[prost(string, tag = "2")]
    #[serde(skip_serializing_if = "is_default")]
    pub channel: String,
    /// Something new.
    #[prost(message, optional, tag = "4")]
    #[serde(rename = "pub", skip_serializing_if = "is_default")]
    pub publication: Option<Publication>,
    /// Somebody came.
    #[prost(message, optional, tag = "5")]
    #[serde(skip_serializing_if = "is_default")]
    pub join: Option<Presence>,
    /// Somebody left.
    #[prost(message, optional, tag = "6")]
    #[serde(skip_serializing_if = "is_default")]
    pub leave: Option<Presence>,
    /// The client is not subscribed any more.
    #[prost(message, optional, tag = "7")]
    #[serde(skip_serializing_if = "is_default")]
    pub unsubscribe: Option<Unsubscribe>,
}

/// Who came or left.
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct Presence {
    /// This one.
    #[prost(message, optional, tag = "1")]
    pub info: Option<ClientInfo>,
}

/// Why a client is not subscribed any more. From 2500 on it subscribes again, by itself and at once.
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct Unsubscribe {
    /// The number.
    #[prost(uint32, tag = "2")]
    pub code: u32,
    /// For people.
    #[prost(string, tag = "3")]
    pub reason: String,
}

/// `presence`
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct PresenceResult {
    /// By the name of the connection.
    #[prost(btree_map = "string, message", tag = "1")]
    pub presence: BTreeMap<String, ClientInfo>,
}

/// `presence_stats`
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct PresenceStatsResult {
    /// Connections.
    #[prost(uint32, tag = "1")]
    pub num_clients: u32,
    /// People.
    #[prost(uint32, tag = "2")]
    pub num_users: u32,
}

/// `history`
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct HistoryResult {
    /// In the order that was asked for.
    #[prost(message, repeated, tag = "1")]
    pub publications: Vec<Publication>,
    /// Of the channel.
    #[prost(string, tag = "2")]
    pub epoch: String,
    /// The last one of the channel, wherever the page ends.
    #[prost(uint64, tag = "3")]
    pub offset: u64,
}

/// `refresh`
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct RefreshResult {
    /// Whether another token is needed after this one.
    #[prost(bool, tag = "3")]
    #[serde(skip_serializing_if = "is_default")]
    pub expires: bool,
    /// In how many seconds.
    #[prost(uint32, tag = "4")]
    #[serde(skip_serializing_if = "is_default")]
    pub ttl: u32,
}

impl Reply {
    /// An answer that has no result yet.
    pub fn to(id: u32) -> Self {
        Self { id, ..Self::default() }
    }

    /// An answer that is none.
    pub fn error(id: u32, error: Error) -> Self {
        Self { error: Some(error), ..Self::to(id) }
    }

    /// A push.
    pub fn push(push: Push) -> Self {
        Self { push: Some(push), ..Self::default() }
    }
}

/// A list of entries in Protobuf, an object in JSON.
mod by_channel {
    use super::{ServerSubscription, SubscribeResult};
    use serde::{Deserialize, Deserializer, Serializer};
    use std::collections::BTreeMap;

    pub(super) fn serialize<S: Serializer>(
        subs: &[ServerSubscription],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_map(subs.iter().map(|sub| (&sub.channel, sub.result.clone().unwrap_or_default())))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<ServerSubscription>, D::Error> {
        let subs = BTreeMap::<String, SubscribeResult>::deserialize(deserializer)?;
        let entry = |(channel, result)| ServerSubscription { channel, result: Some(result) };
        Ok(subs.into_iter().map(entry).collect())
    }
}
