//! From TCP connections to requests: how many there may be, and how long each may take to say what it wants.
//!
//! axum's own loop has no timers, so that a client which sends one byte a minute keeps its connection for ever. Here the
//! head of each request has a deadline. The first is our own, because hyper's begins only when it knows the protocol.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::response::Response;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tower::Service;

use crate::connection;
use crate::limits::ACCEPT_PAUSE;

/// The answer for which no connection has to be understood.
const FULL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// Accepts connections until it is told to stop, then waits for the requests that are under way. A connection that has
/// become a WebSocket is none any more.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    max_connections: usize,
    header_read_timeout: Duration,
    mut stopping: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(max_connections));
    let connections = GracefulShutdown::new();
    let builder = Arc::new(builder(header_read_timeout));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            // An error means that the server was dropped.
            _ = stopping.wait_for(|stopping| *stopping) => break,
        };
        match accepted {
            Ok((stream, peer)) => match Arc::clone(&places).try_acquire_owned() {
                Ok(place) => {
                    let connection = Connection { stream, peer, router: router.clone(), place };
                    let builder = Arc::clone(&builder);
                    tokio::spawn(connection.serve(builder, header_read_timeout, connections.watcher()));
                }
                Err(_full) => refuse(&stream),
            },
            Err(error) => after(&error).await,
        }
    }
    drop(listener);
    connections.shutdown().await;
}

fn builder(header_read_timeout: Duration) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(header_read_timeout);
    // HTTP/2 has no such deadline; its pings find out who is gone.
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(header_read_timeout);
    builder
}

/// One that was accepted.
struct Connection {
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    /// Its share of the connections there may be.
    place: OwnedSemaphorePermit,
}

impl Connection {
    async fn serve(self, builder: Arc<Builder<TokioExecutor>>, patience: Duration, watcher: Watcher) {
        let Self { stream, peer, router, place } = self;
        connection::prepare(&stream);
        let arrived = Notify::new();
        let service = service_fn(|request| {
            arrived.notify_one();
            answer(router.clone(), peer, request)
        });
        let exchange = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
        tokio::select! {
            // An error is the client's: it is gone, or what it says is no HTTP.
            _ = watcher.watch(exchange) => {}
            () = silence(&arrived, patience) => {}
        }
        drop(place);
    }
}

/// Ends when no request has arrived in time; never once one has.
async fn silence(arrived: &Notify, patience: Duration) {
    if tokio::time::timeout(patience, arrived.notified()).await.is_ok() {
        pending::<()>().await;
    }
}

async fn answer(
    mut router: Router,
    peer: SocketAddr,
    mut request: Request<Incoming>,
) -> Result<Response, Infallible> {
    request.extensions_mut().insert(ConnectInfo(peer));
    router.call(request).await
}

/// Tells a client that there is no room, if it can be told at once.
fn refuse(stream: &TcpStream) {
    metrics::counter!("tickroom_connections_refused_total").increment(1);
    // What does not fit into the kernel's empty buffer is not waited for.
    let _ = stream.try_write(FULL);
}

/// A connection that died in the queue concerns nobody. Anything else is about this process, such as a lack of file
/// descriptors, and goes on for a while.
async fn after(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        tracing::error!(%error, "connections cannot be accepted");
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}
