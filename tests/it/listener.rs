//! Connections: how many there may be, and how long each may be silent.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::routing::get;
use tickroom::listener::serve;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::harness::{TestServer, within};

/// A listener with one page, so short of patience that a test can wait for it to run out.
struct Impatient {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl Impatient {
    async fn start(max_connections: usize, patience: Duration) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let page = async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.to_string();
        let router = Router::new().route("/", get(page));
        let (stop, stopping) = watch::channel(false);
        let serving = tokio::spawn(serve(listener, router, max_connections, patience, stopping));
        Self { address, stop, serving }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}

async fn rest(stream: &mut TcpStream) -> String {
    within("the end of the connection", async {
        let mut answer = Vec::new();
        // A reset is an end, too.
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    })
    .await
}

async fn ask(stream: &mut TcpStream) -> String {
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    within("an answer", async {
        let mut answer = String::new();
        while !answer.contains("127.0.0.1:") {
            let mut some = [0; 1024];
            let read = stream.read(&mut some).await.unwrap();
            assert_ne!(read, 0, "closed after {answer:?}");
            answer.push_str(&String::from_utf8_lossy(&some[..read]));
        }
        answer
    })
    .await
}

#[tokio::test]
async fn who_never_says_what_it_wants_is_cut_off() {
    let listener = Impatient::start(100, Duration::from_millis(200)).await;
    for beginning in ["", "G", "PRI * HTTP/2.0\r\n", "GET / HTTP/1.1\r\nhost: x\r\n"] {
        let mut stream = listener.connect().await;
        stream.write_all(beginning.as_bytes()).await.unwrap();
        rest(&mut stream).await;
    }
}

#[tokio::test]
async fn a_connection_is_used_again_and_cut_off_when_it_is_not() {
    let listener = Impatient::start(100, Duration::from_millis(500)).await;
    let mut stream = listener.connect().await;
    let own = stream.local_addr().unwrap().to_string();
    for _again in 0..2 {
        assert!(ask(&mut stream).await.contains(&own));
    }
    rest(&mut stream).await;
}

#[tokio::test]
async fn one_connection_too_many_is_told_to_come_back() {
    let listener = Impatient::start(1, Duration::from_secs(60)).await;
    let mut first = listener.connect().await;
    ask(&mut first).await;
    let mut second = listener.connect().await;
    let refused = rest(&mut second).await;
    assert!(refused.starts_with("HTTP/1.1 503 ") && refused.contains("retry-after: 1"), "{refused}");
    drop(first);
    within("room", async {
        loop {
            let mut next = listener.connect().await;
            next.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
            if rest(&mut next).await.starts_with("HTTP/1.0 200") {
                break;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_stop_lets_idle_connections_go() {
    let listener = Impatient::start(10, Duration::from_secs(60)).await;
    let mut idle = listener.connect().await;
    ask(&mut idle).await;
    listener.stop.send(true).unwrap();
    rest(&mut idle).await;
    within("the end", listener.serving).await.unwrap();
}

#[tokio::test]
async fn a_socket_is_no_connection_any_more() {
    let server = TestServer::without_prices(&[("server.max_connections", "2")]).await;
    let mut sockets = Vec::new();
    for _ in 0..5 {
        sockets.push(server.watch_prices().await);
    }
    let ready = server.get_raw("/health/ready").await;
    assert!(ready.contains("\"sockets\":5"), "{ready}");
}
