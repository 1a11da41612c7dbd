//! Rooms: joining, resuming, sleeping, and starting without a log.

use crate::faulty_log::Mode;
use crate::harness::{BTC, TestTree, config, eventually, identity};
use std::sync::Arc;
use std::time::Duration;
use tickroom_actors::TreeConfig;
use tickroom_actors::room::Position;
use tickroom_actors::session::Dialect;
use tickroom_actors::wire::CloseCode;
use tickroom_storage::Offset;

#[tokio::test]
async fn a_newcomer_is_shown_recent_messages_and_then_what_comes() {
    let test = TestTree::start().await;
    let ann = test.enter("ann").await;
    for number in 1..=60 {
        ann.insist(&number.to_string()).await;
    }
    let bo = test.enter("bo").await;
    ann.insist("live").await;
    let seen = bo.sees_messages(51).await;
    assert_eq!(seen.first().unwrap().0, 11, "the last 50");
    assert_eq!(seen.last().unwrap(), &(61, "live".to_owned()));
    assert!(bo.frames("JOINED")[0].get("recovered").is_none(), "nothing was to be recovered");
}

#[tokio::test]
async fn who_comes_back_gets_exactly_the_gap() {
    let test = TestTree::start().await;
    let (ann, bo) = (test.enter("ann").await, test.enter("bo").await);
    ann.insist("one").await;
    bo.sees_messages(1).await;
    let position = bo.position();
    bo.hang_up();
    ann.insist("two").await;
    ann.insist("three").await;
    let bo = test.open("bo", Some(position));
    bo.sees("JOINED", |frame| frame["recovered"] == true).await;
    ann.insist("four").await;
    let texts: Vec<_> = bo.sees_messages(3).await.into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["two", "three", "four"]);
}

#[tokio::test]
async fn who_was_closed_as_slow_comes_back_and_misses_nothing() {
    let test = TestTree::with(TreeConfig { outbox_bytes: 8 * 1024, ..config() }).await;
    let ann = test.enter("ann").await;
    ann.insist("before").await;
    let position = ann.position();
    let dialect = Dialect::Chat { room: BTC.parse().unwrap(), resume: Some(position.clone()) };
    let sleeper = test.tree.open(Some(identity("bo")), dialect).unwrap();
    eventually("bo is in", || sleeper.room().is_some()).await;
    for number in 0..100 {
        ann.insist(&format!("while bo sleeps {number}")).await;
    }
    assert_eq!(sleeper.outbox.closing(), Some(CloseCode::SLOW));
    assert_eq!(sleeper.outbox.queued_bytes(), 0, "its memory is given back");
    test.tree.close(&sleeper);

    let bo = test.open("bo", Some(position));
    bo.sees("JOINED", |frame| frame["recovered"] == true).await;
    let offsets: Vec<_> = bo.sees_messages(100).await.into_iter().map(|(offset, _)| offset).collect();
    assert_eq!(offsets, (2..=101).collect::<Vec<_>>());
    assert!(bo.is_open(), "more than an outbox holds, and all of it taken");
}

#[tokio::test]
async fn a_position_that_means_nothing_here_is_not_recovered() {
    let test = TestTree::start().await;
    let ann = test.enter("ann").await;
    ann.insist("one").await;
    let here = ann.position();
    let strange = [
        Position { epoch: Arc::from("another"), offset: Offset::new(1) },
        Position { epoch: Arc::clone(&here.epoch), offset: Offset::new(99) },
    ];
    for position in strange {
        let bo = test.open("bo", Some(position));
        let joined = bo.sees("JOINED", |_| true).await;
        assert_eq!((&joined["recovered"], &joined["offset"]), (&false.into(), &1.into()));
        assert_eq!(bo.sees_messages(1).await, [(1, "one".to_owned())], "recent messages instead");
    }
}

#[tokio::test]
async fn the_same_words_with_the_same_id_are_said_once() {
    let test = TestTree::start().await;
    let (ann, bo) = (test.enter("ann").await, test.enter("bo").await);
    ann.say("hello").await;
    ann.say("hello").await;
    eventually("both are acked", || ann.frames("ACK").len() == 2).await;
    let acks = ann.frames("ACK");
    assert_eq!(acks[0]["messageId"], acks[1]["messageId"]);
    assert_eq!(acks[1]["duplicate"], true);
    bo.insist("hello").await;
    assert_eq!(test.stored(), ["hello", "hello"], "bo's id is another one");

    // After the process died, too: the room learns the ids from the log.
    let next = test.crash_and_restart(1 << 30).await;
    let ann = next.enter("ann").await;
    ann.say("hello").await;
    assert_eq!(ann.sees_ack("hello").await["offset"], 1);
    assert_eq!(next.stored().len(), 2);
}

#[tokio::test]
async fn a_room_goes_on_after_a_crash_of_the_process_where_it_was_under_a_new_epoch() {
    let test = TestTree::start().await;
    let ann = test.enter("ann").await;
    ann.insist("one").await;
    let before = ann.position();
    let next = test.crash_and_restart(1 << 30).await;
    let ann = next.open("ann", Some(before.clone()));
    let joined = ann.sees("JOINED", |_| true).await;
    // Something may have been shown and never stored: nobody can promise the gap.
    assert_eq!(joined["recovered"], false);
    assert_ne!(joined["epoch"], *before.epoch);
    ann.insist("two").await;
    next.assert_log_is_unbroken();
    assert_eq!(next.stored(), ["one", "two"]);
}

#[tokio::test]
async fn a_room_that_cannot_read_the_log_opens_once_it_can() {
    let test = TestTree::start().await;
    test.log.set(Mode::Down);
    let ann = test.open("ann", None);
    let services = Arc::clone(test.tree.services());
    let room = services.directory.get(&BTC.parse().unwrap()).unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(ann.frames("JOINED").is_empty() && ann.is_open(), "it waits");
    ann.say("early").await;
    test.log.set(Mode::Up);
    ann.sees("JOINED", |_| true).await;
    ann.sees_ack("early").await;
    assert_eq!(room.members.len(), 1);
}

#[tokio::test]
async fn a_room_that_dies_while_the_log_is_down_goes_on_under_a_new_epoch() {
    let test = TestTree::start().await;
    let ann = test.enter("ann").await;
    ann.insist("one").await;
    let before = ann.position();
    test.log.set(Mode::Down);
    ann.insist("two").await;
    let room = test.tree.services().directory.get(&BTC.parse().unwrap()).unwrap();
    room.address.actor().unwrap().kill();
    ann.sees("JOINED", |frame| frame["epoch"] != *before.epoch).await;
    ann.insist("three").await;
    assert_eq!(ann.messages().iter().map(|(offset, _)| *offset).collect::<Vec<_>>(), [1, 2, 3]);
    test.log.set(Mode::Up);
    eventually("all is stored", || test.stored() == ["one", "two", "three"]).await;
    test.assert_log_is_unbroken();
}

#[tokio::test]
async fn a_room_that_does_not_exist_sends_its_visitors_away() {
    let test = TestTree::start().await;
    let dialect = tickroom_actors::session::Dialect::Chat { room: "KRW-NOPE".parse().unwrap(), resume: None };
    let slot = test.tree.open(Some(crate::harness::identity("ann")), dialect).unwrap();
    eventually("closed", || slot.outbox.closing() == Some(CloseCode::UNKNOWN_ROOM)).await;
}

#[tokio::test]
async fn who_hangs_up_is_forgotten_whenever_that_happens() {
    let test = TestTree::start().await;
    let room = test.tree.services().directory.get(&BTC.parse().unwrap()).unwrap();
    // At once, so that some hang up before the session starts, some before the room answers.
    for pause in 0..200 {
        let member = test.open("ann", None);
        if pause % 3 > 0 {
            tokio::time::sleep(Duration::from_micros(pause * 10)).await;
        }
        member.hang_up();
    }
    let ann = test.enter("ann").await;
    ann.insist("alone").await;
    assert_eq!(room.members.len(), 1);
    assert_eq!(test.tree.services().registry.len(), 1);
}

#[tokio::test]
async fn an_empty_room_sleeps_and_wakes_where_it_was() {
    let test = TestTree::with(TreeConfig { room_idle: Duration::from_millis(100), ..config() }).await;
    let ann = test.enter("ann").await;
    ann.insist("one").await;
    let position = ann.position();
    let room = test.tree.services().directory.get(&BTC.parse().unwrap()).unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(room.address.is_up(), "not while somebody is there");
    ann.hang_up();
    eventually("the room sleeps", || !room.address.is_up()).await;
    let ann = test.open("ann", Some(position));
    ann.sees("JOINED", |frame| frame["recovered"] == true).await;
    ann.insist("two").await;
    assert_eq!(test.stored(), ["one", "two"]);
}
