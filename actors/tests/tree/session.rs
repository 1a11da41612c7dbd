//! Sessions: allowance, expiry, silence, logout, and what a client may not do.

use crate::harness::{BTC, TestTree, config, eventually, identity};
use governor::Quota;
use std::num::NonZeroU32;
use std::time::Duration;
use tickroom_actors::TreeConfig;
use tickroom_actors::registry::Refused;
use tickroom_actors::session::{Dialect, Identity, Inbound};
use tickroom_actors::wire::CloseCode;
use tickroom_storage::{FamilyId, TimestampMs};

fn chat() -> Dialect {
    Dialect::Chat { room: BTC.parse().unwrap(), resume: None }
}

#[tokio::test]
async fn who_talks_too_fast_is_told_when_to_go_on() {
    let quota = Quota::per_second(NonZeroU32::new(5).unwrap());
    let test = TestTree::with(TreeConfig { message_quota: quota, ..config() }).await;
    let (ann, bo) = (test.enter("ann").await, test.enter("bo").await);
    for number in 0..20 {
        ann.say(&number.to_string()).await;
    }
    let error = ann.sees("ERROR", |_| true).await;
    assert_eq!(error["code"], "rate_limited");
    assert!((1..=1000).contains(&error["retryAfterMs"].as_u64().unwrap()));
    bo.insist("not my fault").await;
    eventually("all are answered", || ann.frames("ACK").len() + ann.frames("ERROR").len() == 20).await;
    assert_eq!(test.stored().len(), ann.frames("ACK").len() + 1);
}

#[tokio::test]
async fn who_does_not_listen_to_that_is_sent_away_and_harms_nobody() {
    let quota = Quota::per_second(NonZeroU32::new(5).unwrap());
    let test = TestTree::with(TreeConfig { message_quota: quota, ..config() }).await;
    let (ann, bo) = (test.enter("ann").await, test.enter("bo").await);
    while ann.is_open() {
        ann.say("flood").await;
    }
    ann.is_closed_with(CloseCode::TOO_MANY_REQUESTS).await;
    assert!(ann.frames("ERROR").len() <= 1_001);
    bo.insist("peace").await;
}

#[tokio::test]
async fn a_binary_frame_and_garbage_are_answered_and_harmless() {
    let test = TestTree::start().await;
    let ann = test.enter("ann").await;
    ann.slot.receive(Inbound::Binary("garbage".into()));
    ann.send("garbage".to_owned()).await;
    ann.insist("still here").await;
    let codes: Vec<_> = ann.frames("ERROR").iter().map(|error| error["code"].clone()).collect();
    assert_eq!(codes, ["binary_not_supported", "malformed"]);
}

#[tokio::test]
async fn a_socket_ends_with_the_identity_behind_it() {
    let test = TestTree::start().await;
    let expires_at = TimestampMs::now().plus_millis(300);
    let slot = test.tree.open(Some(Identity { expires_at, ..identity("ann") }), chat()).unwrap();
    let bo = test.enter("bo").await;
    eventually("expired", || slot.outbox.closing() == Some(CloseCode::EXPIRED)).await;
    assert!(TimestampMs::now() >= expires_at);
    assert!(bo.is_open());
}

#[tokio::test]
async fn a_client_that_answers_no_ping_is_let_go_and_one_that_does_stays() {
    let (ping_interval, pong_timeout) = (Duration::from_millis(400), Duration::from_millis(200));
    let test = TestTree::with(TreeConfig { ping_interval, pong_timeout, ..config() }).await;
    let (ann, bo) = (test.enter("ann").await, test.enter("bo").await);
    let (slot, services) = (ann.slot.clone(), test.tree.services().clone());
    let answering = tokio::spawn(async move {
        loop {
            slot.heard(services.now_ms());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    bo.is_closed_with(CloseCode::NO_PONG).await;
    eventually("ann was asked again", || ann.pings() >= 3).await;
    assert!(ann.is_open());
    answering.abort();
}

#[tokio::test]
async fn a_logout_ends_the_sockets_of_that_login_and_no_others() {
    let test = TestTree::start().await;
    let phone = test.enter("ann").await;
    let laptop_login = Identity { family: Some(FamilyId::new(99)), ..identity("ann") };
    let laptop = test.tree.open(Some(laptop_login), chat()).unwrap();
    let bo = test.enter("bo").await;
    test.tree.logged_out(identity("ann").user, identity("ann").family.unwrap());
    phone.is_closed_with(CloseCode::LOGGED_OUT).await;
    assert!(laptop.outbox.closing().is_none() && bo.is_open());
}

#[tokio::test]
async fn sockets_beyond_the_limits_are_refused_and_closing_one_makes_room() {
    let test = TestTree::with(TreeConfig { sockets_per_user: 2, max_sockets: 3, ..config() }).await;
    let (first, _second) = (test.enter("ann").await, test.enter("ann").await);
    let refused = test.tree.open(Some(identity("ann")), chat());
    assert_eq!(refused.err(), Some(Refused::TooManyOfUser));
    let _bo = test.enter("bo").await;
    assert_eq!(test.tree.open(Some(identity("cho")), chat()).err(), Some(Refused::Full));
    first.hang_up();
    test.enter("ann").await;
}

#[tokio::test]
async fn on_the_way_down_nobody_gets_in_and_commands_are_refused() {
    let test = TestTree::start().await;
    let ann = test.enter("ann").await;
    let tree = test.tree.clone();
    let down = tokio::spawn(async move { tree.shutdown(Duration::from_secs(3)).await });
    eventually("it goes down", || test.tree.services().is_draining()).await;
    assert_eq!(test.tree.open(None, Dialect::Ticker).err(), Some(Refused::ShuttingDown));
    ann.is_closed_with(CloseCode::SHUTDOWN).await;
    ann.hang_up();
    assert_eq!(down.await.unwrap(), 0);
}
