//! The answer to `LIST_SUBSCRIPTIONS`. <https://docs.upbit.com/kr/reference/list-subscriptions>

use serde::Serialize;
use serde_json::value::RawValue;

use super::{Format, Stream, Subscription};
use crate::spelling::shortest;

/// The answer to `LIST_SUBSCRIPTIONS`: the streams that run, in the keys of the connection's format.
pub(crate) fn list_reply(ticket: &str, running: &[Subscription], format: Format) -> String {
    let reply = match format {
        Format::Default | Format::JsonList => serde_json::to_string(&FullList {
            method: "LIST_SUBSCRIPTIONS",
            result: running.iter().map(FullEntry::from).collect(),
            ticket,
        }),
        Format::Simple | Format::SimpleList => serde_json::to_string(&ShortList {
            mthd: "LIST_SUBSCRIPTIONS",
            rslt: running.iter().map(ShortEntry::from).collect(),
            tckt: ticket,
        }),
    };
    // Strings and integers always serialize.
    reply.unwrap_or_default()
}

#[derive(Serialize)]
struct FullList<'a> {
    method: &'static str,
    result: Vec<FullEntry<'a>>,
    ticket: &'a str,
}

#[derive(Serialize)]
struct FullEntry<'a> {
    #[serde(rename = "type")]
    kind: String,
    codes: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<Box<RawValue>>,
}

#[derive(Serialize)]
struct ShortList<'a> {
    mthd: &'static str,
    rslt: Vec<ShortEntry<'a>>,
    tckt: &'a str,
}

#[derive(Serialize)]
struct ShortEntry<'a> {
    ty: String,
    cds: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    lv: Option<Box<RawValue>>,
}

impl<'a> From<&'a Subscription> for FullEntry<'a> {
    fn from(of: &'a Subscription) -> Self {
        Self { kind: of.kind.to_string(), codes: &of.codes, level: of.shown_level() }
    }
}

impl<'a> From<&'a Subscription> for ShortEntry<'a> {
    fn from(of: &'a Subscription) -> Self {
        Self { ty: of.kind.to_string(), cds: &of.codes, lv: of.shown_level() }
    }
}

impl Subscription {
    /// Only order books have a level.
    fn shown_level(&self) -> Option<Box<RawValue>> {
        let level = || RawValue::from_string(shortest(self.level)).ok();
        (self.kind == Stream::Orderbook).then(level).flatten()
    }
}
