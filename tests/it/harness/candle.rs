//! [`CandleSocket`]: somebody who watches candles.

use std::ops::{Deref, DerefMut};

use serde_json::{Value, json};

use super::Socket;

/// A socket of `/ws/minute`.
pub(crate) struct CandleSocket {
    socket: Socket,
}

impl Deref for CandleSocket {
    type Target = Socket;

    fn deref(&self) -> &Socket {
        &self.socket
    }
}

impl DerefMut for CandleSocket {
    fn deref_mut(&mut self) -> &mut Socket {
        &mut self.socket
    }
}

impl CandleSocket {
    pub(super) fn new(socket: Socket) -> Self {
        Self { socket }
    }

    /// Subscribes to a series and reads what is known of it, newest first.
    pub(crate) async fn watch(&mut self, market: &str, interval: &str) -> Vec<Value> {
        self.send_text(&json!({ "market": market, "interval": interval }).to_string()).await;
        loop {
            // Series that are watched already go on in between.
            let candles = self.next_candles().await;
            if candles.iter().all(|candle| candle["stream_type"] == "SNAPSHOT") {
                return candles;
            }
        }
    }

    /// The next frame, which must be an array of candles.
    pub(crate) async fn next_candles(&mut self) -> Vec<Value> {
        match self.next().await {
            Value::Array(candles) => candles,
            other => panic!("expected an array, got {other}"),
        }
    }

    /// The next frame, which must hold one candle.
    pub(crate) async fn next_candle(&mut self) -> Value {
        let mut candles = self.next_candles().await;
        assert_eq!(candles.len(), 1, "{candles:?}");
        candles.remove(0)
    }

    /// The next state of a running window; corrections of closed ones may come before.
    pub(crate) async fn next_running(&mut self) -> Value {
        loop {
            let candle = self.next_candle().await;
            if candle["closed"] == false {
                return candle;
            }
        }
    }

    /// Holds that everything sent so far has been dealt with: an unknown market is refused in its turn.
    pub(crate) async fn settle(&mut self) {
        self.send_text(r#"{"market":"KRW-NOBODY"}"#).await;
        assert_eq!(self.next_of("ERROR").await["code"], "unknown_market");
    }
}
