//! Commands of the Centrifuge protocol, strictly in order.
//!
//! A frame of commands is one [`Turn`]. Its replies are put together; what waits for a room is waited for before the next
//! command that is not another `subscribe`, so that ten subscriptions cost one round. `publish` is the exception that the
//! protocol allows: it is answered when the message is stored, whatever was answered meanwhile.

mod connect;
mod read;
mod subscribe;
mod turn;

use super::{Inbound, SessionState, Stage, Terms};
use crate::metrics::REFUSALS;
use crate::room::{Publish, Receipt, RoomMessage, RoomSlot};
use crate::rooms::RoomsMessage;
use crate::sessions::SessionsMessage;
use crate::wire::centrifuge::message::{Empty, Error, PublishRequest};
use crate::wire::centrifuge::{Channel, Command, Reply};
use crate::wire::{CloseCode, Refusal, native};
use metrics::counter;
use std::sync::Arc;
use tickroom_storage::RoomName;
use turn::Turn;

impl SessionState {
    /// Carries out the commands of one frame.
    pub(super) async fn on_commands(&mut self, terms: Terms, inbound: Inbound) {
        let frame = match &inbound {
            Inbound::Text(text) => text.as_bytes(),
            Inbound::Binary(bytes) => bytes,
        };
        let Ok(commands) = terms.format.decode(frame) else {
            return self.slot.outbox.close(CloseCode::BAD_REQUEST);
        };
        let mut turn = Turn::new(Arc::clone(&self.slot), terms.format, commands);
        while let Some(command) = turn.next() {
            self.on_command(&terms, &mut turn, command).await;
        }
        turn.settle(&self.services).await;
        turn.flush();
    }

    async fn on_command(&mut self, terms: &Terms, turn: &mut Turn, command: Command) {
        let stage = self.slot.connection.as_ref().map(|connection| connection.stage()).unwrap_or_default();
        match (stage, command.connect) {
            (Stage::Silent, Some(request)) if command.id > 0 => {
                self.on_connect(terms, turn, &request.token).await
            }
            (Stage::Connected { .. }, None) => {
                let command = Command { connect: None, ..command };
                self.on_connected_command(terms, turn, command).await;
            }
            (Stage::Refused, _) => turn.end(),
            _ => turn.close(CloseCode::BAD_REQUEST),
        }
    }

    async fn on_connected_command(&mut self, terms: &Terms, turn: &mut Turn, command: Command) {
        if command.send.is_some() {
            return turn.close(CloseCode::NOT_AVAILABLE);
        }
        if command.id == 0 {
            return self.on_pong(turn);
        }
        if let (None, Some(request)) = (&command.ping, &command.subscribe) {
            return self.on_subscribe(turn, request);
        }
        turn.settle(&self.services).await;
        let id = command.id;
        if command.ping.is_some() {
            turn.reply(Reply { ping: Some(Empty {}), ..Reply::to(id) });
        } else if let Some(request) = &command.unsubscribe {
            self.on_unsubscribe(turn, &request.channel);
        } else if let Err(refusal) = self.spend() {
            counter!(REFUSALS, "code" => refusal.code()).increment(1);
            turn.fail((&refusal).into());
        } else if let Some(request) = command.publish {
            self.on_publish(turn, &request);
        } else if let Some(request) = command.presence {
            self.on_presence(turn, &request.channel);
        } else if let Some(request) = command.presence_stats {
            self.on_presence_stats(turn, &request.channel);
        } else if let Some(request) = command.history {
            self.on_history(turn, request).await;
        } else if let Some(request) = command.refresh {
            self.on_refresh(terms, turn, &request.token).await;
        } else if command.rpc.is_some() || command.sub_refresh.is_some() {
            turn.fail(Error::not_available());
        } else {
            turn.close(CloseCode::BAD_REQUEST);
        }
    }

    /// The answer to a ping. One that was not asked for is no protocol.
    fn on_pong(&self, turn: &mut Turn) {
        let was_asked = self.slot.connection.as_ref().is_some_and(|connection| connection.was_asked());
        if !was_asked {
            turn.close(CloseCode::BAD_REQUEST);
        }
    }

    fn on_publish(&self, turn: &mut Turn, request: &PublishRequest) {
        if let Err(error) = self.publish(turn, request) {
            turn.fail(error);
        }
    }

    /// Hands a message to its room, as the native dialect does; the answer comes when it is stored.
    fn publish(&self, turn: &mut Turn, request: &PublishRequest) -> Result<(), Error> {
        let Channel::Chat(name) = request.channel.parse().map_err(|_| Error::unknown_channel())? else {
            return Err(Error::permission_denied());
        };
        let identity = self.slot.identity().ok_or_else(Error::permission_denied)?;
        let room = self.room(&name)?;
        if self.services.is_draining() {
            return Err((&Refusal::ShuttingDown).into());
        }
        let text = str::from_utf8(&request.data).map_err(|_| Error::bad_request())?;
        let say = native::decode(text).map_err(|(refusal, _)| {
            counter!(REFUSALS, "code" => refusal.code()).increment(1);
            Error::from(&refusal)
        })?;
        let command = turn.hand_over();
        let connection = self.slot.connection.as_ref();
        if connection.is_some_and(|connection| connection.awaits(command, self.services.now_ms())) {
            self.tell_shard(SessionsMessage::Awaiting(Arc::clone(&self.slot)));
        }
        let receipt = Receipt::for_command(Arc::clone(&self.slot), say.client_id, command);
        room.publish(Publish { sender: identity.into(), content: say.content, receipt });
        self.wake(&room);
        Ok(())
    }

    /// A room by its name.
    fn room(&self, name: &RoomName) -> Result<Arc<RoomSlot>, Error> {
        self.services.directory.get(name).ok_or_else(Error::unknown_channel)
    }

    /// Sees to it that a room which sleeps, for nobody is in it, hears what it was sent.
    fn wake(&self, room: &RoomSlot) {
        if !room.address.is_up() {
            let (room, message) = (room.name.clone(), RoomMessage::Wake);
            self.services.rooms.cast(RoomsMessage::Ask { room, message });
        }
    }

    fn tell_shard(&self, message: SessionsMessage) {
        let shard = self.services.registry.shard_of(self.slot.id);
        if let Some(shard) = self.services.sessions.get(shard) {
            // A shard that is down finds out when it starts.
            shard.cast(message);
        }
    }
}
