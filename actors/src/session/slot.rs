//! [`SessionSlot`]: what outlives the session's actor.

use super::subscription::{Subscription, Subscriptions};
use super::{ClientId, Connection, Dialect, Identity, Inbound, Outbox, SessionId, SessionMessage};
use crate::address::Address;
use crate::limits;
use crate::metrics::REFUSALS;
use crate::queue::{Full, Inbox, Wake};
use crate::restart::RestartLog;
use crate::room::RoomSlot;
use crate::tree::Services;
use crate::wire::centrifuge::message::{ClientInfo, Unsubscribe};
use crate::wire::centrifuge::{Format, Push, Reply};
use crate::wire::{Refusal, frame, native};
use metrics::counter;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use tickroom_storage::{ClientMessageId, Offset, UserId};

/// The server's side of one socket, as others see it.
pub struct SessionSlot {
    /// The socket.
    pub id: SessionId,
    /// What other people may call it.
    pub client: ClientId,
    /// What the socket speaks.
    pub dialect: Dialect,
    /// What waits to be written.
    pub outbox: Outbox,
    /// The actor, when it runs.
    pub address: Address<SessionMessage>,
    pub(crate) deaths: Mutex<RestartLog>,
    /// How far a client of the Centrifuge protocol has come; other dialects need nothing of the kind.
    pub(crate) connection: Option<Box<Connection>>,
    pub(super) inbox: Inbox<Inbound>,
    pub(super) subscriptions: Subscriptions,
    /// Who is at the other end; nobody in particular where no login is needed.
    identity: Mutex<Option<Identity>>,
    closed: AtomicBool,
    heard_at_ms: AtomicU64,
}

impl SessionSlot {
    pub(crate) fn new(id: SessionId, identity: Option<Identity>, dialect: Dialect, outbox: Outbox) -> Self {
        let connection = dialect.terms().map(|_| Box::default());
        Self {
            id,
            client: ClientId::random(),
            dialect,
            outbox,
            address: Address::default(),
            deaths: Mutex::default(),
            connection,
            inbox: Inbox::new(limits::SESSION_INBOX_MESSAGES),
            subscriptions: Subscriptions::default(),
            identity: Mutex::new(identity),
            closed: AtomicBool::new(false),
            heard_at_ms: AtomicU64::new(0),
        }
    }

    /// Who is at the other end.
    pub fn identity(&self) -> Option<Identity> {
        self.identity.lock().clone()
    }

    /// The user at the other end.
    pub fn user(&self) -> Option<UserId> {
        self.identity.lock().as_ref().map(|identity| identity.user)
    }

    pub(crate) fn set_identity(&self, identity: Identity) {
        *self.identity.lock() = Some(identity);
    }

    /// How the socket spells the Centrifuge protocol, if it speaks that.
    pub fn format(&self) -> Option<Format> {
        self.dialect.terms().map(|terms| terms.format)
    }

    /// What others may know of who is at the other end.
    pub(crate) fn client_info(&self) -> ClientInfo {
        let identity = self.identity.lock();
        let mut info = ClientInfo { client: self.client.to_string(), ..ClientInfo::default() };
        if let Some(identity) = &*identity {
            info.user = identity.user.to_string();
            let profile = serde_json::json!({ "name": identity.name, "profileUrl": identity.profile_url });
            info.conn_info = profile.to_string().into();
        }
        info
    }

    /// Whether the session takes another message. A socket stops reading until it does.
    pub fn poll_ready(&self, context: &mut Context<'_>) -> Poll<()> {
        self.inbox.poll_room(context)
    }

    /// Hands over one message of the client. Only the socket's task calls this, after [`poll_ready`](Self::poll_ready).
    pub fn receive(&self, inbound: Inbound) {
        match self.inbox.push(inbound) {
            // A session that is down finds the message when it starts.
            Ok(Wake::Needed) => self.address.cast(SessionMessage::Wake),
            Ok(Wake::Pending) => {}
            Err(Full(_)) => self.refuse(&Refusal::Overloaded, None),
        }
    }

    /// Notes that the client gave a sign of life, at this many milliseconds of the tree's clock.
    pub fn heard(&self, at_ms: u64) {
        self.heard_at_ms.store(at_ms, Ordering::Relaxed);
    }

    pub(crate) fn last_heard_ms(&self) -> u64 {
        self.heard_at_ms.load(Ordering::Relaxed)
    }

    /// Asks whether the other side is still there, in the way that its dialect has for that. A client of the Centrifuge
    /// protocol that has not connected yet is not asked, it has its own deadline; then this is `false`.
    pub(crate) fn ping(&self) -> bool {
        let ping = match (&self.connection, self.dialect.terms()) {
            (Some(connection), _) if !connection.is_connected() => return false,
            (Some(connection), Some(terms)) if !terms.frame_pings => {
                connection.asked();
                terms.format.ping()
            }
            _ => frame::PING,
        };
        self.outbox.push(ping);
        true
    }

    /// Whether the socket is gone.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// The room of a session of the native chat dialect, once it has joined.
    pub fn room(&self) -> Option<Arc<RoomSlot>> {
        self.subscriptions.first_room()
    }

    /// Whether the session is in the room with this channel, as far as it knows.
    pub(crate) fn is_in(&self, channel: &str) -> bool {
        self.subscriptions.has(channel)
    }

    /// Whether what its user is told of goes to this socket. A client of the Centrifuge protocol has a channel for that.
    pub(crate) fn hears_of_its_user(&self) -> bool {
        match self.dialect {
            Dialect::Chat { .. } => true,
            Dialect::Ticker | Dialect::Candle => false,
            Dialect::Centrifuge(_) => self.subscriptions.has_own(),
        }
    }

    /// The room took the session in, having given it everything up to `delivered`.
    pub(crate) fn enter(self: &Arc<Self>, room: &Arc<RoomSlot>, delivered: Offset) {
        // The room first: whoever closes the session afterwards knows what to leave.
        self.subscriptions.add(Subscription::Room(Arc::clone(room)));
        room.members.add(self, delivered, false);
        self.address.cast(SessionMessage::Wake);
    }

    /// The room takes the session in that asked for it by `command`; `false` if it has given up waiting.
    pub(crate) fn enter_channel(&self, room: &Arc<RoomSlot>, command: u32) -> bool {
        self.subscriptions.complete(command, room)
    }

    /// The room will not take the session in that asked for it by `command`; `false` if it has, or nobody waits for it.
    pub(crate) fn abandon(&self, channel: &str, command: u32) -> bool {
        self.subscriptions.abandon(channel, command)
    }

    /// The session was removed from a channel, and its client is told why. From 2500 on it subscribes again, by itself.
    pub(crate) fn unsubscribed(&self, channel: &str, code: u32, reason: &str) {
        self.subscriptions.take(channel);
        if let Some(format) = self.format() {
            let unsubscribe = Some(Unsubscribe { code, reason: reason.to_owned() });
            let push = Push { channel: channel.to_owned(), unsubscribe, ..Push::default() };
            self.outbox.push(format.single(&Reply::push(push)));
        }
    }

    /// Ends all memberships. After this nothing is pushed to the outbox any more.
    pub(crate) fn leave(&self, services: &Services) {
        self.closed.store(true, Ordering::SeqCst);
        for subscription in self.subscriptions.take_all() {
            self.end(services, &subscription);
        }
    }

    /// Ends a subscription that was taken out of the list.
    pub(super) fn end(&self, services: &Services, subscription: &Subscription) {
        match subscription {
            Subscription::Room(room) => room.members.remove(self),
            Subscription::Ticker(code) => _ = services.hub.unwatch(code, self),
            Subscription::Candle(series) => services.candles.unwatch(series, self),
            // Whoever completes a join finds that it is not there any more.
            Subscription::Joining { .. } | Subscription::User(_) => {}
        }
    }

    /// Answers a command of the Centrifuge protocol whose answer was awaited from elsewhere, unless it has been answered
    /// for taking too long.
    pub(crate) fn answer(&self, reply: Reply) {
        if let (Some(connection), Some(format)) = (&self.connection, self.format())
            && connection.answered(reply.id)
        {
            self.outbox.push(format.single(&reply));
        }
    }

    pub(super) fn refuse(&self, refusal: &Refusal, id: Option<&ClientMessageId>) {
        counter!(REFUSALS, "code" => refusal.code()).increment(1);
        self.outbox.push(native::error(refusal, id));
    }
}
