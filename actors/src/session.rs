//! The session: the server's side of one socket.
//!
//! A [`Session`] turns what its client sends into commands: it decodes, checks the allowance, and hands on to the room
//! or the ticker hub. There are the native dialects (`native`), with one room or markets on a socket, and the Centrifuge
//! protocol (`centrifuge`), with channels of any kind. The [`SessionSlot`] holds what outlives it and what others write to: identity, inbox, outbox,
//! memberships. If a session dies, its shard starts another on the same slot; the socket does not notice. What
//! is lost is the message in its hands and the state of its rate limit.

mod centrifuge;
mod connection;
mod native;
mod outbox;
mod slot;
mod subscription;

pub use connection::{Authority, Terms, Unproven};
pub(crate) use connection::{Connection, Stage};
pub use outbox::{Next, Outbox, Reading};
pub use slot::SessionSlot;

use crate::limits::{self, IGNORED_REFUSALS, SESSION_INBOX_MESSAGES, SUBSCRIPTIONS_PER_SECOND};
use crate::room::Position;
use crate::tree::Services;
use crate::wire::{CloseCode, Refusal};
use bytes::Bytes;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::fmt;
use std::sync::Arc;
use tickroom_storage::{FamilyId, RoomName, TimestampMs, UserId};
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// Names a socket for as long as the process lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub(crate) u64);

/// What other people may call a socket: a UUID (RFC 9562, version 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientId(u128);

impl ClientId {
    pub(crate) fn random() -> Self {
        const VERSION: u128 = 0xf << 76;
        const VARIANT: u128 = 0b11 << 62;
        Self(fastrand::u128(..) & !VERSION & !VARIANT | 4 << 76 | 0b10 << 62)
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |shift: u32, bits: u32| (self.0 >> shift) & ((1 << bits) - 1);
        write!(f, "{:08x}-{:04x}-{:04x}-", part(96, 32), part(80, 16), part(64, 16))?;
        write!(f, "{:04x}-{:012x}", part(48, 16), part(0, 48))
    }
}

/// Who is at the other end, as proved at the handshake or by a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user.
    pub user: UserId,
    /// The name under which messages appear.
    pub name: Arc<str>,
    /// The picture beside it.
    pub profile_url: Option<Arc<str>>,
    /// The login that vouches for the socket; ending it ends the socket.
    pub family: Option<FamilyId>,
    /// When the proof runs out, and the socket with it.
    pub expires_at: TimestampMs,
}

/// What the socket speaks, and what it is for.
#[derive(Debug, Clone)]
pub enum Dialect {
    /// Chat in one room.
    Chat {
        /// The room.
        room: RoomName,
        /// Where the client was before its connection broke.
        resume: Option<Position>,
    },
    /// Prices of any markets.
    Ticker,
    /// Candles of any markets and lengths.
    Candle,
    /// Channels of any kind, by the Centrifuge protocol.
    Centrifuge(Terms),
}

impl Dialect {
    pub(crate) const fn terms(&self) -> Option<&Terms> {
        match self {
            Self::Centrifuge(terms) => Some(terms),
            Self::Chat { .. } | Self::Ticker | Self::Candle => None,
        }
    }

    /// The largest message that a client may send.
    pub const fn inbound_bytes(&self) -> usize {
        match self {
            Self::Centrifuge(_) => limits::COMMANDS_BYTES,
            Self::Chat { .. } | Self::Ticker | Self::Candle => limits::INBOUND_MESSAGE_BYTES,
        }
    }
}

/// One message from the client, as the socket read it.
#[derive(Debug)]
pub enum Inbound {
    /// A text frame.
    Text(Utf8Bytes),
    /// A binary frame.
    Binary(Bytes),
}

/// The session's control plane. What the client sends waits in the slot's inbox.
pub enum SessionMessage {
    /// There is something in the inbox, or the room was entered.
    Wake,
    /// The room has not answered: ask again.
    Join,
}

/// The actor.
pub struct Session;

/// What a running session knows.
pub struct SessionState {
    services: Arc<Services>,
    slot: Arc<SessionSlot>,
    allowance: DefaultDirectRateLimiter,
    /// What a client of the Centrifuge protocol may subscribe to.
    subscriptions: Option<Box<DefaultDirectRateLimiter>>,
    /// Refusals for want of allowance since the last message that was taken.
    ignored_refusals: u32,
}

/// Whether a session has to come back to its inbox.
#[derive(Debug, PartialEq, Eq)]
enum Progress {
    NothingWaits,
    MoreWaits,
}

impl Actor for Session {
    type Msg = SessionMessage;
    type State = SessionState;
    type Arguments = (Arc<Services>, Arc<SessionSlot>);

    async fn pre_start(
        &self,
        myself: ActorRef<SessionMessage>,
        (services, slot): Self::Arguments,
    ) -> Result<SessionState, ActorProcessingErr> {
        let allowance = RateLimiter::direct(services.config.message_quota);
        let subscriptions = slot.dialect.terms().map(|_| {
            let quota =
                Quota::per_second(SUBSCRIPTIONS_PER_SECOND).allow_burst(limits::SUBSCRIPTIONS_AT_ONCE);
            Box::new(RateLimiter::direct(quota))
        });
        myself.cast(SessionMessage::Join)?;
        Ok(SessionState { services, slot, allowance, subscriptions, ignored_refusals: 0 })
    }

    async fn handle(
        &self,
        myself: ActorRef<SessionMessage>,
        message: SessionMessage,
        state: &mut SessionState,
    ) -> Result<(), ActorProcessingErr> {
        if let SessionMessage::Join = message {
            state.on_join();
        }
        if state.work_off().await == Progress::MoreWaits {
            myself.cast(SessionMessage::Wake)?;
        }
        Ok(())
    }

    /// Says what the client sent right before it left: ractor serves a stop before the messages that wait.
    async fn post_stop(
        &self,
        _myself: ActorRef<SessionMessage>,
        state: &mut SessionState,
    ) -> Result<(), ActorProcessingErr> {
        state.work_off().await;
        Ok(())
    }
}

impl SessionState {
    /// Works off the inbox, an inboxful at a time: a client that never stops sending must not keep the thread. A chat
    /// session that has not entered its room yet leaves it: what came early is said once there is somebody to hear it.
    async fn work_off(&mut self) -> Progress {
        if matches!(self.slot.dialect, Dialect::Chat { .. }) && self.slot.room().is_none() {
            return Progress::NothingWaits;
        }
        for _ in 0..SESSION_INBOX_MESSAGES {
            let Some(inbound) = self.slot.inbox.pop() else { return Progress::NothingWaits };
            // Whoever was sent away is not heard any more. A client that says goodbye is: its last words came before it.
            if self.slot.outbox.closing().is_some_and(|code| code != CloseCode::NORMAL) {
                continue;
            }
            match self.slot.dialect.terms() {
                // On the heap, for an idle socket would carry the space for it along.
                Some(terms) => Box::pin(self.on_commands(terms.clone(), inbound)).await,
                None => self.on_inbound(&inbound),
            }
        }
        Progress::MoreWaits
    }

    /// Takes one message from the allowance. A refused one is not decoded, and a client that goes on all the same is
    /// sent away: refusing costs something, too.
    fn spend(&mut self) -> Result<(), Refusal> {
        let outcome = take(&self.allowance);
        self.note(outcome)
    }

    fn note(&mut self, outcome: Result<(), Refusal>) -> Result<(), Refusal> {
        if outcome.is_ok() {
            self.ignored_refusals = 0;
        } else {
            self.ignored_refusals += 1;
            if self.ignored_refusals > IGNORED_REFUSALS {
                self.slot.outbox.close(CloseCode::TOO_MANY_REQUESTS);
            }
        }
        outcome
    }
}

fn take(allowance: &DefaultDirectRateLimiter) -> Result<(), Refusal> {
    let now = || DefaultClock::default().now();
    allowance.check().map_err(|until| Refusal::RateLimited { retry_after: until.wait_time_from(now()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_called_by_a_uuid() {
        let name = ClientId(0x0123_4567_89ab_4def_8123_4567_89ab_cdef).to_string();
        assert_eq!(name, "01234567-89ab-4def-8123-456789abcdef");
        let random = ClientId::random().to_string();
        assert_eq!(random.len(), 36);
        assert_eq!(random.as_bytes()[14], b'4', "{random}");
        assert!(b"89ab".contains(&random.as_bytes()[19]), "{random}");
    }
}
