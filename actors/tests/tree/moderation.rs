//! Order in rooms, when actors die and the log fails.

use crate::client::CHAT;
use crate::faulty_log::Mode;
use crate::harness::{BTC, TestTree, eventually, identity};
use std::sync::Arc;
use tickroom_actors::room::{NotDeleted, RoomSlot, Ruling};
use tickroom_actors::wire::CloseCode;
use tickroom_actors::wire::centrifuge::Format;
use tickroom_storage::message::Sender;
use tickroom_storage::moderation::{Decision, NewSanction, SanctionKind};
use tickroom_storage::{MessageId, TimestampMs, UserId};

fn room(test: &TestTree) -> Arc<RoomSlot> {
    test.tree.services().directory.get(&BTC.parse().unwrap()).unwrap()
}

async fn take_back(test: &TestTree, message: &serde_json::Value) -> Result<UserId, NotDeleted> {
    let id: MessageId = message["id"].as_str().unwrap().parse().unwrap();
    let by: Sender = identity("mo").into();
    test.tree.delete_message(&room(test), id, None, by, true).await
}

async fn kill(test: &TestTree) {
    let room = room(test);
    let dead = room.address.actor().unwrap();
    dead.kill();
    let successor = || room.address.actor().filter(|actor| actor.get_id() != dead.get_id());
    eventually("a successor is there", || successor().is_some()).await;
}

#[tokio::test]
async fn what_was_taken_back_stays_so_when_the_room_dies_before_it_is_stored() {
    let test = TestTree::start().await;
    let ann = test.enter("ann").await;
    ann.insist("stored").await;
    let stored = ann.sees("MESSAGE", |frame| frame["content"] == "stored").await;
    test.log.set(Mode::Hanging);
    ann.say("waiting").await;
    let waiting = ann.sees("MESSAGE", |frame| frame["content"] == "waiting").await;
    let deletions = async { tokio::join!(take_back(&test, &stored), take_back(&test, &waiting)) };
    let death = async {
        eventually("both are told", || ann.frames("DELETED").len() == 2).await;
        kill(&test).await;
        let bo = test.open("bo", None);
        bo.sees("DELETED", |frame| frame["offset"] == 4).await;
        assert!(bo.messages().is_empty(), "{:?}", bo.messages());
        assert_eq!(bo.frames("DELETED").len(), 4, "two messages, and what took them back");
        test.log.set(Mode::Up);
    };
    let (outcomes, ()) = tokio::join!(deletions, death);
    assert_eq!(outcomes, (Ok(identity("ann").user), Ok(identity("ann").user)));
    assert_eq!(test.stored(), ["", "", "", ""]);
    assert_eq!(take_back(&test, &stored).await, Err(NotDeleted::Unknown));
}

#[tokio::test]
async fn while_the_log_is_down_messages_are_taken_back_all_the_same() {
    let test = TestTree::start().await;
    let ann = test.enter("ann").await;
    ann.insist("stored").await;
    let message = ann.sees("MESSAGE", |frame| frame["content"] == "stored").await;
    test.log.set(Mode::Down);
    assert_eq!(take_back(&test, &message).await, Ok(identity("ann").user), "it is in the spill file");
    test.log.set(Mode::Up);
    eventually("the log has it", || test.stored() == ["", ""]).await;
    ann.hang_up();
    drop(ann);
    let test = test.crash_and_restart(1 << 30).await;
    let bo = test.enter("bo").await;
    bo.sees("DELETED", |frame| frame["offset"] == 2).await;
    assert!(bo.messages().is_empty());
}

#[tokio::test]
async fn what_was_decided_while_the_room_was_dead_holds_when_it_is_back() {
    let test = TestTree::start().await;
    let (bo, json) = (test.enter("bo").await, test.client(Format::Json, "bo").await);
    json.subscribe(CHAT).await;
    test.register(&["bo"]).await;
    let user = identity("bo").user;
    let moderation = &test.tree.services().moderation;
    let decision = Decision { room: BTC.parse().unwrap(), by: user, at: TimestampMs::now() };
    let ban = NewSanction { kind: SanctionKind::Ban, user, ends_at: None, reason: None };
    moderation.impose(&decision, &ban).await.unwrap();
    // Nobody told the room.
    assert!(bo.is_open());
    kill(&test).await;
    bo.is_closed_with(CloseCode::BANNED).await;
    eventually("out of the channel", || !room(&test).members.contains(&json.slot)).await;
    assert!(json.is_open(), "the channel is lost, not the socket");
    test.tree.rule(&room(&test), Ruling::Lifted(SanctionKind::Ban, user)).await;
    json.subscribe(CHAT).await;
}
