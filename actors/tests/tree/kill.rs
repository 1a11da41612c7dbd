//! Every kind of actor is killed under live traffic: sockets stay open, the order holds, nothing that was
//! acknowledged is lost or doubled, and the restart is counted.

use crate::harness::{BTC, Member, TestTree, config, eventually};
use ractor::ActorCell;
use std::sync::Arc;
use std::time::Duration;
use tickroom_actors::TreeConfig;
use tickroom_actors::feed::FeedConfig;
use tickroom_actors::root::Role;

const SENDERS: usize = 3;
const MESSAGES: usize = 120;
const KILLS: u64 = 5;

/// Three people talk while `victim` is killed again and again.
async fn survive(test: &TestTree, victim: impl Fn() -> Option<ActorCell>) {
    let mut members = Vec::new();
    for name in ["ann", "bo", "cho"] {
        members.push(Arc::new(test.enter(name).await));
    }
    let talk: Vec<_> = members.iter().cloned().map(|member| tokio::spawn(talk(member))).collect();
    for kill in 0..usize::try_from(KILLS).unwrap() {
        // Spread over the talk: the last one dies when half of it is still to come.
        members[0].sees_messages(kill * 30).await;
        let dead = victim().expect("somebody is there");
        dead.kill();
        eventually("a successor is there", || victim().is_some_and(|actor| actor.get_id() != dead.get_id()))
            .await;
    }
    for talk in talk {
        talk.await.unwrap();
    }
    verify(test, &members).await;
}

async fn talk(member: Arc<Member>) {
    let name = member.slot.identity().unwrap().name;
    for number in 0..MESSAGES {
        member.insist(&format!("{name}-{number}")).await;
    }
}

async fn verify(test: &TestTree, members: &[Arc<Member>]) {
    let total = SENDERS * MESSAGES;
    let first = members[0].sees_messages(total).await;
    let offsets: Vec<u64> = first.iter().map(|(offset, _)| *offset).collect();
    assert_eq!(offsets, (1..).take(total).collect::<Vec<_>>(), "offsets rise by one, nothing twice");
    for member in &members[1..] {
        assert_eq!(member.sees_messages(total).await, first, "all see the same order");
    }
    assert!(members.iter().all(|member| member.is_open()), "sockets stay open");
    let seen: Vec<String> = first.into_iter().map(|(_, content)| content).collect();
    assert_eq!(test.stored(), seen, "what was seen is what is stored");
    test.assert_log_is_unbroken();
}

fn restarts(test: &TestTree, role: Role) -> u64 {
    test.tree.services().root_view.get().restarts[&role]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_writer_dies() {
    let test = TestTree::start().await;
    let services = Arc::clone(test.tree.services());
    survive(&test, || services.intake.address.actor().map(|actor| actor.get_cell())).await;
    assert_eq!(restarts(&test, Role::Writer), KILLS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_room_dies() {
    let test = TestTree::start().await;
    let room = test.tree.services().directory.get(&BTC.parse().unwrap()).unwrap();
    let epoch = {
        let member = test.enter("dan").await;
        member.hang_up();
        member.position().epoch
    };
    survive(&test, || room.address.actor().map(|actor| actor.get_cell())).await;
    assert_eq!(room.position().unwrap().epoch, epoch, "clients may resume as if nothing had happened");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_room_supervisor_dies_and_the_rooms_with_it() {
    let test = TestTree::start().await;
    let services = Arc::clone(test.tree.services());
    survive(&test, || services.rooms.actor().map(|actor| actor.get_cell())).await;
    assert_eq!(restarts(&test, Role::Rooms), KILLS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_session_supervisors_die_and_the_sessions_with_them() {
    let test = TestTree::start().await;
    let services = Arc::clone(test.tree.services());
    survive(&test, || services.sessions[0].actor().map(|actor| actor.get_cell())).await;
    assert_eq!(restarts(&test, Role::Sessions(0)), KILLS);
    assert_eq!(restarts(&test, Role::Sessions(1)), 0, "the other shard is not touched");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_notifier_dies() {
    let test = TestTree::start().await;
    let services = Arc::clone(test.tree.services());
    survive(&test, || services.notifier.actor().map(|actor| actor.get_cell())).await;
    assert_eq!(restarts(&test, Role::Notifier), KILLS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_relay_and_the_activity_actor_die() {
    let test = TestTree::start().await;
    let services = Arc::clone(test.tree.services());
    survive(&test, || services.events.relay.actor().map(|actor| actor.get_cell())).await;
    assert_eq!(restarts(&test, Role::Relay), KILLS);
    let test = TestTree::start().await;
    let services = Arc::clone(test.tree.services());
    survive(&test, || services.events.activity.actor().map(|actor| actor.get_cell())).await;
    assert_eq!(restarts(&test, Role::Activity), KILLS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_feed_dies() {
    let exchange = tickroom_sim::Exchange::start(tickroom_sim::Config::default()).await.unwrap();
    let feed = Some(FeedConfig::new(exchange.ws_url(), exchange.rest_url()));
    let test = TestTree::with(TreeConfig { feed, ..config() }).await;
    let services = Arc::clone(test.tree.services());
    survive(&test, || services.feed.actor().map(|actor| actor.get_cell())).await;
    assert_eq!(restarts(&test, Role::Feed), KILLS);
}

/// Up to the limit a session is restarted on its open socket; beyond it the socket is sent away, and only that one.
#[tokio::test]
async fn a_session_dies_more_often_than_is_bearable() {
    let test = TestTree::start().await;
    let (ann, bo) = (test.enter("ann").await, test.enter("bo").await);
    for death in 0..3 {
        eventually("the session is there", || ann.slot.address.is_up()).await;
        ann.slot.address.actor().unwrap().kill();
        eventually("the session is there again", || ann.slot.address.is_up()).await;
        ann.insist(&format!("after death {death}")).await;
    }
    ann.slot.address.actor().unwrap().kill();
    ann.is_closed_with(tickroom_actors::wire::CloseCode::INTERNAL).await;
    assert!(bo.is_open());
    assert_eq!(bo.sees_messages(3).await.len(), 3);
}

/// A role that dies too often takes the tree down, and says which it was.
#[tokio::test]
async fn the_root_gives_up_on_a_child_that_keeps_dying() {
    let test = TestTree::start().await;
    let services = Arc::clone(test.tree.services());
    let ended = test.tree.ended();
    let killer = tokio::spawn(async move {
        loop {
            if let Some(notifier) = services.notifier.actor() {
                notifier.kill();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    tokio::time::timeout(Duration::from_secs(60), ended).await.expect("the tree ends");
    killer.abort();
    let view = test.tree.services().root_view.get();
    assert_eq!(view.gave_up, Some(Role::Notifier));
    assert_eq!(view.restarts[&Role::Notifier], 8);
}
