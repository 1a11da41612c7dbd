//! [`Turn`]: the commands of one frame, and what they are answered.
//!
//! Whatever happens, every command is answered: a turn that is dropped half way, because its session died, answers the
//! command in its hands and all that follow with a temporary error.

use crate::limits::{ANSWER_WITHIN, JOIN_RETRY, REPLIES_BYTES};
use crate::room::{Position, RoomMessage, RoomSlot, SubscribeAsk};
use crate::rooms::RoomsMessage;
use crate::session::{SessionSlot, Stage};
use crate::tree::Services;
use crate::wire::CloseCode;
use crate::wire::centrifuge::message::Error;
use crate::wire::centrifuge::{Command, Format, Reply};
use bytes::BytesMut;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout_at};

/// How long to wait before a room that died with our question is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(50);

pub(super) struct Turn {
    slot: Arc<SessionSlot>,
    format: Format,
    commands: VecDeque<Command>,
    /// The command in hand, until it is answered.
    current: Option<u32>,
    /// Rooms that were asked.
    joining: VecDeque<Joining>,
    /// Replies that will share a frame.
    replies: BytesMut,
}

/// A room that was asked to take the session in.
pub(super) struct Joining {
    pub(super) room: Arc<RoomSlot>,
    pub(super) command: u32,
    pub(super) recover: Option<Position>,
    pub(super) all_or_nothing: bool,
    pub(super) is_curious: bool,
    /// Until when to wait.
    until: Instant,
    done: Option<oneshot::Receiver<()>>,
}

impl Turn {
    pub(super) fn new(slot: Arc<SessionSlot>, format: Format, commands: Vec<Command>) -> Self {
        let (commands, joining, replies) = (commands.into(), VecDeque::new(), BytesMut::new());
        Self { slot, format, commands, current: None, joining, replies }
    }

    /// The next command, unless the socket is being closed.
    pub(super) fn next(&mut self) -> Option<Command> {
        if self.slot.outbox.closing().is_some_and(|code| code != CloseCode::NORMAL) {
            self.end();
        }
        let command = self.commands.pop_front();
        self.current = command.as_ref().map(|command| command.id).filter(|id| *id > 0);
        command
    }

    /// The id of the command in hand.
    pub(super) fn command(&self) -> u32 {
        self.current.unwrap_or_default()
    }

    /// Answers the command in hand.
    pub(super) fn reply(&mut self, reply: Reply) {
        self.current = None;
        self.format.put(&mut self.replies, &reply);
        if self.replies.len() >= REPLIES_BYTES {
            self.flush();
        }
    }

    /// Answers the command in hand with an error.
    pub(super) fn fail(&mut self, error: Error) {
        self.reply(Reply::error(self.command(), error));
    }

    /// Somebody else answers the command in hand.
    pub(super) fn hand_over(&mut self) -> u32 {
        self.current.take().unwrap_or_default()
    }

    /// Nothing that follows is heard.
    pub(super) fn end(&mut self) {
        self.current = None;
        self.commands.clear();
    }

    /// Closes the socket behind what was answered so far.
    pub(super) fn close(&mut self, code: CloseCode) {
        self.end();
        self.flush();
        self.slot.outbox.close(code);
    }

    /// Sends the replies. Before anything else goes to the outbox that must not overtake them.
    pub(super) fn flush(&mut self) {
        if !self.replies.is_empty() {
            self.slot.outbox.push(self.format.frame(&self.replies));
            self.replies = BytesMut::new();
        }
    }

    /// Asks a room to take the session in; it writes the answer itself.
    pub(super) fn join(
        &mut self,
        services: &Services,
        room: Arc<RoomSlot>,
        recover: Option<Position>,
        all_or_nothing: bool,
        is_curious: bool,
    ) {
        let (command, until) = (self.hand_over(), Instant::now() + ANSWER_WITHIN);
        let mut joining = Joining { room, command, recover, all_or_nothing, is_curious, until, done: None };
        joining.ask(&self.slot, services);
        self.joining.push_back(joining);
    }

    /// Waits for all rooms that were asked.
    pub(super) async fn settle(&mut self, services: &Services) {
        while let Some(joining) = self.joining.front_mut() {
            let joined = joining.wait(&self.slot, services).await;
            let (room, command) = (Arc::clone(&joining.room), joining.command);
            self.joining.pop_front();
            if !joined && self.slot.abandon(room.members.channel(), command) {
                self.format.put(&mut self.replies, &Reply::error(command, Error::internal()));
            }
        }
    }
}

impl Joining {
    fn ask(&mut self, slot: &Arc<SessionSlot>, services: &Services) {
        let (done, answer) = oneshot::channel();
        self.done = Some(answer);
        let message = RoomMessage::Subscribe(SubscribeAsk {
            session: Arc::clone(slot),
            command: self.command,
            recover: self.recover.clone(),
            all_or_nothing: self.all_or_nothing,
            is_curious: self.is_curious,
            done,
        });
        services.rooms.cast(RoomsMessage::Ask { room: self.room.name.clone(), message });
    }

    /// Waits until the room has answered; `false` if it takes too long. Asks again if it died, or was never asked because
    /// it was dead: whoever is asked twice answers once.
    async fn wait(&mut self, slot: &Arc<SessionSlot>, services: &Services) -> bool {
        while !slot.is_closed() {
            let Some(done) = &mut self.done else { return false };
            match timeout_at(self.until.min(Instant::now() + JOIN_RETRY), done).await {
                Ok(Ok(())) => return true,
                _ if Instant::now() >= self.until => return false,
                Ok(Err(_)) => {
                    sleep(ASK_AGAIN).await;
                    self.ask(slot, services);
                }
                Err(_) => {}
            }
        }
        false
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut unanswered: Vec<u32> = self.current.into_iter().collect();
        for Joining { room, command, .. } in &self.joining {
            if self.slot.abandon(room.members.channel(), *command) {
                unanswered.push(*command);
            }
        }
        unanswered.extend(self.commands.iter().map(|command| command.id).filter(|id| *id > 0));
        for id in unanswered {
            self.format.put(&mut self.replies, &Reply::error(id, Error::internal()));
        }
        self.flush();
        // Its client has just been told that this did not work.
        if let Some(connection) = &self.slot.connection
            && connection.stage() == Stage::Connecting
        {
            connection.enter(Stage::Refused);
        }
    }
}
