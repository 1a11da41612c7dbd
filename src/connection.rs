//! How the kernel is to treat a connection.

use std::io;

use socket2::SockRef;
use tokio::net::TcpStream;

#[cfg(target_os = "linux")]
use crate::limits::UNSENT_BYTES;

/// Sets a new connection up for small frames that have to arrive soon.
pub fn prepare(connection: &TcpStream) {
    let socket = SockRef::from(connection);
    // Frames must not wait for each other.
    if let Err(error) = socket.set_tcp_nodelay(true).and_then(|()| limit_unsent(&socket)) {
        tracing::debug!(%error, "socket options were refused");
    }
}

/// The kernel is not to hide from us that nobody reads: it would take megabytes for a client that has gone to sleep
/// before the client's outbox began to fill.
#[cfg(target_os = "linux")]
fn limit_unsent(socket: &SockRef<'_>) -> io::Result<()> {
    socket.set_tcp_notsent_lowat(UNSENT_BYTES)
}

/// Elsewhere the size of the kernel's send buffer is the limit.
#[cfg(not(target_os = "linux"))]
fn limit_unsent(_socket: &SockRef<'_>) -> io::Result<()> {
    Ok(())
}
