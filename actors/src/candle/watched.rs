//! [`Watched`]: one series with readers, and what they have been told of it.
//!
//! The running window travels in the conflated lane: a newer state replaces one that was not sent yet. A window that
//! closes, and a correction of one that was closed, travel in the lossless lane.

use crate::session::{SessionId, SessionSlot};
use crate::wire;
use crate::wire::centrifuge::Channel;
use crate::wire::centrifuge::publication::Spellings;
use bytes::Bytes;
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
        let snapshot = wire::candle::snapshot(&self.series, recent, open, self.simulated);
        session.outbox.push(self.spelled(snapshot).in_format(session.format()));
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
        let frame = self.spelled(wire::candle::frame(&self.series, candle, false, self.simulated));
        for reader in self.readers.values() {
            reader.outbox.conflate(self.key, frame.in_format(reader.format()));
        }
    }

    fn tell_closed(&self, candle: &Candle) {
        let frame = self.spelled(wire::candle::frame(&self.series, candle, true, self.simulated));
        for reader in self.readers.values() {
            // What waits in the conflated lane is an older state of this window, unless another one runs by now.
            if self.running.is_none() {
                reader.outbox.forget(self.key);
            }
            reader.outbox.push(frame.in_format(reader.format()));
        }
    }

    fn spelled(&self, frame: Bytes) -> Spellings {
        Spellings::new(Channel::Candle(self.series.clone()), frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Dialect, Next, Outbox};
    use proptest::prelude::*;
    use std::collections::VecDeque;
    use std::task::{Context, Poll, Waker};
    use tickroom_storage::candle::Interval;

    const MINUTE_MS: i64 = 60_000;

    fn minutes() -> Series {
        Series { market: "KRW-BTC".parse().unwrap(), interval: Interval::Minute1 }
    }

    fn candle(minute: i64, state: i64) -> Candle {
        let price = state.to_string().parse().unwrap();
        Candle {
            start: TimestampMs::new(minute * MINUTE_MS),
            opening_price: price,
            high_price: price,
            low_price: price,
            trade_price: price,
            volume: price,
            turnover: price,
            traded_at: TimestampMs::new(minute * MINUTE_MS + state),
        }
    }

    fn reader() -> Arc<SessionSlot> {
        let outbox = Outbox::new(1 << 20, Arc::default());
        Arc::new(SessionSlot::new(SessionId(1), None, Dialect::Candle, outbox))
    }

    /// What waits for the reader: minute, state, and whether it is closed.
    fn read(reader: &SessionSlot) -> Vec<(i64, i64, bool)> {
        let mut batch = VecDeque::new();
        let taken = reader.outbox.poll_take(&mut Context::from_waker(Waker::noop()), &mut batch, 10_000);
        assert!(matches!(taken, Poll::Pending | Poll::Ready(Next::Write)));
        let mut told = Vec::new();
        for frame in batch {
            let json = frame.iter().position(|byte| *byte == b'[').unwrap();
            let candles: Vec<serde_json::Value> = serde_json::from_slice(&frame[json..]).unwrap();
            for candle in candles {
                let time = candle["timestamp"].as_i64().unwrap();
                told.push((time / MINUTE_MS, time % MINUTE_MS, candle["closed"].as_bool().unwrap()));
            }
        }
        told
    }

    #[test]
    fn every_window_that_closes_is_told_in_its_last_state_however_slowly_one_reads() {
        let (mut watched, reader) = (Watched::new(minutes(), 7, false), reader());
        watched.add(&reader, &[candle(0, 1)], TimestampMs::new(0));
        for minute in 0..100 {
            (2..9).for_each(|state| watched.announce(candle(minute, state)));
        }
        let told = read(&reader);
        assert_eq!(told[0], (0, 1, false), "the snapshot");
        let closed: Vec<_> = (0..99).map(|minute| (minute, 8, true)).collect();
        assert_eq!(told[1..100], closed);
        assert_eq!(told[100..], [(99, 8, false)], "of the running window only the last state");
    }

    #[test]
    fn a_window_is_closed_by_the_clock_and_corrected_afterwards() {
        let (mut watched, reader) = (Watched::new(minutes(), 7, false), reader());
        watched.add(&reader, &[], TimestampMs::new(0));
        watched.announce(candle(0, 1));
        watched.close_due(TimestampMs::new(MINUTE_MS - 1));
        assert_eq!(read(&reader), [(0, 1, false)]);
        watched.close_due(TimestampMs::new(MINUTE_MS));
        watched.close_due(TimestampMs::new(MINUTE_MS));
        watched.announce(candle(1, 1));
        watched.announce(candle(0, 2));
        assert_eq!(read(&reader), [(0, 1, true), (0, 2, true), (1, 1, false)]);
    }

    proptest! {
        /// Whatever comes and whenever one reads: of each window the last that is told is its last state, and no open
        /// state comes after a closed one.
        #[test]
        fn the_last_word_on_each_window_is_its_last_state(
            steps in prop::collection::vec((0_i64..6, 1_i64..50, any::<bool>()), 1..120),
        ) {
            let (mut watched, reader) = (Watched::new(minutes(), 7, false), reader());
            watched.add(&reader, &[], TimestampMs::new(0));
            let (mut last, mut told) = (HashMap::new(), Vec::new());
            for (minute, state, reads) in steps {
                last.insert(minute, state);
                watched.announce(candle(minute, state));
                if reads {
                    told.extend(read(&reader));
                }
            }
            watched.close_due(TimestampMs::new(i64::MAX));
            told.extend(read(&reader));
            let mut heard: HashMap<i64, (i64, bool)> = HashMap::new();
            for (minute, state, closed) in told {
                prop_assert!(closed || !heard.get(&minute).is_some_and(|(_, closed)| *closed), "{minute}");
                heard.insert(minute, (state, closed));
            }
            prop_assert_eq!(heard, last.into_iter().map(|(minute, state)| (minute, (state, true))).collect());
        }
    }
}
