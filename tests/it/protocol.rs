//! The examples of `docs/protocol`: what clients are told to send is understood, and what they are told to expect is
//! what they get, key for key and in that order.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use reqwest::Method;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::json;
use tickroom_actors::wire::CloseCode;
use tickroom_storage::TimestampMs;
use tickroom_storage::candle::Interval;
use tickroom_storage::user::Role;

use crate::harness::{ChatSocket, Socket, TestServer};

const ROOM: &str = "KRW-BTC";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/protocol")
}

fn example(name: &str) -> String {
    std::fs::read_to_string(folder().join(format!("{name}.json"))).unwrap().trim_end().to_owned()
}

/// What a JSON text looks like: its keys in their order, and the type of each value.
#[derive(Debug, PartialEq, Eq)]
enum Shape {
    Null,
    Bool,
    Number,
    Text,
    Object(Vec<(String, Self)>),
    /// The shapes of its elements, as often as they change.
    List(Vec<Self>),
}

impl Shape {
    fn of(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShapeVisitor)
    }
}

struct ShapeVisitor;

impl<'de> Visitor<'de> for ShapeVisitor {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what the protocol is made of")
    }

    fn visit_unit<E: Error>(self) -> Result<Shape, E> {
        Ok(Shape::Null)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Shape, E> {
        Ok(Shape::Bool)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Shape, E> {
        Ok(Shape::Number)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Shape, E> {
        Ok(Shape::Number)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Shape, E> {
        Ok(Shape::Number)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Shape, E> {
        Ok(Shape::Text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Shape, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = list.next_element()? {
            elements.push(element);
        }
        elements.dedup();
        Ok(Shape::List(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Shape, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Shape::Object(entries))
    }
}

/// Holds that a frame of the server looks like its example.
fn assert_like(name: &str, frame: &str) {
    assert_eq!(Shape::of(frame), Shape::of(&example(name)), "{name}: {frame}");
}

/// The next frame of this type, as it was spelled.
async fn next_text_of(socket: &mut Socket, kind: &str) -> String {
    loop {
        let text = socket.next_text().await;
        if text.contains(&format!(r#""type":"{kind}""#)) {
            return text;
        }
    }
}

#[tokio::test]
async fn chat_is_as_its_examples_say() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    let mut socket = ann.open(&format!("/ws/chat?room={ROOM}")).await;
    let joined = socket.next_text().await;
    assert_like("chat-joined", &joined);

    let sent = example("chat-send");
    socket.send_text(&sent).await;
    let message = next_text_of(&mut socket, "MESSAGE").await;
    assert_like("chat-message", &message);
    let said = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap()["content"].clone();
    assert_eq!(said(&message), said(&sent));
    assert_like("chat-ack", &next_text_of(&mut socket, "ACK").await);
    socket.send_text(&sent).await;
    assert_like("chat-ack-duplicate", &next_text_of(&mut socket, "ACK").await);
    socket.send_text(r#"{"type":"MESSAGE","content":"","id":"1"}"#).await;
    assert_like("chat-error", &socket.next_text().await);

    let epoch = serde_json::from_str::<serde_json::Value>(&joined).unwrap()["epoch"].clone();
    let path = format!("/ws/chat?room={ROOM}&epoch={}&offset=1", epoch.as_str().unwrap());
    let mut back = ann.open(&path).await;
    assert_like("chat-joined-recovered", &back.next_text().await);

    drop(socket);
    let last_words = async {
        let shutdown = back.next_text().await;
        back.expect_close(3001).await;
        drop(back);
        shutdown
    };
    let (shutdown, _restarted) = tokio::join!(last_words, server.restart());
    assert_like("chat-shutdown", &shutdown);
}

#[tokio::test]
async fn a_refusal_for_talking_too_fast_is_as_its_example_says() {
    let settings = [("chat.messages_per_second", "1"), ("chat.message_burst", "1")];
    let server = TestServer::without_prices(&settings).await;
    let mut socket: ChatSocket = server.user("ann").await.enter(ROOM).await;
    for _ in 0..20 {
        socket.say("again").await;
    }
    assert_like("chat-error-rate-limited", &next_text_of(&mut socket, "ERROR").await);
}

#[tokio::test]
async fn what_keeps_order_is_as_its_examples_say() {
    let server = TestServer::without_prices(&[]).await;
    let admin = server.promoted("root", Role::Admin).await;
    let bo = server.user("bo").await;
    let mut socket = bo.enter(ROOM).await;
    socket.say("one").await;
    let message = socket.next_message().await;
    let path = |rest: &str| format!("/api/rooms/{ROOM}/{rest}");
    admin.delete(&path(&format!("messages/{}", message["id"].as_str().unwrap()))).await.expect_status(204);
    assert_like("chat-deleted", &next_text_of(&mut socket, "DELETED").await);
    let mut back = admin.enter(ROOM).await;
    assert_like("chat-deleted-place", &next_text_of(&mut back, "DELETED").await);
    let mute = path(&format!("mutes/{}", bo.id().await));
    admin.send_json(Method::PUT, &mute, &json!({ "seconds": 60 })).await.expect_status(204);
    assert_like("chat-mute", &next_text_of(&mut socket, "MUTE").await);
    admin.send_json(Method::PUT, &path("slow-mode"), &json!({ "seconds": 10 })).await.expect_status(204);
    assert_like("chat-slow-mode", &next_text_of(&mut socket, "SLOW_MODE").await);
}

#[tokio::test]
async fn prices_are_as_their_examples_say() {
    let server = TestServer::start().await;
    let mut socket = server.watch_prices().await;
    socket.send_text(&example("ticker-subscribe")).await;
    assert_like("ticker-frame", &socket.next_text().await);
    socket.send_text(r#"{"market":"KRW-NOPE"}"#).await;
    assert_eq!(socket.next_text().await, example("ticker-error"));
    socket.send_text(&example("ticker-unsubscribe")).await;
    socket.settle().await;
    let hub = &server.inside().app.tree.services().hub;
    assert_eq!(hub.watchers(), 0, "the example was not understood");
}

#[tokio::test]
async fn candles_are_as_their_examples_say() {
    let server = TestServer::start().await;
    let candles = &server.inside().app.tree.services().candles;
    let market = ROOM.parse().unwrap();
    // What the exchange would say, were it now.
    let now = TimestampMs::now();
    let minute = Interval::Minute1.window(now).from;
    let state = |price: u32| {
        let text = example("candle-frame").replace("158219000", &price.to_string());
        let text = text.replace("2026-01-01T00:01:00", &minute.to_string().replace(".000Z", ""));
        text.trim_matches(['[', ']']).replace("1767225674871", &now.as_millis().to_string())
    };
    assert!(candles.publish(&market, &state(158_219_000), now));

    let mut socket = server.watch_candles().await;
    socket.send_text(&example("candle-subscribe")).await;
    assert_like("candle-snapshot", &socket.next_text().await);
    assert!(candles.publish(&market, &state(158_218_000), now));
    assert_like("candle-frame", &socket.next_text().await);
    socket.send_text(&example("candle-unsubscribe")).await;
    socket.settle().await;
    assert_eq!(candles.watchers(), 0, "the example was not understood");
}

#[tokio::test]
async fn notifications_are_as_their_examples_say() {
    let server = TestServer::without_prices(&[]).await;
    let (ann, bo) = (server.user("ann").await, server.user("bo").await);
    let (mut stream, mut socket) = (ann.listen().await, ann.enter(ROOM).await);
    let post = ann.post("비트코인 전망", "text").await;
    bo.comment(&post, "well").await;
    assert_like("notification", &stream.next_of("notification").await.text);
    assert_like("chat-notification", &next_text_of(&mut socket, "NOTIFICATION").await);
    assert_like("notification-unread-count", &stream.next_of("unread-count").await.text);
}

#[tokio::test]
async fn the_end_of_a_market_is_told_as_its_example_says() {
    let server = TestServer::start().await;
    let mut socket = server.watch_prices().await;
    socket.send_text(&example("ticker-subscribe")).await;
    socket.next_of("ticker").await;
    server.inside().app.tree.services().hub.keep(&[]);
    assert_eq!(next_text_of(&mut socket, "CLOSED").await, example("ticker-closed"));
}

#[tokio::test]
async fn the_age_of_prices_is_told_as_its_example_says() {
    let server = TestServer::with(&[("feed.stale_after_s", "1")]).await;
    let mut socket = server.watch_prices().await;
    socket.send_text(&example("ticker-subscribe")).await;
    assert_eq!(next_text_of(&mut socket, "AGE").await, example("ticker-age"));
}

#[test]
fn every_example_is_tested() {
    let source = concat!(include_str!("protocol.rs"), include_str!("centrifuge.rs"));
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let examples = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    let names: BTreeSet<_> =
        examples.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    assert!(names.len() >= 13, "{names:?}");
    for name in names {
        assert!(source.contains(&format!("\"{name}\"")), "nothing tests {name}.json");
    }
}

#[test]
fn the_manual_knows_every_close_code() {
    let manual = |name| std::fs::read_to_string(folder().join(name)).unwrap();
    let manual = manual("chat.md") + &manual("centrifuge.md");
    for CloseCode { code, reason } in CloseCode::ALL {
        assert!(manual.contains(&format!("| {code} | `{reason}` |")), "{code} {reason} is missing");
    }
}
