//! A server under test and the people who use it.
//!
//! ```ignore
//! let server = TestServer::start().await;
//! let ann = server.user("ann").await;
//! let mut socket = ann.enter("KRW-BTC").await;
//! socket.say("hi").await;
//! socket.expect_message("hi").await;
//! ```
//!
//! Nothing here sleeps and hopes: what must become true is waited for with [`eventually`], and every wait ends with
//! [`PATIENCE`].

mod bucket;
mod candle;
mod centrifuge;
mod chat;
mod engine;
mod events;
mod frame;
mod host;
mod mailbox;
mod mongodb;
mod process;
mod proxy;
mod server;
mod socket;
mod statements;
mod ticker;
mod upbit;
mod user;

use std::time::Duration;

pub(crate) use bucket::Bucket;
pub(crate) use candle::CandleSocket;
pub(crate) use centrifuge::CentrifugeSocket;
pub(crate) use chat::{ChatSocket, place};
pub(crate) use engine::Engine;
pub(crate) use events::EventStream;
pub(crate) use frame::Frame;
pub(crate) use host::{Answer, Host};
pub(crate) use mailbox::Mail;
pub(crate) use mongodb::{fresh_database, shared_mongodb};
pub(crate) use process::{Process, run};
pub(crate) use proxy::{Proxy, Way};
pub(crate) use server::TestServer;
pub(crate) use socket::{End, Socket};
pub(crate) use statements::statements;
pub(crate) use ticker::TickerSocket;
pub(crate) use upbit::FakeUpbit;
pub(crate) use user::User;

use tokio::time::{sleep, timeout};

/// Nothing on loopback takes so long unless it is broken, not even while a compiler has the cores.
const PATIENCE: Duration = Duration::from_secs(30);

/// The receive buffer of a client that makes the server wait; the kernel rounds it up to its least.
const SMALL_BUFFER_BYTES: u32 = 4096;

/// Waits for `work`, which is called `what` when it does not end.
pub(crate) async fn within<T>(what: &str, work: impl Future<Output = T>) -> T {
    timeout(PATIENCE, work).await.unwrap_or_else(|_| panic!("not within {PATIENCE:?}: {what}"))
}

/// Waits until `condition` holds.
pub(crate) async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    within(what, async {
        while !condition().await {
            sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}
