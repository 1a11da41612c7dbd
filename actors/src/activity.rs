//! The activity actor: acts upon what people did.
//!
//! It receives events from the bus, plans what follows from each ([`rules`]), has the log carry that out
//! ([`ActivityLog`](tickroom_storage::activity::ActivityLog)), and hands the changes to the
//! [`Notifier`](crate::notifier). What is long, as telling a hundred thousand followers, is done page by page between
//! other events.
//!
//! It owns nothing but its place on the bus. If it dies, its successor receives again what was not acknowledged; the
//! log recognises what it has carried out. What was carried out and not yet shown is shown because the notifier has
//! every live stream look at the log.
//!
//! An event that cannot be carried out is put aside as a dead letter: at once if it cannot be read, after
//! [`EVENT_TRIES`] if it fails or even kills the actor.

mod hand;
pub mod rules;

pub use hand::Hand;

use crate::feed::Backoff;
use crate::limits::{ACTIVITY_BATCH, ACTIVITY_JOBS, EVENT_TRIES};
use crate::metrics::{ACTIVITY_FAILURES, DEAD_LETTERS, EVENTS_HANDLED, NOTIFICATIONS};
use crate::notifier::{self, Notice};
use crate::task::Task;
use crate::tree::Services;
use metrics::counter;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tickroom_storage::activity::{Changes, Planned};
use tickroom_storage::bus::Subscription;
use tickroom_storage::event::Event;
use tickroom_storage::{ErrorKind, EventId, StorageError, TimestampMs};

/// The pauses between failures.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// The control plane. At most one of each is under way.
pub enum ActivityMessage {
    /// Begin to receive, from the oldest event that was not acknowledged.
    Subscribe,
    /// Events have come, or will not.
    Received(Box<dyn Subscription>, Result<Vec<Event>, StorageError>),
    /// Go on with the jobs.
    Step,
}

/// The actor.
pub struct Activity;

/// What the running actor knows.
pub struct ActivityState {
    services: Arc<Services>,
    backoff: Backoff,
    /// Waits for events.
    receiving: Option<Task>,
    /// Jobs in the order in which they get their next page.
    jobs: VecDeque<EventId>,
    /// A [`ActivityMessage::Step`] is under way.
    is_stepping: bool,
    /// The log failed. It may have carried something out all the same, and nobody was shown it.
    is_in_doubt: bool,
}

impl Actor for Activity {
    type Msg = ActivityMessage;
    type State = ActivityState;
    type Arguments = Arc<Services>;

    async fn pre_start(
        &self,
        myself: ActorRef<ActivityMessage>,
        services: Arc<Services>,
    ) -> Result<ActivityState, ActorProcessingErr> {
        services.events.hand.picked_up();
        // The predecessor may have died between carrying out and showing.
        notifier::notify(&services, Notice::CatchUp);
        myself.cast(ActivityMessage::Subscribe)?;
        myself.cast(ActivityMessage::Step)?;
        let backoff = Backoff::new(PAUSE_MIN, PAUSE_MAX);
        Ok(ActivityState {
            services,
            backoff,
            receiving: None,
            jobs: VecDeque::new(),
            is_stepping: true,
            is_in_doubt: false,
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<ActivityMessage>,
        message: ActivityMessage,
        state: &mut ActivityState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            ActivityMessage::Subscribe => state.on_subscribe(&myself).await,
            ActivityMessage::Received(subscription, outcome) => {
                state.on_received(&myself, subscription, outcome).await;
            }
            ActivityMessage::Step => state.on_step(&myself).await,
        }
        Ok(())
    }
}

impl ActivityState {
    async fn on_subscribe(&mut self, myself: &ActorRef<ActivityMessage>) {
        match self.services.events.bus.subscribe().await {
            Ok(subscription) => self.receive(myself, subscription),
            Err(error) => self.subscribe_later(myself, &error),
        }
    }

    async fn on_received(
        &mut self,
        myself: &ActorRef<ActivityMessage>,
        mut subscription: Box<dyn Subscription>,
        outcome: Result<Vec<Event>, StorageError>,
    ) {
        let outcome = match outcome {
            Ok(events) => {
                self.carry_out(events).await;
                subscription.acknowledge().await
            }
            Err(error) => Err(error),
        };
        match outcome {
            Ok(()) => {
                self.services.events.hand.put_down();
                self.step(myself);
                self.receive(myself, subscription);
            }
            Err(error) => self.subscribe_later(myself, &error),
        }
    }

    /// Gives a page to each job that waits for one.
    async fn on_step(&mut self, myself: &ActorRef<ActivityMessage>) {
        self.is_stepping = false;
        if self.jobs.is_empty() {
            match self.services.events.log.jobs(ACTIVITY_JOBS).await {
                Ok(jobs) => self.jobs.extend(jobs),
                Err(error) => return self.step_later(myself, &error),
            }
        }
        let Some(job) = self.jobs.pop_front() else {
            return self.show(Changes::default());
        };
        match self.services.events.log.step(job).await {
            Ok(changes) => {
                self.backoff.reset();
                self.show(changes);
                self.step(myself);
            }
            Err(error) => self.step_later(myself, &error),
        }
    }

    fn receive(&mut self, myself: &ActorRef<ActivityMessage>, mut subscription: Box<dyn Subscription>) {
        let (myself, anew) = (myself.clone(), myself.clone());
        let receive = async move {
            let outcome = subscription.receive(ACTIVITY_BATCH).await;
            let _ = myself.cast(ActivityMessage::Received(subscription, outcome));
        };
        self.receiving = Some(Task::spawn(receive, move || drop(anew.cast(ActivityMessage::Subscribe))));
    }

    fn subscribe_later(&mut self, myself: &ActorRef<ActivityMessage>, error: &StorageError) {
        let pause = self.failed(error);
        myself.send_after(pause, || ActivityMessage::Subscribe);
    }

    fn step(&mut self, myself: &ActorRef<ActivityMessage>) {
        if !std::mem::replace(&mut self.is_stepping, true) {
            // An error means that this actor is being stopped.
            let _ = myself.cast(ActivityMessage::Step);
        }
    }

    fn step_later(&mut self, myself: &ActorRef<ActivityMessage>, error: &StorageError) {
        self.is_stepping = true;
        let pause = self.failed(error);
        myself.send_after(pause, || ActivityMessage::Step);
    }

    /// Sees to it that each of these events is carried out or put aside.
    async fn carry_out(&mut self, events: Vec<Event>) {
        let mut planned = Vec::with_capacity(events.len());
        let hand = Arc::clone(&self.services.events.hand);
        let is_careful = hand.take();
        for event in events {
            if is_careful && hand.take_one(event.id) >= EVENT_TRIES {
                self.bury(&event, "the actor died of it again and again").await;
                continue;
            }
            match event.activity() {
                Ok(activity) => {
                    let effects = rules::plan(activity);
                    planned.push(Planned { event, effects });
                }
                Err(error) => self.bury(&event, &error.to_string()).await,
            }
            if is_careful {
                self.one_by_one(std::mem::take(&mut planned)).await;
            }
        }
        if !planned.is_empty() && !self.together(&planned).await {
            self.one_by_one(planned).await;
        }
    }

    /// All in one transaction. `false` when one of them is at fault; a log that is down is waited for.
    async fn together(&mut self, planned: &[Planned]) -> bool {
        loop {
            match self.services.events.log.carry_out(planned).await {
                Ok(changes) => {
                    self.backoff.reset();
                    counter!(EVENTS_HANDLED).increment(u64::try_from(planned.len()).unwrap_or(0));
                    self.show(changes);
                    return true;
                }
                Err(error) if error.kind() == ErrorKind::Unavailable => self.pause(&error).await,
                Err(error) => {
                    self.is_in_doubt = true;
                    counter!(ACTIVITY_FAILURES).increment(1);
                    tracing::debug!(%error, events = planned.len(), "a batch of events failed");
                    return false;
                }
            }
        }
    }

    /// Each in a transaction of its own; one that keeps failing is put aside.
    async fn one_by_one(&mut self, planned: Vec<Planned>) {
        for planned in planned {
            let one = std::slice::from_ref(&planned);
            let mut tries = 1;
            while !self.together(one).await {
                if tries >= EVENT_TRIES {
                    self.bury(&planned.event, "it failed again and again, see the log").await;
                    break;
                }
                tries += 1;
                tokio::time::sleep(PAUSE_MIN).await;
            }
        }
    }

    async fn bury(&mut self, event: &Event, reason: &str) {
        let Event { id, kind, version, .. } = event;
        tracing::error!(event_id = %id, kind = &**kind, version, reason, "event put aside as a dead letter");
        while let Err(error) = self.services.events.log.bury(event, reason, TimestampMs::now()).await {
            self.pause(&error).await;
        }
        counter!(DEAD_LETTERS).increment(1);
    }

    fn show(&mut self, changes: Changes) {
        if std::mem::take(&mut self.is_in_doubt) {
            notifier::notify(&self.services, Notice::CatchUp);
        }
        counter!(NOTIFICATIONS).increment(u64::try_from(changes.told.len()).unwrap_or(0));
        if !changes.told.is_empty() {
            notifier::notify(&self.services, Notice::Told(changes.told));
        }
        if !changes.recount.is_empty() {
            notifier::notify(&self.services, Notice::Recount(changes.recount));
        }
    }

    async fn pause(&mut self, error: &StorageError) {
        let pause = self.failed(error);
        tokio::time::sleep(pause).await;
    }

    fn failed(&mut self, error: &StorageError) -> Duration {
        self.is_in_doubt = true;
        counter!(ACTIVITY_FAILURES).increment(1);
        if self.backoff.attempts() == 0 {
            tracing::warn!(%error, "events cannot be carried out at the moment");
        }
        self.backoff.next_pause().max(PAUSE_MIN)
    }
}
