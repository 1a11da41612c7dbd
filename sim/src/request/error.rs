//! Error frames. The texts are those of `api.upbit.com`; clients are told to go by the name.

use serde_json::Value;

/// What a client did wrong. The server says so and hangs up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RequestError {
    /// Not JSON, not an array of objects, or a member of the wrong type.
    WrongFormat,
    /// The array does not begin with a ticket.
    NoTicket,
    /// An object without `type`, or no object but the ticket.
    NoType,
    /// A type object without `codes`.
    NoCodes,
    /// `codes` is an empty array.
    EmptyCodes,
    /// A type that the exchange does not have.
    UnknownType(String),
    /// A format that the exchange does not have.
    UnknownFormat(String),
    /// A private type on the public address.
    InvalidAuth,
    /// More messages than a connection may send.
    TooManyRequests,
    /// None; a test said so.
    Injected { name: String, message: String },
}

impl RequestError {
    /// The frame, with the key order that was seen on the wire for each error.
    pub(crate) fn to_json(&self) -> String {
        match self {
            Self::WrongFormat => message_first("WRONG_FORMAT", "Format 이 맞지 않습니다."),
            Self::UnknownType(kind) => {
                message_first("INVALID_PARAM", &format!("{kind} 은 지원하지 않는 타입입니다."))
            }
            Self::UnknownFormat(format) => {
                name_first("INVALID_PARAM", &format!("{format}은 지원하지 않는 포맷입니다."))
            }
            Self::EmptyCodes => name_first("INVALID_PARAM", "codes 필드가 비어 있습니다."),
            Self::NoTicket => name_first("NO_TICKET", "티켓이 존재하지 않거나, 유효하지 않습니다."),
            Self::NoType => name_first("NO_TYPE", "type 필드가 존재하지 않습니다."),
            Self::NoCodes => name_first("NO_CODES", "codes 필드가 존재하지 않습니다."),
            Self::InvalidAuth => name_first("INVALID_AUTH", "인증 정보가 올바르지 않습니다."),
            Self::Injected { name, message } => name_first(name, message),
            Self::TooManyRequests => name_first("Too Many Requests", "Too many API requests."),
        }
    }
}

fn name_first(name: &str, message: &str) -> String {
    format!(r#"{{"error":{{"name":{},"message":{}}}}}"#, quoted(name), quoted(message))
}

fn message_first(name: &str, message: &str) -> String {
    format!(r#"{{"error":{{"message":{},"name":{}}}}}"#, quoted(message), quoted(name))
}

/// A JSON string; the client's own words may stand in an error.
fn quoted(text: &str) -> Value {
    Value::from(text)
}
