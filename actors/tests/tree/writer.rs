//! The writer and a message log that fails: nothing is lost, nothing is doubled, senders hear the truth.

use crate::faulty_log::Mode;
use crate::harness::{BTC, TestTree, config, eventually};
use std::sync::Arc;
use std::time::Duration;
use tickroom_actors::TreeConfig;
use tickroom_actors::writer::Route;

#[tokio::test]
async fn defect_55_a_single_message_is_stored_within_the_linger_time() {
    let test = TestTree::start().await;
    let ann = test.enter("ann").await;
    ann.say("only one").await;
    ann.sees_ack("only one").await;
    assert_eq!(test.stored(), ["only one"]);
}

#[tokio::test]
async fn defect_55_what_waits_is_stored_on_shutdown() {
    let test = TestTree::with(TreeConfig { linger: Duration::from_secs(3600), ..config() }).await;
    let ann = test.enter("ann").await;
    ann.say("patience").await;
    ann.sees_messages(1).await;
    assert!(test.stored().is_empty(), "the batch waits for more");
    assert_eq!(test.tree.shutdown(Duration::from_secs(9)).await, 0);
    assert_eq!(test.stored(), ["patience"]);
    ann.sees_ack("patience").await;
    ann.sees("SHUTDOWN", |frame| frame["retryAfterMs"].as_u64().is_some()).await;
}

#[tokio::test]
async fn shutdown_with_the_log_down_leaves_messages_in_the_spill_file_for_the_next_run() {
    let test = TestTree::with(TreeConfig { linger: Duration::from_secs(3600), ..config() }).await;
    let ann = test.enter("ann").await;
    ann.say("kept").await;
    ann.sees_messages(1).await;
    test.log.set(Mode::Down);
    assert_eq!(test.tree.shutdown(Duration::from_secs(9)).await, 0);
    ann.sees_ack("kept").await;
    assert!(test.stored().is_empty());
    test.log.set(Mode::Up);
    let next = test.crash_and_restart(1 << 30).await;
    eventually("the spill file is drained", || next.stored() == ["kept"]).await;
}

#[tokio::test]
async fn batches_are_full_when_there_is_enough() {
    let test =
        TestTree::with(TreeConfig { batch_messages: 50, linger: Duration::from_millis(200), ..config() })
            .await;
    let ann = test.enter("ann").await;
    for number in 0..200 {
        ann.say(&number.to_string()).await;
    }
    ann.sees_ack("199").await;
    assert_eq!(test.log.batches().iter().sum::<usize>(), 200);
    assert!(test.log.batches().iter().all(|size| *size <= 50));
    assert!(test.log.batches().len() <= 20, "{:?}", test.log.batches());
}

#[tokio::test]
async fn defect_57_a_batch_whose_answer_was_lost_is_not_stored_twice() {
    let test = TestTree::start().await;
    let ann = test.enter("ann").await;
    for mode in [Mode::Forgetful, Mode::Half, Mode::Down] {
        test.log.script([mode]);
        for number in 0..10 {
            ann.say(&format!("{mode:?}-{number}")).await;
        }
        ann.sees_ack(&format!("{mode:?}-9")).await;
    }
    assert_eq!(test.stored().len(), 30);
    test.assert_log_is_unbroken();
    assert_eq!(ann.frames("ACK").len(), 30);
    assert!(ann.frames("ACK").iter().all(|ack| ack.get("duplicate").is_none()));
}

#[tokio::test]
async fn defect_57_a_log_that_is_down_is_left_alone_for_a_while() {
    let test = TestTree::start().await;
    let ann = test.enter("ann").await;
    test.log.set(Mode::Down);
    for number in 0..100 {
        ann.insist(&number.to_string()).await;
    }
    // A hundred batches went to the spill file meanwhile; a hot loop would have tried each.
    assert!(test.log.batches().len() < 30, "{} appends", test.log.batches().len());
}

#[tokio::test]
async fn a_log_that_is_down_is_replaced_by_the_spill_file_and_gets_everything_in_order_later() {
    let test = TestTree::start().await;
    let ann = test.enter("ann").await;
    ann.insist("before").await;
    test.log.set(Mode::Down);
    for number in 0..20 {
        ann.insist(&format!("during-{number}")).await;
    }
    let view = test.tree.services().writer_view.get();
    assert_eq!((view.route, view.spilled), (Route::Spill, 20));
    assert!(view.last_error.is_some());
    assert_eq!(test.stored(), ["before"]);

    test.log.set(Mode::Up);
    ann.insist("after").await;
    eventually("the log has everything", || test.stored().len() == 22).await;
    test.assert_log_is_unbroken();
    assert_eq!(test.stored()[21], "after");
    let services = test.tree.services();
    eventually("messages go to the log again", || services.writer_view.get().route == Route::Log).await;
}

#[tokio::test]
async fn an_acked_message_in_the_spill_file_survives_the_process() {
    let test = TestTree::start().await;
    let ann = test.enter("ann").await;
    test.log.set(Mode::Down);
    ann.insist("one").await;
    ann.insist("two").await;
    test.log.set(Mode::Up);
    // The log is left alone for a while, so that nothing was drained yet, or it was: both must come out the same.
    let next = test.crash_and_restart(1 << 30).await;
    let ann = next.enter("ann").await;
    ann.insist("three").await;
    eventually("all is stored", || next.stored() == ["one", "two", "three"]).await;
    next.assert_log_is_unbroken();
}

#[tokio::test]
async fn when_neither_log_nor_file_takes_messages_new_ones_are_refused_and_none_is_lost() {
    let test = TestTree::on(tempfile::tempdir().unwrap(), Arc::default(), config(), 400).await;
    let ann = test.enter("ann").await;
    test.log.set(Mode::Down);
    let mut said = 0;
    while ann.frames("ERROR").is_empty() {
        ann.say(&format!("m{said}")).await;
        said += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let error = ann.frames("ERROR").remove(0);
    assert_eq!(error["code"], "storage_unavailable");
    assert!(test.tree.services().intake.is_refusing());

    test.log.set(Mode::Up);
    let services = Arc::clone(test.tree.services());
    eventually("messages are taken again", || !services.intake.is_refusing()).await;
    ann.insist("finally").await;
    eventually("nothing waits", || services.intake.is_empty()).await;
    // What was seen live was not refused, and is stored.
    let seen: Vec<String> = ann.messages().into_iter().map(|(_, content)| content).collect();
    assert_eq!(test.stored(), seen);
    test.assert_log_is_unbroken();
}

#[tokio::test]
async fn a_full_queue_refuses_instead_of_growing() {
    let test = TestTree::with(TreeConfig {
        queue_messages: 10,
        batch_messages: 10,
        linger: Duration::from_secs(3600),
        ..config()
    })
    .await;
    let ann = test.enter("ann").await;
    test.log.set(Mode::Down);
    for number in 0..200 {
        ann.say(&format!("m{number}")).await;
    }
    let error = ann.sees("ERROR", |_| true).await;
    assert_eq!(error["code"], "overloaded");
    assert!(error["id"].is_string(), "the sender learns which message it was");
}

#[tokio::test]
async fn a_message_that_the_log_will_never_take_is_refused_and_the_room_finds_its_place_anew() {
    let test = TestTree::start().await;
    let ann = test.enter("ann").await;
    ann.insist("one").await;
    // Another server wrote into this room.
    let mut stranger = (*test.log.contents(BTC)[0]).clone();
    stranger.id = tickroom_storage::MessageId::new(42);
    stranger.offset = tickroom_storage::Offset::new(2);
    stranger.client_id = None;
    test.log.insert(stranger);
    ann.say("two").await;
    let error = ann.sees("ERROR", |_| true).await;
    assert_eq!(error["code"], "storage_unavailable");
    ann.insist("three").await;
    assert_eq!(test.stored(), ["one", "one", "three"]);
    test.assert_log_is_unbroken();
}
