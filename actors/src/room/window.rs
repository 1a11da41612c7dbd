//! [`Window`]: the recent frames of a room, to replay.
//!
//! They are kept as they were delivered, in batches that are one piece of memory each. A replay is a few such pieces and
//! not thousands of frames, so that ten thousand sockets that come back at once cost references, and few of them.

use crate::limits;
use bytes::Bytes;
use std::collections::VecDeque;
use tickroom_storage::Offset;

/// An unbroken run of frames that ends with the room's last message. Bounded by count and by bytes.
pub struct Window {
    tail: Offset,
    batches: VecDeque<Batch>,
    messages: usize,
    bytes: usize,
}

/// Messages that were delivered together.
struct Batch {
    /// The offset right before the first one.
    before: u64,
    frames: Bytes,
    /// Where each frame ends.
    ends: Box<[usize]>,
}

impl Window {
    /// An empty window that stands at `tail`: the offset of the last message there ever was.
    pub const fn new(tail: Offset) -> Self {
        Self { tail, batches: VecDeque::new(), messages: 0, bytes: 0 }
    }

    /// Appends the frames of the next offsets, of which each ends where `ends` says, and lets the oldest go when a bound
    /// is passed.
    pub fn push(&mut self, frames: Bytes, ends: &[usize]) {
        if ends.is_empty() {
            return;
        }
        debug_assert_eq!(ends.last().copied().unwrap_or_default(), frames.len(), "the last frame ends last");
        let before = self.tail.get();
        self.tail = Offset::new(before + u64::try_from(ends.len()).unwrap_or(u64::MAX));
        self.messages += ends.len();
        self.bytes += frames.len();
        self.batches.push_back(Batch { before, frames, ends: ends.into() });
        while self.messages > limits::WINDOW_MESSAGES || self.bytes > limits::WINDOW_BYTES {
            let Some(oldest) = self.batches.pop_front() else {
                break;
            };
            self.messages -= oldest.ends.len();
            self.bytes -= oldest.frames.len();
        }
    }

    /// The offset of the last message.
    pub const fn tail(&self) -> Offset {
        self.tail
    }

    /// Messages held.
    pub const fn len(&self) -> usize {
        self.messages
    }

    /// Whether no message is held.
    pub const fn is_empty(&self) -> bool {
        self.messages == 0
    }

    /// Everything after `offset`, whole, or `None` when part of it is gone or it lies in the future.
    pub fn since(&self, offset: Offset) -> Option<impl Iterator<Item = Bytes> + Clone + '_> {
        let missing = self.tail.get().checked_sub(offset.get())?;
        let missing = usize::try_from(missing).ok()?;
        (missing <= self.messages).then(|| self.recent(missing))
    }

    /// The last `count` messages, or as many as there are, in pieces of one or more frames.
    pub fn recent(&self, count: usize) -> impl Iterator<Item = Bytes> + Clone + '_ {
        let count = u64::try_from(count.min(self.messages)).unwrap_or(u64::MAX);
        let position = self.tail.get() - count;
        let first = self.batches.partition_point(|batch| batch.last() <= position);
        self.batches.range(first..).map(move |batch| batch.after(position))
    }
}

impl Batch {
    fn last(&self) -> u64 {
        self.before + u64::try_from(self.ends.len()).unwrap_or(u64::MAX)
    }

    /// The frames behind an offset.
    fn after(&self, position: u64) -> Bytes {
        let known = position.saturating_sub(self.before).checked_sub(1);
        let last_known = known.and_then(|known| usize::try_from(known).ok());
        let start = last_known.and_then(|last| self.ends.get(last)).copied().unwrap_or_default();
        self.frames.slice(start..)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::BytesMut;
    use proptest::prelude::*;

    fn frame(offset: u64, length: usize) -> Bytes {
        let mut text = offset.to_string().into_bytes();
        text.resize(text.len().max(length), b'.');
        text.into()
    }

    fn lengths() -> impl Strategy<Value = usize> {
        prop_oneof![1usize..200, 100_000usize..300_000]
    }

    proptest! {
        /// Whatever is pushed, a position is answered with exactly the frames after it or with `None`; and `None`
        /// only when the window has a reason (a bound was passed, or the position is not of this run).
        #[test]
        fn since_is_whole_or_nothing(
            start in 0u64..1_000,
            batches in prop::collection::vec(prop::collection::vec(lengths(), 0..5), 0..60),
            asked in 0u64..1_200,
        ) {
            let mut window = Window::new(Offset::new(start));
            let mut all = Vec::new();
            let mut offsets = start + 1..;
            for lengths in batches {
                let batch: Vec<_> = offsets.by_ref().zip(&lengths).map(|(at, length)| (at, frame(at, *length))).collect();
                let mut frames = BytesMut::new();
                let ends: Vec<_> = batch.iter().map(|(_, frame)| { frames.extend_from_slice(frame); frames.len() }).collect();
                window.push(frames.freeze(), &ends);
                all.extend(batch);
            }
            let tail = window.tail().get();
            prop_assert_eq!(tail - start, u64::try_from(all.len()).unwrap());
            prop_assert!(window.bytes <= limits::WINDOW_BYTES && window.len() <= limits::WINDOW_MESSAGES);
            prop_assert_eq!(window.bytes, window.batches.iter().map(|batch| batch.frames.len()).sum::<usize>());
            let expected: Vec<_> = all.iter().filter(|(offset, _)| *offset > asked).map(|(_, frame)| &**frame).collect();
            match window.since(Offset::new(asked)) {
                Some(frames) => {
                    prop_assert!(asked >= start && asked <= tail);
                    prop_assert_eq!(frames.collect::<Vec<_>>().concat(), expected.concat());
                }
                None => prop_assert!(asked > tail || expected.len() > window.len() || asked < start),
            }
        }
    }

    #[test]
    fn an_empty_window_recovers_only_its_own_position() {
        let window = Window::new(Offset::new(7));
        assert_eq!(window.since(Offset::new(7)).map(Iterator::count), Some(0));
        assert!(window.since(Offset::new(6)).is_none() && window.since(Offset::new(8)).is_none());
    }
}
