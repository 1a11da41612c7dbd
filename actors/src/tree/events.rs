//! The part of the tree that events go through: its stores, its actors' addresses, and the streams at its end.

use super::Tree;
use crate::activity::{ActivityMessage, Hand};
use crate::address::Address;
use crate::notifier::{self, Notice};
use crate::registry::Refused;
use crate::relay::RelayMessage;
use crate::session::Identity;
use crate::stream::{Stream, Terms};
use std::sync::Arc;
use tickroom_storage::activity::{ActivityLog, SqlActivityLog};
use tickroom_storage::bus::{Bus, MemoryBus};
use tickroom_storage::engine::Database;
use tickroom_storage::event::{Outbox, SqlOutbox};
use tickroom_storage::notification::{NotificationLog, Notifications};
use tickroom_storage::{NotificationId, TimestampMs, UserId};

/// What events go through.
pub struct EventStores {
    /// Where they are written.
    pub outbox: Arc<dyn Outbox>,
    /// How they travel.
    pub bus: Arc<dyn Bus>,
    /// What follows from them.
    pub log: Arc<dyn ActivityLog>,
    /// What people are told.
    pub notifications: Arc<dyn NotificationLog>,
}

impl EventStores {
    /// All in one database, on a bus inside the process.
    pub fn new(database: &Database) -> Self {
        Self {
            outbox: Arc::new(SqlOutbox::new(database.clone())),
            bus: Arc::new(MemoryBus::default()),
            log: Arc::new(SqlActivityLog::new(database.clone())),
            notifications: Arc::new(Notifications::new(database.clone())),
        }
    }
}

/// The stores, and who works on them.
pub struct Events {
    pub(crate) outbox: Arc<dyn Outbox>,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) log: Arc<dyn ActivityLog>,
    pub(crate) notifications: Arc<dyn NotificationLog>,
    /// What the activity actor is at, for its successor.
    pub(crate) hand: Arc<Hand>,
    /// The relay.
    pub relay: Address<RelayMessage>,
    /// The activity actor.
    pub activity: Address<ActivityMessage>,
}

impl Events {
    pub(super) fn new(stores: EventStores) -> Self {
        let EventStores { outbox, bus, log, notifications } = stores;
        Self {
            outbox,
            bus,
            log,
            notifications,
            hand: Arc::default(),
            relay: Address::default(),
            activity: Address::default(),
        }
    }
}

impl Tree {
    /// Opens an event stream that goes on behind `position`. It is over when it is dropped.
    ///
    /// The position must have been read before this call, or be the client's own: what is committed between the two is
    /// then given out.
    ///
    /// # Errors
    ///
    /// When the server or the user has too many already, or the server is on its way down.
    pub fn open_stream(&self, identity: Identity, position: NotificationId) -> Result<Stream, Refused> {
        let services = &self.services;
        if services.is_draining() {
            return Err(Refused::ShuttingDown);
        }
        let left = identity.expires_at.millis_since(TimestampMs::now());
        let terms = Terms {
            max: services.config.max_sockets,
            max_per_user: services.config.sockets_per_user,
            now_ms: services.now_ms(),
            expires_in_ms: u64::try_from(left).unwrap_or(0),
            heartbeat: services.config.ping_interval,
        };
        let slot = services.streams.open(identity, &terms)?;
        let log = Arc::clone(&services.events.notifications);
        Ok(Stream::new(Arc::clone(&services.streams), slot, log, position))
    }

    /// Somebody took note of notifications, or deleted some: her pages show another number.
    pub fn recount(&self, user: UserId) {
        notifier::notify(&self.services, Notice::Recount(vec![user]));
    }
}
