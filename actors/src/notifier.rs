//! The notifier: brings what concerns one user to all of that user's live streams and sockets.
//!
//! Notices wait in a bounded inbox that outlives the actor. They say *that* something happened; what it is, the notifier
//! reads from the log, for many of them in one look and only for people who are there. It is also the clock of all
//! event streams: heartbeats and the end of identities.
//!
//! If it dies, the notice in its hands is lost. So its successor has every stream look at the log for what it missed.

use crate::limits::{NOTICE_LOOK, NOTICES};
use crate::metrics::NOTIFICATIONS_SHOWN;
use crate::queue::{Full, Inbox, Wake};
use crate::tree::Services;
use crate::wire::centrifuge::Channel;
use crate::wire::centrifuge::publication::Spellings;
use crate::wire::{CloseCode, native};
use metrics::counter;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tickroom_storage::notification::Notification;
use tickroom_storage::{FamilyId, NotificationId, StorageError, UserId};

/// How often the clock of the streams ticks.
const TICK: Duration = Duration::from_millis(250);

/// Something that concerns users.
#[derive(Debug, Clone)]
pub enum Notice {
    /// A login ended: by logout, or because its refresh token was stolen.
    LoggedOut {
        /// Whose.
        user: UserId,
        /// Which login.
        family: FamilyId,
    },
    /// These people have new notifications.
    Told(Vec<(UserId, NotificationId)>),
    /// These people may have fewer unread ones.
    Recount(Vec<UserId>),
    /// Some notice may have been lost.
    CatchUp,
}

/// The notifier's control plane.
pub enum NotifierMessage {
    /// There is something in the inbox.
    Wake,
    /// Time passes.
    Tick,
}

/// The actor.
pub struct Notifier;

/// What is to be shown to people who are there.
#[derive(Default)]
struct Look {
    notifications: Vec<NotificationId>,
    readers: HashSet<UserId>,
}

impl Actor for Notifier {
    type Msg = NotifierMessage;
    type State = Arc<Services>;
    type Arguments = Arc<Services>;

    async fn pre_start(
        &self,
        myself: ActorRef<NotifierMessage>,
        services: Arc<Services>,
    ) -> Result<Arc<Services>, ActorProcessingErr> {
        services.streams.catch_up();
        myself.cast(NotifierMessage::Wake)?;
        myself.send_interval(TICK, || NotifierMessage::Tick);
        Ok(services)
    }

    async fn handle(
        &self,
        _myself: ActorRef<NotifierMessage>,
        message: NotifierMessage,
        services: &mut Arc<Services>,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            NotifierMessage::Wake => on_wake(services).await,
            NotifierMessage::Tick => services.streams.tick(services.now_ms(), services.config.ping_interval),
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
        // Whoever brought it carries it out.
        Err(Full(Notice::LoggedOut { user, family })) => log_out(services, user, family),
        Err(Full(_)) => services.streams.catch_up(),
    }
}

async fn on_wake(services: &Services) {
    let mut look = Look::default();
    while let Some(notice) = services.notices.pop() {
        match notice {
            Notice::LoggedOut { user, family } => log_out(services, user, family),
            Notice::Told(told) => {
                let present = told.into_iter().filter(|(user, _)| is_there(services, *user));
                for (user, notification) in present {
                    look.notifications.push(notification);
                    look.readers.insert(user);
                }
            }
            Notice::Recount(users) => {
                look.readers.extend(users.into_iter().filter(|user| services.streams.has(*user)));
            }
            Notice::CatchUp => services.streams.catch_up(),
        }
        if look.readers.len() + look.notifications.len() >= NOTICE_LOOK {
            show_or_catch_up(services, std::mem::take(&mut look)).await;
        }
    }
    show_or_catch_up(services, look).await;
}

fn is_there(services: &Services, user: UserId) -> bool {
    services.streams.has(user) || services.registry.has(user)
}

async fn show_or_catch_up(services: &Services, look: Look) {
    if look.readers.is_empty() {
        return;
    }
    if let Err(error) = show(services, &look).await {
        tracing::warn!(%error, "new notifications cannot be read, streams will look for themselves");
        look.readers.iter().flat_map(|user| services.streams.of_user(*user)).for_each(|slot| slot.catch_up());
    }
}

/// Reads what is new, and gives it to those whom it concerns.
async fn show(services: &Services, look: &Look) -> Result<(), StorageError> {
    let log = &services.events.notifications;
    let notifications = log.by_ids(&look.notifications).await?;
    let readers: Vec<UserId> =
        look.readers.iter().copied().filter(|user| services.streams.has(*user)).collect();
    let unread = log.unread_counts(&readers).await?;
    counter!(NOTIFICATIONS_SHOWN).increment(u64::try_from(notifications.len()).unwrap_or(0));
    for notification in notifications.into_iter().map(Arc::new) {
        services.streams.of_user(notification.reader).iter().for_each(|slot| slot.push(&notification));
        tell_sockets(services, &notification);
    }
    for user in readers {
        let count = unread.get(&user).copied().unwrap_or(0);
        services.streams.of_user(user).iter().for_each(|slot| slot.show_unread(count));
    }
    Ok(())
}

/// Frames of chat sockets, publications for clients of the Centrifuge protocol.
fn tell_sockets(services: &Services, notification: &Notification) {
    let reader = notification.reader;
    let mut frames = None;
    for socket in services.registry.of_user(reader).iter().filter(|socket| socket.hears_of_its_user()) {
        let native = || native::notification(notification);
        let frames = frames.get_or_insert_with(|| Spellings::new(Channel::User(reader), native()));
        socket.outbox.push(frames.in_format(socket.format()));
    }
}

fn log_out(services: &Services, user: UserId, family: FamilyId) {
    for session in services.registry.of_user(user) {
        if session.identity().is_some_and(|identity| identity.family == Some(family)) {
            session.outbox.close(CloseCode::LOGGED_OUT);
        }
    }
    services.streams.log_out(user, family);
}

/// An empty inbox for notices.
pub(crate) const fn inbox() -> Inbox<Notice> {
    Inbox::new(NOTICES)
}
