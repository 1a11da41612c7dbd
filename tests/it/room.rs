//! Rooms: one order for everybody, an ack only for what is stored, nothing said twice, nothing missed by whoever
//! comes back.

use std::collections::BTreeSet;

use futures_util::future::join_all;

use crate::harness::{ChatSocket, TestServer, eventually};

const ROOM: &str = "KRW-BTC";

/// People in a room.
async fn members(server: &TestServer, names: &[&str]) -> Vec<ChatSocket> {
    join_all(names.iter().map(async |name| server.user(name).await.enter(ROOM).await)).await
}

/// Says so many messages, called by the sender's name and a number.
async fn say_many(socket: &mut ChatSocket, name: &str, count: usize) {
    for number in 1..=count {
        socket.say(&format!("{name} {number}")).await;
    }
}

#[tokio::test]
async fn a_sender_receives_its_own_message_with_its_place_in_the_order() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    let mut socket = ann.enter(ROOM).await;
    assert_eq!(socket.offset(), 0);
    socket.say("hi").await;
    let message = socket.expect_message("hi").await;
    assert_eq!((&message["roomName"], &message["offset"]), (&ROOM.into(), &1.into()));
    assert_eq!(message["sender"]["id"], ann.id().await);
    assert_eq!(message["sender"]["name"], ann.name.as_str());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn defect_59_all_members_see_one_order_and_each_sender_keeps_its_own() {
    const EACH: usize = 50;
    let names = ["ann", "bo", "cho", "dan"];
    let server = TestServer::without_prices(&[]).await;
    let sockets = members(&server, &names).await;
    let talks = sockets.into_iter().zip(names).map(|(mut socket, name)| {
        tokio::spawn(async move {
            say_many(&mut socket, name, EACH).await;
            socket.messages(names.len() * EACH).await
        })
    });
    let seen: Vec<_> = join_all(talks).await.into_iter().map(Result::unwrap).collect();

    assert!(seen.iter().all(|messages| *messages == seen[0]), "members disagree");
    let offsets: Vec<u64> = seen[0].iter().map(|(offset, _)| *offset).collect();
    assert_eq!(offsets, (1..=200).collect::<Vec<_>>());
    for name in names {
        let said = seen[0].iter().filter(|(_, content)| content.starts_with(name));
        let expected = (1..=EACH).map(|number| format!("{name} {number}"));
        assert!(said.map(|(_, content)| content.clone()).eq(expected), "{name} is out of order");
    }
}

#[tokio::test]
async fn an_ack_comes_when_the_message_is_stored_and_not_before() {
    // An ack that does not wait for the write would be here first.
    let server = TestServer::without_prices(&[("writer.linger_ms", "300")]).await;
    let mut ann = server.user("ann").await.enter(ROOM).await;
    let ack = ann.say_and_wait("1", "keep this").await;
    let stored = server.history(ROOM).await;
    assert_eq!(stored.len(), 1);
    assert_eq!((&stored[0]["content"], &stored[0]["id"]), (&"keep this".into(), &ack["messageId"]));
    assert_eq!(stored[0]["offset"], ack["offset"]);
    assert_eq!(ann.expect_message("keep this").await["id"], ack["messageId"]);
}

#[tokio::test]
async fn defect_55_a_lone_message_in_a_quiet_room_is_stored_and_survives_a_restart() {
    let server = TestServer::without_prices(&[]).await;
    let mut ann = server.user("ann").await.enter(ROOM).await;
    ann.say("anybody here?").await;
    ann.expect_message("anybody here?").await;
    eventually("the message in the history", async || server.history(ROOM).await.len() == 1).await;
    let before = server.history(ROOM).await;
    ann.hang_up();
    let server = server.restart().await;
    assert_eq!(server.history(ROOM).await, before);
}

#[tokio::test]
async fn defect_55_what_was_said_just_before_a_stop_is_stored() {
    let server = TestServer::without_prices(&[("writer.linger_ms", "5000")]).await;
    let mut ann = server.user("ann").await.enter(ROOM).await;
    ann.say("wait for me").await;
    ann.expect_message("wait for me").await;
    ann.hang_up();
    let server = server.restart().await;
    assert_eq!(server.history(ROOM).await[0]["content"], "wait for me");
}

#[tokio::test]
async fn a_repeat_is_acked_as_a_duplicate_and_said_once() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    let mut first = ann.enter(ROOM).await;
    let ack = first.say_and_wait("order-7", "buy").await;
    assert_eq!(ack.get("duplicate"), None);
    let repeat = first.say_and_wait("order-7", "buy").await;
    first.hang_up();

    let mut second = ann.enter(ROOM).await;
    let after_reconnect = second.say_and_wait("order-7", "buy").await;
    for repeat in [repeat, after_reconnect] {
        assert_eq!(repeat["duplicate"], true);
        assert_eq!((&repeat["messageId"], &repeat["offset"]), (&ack["messageId"], &ack["offset"]));
    }
    second.say_and_wait("order-8", "the next one").await;
    assert_eq!(second.messages(2).await, [(1, "buy".into()), (2, "the next one".into())]);
    assert_eq!(server.history(ROOM).await.len(), 2);
}

#[tokio::test]
async fn a_repeat_is_recognised_after_a_restart_of_the_server() {
    let server = TestServer::without_prices(&[]).await;
    let mut ann = server.user("ann").await.enter(ROOM).await;
    let ack = ann.say_and_wait("order-7", "buy").await;
    ann.hang_up();
    let server = server.restart().await;
    let mut ann = server.log_in("ann").await.enter(ROOM).await;
    let repeat = ann.say_and_wait("order-7", "buy").await;
    assert_eq!((&repeat["messageId"], &repeat["duplicate"]), (&ack["messageId"], &true.into()));
    assert_eq!(server.history(ROOM).await.len(), 1);
}

#[tokio::test]
async fn what_a_room_promises_to_remember_it_remembers_after_a_restart() {
    const SAID: usize = 1_000;
    let server = TestServer::without_prices(&[]).await;
    let mut ann = server.user("ann").await.enter(ROOM).await;
    for number in 1..SAID {
        ann.say_as(&number.to_string(), "once").await;
        ann.next_message().await;
    }
    ann.say_as("last", "once").await;
    while ann.next_of("ACK").await["id"] != "last" {}
    ann.hang_up();
    let server = server.restart().await;
    let mut ann = server.log_in("ann").await.enter(ROOM).await;
    let repeat = ann.say_and_wait("1", "once").await;
    assert_eq!((&repeat["offset"], &repeat["duplicate"]), (&1.into(), &true.into()));
    assert_eq!(ann.say_and_wait("new", "twice").await["offset"], SAID + 1, "an offset was left unused");
}

#[tokio::test]
async fn ids_of_two_senders_have_nothing_to_do_with_each_other() {
    let server = TestServer::without_prices(&[]).await;
    let mut sockets = members(&server, &["ann", "bo"]).await;
    for socket in &mut sockets {
        assert_eq!(socket.say_and_wait("1", "mine").await.get("duplicate"), None);
    }
    assert_eq!(server.history(ROOM).await.len(), 2);
}

#[tokio::test]
async fn a_newcomer_is_shown_the_last_fifty_messages() {
    let server = TestServer::without_prices(&[]).await;
    let mut ann = server.user("ann").await.enter(ROOM).await;
    say_many(&mut ann, "ann", 60).await;
    ann.messages(60).await;
    let mut bo = server.user("bo").await.enter(ROOM).await;
    assert_eq!((bo.offset(), bo.joined.get("recovered")), (60, None));
    let recent: Vec<u64> = bo.messages(50).await.into_iter().map(|(offset, _)| offset).collect();
    assert_eq!(recent, (11..=60).collect::<Vec<_>>());
    ann.say("and now live").await;
    bo.expect_message("and now live").await;
}

#[tokio::test]
async fn whoever_comes_back_with_its_position_gets_exactly_the_gap() {
    let server = TestServer::without_prices(&[]).await;
    let (ann, bo) = (server.user("ann").await, server.user("bo").await);
    let mut talking = ann.enter(ROOM).await;
    let mut leaving = bo.enter(ROOM).await;
    say_many(&mut talking, "ann", 5).await;
    assert_eq!(leaving.messages(5).await.len(), 5);
    let epoch = leaving.epoch().to_owned();
    leaving.hang_up();
    say_many(&mut talking, "ann", 70).await;
    talking.messages(75).await;

    let mut back = bo.come_back(ROOM, &epoch, 5).await;
    assert_eq!((&back.joined["recovered"], back.offset(), back.epoch()), (&true.into(), 75, &*epoch));
    let gap: Vec<u64> = back.messages(70).await.into_iter().map(|(offset, _)| offset).collect();
    assert_eq!(gap, (6..=75).collect::<Vec<_>>());

    let mut up_to_date = bo.come_back(ROOM, &epoch, 75).await;
    assert_eq!(up_to_date.joined["recovered"], true);
    talking.say("next").await;
    assert_eq!(up_to_date.expect_message("next").await["offset"], 76);
}

#[tokio::test]
async fn a_position_that_cannot_be_recovered_is_told_so_and_shown_recent_messages() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    let mut talking = ann.enter(ROOM).await;
    say_many(&mut talking, "ann", 3).await;
    talking.messages(3).await;
    let epoch = talking.epoch().to_owned();
    for (epoch, offset) in [("another", 1), (&*epoch, 4), (&*epoch, u64::MAX)] {
        let mut back = ann.come_back(ROOM, epoch, offset).await;
        assert_eq!(back.joined["recovered"], false, "{epoch} {offset}");
        assert_eq!(back.messages(3).await.len(), 3);
    }
}

#[tokio::test]
async fn a_restarted_server_begins_another_epoch_and_goes_on_counting() {
    let server = TestServer::without_prices(&[]).await;
    let mut ann = server.user("ann").await.enter(ROOM).await;
    ann.say_and_wait("1", "before").await;
    let epoch = ann.epoch().to_owned();
    ann.hang_up();
    let server = server.restart().await;
    let mut back = server.log_in("ann").await.come_back(ROOM, &epoch, 1).await;
    assert_ne!(back.epoch(), epoch);
    assert_eq!(back.joined["recovered"], false);
    back.expect_message("before").await;
    back.say("after").await;
    assert_eq!(back.expect_message("after").await["offset"], 2);
}

#[tokio::test]
async fn a_position_is_whole_or_refused() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    for (query, field, code) in [
        ("epoch=e", "offset", "required"),
        ("offset=1", "epoch", "required"),
        ("epoch=e&offset=-1", "offset", "invalid"),
        ("epoch=e&offset=many", "offset", "invalid"),
    ] {
        let refusal = ann.refusal(&format!("/ws/chat?room={ROOM}&{query}")).await;
        refusal.expect_violations(&[(field, code)]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_or_doubled_for_one_who_reconnects_while_others_talk() {
    const COUNT: u64 = 1_500;
    let server = TestServer::without_prices(&[]).await;
    let (ann, bo) = (server.user("ann").await, server.user("bo").await);
    let (mut talking, mut listening) = (ann.enter(ROOM).await, bo.enter(ROOM).await);
    let talk = tokio::spawn(async move {
        for number in 1..=COUNT {
            talking.say(&number.to_string()).await;
            talking.next_message().await;
        }
    });
    let mut last = 0;
    while last < COUNT {
        // Some messages on each connection, then a cable is pulled.
        for _ in 0..(COUNT - last).min(97) {
            let message = listening.next_message().await;
            assert_eq!(message["offset"], last + 1);
            last += 1;
        }
        let epoch = listening.epoch().to_owned();
        listening.hang_up();
        listening = bo.come_back(ROOM, &epoch, last).await;
        assert_eq!(listening.joined["recovered"], true);
    }
    talk.await.unwrap();
}

#[tokio::test]
async fn defect_58_a_member_that_is_gone_costs_the_others_nothing() {
    let server = TestServer::without_prices(&[]).await;
    let mut sockets = members(&server, &["ann", "bo", "cho"]).await;
    sockets.remove(1).hang_up();
    let [ann, cho] = &mut sockets[..] else { panic!("two are left") };
    ann.say("who is left?").await;
    ann.expect_message("who is left?").await;
    cho.expect_message("who is left?").await;
    eventually("two members", async || server.members(ROOM).await == 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn defect_65_members_that_come_and_go_at_once_are_counted_right() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    let comings = (0..40).map(async |number| {
        let socket = ann.enter(ROOM).await;
        if number % 2 == 0 {
            socket.hang_up();
            return None;
        }
        Some(socket)
    });
    let mut staying: Vec<_> = join_all(comings).await.into_iter().flatten().collect();
    staying[0].say("count me").await;
    for socket in &mut staying {
        socket.expect_message("count me").await;
    }
    eventually("those who left are gone", async || server.members(ROOM).await == 20).await;
}

#[tokio::test]
async fn defect_61_a_message_goes_to_the_room_that_was_entered_whatever_it_says() {
    let server = TestServer::without_prices(&[]).await;
    let (ann, bo) = (server.user("ann").await, server.user("bo").await);
    let (mut here, mut there) = (ann.enter(ROOM).await, bo.enter("KRW-ETH").await);
    here.send_text(
        r#"{"type":"MESSAGE","roomName":"KRW-ETH","sender":{"id":"1","name":"bo"},"content":"it was bo"}"#,
    )
    .await;
    let message = here.expect_message("it was bo").await;
    assert_eq!((&message["roomName"], &message["sender"]["name"]), (&ROOM.into(), &"ann".into()));
    there.say("nothing before this").await;
    assert_eq!(there.expect_message("nothing before this").await["offset"], 1);
}

#[tokio::test]
async fn defect_62_a_room_that_cannot_be_entered_is_refused_before_the_upgrade() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    ann.refusal("/ws/chat").await.expect_violations(&[("room", "required")]);
    for name in ["KRW-NOBODY", "", "krw%20btc", "%22%7D,%7B%22type%22:%22x", "..%2F..%2Fetc", "%FF"] {
        ann.refusal(&format!("/ws/chat?room={name}")).await.expect_problem(404, "not_found");
    }
}

#[tokio::test]
async fn defect_64_the_room_may_be_named_in_the_query_or_in_the_header_of_old_clients() {
    let server = TestServer::without_prices(&[]).await;
    let bearer = server.user("ann").await.bearer();
    let headers = [("Authorization", bearer.as_str()), ("X-Room-Name", "KRW-ETH")];
    let by_header = ChatSocket::join(server.open("/ws/chat", &headers).await).await;
    assert_eq!(by_header.joined["roomName"], "KRW-ETH");
    let by_both = ChatSocket::join(server.open(&format!("/ws/chat?room={ROOM}"), &headers).await).await;
    assert_eq!(by_both.joined["roomName"], ROOM, "the query is the more explicit one");
}

#[tokio::test]
async fn defect_64_rooms_are_listed_with_who_is_there_and_where_they_stand() {
    let server = TestServer::with(&[("chat.rooms", "KRW-BTC,LOBBY-1")]).await;
    let rooms = server.get("/api/rooms").await.expect_status(200).json();
    let rooms = rooms["rooms"].as_array().unwrap();
    let names: Vec<_> = rooms.iter().map(|room| room["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["KRW-BTC", "KRW-ETH", "LOBBY-1"], "those of the settings and of the markets, by name");
    assert!(rooms.iter().all(|room| room["position"].is_null() && room["running"] == false));

    let mut ann = server.user("ann").await.enter("LOBBY-1").await;
    ann.say_and_wait("1", "hi").await;
    let room = server.get("/api/rooms/LOBBY-1").await.expect_status(200).json();
    let keys: BTreeSet<_> = room.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, BTreeSet::from(["members", "name", "position", "running"]));
    assert_eq!((&room["members"], &room["running"]), (&1.into(), &true.into()));
    assert_eq!(room["position"]["epoch"], ann.epoch());
    assert_eq!(room["position"]["offset"], 1);
    server.get("/api/rooms/nowhere").await.expect_problem(404, "not_found");
}
