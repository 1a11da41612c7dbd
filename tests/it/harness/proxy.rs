//! [`Proxy`]: the way to an engine, which a test can cut, slow down or leave open and silent.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What becomes of bytes on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// They arrive.
    Open,
    /// They arrive later, each piece by so much.
    Slow(Duration),
    /// They arrive when the way is open again, and nobody hears of it until then.
    Silent,
    /// Connections end, and new ones end at once.
    Cut,
}

/// Forwards connections; gone with all of them when this is dropped.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    way: watch::Sender<Way>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (way, watched) = watch::channel(Way::Open);
        let accepting = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let way = watched.clone();
                // The connections of a test end with its runtime.
                tokio::spawn(forward(near, target, way));
            }
        });
        Self { address, way, accepting }
    }

    pub(crate) fn set(&self, way: Way) {
        self.way.send_replace(way);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.way.send_replace(Way::Cut);
        self.accepting.abort();
    }
}

async fn forward(near: TcpStream, target: SocketAddr, mut way: watch::Receiver<Way>) {
    if *way.borrow() == Way::Cut {
        return;
    }
    let Ok(far) = TcpStream::connect(target).await else { return };
    let ((from_near, to_near), (from_far, to_far)) = (near.into_split(), far.into_split());
    // Whichever ends first ends the connection.
    tokio::select! {
        () = pump(from_near, to_far, way.clone()) => {}
        () = pump(from_far, to_near, way.clone()) => {}
        _ = way.wait_for(|way| *way == Way::Cut) => {}
    }
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut way: watch::Receiver<Way>) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let Ok(now) = way.wait_for(|way| *way != Way::Silent).await.map(|way| *way) else { return };
        if let Way::Slow(delay) = now {
            tokio::time::sleep(delay).await;
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
