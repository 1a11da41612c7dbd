//! The WebSocket opening handshake (RFC 6455, section 4), from both sides: the generator asks, the relay answers.

use base64::{Engine, engine::general_purpose::STANDARD};
use sha1::{Digest, Sha1};
use std::net::SocketAddrV4;
use std::time::Duration;

use crate::limits::{HEAD_BYTES_MAX, HEADERS_MAX};

/// RFC 6455 section 1.3.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// What a server made of the request.
#[derive(Debug, PartialEq, Eq)]
pub enum Reply {
    /// Its head is not complete yet.
    Incomplete,
    /// The socket is open; frames begin after this many bytes.
    Accepted(usize),
    /// Another status than 101.
    Refused {
        /// The status.
        status: u16,
        /// What `Retry-After` asks for.
        retry_after: Option<Duration>,
    },
}

/// The other side does not speak HTTP, or not for our key.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeError {
    /// No HTTP.
    #[error("expected an HTTP head: {0}")]
    Http(#[from] httparse::Error),
    /// More than a head should have.
    #[error("expected an HTTP head of at most {HEAD_BYTES_MAX} bytes")]
    TooLong,
    /// The answer belongs to another request, or to a cache.
    #[error("expected Sec-WebSocket-Accept: {expected}, got {got:?}")]
    WrongAccept {
        /// What answers our key.
        expected: String,
        /// What came.
        got: Option<String>,
    },
}

/// A key for one handshake.
pub fn key(random: u128) -> String {
    STANDARD.encode(random.to_le_bytes())
}

/// What a server must answer to this key.
pub fn accept(key: &str) -> String {
    STANDARD.encode(Sha1::new().chain_update(key).chain_update(GUID).finalize())
}

/// The request for a socket.
pub fn request(server: SocketAddrV4, path: &str, token: Option<&str>, key: &str) -> String {
    let authorization = token.map_or_else(String::new, |token| format!("authorization: Bearer {token}\r\n"));
    format!(
        "GET {path} HTTP/1.1\r\nhost: {server}\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: {key}\r\n{authorization}\r\n"
    )
}

/// Reads a server's answer to `key`.
///
/// # Errors
///
/// [`HandshakeError`] when it is none.
pub fn read_reply(bytes: &[u8], key: &str) -> Result<Reply, HandshakeError> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(end) = response.parse(bytes)? else {
        return if bytes.len() > HEAD_BYTES_MAX {
            Err(HandshakeError::TooLong)
        } else {
            Ok(Reply::Incomplete)
        };
    };
    let status = response.code.unwrap_or_default();
    if status != 101 {
        let seconds = header(response.headers, "retry-after").and_then(|value| value.parse().ok());
        return Ok(Reply::Refused { status, retry_after: seconds.map(Duration::from_secs) });
    }
    let expected = accept(key);
    match header(response.headers, "sec-websocket-accept") {
        Some(got) if got == expected => Ok(Reply::Accepted(end)),
        got => Err(HandshakeError::WrongAccept { expected, got: got.map(str::to_owned) }),
    }
}

/// What a client asked the relay for.
#[derive(Debug, PartialEq, Eq)]
pub struct Request {
    /// Path and query.
    pub path: String,
    /// Its key, if it wants a socket.
    pub key: Option<String>,
    /// Bytes of the head; frames begin after them.
    pub length: usize,
}

/// Reads a client's request; nothing while its head is incomplete.
///
/// # Errors
///
/// [`HandshakeError`] when it is none.
pub fn read_request(bytes: &[u8]) -> Result<Option<Request>, HandshakeError> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(length) = request.parse(bytes)? else {
        return if bytes.len() > HEAD_BYTES_MAX { Err(HandshakeError::TooLong) } else { Ok(None) };
    };
    let path = request.path.unwrap_or_default().to_owned();
    let key = header(request.headers, "sec-websocket-key").map(str::to_owned);
    Ok(Some(Request { path, key, length }))
}

/// The answer that opens the socket.
pub fn response(key: &str) -> String {
    let accept = accept(key);
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
         sec-websocket-accept: {accept}\r\n\r\n"
    )
}

fn header<'a>(headers: &[httparse::Header<'a>], name: &str) -> Option<&'a str> {
    let header = headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
    std::str::from_utf8(header.value).ok().map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

    #[test]
    fn the_example_of_the_rfc_is_answered_as_the_rfc_says() {
        assert_eq!(accept(KEY), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn both_sides_understand_each_other() {
        let request = request("127.0.0.1:1".parse().unwrap(), "/ws/chat?room=A-1", Some("secret"), KEY);
        let read = read_request(request.as_bytes()).unwrap().unwrap();
        assert_eq!((read.path.as_str(), read.key.as_deref()), ("/ws/chat?room=A-1", Some(KEY)));
        assert_eq!(read.length, request.len());
        let response = response(KEY);
        let with_frame = format!("{response}\u{1}\u{2}");
        assert_eq!(read_reply(with_frame.as_bytes(), KEY), Ok(Reply::Accepted(response.len())));
        for cut in 0..response.len() {
            assert_eq!(read_reply(&response.as_bytes()[..cut], KEY), Ok(Reply::Incomplete), "{cut}");
        }
    }

    #[test]
    fn an_answer_to_another_key_is_refused() {
        let error = read_reply(response("AAAAAAAAAAAAAAAAAAAAAA==").as_bytes(), KEY).unwrap_err();
        assert!(matches!(error, HandshakeError::WrongAccept { got: Some(_), .. }));
        let error = read_reply(b"HTTP/1.1 101 OK\r\n\r\n", KEY).unwrap_err();
        assert!(matches!(error, HandshakeError::WrongAccept { got: None, .. }));
    }

    #[test]
    fn a_refusal_says_when_to_come_back() {
        let reply = read_reply(b"HTTP/1.1 503 Busy\r\nRetry-After: 3\r\n\r\n", KEY);
        assert_eq!(reply, Ok(Reply::Refused { status: 503, retry_after: Some(Duration::from_secs(3)) }));
    }

    #[test]
    fn what_is_no_http_is_an_error() {
        assert!(read_reply(b"SSH-2.0-OpenSSH\r\n", KEY).is_err());
        assert_eq!(read_request(&[b'A'; HEAD_BYTES_MAX + 1]), Err(HandshakeError::TooLong));
    }
}
