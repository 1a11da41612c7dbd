//! TCP sockets on loopback, non-blocking.

use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, ipproto, socket_with, sockopt};
use std::io;
use std::net::{SocketAddrV4, TcpStream};
use std::time::Duration;

/// Begins a connection. The socket becomes writable when it stands or has failed.
///
/// `receive_buffer_bytes` has to be known beforehand, because the handshake of TCP settles what the window can be.
///
/// # Errors
///
/// The kernel's, when it has no socket or port to give.
pub fn begin_connect(
    source: SocketAddrV4,
    target: SocketAddrV4,
    receive_buffer_bytes: Option<usize>,
) -> io::Result<TcpStream> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, flags, Some(ipproto::TCP))?;
    if let Some(bytes) = receive_buffer_bytes {
        sockopt::set_socket_recv_buffer_size(&socket, bytes)?;
    }
    sockopt::set_tcp_nodelay(&socket, true)?;
    // Whenever this side closes it resets, as a broken network looks to a server, and leaves no port in TIME_WAIT.
    sockopt::set_socket_linger(&socket, Some(Duration::ZERO))?;
    bind(&socket, &source)?;
    match connect(&socket, &target) {
        Ok(()) | Err(rustix::io::Errno::INPROGRESS) => Ok(socket.into()),
        Err(error) => Err(error.into()),
    }
}
