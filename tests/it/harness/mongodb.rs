//! MongoDB for tests: a database of their own on the server that all share, or a server of their own to be killed.

use std::env;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;
use tokio::net::TcpStream;

use super::eventually;

/// The server that all share.
const VARIABLE: &str = "TICKROOM_TEST_MONGODB_URL";

static DATABASES: AtomicU32 = AtomicU32::new(0);

/// Where the shared server listens.
pub(crate) fn shared_mongodb() -> SocketAddr {
    #[expect(clippy::disallowed_methods, reason = "where the server is, tests are told by the environment")]
    let url = env::var(VARIABLE).unwrap_or_else(|_| panic!("{VARIABLE} is not set, see ops/services"));
    let host = url.trim_start_matches("mongodb://").split(['/', '?']).next().unwrap();
    host.parse().unwrap()
}

/// The URL of a fresh database on the server at this address.
pub(crate) fn fresh_database(server: SocketAddr) -> String {
    let number = DATABASES.fetch_add(1, Ordering::Relaxed);
    format!("mongodb://{server}/tickroom_it_{}_{number}?directConnection=true", std::process::id())
}

/// A server of one test, killed when this is dropped.
pub(crate) struct Mongodb {
    pub(crate) address: SocketAddr,
    folder: TempDir,
    child: Option<Child>,
}

impl Mongodb {
    /// A server that does not run yet, on an address that is free.
    pub(crate) fn down() -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        Self { address, folder: tempfile::tempdir().unwrap(), child: None }
    }

    /// Starts it on the data that it has, and waits until it listens.
    pub(crate) async fn start(&mut self) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("ops/services");
        let mut command = Command::new(script);
        command.arg("run").arg("mongodb").arg(self.address.port().to_string()).arg(self.folder.path());
        self.child =
            Some(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let address = self.address;
        eventually("a listening MongoDB", async || TcpStream::connect(address).await.is_ok()).await;
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Both fail only if it is gone already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Mongodb {
    fn drop(&mut self) {
        self.kill();
    }
}
