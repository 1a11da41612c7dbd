//! Rooms: one order for everybody, an ack only for what is stored, and nothing said twice.

use crate::harness::{TestServer, User, place};

const ROOM: &str = "KRW-BTC";

#[tokio::test]
async fn a_sender_receives_its_own_message_with_its_place_in_the_order() {
    let server = TestServer::without_prices(&[]).await;
    let ann = server.user("ann").await;
    let mut socket = ann.enter(ROOM).await;
    assert_eq!(socket.offset(), 0);
    socket.say("hi").await;
    let message = socket.expect_message("hi").await;
    assert_eq!(message["roomName"], ROOM);
    assert_eq!(message["offset"], 1);
    assert_eq!(message["sender"]["id"], ann.id().await);
    assert_eq!(message["sender"]["name"], ann.name.as_str());
}
