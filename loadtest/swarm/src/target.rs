//! The server under load: always on this machine.
//!
//! A load generator that can be pointed at a stranger is a weapon, so anything but loopback is refused.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::str::FromStr;

use crate::limits::SOURCES;

/// Address and port of a server on loopback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target(SocketAddrV4);

/// A text is no address of a server on this machine.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a loopback server such as http://127.0.0.1:8080, got {0:?}")]
pub struct TargetError(String);

impl Target {
    /// Where to connect to.
    pub const fn address(self) -> SocketAddrV4 {
        self.0
    }

    /// The address that the `index`th client connects from: round-robin, so that ports do not run out.
    pub fn source(index: usize) -> SocketAddrV4 {
        let host = u8::try_from(index % usize::from(SOURCES)).unwrap_or(0);
        SocketAddrV4::new(Ipv4Addr::new(127, 0, 0, 2 + host), 0)
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let refused = || TargetError(text.to_owned());
        let rest = text.strip_prefix("http://").unwrap_or(text);
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let named = rest.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
        let address: SocketAddrV4 = named.as_deref().unwrap_or(rest).parse().map_err(|_| refused())?;
        if address.ip().is_loopback() && address.port() != 0 { Ok(Self(address)) } else { Err(refused()) }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_taken_in_all_its_spellings() {
        for text in
            ["http://127.0.0.1:8080", "127.0.0.1:8080", "http://localhost:8080/", "http://127.9.9.9:1"]
        {
            assert!(text.parse::<Target>().is_ok(), "{text}");
        }
    }

    #[test]
    fn everybody_else_is_left_alone() {
        for text in [
            "http://example.com:80",
            "http://10.0.0.1:80",
            "0.0.0.0:80",
            "https://127.0.0.1:1",
            "",
            "127.0.0.1:0",
        ] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }

    #[test]
    fn sources_are_loopback_and_go_round() {
        assert_eq!(Target::source(0), Target::source(usize::from(SOURCES)));
        assert!((0..1000).all(|index| Target::source(index).ip().is_loopback()));
        assert_ne!(Target::source(0), Target::source(1));
    }
}
