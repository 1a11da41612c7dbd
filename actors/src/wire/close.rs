//! The close codes: why the server ends a socket, and whether the client should come back.
//!
//! The numbers are an API. 1xxx are RFC 6455's; 3000 to 3499 ask the client to reconnect, 3500 to 3999 to stay
//! away, as Centrifuge has it.

/// A reason to end a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CloseCode {
    /// The number in the close frame.
    pub code: u16,
    /// The text in the close frame and the label in metrics. At most 123 bytes, not valid JSON.
    pub reason: &'static str,
}

macro_rules! close_codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $reason:literal;)*) => {
        impl CloseCode {
            $($(#[$doc])* pub const $name: Self = Self { code: $code, reason: $reason };)*

            /// Every code the server may send, in the order of the numbers.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];
        }
    };
}

close_codes! {
    /// The client closed, and the server answers.
    NORMAL = 1000, "bye";
    /// The client broke RFC 6455 (an unmasked frame, a reserved opcode, a fragmented ping).
    PROTOCOL_ERROR = 1002, "websocket protocol error";
    /// A text frame was not UTF-8.
    INVALID_UTF8 = 1007, "text is not utf-8";
    /// A message was larger than [`crate::limits::INBOUND_MESSAGE_BYTES`].
    TOO_BIG = 1009, "message too big";
    /// The server goes down for a restart.
    SHUTDOWN = 3001, "shutdown";
    /// The server failed to serve this socket; others are not affected.
    INTERNAL = 3004, "internal server error";
    /// The access token ran out while the socket was open: get a new one and reconnect.
    EXPIRED = 3005, "connection expired";
    /// The client read more slowly than its rooms talk; it can resume from its offset.
    SLOW = 3008, "slow";
    /// The room cannot give this member what it misses: reconnect and read the history.
    INSUFFICIENT_STATE = 3010, "insufficient state";
    /// The client did not answer a ping.
    NO_PONG = 3012, "no pong";
    /// The client went on sending although it was told to wait, again and again.
    TOO_MANY_REQUESTS = 3013, "too many requests";
    /// The token is none of ours, its login has ended, or it is another user's.
    INVALID_TOKEN = 3500, "invalid token";
    /// What came is not the Centrifuge protocol.
    BAD_REQUEST = 3501, "bad request";
    /// Nothing came: no `connect` in time.
    STALE = 3502, "stale";
    /// The login behind this socket ended (logout, password change).
    LOGGED_OUT = 3503, "logged out";
    /// The user has more sockets open than allowed.
    TOO_MANY_SOCKETS = 3504, "connection limit";
    /// The user may not be in this room.
    BANNED = 3507, "banned";
    /// A message to the server itself, which wants none.
    NOT_AVAILABLE = 3508, "not available";
    /// The room does not exist.
    UNKNOWN_ROOM = 3510, "unknown room";
}

impl CloseCode {
    /// Whether the client should come back: everything but the range that says otherwise.
    pub const fn reconnect(self) -> bool {
        !matches!(self.code, 3500..=3999)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_fit_a_close_frame_and_are_no_json() {
        for close in CloseCode::ALL {
            assert!(!close.reason.is_empty() && close.reason.len() <= 123, "{close:?}");
            assert!(serde_json::from_str::<serde_json::Value>(close.reason).is_err(), "{close:?}");
        }
    }

    #[test]
    fn numbers_are_unique_and_sorted() {
        assert!(CloseCode::ALL.windows(2).all(|pair| pair[0].code < pair[1].code));
    }

    #[test]
    fn the_range_says_whether_to_come_back() {
        assert!(CloseCode::SLOW.reconnect() && CloseCode::EXPIRED.reconnect());
        assert!(!CloseCode::LOGGED_OUT.reconnect() && !CloseCode::UNKNOWN_ROOM.reconnect());
    }
}
