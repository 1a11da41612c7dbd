//! Request limits, and what happens to those who ignore them. Pure: time comes in.
//! <https://docs.upbit.com/kr/reference/rate-limits>
//!
//! Upbit counts by address. Every peer of the simulator comes from the same one, loopback, so it counts them
//! all together.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// No peer is shut out for longer than this at a time.
const LONGEST_BLOCK: Duration = Duration::from_secs(24 * 60 * 60);

/// How many requests the exchange takes. The default is what Upbit takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// WebSocket handshakes in one second.
    pub connects_per_second: u32,
    /// Text messages in one second from one connection. Protocol pings are free.
    pub messages_per_second: u32,
    /// Text messages in one minute from one connection.
    pub messages_per_minute: u32,
    /// REST calls in one second, for each group of paths.
    pub rest_per_second: u32,
    /// Requests with an `Origin` header, which every browser sends: one in this time, REST and handshakes
    /// together.
    pub origin_interval: Duration,
    /// Refusals in a row (429) after which the peer is shut out (418).
    pub refusals_before_block: u32,
    /// How long the peer is shut out the first time. It doubles each time after, up to a day.
    pub first_block: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connects_per_second: 5,
            messages_per_second: 5,
            messages_per_minute: 100,
            rest_per_second: 10,
            origin_interval: Duration::from_secs(10),
            // Ten refusals in a burst of twenty were forgiven on the wire; the real number is not known.
            refusals_before_block: 20,
            first_block: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// No limits at all.
    pub fn none() -> Self {
        Self {
            connects_per_second: u32::MAX,
            messages_per_second: u32::MAX,
            messages_per_minute: u32::MAX,
            rest_per_second: u32::MAX,
            origin_interval: Duration::ZERO,
            refusals_before_block: u32::MAX,
            first_block: Duration::ZERO,
        }
    }
}

/// What shares a limit. The names on the wire are not those of the documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Group {
    Market,
    Ticker,
    Candle,
    Trade,
    Orderbook,
    WebSocket,
    Origin,
}

impl Group {
    /// The value of `Remaining-Req` with `left` requests left. `min` is a dead constant.
    pub(crate) fn remaining_req(self, left: u32) -> String {
        let (name, minute) = match self {
            Self::Market => ("market", 600),
            Self::Ticker => ("ticker", 600),
            Self::Candle => ("candles", 600),
            Self::Trade => ("crix-trades", 600),
            Self::Orderbook => ("orderbook", 600),
            Self::WebSocket => ("websocket", 300),
            Self::Origin => ("origin", 6),
        };
        format!("group={name}; min={minute}; sec={left}")
    }
}

/// The verdict on one request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// Served; this many are left in the window.
    Admitted { left: u32 },
    /// 429.
    TooMany,
    /// 418.
    Blocked,
}

/// A fixed window that opens with the first request in it.
#[derive(Debug)]
struct Window {
    length: Duration,
    allowed: u32,
    used: u32,
    opened: Option<Instant>,
}

impl Window {
    fn new(length: Duration, allowed: u32) -> Self {
        Self { length, allowed, used: 0, opened: None }
    }

    /// Takes one request; how many are left, or nothing when there was none.
    fn take(&mut self, now: Instant) -> Option<u32> {
        let is_over = |opened: Instant| now.saturating_duration_since(opened) >= self.length;
        if self.opened.is_none_or(is_over) {
            self.opened = Some(now);
            self.used = 0;
        }
        let left = self.allowed.checked_sub(self.used)?.checked_sub(1)?;
        self.used += 1;
        Some(left)
    }
}

/// Admission of handshakes and REST calls.
#[derive(Debug)]
pub(crate) struct Gate {
    limits: Limits,
    windows: HashMap<Group, Window>,
    /// Refusals since the last request that was served.
    refusals: u32,
    blocked_until: Option<Instant>,
    next_block: Duration,
}

impl Gate {
    pub(crate) fn new(limits: Limits) -> Self {
        let next_block = limits.first_block.min(LONGEST_BLOCK);
        Self { limits, windows: HashMap::new(), refusals: 0, blocked_until: None, next_block }
    }

    pub(crate) fn admit(&mut self, group: Group, now: Instant) -> Admission {
        if self.blocked_until.is_some_and(|until| now < until) {
            return Admission::Blocked;
        }
        let (length, allowed) = self.allowance(group);
        let window = self.windows.entry(group).or_insert_with(|| Window::new(length, allowed));
        match window.take(now) {
            Some(left) => {
                self.refusals = 0;
                Admission::Admitted { left }
            }
            None => self.refuse(now),
        }
    }

    fn allowance(&self, group: Group) -> (Duration, u32) {
        let second = Duration::from_secs(1);
        match group {
            Group::Market | Group::Ticker | Group::Candle | Group::Trade | Group::Orderbook => {
                (second, self.limits.rest_per_second)
            }
            Group::WebSocket => (second, self.limits.connects_per_second),
            Group::Origin => (self.limits.origin_interval, 1),
        }
    }

    fn refuse(&mut self, now: Instant) -> Admission {
        self.refusals = self.refusals.saturating_add(1);
        if self.refusals < self.limits.refusals_before_block {
            return Admission::TooMany;
        }
        self.refusals = 0;
        self.blocked_until = Some(now + self.next_block);
        self.next_block = self.next_block.saturating_mul(2).min(LONGEST_BLOCK);
        Admission::Blocked
    }
}

/// Admission of the messages of one connection.
#[derive(Debug)]
pub(crate) struct MessageGate {
    second: Window,
    minute: Window,
}

impl MessageGate {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            second: Window::new(Duration::from_secs(1), limits.messages_per_second),
            minute: Window::new(Duration::from_secs(60), limits.messages_per_minute),
        }
    }

    pub(crate) fn admits(&mut self, now: Instant) -> bool {
        self.second.take(now).is_some() && self.minute.take(now).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENTH: Duration = Duration::from_millis(100);

    #[test]
    fn a_window_counts_down_refuses_and_opens_again() {
        let (mut gate, start) = (Gate::new(Limits::default()), Instant::now());
        for left in (0..10).rev() {
            assert_eq!(gate.admit(Group::Ticker, start), Admission::Admitted { left });
        }
        assert_eq!(gate.admit(Group::Ticker, start + 9 * TENTH), Admission::TooMany);
        assert_eq!(gate.admit(Group::Market, start + 9 * TENTH), Admission::Admitted { left: 9 });
        assert_eq!(gate.admit(Group::Ticker, start + 10 * TENTH), Admission::Admitted { left: 9 });
    }

    #[test]
    fn whoever_keeps_on_is_blocked_and_longer_each_time() {
        let limits = Limits { rest_per_second: 0, refusals_before_block: 2, ..Limits::default() };
        let (mut gate, start) = (Gate::new(limits), Instant::now());
        assert_eq!(gate.admit(Group::Ticker, start), Admission::TooMany);
        assert_eq!(gate.admit(Group::Ticker, start), Admission::Blocked);
        assert_eq!(gate.admit(Group::WebSocket, start + 99 * TENTH), Admission::Blocked, "for every group");
        assert_eq!(gate.admit(Group::WebSocket, start + 100 * TENTH), Admission::Admitted { left: 4 });
        gate.admit(Group::Ticker, start + 100 * TENTH);
        gate.admit(Group::Ticker, start + 100 * TENTH);
        assert_eq!(gate.admit(Group::WebSocket, start + 299 * TENTH), Admission::Blocked);
    }

    #[test]
    fn browsers_get_one_request_in_ten_seconds() {
        let (mut gate, start) = (Gate::new(Limits::default()), Instant::now());
        assert_eq!(gate.admit(Group::Origin, start), Admission::Admitted { left: 0 });
        assert_eq!(gate.admit(Group::Origin, start + 99 * TENTH), Admission::TooMany);
        assert_eq!(gate.admit(Group::Origin, start + 100 * TENTH), Admission::Admitted { left: 0 });
        assert_eq!(Group::Origin.remaining_req(0), "group=origin; min=6; sec=0");
    }

    #[test]
    fn a_connection_has_five_messages_a_second_and_a_hundred_a_minute() {
        let (mut gate, start) = (MessageGate::new(&Limits::default()), Instant::now());
        let admitted = |gate: &mut MessageGate, at| (0..6).filter(|_| gate.admits(at)).count();
        for second in 0..20 {
            assert_eq!(admitted(&mut gate, start + second * 10 * TENTH), 5);
        }
        assert_eq!(admitted(&mut gate, start + 200 * TENTH), 0, "the minute is used up");
        assert_eq!(admitted(&mut gate, start + 600 * TENTH), 5);
    }
}
