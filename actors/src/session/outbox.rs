//! [`Outbox`]: what waits to be written to one socket.
//!
//! Two lanes. The *lossless* lane (chat, acks, errors, control) is a queue with a cap in bytes: when a frame does
//! not fit, everything queued is dropped and the socket is closed as slow, to resume from its offset. The
//! *conflated* lane (prices) holds one frame per market: a newer one takes the place of the older.
//!
//! Rooms push, the socket's task takes; nobody ever waits for a socket. Frames are shared, so a thousand slow
//! sockets with a full outbox hold a thousand times the references, not the bytes.

use crate::turnstile::Turnstile;
use crate::wire::CloseCode;
use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// The frames on their way to one socket.
pub struct Outbox {
    capacity_bytes: usize,
    turnstile: Arc<Turnstile>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    lossless: VecDeque<Bytes>,
    lossless_bytes: usize,
    /// How many of these bytes are a replay, which the cap does not count. Taken off first, as it is queued first.
    replay_bytes: usize,
    conflated: VecDeque<(u32, Bytes)>,
    closing: Option<CloseCode>,
    /// The socket's task, while it sleeps because there was nothing to take.
    reader: Option<Waker>,
    /// The socket's task, while it sleeps because the other side does not read: only the end wakes it.
    blocked: Option<Waker>,
}

/// What the socket's task does next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Write these frames.
    Write,
    /// Everything before the close was taken: write the close frame and end.
    Close(CloseCode),
}

/// How the other side keeps up, as the lossless lane shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// At most half of the cap waits.
    KeepsUp,
    /// More than that.
    Behind,
    /// The socket is being closed and takes nothing any more.
    Over,
}

impl Outbox {
    /// An empty outbox. Holds no memory until the first frame.
    pub fn new(capacity_bytes: usize, turnstile: Arc<Turnstile>) -> Self {
        Self { capacity_bytes, turnstile, inner: Mutex::default() }
    }

    /// Queues a frame in the lossless lane. A frame that does not fit ends the socket with [`CloseCode::SLOW`].
    pub fn push(&self, frame: Bytes) -> Reading {
        let mut inner = self.inner.lock();
        if inner.closing.is_some() {
            return Reading::Over;
        }
        if inner.counted_bytes() + frame.len() > self.capacity_bytes {
            inner.drop_all();
            inner.closing = Some(CloseCode::SLOW);
        } else {
            inner.lossless_bytes += frame.len();
            inner.lossless.push_back(frame);
        }
        let reading = inner.reading(self.capacity_bytes);
        self.wake(inner);
        reading
    }

    /// How the other side keeps up.
    pub fn reading(&self) -> Reading {
        self.inner.lock().reading(self.capacity_bytes)
    }

    /// Queues what a socket missed, whatever its size: a client that was closed as slow misses a whole outbox, and
    /// must be able to come back. A room's window bounds it, and the frames are shared.
    pub fn push_replay(&self, frames: impl Iterator<Item = Bytes>) {
        let mut inner = self.inner.lock();
        if inner.closing.is_some() {
            return;
        }
        for frame in frames {
            inner.lossless_bytes += frame.len();
            inner.replay_bytes += frame.len();
            inner.lossless.push_back(frame);
        }
        self.wake(inner);
    }

    /// Puts a frame into the slot `key` of the conflated lane, in place of what was not sent yet.
    pub fn conflate(&self, key: u32, frame: Bytes) {
        let mut inner = self.inner.lock();
        if inner.closing.is_some() {
            return;
        }
        match inner.conflated.iter_mut().find(|(waiting, _)| *waiting == key) {
            Some((_, waiting)) => *waiting = frame,
            None => inner.conflated.push_back((key, frame)),
        }
        self.wake(inner);
    }

    /// Empties the slot `key` of the conflated lane.
    pub fn forget(&self, key: u32) {
        self.inner.lock().conflated.retain(|(waiting, _)| *waiting != key);
    }

    /// Ends the socket once what is queued now has been written. The first reason stands.
    pub fn close(&self, code: CloseCode) {
        let mut inner = self.inner.lock();
        if inner.closing.is_none() {
            inner.conflated.clear();
            inner.closing = Some(code);
        }
        self.wake(inner);
    }

    /// Moves up to `max` frames into `batch`, lossless ones first, or tells how to end.
    /// Pending when there is nothing; the task is woken by the next frame.
    pub fn poll_take(
        &self,
        context: &mut Context<'_>,
        batch: &mut VecDeque<Bytes>,
        max: usize,
    ) -> Poll<Next> {
        let mut inner = self.inner.lock();
        let room = max.saturating_sub(batch.len());
        let lossless = room.min(inner.lossless.len());
        if batch.is_empty() && lossless == inner.lossless.len() {
            (inner.lossless_bytes, inner.replay_bytes) = (0, 0);
            std::mem::swap(batch, &mut inner.lossless);
        } else {
            let taken = inner.lossless.iter().take(lossless).map(Bytes::len).sum::<usize>();
            inner.lossless_bytes -= taken;
            inner.replay_bytes = inner.replay_bytes.saturating_sub(taken);
            batch.extend(inner.lossless.drain(..lossless));
        }
        let conflated = (room - lossless).min(inner.conflated.len());
        batch.extend(inner.conflated.drain(..conflated).map(|(_, frame)| frame));
        if !batch.is_empty() {
            return Poll::Ready(Next::Write);
        }
        if let Some(code) = inner.closing {
            return Poll::Ready(Next::Close(code));
        }
        inner.reader = Some(context.waker().clone());
        Poll::Pending
    }

    /// Ready once the socket is being closed; for a task that cannot write what it has taken.
    pub fn poll_closing(&self, context: &mut Context<'_>) -> Poll<CloseCode> {
        let mut inner = self.inner.lock();
        if let Some(code) = inner.closing {
            return Poll::Ready(code);
        }
        inner.blocked = Some(context.waker().clone());
        Poll::Pending
    }

    /// Why the socket is being closed, once it is.
    pub fn closing(&self) -> Option<CloseCode> {
        self.inner.lock().closing
    }

    /// Bytes that wait in the lossless lane.
    pub fn queued_bytes(&self) -> usize {
        self.inner.lock().lossless_bytes
    }

    /// Bytes of replays that wait.
    pub fn replay_bytes(&self) -> usize {
        self.inner.lock().replay_bytes
    }
}

impl Outbox {
    /// Sees to it that the socket's task comes to take what is there. After the lock is gone, or it would come only to
    /// wait for it.
    fn wake(&self, mut inner: MutexGuard<'_, Inner>) {
        let reader = inner.reader.take();
        let blocked = if inner.closing.is_some() { inner.blocked.take() } else { None };
        drop(inner);
        if let Some(reader) = reader {
            self.turnstile.queue_socket(reader);
        }
        if let Some(blocked) = blocked {
            blocked.wake();
        }
    }
}

impl Inner {
    /// What the cap counts.
    const fn counted_bytes(&self) -> usize {
        self.lossless_bytes - self.replay_bytes
    }

    fn reading(&self, capacity_bytes: usize) -> Reading {
        match self.closing {
            Some(_) => Reading::Over,
            None if self.counted_bytes() > capacity_bytes / 2 => Reading::Behind,
            None => Reading::KeepsUp,
        }
    }

    /// Gives the memory back as well: a slow socket may sit in its last write for a while.
    fn drop_all(&mut self) {
        self.lossless = VecDeque::new();
        self.conflated = VecDeque::new();
        (self.lossless_bytes, self.replay_bytes) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn take(outbox: &Outbox, max: usize) -> (Vec<Bytes>, Option<CloseCode>) {
        let mut batch = VecDeque::new();
        let mut context = Context::from_waker(Waker::noop());
        match outbox.poll_take(&mut context, &mut batch, max) {
            Poll::Ready(Next::Close(code)) => (batch.into(), Some(code)),
            _ => (batch.into(), None),
        }
    }

    #[test]
    fn overflow_drops_the_queue_and_closes_as_slow() {
        let outbox = Outbox::new(10, Arc::default());
        assert_eq!(outbox.push(Bytes::from_static(b"12345")), Reading::KeepsUp);
        assert_eq!(outbox.push(Bytes::from_static(b"678")), Reading::Behind);
        assert_eq!(outbox.push(Bytes::from_static(b"123")), Reading::Over);
        assert_eq!(outbox.queued_bytes(), 0);
        assert_eq!(outbox.push(Bytes::from_static(b"1")), Reading::Over, "nothing is taken after the close");
        assert_eq!(take(&outbox, 9), (vec![], Some(CloseCode::SLOW)));
    }

    #[test]
    fn a_close_lets_what_is_queued_go_first() {
        let outbox = Outbox::new(100, Arc::default());
        outbox.push(Bytes::from_static(b"last words"));
        outbox.close(CloseCode::SHUTDOWN);
        outbox.close(CloseCode::INTERNAL);
        assert_eq!(take(&outbox, 9), (vec![Bytes::from_static(b"last words")], None));
        assert_eq!(take(&outbox, 9), (vec![], Some(CloseCode::SHUTDOWN)), "the first reason stands");
    }

    #[test]
    fn a_replay_larger_than_the_cap_is_taken_and_leaves_the_whole_cap_to_what_comes() {
        let outbox = Outbox::new(10, Arc::default());
        let old = Bytes::from_static(b"old");
        outbox.push_replay(std::iter::repeat_n(old.clone(), 20));
        assert_eq!(outbox.push(Bytes::from_static(b"0123456789")), Reading::Behind);
        assert!(outbox.closing().is_none());
        let mut taken = Vec::new();
        while taken.len() < 21 {
            taken.extend(take(&outbox, 4).0);
        }
        assert!(taken.iter().take(20).all(|frame| *frame == old));
        assert_eq!(outbox.push(Bytes::from_static(b"0123456789")), Reading::Behind);
        assert_eq!(outbox.push(Bytes::from_static(b"1")), Reading::Over, "the cap holds again");
    }

    #[derive(Debug, Clone)]
    enum Step {
        Push(u8),
        Conflate(u8, u32),
        Forget(u8),
        Take(u8),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            (0u8..32).prop_map(Step::Push),
            (0u8..4, any::<u32>()).prop_map(|(key, value)| Step::Conflate(key, value)),
            (0u8..4).prop_map(Step::Forget),
            (1u8..8).prop_map(Step::Take),
        ];
        prop::collection::vec(step, 1..200)
    }

    proptest! {
        /// Against a model: the lossless lane comes out whole and in order until it overflows, never holds more
        /// than its cap, and of each market only the newest price that was not sent yet comes out.
        #[test]
        fn both_lanes_keep_their_promise(steps in steps()) {
            const CAP: usize = 64;
            let outbox = Outbox::new(CAP, Arc::default());
            let mut queue: VecDeque<Bytes> = VecDeque::new();
            let mut latest: HashMap<u8, Bytes> = HashMap::new();
            let mut overflowed = false;
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Push(length) => {
                        let frame = Bytes::from(vec![b'L'; usize::from(length) + 1]);
                        let fits = queue.iter().map(Bytes::len).sum::<usize>() + frame.len() <= CAP;
                        let taken = outbox.push(frame.clone()) != Reading::Over;
                        prop_assert_eq!(taken, fits && !overflowed);
                        if fits { queue.push_back(frame) } else { overflowed = true }
                    }
                    Step::Conflate(key, value) => {
                        let frame = Bytes::from(format!("C{key}:{value}:{number}"));
                        outbox.conflate(key.into(), frame.clone());
                        latest.insert(key, frame);
                    }
                    Step::Forget(key) => { outbox.forget(key.into()); latest.remove(&key); }
                    Step::Take(max) => {
                        let nothing = queue.is_empty() && latest.is_empty();
                        let (batch, close) = take(&outbox, max.into());
                        prop_assert!(batch.len() <= usize::from(max));
                        for frame in &batch {
                            if frame.starts_with(b"L") {
                                let expected = queue.pop_front();
                                prop_assert_eq!(Some(frame), expected.as_ref());
                            } else {
                                let key = frame[1] - b'0';
                                let expected = latest.remove(&key);
                                prop_assert_eq!(Some(frame), expected.as_ref());
                            }
                        }
                        prop_assert_eq!(close.is_some(), overflowed);
                        prop_assert_eq!(batch.is_empty(), overflowed || nothing);
                    }
                }
                prop_assert!(outbox.queued_bytes() <= CAP);
                if overflowed {
                    prop_assert_eq!(outbox.closing(), Some(CloseCode::SLOW));
                    return Ok(());
                }
            }
        }
    }
}
