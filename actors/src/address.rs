//! [`Address`]: where to reach an actor that may be restarted.
//!
//! An `ActorRef` dies with its actor. An address is shared by everyone who talks to a role and always points
//! at the actor that plays it now, or at nobody while its supervisor brings the next one up.

use arc_swap::ArcSwapOption;
use ractor::{ActorRef, ActorStatus, Message};
use std::sync::Arc;

/// A stable way to an actor across its restarts.
pub struct Address<M: Message> {
    current: ArcSwapOption<ActorRef<M>>,
}

impl<M: Message> Default for Address<M> {
    fn default() -> Self {
        Self { current: ArcSwapOption::empty() }
    }
}

impl<M: Message> Address<M> {
    /// Points the address at a newly started actor.
    pub fn set(&self, actor: ActorRef<M>) {
        self.current.store(Some(Arc::new(actor)));
    }

    /// Sends a control message; while nobody plays the role it is dropped. So it may only say what a newly started
    /// actor finds out by itself, or what is said again. Data never travels this way: ractor's mailboxes have no
    /// bound.
    pub fn cast(&self, message: M) {
        if let Some(actor) = &*self.current.load() {
            let _ = actor.send_message(message);
        }
    }

    /// The actor that plays the role now, if one is running.
    pub fn actor(&self) -> Option<ActorRef<M>> {
        self.current.load_full().filter(|actor| is_running(actor)).map(|actor| (*actor).clone())
    }

    /// Whether an actor is there to answer.
    pub fn is_up(&self) -> bool {
        self.current.load().as_ref().is_some_and(is_running)
    }
}

fn is_running<M: Message>(actor: &Arc<ActorRef<M>>) -> bool {
    matches!(actor.get_status(), ActorStatus::Starting | ActorStatus::Running | ActorStatus::Upgrading)
}
