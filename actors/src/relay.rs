//! The relay: takes events out of the outbox and publishes them, in order.
//!
//! It owns nothing. An event leaves the outbox after the bus has taken it over, so a relay that dies in between leaves
//! it to its successor, which publishes it again under the same id. Commits of this process wake it; a slow look at the
//! outbox now and then finds what another process committed.

use crate::feed::Backoff;
use crate::limits::{RELAY_BATCH, RELAY_POLL};
use crate::metrics::{EVENTS_PUBLISHED, RELAY_FAILURES};
use crate::task::Task;
use crate::tree::Services;
use metrics::counter;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::sync::Arc;
use std::time::Duration;
use tickroom_storage::{EventId, StorageError};

/// The pauses between failures.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// The relay's control plane. At most one is under way.
pub enum RelayMessage {
    /// There may be something in the outbox.
    Look,
}

/// The actor.
pub struct Relay;

/// What a running relay knows.
pub struct RelayState {
    services: Arc<Services>,
    backoff: Backoff,
    /// Waits for the next reason to look.
    waiting: Option<Task>,
}

impl Actor for Relay {
    type Msg = RelayMessage;
    type State = RelayState;
    type Arguments = Arc<Services>;

    async fn pre_start(
        &self,
        myself: ActorRef<RelayMessage>,
        services: Arc<Services>,
    ) -> Result<RelayState, ActorProcessingErr> {
        myself.cast(RelayMessage::Look)?;
        Ok(RelayState { services, backoff: Backoff::new(PAUSE_MIN, PAUSE_MAX), waiting: None })
    }

    async fn handle(
        &self,
        myself: ActorRef<RelayMessage>,
        RelayMessage::Look: RelayMessage,
        state: &mut RelayState,
    ) -> Result<(), ActorProcessingErr> {
        state.on_look(myself).await;
        Ok(())
    }
}

impl RelayState {
    async fn on_look(&mut self, myself: ActorRef<RelayMessage>) {
        match self.publish_all().await {
            Ok(()) => {
                self.backoff.reset();
                self.look_when_something_is_committed(myself);
            }
            Err(error) => {
                counter!(RELAY_FAILURES).increment(1);
                if self.backoff.attempts() == 0 {
                    tracing::warn!(%error, "events cannot be published");
                }
                let pause = self.backoff.next_pause().max(PAUSE_MIN);
                myself.send_after(pause, || RelayMessage::Look);
            }
        }
    }

    fn look_when_something_is_committed(&mut self, myself: ActorRef<RelayMessage>) {
        let outbox = Arc::clone(&self.services.events.outbox);
        let anew = myself.clone();
        let wait = async move {
            // Either way it is time to look.
            let _ = tokio::time::timeout(RELAY_POLL, outbox.committed()).await;
            let _ = myself.cast(RelayMessage::Look);
        };
        self.waiting = Some(Task::spawn(wait, move || drop(anew.cast(RelayMessage::Look))));
    }

    /// Publishes until the outbox is empty, a batch at a time.
    async fn publish_all(&self) -> Result<(), StorageError> {
        let events = &self.services.events;
        loop {
            let batch = events.outbox.waiting(RELAY_BATCH).await?;
            if batch.is_empty() {
                return Ok(());
            }
            events.bus.publish(&batch).await?;
            let ids: Vec<EventId> = batch.iter().map(|event| event.id).collect();
            events.outbox.forget(&ids).await?;
            counter!(EVENTS_PUBLISHED).increment(u64::try_from(ids.len()).unwrap_or(0));
        }
    }
}
