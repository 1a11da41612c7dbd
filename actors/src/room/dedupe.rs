//! Recognises a message that its sender sends again.

use super::Place;
use crate::limits;
use std::collections::{HashMap, VecDeque};
use tickroom_storage::message::Message;
use tickroom_storage::{ClientMessageId, UserId};

type Key = (UserId, ClientMessageId);

/// The client message ids of a room's recent messages. Bounded; the oldest is forgotten first.
#[derive(Default)]
pub(super) struct Dedupe {
    places: HashMap<Key, Place>,
    order: VecDeque<Key>,
}

impl Dedupe {
    /// Where this sender's message with this id went, if it was said before.
    pub(super) fn find(&self, sender: UserId, client_id: Option<&ClientMessageId>) -> Option<Place> {
        self.places.get(&(sender, client_id?.clone())).copied()
    }

    /// Remembers a message that carries a client id.
    pub(super) fn insert(&mut self, message: &Message) {
        let Some(client_id) = &message.client_id else {
            return;
        };
        let key = (message.sender.id, client_id.clone());
        if self.places.insert(key.clone(), (message.id, message.offset)).is_none() {
            self.order.push_back(key);
        }
        if self.order.len() > limits::DEDUPE_MESSAGES
            && let Some(oldest) = self.order.pop_front()
        {
            self.places.remove(&oldest);
        }
    }
}
