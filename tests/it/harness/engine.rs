//! [`Engine`]: a database server that belongs to one test, which may kill it.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use tokio::net::TcpStream;

use super::eventually;

/// A server of one test, killed when this is dropped.
pub(crate) struct Engine {
    name: &'static str,
    pub(crate) address: SocketAddr,
    folder: TempDir,
    child: Option<Child>,
}

impl Engine {
    /// A server that does not run yet, on an address that is free; `name` is its name in `ops/services`.
    pub(crate) fn down(name: &'static str) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        Self { name, address, folder: tempfile::tempdir().unwrap(), child: None }
    }

    /// Starts it on the data that it has, and waits until it listens.
    pub(crate) async fn start(&mut self) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("ops/services");
        let mut command = Command::new(script);
        command.arg("run").arg(self.name).arg(self.address.port().to_string()).arg(self.folder.path());
        self.child =
            Some(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let address = self.address;
        eventually("a listening engine", async || TcpStream::connect(address).await.is_ok()).await;
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

impl Drop for Engine {
    fn drop(&mut self) {
        self.kill();
    }
}
