//! Short texts with a syntax: checked once when they come in, cheap to clone ever after.

use std::sync::Arc;

/// Defines a text type around `$inner` (`Arc<str>` or `Box<str>`), which `$parse` checks and makes.
macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident($inner:ty), $parse:path, $error:ty) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($inner);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $parse(text).map(Self)
            }
        }

        impl TryFrom<&str> for $name {
            type Error = $error;

            fn try_from(text: &str) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl TryFrom<String> for $name {
            type Error = $error;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for $inner {
            fn from(text: $name) -> Self {
                text.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&self.0)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

pub(crate) use text_type;

text_type! {
    /// A market as Upbit writes it: quote currency, dash, base currency, e.g. `KRW-BTC`.
    MarketCode(Arc<str>), parse_symbol, SymbolError
}

text_type! {
    /// A room. Every market has one, and it bears the market's code.
    RoomName(Arc<str>), parse_symbol, SymbolError
}

text_type! {
    /// What a sender calls its own message: the key that makes sending idempotent, in one room, for one sender.
    ClientMessageId(Box<str>), parse_client_message_id, ClientMessageIdError
}

impl From<MarketCode> for RoomName {
    fn from(code: MarketCode) -> Self {
        Self(code.0)
    }
}

impl From<RoomName> for MarketCode {
    fn from(name: RoomName) -> Self {
        Self(name.0)
    }
}

/// A text is no market code or room name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 2 to 32 characters of A-Z, 0-9 and '-', with at least one '-', as in KRW-BTC, got {got:?}")]
pub struct SymbolError {
    /// The beginning of what came.
    got: Box<str>,
}

/// A text is no client message id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to 64 printable ASCII characters, got {got:?}")]
pub struct ClientMessageIdError {
    /// The beginning of what came.
    got: Box<str>,
}

fn parse_symbol(text: &str) -> Result<Arc<str>, SymbolError> {
    let allowed = |byte: u8| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'-');
    if (2..=32).contains(&text.len()) && text.bytes().all(allowed) && text.contains('-') {
        Ok(text.into())
    } else {
        Err(SymbolError { got: beginning(text) })
    }
}

fn parse_client_message_id(text: &str) -> Result<Box<str>, ClientMessageIdError> {
    let printable = |byte: u8| matches!(byte, b' '..=b'~');
    if (1..=64).contains(&text.len()) && text.bytes().all(printable) {
        Ok(text.into())
    } else {
        Err(ClientMessageIdError { got: beginning(text) })
    }
}

/// As much of a refused text as an error message may repeat: input is hostile, and may be long.
fn beginning(text: &str) -> Box<str> {
    text.chars().take(40).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_are_upper_case_with_a_dash() {
        for good in ["KRW-BTC", "A-", "USDT-1INCH", "KRW-BTC-PERP", "-0"] {
            assert_eq!(good.parse::<RoomName>().unwrap().as_str(), good);
        }
        let too_long = format!("KRW-{}", "A".repeat(29));
        for bad in ["", "-", "KRW", "krw-btc", "KRW-BTC ", "KRW_BTC", "KRW-비트", &too_long] {
            assert!(bad.parse::<MarketCode>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_refusal_says_what_was_expected_and_what_came() {
        let error = "x".repeat(1000).parse::<RoomName>().unwrap_err().to_string();
        assert!(error.starts_with("expected 2 to 32 characters of A-Z"), "{error}");
        assert!(error.ends_with(&format!("got \"{}\"", "x".repeat(40))), "{error}");
    }

    #[test]
    fn a_room_bears_its_markets_code() {
        let code: MarketCode = "KRW-BTC".parse().unwrap();
        assert_eq!(MarketCode::from(RoomName::from(code.clone())), code);
    }

    #[test]
    fn json_is_checked_like_any_other_input() {
        assert_eq!(serde_json::from_str::<RoomName>("\"KRW-BTC\"").unwrap().to_string(), "KRW-BTC");
        assert!(serde_json::from_str::<RoomName>("\"krw\"").is_err());
        assert!(serde_json::from_str::<RoomName>("5").is_err());
    }

    #[test]
    fn client_message_ids_are_short_printable_ascii() {
        for good in ["a", "550e8400-e29b-41d4-a716-446655440000", "with space ~", &"x".repeat(64)] {
            assert!(good.parse::<ClientMessageId>().is_ok(), "{good:?}");
        }
        for bad in ["", "tab\t", "é", "\u{7f}", &"x".repeat(65)] {
            assert!(bad.parse::<ClientMessageId>().is_err(), "{bad:?}");
        }
    }
}
