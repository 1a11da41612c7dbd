//! What comes over the wire is hostile: whatever bytes a client sends, the server answers with an error code or the
//! close code of RFC 6455, and nobody else notices.

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::harness::{ChatSocket, Frame, TestServer, eventually};

const ROOM: &str = "KRW-BTC";
const INBOUND_BYTES: usize = 32 * 1024;

async fn ann_in_a_room() -> (TestServer, ChatSocket) {
    let server = TestServer::without_prices(&[]).await;
    let socket = server.user("ann").await.enter(ROOM).await;
    (server, socket)
}

fn say(content: &str) -> String {
    json!({ "type": "MESSAGE", "content": content }).to_string()
}

#[tokio::test]
async fn defect_63_every_mistake_has_its_code_and_the_socket_lives_on() {
    let (_server, mut ann) = ann_in_a_room().await;
    let too_long = say(&"가".repeat(2_001));
    let wide_id = json!({ "content": "x", "id": "i".repeat(65) }).to_string();
    let deep = "[".repeat(10_000);
    let deep_value = format!(r#"{{"x":{}"#, "[".repeat(10_000));
    for (text, code) in [
        ("", "malformed"),
        ("hello", "malformed"),
        ("null", "malformed"),
        ("{", "malformed"),
        (r#"["MESSAGE","hi"]"#, "malformed"),
        (r#"{"content":"a"}{"content":"b"}"#, "malformed"),
        (r#"{"content":5}"#, "malformed"),
        (r#"{"content":"a","content":"b"}"#, "malformed"),
        (r#"{"content":"\ud800"}"#, "malformed"),
        (&deep, "malformed"),
        (&deep_value, "malformed"),
        (r#"{"type":"HELLO","content":"x"}"#, "unknown_type"),
        (r#"{"type":"","content":"x"}"#, "unknown_type"),
        ("{}", "content_empty"),
        (r#"{"content":null}"#, "content_empty"),
        (r#"{"content":" \t\r\n "}"#, "content_empty"),
        (r#"{"content":"a\u0000"}"#, "content_control_character"),
        (r#"{"content":"a\u001b[31m"}"#, "content_control_character"),
        (r#"{"content":"x","id":""}"#, "invalid_id"),
        (&too_long, "content_too_long"),
        (&wide_id, "invalid_id"),
    ] {
        ann.send_text(text).await;
        ann.expect_error(code).await;
    }
    ann.say("still here").await;
    assert_eq!(ann.expect_message("still here").await["offset"], 1, "nothing of the above was said");
    assert!(ann.take_unread().is_empty());
}

#[tokio::test]
async fn an_error_names_the_message_that_it_is_about() {
    let (_server, mut ann) = ann_in_a_room().await;
    ann.say_as("m-1", "").await;
    assert_eq!(ann.expect_error("content_empty").await["id"], "m-1");
}

#[tokio::test]
async fn a_binary_frame_is_refused_and_the_socket_lives_on() {
    let (_server, mut ann) = ann_in_a_room().await;
    ann.send(Message::binary(say("bytes"))).await;
    ann.expect_error("binary_not_supported").await;
    ann.say("text").await;
    ann.expect_message("text").await;
}

#[tokio::test]
async fn two_thousand_characters_are_taken_however_many_bytes_they_have() {
    let (_server, mut ann) = ann_in_a_room().await;
    for content in ["x".repeat(2_000), "👋".repeat(2_000)] {
        ann.say(&content).await;
        ann.expect_message(&content).await;
    }
}

#[tokio::test]
async fn a_message_may_be_as_large_as_the_limit_and_not_larger() {
    let (_server, mut ann) = ann_in_a_room().await;
    let mut text = say("padded");
    text.push_str(&" ".repeat(INBOUND_BYTES - text.len()));
    ann.send_text(&text).await;
    ann.expect_message("padded").await;
    text.push(' ');
    ann.send_text(&text).await;
    ann.expect_close(1009).await;
}

#[tokio::test]
async fn a_message_in_pieces_has_the_same_limit() {
    let (_server, mut ann) = ann_in_a_room().await;
    let piece = "x".repeat(INBOUND_BYTES / 2 + 1);
    ann.write(&Frame::text(&piece).unfinished().bytes()).await;
    ann.write(&Frame::continuation(&piece).bytes()).await;
    ann.expect_close(1009).await;
}

#[tokio::test]
async fn text_that_is_not_utf8_ends_the_socket_with_1007() {
    for wrong in [&b"\xff\xfe"[..], b"{\"content\":\"\xed\xa0\x80\"}", b"\xc0\xaf"] {
        let (_server, mut ann) = ann_in_a_room().await;
        ann.write(&Frame::text(wrong).bytes()).await;
        ann.expect_close(1007).await;
    }
}

#[tokio::test]
async fn breaking_the_protocol_ends_the_socket_with_1002() {
    let server = TestServer::without_prices(&[]).await;
    let user = server.user("ann").await;
    let mut witness = server.user("bo").await.enter(ROOM).await;
    for (what, frame) in [
        ("unmasked", Frame::text(say("x")).unmasked()),
        ("reserved opcode", Frame::reserved()),
        ("reserved bit", Frame::text(say("x")).extended()),
        ("fragmented ping", Frame::ping("x").unfinished()),
        ("long ping", Frame::ping("x".repeat(126))),
        ("continuation of nothing", Frame::continuation("x")),
    ] {
        let mut ann = user.enter(ROOM).await;
        ann.write(&frame.bytes()).await;
        ann.expect_close(1002).await;
        witness.say(what).await;
        witness.expect_message(what).await;
    }
}

#[tokio::test]
async fn a_frame_that_comes_byte_by_byte_is_one_message() {
    let (_server, mut ann) = ann_in_a_room().await;
    for byte in Frame::text(say("하나씩")).bytes() {
        ann.write(&[byte]).await;
    }
    ann.expect_message("하나씩").await;
}

#[tokio::test]
async fn a_message_in_pieces_is_put_together_even_around_a_ping() {
    let (_server, mut ann) = ann_in_a_room().await;
    let text = say("한글");
    // In the middle of a character.
    let (head, tail) = text.as_bytes().split_at(text.find('한').unwrap() + 1);
    ann.write(&Frame::text(head).unfinished().bytes()).await;
    ann.write(&Frame::ping("between").bytes()).await;
    ann.write(&Frame::continuation(&tail[..3]).unfinished().bytes()).await;
    ann.write(&Frame::continuation(&tail[3..]).bytes()).await;
    ann.expect_message("한글").await;
}

#[tokio::test]
async fn many_frames_in_one_piece_are_all_heard_in_order() {
    let (_server, mut ann) = ann_in_a_room().await;
    let frames: Vec<u8> = (1..=100).flat_map(|n| Frame::text(say(&n.to_string())).bytes()).collect();
    ann.write(&frames).await;
    let expected: Vec<_> = (1..=100).map(|n: u64| (n, n.to_string())).collect();
    assert_eq!(ann.messages(100).await, expected);
}

#[tokio::test]
async fn a_frame_that_is_cut_off_says_nothing() {
    let server = TestServer::without_prices(&[]).await;
    let mut bo = server.user("bo").await.enter(ROOM).await;
    let mut ann = server.user("ann").await.enter(ROOM).await;
    let bytes = Frame::text(say("half a sen")).bytes();
    ann.write(&bytes[..bytes.len() / 2]).await;
    ann.hang_up();
    eventually("ann is gone", async || server.members(ROOM).await == 1).await;
    bo.say("where is ann?").await;
    assert_eq!(bo.expect_message("where is ann?").await["offset"], 1);
}

#[tokio::test]
async fn a_ping_is_answered_with_what_it_held() {
    let (_server, mut ann) = ann_in_a_room().await;
    ann.expect_pong("").await;
    ann.expect_pong("are you there?").await;
}

#[tokio::test]
async fn a_close_is_answered_and_the_connection_ends() {
    let (server, mut ann) = ann_in_a_room().await;
    let close = CloseFrame { code: CloseCode::Away, reason: "tab closed".into() };
    ann.send(Message::Close(Some(close))).await;
    ann.expect_close(1000).await;
    ann.expect_end_of_stream().await;
    ann.hang_up();
    eventually("ann is gone", async || server.members(ROOM).await == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_right_before_the_goodbye_is_said() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    let mut bo = server.user("bo").await.enter(ROOM).await;
    for number in 1..=50 {
        let text = format!("goodbye {number}");
        let mut socket = ann.enter(ROOM).await;
        let close = Frame::close().bytes();
        socket.write(&[Frame::text(say(&text)).bytes(), close].concat()).await;
        socket.expect_close(1000).await;
        bo.expect_message(&text).await;
    }
}

#[tokio::test]
async fn what_is_sent_without_waiting_for_the_room_is_said_once_it_is_entered() {
    let server = TestServer::without_prices(&[]).await;
    let mut eager = server.user("ann").await.open(&format!("/ws/chat?room={ROOM}")).await;
    eager.send_text(&say("am I in?")).await;
    let mut ann = ChatSocket::join(eager).await;
    ann.expect_message("am I in?").await;
}
