//! Web origins: what a browser says in `Origin`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use axum::http::Uri;

/// Scheme, host and port of a page, in the one spelling that browsers use (RFC 6454 section 6.2): lower case, no
/// default port, no trailing slash. So two origins are the same when they are equal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WebOrigin(String);

impl WebOrigin {
    /// The origin of a plain http listener. One that listens everywhere is reached by the name of this machine.
    pub fn of_listener(address: SocketAddr) -> Self {
        let reachable = match address.ip() {
            ip if ip.is_unspecified() => SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), address.port()),
            _ => address,
        };
        let text = format!("http://{reachable}");
        Self(text.strip_suffix(":80").map(str::to_owned).unwrap_or(text))
    }

    /// `https://chat.example.com`, without a trailing slash: a path can be appended.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is plain http on this very machine, where browsers treat cookies and origins as on https.
    pub fn is_plain_loopback(&self) -> bool {
        let Some(authority) = self.0.strip_prefix("http://") else {
            return false;
        };
        let host = match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => authority,
        };
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        host == "localhost" || host.ends_with(".localhost") || address.is_ok_and(|ip| ip.is_loopback())
    }
}

impl fmt::Display for WebOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for WebOrigin {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let uri: Uri = text.parse().map_err(|_| "not a URL")?;
        let default_port = match uri.scheme_str() {
            Some("http") => 80,
            Some("https") => 443,
            _ => return Err("it has to start with http:// or https://"),
        };
        let authority = uri.authority().ok_or("it has no host")?;
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return Err("it has to be a host, perhaps with a port");
        }
        if uri.path_and_query().is_some_and(|rest| rest != "/") {
            return Err("there must be no path after the host");
        }
        let host = authority.host().to_ascii_lowercase();
        let port = authority.port_u16().filter(|port| *port != default_port);
        let scheme = uri.scheme_str().unwrap_or_default();
        Ok(Self(port.map_or(format!("{scheme}://{host}"), |port| format!("{scheme}://{host}:{port}"))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> WebOrigin {
        text.parse().unwrap()
    }

    #[test]
    fn the_spelling_is_that_of_browsers() {
        assert_eq!(origin("https://Chat.Example.com:443/").as_str(), "https://chat.example.com");
        assert_eq!(origin("http://[::1]:8080").as_str(), "http://[::1]:8080");
        assert_eq!(origin("https://example.com:80").as_str(), "https://example.com:80");
    }

    #[test]
    fn what_is_not_an_origin_is_refused() {
        for text in
            ["example.com", "ftp://example.com", "https://a/b", "https://ann@a", "/path", "", "https://"]
        {
            assert!(text.parse::<WebOrigin>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_listener_has_an_origin() {
        let of = |address: &str| WebOrigin::of_listener(address.parse().unwrap());
        assert_eq!(of("127.0.0.1:8080"), origin("http://127.0.0.1:8080"));
        assert_eq!(of("127.0.0.1:80"), origin("http://127.0.0.1"));
        assert_eq!(of("[::]:8080"), origin("http://127.0.0.1:8080"));
        assert_eq!(of("[::1]:8080"), origin("http://[::1]:8080"));
    }

    #[test]
    fn only_plain_http_on_this_machine_is_plain_loopback() {
        let plain =
            ["http://localhost", "http://app.localhost:3000", "http://127.0.0.1:8080", "http://[::1]"];
        assert!(plain.iter().all(|text| origin(text).is_plain_loopback()));
        let not =
            ["https://localhost", "http://example.com", "http://localhost.example.com", "http://10.0.0.1"];
        assert!(!not.iter().any(|text| origin(text).is_plain_loopback()));
    }
}
