//! [`Watched`]: one series with readers, and what they have been told of it.
//!
//! The running window travels in the conflated lane: a newer state replaces one that was not sent yet. A window that
//! closes, and a correction of one that was closed, travel in the lossless lane.

use crate::session::{SessionId, SessionSlot};
use crate::wire;
use std::collections::HashMap;
use std::sync::Arc;
use tickroom_storage::TimestampMs;
use tickroom_storage::candle::{Candle, Series};

/// The readers of one series.
pub(super) struct Watched {
    series: Series,
    /// Names the series' slot in the conflated lanes.
    key: u32,
    simulated: bool,
    readers: HashMap<SessionId, Arc<SessionSlot>>,
    /// The running window, as the readers were told last.
    running: Option<Candle>,
    /// Windows that begin before this are closed for the readers.
    closed_before: TimestampMs,
}

impl Watched {
    pub(super) fn new(series: Series, key: u32, simulated: bool) -> Self {
        let closed_before = TimestampMs::new(i64::MIN);
        Self { series, key, simulated, readers: HashMap::new(), running: None, closed_before }
    }

    /// Lets a reader in, with what is known at the moment, oldest first.
    pub(super) fn add(&mut self, session: &Arc<SessionSlot>, recent: &[Candle], now: TimestampMs) {
        self.readers.insert(session.id, Arc::clone(session));
        let open = self.series.interval.window(now).from;
        session.outbox.push(wire::candle::snapshot(&self.series, recent, open, self.simulated));
        match recent.last() {
            Some(last) if last.start >= open => {
                self.closed_before = self.closed_before.max(last.start);
                self.running.get_or_insert_with(|| last.clone());
            }
            _ => self.closed_before = self.closed_before.max(open),
        }
    }

    /// Lets a reader go; what was not sent yet is dropped. Says whether nobody is left.
    pub(super) fn remove(&mut self, session: &SessionSlot) -> bool {
        self.readers.remove(&session.id);
        session.outbox.forget(self.key);
        self.readers.is_empty()
    }

    pub(super) fn readers(&self) -> usize {
        self.readers.len()
    }

    /// Tells a state of a window.
    pub(super) fn announce(&mut self, candle: Candle) {
        if candle.start < self.closed_before {
            return self.tell_closed(&candle);
        }
        match self.running.take() {
            Some(running) if running == candle => self.running = Some(running),
            Some(running) if running.start > candle.start => {
                self.running = Some(running);
                self.tell_closed(&candle);
            }
            running => {
                if let Some(running) = running.filter(|running| running.start < candle.start) {
                    self.tell_closed(&running);
                }
                self.closed_before = candle.start;
                self.tell_running(&candle);
                self.running = Some(candle);
            }
        }
    }

    /// Closes the running window if it was over at that moment.
    pub(super) fn close_due(&mut self, at: TimestampMs) {
        let interval = self.series.interval;
        if let Some(running) = self.running.take_if(|running| interval.window(running.start).until <= at) {
            self.closed_before = interval.window(running.start).until;
            self.tell_closed(&running);
        }
    }

    fn tell_running(&self, candle: &Candle) {
        let frame = wire::candle::frame(&self.series, candle, false, self.simulated);
        self.readers.values().for_each(|reader| reader.outbox.conflate(self.key, frame.clone()));
    }

    fn tell_closed(&self, candle: &Candle) {
        let frame = wire::candle::frame(&self.series, candle, true, self.simulated);
        for reader in self.readers.values() {
            // What waits in the conflated lane is an older state of this window, unless another one runs by now.
            if self.running.is_none() {
                reader.outbox.forget(self.key);
            }
            reader.outbox.push(frame.clone());
        }
    }
}
