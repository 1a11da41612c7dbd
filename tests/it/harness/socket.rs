//! [`Socket`]: a WebSocket client that can also misbehave.

use std::collections::VecDeque;
use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::within;

/// One connection.
pub(crate) struct Socket {
    stream: WebSocketStream<TcpStream>,
    /// Read while something else was waited for.
    pending: VecDeque<Value>,
}

/// How a connection ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With a close frame of this code and reason.
    Closed(u16, String),
    /// Without a word.
    Cut,
}

impl Socket {
    pub(super) async fn open(
        address: SocketAddr,
        path: &str,
        headers: &[(&str, &str)],
        receive_buffer: Option<u32>,
    ) -> Self {
        within("an open socket", async {
            let tcp = TcpSocket::new_v4().unwrap();
            if let Some(bytes) = receive_buffer {
                tcp.set_recv_buffer_size(bytes).unwrap();
            }
            let stream = tcp.connect(address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let request = request(&format!("ws://{address}{path}"), headers);
            let (stream, _) = client_async(request, stream)
                .await
                .unwrap_or_else(|error| panic!("{path} was refused: {error}"));
            Self { stream, pending: VecDeque::new() }
        })
        .await
    }

    pub(crate) async fn send(&mut self, message: Message) {
        within("sending", self.stream.send(message)).await.unwrap();
    }

    pub(crate) async fn send_text(&mut self, text: &str) {
        self.send(Message::text(text)).await;
    }

    /// Writes bytes past the WebSocket library.
    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        within("writing", self.stream.get_mut().write_all(bytes)).await.unwrap();
    }

    /// The next JSON object of `kind`; others are kept for whoever asks for them later.
    pub(crate) async fn next_of(&mut self, kind: &str) -> Value {
        let is_wanted = |frame: &Value| frame["type"] == kind;
        if let Some(place) = self.pending.iter().position(is_wanted) {
            return self.pending.remove(place).unwrap();
        }
        loop {
            let frame = self.read().await;
            if is_wanted(&frame) {
                return frame;
            }
            self.pending.push_back(frame);
        }
    }

    /// The next JSON object, whatever it is.
    pub(crate) async fn next(&mut self) -> Value {
        match self.pending.pop_front() {
            Some(frame) => frame,
            None => self.read().await,
        }
    }

    /// The text of the next frame that came, with the server's spelling.
    pub(crate) async fn next_text(&mut self) -> String {
        assert!(self.pending.is_empty(), "unread: {:?}", self.pending);
        self.read_text().await
    }

    async fn read(&mut self) -> Value {
        serde_json::from_str(&self.read_text().await).unwrap()
    }

    async fn read_text(&mut self) -> String {
        // Around all of it, because pings may come for ever.
        within("the next text", async {
            loop {
                match self.stream.next().await {
                    Some(Ok(Message::Text(text))) => return text.to_string(),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    other => panic!("expected a text frame, got {other:?}; unread: {:?}", self.pending),
                }
            }
        })
        .await
    }

    async fn read_message(&mut self) -> Option<Result<Message, Error>> {
        within("the next frame", self.stream.next()).await
    }

    /// Sends a ping and holds that its pong is the next control frame.
    pub(crate) async fn expect_pong(&mut self, payload: &'static str) {
        self.send(Message::Ping(payload.into())).await;
        loop {
            match self.read_message().await {
                Some(Ok(Message::Pong(answer))) => return assert_eq!(answer, payload),
                Some(Ok(Message::Text(text))) => {
                    self.pending.push_back(serde_json::from_str(&text).unwrap());
                }
                Some(Ok(Message::Ping(_))) => {}
                other => panic!("expected a pong, got {other:?}"),
            }
        }
    }

    /// The type of the first frame; nothing if the server closes instead.
    pub(crate) async fn read_first_type(&mut self) -> Option<String> {
        match self.read_message().await {
            Some(Ok(Message::Text(text))) => {
                let frame: Value = serde_json::from_str(&text).unwrap();
                frame["type"].as_str().map(str::to_owned)
            }
            _ => None,
        }
    }

    /// Reads to the end; what comes before it can be had with [`next_of`](Self::next_of) afterwards.
    pub(crate) async fn read_to_end(&mut self) -> End {
        loop {
            match self.read_message().await {
                Some(Ok(Message::Text(text))) => {
                    self.pending.push_back(serde_json::from_str(&text).unwrap());
                }
                Some(Ok(Message::Close(Some(close)))) => {
                    return End::Closed(close.code.into(), close.reason.to_string());
                }
                Some(Ok(_)) => {}
                None | Some(Err(_)) => return End::Cut,
            }
        }
    }

    /// Holds that the server closes with this code.
    pub(crate) async fn expect_close(&mut self, code: u16) {
        match self.read_to_end().await {
            End::Closed(actual, reason) => assert_eq!(actual, code, "{reason}"),
            End::Cut => panic!("expected a close with {code}, the connection was cut"),
        }
    }

    /// Holds that the server ends the TCP connection, too.
    pub(crate) async fn expect_end_of_stream(&mut self) {
        let mut rest = Vec::new();
        within("the end of the stream", self.stream.get_mut().read_to_end(&mut rest)).await.unwrap();
        assert!(rest.is_empty(), "{rest:?}");
    }

    /// What was read and not asked for.
    pub(crate) fn take_unread(&mut self) -> Vec<Value> {
        self.pending.drain(..).collect()
    }
}

fn request(url: &str, headers: &[(&str, &str)]) -> Request {
    let mut request = url.into_client_request().unwrap();
    for (name, value) in headers {
        let name: HeaderName = name.parse().unwrap();
        request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
    }
    request
}
