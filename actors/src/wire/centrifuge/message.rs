//! The messages of the protocol. Each is defined once and derives both spellings: field numbers for Protobuf, names for
//! JSON. Fields that this server neither reads nor writes are left out; readers of both spellings skip what they do not
//! know.

mod command;
mod reply;

pub use command::*;
pub use reply::*;

use bytes::Bytes;
use prost::Message;
use serde::{Deserialize, Serialize};

/// Something of which only the presence counts.
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct Empty {}

/// Somebody.
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct ClientInfo {
    /// The user; nobody in particular if empty.
    #[prost(string, tag = "1")]
    pub user: String,
    /// The connection; empty in a publication, for the log does not know it.
    #[prost(string, tag = "2")]
    pub client: String,
    /// What else others may know, as JSON.
    #[prost(bytes = "bytes", tag = "3")]
    #[serde(with = "json", skip_serializing_if = "is_default")]
    pub conn_info: Bytes,
}

/// Something that was said, or a price.
#[derive(Clone, PartialEq, Eq, Message, Serialize, Deserialize)]
#[serde(default)]
pub struct Publication {
    /// What, as JSON.
    #[prost(bytes = "bytes", tag = "4")]
    #[serde(with = "json", skip_serializing_if = "is_default")]
    pub data: Bytes,
    /// Who said it.
    #[prost(message, optional, tag = "5")]
    #[serde(skip_serializing_if = "is_default")]
    pub info: Option<ClientInfo>,
    /// Its place, if the channel has an order.
    #[prost(uint64, tag = "6")]
    #[serde(skip_serializing_if = "is_default")]
    pub offset: u64,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Payloads: raw JSON in JSON, bytes that hold JSON in Protobuf.
mod json {
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::Error};
    use serde_json::value::RawValue;

    pub(super) fn serialize<S: Serializer>(payload: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::from_slice::<&RawValue>(payload).map_err(S::Error::custom)?.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Bytes::from(String::from(Box::<str>::from(raw)).into_bytes()))
    }
}
