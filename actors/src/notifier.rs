//! The notifier: brings what concerns one user to all of that user's live sockets.
//!
//! Notices wait in a bounded inbox that outlives the actor. So far there is one kind: a login ended, and the
//! sockets that it vouched for must not go on.

use crate::queue::{Full, Inbox, Wake};
use crate::registry::Registry;
use crate::tree::Services;
use crate::wire::CloseCode;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::sync::Arc;
use tickroom_storage::{FamilyId, UserId};

/// Notices that may wait. One that does not fit is carried out by whoever brought it.
pub const NOTICES: usize = 4096;

/// Something that concerns one user.
#[derive(Debug, Clone, Copy)]
pub enum Notice {
    /// A login ended: by logout, or because its refresh token was stolen.
    LoggedOut {
        /// Whose.
        user: UserId,
        /// Which login.
        family: FamilyId,
    },
}

/// The notifier's control plane.
pub enum NotifierMessage {
    /// There is something in the inbox.
    Wake,
}

/// The actor.
pub struct Notifier;

impl Actor for Notifier {
    type Msg = NotifierMessage;
    type State = Arc<Services>;
    type Arguments = Arc<Services>;

    async fn pre_start(
        &self,
        myself: ActorRef<NotifierMessage>,
        services: Arc<Services>,
    ) -> Result<Arc<Services>, ActorProcessingErr> {
        myself.cast(NotifierMessage::Wake)?;
        Ok(services)
    }

    async fn handle(
        &self,
        _myself: ActorRef<NotifierMessage>,
        NotifierMessage::Wake: NotifierMessage,
        services: &mut Arc<Services>,
    ) -> Result<(), ActorProcessingErr> {
        while let Some(notice) = services.notices.pop() {
            carry_out(notice, &services.registry);
        }
        Ok(())
    }
}

/// Hands a notice to the notifier.
pub(crate) fn notify(services: &Services, notice: Notice) {
    match services.notices.push(notice) {
        // A notifier that is down finds the notice when it starts.
        Ok(Wake::Needed) => services.notifier.cast(NotifierMessage::Wake),
        Ok(Wake::Pending) => {}
        Err(Full(notice)) => carry_out(notice, &services.registry),
    }
}

fn carry_out(notice: Notice, registry: &Registry) {
    let Notice::LoggedOut { user, family } = notice;
    for session in registry.of_user(user) {
        if session.identity.as_ref().is_some_and(|identity| identity.family == Some(family)) {
            session.outbox.close(CloseCode::LOGGED_OUT);
        }
    }
}

/// An empty inbox for notices.
pub(crate) const fn inbox() -> Inbox<Notice> {
    Inbox::new(NOTICES)
}
