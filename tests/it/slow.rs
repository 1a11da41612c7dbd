//! Clients that do too much, too little or nothing at all: they are told so or ended, and cost the others nothing.

use std::sync::Arc;
use std::time::Duration;

use tickroom_actors::session::SessionSlot;

use crate::harness::{ChatSocket, End, Frame, TestServer, User, eventually, place};

const ROOM: &str = "KRW-BTC";

/// The server's side of a user's only socket.
async fn slot_of(server: &TestServer, user: &User) -> Arc<SessionSlot> {
    let id = user.id().await.parse().unwrap();
    server.inside().app.tree.services().registry.of_user(id).remove(0)
}

/// Talks, and reads along, until the server has given up on the socket behind `slot`; returns how much was said.
async fn talk_until_closing(talking: &mut ChatSocket, slot: &SessionSlot) -> u64 {
    let long = "가".repeat(1_500);
    let mut said = 0;
    while slot.outbox.closing().is_none() {
        said += 1;
        talking.say(&format!("{said} {long}")).await;
        assert_eq!(talking.next_message().await["offset"], said, "the healthy member misses something");
    }
    said
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_60_a_slow_reader_is_closed_with_3008_and_the_others_miss_nothing() {
    let server = TestServer::without_prices(&[("socket.outbox_kib", "64")]).await;
    let (ann, slow) = (server.user("ann").await, server.user("slow").await);
    let mut talking = ann.enter(ROOM).await;
    let mut asleep = slow.enter_reading_slowly(ROOM).await;
    let slot = slot_of(&server, &slow).await;
    let said = talk_until_closing(&mut talking, &slot).await;

    let end = asleep.read_to_end().await;
    let seen: Vec<u64> = asleep.take_unread().iter().map(|message| place(message).0).collect();
    let last = u64::try_from(seen.len()).unwrap();
    assert_eq!(seen, (1..=last).collect::<Vec<_>>(), "up to the end, no message is missing");
    assert!(last < said, "the server kept everything for a reader that did not read");
    assert_eq!(end, End::Closed(3008, "slow".into()));

    // What it missed is kept for it.
    let mut back = slow.come_back(ROOM, asleep.epoch(), said - 1).await;
    assert_eq!(back.joined["recovered"], true);
    assert_eq!(back.next_message().await["offset"], said);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_never_reads_is_cut_off() {
    let server = TestServer::without_prices(&[("socket.outbox_kib", "64")]).await;
    let (ann, dead) = (server.user("ann").await, server.user("dead").await);
    let mut talking = ann.enter(ROOM).await;
    let asleep = dead.enter_reading_slowly(ROOM).await;
    let slot = slot_of(&server, &dead).await;
    talk_until_closing(&mut talking, &slot).await;
    assert_eq!(slot.outbox.queued_bytes(), 0, "nothing is kept for it");
    eventually("the dead member is gone", async || server.members(ROOM).await == 1).await;
    drop(asleep);
}

#[tokio::test]
async fn defect_12_who_talks_too_fast_is_told_when_to_go_on_and_the_others_miss_nothing() {
    let settings = [("chat.messages_per_second", "1"), ("chat.message_burst", "3")];
    let server = TestServer::without_prices(&settings).await;
    let mut ann = server.user("ann").await.enter(ROOM).await;
    let mut bo = server.user("bo").await.enter(ROOM).await;
    // In one piece, so that no second passes in between.
    let text = |n: u32| format!(r#"{{"content":"{n}","id":"{n}"}}"#);
    let burst: Vec<u8> = (1..=6).flat_map(|n| Frame::text(text(n)).bytes()).collect();
    ann.write(&burst).await;

    let mut wait = Duration::ZERO;
    for _ in 4..=6 {
        let error = ann.expect_error("rate_limited").await;
        wait = Duration::from_millis(error["retryAfterMs"].as_u64().unwrap());
        assert!(!wait.is_zero() && wait <= Duration::from_secs(1), "{error}");
    }
    bo.say("I may still talk").await;
    let expected = ["1", "2", "3", "I may still talk"];
    for socket in [&mut ann, &mut bo] {
        let contents: Vec<_> = socket.messages(4).await.into_iter().map(|(_, content)| content).collect();
        assert_eq!(contents, expected);
    }

    // The promise is that one may talk again after this time.
    tokio::time::sleep(wait + Duration::from_millis(1)).await;
    ann.say("thank you").await;
    bo.expect_message("thank you").await;
}

#[tokio::test]
async fn who_goes_on_in_spite_of_all_refusals_is_sent_away_and_the_others_miss_nothing() {
    let settings = [("chat.messages_per_second", "1"), ("chat.message_burst", "1")];
    let server = TestServer::without_prices(&settings).await;
    let mut ann = server.user("ann").await.enter(ROOM).await;
    let mut bo = server.user("bo").await.enter(ROOM).await;
    let frame = Frame::text(r#"{"content":"me, me, me"}"#).bytes();
    ann.write(&frame.repeat(1_100)).await;
    ann.expect_close(3013).await;
    bo.expect_message("me, me, me").await;
    bo.say("peace").await;
    while bo.next_message().await["content"] != "peace" {}
}

#[tokio::test]
async fn a_client_that_answers_no_ping_is_closed_with_3012_and_one_that_does_stays() {
    let settings = [("socket.ping_interval_s", "2"), ("socket.pong_timeout_s", "1")];
    let server = TestServer::without_prices(&settings).await;
    let (ann, bo) = (server.user("ann").await, server.user("bo").await);
    let mut silent = ann.enter(ROOM).await;
    let slot = slot_of(&server, &ann).await;
    let mut awake = bo.enter(ROOM).await;
    // Whoever reads answers pings, by its library.
    let awake = tokio::spawn(async move { awake.expect_message("is anybody awake?").await });
    eventually("the silent one is given up", async || slot.outbox.closing().is_some()).await;
    silent.expect_close(3012).await;
    let mut back = ann.enter(ROOM).await;
    back.say("is anybody awake?").await;
    awake.await.unwrap();
}
