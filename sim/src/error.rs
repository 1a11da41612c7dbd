//! What can go wrong on this side of the socket.

/// Why the exchange could not start, or refused a trade by hand.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address of the configuration.
        address: std::net::SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// A market that the configuration does not have.
    #[error("no market {code} on this exchange")]
    UnknownMarket {
        /// The code that was asked for.
        code: String,
    },
    /// A price or volume that is not a plain decimal above zero.
    #[error(
        "expected a decimal above 0 and below 10000000000 with at most 8 digits after the point, got {text:?}"
    )]
    BadNumber {
        /// What came instead.
        text: String,
    },
    /// A price between two steps of the market's price grid.
    #[error("price {price} is not on the price grid of {code}")]
    OffTick {
        /// The market.
        code: String,
        /// The price as given.
        price: String,
    },
    /// A recording with a line that is no trade.
    #[error("line {line} of the recording: {reason}")]
    BadRecording {
        /// Counted from 1.
        line: usize,
        /// What was expected.
        reason: String,
    },
}
