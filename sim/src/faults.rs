//! Faults that a test injects while the exchange runs.

use std::collections::BTreeSet;

use axum::body::Bytes;
use axum::http::StatusCode;
use tokio::sync::{broadcast, watch};

use crate::distortion::Distortion;
use crate::floor::Event;

/// What is broken right now. Every socket watches it.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    /// How often all connections were dropped; a socket ends when it is no longer the number it began with.
    pub(crate) drops: u64,
    /// The exchange is going down: every socket ends.
    pub(crate) closed: bool,
    pub(crate) stalled: bool,
    pub(crate) refused_connects: Option<StatusCode>,
    pub(crate) rest_status: Option<StatusCode>,
    pub(crate) muted: BTreeSet<String>,
    pub(crate) distortion: Distortion,
}

/// Switches for everything that can go wrong at an exchange. Each takes effect at once and on all sockets.
#[derive(Debug)]
pub struct Faults {
    state: watch::Sender<State>,
    events: broadcast::Sender<Event>,
}

impl Faults {
    pub(crate) fn new(events: broadcast::Sender<Event>) -> Self {
        Self { state: watch::Sender::new(State::default()), events }
    }

    /// Ends every connection the way a lost host does: TCP ends without a close frame. New ones are welcome.
    pub fn drop_connections(&self) {
        self.state.send_modify(|state| state.drops += 1);
    }

    /// While `stalled`, sockets stay open and nothing is read or sent, not even pongs. New ones are let in
    /// and stall too; one that the client gave up counts as open until the stall ends. What happens meanwhile
    /// is lost.
    pub fn stall(&self, stalled: bool) {
        self.state.send_modify(|state| state.stalled = stalled);
    }

    /// Answers WebSocket handshakes with this HTTP status; `None` lets them in again.
    /// A number that is no HTTP status counts as 500.
    pub fn refuse_connects(&self, status: Option<u16>) {
        self.state.send_modify(|state| state.refused_connects = status.map(to_status));
    }

    /// Sends `bytes` as one binary frame to every socket, subscribed or not: unknown or missing keys, arrays,
    /// error frames, garbage.
    pub fn send_raw(&self, bytes: Vec<u8>) {
        // Without a socket there is nobody to send to, which is no error.
        let _ = self.events.send(Event::Raw(Bytes::from(bytes)));
    }

    /// Answers every REST call with this HTTP status; `None` ends it. A number that is no HTTP status counts
    /// as 500.
    pub fn rest_status(&self, status: Option<u16>) {
        self.state.send_modify(|state| state.rest_status = status.map(to_status));
    }

    /// Makes `code` one that never delivers on the socket, though the exchange knows it.
    pub fn mute_code(&self, code: &str) {
        self.state.send_modify(|state| {
            state.muted.insert(code.to_owned());
        });
    }

    /// Lets `code` deliver again.
    pub fn unmute_code(&self, code: &str) {
        self.state.send_modify(|state| {
            state.muted.remove(code);
        });
    }

    /// Distorts every data frame from now on; the default distortion ends it.
    pub fn distort(&self, distortion: Distortion) {
        self.state.send_modify(|state| state.distortion = distortion);
    }

    /// Sends an error frame to every socket and closes it 150 ms later, as after a request that the exchange refuses.
    pub fn send_error(&self, name: &str, message: &str) {
        let error = Event::Error { name: name.to_owned(), message: message.to_owned() };
        // Without a socket there is nobody to send to, which is no error.
        let _ = self.events.send(error);
    }

    /// Mends everything that is broken for longer than a moment.
    pub fn clear(&self) {
        self.state.send_modify(|state| {
            *state = State { drops: state.drops, closed: state.closed, ..State::default() };
        });
    }

    /// Ends every socket and the server, for good.
    pub(crate) fn close(&self) {
        self.state.send_modify(|state| state.closed = true);
    }

    pub(crate) fn watch(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    pub(crate) fn refused_connects(&self) -> Option<StatusCode> {
        self.state.borrow().refused_connects
    }

    pub(crate) fn refused_rest(&self) -> Option<StatusCode> {
        self.state.borrow().rest_status
    }
}

fn to_status(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
