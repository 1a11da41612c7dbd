//! Importing the original's messages, into every log.

use tickroom_storage::message::{
    Found, Import, Message, MessageLog, OriginalMessage, PageBound, Report, SqlMessageLog, Unfit,
};
use tickroom_storage::{ErrorKind, Offset};

use crate::message::said;
use crate::{at, room};

on_every_log!(
    what_was_said_is_in_the_log_in_its_order,
    importing_again_changes_nothing,
    an_interrupted_import_goes_on_and_fills_what_it_left_out,
    imported_messages_come_behind_what_was_said_here,
    a_dry_run_stores_nothing_and_reports_the_same,
    what_is_unfit_is_counted_with_examples,
);

fn original(number: i64) -> OriginalMessage {
    OriginalMessage {
        client_id: format!("original-{number}").parse().unwrap(),
        room: room(if number % 5 == 0 { "KRW-ETH" } else { "KRW-BTC" }),
        sender_name: "김철수".into(),
        profile_url: None,
        content: format!("message {number}").into(),
        created_at: at(number),
    }
}

fn found(numbers: impl IntoIterator<Item = i64>) -> Vec<Found> {
    let found = |number: i64| Found { id: number.to_string(), message: Ok(original(number)) };
    numbers.into_iter().map(found).collect()
}

async fn import(log: &dyn MessageLog, dry_run: bool, found: Vec<Found>) -> Report {
    let mut import = Import::new(log, dry_run);
    import.take(found).await.unwrap();
    import.finish()
}

async fn all(log: &dyn MessageLog, name: &str) -> Vec<Message> {
    log.page(&room(name), PageBound::After(Offset::ZERO), 1_000).await.unwrap()
}

fn contents(messages: &[Message]) -> Vec<(u64, String)> {
    messages.iter().map(|message| (message.offset.get(), message.content.to_string())).collect()
}

async fn what_was_said_is_in_the_log_in_its_order(log: impl MessageLog) {
    let report = import(&log, false, found(1..=10)).await;
    assert_eq!(report.to_string(), "10 documents read: 10 stored, 0 were there\n  KRW-BTC: 8\n  KRW-ETH: 2");
    let messages = all(&log, "KRW-ETH").await;
    assert_eq!(contents(&messages), [(1, "message 5".to_owned()), (2, "message 10".to_owned())]);
    let first = &messages[0];
    assert_eq!((&*first.sender.name, first.sender.id.get(), first.created_at), ("김철수", 0, at(5)));
}

async fn importing_again_changes_nothing(log: impl MessageLog) {
    import(&log, false, found(1..=20)).await;
    let before = all(&log, "KRW-BTC").await;
    let report = import(&log, false, found(1..=20)).await;
    assert_eq!((report.known, report.stored.len()), (20, 0));
    assert_eq!(all(&log, "KRW-BTC").await, before);
}

async fn an_interrupted_import_goes_on_and_fills_what_it_left_out(log: impl MessageLog) {
    // An engine without transactions may have stored any part of a batch.
    let part: Vec<_> =
        [(1, 1), (4, 4)].into_iter().map(|(number, offset)| imported(number, offset)).collect();
    log.append(&part).await.unwrap();
    import(&log, false, found([1, 2, 3, 4, 6])).await;
    let expected = [1, 2, 3, 4, 6].map(|number| format!("message {number}"));
    let messages = contents(&all(&log, "KRW-BTC").await);
    assert_eq!(messages, (1..=5).zip(expected).collect::<Vec<_>>());
}

fn imported(number: i64, offset: i64) -> std::sync::Arc<Message> {
    let original = original(number);
    let mut message = Message::clone(&said("KRW-BTC", 1_000 + number, offset));
    message.sender.id = 0.into();
    (message.client_id, message.content) = (Some(original.client_id), original.content);
    message.into()
}

async fn imported_messages_come_behind_what_was_said_here(log: impl MessageLog) {
    log.append(&[said("KRW-BTC", 7, 1)]).await.unwrap();
    import(&log, false, found([1])).await;
    log.append(&[said("KRW-BTC", 8, 3)]).await.unwrap();
    import(&log, false, found([1, 2])).await;
    let expected = ["message 7", "message 1", "message 8", "message 2"].map(str::to_owned);
    assert_eq!(contents(&all(&log, "KRW-BTC").await), (1..=4).zip(expected).collect::<Vec<_>>());
}

async fn a_dry_run_stores_nothing_and_reports_the_same(log: impl MessageLog) {
    let report = import(&log, true, found(1..=4)).await;
    assert_eq!(report.stored[&room("KRW-BTC")], 4);
    assert!(report.to_string().starts_with("4 documents read: 4 would be stored (dry run), 0 were there"));
    assert!(all(&log, "KRW-BTC").await.is_empty());
}

async fn what_is_unfit_is_counted_with_examples(log: impl MessageLog) {
    let unfit = |id: i64| Found { id: format!("id{id}"), message: Err(Unfit::Room) };
    let mut found = found([1]);
    found.extend((1..=4).map(unfit));
    let report = import(&log, false, found).await;
    let told = "skipped 4, since the room has no name such as KRW-BTC: id1, id2, id3, …";
    assert!(report.to_string().ends_with(told), "{report}");
}

#[tokio::test]
async fn an_original_that_does_not_answer_is_unavailable() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error =
        tickroom_storage::message::OriginalMessages::open(&format!("mongodb://{nobody}")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}
