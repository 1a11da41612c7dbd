//! [`CentrifugeSocket`]: a client of the Centrifuge protocol that writes and reads its JSON by hand.

use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};

use serde_json::{Value, json};

use super::Socket;

/// A socket of `/connection/websocket`.
pub(crate) struct CentrifugeSocket {
    socket: Socket,
    /// Replies and pushes that came and nobody asked for yet.
    unread: VecDeque<Value>,
    last_id: u32,
}

impl Deref for CentrifugeSocket {
    type Target = Socket;

    fn deref(&self) -> &Socket {
        &self.socket
    }
}

impl DerefMut for CentrifugeSocket {
    fn deref_mut(&mut self) -> &mut Socket {
        &mut self.socket
    }
}

impl CentrifugeSocket {
    pub(crate) fn new(socket: Socket) -> Self {
        Self { socket, unread: VecDeque::new(), last_id: 1_000 }
    }

    /// Sends commands in one frame.
    pub(crate) async fn send_commands(&mut self, commands: &[Value]) {
        let lines: Vec<_> = commands.iter().map(Value::to_string).collect();
        self.socket.send_text(&lines.join("\n")).await;
    }

    /// Sends `{"id":…,"<method>":<request>}` and waits for the reply.
    pub(crate) async fn call(&mut self, method: &str, request: Value) -> Value {
        self.last_id += 1;
        let id = self.last_id;
        self.send_commands(&[json!({ "id": id, method: request })]).await;
        self.next_where(|reply| reply["id"] == id).await
    }

    /// Connects with a token.
    pub(crate) async fn connect(&mut self, token: &str) -> Value {
        let reply = self.call("connect", json!({ "token": token })).await;
        assert!(reply["connect"]["client"].is_string(), "{reply}");
        reply
    }

    /// Subscribes, which must succeed.
    pub(crate) async fn subscribe(&mut self, channel: &str) -> Value {
        let reply = self.call("subscribe", json!({ "channel": channel })).await;
        assert!(reply["subscribe"].is_object(), "{reply}");
        reply
    }

    /// The code of the error that a call is answered with.
    pub(crate) async fn refused(&mut self, method: &str, request: Value) -> Value {
        let reply = self.call(method, request).await;
        assert!(reply["error"]["message"].is_string(), "{reply}");
        reply["error"]["code"].clone()
    }

    /// Whether there are replies or pushes that nobody asked for yet.
    pub(crate) fn has_unread(&self) -> bool {
        !self.unread.is_empty()
    }

    /// The next publication in any channel.
    pub(crate) async fn next_publication(&mut self) -> Value {
        self.next_where(|reply| reply["push"]["pub"].is_object()).await
    }

    /// The next reply or push that is wanted; others are kept, pings answered.
    pub(crate) async fn next_where(&mut self, is_wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(place) = self.unread.iter().position(&is_wanted) {
            return self.unread.remove(place).unwrap();
        }
        loop {
            let text = self.socket.next_text().await;
            assert!(!text.contains("\n\n") && !text.ends_with('\n'), "{text:?}");
            for line in text.split('\n') {
                match serde_json::from_str(line).unwrap() {
                    Value::Object(ping) if ping.is_empty() => self.socket.send_text("{}").await,
                    reply => self.unread.push_back(reply),
                }
            }
            if let Some(place) = self.unread.iter().position(&is_wanted) {
                return self.unread.remove(place).unwrap();
            }
        }
    }
}
