//! Who is at the other end? The peer of the TCP connection, unless that is a proxy we trust: then the address that it
//! saw. Rate limits and logs go by this address, so a client must not be able to choose it.
//!
//! Proxies append to `X-Forwarded-For`, so its right end is the part written by the proxy next to us and its left
//! end is whatever the client made up. Read from the right, the first address that is not a trusted proxy is the
//! client.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    extract::{ConnectInfo, FromRequestParts, Request, State},
    http::{HeaderMap, HeaderName, request::Parts},
    middleware::Next,
    response::Response,
};
use ipnet::IpNet;

use crate::{auth::Auth, error::ApiError};

/// The header by which a gateway says for whom it speaks.
pub const X_CLAIM_USER_ID: HeaderName = HeaderName::from_static("x-claim-userid");

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Peers that may do what others may not. Empty by default: then the header that it is about is ignored.
#[derive(Debug, Clone, Default)]
pub struct Networks(Arc<[IpNet]>);

impl Networks {
    /// Exactly the peers within `networks`.
    #[must_use]
    pub fn new(networks: &[IpNet]) -> Self {
        Self(networks.into())
    }

    /// Is this peer among them?
    #[must_use]
    pub fn contains(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.0.iter().any(|network| network.contains(&peer))
    }

    /// The client's address, as far as it is known from proxies in these networks.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        let lists = headers.get_all(X_FORWARDED_FOR).into_iter();
        let mut hops = lists.rev().flat_map(|list| list.to_str().unwrap_or_default().rsplit(','));
        while self.contains(client) {
            // An entry that is no address ends the trail: the last hop that we know of is all there is.
            let Some(hop) = hops.next().and_then(address) else {
                break;
            };
            client = hop;
        }
        client
    }
}

/// An entry of `X-Forwarded-For`; some proxies write the port, too.
fn address(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    let parsed = entry.parse().or_else(|_| entry.parse::<SocketAddr>().map(|socket| socket.ip()));
    parsed.map(|ip: IpAddr| ip.to_canonical()).ok()
}

/// The client's address, to be taken as an argument by handlers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientIp(pub IpAddr);

impl<S: Send + Sync> FromRequestParts<S> for ClientIp {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts.extensions.get().copied().ok_or_else(|| ApiError::internal(NoClientIp))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the client_ip middleware does not wrap this route")]
struct NoClientIp;

/// Middleware: finds the client's address, and strips identity claims from peers that may not make them, so that no
/// handler can believe a forged one by mistake.
pub async fn resolve(
    State(auth): State<Auth>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    let proxies = auth.trusted_proxies();
    let client = proxies.client(peer.ip(), request.headers());
    request.extensions_mut().insert(ClientIp(client));
    if !auth.identity_gateways().contains(peer.ip()) {
        request.headers_mut().remove(X_CLAIM_USER_ID);
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &[&str]) -> String {
        let proxies = Networks::new(&["10.0.0.0/8".parse().unwrap()]);
        let lists = forwarded.iter().map(|list| (X_FORWARDED_FOR, list.parse().unwrap()));
        proxies.client(peer.parse().unwrap(), &lists.collect()).to_string()
    }

    #[test]
    fn a_direct_client_cannot_choose_its_address() {
        assert_eq!(client("192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
    }

    #[test]
    fn behind_proxies_it_is_the_right_most_address_that_is_none() {
        assert_eq!(client("10.0.0.1", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(client("10.0.0.1", &["1.1.1.1, 198.51.100.7, 10.0.0.2"]), "198.51.100.7");
        assert_eq!(client("10.0.0.1", &["1.1.1.1", "198.51.100.7", "10.0.0.2"]), "198.51.100.7");
        assert_eq!(client("::ffff:10.0.0.1", &["[2001:db8::1]:4711"]), "2001:db8::1");
    }

    #[test]
    fn a_trail_that_cannot_be_read_ends_at_the_last_known_hop() {
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["198.51.100.7, unknown"]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["198.51.100.7, 10.0.0.3, ,10.0.0.2"]), "10.0.0.2");
    }
}
