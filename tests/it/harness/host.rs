//! [`Host`]: a server by its address, whether it lives in this process or in one of its own.

use std::net::SocketAddr;

use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{CandleSocket, CentrifugeSocket, SMALL_BUFFER_BYTES, Socket, TickerSocket, User, within};

/// The headers of a WebSocket handshake; the key is RFC 6455's example.
const HANDSHAKE: [(&str, &str); 4] = [
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

/// Where a server listens.
#[derive(Clone)]
pub(crate) struct Host {
    pub(crate) address: SocketAddr,
    http: reqwest::Client,
}

/// What a request was answered with, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Host {
    pub(crate) fn at(address: SocketAddr) -> Self {
        // One provider for the process; it is no error that the server installed it before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        Self { address, http: http.build().unwrap() }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.url(path))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        Answer::of(self.request(Method::POST, path).json(body)).await
    }

    /// Somebody new, logged in.
    pub(crate) async fn user(&self, name: &str) -> User {
        let body = json!({ "username": name, "email": User::email(name), "password": User::password(name) });
        self.post("/api/auth/register", &body).await.expect_status(201);
        self.log_in(name).await
    }

    /// Another login of somebody who has an account.
    pub(crate) async fn log_in(&self, name: &str) -> User {
        User::log_in(self, name).await
    }

    /// Opens a WebSocket, which must be let in.
    pub(crate) async fn open(&self, path: &str, headers: &[(&str, &str)]) -> Socket {
        Socket::open(self.address, path, headers, None).await
    }

    /// A socket for any channels, not connected yet.
    pub(crate) async fn centrifuge(&self) -> CentrifugeSocket {
        CentrifugeSocket::new(self.open("/connection/websocket", &[]).await)
    }

    /// A socket for prices.
    pub(crate) async fn watch_prices(&self) -> TickerSocket {
        TickerSocket::new(self.open("/ws/ticker", &[]).await)
    }

    /// A socket for candles.
    pub(crate) async fn watch_candles(&self) -> CandleSocket {
        CandleSocket::new(self.open("/ws/minute", &[]).await)
    }

    /// A socket for prices whose owner has so small a receive buffer that the server soon notices when nobody reads.
    pub(crate) async fn watch_prices_slowly(&self) -> TickerSocket {
        TickerSocket::new(Socket::open(self.address, "/ws/ticker", &[], Some(SMALL_BUFFER_BYTES)).await)
    }

    /// The answer to a path exactly as it is written here, which no client library would send.
    pub(crate) async fn get_raw(&self, path: &str) -> String {
        within("an answer", async {
            let mut stream = TcpStream::connect(self.address).await.unwrap();
            let request =
                format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address);
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.unwrap();
            String::from_utf8_lossy(&answer).into_owned()
        })
        .await
    }

    /// What a WebSocket handshake is answered with; the connection is dropped.
    pub(crate) async fn handshake(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let request = HANDSHAKE
            .iter()
            .chain(headers)
            .fold(self.request(Method::GET, path), |request, header| request.header(header.0, header.1));
        Answer::of(request).await
    }

    /// What a WebSocket handshake is refused with.
    pub(crate) async fn refusal(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let answer = self.handshake(path, headers).await;
        assert_ne!(answer.status, 101, "{path} was let in");
        answer
    }

    /// All messages of a room, read page by page.
    pub(crate) async fn history(&self, room: &str) -> Vec<Value> {
        let mut messages = Vec::new();
        let mut after = Value::from(0);
        while !after.is_null() {
            let page = self.get(&format!("/api/rooms/{room}/messages?after={after}&limit=200")).await;
            let mut page = page.expect_status(200).json();
            messages.append(page["messages"].as_array_mut().unwrap());
            after = page["next_cursor"].take();
        }
        messages
    }
}

impl Answer {
    pub(crate) async fn of(request: RequestBuilder) -> Self {
        within("an answer", async {
            let response = request.send().await.unwrap();
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            // An upgraded connection has no body to wait for.
            let body = if status == 101 { String::new() } else { response.text().await.unwrap() };
            Self { status, headers, body }
        })
        .await
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("no JSON: {error}: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn expect_status(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// Holds that this is a problem document with this status and code; returns it.
    pub(crate) fn expect_problem(self, status: u16, code: &str) -> Value {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let problem = self.json();
        assert_eq!((self.status, &problem["status"]), (status, &status.into()), "{self:?}");
        assert_eq!(problem["code"], code, "{self:?}");
        problem
    }

    /// The names of the fields that were refused, with the code of each.
    pub(crate) fn expect_violations(self, expected: &[(&str, &str)]) {
        let problem = self.expect_problem(422, "validation_failed");
        let errors = problem["errors"].as_array().unwrap().iter();
        let errors: Vec<_> =
            errors.map(|e| (e["field"].as_str().unwrap(), e["code"].as_str().unwrap())).collect();
        assert_eq!(errors, expected);
    }
}
