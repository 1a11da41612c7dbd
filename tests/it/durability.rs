//! The binary, and what it owes to people when it ends: an acked message is there afterwards, once, in its place.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use crate::harness::{ChatSocket, Process, place};

const ROOM: &str = "KRW-BTC";

/// Sends these numbers, each as its own id and content.
pub(crate) async fn send(socket: &mut ChatSocket, numbers: impl IntoIterator<Item = u64>) {
    for number in numbers {
        socket.say_as(&number.to_string(), &number.to_string()).await;
    }
}

/// Holds that the history is a row of offsets without a gap, in which nothing stands twice; returns it by content.
fn checked(history: &[Value]) -> HashMap<String, &Value> {
    let offsets: Vec<u64> = history.iter().map(|message| place(message).0).collect();
    let count = u64::try_from(history.len()).unwrap();
    assert_eq!(offsets, (1..=count).collect::<Vec<_>>());
    let by_content: HashMap<_, _> = history.iter().map(|message| (place(message).1, message)).collect();
    assert_eq!(by_content.len(), history.len(), "something was stored twice");
    by_content
}

/// Holds that each acked message is in the history, where the ack said.
pub(crate) fn expect_acked(history: &[Value], acks: &BTreeMap<String, Value>) {
    let by_content = checked(history);
    for (id, ack) in acks {
        let message = by_content.get(id).unwrap_or_else(|| panic!("acked and lost: {ack}"));
        assert_eq!((&message["id"], &message["offset"]), (&ack["messageId"], &ack["offset"]));
    }
}

fn by_id(acks: Vec<Value>) -> BTreeMap<String, Value> {
    acks.into_iter().map(|ack| (ack["id"].as_str().unwrap().to_owned(), ack)).collect()
}

#[tokio::test]
async fn defect_55_what_was_acked_survives_kill_9_and_repeats_are_harmless() {
    const SENT: u64 = 1_000;
    let folder = tempfile::tempdir().unwrap();
    let server = Process::serve(folder.path());
    let mut socket = server.user("ann").await.enter(ROOM).await;
    let mut acks = Vec::new();
    for start in (0..SENT).step_by(50) {
        send(&mut socket, start..start + 50).await;
        // Some of what was sent is always under way.
        while acks.len() + 100 < usize::try_from(start).unwrap() {
            acks.push(socket.next_of("ACK").await);
        }
    }
    server.kill();
    // What the dying server still got out counts as well.
    socket.read_to_end().await;
    acks.extend(socket.take_unread().into_iter().filter(|frame| frame["type"] == "ACK"));
    let acks = by_id(acks);
    assert!(acks.len() >= 800, "{}", acks.len());

    let server = Process::serve(folder.path());
    expect_acked(&server.history(ROOM).await, &acks);

    // What was not acked is sent again, by a client that cannot know which of it was stored.
    let mut socket = server.log_in("ann").await.enter(ROOM).await;
    let unacked: Vec<u64> = (0..SENT).filter(|number| !acks.contains_key(&number.to_string())).collect();
    send(&mut socket, unacked.iter().copied()).await;
    for number in &unacked {
        socket.expect_ack(&number.to_string()).await;
    }
    let history = server.history(ROOM).await;
    assert_eq!(checked(&history).len(), usize::try_from(SENT).unwrap());
    expect_acked(&history, &acks);
}

#[tokio::test]
async fn sigterm_answers_every_message_tells_clients_when_to_come_back_and_exits_with_0() {
    const SENT: u64 = 500;
    let folder = tempfile::tempdir().unwrap();
    let server = Process::serve(folder.path());
    let mut talking = server.user("ann").await.enter(ROOM).await;
    let mut listening = server.user("bo").await.enter("KRW-ETH").await;
    let mut watching = server.watch_prices().await;
    send(&mut talking, 0..SENT).await;
    talking.next_of("ACK").await;
    server.terminate();

    for socket in [&mut *talking, &mut *listening] {
        let told = socket.next_of("SHUTDOWN").await;
        assert!((500..=5_000).contains(&told["retryAfterMs"].as_u64().unwrap()), "{told}");
        socket.expect_close(3001).await;
    }
    watching.expect_close(3001).await;
    let frames = talking.take_unread();
    let of = |kind: &str| frames.iter().filter(|frame| frame["type"] == kind).cloned().collect::<Vec<_>>();
    let (acks, errors) = (of("ACK"), of("ERROR"));
    assert!(errors.iter().all(|error| error["code"] == "shutting_down"), "{errors:?}");
    drop((talking, listening, watching));
    assert_eq!(server.ended().await.code(), Some(0));

    let server = Process::serve(folder.path());
    expect_acked(&server.history(ROOM).await, &by_id(acks));
}

#[tokio::test]
async fn sigterm_without_anybody_there_is_quick() {
    let folder = tempfile::tempdir().unwrap();
    let server = Process::serve(folder.path());
    server.get("/health/live").await.expect_status(200);
    server.terminate();
    assert_eq!(server.ended().await.code(), Some(0));
}
