//! The subscription grammar: one text frame, a JSON array of ticket, types and format.
//! <https://docs.upbit.com/kr/reference/websocket-guide>

mod error;
mod list;
mod stream;

use serde_json::{Map, Value};

pub(crate) use error::RequestError;
pub(crate) use list::list_reply;
pub(crate) use stream::Stream;

use crate::decimal::Price;

/// How frames are written. A setting of the whole connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    /// One object with full keys.
    #[default]
    Default,
    /// One object with short keys.
    Simple,
    /// An array of objects with full keys.
    JsonList,
    /// An array of objects with short keys.
    SimpleList,
}

/// What a client asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// Replaces whatever was subscribed before. A request without a format is served as `DEFAULT`.
    Subscribe { subscriptions: Vec<Subscription>, format: Format },
    /// Asks for the running subscriptions; a format, if given, becomes the connection's.
    List { ticket: String, format: Option<Format> },
}

/// One type object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subscription {
    pub(crate) kind: Stream,
    pub(crate) codes: Vec<String>,
    /// Grouping of the order book; zero elsewhere.
    pub(crate) level: Price,
    /// A snapshot comes first.
    pub(crate) snapshot: bool,
    /// The stream follows.
    pub(crate) realtime: bool,
}

/// Reads one text frame.
pub(crate) fn parse(text: &str) -> Result<Request, RequestError> {
    let objects: Vec<Map<String, Value>> =
        serde_json::from_str(text).map_err(|_| RequestError::WrongFormat)?;
    let (first, rest) = objects.split_first().ok_or(RequestError::NoTicket)?;
    let ticket = first.get("ticket").and_then(Value::as_str).ok_or(RequestError::NoTicket)?;
    let mut format = None;
    let mut listing = false;
    let mut subscriptions = Vec::new();
    for object in rest {
        if object.contains_key("type") {
            subscriptions.push(parse_subscription(object)?);
        } else if let Some(name) = object.get("format") {
            // The format stands last in the guide and second in some clients; the exchange takes both.
            format = Some(parse_format(name)?);
        } else if let Some(method) = object.get("method") {
            if method != "LIST_SUBSCRIPTIONS" {
                return Err(RequestError::WrongFormat);
            }
            listing = true;
        } else {
            return Err(RequestError::NoType);
        }
    }
    match (listing, subscriptions.is_empty()) {
        (true, _) => Ok(Request::List { ticket: ticket.to_owned(), format }),
        (false, true) => Err(RequestError::NoType),
        (false, false) => Ok(Request::Subscribe { subscriptions, format: format.unwrap_or_default() }),
    }
}

fn parse_format(name: &Value) -> Result<Format, RequestError> {
    match name.as_str().ok_or(RequestError::WrongFormat)? {
        "DEFAULT" => Ok(Format::Default),
        "SIMPLE" => Ok(Format::Simple),
        "JSON_LIST" => Ok(Format::JsonList),
        "SIMPLE_LIST" => Ok(Format::SimpleList),
        other => Err(RequestError::UnknownFormat(other.to_owned())),
    }
}

fn parse_subscription(object: &Map<String, Value>) -> Result<Subscription, RequestError> {
    let kind = object.get("type").and_then(Value::as_str).ok_or(RequestError::WrongFormat)?;
    let kind = Stream::parse(kind)?;
    let codes = parse_codes(object.get("codes").ok_or(RequestError::NoCodes)?)?;
    let level = parse_level(object.get("level"))?;
    let only_snapshot = flag(object, ["is_only_snapshot", "isOnlySnapshot"])?;
    let only_realtime = flag(object, ["is_only_realtime", "isOnlyRealtime"])?;
    // Nobody knows what both flags at once give; here the snapshot alone.
    let (snapshot, realtime) = (only_snapshot || !only_realtime, !only_snapshot);
    Ok(Subscription { kind, codes, level, snapshot, realtime })
}

/// A level may be a fraction of the currency.
fn parse_level(level: Option<&Value>) -> Result<Price, RequestError> {
    match level {
        None => Ok(Price::ZERO),
        Some(Value::Number(number)) => number.to_string().parse().map_err(|_| RequestError::WrongFormat),
        Some(_) => Err(RequestError::WrongFormat),
    }
}

fn parse_codes(codes: &Value) -> Result<Vec<String>, RequestError> {
    let codes = codes.as_array().ok_or(RequestError::WrongFormat)?;
    if codes.is_empty() {
        return Err(RequestError::EmptyCodes);
    }
    let code = |value: &Value| value.as_str().map(str::to_owned).ok_or(RequestError::WrongFormat);
    codes.iter().map(code).collect()
}

/// A flag under today's or its older spelling; false when absent.
fn flag(object: &Map<String, Value>, spellings: [&str; 2]) -> Result<bool, RequestError> {
    match spellings.iter().find_map(|key| object.get(*key)) {
        None => Ok(false),
        Some(value) => value.as_bool().ok_or(RequestError::WrongFormat),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subscription(kind: &str, codes: &[&str]) -> Subscription {
        let codes = codes.iter().map(|code| (*code).to_owned()).collect();
        Subscription {
            kind: Stream::parse(kind).unwrap(),
            codes,
            level: Price::ZERO,
            snapshot: true,
            realtime: true,
        }
    }

    fn subscriptions(text: &str) -> (Vec<Subscription>, Format) {
        match parse(text) {
            Ok(Request::Subscribe { subscriptions, format }) => (subscriptions, format),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn types_flags_and_formats() {
        let btc = subscription("ticker", &["KRW-BTC"]);
        let only_snapshot = Subscription { realtime: false, ..btc.clone() };
        let only_realtime = Subscription { snapshot: false, ..btc.clone() };
        let cases = [
            ("", "", btc.clone(), Format::Default),
            ("", r#",{"format":"DEFAULT"}"#, btc.clone(), Format::Default),
            ("", r#",{"format":"JSON_LIST"}"#, btc.clone(), Format::JsonList),
            (r#","is_only_snapshot":true"#, r#",{"format":"SIMPLE"}"#, only_snapshot.clone(), Format::Simple),
            (r#","isOnlySnapshot":true"#, "", only_snapshot.clone(), Format::Default),
            (
                r#","is_only_realtime":true"#,
                r#",{"format":"SIMPLE_LIST"}"#,
                only_realtime.clone(),
                Format::SimpleList,
            ),
            (r#","isOnlyRealtime":true"#, "", only_realtime, Format::Default),
            (r#","is_only_snapshot":true,"is_only_realtime":true"#, "", only_snapshot, Format::Default),
            (r#","is_only_snapshot":false"#, "", btc, Format::Default),
        ];
        for (flags, tail, subscription, format) in cases {
            let text = format!(r#"[{{"ticket":"t"}},{{"type":"ticker","codes":["KRW-BTC"]{flags}}}{tail}]"#);
            assert_eq!(subscriptions(&text), (vec![subscription], format), "{text}");
        }
    }

    #[test]
    fn several_types_and_a_format_before_them() {
        let (all, format) = subscriptions(
            r#"[{"ticket":"t"},{"format":"SIMPLE"},{"type":"trade","codes":["KRW-BTC","BTC-BCH"]},
                {"type":"orderbook","codes":["KRW-BTC.15"],"level":10000},{"type":"candle.1m","codes":["KRW-ETH"]}]"#,
        );
        let book =
            Subscription { level: "10000".parse().unwrap(), ..subscription("orderbook", &["KRW-BTC.15"]) };
        let others =
            (subscription("trade", &["KRW-BTC", "BTC-BCH"]), subscription("candle.1m", &["KRW-ETH"]));
        assert_eq!((all, format), (vec![others.0, book, others.1], Format::Simple));
    }

    #[test]
    fn every_mistake_has_its_error() {
        let unknown_type =
            r#"{"error":{"message":"a\"b 은 지원하지 않는 타입입니다.","name":"INVALID_PARAM"}}"#;
        let cases = [
            ("hello", "WRONG_FORMAT"),
            (r#"{"ticket":"t"}"#, "WRONG_FORMAT"),
            ("[1]", "WRONG_FORMAT"),
            (r#"[{"ticket":"t"},{"type":1,"codes":["KRW-BTC"]}]"#, "WRONG_FORMAT"),
            (r#"[{"ticket":"t"},{"type":"ticker","codes":"KRW-BTC"}]"#, "WRONG_FORMAT"),
            (
                r#"[{"ticket":"t"},{"type":"ticker","codes":["KRW-BTC"],"is_only_snapshot":"true"}]"#,
                "WRONG_FORMAT",
            ),
            (r#"[{"ticket":"t"},{"method":"NOPE"}]"#, "WRONG_FORMAT"),
            ("[]", "NO_TICKET"),
            (r#"[{"type":"ticker","codes":["KRW-BTC"]}]"#, "NO_TICKET"),
            (r#"[{"ticket":7},{"type":"ticker","codes":["KRW-BTC"]}]"#, "NO_TICKET"),
            (r#"[{"ticket":"t"}]"#, "NO_TYPE"),
            (r#"[{"ticket":"t"},{"codes":["KRW-BTC"]}]"#, "NO_TYPE"),
            (r#"[{"ticket":"t"},{"type":"ticker"}]"#, "NO_CODES"),
            (r#"[{"ticket":"t"},{"type":"ticker","codes":[]}]"#, "codes 필드가 비어 있습니다."),
            (r#"[{"ticket":"t"},{"type":"a\"b","codes":["KRW-BTC"]}]"#, unknown_type),
            (r#"[{"ticket":"t"},{"type":"candle.2m","codes":["KRW-BTC"]}]"#, "candle.2m 은"),
            (r#"[{"ticket":"t"},{"type":"myOrder","codes":["KRW-BTC"]}]"#, "INVALID_AUTH"),
            (r#"[{"ticket":"t"},{"type":"ticker","codes":["KRW-BTC"]},{"format":"NOPE"}]"#, "NOPE은"),
        ];
        for (text, expected) in cases {
            let error = parse(text).expect_err(text).to_json();
            assert!(error.contains(expected), "{text}: {error}");
            assert!(serde_json::from_str::<Value>(&error).is_ok(), "{error}");
        }
    }

    #[test]
    fn a_list_names_what_runs_in_the_keys_of_the_format() {
        let running =
            [subscription("ticker", &["KRW-BTC", "KRW-ETH"]), subscription("orderbook", &["KRW-BTC"])];
        let full = concat!(
            r#"{"method":"LIST_SUBSCRIPTIONS","result":[{"type":"ticker","codes":["KRW-BTC","KRW-ETH"]},"#,
            r#"{"type":"orderbook","codes":["KRW-BTC"],"level":0}],"ticket":"x"}"#
        );
        let short = concat!(
            r#"{"mthd":"LIST_SUBSCRIPTIONS","rslt":[{"ty":"ticker","cds":["KRW-BTC","KRW-ETH"]},"#,
            r#"{"ty":"orderbook","cds":["KRW-BTC"],"lv":0}],"tckt":"x"}"#
        );
        assert_eq!(list_reply("x", &running, Format::Default), full);
        assert_eq!(list_reply("x", &running, Format::Simple), short);
    }
}
