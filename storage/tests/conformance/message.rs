//! The message log.

use std::collections::HashSet;
use std::sync::Arc;

use tickroom_storage::message::{Appended, Message, MessageLog, PageBound, Sender, SqlMessageLog};
use tickroom_storage::{ErrorKind, MessageId, Offset, StorageError, UserId};
use tokio::task::JoinSet;

use crate::{at, room};

on_every_log!(
    a_message_comes_back_as_it_went_in,
    pages_are_ascending_and_exclude_their_bound,
    an_empty_room_has_no_tail_and_no_page,
    an_empty_batch_is_fine,
    a_repeated_batch_is_recognised,
    a_batch_that_overlaps_stores_what_is_new,
    a_repeated_client_id_names_the_first_message,
    a_client_id_counts_per_room_and_sender,
    client_ids_repeated_within_a_batch_store_the_first,
    an_offset_given_twice_is_refused_by_name,
    of_a_refused_batch_each_message_can_be_stored_by_itself,
    an_id_given_twice_is_refused_by_name,
    large_batches_keep_their_order,
    appends_in_parallel_store_everything_once,
    the_same_batch_in_parallel_is_stored_once,
    an_offset_beyond_all_numbers_is_the_end,
    what_is_taken_back_is_gone_and_keeps_its_place,
    what_is_taken_back_in_its_own_batch_never_shows,
    what_was_taken_back_stays_so_when_it_comes_again,
    pages_of_what_was_said_are_full_whatever_was_taken_back,
);

/// Ann's message without a client id.
pub(crate) fn said(name: &str, id: i64, offset: i64) -> Arc<Message> {
    Arc::new(message(name, id, offset))
}

/// Ann's message with a client id.
fn named(name: &str, id: i64, offset: i64, client_id: &str) -> Arc<Message> {
    Arc::new(Message { client_id: Some(client_id.parse().unwrap()), ..message(name, id, offset) })
}

fn message(name: &str, id: i64, offset: i64) -> Message {
    Message {
        id: MessageId::new(id),
        room: room(name),
        offset: Offset::new(offset.try_into().unwrap()),
        sender: Sender { id: UserId::new(7), name: "ann".into(), profile_url: None },
        content: format!("message {id}").into(),
        client_id: None,
        deletes: None,
        created_at: at(offset),
    }
}

fn offsets(messages: &[Message]) -> Vec<u64> {
    messages.iter().map(|message| message.offset.get()).collect()
}

async fn a_message_comes_back_as_it_went_in(log: impl MessageLog) {
    let contents = ["", "🇰🇷 떡상 가즈아 👨‍👩‍👧‍👦 \u{202e} 'quoted' \"$1\" ?", &"가".repeat(500_000)];
    let full = contents.iter().zip(1..).map(|(content, n)| Message {
        content: (*content).into(),
        sender: Sender {
            id: UserId::new(i64::MAX),
            name: "김철수".into(),
            profile_url: Some("/a.png".into()),
        },
        client_id: Some(format!("c{n}").parse().unwrap()),
        ..message("KRW-BTC", i64::MAX - n, n)
    });
    let batch: Vec<_> = full.map(Arc::new).collect();
    log.append(&batch).await.unwrap();
    let page = log.page(&room("KRW-BTC"), PageBound::After(Offset::ZERO), 10).await.unwrap();
    assert!(page.iter().eq(batch.iter().map(|message| &**message)));
}

async fn pages_are_ascending_and_exclude_their_bound(log: impl MessageLog) {
    let batch: Vec<_> = (1..=10).map(|n| said("KRW-BTC", n, n)).collect();
    log.append(&batch).await.unwrap();
    log.append(&[said("KRW-ETH", 11, 1)]).await.unwrap();
    let (log, krw_btc) = (&log, room("KRW-BTC"));
    let page = async |bound, limit| offsets(&log.page(&krw_btc, bound, limit).await.unwrap());

    assert_eq!(page(PageBound::Latest, 3).await, [8, 9, 10]);
    assert_eq!(page(PageBound::Before(Offset::new(8)), 3).await, [5, 6, 7]);
    assert_eq!(page(PageBound::Before(Offset::new(3)), 5).await, [1, 2]);
    assert!(page(PageBound::Before(Offset::new(1)), 5).await.is_empty());
    assert_eq!(page(PageBound::After(Offset::new(4)), 3).await, [5, 6, 7]);
    assert_eq!(page(PageBound::After(Offset::new(9)), 3).await, [10]);
    assert!(page(PageBound::After(Offset::new(10)), 3).await.is_empty());
    assert_eq!(page(PageBound::Latest, u16::MAX).await.len(), 10);
    assert!(page(PageBound::Latest, 0).await.is_empty());
    assert_eq!(log.tail(&krw_btc).await.unwrap(), Some(Offset::new(10)));
    assert_eq!(log.tail(&room("KRW-ETH")).await.unwrap(), Some(Offset::new(1)));
}

async fn an_empty_room_has_no_tail_and_no_page(log: impl MessageLog) {
    assert_eq!(log.tail(&room("KRW-BTC")).await.unwrap(), None);
    assert_eq!(log.page(&room("KRW-BTC"), PageBound::Latest, 10).await.unwrap(), []);
}

async fn an_empty_batch_is_fine(log: impl MessageLog) {
    assert_eq!(log.append(&[]).await.unwrap(), []);
}

async fn a_repeated_batch_is_recognised(log: impl MessageLog) {
    let batch: Vec<_> = (1..=300).map(|n| named("KRW-BTC", n, n, &format!("c{n}"))).collect();
    assert_eq!(log.append(&batch).await.unwrap(), [Appended::Stored; 300]);
    assert_eq!(log.append(&batch).await.unwrap(), [Appended::AlreadyStored; 300]);
    assert_eq!(log.tail(&room("KRW-BTC")).await.unwrap(), Some(Offset::new(300)));
}

async fn a_batch_that_overlaps_stores_what_is_new(log: impl MessageLog) {
    let all: Vec<_> = (1..=400).map(|n| said("KRW-BTC", n, n)).collect();
    log.append(&all[..100]).await.unwrap();
    let outcomes = log.append(&all[50..]).await.unwrap();
    assert_eq!(outcomes[..50], [Appended::AlreadyStored; 50]);
    assert_eq!(outcomes[50..], [Appended::Stored; 300]);
    let page = log.page(&room("KRW-BTC"), PageBound::After(Offset::ZERO), 1_000).await.unwrap();
    assert_eq!(offsets(&page), (1..=400).collect::<Vec<_>>());
}

async fn a_repeated_client_id_names_the_first_message(log: impl MessageLog) {
    let first = named("KRW-BTC", 1, 1, "hello");
    log.append(&[first]).await.unwrap();
    let outcomes = log
        .append(&[said("KRW-BTC", 2, 2), named("KRW-BTC", 3, 3, "hello"), said("KRW-BTC", 4, 4)])
        .await
        .unwrap();
    let duplicate = Appended::Duplicate { id: MessageId::new(1), offset: Offset::new(1) };
    assert_eq!(outcomes, [Appended::Stored, duplicate, Appended::Stored]);
    let page = log.page(&room("KRW-BTC"), PageBound::Latest, 10).await.unwrap();
    assert_eq!(offsets(&page), [1, 2, 4]);
}

async fn a_client_id_counts_per_room_and_sender(log: impl MessageLog) {
    let bob = Sender { id: UserId::new(8), name: "bob".into(), profile_url: None };
    let ann_elsewhere = named("KRW-ETH", 2, 1, "hello");
    let bobs = Message { sender: bob, ..Message::clone(&named("KRW-BTC", 3, 2, "hello")) };
    let batch =
        [named("KRW-BTC", 1, 1, "hello"), ann_elsewhere, Arc::new(bobs), named("KRW-BTC", 4, 3, "Hello")];
    assert_eq!(log.append(&batch).await.unwrap(), [Appended::Stored; 4]);
}

async fn client_ids_repeated_within_a_batch_store_the_first(log: impl MessageLog) {
    let mut batch: Vec<_> = (1..=300).map(|n| said("KRW-BTC", n, n)).collect();
    batch[10] = named("KRW-BTC", 11, 11, "hello");
    batch[200] = named("KRW-BTC", 201, 201, "hello");
    let outcomes = log.append(&batch).await.unwrap();
    for (outcome, index) in outcomes.iter().zip(0..) {
        let duplicate = Appended::Duplicate { id: MessageId::new(11), offset: Offset::new(11) };
        assert_eq!(*outcome, if index == 200 { duplicate } else { Appended::Stored });
    }
    // The whole batch again: nothing changes, and every message is accounted for in the same way.
    let again = log.append(&batch).await.unwrap();
    assert_eq!(again.iter().filter(|outcome| **outcome == Appended::AlreadyStored).count(), 299);
    assert_eq!(again[200], outcomes[200]);
}

async fn an_offset_given_twice_is_refused_by_name(log: impl MessageLog) {
    log.append(&[said("KRW-BTC", 1, 1)]).await.unwrap();
    let error = log.append(&[said("KRW-BTC", 2, 2), said("KRW-BTC", 3, 1)]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(error.to_string(), "room KRW-BTC has another message at offset 1");
}

async fn of_a_refused_batch_each_message_can_be_stored_by_itself(log: impl MessageLog) {
    log.append(&[said("KRW-BTC", 1, 1)]).await.unwrap();
    let batch = [said("KRW-BTC", 2, 2), said("KRW-BTC", 3, 1), said("KRW-BTC", 4, 3)];
    log.append(&batch).await.unwrap_err();
    for (message, is_fine) in batch.iter().zip([true, false, true]) {
        assert_eq!(log.append(std::slice::from_ref(message)).await.is_ok(), is_fine, "{message:?}");
    }
    let page = log.page(&room("KRW-BTC"), PageBound::Latest, 10).await.unwrap();
    assert_eq!(page.iter().map(|message| message.id.get()).collect::<Vec<_>>(), [1, 2, 4]);
}

async fn an_id_given_twice_is_refused_by_name(log: impl MessageLog) {
    log.append(&[said("KRW-BTC", 1, 1)]).await.unwrap();
    let error = log.append(&[said("KRW-ETH", 1, 5)]).await.unwrap_err();
    assert!(matches!(error, StorageError::MessageIdTaken { id } if id == MessageId::new(1)));
}

async fn large_batches_keep_their_order(log: impl MessageLog) {
    for (size, first) in [(1, 1), (255, 2), (256, 257), (257, 513), (2_000, 770)] {
        let batch: Vec<_> = (first..first + size).map(|n| said("KRW-BTC", n, n)).collect();
        let outcomes = log.append(&batch).await.unwrap();
        assert_eq!(outcomes, vec![Appended::Stored; batch.len()]);
    }
    let page = log.page(&room("KRW-BTC"), PageBound::After(Offset::ZERO), u16::MAX).await.unwrap();
    assert_eq!(offsets(&page), (1..2_770).collect::<Vec<_>>());
    assert!(
        page.iter().all(|message| message.id.get() == message.offset.to_string().parse::<i64>().unwrap())
    );
}

async fn appends_in_parallel_store_everything_once(log: impl MessageLog) {
    let log = Arc::new(log);
    let mut writers = JoinSet::new();
    for writer in 0..16_i64 {
        let log = Arc::clone(&log);
        writers.spawn(async move {
            for turn in 0..10 {
                let n = turn * 16 + writer + 1;
                log.append(&[said("KRW-BTC", n, n)]).await.unwrap();
            }
        });
    }
    writers.join_all().await;
    let page = log.page(&room("KRW-BTC"), PageBound::After(Offset::ZERO), 1_000).await.unwrap();
    assert_eq!(offsets(&page), (1..=160).collect::<Vec<_>>());
}

async fn the_same_batch_in_parallel_is_stored_once(log: impl MessageLog) {
    let log = Arc::new(log);
    let batch: Arc<Vec<_>> = Arc::new((1..=50).map(|n| said("KRW-BTC", n, n)).collect());
    let mut writers = JoinSet::new();
    for _ in 0..8 {
        let (log, batch) = (Arc::clone(&log), Arc::clone(&batch));
        writers.spawn(async move { log.append(&batch).await.unwrap() });
    }
    let outcomes = writers.join_all().await;
    for index in 0..50 {
        let of = |what| outcomes.iter().filter(|outcomes| outcomes[index] == what).count();
        assert_eq!((of(Appended::Stored), of(Appended::AlreadyStored)), (1, 7));
    }
    let page = log.page(&room("KRW-BTC"), PageBound::Latest, 1_000).await.unwrap();
    assert_eq!(page.iter().map(|message| message.id).collect::<HashSet<_>>().len(), 50);
}

/// Ann takes back the message of this id.
fn taking_back(name: &str, id: i64, offset: i64, deletes: i64) -> Arc<Message> {
    let deletes = Some(MessageId::new(deletes));
    Arc::new(Message { content: "".into(), deletes, ..message(name, id, offset) })
}

/// What each entry of the room says, by offset.
async fn contents(log: &impl MessageLog) -> Vec<(u64, String)> {
    let page = log.page(&room("KRW-BTC"), PageBound::After(Offset::ZERO), 1_000).await.unwrap();
    page.iter().map(|entry| (entry.offset.get(), entry.content.to_string())).collect()
}

async fn what_is_taken_back_is_gone_and_keeps_its_place(log: impl MessageLog) {
    let krw_btc = room("KRW-BTC");
    log.append(&[said("KRW-BTC", 1, 1), said("KRW-BTC", 2, 2)]).await.unwrap();
    assert!(log.find(&krw_btc, MessageId::new(1)).await.unwrap().is_some());
    let outcomes = log.append(&[taking_back("KRW-BTC", 3, 3, 1)]).await.unwrap();
    assert_eq!(outcomes, [Appended::Stored]);
    let expected = [(1, String::new()), (2, "message 2".into()), (3, String::new())];
    assert_eq!(contents(&log).await, expected);
    let page = log.page(&krw_btc, PageBound::Latest, 1).await.unwrap();
    assert_eq!(page[0].deletes, Some(MessageId::new(1)));
    let said = log.messages(&krw_btc, PageBound::Latest, 10).await.unwrap();
    assert_eq!(offsets(&said), [2]);
    assert_eq!(log.find(&krw_btc, MessageId::new(1)).await.unwrap(), None);
    assert_eq!(log.find(&krw_btc, MessageId::new(3)).await.unwrap(), None);
    assert_eq!(log.find(&room("KRW-ETH"), MessageId::new(2)).await.unwrap(), None);
    assert_eq!(log.find(&krw_btc, MessageId::new(2)).await.unwrap().unwrap().offset, Offset::new(2));
    assert_eq!(log.tail(&krw_btc).await.unwrap(), Some(Offset::new(3)));
}

async fn what_is_taken_back_in_its_own_batch_never_shows(log: impl MessageLog) {
    let mut batch: Vec<_> = (1..=300).map(|n| said("KRW-BTC", n, n)).collect();
    batch.push(taking_back("KRW-BTC", 301, 301, 300));
    assert_eq!(log.append(&batch).await.unwrap(), vec![Appended::Stored; 301]);
    assert_eq!(contents(&log).await[299], (300, String::new()));
}

async fn what_was_taken_back_stays_so_when_it_comes_again(log: impl MessageLog) {
    let batch = [named("KRW-BTC", 1, 1, "hello"), taking_back("KRW-BTC", 2, 2, 1)];
    log.append(&batch).await.unwrap();
    assert_eq!(log.append(&batch).await.unwrap(), [Appended::AlreadyStored; 2]);
    assert_eq!(log.append(&batch[..1]).await.unwrap(), [Appended::AlreadyStored]);
    let again = log.append(&[named("KRW-BTC", 3, 3, "hello")]).await.unwrap();
    assert_eq!(again, [Appended::Duplicate { id: MessageId::new(1), offset: Offset::new(1) }]);
    assert_eq!(contents(&log).await, [(1, String::new()), (2, String::new())]);
}

async fn pages_of_what_was_said_are_full_whatever_was_taken_back(log: impl MessageLog) {
    let mut batch: Vec<_> = (1..=20).map(|n| said("KRW-BTC", n, n)).collect();
    batch.extend((21..=30).map(|n| taking_back("KRW-BTC", n, n, n - 15)));
    log.append(&batch).await.unwrap();
    let krw_btc = room("KRW-BTC");
    let page = async |bound| offsets(&log.messages(&krw_btc, bound, 4).await.unwrap());
    assert_eq!(page(PageBound::Latest).await, [17, 18, 19, 20]);
    assert_eq!(page(PageBound::Before(Offset::new(17))).await, [3, 4, 5, 16]);
    assert_eq!(page(PageBound::After(Offset::new(4))).await, [5, 16, 17, 18]);
    assert!(page(PageBound::After(Offset::new(20))).await.is_empty());
}

async fn an_offset_beyond_all_numbers_is_the_end(log: impl MessageLog) {
    log.append(&[said("KRW-BTC", 1, 1)]).await.unwrap();
    let end = Offset::new(u64::MAX);
    assert_eq!(log.page(&room("KRW-BTC"), PageBound::Before(end), 10).await.unwrap().len(), 1);
    assert_eq!(log.page(&room("KRW-BTC"), PageBound::After(end), 10).await.unwrap().len(), 0);
}
