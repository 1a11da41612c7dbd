//! [`Window`]: the recent frames of a room, to replay.

use crate::limits;
use bytes::Bytes;
use std::collections::VecDeque;
use tickroom_storage::Offset;

/// An unbroken run of frames that ends with the room's last message. Bounded by count and by bytes.
pub struct Window {
    tail: Offset,
    frames: VecDeque<Bytes>,
    bytes: usize,
}

impl Window {
    /// An empty window that stands at `tail`: the offset of the last message there ever was.
    pub const fn new(tail: Offset) -> Self {
        Self { tail, frames: VecDeque::new(), bytes: 0 }
    }

    /// Appends the frame of the next offset and lets the oldest go when a bound is passed.
    pub fn push(&mut self, offset: Offset, frame: Bytes) {
        debug_assert_eq!(offset, self.tail.next(), "offsets rise by one");
        self.tail = offset;
        self.bytes += frame.len();
        self.frames.push_back(frame);
        while self.frames.len() > limits::WINDOW_MESSAGES || self.bytes > limits::WINDOW_BYTES {
            let Some(oldest) = self.frames.pop_front() else {
                break;
            };
            self.bytes -= oldest.len();
        }
    }

    /// The offset of the last message.
    pub const fn tail(&self) -> Offset {
        self.tail
    }

    /// Messages held.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether no message is held.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Everything after `offset`, whole, or `None` when part of it is gone or it lies in the future.
    pub fn since(&self, offset: Offset) -> Option<impl Iterator<Item = Bytes> + Clone + '_> {
        let missing = self.tail.get().checked_sub(offset.get())?;
        let missing = usize::try_from(missing).ok()?;
        (missing <= self.frames.len()).then(|| self.recent(missing))
    }

    /// The last `count` messages, or as many as there are.
    pub fn recent(&self, count: usize) -> impl Iterator<Item = Bytes> + Clone + '_ {
        self.frames.iter().skip(self.frames.len().saturating_sub(count)).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(offset: u64, length: usize) -> Bytes {
        let mut text = offset.to_string().into_bytes();
        text.resize(text.len().max(length), b'.');
        text.into()
    }

    proptest! {
        /// Whatever is pushed, a position is answered with exactly the frames after it or with `None`; and `None`
        /// only when the window has a reason (a bound was passed, or the position is not of this run).
        #[test]
        fn since_is_whole_or_nothing(
            start in 0u64..1_000,
            lengths in prop::collection::vec(prop_oneof![1usize..200, 100_000usize..300_000], 0..120),
            asked in 0u64..1_200,
        ) {
            let mut window = Window::new(Offset::new(start));
            let mut all = Vec::new();
            for (offset, length) in (start + 1..).zip(&lengths) {
                window.push(Offset::new(offset), frame(offset, *length));
                all.push((offset, frame(offset, *length)));
            }
            let tail = window.tail().get();
            prop_assert_eq!(tail - start, u64::try_from(all.len()).unwrap());
            prop_assert!(window.bytes <= limits::WINDOW_BYTES && window.len() <= limits::WINDOW_MESSAGES);
            prop_assert_eq!(window.bytes, window.frames.iter().map(Bytes::len).sum::<usize>());
            let expected: Vec<_> =
                all.iter().filter(|(offset, _)| *offset > asked).map(|(_, frame)| frame.clone()).collect();
            match window.since(Offset::new(asked)) {
                Some(frames) => {
                    prop_assert!(asked >= start && asked <= tail);
                    prop_assert_eq!(frames.collect::<Vec<_>>(), expected);
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
