//! What is to happen to which client when.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What is to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// Connect, for the first time or again.
    Connect,
    /// Give up on a handshake that has not come to an end.
    GiveUp,
    /// Cut the connection, as a network would.
    Cut,
    /// Read a little: the pace of a slow reader.
    Sip,
    /// Read as fast as everybody else from now on.
    WakeUp,
}

/// One appointment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Alarm {
    /// When, on the monotonic clock.
    pub due_us: u64,
    /// Whom it concerns.
    pub client: usize,
    /// Which connection of the client it concerns; void once the client has another.
    pub life: u32,
    /// What happens.
    pub act: Act,
}

/// All appointments, the earliest first.
#[derive(Debug, Default)]
pub struct Alarms(BinaryHeap<Reverse<Alarm>>);

impl Alarms {
    /// Adds an appointment.
    pub fn set(&mut self, alarm: Alarm) {
        self.0.push(Reverse(alarm));
    }

    /// Takes the next one that is due.
    pub fn take_due(&mut self, now_us: u64) -> Option<Alarm> {
        self.next_us().filter(|due_us| *due_us <= now_us)?;
        self.0.pop().map(|Reverse(alarm)| alarm)
    }

    /// When the next one is.
    pub fn next_us(&self) -> Option<u64> {
        self.0.peek().map(|Reverse(alarm)| alarm.due_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alarms_ring_in_order_and_not_before_their_time() {
        let mut alarms = Alarms::default();
        for due_us in [30, 10, 20] {
            alarms.set(Alarm { due_us, client: 0, life: 0, act: Act::Cut });
        }
        assert_eq!(alarms.take_due(9), None);
        let order: Vec<_> = std::iter::from_fn(|| alarms.take_due(25)).map(|alarm| alarm.due_us).collect();
        assert_eq!((order, alarms.next_us()), (vec![10, 20], Some(30)));
    }
}
