//! Messages over REST: what was said can be read page by page, in both directions, and nonsense is refused.

use serde_json::Value;

use crate::harness::{TestServer, place};

const ROOM: &str = "KRW-BTC";

/// A server with so many messages in its room.
async fn with_messages(count: u64) -> TestServer {
    let server = TestServer::without_prices(&[]).await;
    let mut ann = server.user("ann").await.enter(ROOM).await;
    for number in 1..count {
        ann.say(&number.to_string()).await;
    }
    ann.say_and_wait("last", &count.to_string()).await;
    server
}

/// The offsets of a page, and its cursor.
async fn page(server: &TestServer, query: &str) -> (Vec<u64>, Value) {
    let answer = server.get(&format!("/api/rooms/{ROOM}/messages?{query}")).await.expect_status(200).json();
    let messages = answer["messages"].as_array().unwrap().iter();
    (messages.map(|message| place(message).0).collect(), answer["next_cursor"].clone())
}

#[tokio::test]
async fn a_message_is_kept_as_it_was_said() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("조아라").await;
    let mut socket = ann.enter(ROOM).await;
    let content = "\"비트코인\" 👨‍👩‍👧‍👦 <b>\t\n</b> \u{202e}\\u0000 ' -- ;";
    socket.say_and_wait("1", content).await;
    let live = socket.expect_message(content).await;
    let stored = &server.history(ROOM).await[0];
    assert_eq!(stored["content"], content);
    assert_eq!((&stored["room"], &stored["id"]), (&ROOM.into(), &live["id"]));
    assert_eq!(
        stored["sender"],
        live["sender"].as_object().map_or(Value::Null, |sender| {
            serde_json::json!({ "id": sender["id"], "name": "조아라", "profile_url": null })
        })
    );
    assert_eq!(live["sender"]["id"], ann.id().await);
    assert!(stored["created_at"].is_i64() || stored["created_at"].is_string(), "{stored}");
}

#[tokio::test]
async fn the_latest_page_comes_first_and_leads_back_to_the_first_message() {
    let server = with_messages(120).await;
    let offsets = |range: std::ops::RangeInclusive<u64>| range.collect::<Vec<_>>();
    assert_eq!(page(&server, "").await, (offsets(71..=120), 71.into()));
    assert_eq!(page(&server, "before=71").await, (offsets(21..=70), 21.into()));
    assert_eq!(page(&server, "before=21").await, (offsets(1..=20), Value::Null));
    assert_eq!(page(&server, "before=21&limit=20").await, (offsets(1..=20), Value::Null));
    assert_eq!(page(&server, "limit=200").await, (offsets(1..=120), Value::Null));
    assert_eq!(page(&server, "before=1").await, (vec![], Value::Null));
    assert_eq!(page(&server, "before=18446744073709551615&limit=1").await, (vec![120], 120.into()));
}

#[tokio::test]
async fn pages_forward_lead_to_the_last_message() {
    let server = with_messages(5).await;
    for limit in 1..=6 {
        let (mut seen, mut after) = (Vec::new(), Value::from(0));
        while !after.is_null() {
            let (offsets, next) = page(&server, &format!("after={after}&limit={limit}")).await;
            seen.extend(offsets);
            after = next;
        }
        assert_eq!(seen, [1, 2, 3, 4, 5], "limit {limit}");
    }
    assert_eq!(page(&server, "after=5").await, (vec![], Value::Null));
    assert_eq!(page(&server, "after=18446744073709551615").await, (vec![], Value::Null));
}

#[tokio::test]
async fn a_query_that_makes_no_sense_is_refused_with_all_its_mistakes() {
    let server = TestServer::without_prices(&[]).await;
    let query = async |query: &str| server.get(&format!("/api/rooms/{ROOM}/messages?{query}")).await;
    query("limit=0").await.expect_violations(&[("limit", "out_of_range")]);
    query("limit=201").await.expect_violations(&[("limit", "out_of_range")]);
    query("before=1&after=1").await.expect_violations(&[("before", "conflicting")]);
    query("before=1&after=1&limit=0")
        .await
        .expect_violations(&[("limit", "out_of_range"), ("before", "conflicting")]);
    for (garbage, field) in
        [("limit=ten", "limit"), ("limit=65536", "limit"), ("before=-1", "before"), ("after=1.5", "after")]
    {
        query(garbage).await.expect_violations(&[(field, "invalid")]);
    }
}

#[tokio::test]
async fn a_room_without_messages_has_an_empty_page_and_one_that_is_none_has_no_page() {
    let server = TestServer::without_prices(&[]).await;
    assert_eq!(page(&server, "").await, (vec![], Value::Null));
    for name in ["KRW-NOBODY", "%00", "..%2F..%2Fmarkets", "KRW-BTC%27%20or%201=1"] {
        server.get(&format!("/api/rooms/{name}/messages")).await.expect_problem(404, "not_found");
    }
}

#[tokio::test]
async fn defect_56_messages_are_found_in_their_own_room_and_in_no_other() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    ann.enter(ROOM).await.say_and_wait("1", "about bitcoin").await;
    ann.enter("KRW-ETH").await.say_and_wait("1", "about ether").await;
    for (room, content) in [(ROOM, "about bitcoin"), ("KRW-ETH", "about ether")] {
        let messages = server.history(room).await;
        assert_eq!(messages.iter().map(place).collect::<Vec<_>>(), [(1, content.to_owned())]);
    }
}
