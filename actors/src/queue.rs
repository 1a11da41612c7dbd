//! [`Inbox`]: the bounded queue that feeds an actor and outlives it.
//!
//! Mailboxes of ractor have no bound and die with their actor, so data does not travel through them. It waits
//! in an inbox that belongs to the actor's *slot*: a full one refuses the item before anything is queued, and
//! the successor of an actor that died finds what its predecessor left. The mailbox carries one `Wake` per
//! burst instead of one message per item.

use parking_lot::Mutex;
use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

/// The inbox is full; the item comes back.
#[derive(Debug)]
pub struct Full<T>(pub T);

/// Whether the one who pushed has to wake the consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Wake {
    /// The consumer sleeps: send it its wake-up message.
    Needed,
    /// It was woken for an earlier item and has not emptied the queue yet.
    Pending,
}

/// A bounded queue with many producers and one consumer that is woken once per burst.
pub struct Inbox<T> {
    capacity: usize,
    inner: Mutex<Inner<T>>,
}

struct Inner<T> {
    items: VecDeque<T>,
    /// Set from the push that wakes the consumer until it has seen the queue empty.
    awake: bool,
    /// A producer that rather waits for room than give up (a socket that stops reading).
    producer: Option<Waker>,
}

impl<T> Inbox<T> {
    /// An empty inbox; allocates nothing until the first item.
    pub const fn new(capacity: usize) -> Self {
        Self { capacity, inner: Mutex::new(Inner { items: VecDeque::new(), awake: false, producer: None }) }
    }

    /// Queues an item, or hands it back when the inbox is full.
    pub fn push(&self, item: T) -> Result<Wake, Full<T>> {
        let mut inner = self.inner.lock();
        if inner.items.len() >= self.capacity {
            return Err(Full(item));
        }
        inner.items.push_back(item);
        Ok(if std::mem::replace(&mut inner.awake, true) { Wake::Pending } else { Wake::Needed })
    }

    /// Takes the oldest item. `None` also puts the consumer to sleep: the next push wakes it again.
    pub fn pop(&self) -> Option<T> {
        let mut inner = self.inner.lock();
        let item = inner.items.pop_front();
        if item.is_none() {
            inner.awake = false;
        }
        let producer = inner.producer.take();
        drop(inner);
        if let Some(producer) = producer {
            producer.wake();
        }
        item
    }

    /// Ready when there is room for another item; otherwise the task is woken when there is.
    pub fn poll_room(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut inner = self.inner.lock();
        if inner.items.len() < self.capacity {
            return Poll::Ready(());
        }
        inner.producer = Some(context.waker().clone());
        Poll::Pending
    }

    /// Items that wait.
    pub fn len(&self) -> usize {
        self.inner.lock().items.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[derive(Default)]
    struct Woken(AtomicBool);

    impl std::task::Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    #[test]
    fn one_wake_per_burst() {
        let inbox = Inbox::new(8);
        assert_eq!(inbox.push(1).unwrap(), Wake::Needed);
        assert_eq!(inbox.push(2).unwrap(), Wake::Pending);
        assert_eq!((inbox.pop(), inbox.pop()), (Some(1), Some(2)));
        assert_eq!(inbox.push(3).unwrap(), Wake::Pending, "the consumer has not yet seen the queue empty");
        assert_eq!((inbox.pop(), inbox.pop()), (Some(3), None));
        assert_eq!(inbox.push(4).unwrap(), Wake::Needed);
    }

    #[test]
    fn a_full_inbox_gives_the_item_back_and_wakes_a_waiting_producer() {
        let inbox = Inbox::new(1);
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut context = Context::from_waker(&waker);
        let _ = inbox.push("a").unwrap();
        assert_eq!(inbox.push("b").unwrap_err().0, "b");
        assert!(inbox.poll_room(&mut context).is_pending());
        assert_eq!(inbox.pop(), Some("a"));
        assert!(woken.0.load(Ordering::SeqCst));
        assert!(inbox.poll_room(&mut context).is_ready());
    }
}
