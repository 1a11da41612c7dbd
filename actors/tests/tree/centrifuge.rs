//! The Centrifuge protocol: who gets in, many channels on one socket, recovery whatever happens in between.

use crate::client::{CHAT, Client, connect, dialect, error_of, subscribe};
use crate::faulty_log::Mode;
use crate::harness::{TestTree, config};
use std::sync::Arc;
use std::time::Duration;
use tickroom_actors::TreeConfig;
use tickroom_actors::session::Identity;
use tickroom_actors::wire::CloseCode;
use tickroom_actors::wire::centrifuge::Format;
use tickroom_actors::wire::centrifuge::message::*;
use tickroom_storage::FamilyId;

const JSON: Format = Format::Json;

#[tokio::test]
async fn clients_of_all_dialects_share_a_room() {
    let test = TestTree::start().await;
    let native = test.enter("ann").await;
    let (json, protobuf) = (test.client(JSON, "bo").await, test.client(Format::Protobuf, "cho").await);
    let subscribed = json.subscribe(CHAT).await;
    assert!(subscribed.recoverable && subscribed.positioned && !subscribed.was_recovering);
    protobuf.subscribe(CHAT).await;
    native.insist("native").await;
    json.insist("json").await;
    protobuf.insist("protobuf").await;
    let seen = native.sees_messages(3).await;
    assert_eq!(json.sees_messages(3).await, seen);
    assert_eq!(protobuf.sees_messages(3).await, seen);
    assert_eq!(test.stored(), ["native", "json", "protobuf"]);
}

#[tokio::test]
async fn commands_behind_a_slow_connect_wait_for_it_and_all_in_one_frame_are_answered() {
    let test = TestTree::start().await;
    for format in Format::ALL {
        let client = test.silent_client(format);
        let data = r#"{"content":"early"}"#.into();
        let publish = Command {
            id: 4,
            publish: Some(PublishRequest { channel: CHAT.into(), data }),
            ..Command::default()
        };
        client
            .send(&[connect(1, "slow:ann"), subscribe(2, CHAT), subscribe(3, "ticker:NO-SUCH"), publish])
            .await;
        client.sees_messages(1).await;
        client.answer(4).await;
        let ids: Vec<u32> = client.replies().iter().map(|reply| reply.id).filter(|id| *id > 0).collect();
        assert_eq!(ids[0], 1, "{ids:?}");
        assert_eq!(error_of(&client.answer(3).await), (102, false));
        assert_eq!(client.slot.identity().unwrap().name, "ann".into());
    }
}

#[tokio::test]
async fn tokens_that_do_not_help_are_answered_each_in_its_way() {
    let test = TestTree::start().await;
    for (token, expected) in [("expired", (109, false)), ("down", (100, true))] {
        let client = test.silent_client(JSON);
        client.send(&[connect(1, token), subscribe(2, CHAT)]).await;
        assert_eq!(error_of(&client.answer(1).await), expected, "{token}");
        client.send(&[subscribe(3, CHAT)]).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(client.replies().len(), 1, "nothing that follows is heard");
    }
    let client = test.silent_client(JSON);
    client.send(&[connect(1, "forged"), subscribe(2, CHAT)]).await;
    client.is_closed_with(CloseCode::INVALID_TOKEN).await;
    assert!(client.replies().is_empty());
}

#[tokio::test]
async fn what_is_no_protocol_ends_the_connection() {
    let test = TestTree::start().await;
    let silent = test.silent_client(JSON);
    silent.send(&[subscribe(1, CHAT)]).await;
    silent.is_closed_with(CloseCode::BAD_REQUEST).await;
    let empty = SubscribeRequest::default();
    let unknown_delta =
        SubscribeRequest { channel: CHAT.into(), delta: "x".into(), ..SubscribeRequest::default() };
    for (command, code) in [
        (connect(2, "ann"), CloseCode::BAD_REQUEST),
        (Command { id: 2, ..Command::default() }, CloseCode::BAD_REQUEST),
        (Command::default(), CloseCode::BAD_REQUEST),
        (Command { id: 2, subscribe: Some(empty), ..Command::default() }, CloseCode::BAD_REQUEST),
        (Command { id: 2, subscribe: Some(unknown_delta), ..Command::default() }, CloseCode::BAD_REQUEST),
        (Command { send: Some(Empty {}), ..Command::default() }, CloseCode::NOT_AVAILABLE),
    ] {
        let client = test.client(JSON, "ann").await;
        client.send(&[command]).await;
        client.is_closed_with(code).await;
    }
}

#[tokio::test]
async fn channels_that_one_may_not_have_are_refused_and_others_stay() {
    let test = TestTree::start().await;
    let client = test.client(JSON, "ann").await;
    client.subscribe(CHAT).await;
    let own = format!("user:#{}", client.slot.user().unwrap());
    for (channel, code) in [
        ("nope:KRW-BTC", 102),
        ("KRW-BTC", 102),
        ("chat:KRW-NOPE", 102),
        ("chat:../etc", 102),
        ("user:#5", 103),
        (&own, 105),
        (CHAT, 105),
        (&"c".repeat(256), 107),
    ] {
        let reply = client.call(|command| command.subscribe = subscribe(1, channel).subscribe).await;
        assert_eq!(error_of(&reply), (code, false), "{channel}");
    }
    assert_eq!(client.unsubscribe("chat:KRW-STRANGER").await.unsubscribe, Some(Empty {}));
    client.insist("still here").await;
    client.sees_messages(1).await;
}

#[tokio::test]
async fn a_socket_has_so_many_channels_and_no_more() {
    let rooms = (0..130).map(|room| format!("ROOM-{room}").parse().unwrap()).collect();
    let test = TestTree::with(TreeConfig { rooms, ..config() }).await;
    let client = test.client(JSON, "ann").await;
    // One's own channel is the first.
    let commands: Vec<_> = (0..128).map(|room| subscribe(room + 1, &format!("chat:ROOM-{room}"))).collect();
    client.send(&commands).await;
    for id in 1..=127 {
        assert!(client.answer(id).await.subscribe.is_some());
    }
    assert_eq!(error_of(&client.answer(128).await), (106, false));
    client.unsubscribe("chat:ROOM-0").await;
    client.subscribe("chat:ROOM-127").await;
    client.hang_up();
    let directory = &test.tree.services().directory;
    assert!(directory.all().iter().all(|room| room.members.is_empty()), "all rooms are left");
}

#[tokio::test]
async fn unsubscribing_right_behind_subscribing_is_answered_in_order_and_nothing_comes_after() {
    let test = TestTree::start().await;
    let ann = test.enter("ann").await;
    let client = test.client(JSON, "bo").await;
    for round in 0..50 {
        let request = ChannelRequest { channel: CHAT.into() };
        let unsubscribe = Command { id: 2 * round + 2, unsubscribe: Some(request), ..Command::default() };
        client.send(&[subscribe(2 * round + 1, CHAT), unsubscribe]).await;
        ann.say(&round.to_string()).await;
        client.answer(2 * round + 2).await;
    }
    ann.insist("last").await;
    let mut is_subscribed = false;
    for reply in client.replies() {
        is_subscribed = (is_subscribed || reply.subscribe.is_some()) && reply.unsubscribe.is_none();
        assert!(reply.push.is_none() || is_subscribed, "{reply:?}");
        assert!(reply.error.is_none(), "{reply:?}");
    }
}

#[tokio::test]
async fn a_publish_that_cannot_be_stored_in_time_is_answered_and_said_once_when_repeated() {
    let test = TestTree::start().await;
    let client = test.client(JSON, "ann").await;
    test.log.set(Mode::Hanging);
    let reply = client.publish("slow").await;
    assert_eq!(error_of(&reply), (100, true));
    test.log.set(Mode::Up);
    client.insist("slow").await;
    assert_eq!(test.stored(), ["slow"]);
}

#[tokio::test]
async fn what_may_not_be_said_is_refused_for_good_and_too_much_for_now() {
    let quota = governor::Quota::per_second(std::num::NonZeroU32::new(5).unwrap());
    let test = TestTree::with(TreeConfig { message_quota: quota, ..config() }).await;
    let client = test.client(JSON, "ann").await;
    let publish = |channel: &str, data: &str| {
        let request = PublishRequest { channel: channel.into(), data: data.to_owned().into() };
        client.call(|command| command.publish = Some(request))
    };
    assert_eq!(error_of(&publish(CHAT, r#"{"content":" "}"#).await), (107, false));
    assert_eq!(error_of(&publish(CHAT, "null").await), (107, false));
    assert_eq!(error_of(&publish("ticker:KRW-BTC", "{}").await), (103, false));
    assert_eq!(error_of(&publish("chat:KRW-NOPE", "{}").await), (102, false));
    let mut reply = client.publish("one").await;
    for number in 0..10 {
        reply = client.publish(&number.to_string()).await;
    }
    assert_eq!(error_of(&reply), (111, true));
    assert!(client.is_open());
    client.unsubscribe(CHAT).await;
}

#[tokio::test]
async fn somebody_who_is_in_no_room_can_speak_in_a_room_that_sleeps() {
    let test = TestTree::start().await;
    let client = test.client(JSON, "ann").await;
    client.insist("into the dark").await;
    assert_eq!(test.stored(), ["into the dark"]);
}

#[tokio::test]
async fn nobody_in_particular_may_not_chat() {
    let test = TestTree::start().await;
    let client = test.client(JSON, "").await;
    let subscribed = client.call(|command| command.subscribe = subscribe(1, CHAT).subscribe).await;
    assert_eq!(error_of(&subscribed), (103, false));
    assert_eq!(error_of(&client.publish("hello").await), (103, false));
}

#[tokio::test]
async fn a_connection_lives_as_long_as_its_client_brings_new_tokens() {
    let refresh_grace = Duration::from_millis(500);
    let test = TestTree::with(TreeConfig { refresh_grace, ..config() }).await;
    let (renewed, forgotten) = (test.client(JSON, "short:ann").await, test.client(JSON, "short:bo").await);
    let connected = forgotten.replies()[0].connect.clone().unwrap();
    assert!(connected.expires && connected.ttl == 1, "{connected:?}");
    let refresh = |client: &Client, token: &str| {
        let (token, id) = (token.to_owned(), client.id());
        (Command { id, refresh: Some(RefreshRequest { token }), ..Command::default() }, id)
    };
    let (command, id) = refresh(&renewed, "ann");
    renewed.send(&[command]).await;
    assert!(renewed.answer(id).await.refresh.unwrap().ttl > 3_000);
    forgotten.is_closed_with(CloseCode::EXPIRED).await;
    assert!(renewed.is_open());
    for (token, code) in [
        ("bo", CloseCode::INVALID_TOKEN),
        ("forged", CloseCode::INVALID_TOKEN),
        ("expired", CloseCode::EXPIRED),
    ] {
        let client = test.client(JSON, "ann").await;
        client.send(&[refresh(&client, token).0]).await;
        client.is_closed_with(code).await;
    }
}

#[tokio::test]
async fn a_logout_ends_connections_that_came_with_a_token_and_frees_their_place() {
    let test = TestTree::with(TreeConfig { sockets_per_user: 1, ..config() }).await;
    let first = test.client(JSON, "ann").await;
    let second = test.silent_client(JSON);
    second.send(&[connect(1, "ann")]).await;
    second.is_closed_with(CloseCode::TOO_MANY_SOCKETS).await;
    let Identity { user, family, .. } = first.slot.identity().unwrap();
    test.tree.logged_out(user, FamilyId::new(5));
    test.tree.logged_out(user, family.unwrap());
    first.is_closed_with(CloseCode::LOGGED_OUT).await;
    first.hang_up();
    test.client(JSON, "ann").await;
}

#[tokio::test]
async fn who_says_nothing_or_answers_no_ping_is_let_go() {
    let (ping_interval, pong_timeout) = (Duration::from_millis(400), Duration::from_millis(200));
    let connect_within = Duration::from_millis(500);
    let test = TestTree::with(TreeConfig { ping_interval, pong_timeout, connect_within, ..config() }).await;
    let silent = test.silent_client(JSON);
    let dead = test.client(JSON, "ann").await;
    silent.is_closed_with(CloseCode::STALE).await;
    assert!(silent.replies().is_empty(), "it was not asked either");
    dead.is_closed_with(CloseCode::NO_PONG).await;
    assert!(dead.replies().iter().any(|reply| *reply == Default::default()), "it was asked");
}

#[tokio::test]
async fn on_the_way_down_nobody_gets_in_and_those_who_are_in_come_back() {
    let test = TestTree::start().await;
    let (client, late) = (test.client(JSON, "ann").await, test.silent_client(JSON));
    client.subscribe(CHAT).await;
    let tree = Arc::clone(&test.tree);
    let down = tokio::spawn(async move { tree.shutdown(Duration::from_secs(3)).await });
    client.is_closed_with(CloseCode::SHUTDOWN).await;
    late.is_closed_with(CloseCode::SHUTDOWN).await;
    assert!(test.tree.open(None, dialect(JSON)).is_err());
    client.hang_up();
    late.hang_up();
    assert_eq!(down.await.unwrap(), 0);
}

#[tokio::test]
async fn many_commands_share_a_frame_and_so_do_their_answers() {
    let test = TestTree::start().await;
    let client = test.client(JSON, "ann").await;
    let before = client.frames();
    let pings: Vec<_> =
        (1..=50).map(|id| Command { id, ping: Some(Empty {}), ..Command::default() }).collect();
    client.send(&pings).await;
    client.answer(50).await;
    assert_eq!(client.frames(), before + 50 / 50);
}
