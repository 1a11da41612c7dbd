//! [`ChatSocket`]: a member of a room.

use std::ops::{Deref, DerefMut};

use serde_json::{Value, json};

use super::Socket;

/// A socket of `/ws/chat` that has entered its room.
pub(crate) struct ChatSocket {
    socket: Socket,
    /// The frame that it was welcomed with.
    pub(crate) joined: Value,
}

impl Deref for ChatSocket {
    type Target = Socket;

    fn deref(&self) -> &Socket {
        &self.socket
    }
}

impl DerefMut for ChatSocket {
    fn deref_mut(&mut self) -> &mut Socket {
        &mut self.socket
    }
}

impl ChatSocket {
    /// Waits for the room, which speaks first.
    pub(crate) async fn join(mut socket: Socket) -> Self {
        let joined = socket.next().await;
        assert_eq!(joined["type"], "JOINED", "{joined}");
        Self { socket, joined }
    }

    /// Hangs up without a close frame.
    pub(crate) fn hang_up(self) {
        drop(self);
    }

    pub(crate) fn epoch(&self) -> &str {
        self.joined["epoch"].as_str().unwrap()
    }

    pub(crate) fn offset(&self) -> u64 {
        self.joined["offset"].as_u64().unwrap()
    }

    pub(crate) async fn say(&mut self, content: &str) {
        self.send_text(&json!({ "type": "MESSAGE", "content": content }).to_string()).await;
    }

    /// Says something and asks for an ack.
    pub(crate) async fn say_as(&mut self, id: &str, content: &str) {
        self.send_text(&json!({ "type": "MESSAGE", "content": content, "id": id }).to_string()).await;
    }

    /// Says something and waits until it is stored.
    pub(crate) async fn say_and_wait(&mut self, id: &str, content: &str) -> Value {
        self.say_as(id, content).await;
        self.expect_ack(id).await
    }

    pub(crate) async fn next_message(&mut self) -> Value {
        self.next_of("MESSAGE").await
    }

    /// Holds that the next message is this one.
    pub(crate) async fn expect_message(&mut self, content: &str) -> Value {
        let message = self.next_message().await;
        assert_eq!(message["content"], content, "{message}");
        message
    }

    /// The next `count` messages, as offsets and contents.
    pub(crate) async fn messages(&mut self, count: usize) -> Vec<(u64, String)> {
        let mut messages = Vec::with_capacity(count);
        for _ in 0..count {
            let message = self.next_message().await;
            messages.push(place(&message));
        }
        messages
    }

    pub(crate) async fn expect_ack(&mut self, id: &str) -> Value {
        let ack = self.next_of("ACK").await;
        assert_eq!(ack["id"], id, "{ack}");
        ack
    }

    /// Holds that the next error is this one.
    pub(crate) async fn expect_error(&mut self, code: &str) -> Value {
        let error = self.next_of("ERROR").await;
        assert_eq!(error["code"], code, "{error}");
        error
    }
}

/// A message's offset and content.
pub(crate) fn place(message: &Value) -> (u64, String) {
    (message["offset"].as_u64().unwrap(), message["content"].as_str().unwrap().to_owned())
}
