//! An exchange under test and the clients that connect to it.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tickroom_sim::{Config, Exchange, Limits, MarketSpec};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::Response;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Nothing on loopback takes so long unless it is broken.
const PATIENCE: Duration = Duration::from_secs(5);

/// Three markets, and nothing happens unless the test does it.
pub(crate) fn quiet() -> Config {
    Config {
        markets: vec![
            MarketSpec::new("KRW-BTC", "비트코인", "Bitcoin", "150000000"),
            MarketSpec::new("KRW-ETH", "이더리움", "Ethereum", "5000000"),
            MarketSpec::new("BTC-ETH", "이더리움", "Ethereum", "0.03333333"),
        ],
        trades_per_minute: 0,
        limits: Limits::none(),
        ..Config::default()
    }
}

pub(crate) async fn exchange(config: Config) -> Exchange {
    Exchange::start(config).await.unwrap()
}

/// One client socket.
pub(crate) struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// The answer to the handshake.
    pub(crate) handshake: Response<Option<Vec<u8>>>,
}

impl Client {
    pub(crate) async fn connect(exchange: &Exchange) -> Self {
        Self::try_connect(exchange, &[]).await.unwrap()
    }

    /// Connects with more headers; a refused handshake is an [`Error::Http`].
    pub(crate) async fn try_connect(
        exchange: &Exchange,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, Error> {
        let mut request = exchange.ws_url().into_client_request()?;
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let (socket, handshake) = connect_async(request).await?;
        Ok(Self { socket, handshake })
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    pub(crate) async fn send_message(&mut self, message: Message) {
        self.socket.send(message).await.unwrap();
    }

    /// Subscribes to the tickers of `codes` and waits for the snapshot of each.
    pub(crate) async fn follow(&mut self, codes: &[&str]) {
        let codes_json = serde_json::to_string(codes).unwrap();
        self.send(&format!(r#"[{{"ticket":"t"}},{{"type":"ticker","codes":{codes_json}}}]"#)).await;
        for code in codes {
            assert_eq!(self.next().await["code"], *code);
        }
    }

    /// Subscribes to `kind` of `codes`, with `more` members in the type object, without waiting for anything.
    pub(crate) async fn subscribe(&mut self, kind: &str, codes: &[&str], more: &str, format: &str) {
        let codes = serde_json::to_string(codes).unwrap();
        let request = format!(
            r#"[{{"ticket":"t"}},{{"type":"{kind}","codes":{codes}{more}}},{{"format":"{format}"}}]"#
        );
        self.send(&request).await;
    }

    /// The next frame, whatever it is.
    pub(crate) async fn next_message(&mut self) -> Option<Result<Message, Error>> {
        timeout(PATIENCE, self.socket.next()).await.expect("a frame or the end of the connection")
    }

    /// The text of the next frame, which is binary as every frame of the exchange.
    pub(crate) async fn next_text(&mut self) -> String {
        match self.next_message().await {
            Some(Ok(Message::Binary(bytes))) => String::from_utf8(bytes.to_vec()).unwrap(),
            other => panic!("expected a binary frame, got {other:?}"),
        }
    }

    pub(crate) async fn next(&mut self) -> Value {
        serde_json::from_str(&self.next_text().await).unwrap()
    }

    /// Holds that everything sent so far has been dealt with and that nothing came of it: a ping is answered
    /// in turn, and a marker overtakes nothing either.
    pub(crate) async fn assert_silent(&mut self, exchange: &Exchange) {
        self.socket.send(Message::Ping("mark".into())).await.unwrap();
        match self.next_message().await {
            Some(Ok(Message::Pong(payload))) => assert_eq!(payload, "mark"),
            other => panic!("expected silence and then the pong, got {other:?}"),
        }
        exchange.faults().send_raw(b"mark".to_vec());
        assert_eq!(self.next_text().await, "mark");
    }

    /// Holds that nothing arrives for a while: for when even a ping would not be answered.
    pub(crate) async fn assert_mute(&mut self) {
        let frame = timeout(Duration::from_millis(100), self.socket.next()).await;
        assert!(frame.is_err(), "{frame:?}");
    }

    /// Holds that TCP ends now, without a close frame.
    pub(crate) async fn assert_cut(&mut self) {
        match self.next_message().await {
            Some(Err(Error::Protocol(_) | Error::Io(_))) => {}
            other => panic!("expected the connection to be cut, got {other:?}"),
        }
    }

    /// Holds that the exchange closes now with code 1000.
    pub(crate) async fn assert_closed(&mut self) {
        match self.next_message().await {
            Some(Ok(Message::Close(Some(frame)))) => assert_eq!(u16::from(frame.code), 1000),
            other => panic!("expected a close frame, got {other:?}"),
        }
    }
}

/// The status that a handshake was refused with.
pub(crate) async fn refused(exchange: &Exchange, headers: &[(&'static str, &str)]) -> (u16, String) {
    match Client::try_connect(exchange, headers).await {
        Err(Error::Http(response)) => {
            let body = response.body().clone().unwrap_or_default();
            (response.status().as_u16(), String::from_utf8(body).unwrap())
        }
        Err(error) => panic!("expected a refused handshake, got {error}"),
        Ok(_) => panic!("expected a refused handshake, got a socket"),
    }
}

/// Calls `path` below `/v1`, as a browser does if there is an `origin`.
pub(crate) async fn get_with(exchange: &Exchange, path: &str, origin: Option<&str>) -> reqwest::Response {
    // A second install of the same provider is refused, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut request = reqwest::Client::new().get(format!("{}{path}", exchange.rest_url()));
    if let Some(origin) = origin {
        request = request.header("origin", origin);
    }
    request.send().await.unwrap()
}

/// Calls `path` below `/v1`.
pub(crate) async fn get(exchange: &Exchange, path: &str) -> reqwest::Response {
    get_with(exchange, path, None).await
}

/// Waits until `condition` holds.
pub(crate) async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let holds = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(PATIENCE, holds).await.unwrap_or_else(|_| panic!("never: {what}"));
}
