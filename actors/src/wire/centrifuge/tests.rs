//! Both spellings mean the same: one table of messages drives both.

use super::message::*;
use super::publication::Said;
use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};
use tickroom_storage::{Offset, UserId};

/// Commands as SDKs write them in JSON, and what they are.
fn commands() -> Vec<(Value, Command)> {
    let command = |id| Command { id, ..Command::default() };
    let channel = || Some(ChannelRequest { channel: "chat:KRW-BTC".into() });
    let subscribe = SubscribeRequest {
        channel: "chat:KRW-BTC".into(),
        recover: true,
        epoch: "kQxVbTnA".into(),
        offset: 42,
        join_leave: true,
        flag: 3,
        ..SubscribeRequest::default()
    };
    let since = Some(StreamPosition { offset: 43, epoch: "kQxVbTnA".into() });
    let history = HistoryRequest { channel: "chat:KRW-BTC".into(), limit: -1, since, reverse: true };
    let publish = PublishRequest { channel: "chat:KRW-BTC".into(), data: r#"{"content":"둘\n"}"#.into() };
    vec![
        (
            json!({ "connect": { "token": "J", "name": "js" }, "id": 1 }),
            Command { connect: Some(ConnectRequest { token: "J".into() }), ..command(1) },
        ),
        (
            json!({ "id": 1, "connect": {} }),
            Command { connect: Some(ConnectRequest::default()), ..command(1) },
        ),
        (
            json!({ "id": 2, "subscribe": {
                "channel": "chat:KRW-BTC", "recover": true, "epoch": "kQxVbTnA", "offset": 42, "join_leave": true, "flag": 3,
                "new": ["field"],
            } }),
            Command { subscribe: Some(subscribe), ..command(2) },
        ),
        (
            json!({ "id": 3, "unsubscribe": { "channel": "chat:KRW-BTC" } }),
            Command { unsubscribe: channel(), ..command(3) },
        ),
        (
            json!({ "id": 4, "publish": { "channel": "chat:KRW-BTC", "data": { "content": "둘\n" } } }),
            Command { publish: Some(publish), ..command(4) },
        ),
        (
            json!({ "id": 5, "presence": { "channel": "chat:KRW-BTC" } }),
            Command { presence: channel(), ..command(5) },
        ),
        (
            json!({ "id": 6, "presence_stats": { "channel": "chat:KRW-BTC" } }),
            Command { presence_stats: channel(), ..command(6) },
        ),
        (
            json!({ "id": 7, "history": {
                "channel": "chat:KRW-BTC", "limit": -1, "since": { "offset": 43, "epoch": "kQxVbTnA" }, "reverse": true,
            } }),
            Command { history: Some(history), ..command(7) },
        ),
        (json!({ "id": 8, "rpc": { "method": "x" } }), Command { rpc: Some(Empty {}), ..command(8) }),
        (json!({ "send": { "data": [1, "two", null] } }), Command { send: Some(Empty {}), ..command(0) }),
        (
            json!({ "id": 9, "refresh": { "token": "K" } }),
            Command { refresh: Some(RefreshRequest { token: "K".into() }), ..command(9) },
        ),
        (json!({}), command(0)),
    ]
}

#[test]
fn a_command_means_the_same_in_both_spellings() {
    for (json, command) in commands() {
        assert_eq!(Format::Json.decode(json.to_string().as_bytes()), Ok(vec![command.clone()]), "{json}");
        let bytes = command.encode_length_delimited_to_vec();
        assert_eq!(Format::Protobuf.decode(&bytes), Ok(vec![command]), "{json}");
    }
}

#[test]
fn a_frame_holds_any_number_of_commands_and_keeps_their_order() {
    let (json, commands): (Vec<_>, Vec<_>) = commands().into_iter().unzip();
    let lines: Vec<_> = json.iter().map(Value::to_string).collect();
    assert_eq!(Format::Json.decode(lines.join("\n").as_bytes()).as_ref(), Ok(&commands));
    let trailing = format!("{}\n", lines.join("\n"));
    assert_eq!(Format::Json.decode(trailing.as_bytes()).as_ref(), Ok(&commands));
    let bytes: Vec<u8> = commands.iter().flat_map(Message::encode_length_delimited_to_vec).collect();
    assert_eq!(Format::Protobuf.decode(&bytes).as_ref(), Ok(&commands));
}

#[test]
fn what_is_no_command_is_refused() {
    for text in [
        "",
        "\n",
        "{",
        "[]",
        "[1]",
        "1",
        "null",
        "{}\n\n{}",
        r#"{"id":"1"}"#,
        r#"{"id":-1}"#,
        r#"{"connect":5}"#,
    ] {
        assert_eq!(Format::Json.decode(text.as_bytes()), Err(Malformed), "{text:?}");
    }
    assert_eq!(Format::Json.decode(&[b'{', 0xff, b'}']), Err(Malformed));
    for bytes in [&[][..], &[5], &[1, 8], &[2, 0x22, 9], &[0xff; 11]] {
        assert_eq!(Format::Protobuf.decode(bytes), Err(Malformed), "{bytes:?}");
    }
}

#[test]
fn an_empty_result_is_written_all_the_same() {
    let reply = Reply { subscribe: Some(SubscribeResult::default()), ..Reply::to(2) };
    assert_eq!(json_of(&reply), r#"{"id":2,"subscribe":{}}"#);
    let presence = Reply { presence: Some(PresenceResult::default()), ..Reply::to(3) };
    assert_eq!(json_of(&presence), r#"{"id":3,"presence":{"presence":{}}}"#);
    let history = Reply { history: Some(HistoryResult::default()), ..Reply::to(4) };
    assert_eq!(json_of(&history), r#"{"id":4,"history":{"publications":[],"epoch":"","offset":0}}"#);
}

#[test]
fn a_server_side_subscription_is_written_with_its_empty_result() {
    let sub = ServerSubscription { channel: "user:#7".into(), result: Some(SubscribeResult::default()) };
    let connect = ConnectResult { client: "c".into(), subs: vec![sub], ..ConnectResult::default() };
    let reply = Reply { connect: Some(connect), ..Reply::to(1) };
    assert_eq!(json_of(&reply), r#"{"id":1,"connect":{"client":"c","subs":{"user:#7":{}}}}"#);
    assert_eq!(serde_json::from_str::<Reply>(&json_of(&reply)).unwrap(), reply);
    assert!(reply.encode_to_vec().ends_with(b"\x32\x0b\x0a\x07user:#7\x12\x00"));
}

fn json_of(reply: &Reply) -> String {
    let mut out = BytesMut::new();
    Format::Json.put(&mut out, reply);
    String::from_utf8(out.to_vec()).unwrap()
}

/// What a client reads from frames: fragments put together, replies taken apart.
fn replies(format: Format, frames: &[Bytes]) -> Vec<Reply> {
    let payload: Vec<u8> = frames.iter().flat_map(|frame| frame::payload(frame).to_vec()).collect();
    match format {
        Format::Json => {
            payload.split(|byte| *byte == b'\n').map(|line| serde_json::from_slice(line).unwrap()).collect()
        }
        Format::Protobuf => {
            let mut rest = &payload[..];
            let mut replies = Vec::new();
            while !rest.is_empty() {
                replies.push(Reply::decode_length_delimited(&mut rest).unwrap());
            }
            replies
        }
    }
}

#[test]
fn pings_are_empty_messages() {
    for format in Format::ALL {
        assert_eq!(replies(format, &[format.ping()]), [Reply::default()]);
    }
}

fn said(offset: u64) -> Said {
    let json = format!(r#"{{"type":"MESSAGE","content":"번 {offset}"}}"#).into();
    Said { json, sender: UserId::new(7), offset: Offset::new(offset) }
}

#[test]
fn a_batch_is_one_frame_of_pushes() {
    for format in Format::ALL {
        let frame = format.pushes("chat:KRW-BTC", (5..8).map(said));
        let pushes: Vec<_> = replies(format, &[frame]).into_iter().map(|reply| reply.push.unwrap()).collect();
        assert!(pushes.iter().all(|push| push.channel == "chat:KRW-BTC"));
        let publications: Vec<_> = pushes.into_iter().map(|push| push.publication.unwrap()).collect();
        assert_eq!(publications, (5..8).map(|offset| Publication::from(said(offset))).collect::<Vec<_>>());
    }
}

proptest! {
    /// However a list is cut into shared fragments, the client reads one reply with all of it.
    #[test]
    fn a_recovered_reply_is_whole(first in 1u64..5, fragments in prop::collection::vec(1u64..70, 0..5), id: u32) {
        for format in Format::ALL {
            let result = SubscribeResult { recoverable: true, recovered: true, offset: 3, ..SubscribeResult::default() };
            let mut next = 4;
            let mut take = |count: u64| { next += count; (next - count..next).map(said) };
            let head = format.list(true, take(first));
            let rest = fragments.iter().map(|count| format.list_fragment(take(*count))).collect();
            let frames = format.recovered(id, result.clone(), &head, rest);
            let publications = (4..next).map(|offset| said(offset).into()).collect();
            let expected = Reply { subscribe: Some(SubscribeResult { publications, ..result }), ..Reply::to(id) };
            prop_assert_eq!(replies(format, &frames), [expected]);
        }
    }

    #[test]
    fn no_input_panics(bytes: Vec<u8>) {
        for format in Format::ALL {
            let _ = format.decode(&bytes);
        }
    }
}
