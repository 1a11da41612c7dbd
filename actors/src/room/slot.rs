//! [`RoomSlot`]: what a room leaves to its successor.

use super::moderation::Rules;
use super::{Members, NotDeleted, Position, RoomMessage};
use crate::address::Address;
use crate::limits;
use crate::metrics::{ACKS, REFUSALS};
use crate::queue::{Full, Inbox, Wake};
use crate::session::SessionSlot;
use crate::turnstile::Turnstile;
use crate::wire::centrifuge::message::Empty;
use crate::wire::centrifuge::{Channel, Reply};
use crate::wire::{Refusal, native};
use metrics::counter;
use parking_lot::Mutex;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;
use tickroom_storage::message::Sender;
use tickroom_storage::{ClientMessageId, MessageId, Offset, RoomName, UserId};
use tokio::sync::oneshot;
use tokio::time::Instant;

/// A message on its way into the order.
pub struct Publish {
    /// Who says it.
    pub sender: Sender,
    /// What; checked by the dialect.
    pub content: Box<str>,
    /// Who hears what became of it.
    pub receipt: Receipt,
}

/// The sender's right to hear what became of its message. One that is dropped unanswered (its room or the process
/// around it failed) answers `not_stored` by itself: no message vanishes in silence.
pub struct Receipt {
    to: Option<To>,
    client_id: Option<ClientMessageId>,
    /// The command to answer, where every command is answered. The native dialect acknowledges what has a client id.
    command: Option<u32>,
}

/// Who hears.
enum To {
    Session(Arc<SessionSlot>),
    /// Whoever takes back a message, which somebody had said.
    Deleter(UserId, oneshot::Sender<Result<UserId, NotDeleted>>),
}

impl Receipt {
    /// A receipt for one message of a session.
    pub const fn new(session: Arc<SessionSlot>, client_id: Option<ClientMessageId>) -> Self {
        Self { to: Some(To::Session(session)), client_id, command: None }
    }

    /// A receipt for one `publish` of the Centrifuge protocol.
    pub(crate) const fn for_command(
        session: Arc<SessionSlot>,
        client_id: Option<ClientMessageId>,
        command: u32,
    ) -> Self {
        Self { to: Some(To::Session(session)), client_id, command: Some(command) }
    }

    /// A receipt for taking back what this user said.
    pub(crate) const fn for_deletion(
        sender: UserId,
        answer: oneshot::Sender<Result<UserId, NotDeleted>>,
    ) -> Self {
        Self { to: Some(To::Deleter(sender, answer)), client_id: None, command: None }
    }

    /// The sender's own id for the message, if it has one.
    pub const fn client_id(&self) -> Option<&ClientMessageId> {
        self.client_id.as_ref()
    }

    /// The message is stored under this id and offset; `duplicate` if that had happened before.
    pub fn acknowledge(mut self, id: MessageId, offset: Offset, duplicate: bool) {
        let session = match self.to.take() {
            Some(To::Session(session)) => session,
            // Nobody may wait for it any more.
            Some(To::Deleter(sender, answer)) => return drop(answer.send(Ok(sender))),
            None => return,
        };
        match (self.command, &self.client_id) {
            (Some(command), _) => {
                counter!(ACKS).increment(1);
                session.answer(Reply { publish: Some(Empty {}), ..Reply::to(command) });
            }
            (None, Some(client_id)) => {
                counter!(ACKS).increment(1);
                session.outbox.push(native::ack(client_id, id, offset, duplicate));
            }
            (None, None) => {}
        }
    }

    /// The message was not taken.
    pub fn refuse(mut self, refusal: &Refusal) {
        self.answer(refusal);
    }

    fn answer(&mut self, refusal: &Refusal) {
        let Some(to) = self.to.take() else { return };
        counter!(REFUSALS, "code" => refusal.code()).increment(1);
        match (to, self.command) {
            (To::Session(session), Some(command)) => session.answer(Reply::error(command, refusal.into())),
            (To::Session(session), None) => {
                session.outbox.push(native::error(refusal, self.client_id.as_ref()));
            }
            (To::Deleter(_, answer), _) => _ = answer.send(Err(NotDeleted::Refused(refusal.clone()))),
        }
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        self.answer(&Refusal::NotStored);
    }
}

/// What a room shows to operators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomView {
    /// The room.
    pub name: RoomName,
    /// Where it stands, once it has been started.
    pub position: Option<Position>,
    /// Sockets that listen.
    pub members: usize,
    /// Whether its actor runs; a room without members sleeps.
    pub running: bool,
}

/// What outlives the room's actor.
pub struct RoomSlot {
    /// The room.
    pub name: RoomName,
    /// Messages that wait to be ordered. A full inbox refuses with `overloaded`.
    pub inbox: Inbox<Publish>,
    /// Who listens.
    pub members: Members,
    /// The actor, when it runs.
    pub address: Address<RoomMessage>,
    turnstile: Arc<Turnstile>,
    position: Mutex<Option<Position>>,
    rules: Mutex<Option<Rules>>,
    /// Held by whoever decides something about the room, from storing it until the room has heard of it: so the room hears of
    /// decisions in the order in which they were stored.
    pub deciding: tokio::sync::Mutex<()>,
    used: Mutex<Instant>,
}

impl std::task::Wake for RoomSlot {
    fn wake(self: Arc<Self>) {
        self.address.cast(RoomMessage::Wake);
    }
}

impl RoomSlot {
    /// The slot of a room that has not been started in this process.
    pub fn new(name: RoomName, turnstile: Arc<Turnstile>) -> Self {
        Self {
            members: Members::new(Channel::Chat(name.clone()).to_string()),
            name,
            turnstile,
            inbox: Inbox::new(limits::ROOM_INBOX_MESSAGES),
            address: Address::default(),
            position: Mutex::new(None),
            rules: Mutex::default(),
            deciding: tokio::sync::Mutex::default(),
            used: Mutex::new(Instant::now()),
        }
    }

    /// Hands a message to the room.
    pub fn publish(self: &Arc<Self>, publish: Publish) {
        match self.inbox.push(publish) {
            Ok(Wake::Needed) => self.stand_in_line(),
            Ok(Wake::Pending) => {}
            Err(Full(publish)) => publish.receipt.refuse(&Refusal::Overloaded),
        }
    }

    /// Has the room woken when its turn comes. One that is down by then finds its messages when it starts.
    pub(super) fn stand_in_line(self: &Arc<Self>) {
        self.turnstile.queue_room(Waker::from(Arc::clone(self)));
    }

    /// Where the room stood last, in this process.
    pub fn position(&self) -> Option<Position> {
        self.position.lock().clone()
    }

    pub(super) fn started(&self, position: Position) {
        *self.position.lock() = Some(position);
    }

    pub(super) fn advanced(&self, tail: Offset) {
        if let Some(position) = &mut *self.position.lock() {
            position.offset = tail;
        }
    }

    /// What held in the room last, in this process.
    pub(super) fn rules(&self) -> Option<Rules> {
        self.rules.lock().clone()
    }

    pub(super) fn ruled(&self, rules: &Rules) {
        *self.rules.lock() = Some(rules.clone());
    }

    /// Notes that somebody wants the room to run.
    pub(crate) fn touch(&self) {
        *self.used.lock() = Instant::now();
    }

    /// Whether the room may sleep: nobody listens, nothing waits, and that for a while.
    pub(crate) fn is_idle(&self, for_at_least: Duration) -> bool {
        let unused = self.used.lock().elapsed() >= for_at_least;
        unused && self.members.is_empty() && self.inbox.is_empty()
    }

    /// What operators see.
    pub fn view(&self) -> RoomView {
        RoomView {
            name: self.name.clone(),
            position: self.position(),
            members: self.members.len(),
            running: self.address.is_up(),
        }
    }
}
