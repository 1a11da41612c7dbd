//! The bus inside the process.
//!
//! It keeps nothing beyond the process, so publishing takes until the events have been acknowledged: until then they
//! are in the outbox, and are published again by the next process.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::Notify;

use super::{Bus, Subscription};
use crate::StorageError;
use crate::event::Event;
use crate::limits::BUS_EVENTS;

/// A bounded queue. A full one keeps the publisher waiting.
#[derive(Clone, Default)]
pub struct MemoryBus(Arc<Shared>);

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// Rings when events have come.
    arrived: Notify,
    /// Rings when events have been acknowledged.
    acknowledged: Notify,
}

#[derive(Default)]
struct Queue {
    /// Those that are not acknowledged.
    events: VecDeque<Event>,
    /// How many have been acknowledged since the start: the place of the first one.
    first: u64,
}

impl Queue {
    /// The place behind the last one.
    fn end(&self) -> u64 {
        self.first.saturating_add(u64::try_from(self.events.len()).unwrap_or(u64::MAX))
    }
}

impl Shared {
    /// No code of ours can panic while it holds this.
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `ready` has something to say about the queue, asking whenever `bell` rings.
    async fn until<T>(&self, bell: &Notify, mut ready: impl FnMut(&mut Queue) -> Option<T>) -> T {
        loop {
            // Before the look at the queue, or a ring in between would be missed.
            let rung = bell.notified();
            tokio::pin!(rung);
            rung.as_mut().enable();
            let answer = ready(&mut self.queue());
            if let Some(answer) = answer {
                return answer;
            }
            rung.await;
        }
    }
}

impl MemoryBus {
    /// Events that are not acknowledged.
    pub fn len(&self) -> usize {
        self.0.queue().events.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Debug for MemoryBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryBus").field("len", &self.len()).finish_non_exhaustive()
    }
}

#[async_trait]
impl Bus for MemoryBus {
    async fn publish(&self, events: &[Event]) -> Result<(), StorageError> {
        let Shared { arrived, acknowledged, .. } = &*self.0;
        for some in events.chunks(BUS_EVENTS) {
            let place_behind = |queue: &mut Queue| {
                (queue.events.len() + some.len() <= BUS_EVENTS).then(|| {
                    queue.events.extend(some.iter().cloned());
                    queue.end()
                })
            };
            let end = self.0.until(acknowledged, place_behind).await;
            arrived.notify_waiters();
            self.0.until(acknowledged, |queue| (queue.first >= end).then_some(())).await;
        }
        Ok(())
    }

    async fn subscribe(&self) -> Result<Box<dyn Subscription>, StorageError> {
        let next = self.0.queue().first;
        Ok(Box::new(MemorySubscription { shared: Arc::clone(&self.0), next }))
    }
}

struct MemorySubscription {
    shared: Arc<Shared>,
    /// The place behind what was received.
    next: u64,
}

#[async_trait]
impl Subscription for MemorySubscription {
    async fn receive(&mut self, max: usize) -> Result<Vec<Event>, StorageError> {
        let next = self.next;
        let events = self.shared.until(&self.shared.arrived, |queue| {
            let skip = usize::try_from(next.saturating_sub(queue.first)).unwrap_or(usize::MAX);
            let events: Vec<Event> = queue.events.iter().skip(skip).take(max).cloned().collect();
            (!events.is_empty()).then_some(events)
        });
        let events = events.await;
        self.next = next.saturating_add(u64::try_from(events.len()).unwrap_or(0));
        Ok(events)
    }

    async fn acknowledge(&mut self) -> Result<(), StorageError> {
        let mut queue = self.shared.queue();
        let count = usize::try_from(self.next.saturating_sub(queue.first)).unwrap_or(0);
        let count = count.min(queue.events.len());
        queue.events.drain(..count);
        queue.first = queue.first.max(self.next);
        drop(queue);
        self.shared.acknowledged.notify_waiters();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EventId, TimestampMs, UserId};

    fn events(ids: impl IntoIterator<Item = i64>) -> Vec<Event> {
        let event = |id| Event {
            id: EventId::new(id),
            actor: UserId::new(1),
            kind: "user_followed".into(),
            version: 1,
            payload: "{}".into(),
            time: TimestampMs::new(0),
        };
        ids.into_iter().map(event).collect()
    }

    fn ids(events: &[Event]) -> Vec<i64> {
        events.iter().map(|event| event.id.get()).collect()
    }

    #[tokio::test]
    async fn publishing_takes_until_the_events_are_acknowledged() {
        let bus = MemoryBus::default();
        let publisher = bus.clone();
        let publishing = tokio::spawn(async move { publisher.publish(&events(1..=3)).await });
        let mut subscription = bus.subscribe().await.unwrap();
        assert_eq!(ids(&subscription.receive(2).await.unwrap()), [1, 2]);
        subscription.acknowledge().await.unwrap();
        assert_eq!(bus.len(), 1);
        assert!(!publishing.is_finished());
        assert_eq!(ids(&subscription.receive(2).await.unwrap()), [3]);
        subscription.acknowledge().await.unwrap();
        publishing.await.unwrap().unwrap();
        assert!(bus.is_empty());
    }

    #[tokio::test]
    async fn a_new_subscription_begins_where_nothing_was_acknowledged() {
        let bus = MemoryBus::default();
        let publisher = bus.clone();
        let publishing = tokio::spawn(async move { publisher.publish(&events(1..=3)).await });
        let mut first = bus.subscribe().await.unwrap();
        assert_eq!(ids(&first.receive(9).await.unwrap()), [1, 2, 3]);
        drop(first);
        let mut second = bus.subscribe().await.unwrap();
        assert_eq!(ids(&second.receive(9).await.unwrap()), [1, 2, 3]);
        second.acknowledge().await.unwrap();
        publishing.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_full_bus_keeps_the_publisher_waiting_and_loses_nothing() {
        let bus = MemoryBus::default();
        let publisher = bus.clone();
        let count = i64::try_from(BUS_EVENTS).unwrap() * 2 + 5;
        let publishing = tokio::spawn(async move { publisher.publish(&events(1..=count)).await });
        let (mut subscription, mut received) = (bus.subscribe().await.unwrap(), Vec::new());
        while received.len() < usize::try_from(count).unwrap() {
            received.extend(ids(&subscription.receive(100).await.unwrap()));
            assert!(bus.len() <= BUS_EVENTS);
            subscription.acknowledge().await.unwrap();
        }
        assert_eq!(received, (1..=count).collect::<Vec<_>>());
        publishing.await.unwrap().unwrap();
    }
}
