//! How events get from the relay to those who act on them.
//!
//! At least once, and the events of one actor in their order. Whoever acts on events recognises those that it has
//! seen by their id.

use async_trait::async_trait;

use crate::StorageError;
use crate::event::Event;

mod memory;

pub use memory::MemoryBus;

/// The way of events.
#[async_trait]
pub trait Bus: Send + Sync + 'static {
    /// Takes events over, in order. When it returns, they arrive whatever happens to this process.
    ///
    /// # Errors
    ///
    /// `Unavailable` when nothing is known: publish all of them again.
    async fn publish(&self, events: &[Event]) -> Result<(), StorageError>;

    /// Begins to receive, with the oldest event that no subscription has acknowledged.
    ///
    /// # Errors
    ///
    /// `Unavailable` when the bus is out of reach.
    async fn subscribe(&self) -> Result<Box<dyn Subscription>, StorageError>;
}

/// One who receives events. There is one at a time; a new one takes over from the one before.
#[async_trait]
pub trait Subscription: Send {
    /// The next events, at most so many. Waits until there is one.
    ///
    /// # Errors
    ///
    /// `Unavailable` when the bus is out of reach; a new subscription goes on.
    async fn receive(&mut self, max: usize) -> Result<Vec<Event>, StorageError>;

    /// What was received so far needs never come again.
    ///
    /// # Errors
    ///
    /// `Unavailable`; then it may come again.
    async fn acknowledge(&mut self) -> Result<(), StorageError>;
}
