//! The stores that events go through, each with a fault that strikes when a test says so.

use async_trait::async_trait;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tickroom_actors::EventStores;
use tickroom_storage::activity::{ActivityLog, Changes, Planned, SqlActivityLog};
use tickroom_storage::bus::{Bus, MemoryBus, Subscription};
use tickroom_storage::engine::Database;
use tickroom_storage::event::{Event, Outbox, SqlOutbox};
use tickroom_storage::notification::{Notification, NotificationLog, Notifications};
use tickroom_storage::{EventId, NotificationId, StorageError, TimestampMs, UserId};

/// A step on the way of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    ReadOutbox,
    Publish,
    Forget,
    Subscribe,
    Receive,
    CarryOut,
    Acknowledge,
    FindJobs,
    DoPage,
    ReadNew,
}

impl Step {
    pub(crate) const ALL: [Self; 10] = [
        Self::ReadOutbox,
        Self::Publish,
        Self::Forget,
        Self::Subscribe,
        Self::Receive,
        Self::CarryOut,
        Self::Acknowledge,
        Self::FindJobs,
        Self::DoPage,
        Self::ReadNew,
    ];
}

/// What goes wrong at a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It fails without having done anything.
    FailBefore,
    /// It is done, and the answer is lost.
    FailAfter,
    /// Whoever does it dies before it is done.
    PanicBefore,
    /// Whoever does it dies before hearing that it is done.
    PanicAfter,
    /// It never ends, until somebody kills whoever waits for it: before it is done, or after.
    HangBefore,
    HangAfter,
}

impl Fault {
    pub(crate) const ALL: [Self; 6] = [
        Self::FailBefore,
        Self::FailAfter,
        Self::PanicBefore,
        Self::PanicAfter,
        Self::HangBefore,
        Self::HangAfter,
    ];
}

/// The next fault, and whether it has struck.
#[derive(Default)]
pub(crate) struct Faults {
    next: Mutex<Option<(Step, Fault)>>,
    hangs: AtomicBool,
    /// An event that nobody survives.
    deadly: Mutex<Option<EventId>>,
}

impl Faults {
    pub(crate) fn arm(&self, step: Step, fault: Fault) {
        *self.next.lock() = Some((step, fault));
    }

    pub(crate) fn make_deadly(&self, event: EventId) {
        *self.deadly.lock() = Some(event);
    }

    pub(crate) fn has_struck(&self) -> bool {
        self.next.lock().is_none()
    }

    /// Whether something hangs that has to be killed.
    pub(crate) fn hangs(&self) -> bool {
        self.hangs.load(Ordering::SeqCst)
    }

    fn strikes(&self, step: Step, faults: &[Fault]) -> Option<Fault> {
        let mut next = self.next.lock();
        match *next {
            Some((at, fault)) if at == step && faults.contains(&fault) => {
                *next = None;
                Some(fault)
            }
            _ => None,
        }
    }

    async fn before(&self, step: Step) -> Result<(), StorageError> {
        // A store answers from elsewhere; whoever waits may be killed meanwhile.
        tokio::task::yield_now().await;
        let fault = self.strikes(step, &[Fault::FailBefore, Fault::PanicBefore, Fault::HangBefore]);
        self.strike(fault).await
    }

    async fn after(&self, step: Step) -> Result<(), StorageError> {
        tokio::task::yield_now().await;
        let fault = self.strikes(step, &[Fault::FailAfter, Fault::PanicAfter, Fault::HangAfter]);
        self.strike(fault).await
    }

    async fn strike(&self, fault: Option<Fault>) -> Result<(), StorageError> {
        match fault {
            None => Ok(()),
            Some(Fault::FailBefore | Fault::FailAfter) => {
                Err(StorageError::Unavailable("the test took the store down".into()))
            }
            Some(Fault::PanicBefore | Fault::PanicAfter) => panic!("the test wants it so"),
            Some(Fault::HangBefore | Fault::HangAfter) => {
                self.hangs.store(true, Ordering::SeqCst);
                std::future::pending().await
            }
        }
    }
}

/// A store, and what goes wrong with it.
struct Faulty<S>(S, Arc<Faults>);

/// The stores of this database, on this bus, with these faults.
pub(crate) fn stores(database: &Database, bus: MemoryBus, faults: &Arc<Faults>) -> EventStores {
    EventStores {
        outbox: Arc::new(Faulty(SqlOutbox::new(database.clone()), Arc::clone(faults))),
        bus: Arc::new(Faulty(bus, Arc::clone(faults))),
        log: Arc::new(Faulty(SqlActivityLog::new(database.clone()), Arc::clone(faults))),
        notifications: Arc::new(Faulty(Notifications::new(database.clone()), Arc::clone(faults))),
    }
}

macro_rules! with_faults {
    ($self:ident, $step:expr, $work:expr) => {{
        $self.1.before($step).await?;
        let outcome = $work.await?;
        $self.1.after($step).await?;
        Ok(outcome)
    }};
}

#[async_trait]
impl Outbox for Faulty<SqlOutbox> {
    async fn waiting(&self, limit: u16) -> Result<Vec<Event>, StorageError> {
        with_faults!(self, Step::ReadOutbox, self.0.waiting(limit))
    }

    async fn forget(&self, ids: &[EventId]) -> Result<(), StorageError> {
        with_faults!(self, Step::Forget, self.0.forget(ids))
    }

    async fn committed(&self) {
        self.0.committed().await;
    }
}

#[async_trait]
impl Bus for Faulty<MemoryBus> {
    async fn publish(&self, events: &[Event]) -> Result<(), StorageError> {
        with_faults!(self, Step::Publish, self.0.publish(events))
    }

    async fn subscribe(&self) -> Result<Box<dyn Subscription>, StorageError> {
        self.1.before(Step::Subscribe).await?;
        let subscription = self.0.subscribe().await?;
        self.1.after(Step::Subscribe).await?;
        Ok(Box::new(Faulty(subscription, Arc::clone(&self.1))))
    }
}

#[async_trait]
impl Subscription for Faulty<Box<dyn Subscription>> {
    async fn receive(&mut self, max: usize) -> Result<Vec<Event>, StorageError> {
        with_faults!(self, Step::Receive, self.0.receive(max))
    }

    async fn acknowledge(&mut self) -> Result<(), StorageError> {
        with_faults!(self, Step::Acknowledge, self.0.acknowledge())
    }
}

#[async_trait]
impl ActivityLog for Faulty<SqlActivityLog> {
    async fn carry_out(&self, events: &[Planned]) -> Result<Changes, StorageError> {
        let deadly = *self.1.deadly.lock();
        assert!(events.iter().all(|planned| Some(planned.event.id) != deadly), "the test wants it so");
        with_faults!(self, Step::CarryOut, self.0.carry_out(events))
    }

    async fn jobs(&self, limit: u16) -> Result<Vec<EventId>, StorageError> {
        with_faults!(self, Step::FindJobs, self.0.jobs(limit))
    }

    async fn step(&self, job: EventId) -> Result<Changes, StorageError> {
        with_faults!(self, Step::DoPage, self.0.step(job))
    }

    async fn bury(&self, event: &Event, reason: &str, now: TimestampMs) -> Result<(), StorageError> {
        self.0.bury(event, reason, now).await
    }
}

#[async_trait]
impl NotificationLog for Faulty<Notifications> {
    async fn after(
        &self,
        reader: UserId,
        id: NotificationId,
        limit: u16,
    ) -> Result<Vec<Notification>, StorageError> {
        self.0.after(reader, id, limit).await
    }

    async fn by_ids(&self, ids: &[NotificationId]) -> Result<Vec<Notification>, StorageError> {
        with_faults!(self, Step::ReadNew, self.0.by_ids(ids))
    }

    async fn unread_counts(&self, readers: &[UserId]) -> Result<HashMap<UserId, u64>, StorageError> {
        self.0.unread_counts(readers).await
    }
}
