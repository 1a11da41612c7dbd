//! [`EventStream`]: a reader of server-sent events, as the HTML Standard (section 9.2.6) has them.

use reqwest::{RequestBuilder, Response};
use serde_json::Value;

use super::within;

/// An open event stream.
pub(crate) struct EventStream {
    pub(crate) response: Response,
    buffer: String,
    /// What a browser would come back with.
    pub(crate) last_id: String,
    /// When it would come back, in milliseconds.
    pub(crate) retry: Option<u64>,
    /// Comments so far.
    pub(crate) comments: usize,
}

/// One event.
#[derive(Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) kind: String,
    pub(crate) id: String,
    pub(crate) data: Value,
    /// The data with the server's spelling.
    pub(crate) text: String,
}

impl EventStream {
    /// Opens a stream, which must be let in, and waits until the server has said where it begins.
    pub(crate) async fn open(request: RequestBuilder) -> Self {
        let response = within("an open stream", request.send()).await.unwrap();
        assert_eq!(response.status(), 200, "{response:?}");
        let mut stream =
            Self { response, buffer: String::new(), last_id: String::new(), retry: None, comments: 0 };
        while stream.last_id.is_empty() {
            assert!(stream.read_block().await.is_some(), "the stream ended at once");
        }
        stream
    }

    /// The next event; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.read_block().await? {
                return Some(event);
            }
        }
    }

    /// The next event of a kind; others are passed over.
    pub(crate) async fn next_of(&mut self, kind: &str) -> Event {
        loop {
            let event = self.next().await.unwrap_or_else(|| panic!("the stream ended before a {kind}"));
            if event.kind == kind {
                return event;
            }
        }
    }

    /// Waits until the page would show this number.
    pub(crate) async fn sees_unread(&mut self, count: u64) {
        while self.next_of("unread-count").await.data["count"] != count {}
    }

    /// Reads to the end; returns the notifications on the way.
    pub(crate) async fn rest(&mut self) -> Vec<Event> {
        let mut rest = Vec::new();
        while let Some(event) = self.next().await {
            if event.kind == "notification" {
                rest.push(event);
            }
        }
        rest
    }

    /// What stands before the next blank line; `Some(None)` if that is no event, `None` at the end.
    async fn read_block(&mut self) -> Option<Option<Event>> {
        let end = loop {
            if let Some(end) = self.buffer.find("\n\n") {
                break end;
            }
            let piece = within("the next piece of the stream", self.response.chunk()).await;
            self.buffer.push_str(std::str::from_utf8(&piece.ok()??).unwrap());
        };
        let block: String = self.buffer.drain(..end + 2).collect();
        let (mut kind, mut text) = ("message".to_owned(), None);
        for line in block.trim_end().lines() {
            match line.split_once(": ") {
                Some(("id", id)) => self.last_id = id.to_owned(),
                Some(("retry", retry)) => self.retry = Some(retry.parse().unwrap()),
                Some(("event", name)) => kind = name.to_owned(),
                Some(("data", json)) => text = Some(json.to_owned()),
                _ => {
                    assert!(line.starts_with(':'), "no field and no comment: {line:?}");
                    self.comments += 1;
                }
            }
        }
        Some(text.map(|text| {
            let data = serde_json::from_str(&text).unwrap();
            Event { kind, id: self.last_id.clone(), data, text }
        }))
    }
}
