//! The swarm's books: what was said in each room, what was delivered, and how long it took.

use crate::outcome::{Latencies, Outcome};
use crate::scan;

/// What was said in one room.
#[derive(Debug, Clone, Default)]
pub struct Room {
    /// Where it stood before anything was said.
    pub base: Option<u64>,
    /// Messages written to the server.
    pub sent: u64,
    /// Of these, those that it refused with a code.
    pub refused: u64,
}

impl Room {
    /// The offset of the last message, if the server kept its word.
    pub fn tail(&self) -> u64 {
        (self.base.unwrap_or_default() + self.sent).saturating_sub(self.refused)
    }

    /// Messages that the server has taken.
    pub const fn accepted(&self) -> u64 {
        self.sent.saturating_sub(self.refused)
    }
}

/// The books.
#[derive(Debug, Default)]
pub struct Ledger {
    /// The rooms, by number.
    pub rooms: Vec<Room>,
    /// The markets that are watched, by number.
    pub markets: Vec<String>,
    /// Clients that have joined and are connected.
    pub live: usize,
    /// Clients that were there and are not back and caught up yet.
    pub away: usize,
    /// Clients that will not come back.
    pub lost: usize,
    /// Deliveries since the beginning, each message counted once for each member that got it.
    pub deliveries: u64,
    /// Messages sent from this time on are measured.
    pub measure_from_us: u64,
    /// Deliveries of measured messages.
    pub measured: u64,
    /// When the last of them came.
    pub last_delivery_us: u64,
    /// From the time a message was due to its delivery, for members that were there.
    pub latency: Latencies,
    /// The same for members that were cut off when it was said.
    pub recovered: Latencies,
    /// The same for slow readers.
    pub slow: Latencies,
    /// Everything rare, by name, and the other times.
    pub outcome: Outcome,
}

/// Whose delivery it is, and so where its time goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// A member that was there.
    Live,
    /// A member that was cut off.
    Recovered,
    /// A slow reader.
    Slow,
}

impl Ledger {
    /// Books of this many rooms. Nothing is measured until [`measure`](Self::measure).
    pub fn new(rooms: usize) -> Self {
        Self { rooms: vec![Room::default(); rooms], measure_from_us: u64::MAX, ..Self::default() }
    }

    /// Measures what is sent from now on, and forgets the times of before.
    pub fn measure(&mut self, now_us: u64) {
        self.measure_from_us = now_us;
        self.last_delivery_us = now_us;
        self.measured = 0;
        self.latency = Latencies::default();
        self.recovered = Latencies::default();
        self.slow = Latencies::default();
    }

    /// Books a delivery.
    pub fn deliver(&mut self, json: &[u8], column: Column, now_us: u64) {
        self.deliveries += 1;
        let Some(stamp_us) = scan::stamp_us(json) else {
            return self.note("unstamped");
        };
        if stamp_us < self.measure_from_us {
            return;
        }
        self.measured += 1;
        self.last_delivery_us = now_us;
        let times = match column {
            Column::Live => &mut self.latency,
            Column::Recovered => &mut self.recovered,
            Column::Slow => &mut self.slow,
        };
        times.record(now_us.saturating_sub(stamp_us));
    }

    /// Counts something rare.
    pub fn note(&mut self, name: &str) {
        self.outcome.count(name, 1);
    }

    /// Adds one of the times that are kept by name.
    pub fn time(&mut self, name: &str, us: u64) {
        self.outcome.latencies.entry(name.to_owned()).or_default().record(us);
    }

    /// The number of a market.
    pub fn market(&self, code: &[u8]) -> Option<usize> {
        self.markets.iter().position(|market| market.as_bytes() == code)
    }

    /// Messages that the server has taken, over all rooms.
    pub fn accepted(&self) -> u64 {
        self.rooms.iter().map(Room::accepted).sum()
    }
}
