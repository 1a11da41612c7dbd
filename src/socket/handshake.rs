//! The WebSocket opening handshake (RFC 6455, section 4.2).

use axum::extract::FromRequestParts;
use axum::http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
    UPGRADE,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use hyper::upgrade::OnUpgrade;
use tungstenite::handshake::derive_accept_key;

use super::{OpenSession, serve};
use crate::error::ApiError;

/// A request to go over to the WebSocket protocol, checked but not answered yet.
pub struct Handshake {
    accept: HeaderValue,
    upgrade: OnUpgrade,
    /// What the client offered to speak, in its order of preference.
    protocols: Vec<String>,
    /// What of that is spoken; nothing unless both sides named it.
    protocol: Option<&'static str>,
}

impl Handshake {
    /// Takes the first of the client's protocols that is among ours.
    pub fn choose(&mut self, ours: &[&'static str]) -> Option<&'static str> {
        let theirs = self.protocols.iter();
        self.protocol = theirs.flat_map(|offered| ours.iter().find(|ours| *ours == offered)).next().copied();
        self.protocol
    }

    /// Answers 101 and serves the socket in a task of its own.
    pub fn accept(self, session: OpenSession) -> Response {
        tokio::spawn(serve(self.upgrade, session));
        let headers = [
            (CONNECTION, HeaderValue::from_static("upgrade")),
            (UPGRADE, HeaderValue::from_static("websocket")),
            (SEC_WEBSOCKET_ACCEPT, self.accept),
        ];
        let protocol =
            self.protocol.map(|chosen| [(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(chosen))]);
        let mut response = (StatusCode::SWITCHING_PROTOCOLS, headers).into_response();
        response.headers_mut().extend(protocol.into_iter().flatten());
        response
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Handshake {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let accept = check(&parts.method, &parts.headers).map_err(|expected| {
            let detail = format!("expected a WebSocket handshake of RFC 6455: {expected}");
            let version = [(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"))];
            (version, ApiError::bad_request("not_a_websocket_handshake", detail)).into_response()
        })?;
        let upgrade = parts.extensions.remove::<OnUpgrade>().ok_or_else(|| {
            let detail = "this connection cannot be upgraded; WebSocket needs HTTP/1.1";
            ApiError::bad_request("not_a_websocket_handshake", detail).into_response()
        })?;
        let protocols = entries(&parts.headers, &SEC_WEBSOCKET_PROTOCOL).map(str::to_owned).collect();
        Ok(Self { accept, upgrade, protocols, protocol: None })
    }
}

/// The answer to the client's key, or what its request lacks.
fn check(method: &Method, headers: &HeaderMap) -> Result<HeaderValue, &'static str> {
    if method != Method::GET {
        return Err("the method must be GET");
    }
    if !lists(headers, &CONNECTION, "upgrade") {
        return Err("the header Connection must list upgrade");
    }
    if !lists(headers, &UPGRADE, "websocket") {
        return Err("the header Upgrade must be websocket");
    }
    if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err("the header Sec-WebSocket-Version must be 13");
    }
    let key = headers.get(SEC_WEBSOCKET_KEY).filter(|key| key.len() == 24);
    let key = key.ok_or("the header Sec-WebSocket-Key must hold 16 bytes in base64")?;
    HeaderValue::from_str(&derive_accept_key(key.as_bytes())).map_err(|_| "the key is unusable")
}

/// Whether a header that is a comma list has `token` in it.
fn lists(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    entries(headers, name).any(|entry| entry.eq_ignore_ascii_case(token))
}

/// The entries of a header that is a comma list.
fn entries<'a>(headers: &'a HeaderMap, name: &'a HeaderName) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(changes: &[(&'static str, Option<&'static str>)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let complete = [
            ("connection", Some("keep-alive, Upgrade")),
            ("upgrade", Some("websocket")),
            ("sec-websocket-version", Some("13")),
            ("sec-websocket-key", Some("dGhlIHNhbXBsZSBub25jZQ==")),
        ];
        for (name, value) in complete.iter().chain(changes) {
            headers.remove(*name);
            if let Some(value) = value {
                headers.insert(*name, HeaderValue::from_static(value));
            }
        }
        headers
    }

    #[test]
    fn the_example_of_the_rfc_is_answered_as_the_rfc_says() {
        assert_eq!(check(&Method::GET, &request(&[])).unwrap(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn what_is_missing_is_named() {
        for (name, value, expected) in [
            ("connection", None, "Connection"),
            ("connection", Some("close"), "Connection"),
            ("upgrade", Some("h2c"), "Upgrade"),
            ("sec-websocket-version", Some("8"), "Version"),
            ("sec-websocket-key", None, "Key"),
            ("sec-websocket-key", Some("short"), "Key"),
        ] {
            let refused = check(&Method::GET, &request(&[(name, value)])).unwrap_err();
            assert!(refused.contains(expected), "{name}: {refused}");
        }
        assert!(check(&Method::POST, &request(&[])).is_err());
    }
}
