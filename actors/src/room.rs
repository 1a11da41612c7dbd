//! The room: one conversation, one order.
//!
//! A [`Room`] owns the order of its messages: it gives each the next offset, keeps the recent ones to replay, and
//! encodes each once for all members. Its [`RoomSlot`] holds what outlives it: the queue of messages that wait to be
//! ordered, the members with what each was given last, and the position. If a room dies, the message in its hands is
//! refused (its sender hears `not_stored`), nothing else is lost: its successor rebuilds the window from the message
//! log and the writer's intake, sends each member exactly what it misses, and goes on with the same epoch. Who may say what
//! is for its rules (`room/moderation.rs`) to say.

mod ask;
mod dedupe;
mod members;
mod moderation;
mod pace;
mod rebuild;
mod slot;
mod window;

pub use ask::{HistoryAsk, HistoryPart, HistoryRange, SubscribeAsk};
pub use members::Members;
pub use moderation::{DeleteAsk, NotDeleted, Ruling};
pub use slot::{Publish, Receipt, RoomSlot, RoomView};
pub use window::{Mark, Window};

use crate::limits;
use crate::metrics::{DELIVERIES, MESSAGES_IN};
use crate::session::SessionSlot;
use crate::tree::Services;
use crate::wire::centrifuge::Format;
use crate::wire::{CloseCode, native};
use bytes::BytesMut;
use dedupe::Dedupe;
use members::Pieces;
use metrics::counter;
use moderation::Rules;
use pace::Pace;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::sync::Arc;
use tickroom_storage::message::Message;
use tickroom_storage::{MessageId, Offset, TimestampMs};
use tokio::sync::oneshot;
use tokio::time::Instant;

/// A place in a room's order. Offsets of different epochs cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// Names one unbroken run of offsets.
    pub epoch: Arc<str>,
    /// The last message at this place.
    pub offset: Offset,
}

/// The room's control plane. Messages to be said wait in [`RoomSlot::inbox`].
pub enum RoomMessage {
    /// There is something in the inbox.
    Wake,
    /// A session wants to listen, from its last position on if it has one.
    Join {
        /// Who joins.
        session: Arc<SessionSlot>,
        /// Where it was before its connection broke.
        resume: Option<Position>,
    },
    /// A session wants to listen, in the terms of the Centrifuge protocol.
    Subscribe(SubscribeAsk),
    /// A session wants to know what was said.
    History(HistoryAsk),
    /// Something holds from now on.
    Rule {
        /// What.
        ruling: Ruling,
        /// Told when it does.
        done: oneshot::Sender<()>,
    },
    /// Somebody takes a message back.
    Delete(DeleteAsk),
    /// Time passes.
    Tick,
}

/// The actor. Its state is rebuilt at every start.
pub struct Room;

/// What a running room knows.
pub struct RoomState {
    services: Arc<Services>,
    slot: Arc<RoomSlot>,
    epoch: Arc<str>,
    window: Window,
    dedupe: Dedupe,
    rules: Rules,
    encoder: native::Encoder,
    /// Messages that were ordered and not yet handed to the members, and their frames.
    batch: Vec<Arc<Message>>,
    frames: BytesMut,
    /// Where each frame of the batch ends.
    marks: Vec<Mark>,
    /// When the batch is full; less than the limit where outboxes are small.
    batch_bytes: usize,
    /// Holds the room back while most members are behind.
    pace: Pace,
    /// How many members those who want to know were told of.
    told_count: usize,
}

impl Actor for Room {
    type Msg = RoomMessage;
    type State = RoomState;
    type Arguments = (Arc<Services>, Arc<RoomSlot>);

    async fn pre_start(
        &self,
        _myself: ActorRef<RoomMessage>,
        (services, slot): Self::Arguments,
    ) -> Result<RoomState, ActorProcessingErr> {
        Ok(RoomState::new(services, slot))
    }

    /// Finds the room's place. Here and not in `pre_start`, whose failures ractor does not report to the supervisor.
    async fn post_start(
        &self,
        myself: ActorRef<RoomMessage>,
        state: &mut RoomState,
    ) -> Result<(), ActorProcessingErr> {
        let rules = moderation::rules(&state.services, &state.slot).await?;
        let rebuilt = rebuild::rebuild(&state.services, &state.slot).await?;
        state.take_rules(rules);
        state.start(rebuilt);
        // Whatever the predecessor left in the inbox.
        myself.cast(RoomMessage::Wake)?;
        myself.send_interval(limits::ROOM_TICK, || RoomMessage::Tick);
        Ok(())
    }

    async fn handle(
        &self,
        myself: ActorRef<RoomMessage>,
        message: RoomMessage,
        state: &mut RoomState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            RoomMessage::Wake => state.on_wake(&myself),
            RoomMessage::Join { session, resume } => state.on_join(&session, resume.as_ref()),
            RoomMessage::Subscribe(ask) => state.on_subscribe(ask),
            RoomMessage::History(ask) => state.on_history(ask),
            RoomMessage::Rule { ruling, done } => {
                state.on_ruling(ruling);
                // Whoever decided may not wait for it.
                let _ = done.send(());
            }
            RoomMessage::Delete(ask) => state.on_delete(ask),
            RoomMessage::Tick => state.on_tick(),
        }
        Ok(())
    }
}

impl RoomState {
    fn new(services: Arc<Services>, slot: Arc<RoomSlot>) -> Self {
        let batch_bytes = limits::ROOM_BATCH_BYTES.min(services.config.outbox_bytes / 4);
        Self {
            services,
            slot,
            epoch: Arc::from(""),
            window: Window::new(Offset::ZERO),
            dedupe: Dedupe::default(),
            rules: Rules::default(),
            encoder: native::Encoder::default(),
            batch: Vec::new(),
            frames: BytesMut::new(),
            marks: Vec::new(),
            batch_bytes,
            pace: Pace::default(),
            told_count: 0,
        }
    }

    /// Takes its place, and brings the members up to date whom the predecessor left behind.
    fn start(&mut self, rebuilt: rebuild::Rebuilt) {
        self.epoch = rebuilt.epoch;
        self.window = Window::new(rebuilt.before);
        for message in rebuilt.messages {
            self.dedupe.insert(&message);
            self.stage(message);
            if self.is_batch_full() {
                self.keep();
            }
        }
        self.keep();
        let position = self.position();
        if !rebuilt.same_epoch {
            self.slot.members.announce(&native::joined(&self.slot.name, &position, Some(false)));
            self.slot.members.resubscribe();
        }
        self.slot.started(position);
        self.slot.members.catch_up(&self.window);
    }

    /// Orders what waits, up to a batch. For more it stands in line again, behind the sockets that it filled.
    fn on_wake(&mut self, myself: &ActorRef<RoomMessage>) {
        if let Some(pause) = self.pace.pause(|| self.slot.members.audience(), Instant::now()) {
            myself.send_after(pause, || RoomMessage::Wake);
            return;
        }
        let mut emptied = false;
        while !emptied && !self.is_batch_full() {
            match self.slot.inbox.pop() {
                Some(publish) => self.on_publish(publish),
                None => emptied = true,
            }
        }
        self.deliver();
        if !emptied {
            self.slot.stand_in_line();
        }
    }

    /// Gives one message its place, or says why not.
    fn on_publish(&mut self, publish: Publish) {
        let Publish { sender, content, receipt } = publish;
        if let Some((id, offset)) = self.dedupe.find(sender.id, receipt.client_id()) {
            self.services.intake.acknowledge_repeat(id, offset, receipt);
            return;
        }
        if let Err(refusal) = self.rules.admit(sender.id, Instant::now) {
            return receipt.refuse(&refusal);
        }
        let message = Arc::new(Message {
            id: self.services.ids.next(),
            room: self.slot.name.clone(),
            offset: self.tail().next(),
            sender,
            content,
            client_id: receipt.client_id().cloned(),
            deletes: None,
            created_at: TimestampMs::now(),
        });
        if let Err((refusal, receipt)) = self.services.intake.push(Arc::clone(&message), receipt) {
            receipt.refuse(&refusal);
            return;
        }
        self.rules.said(message.sender.id, Instant::now);
        self.dedupe.insert(&message);
        self.stage(message);
    }

    /// Encodes a message into the batch.
    fn stage(&mut self, message: Arc<Message>) {
        self.encoder.put_message(&mut self.frames, &message);
        let is_gone = message.content.is_empty();
        let end = self.frames.len();
        self.marks.push(Mark { end, sender: message.sender.id, id: message.id, is_gone });
        self.batch.push(message);
    }

    fn is_batch_full(&self) -> bool {
        self.batch.len() >= limits::ROOM_BATCH_MESSAGES || self.frames.len() >= self.batch_bytes
    }

    /// Moves the batch into the window.
    fn keep(&mut self) {
        self.window.push(self.frames.split().freeze(), &self.marks, Instant::now());
        self.marks.clear();
        self.batch.clear();
    }

    /// What was kept last, in every way of spelling that somebody here reads.
    fn pieces(&self) -> Pieces {
        let members = &self.slot.members;
        let pushes = |format| {
            members.reads(format).then(|| self.window.last_pushes(format, members.channel())).flatten()
        };
        let native = self.window.last_frames();
        Pieces { native, json: pushes(Format::Json), protobuf: pushes(Format::Protobuf) }
    }

    /// Hands the batch to all members.
    fn deliver(&mut self) {
        let messages = self.batch.len();
        if messages == 0 {
            return;
        }
        self.keep();
        let pieces = self.pieces();
        let tail = self.window.tail();
        self.slot.advanced(tail);
        let audience = self.slot.members.deliver(&pieces, tail);
        self.pace.delivered(audience, Instant::now());
        counter!(MESSAGES_IN).increment(count(messages));
        counter!(DELIVERIES).increment(count(messages) * count(audience.members));
    }

    /// Lets go what is too old to replay, and tells those who want to know how many members there are.
    fn on_tick(&mut self) {
        self.window.expire(Instant::now());
        self.rules.expire(Instant::now());
        let members = self.slot.members.len();
        if std::mem::replace(&mut self.told_count, members) != members {
            self.slot.members.tell_count();
        }
    }

    /// Adds a member between two batches, so what it is given here and what comes live meet without gap or overlap.
    fn on_join(&mut self, session: &Arc<SessionSlot>, resume: Option<&Position>) {
        if self.slot.members.contains(session) {
            return;
        }
        if self.is_banned(session) {
            return session.outbox.close(CloseCode::BANNED);
        }
        let replay = resume
            .filter(|position| position.epoch == self.epoch)
            .and_then(|position| self.window.since(position.offset));
        let recovered = resume.map(|_| replay.is_some());
        session.outbox.push(native::joined(&self.slot.name, &self.position(), recovered));
        match replay {
            Some(frames) => session.outbox.push_replay(frames),
            None => session.outbox.push_replay(self.window.recent(limits::JOIN_RECENT_MESSAGES)),
        }
        session.enter(&self.slot, self.window.tail());
    }

    fn tail(&self) -> Offset {
        self.batch.last().map_or(self.window.tail(), |message| message.offset)
    }

    fn position(&self) -> Position {
        Position { epoch: Arc::clone(&self.epoch), offset: self.window.tail() }
    }
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

/// What a message id and its offset are called together.
pub(crate) type Place = (MessageId, Offset);
