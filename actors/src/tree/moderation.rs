//! What the rest of the server does to keep order in rooms.

use super::Tree;
use crate::limits::{ANSWER_WITHIN, RULING_WITHIN};
use crate::room::{DeleteAsk, NotDeleted, RoomMessage, RoomSlot, Ruling};
use crate::rooms::RoomsMessage;
use crate::wire::Refusal;
use tickroom_storage::message::Sender;
use tickroom_storage::{MessageId, UserId};
use tokio::sync::oneshot;
use tokio::time::timeout;

impl Tree {
    /// Something that is stored holds in a room from now on: when this completes, or when the room starts, if it cannot
    /// hear of it now.
    pub async fn rule(&self, room: &RoomSlot, ruling: Ruling) {
        let (done, heard) = oneshot::channel();
        self.ask(room, RoomMessage::Rule { ruling, done });
        // A room that is dead or slow reads the rules when it starts, or comes to this later.
        let _ = timeout(RULING_WITHIN, heard).await;
    }

    /// Takes a message back. `sender` is who had said it, if that is known from the log. Completes when it is stored, with
    /// who had said it.
    ///
    /// # Errors
    ///
    /// Why it was not taken back. On [`Refusal::NotStored`] it may have been.
    pub async fn delete_message(
        &self,
        room: &RoomSlot,
        message: MessageId,
        sender: Option<UserId>,
        by: Sender,
        keeps_order: bool,
    ) -> Result<UserId, NotDeleted> {
        let (answer, outcome) = oneshot::channel();
        self.ask(room, RoomMessage::Delete(DeleteAsk { message, sender, by, keeps_order, answer }));
        let outcome = timeout(ANSWER_WITHIN, outcome).await.map_or(None, Result::ok);
        outcome.unwrap_or(Err(NotDeleted::Refused(Refusal::NotStored)))
    }

    fn ask(&self, room: &RoomSlot, message: RoomMessage) {
        self.services.rooms.cast(RoomsMessage::Ask { room: room.name.clone(), message });
    }
}
