//! [`TickerSocket`]: somebody who watches prices.

use std::ops::{Deref, DerefMut};

use serde_json::{Value, json};

use super::Socket;

/// A socket of `/ws/ticker`.
pub(crate) struct TickerSocket {
    socket: Socket,
}

impl Deref for TickerSocket {
    type Target = Socket;

    fn deref(&self) -> &Socket {
        &self.socket
    }
}

impl DerefMut for TickerSocket {
    fn deref_mut(&mut self) -> &mut Socket {
        &mut self.socket
    }
}

impl TickerSocket {
    pub(super) fn new(socket: Socket) -> Self {
        Self { socket }
    }

    /// Subscribes to a market and waits for the price that it has.
    pub(crate) async fn watch(&mut self, market: &str) -> Value {
        self.send_text(&json!({ "market": market }).to_string()).await;
        let price = self.next_price(market).await;
        assert_eq!(price["stream_type"], "SNAPSHOT", "{price}");
        price
    }

    pub(crate) async fn unwatch(&mut self, market: &str) {
        self.send_text(&json!({ "market": market, "type": "UNSUBSCRIBE" }).to_string()).await;
    }

    /// The next frame, which must be a price of this market.
    pub(crate) async fn next_price(&mut self, market: &str) -> Value {
        let price = self.next().await;
        assert_eq!((&price["type"], &price["code"]), (&"ticker".into(), &market.into()), "{price}");
        price
    }

    /// Holds that everything sent so far has been dealt with: an unknown market is refused in its turn.
    pub(crate) async fn settle(&mut self) {
        self.send_text(r#"{"market":"KRW-NOBODY"}"#).await;
        let error = self.next_of("ERROR").await;
        assert_eq!(error["code"], "unknown_market");
    }
}
