//! The writer: puts messages into the message log in batches, and tells their senders.
//!
//! It owns the way from the [`Intake`] to the log. A batch goes out when it is full or its oldest message has waited
//! for the linger time. When the log fails, the batch is repeated with growing pauses; when it keeps failing, messages
//! go to a local file, synced, and from there to the log in order once it answers again; when the file fails too, new
//! messages are refused. A sender is told `stored` when its message is in the log or in the synced file, not before.
//!
//! If the writer dies, nothing is lost: a message leaves the intake after it was stored, and storing it again
//! changes nothing.

mod intake;

pub use intake::Intake;

use crate::feed::Backoff;
use crate::limits;
use crate::metrics::{
    WRITER_BATCH, WRITER_QUEUE, WRITER_REJECTED, WRITER_REPEATS, WRITER_RETRIES, WRITER_SPILLED,
};
use crate::tree::Services;
use crate::wire::Refusal;
use intake::{Due, Entry};
use metrics::{counter, gauge, histogram};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use std::sync::Arc;
use std::time::Duration;
use tickroom_storage::message::{Appended, Message};
use tickroom_storage::{ErrorKind, StorageError};
use tokio::time::Instant;

/// The pauses between failed appends.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// The writer's control plane.
pub enum WriterMessage {
    /// There is something in the intake, or the time has come to look again.
    Wake,
    /// Store everything at once; answers how many messages could not be.
    Flush(RpcReplyPort<usize>),
}

/// Where messages go at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Route {
    /// Into the log.
    #[default]
    Log,
    /// Into the local file, until the log has taken what is in it.
    Spill,
}

/// What the writer shows.
#[derive(Debug, Clone, Default)]
pub struct WriterView {
    /// Where messages go.
    pub route: Route,
    /// Messages in the spill file that the log has not taken.
    pub spilled: u64,
    /// Messages stored since the process started.
    pub stored: u64,
    /// Failed appends since the last good one.
    pub failures: u32,
    /// What went wrong last, while it is wrong.
    pub last_error: Option<String>,
}

/// The actor.
pub struct Writer;

/// What a running writer knows.
pub struct WriterState {
    services: Arc<Services>,
    route: Route,
    failures: u32,
    last_error: Option<String>,
    backoff: Backoff,
    /// The log is left alone until then.
    retry_at: Instant,
    /// A `Wake` is on its way for this time; an earlier one is not scheduled twice.
    wake_at: Option<Instant>,
}

impl Actor for Writer {
    type Msg = WriterMessage;
    type State = WriterState;
    type Arguments = Arc<Services>;

    async fn pre_start(
        &self,
        _myself: ActorRef<WriterMessage>,
        services: Arc<Services>,
    ) -> Result<WriterState, ActorProcessingErr> {
        Ok(WriterState {
            services,
            route: Route::Log,
            failures: 0,
            last_error: None,
            backoff: Backoff::new(PAUSE_MIN, PAUSE_MAX),
            retry_at: Instant::now(),
            wake_at: None,
        })
    }

    async fn post_start(
        &self,
        myself: ActorRef<WriterMessage>,
        state: &mut WriterState,
    ) -> Result<(), ActorProcessingErr> {
        if state.spilled().await > 0 {
            state.route = Route::Spill;
        }
        state.show().await;
        // Whatever the predecessor left in the intake.
        myself.cast(WriterMessage::Wake)?;
        Ok(())
    }

    async fn handle(
        &self,
        myself: ActorRef<WriterMessage>,
        message: WriterMessage,
        state: &mut WriterState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            WriterMessage::Wake => {
                state.wake_at = None;
                let next = state.step(state.services.config.linger).await;
                state.schedule(&myself, next);
            }
            WriterMessage::Flush(reply) => drop(reply.send(state.flush().await)),
        }
        Ok(())
    }
}

impl WriterState {
    /// Stores one batch, if one is due. Returns when to go on; `None` when there is nothing left to do.
    async fn step(&mut self, linger: Duration) -> Option<Duration> {
        let config = &self.services.config;
        let due = self.services.intake.due(config.batch_messages, linger, Instant::now());
        let waiting = self.retry_at.saturating_duration_since(Instant::now());
        let after = match (self.route, due) {
            (Route::Log, Due::Batch(_)) if !waiting.is_zero() => Some(waiting),
            (Route::Log, Due::Batch(batch)) => self.log_batch(&batch).await,
            (Route::Spill, Due::Batch(batch)) => self.spill_batch(&batch).await,
            (Route::Log, Due::In(wait)) => Some(wait),
            (Route::Log, Due::Nothing) => None,
            (Route::Spill, Due::In(wait)) => Some(self.drain_when_due().await.min(wait)),
            (Route::Spill, Due::Nothing) => Some(self.drain_when_due().await),
        };
        gauge!(WRITER_QUEUE).set(f64::from(u32::try_from(self.services.intake.len()).unwrap_or(u32::MAX)));
        after
    }

    /// One batch into the log.
    async fn log_batch(&mut self, batch: &[Arc<Message>]) -> Option<Duration> {
        match append(&self.services, batch).await {
            Ok(outcomes) => {
                self.succeeded().await;
                settle(self.services.intake.take(batch.len()), &outcomes);
                self.stored(outcomes.len());
            }
            Err(error) if is_about_the_batch(&error) && batch.len() > 1 => {
                return self.log_one_by_one(batch).await;
            }
            Err(error) if is_about_the_batch(&error) => self.reject(&error),
            Err(error) => self.failed(&error).await,
        }
        Some(Duration::ZERO)
    }

    /// The log found fault with a batch: finds out with which message, and stores the others.
    async fn log_one_by_one(&mut self, batch: &[Arc<Message>]) -> Option<Duration> {
        for message in batch {
            match append(&self.services, std::slice::from_ref(message)).await {
                Ok(outcomes) => {
                    settle(self.services.intake.take(1), &outcomes);
                    self.stored(1);
                }
                Err(error) if is_about_the_batch(&error) => self.reject(&error),
                Err(error) => {
                    self.failed(&error).await;
                    break;
                }
            }
        }
        Some(Duration::ZERO)
    }

    /// Gives up on the oldest message: the log will never take it.
    fn reject(&mut self, error: &StorageError) {
        for Entry { message, receipts, .. } in self.services.intake.take(1) {
            tracing::error!(room = %message.room, offset = %message.offset, id = %message.id, %error, "message rejected by the log");
            counter!(WRITER_REJECTED).increment(1);
            receipts.into_iter().for_each(|receipt| receipt.refuse(&Refusal::StorageUnavailable));
            // Its room and the log disagree about the order. The room finds its place anew.
            if let Some(room) =
                self.services.directory.get(&message.room).and_then(|slot| slot.address.actor())
            {
                room.kill();
            }
        }
    }

    /// One batch into the spill file, and as much of the file as the log takes out of it.
    async fn spill_batch(&mut self, batch: &[Arc<Message>]) -> Option<Duration> {
        match self.spill(batch.to_vec()).await {
            Ok(()) => {
                self.services.intake.set_refusing(false);
                settle(self.services.intake.take(batch.len()), &vec![Appended::Stored; batch.len()]);
                self.stored(batch.len());
                self.show().await;
                self.drain_when_due().await;
                Some(Duration::ZERO)
            }
            Err(error) => {
                tracing::error!(%error, "spill file takes no messages, new ones are refused");
                self.services.intake.set_refusing(true);
                let pause = self.drain_when_due().await.max(PAUSE_MIN);
                if self.spilled().await == 0 {
                    self.route = Route::Log;
                }
                Some(pause)
            }
        }
    }

    /// Moves one batch from the spill file to the log, unless the log is left alone at the moment.
    /// Returns when to go on with it.
    async fn drain_when_due(&mut self) -> Duration {
        let waiting = self.retry_at.saturating_duration_since(Instant::now());
        if !waiting.is_zero() {
            return waiting;
        }
        let mut spill = Arc::clone(&self.services.spill).lock_owned().await;
        let batch = match spill.peek(self.services.config.batch_messages).await {
            Ok(batch) => batch,
            Err(error) => {
                drop(spill);
                self.retry_at = Instant::now() + self.backoff.next_pause();
                tracing::error!(%error, "spill file cannot be read");
                return self.retry_at.saturating_duration_since(Instant::now());
            }
        };
        match append(&self.services, &batch).await {
            Ok(_) => {
                if let Err(error) = spill.advance(batch.len()).await {
                    tracing::error!(%error, "spill file cannot be emptied, its messages are stored again");
                }
                let left = spill.pending();
                drop(spill);
                if left == 0 {
                    tracing::info!("spill file drained, messages go to the log again");
                    self.services.intake.set_refusing(false);
                    self.route = Route::Log;
                }
                self.succeeded().await;
                Duration::ZERO
            }
            Err(error) => {
                drop(spill);
                self.failed(&error).await;
                self.retry_at.saturating_duration_since(Instant::now())
            }
        }
    }

    /// Appends to the file in a task of its own: a writer that is killed meanwhile leaves no half-written record
    /// to its successor, which waits for the file's lock.
    async fn spill(&self, batch: Vec<Arc<Message>>) -> Result<(), String> {
        let mut spill = Arc::clone(&self.services.spill).lock_owned().await;
        let intake = Arc::clone(&self.services.intake);
        let append = tokio::spawn(async move {
            let outcome = spill.append(&batch).await;
            intake.set_spilled(spill.tails().clone());
            outcome
        });
        append.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
    }

    async fn spilled(&self) -> u64 {
        self.services.spill.lock().await.pending()
    }

    /// The log took a batch.
    async fn succeeded(&mut self) {
        self.failures = 0;
        self.backoff.reset();
        self.retry_at = Instant::now();
        if self.services.intake.is_refusing() && self.route == Route::Log {
            self.services.intake.set_refusing(false);
        }
        self.last_error = None;
        self.show().await;
    }

    /// The log did not take a batch: wait, or go over to the spill file.
    async fn failed(&mut self, error: &StorageError) {
        counter!(WRITER_RETRIES).increment(1);
        self.failures = self.failures.saturating_add(1);
        self.retry_at = Instant::now() + self.backoff.next_pause();
        if self.route == Route::Log && self.failures >= limits::APPENDS_BEFORE_SPILL {
            tracing::warn!(%error, failures = self.failures, "message log is down, messages go to the spill file");
            self.route = Route::Spill;
        }
        self.last_error = Some(error.to_string());
        self.show().await;
    }

    /// Stores everything, by whatever way is open. Returns how many messages are left.
    async fn flush(&mut self) -> usize {
        // There is no time to wait for a log that fails.
        self.failures = limits::APPENDS_BEFORE_SPILL - 1;
        while !self.services.intake.is_empty() {
            self.retry_at = Instant::now();
            let before = self.services.intake.len();
            self.step(Duration::ZERO).await;
            let stuck = self.services.intake.len() == before && self.services.intake.is_refusing();
            if stuck {
                break;
            }
        }
        self.services.intake.len()
    }

    fn stored(&self, count: usize) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        histogram!(WRITER_BATCH).record(f64::from(count));
        self.services.writer_view.update(|view| view.stored += u64::from(count));
    }

    async fn show(&self) {
        let spilled = self.spilled().await;
        gauge!(WRITER_SPILLED).set(f64::from(u32::try_from(spilled).unwrap_or(u32::MAX)));
        self.services.writer_view.update(|view| {
            (view.route, view.failures, view.spilled) = (self.route, self.failures, spilled);
            view.last_error.clone_from(&self.last_error);
        });
    }

    /// Sees to it that the writer looks again in time.
    fn schedule(&mut self, myself: &ActorRef<WriterMessage>, next: Option<Duration>) {
        match next {
            None => {}
            Some(Duration::ZERO) => drop(myself.cast(WriterMessage::Wake)),
            Some(pause) => {
                let at = Instant::now() + pause;
                if self.wake_at.is_none_or(|earlier| at < earlier) {
                    self.wake_at = Some(at);
                    myself.send_after(pause, || WriterMessage::Wake);
                }
            }
        }
    }
}

async fn append(services: &Services, batch: &[Arc<Message>]) -> Result<Vec<Appended>, StorageError> {
    match tokio::time::timeout(limits::LOG_APPEND_TIMEOUT, services.log.append(batch)).await {
        Ok(outcome) => outcome.inspect(|outcomes| count_repeats(outcomes)),
        Err(_) => Err(StorageError::Unavailable("the message log did not answer in time".into())),
    }
}

/// Messages that were in the log before: of a batch whose answer was lost, or sent again by their sender.
fn count_repeats(outcomes: &[Appended]) {
    let repeats = outcomes.iter().filter(|outcome| **outcome != Appended::Stored).count();
    counter!(WRITER_REPEATS).increment(u64::try_from(repeats).unwrap_or(u64::MAX));
}

/// Whether repeating the batch can never help.
fn is_about_the_batch(error: &StorageError) -> bool {
    matches!(error.kind(), ErrorKind::Conflict | ErrorKind::Corrupt | ErrorKind::Invalid)
}

/// Tells the senders what became of their messages.
fn settle(entries: Vec<Entry>, outcomes: &[Appended]) {
    for (entry, outcome) in entries.into_iter().zip(outcomes) {
        let (id, offset, mut repeated) = match outcome {
            Appended::Stored | Appended::AlreadyStored => (entry.message.id, entry.message.offset, false),
            Appended::Duplicate { id, offset } => (*id, *offset, true),
        };
        for receipt in entry.receipts {
            receipt.acknowledge(id, offset, repeated);
            repeated = true;
        }
    }
}
