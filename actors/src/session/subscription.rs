//! [`Subscriptions`]: what one socket listens to.
//!
//! A socket of a native dialect has one room, or markets. One of the Centrifuge protocol has channels of any kind. Only its
//! session adds to the list; rooms complete what they were asked for, and whoever ends the socket takes all. The lock is
//! never held while another one is taken.

use crate::room::RoomSlot;
use crate::wire::centrifuge::Channel;
use parking_lot::Mutex;
use std::sync::Arc;
use tickroom_storage::candle::Series;
use tickroom_storage::{MarketCode, UserId};

/// Something that a socket listens to.
pub(super) enum Subscription {
    /// A room was asked and has not answered.
    Joining {
        /// The room's channel.
        channel: Box<str>,
        /// The command to answer.
        command: u32,
    },
    /// A room that took the session in.
    Room(Arc<RoomSlot>),
    /// Prices.
    Ticker(MarketCode),
    /// Candles.
    Candle(Series),
    /// What concerns the user at the other end.
    User(UserId),
}

impl Subscription {
    /// Whether this is what the Centrifuge protocol calls `channel`.
    fn is(&self, channel: &str) -> bool {
        match self {
            Self::Joining { channel: joining, .. } => **joining == *channel,
            Self::Room(room) => room.members.channel() == channel,
            Self::Ticker(code) => channel.strip_prefix("ticker:") == Some(code.as_str()),
            Self::Candle(series) => channel.parse() == Ok(Channel::Candle(series.clone())),
            Self::User(user) => channel.strip_prefix("user:#").is_some_and(|id| id.parse() == Ok(*user)),
        }
    }

    fn is_joining(&self, wanted: &str, by: u32) -> bool {
        matches!(self, Self::Joining { channel, command } if **channel == *wanted && *command == by)
    }
}

/// The list. Most have one entry, none has many: it is walked.
#[derive(Default)]
pub(super) struct Subscriptions(Mutex<Vec<Subscription>>);

impl Subscriptions {
    pub(super) fn add(&self, subscription: Subscription) {
        let mut list = self.0.lock();
        // Most sockets have one for as long as they live: no room for others is set aside.
        list.reserve_exact(1);
        list.push(subscription);
    }

    pub(super) fn has(&self, channel: &str) -> bool {
        self.0.lock().iter().any(|subscription| subscription.is(channel))
    }

    /// Whether the channel of the user at the other end is among them.
    pub(super) fn has_own(&self) -> bool {
        self.0.lock().iter().any(|subscription| matches!(subscription, Subscription::User(_)))
    }

    pub(super) fn len(&self) -> usize {
        self.0.lock().len()
    }

    pub(super) fn first_room(&self) -> Option<Arc<RoomSlot>> {
        self.0.lock().iter().find_map(|subscription| match subscription {
            Subscription::Room(room) => Some(Arc::clone(room)),
            _ => None,
        })
    }

    pub(super) fn take(&self, channel: &str) -> Option<Subscription> {
        let mut list = self.0.lock();
        let place = list.iter().position(|subscription| subscription.is(channel))?;
        Some(list.swap_remove(place))
    }

    pub(super) fn take_all(&self) -> Vec<Subscription> {
        std::mem::take(&mut *self.0.lock())
    }

    /// The room answers the command; `false` if nobody waits for that any more.
    pub(super) fn complete(&self, command: u32, room: &Arc<RoomSlot>) -> bool {
        let mut list = self.0.lock();
        let joining =
            list.iter_mut().find(|subscription| subscription.is_joining(room.members.channel(), command));
        let Some(joining) = joining else { return false };
        *joining = Subscription::Room(Arc::clone(room));
        true
    }

    /// Nobody waits for the room any more; `false` if it has answered.
    pub(super) fn abandon(&self, channel: &str, command: u32) -> bool {
        let mut list = self.0.lock();
        let place = list.iter().position(|subscription| subscription.is_joining(channel, command));
        place.map(|place| list.swap_remove(place)).is_some()
    }

    /// Whether prices of a market are among them.
    pub(super) fn has_market(&self, market: &MarketCode) -> bool {
        self.0
            .lock()
            .iter()
            .any(|subscription| matches!(subscription, Subscription::Ticker(code) if code == market))
    }

    /// Whether candles of a series are among them.
    pub(super) fn has_series(&self, wanted: &Series) -> bool {
        self.0
            .lock()
            .iter()
            .any(|subscription| matches!(subscription, Subscription::Candle(series) if series == wanted))
    }

    pub(super) fn remove_series(&self, unwanted: &Series) {
        self.0.lock().retain(
            |subscription| !matches!(subscription, Subscription::Candle(series) if series == unwanted),
        );
    }

    pub(super) fn remove_market(&self, market: &MarketCode) {
        self.0
            .lock()
            .retain(|subscription| !matches!(subscription, Subscription::Ticker(code) if code == market));
    }
}
