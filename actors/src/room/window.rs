//! [`Window`]: the recent frames of a room, to replay.
//!
//! They are kept as they were delivered, in batches that are one piece of memory each. A replay is a few such pieces and
//! not thousands of frames, so that ten thousand sockets that come back at once cost references, and few of them.
//! For the Centrifuge protocol, which lists what was missed in a reply, each batch is cut into chunks; a chunk is encoded
//! when the first socket asks for it, and shared from then on.

use crate::limits;
use crate::wire::centrifuge::publication::Said;
use crate::wire::centrifuge::{Format, Reply, message::SubscribeResult};
use crate::wire::frame;
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::OnceLock;
use tickroom_storage::{Offset, UserId};
use tokio::time::Instant;

/// An unbroken run of frames that ends with the room's last message. Bounded by count, by bytes and by age.
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
    /// Where each frame ends, and who said what is in it.
    marks: Box<[Mark]>,
    pushed_at: Instant,
    /// For each format the chunks that were asked for, as fragments of a list.
    fragments: [OnceLock<Box<[OnceLock<Bytes>]>>; 2],
}

/// The end of one frame of a batch.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    /// Behind its last byte.
    pub end: usize,
    /// Who said it.
    pub sender: UserId,
}

impl Window {
    /// An empty window that stands at `tail`: the offset of the last message there ever was.
    pub const fn new(tail: Offset) -> Self {
        Self { tail, batches: VecDeque::new(), messages: 0, bytes: 0 }
    }

    /// Appends the frames of the next offsets, of which each ends where its mark says, and lets the oldest go when a bound
    /// is passed.
    pub fn push(&mut self, frames: Bytes, marks: &[Mark], now: Instant) {
        if marks.is_empty() {
            return;
        }
        let end = marks.last().map(|mark| mark.end).unwrap_or_default();
        debug_assert_eq!(end, frames.len(), "the last frame ends last");
        let batch = Batch {
            before: self.tail.get(),
            frames,
            marks: marks.into(),
            pushed_at: now,
            fragments: Default::default(),
        };
        self.tail = Offset::new(batch.last());
        self.messages += batch.marks.len();
        self.bytes += batch.frames.len();
        self.batches.push_back(batch);
        while self.messages > limits::WINDOW_MESSAGES || self.bytes > limits::WINDOW_BYTES {
            if !self.drop_oldest() {
                break;
            }
        }
        self.expire(now);
    }

    /// What was pushed last.
    pub(super) fn last_frames(&self) -> Bytes {
        self.batches.back().map(|batch| batch.frames.clone()).unwrap_or_default()
    }

    /// The same in another format, in one frame.
    pub(super) fn last_pushes(&self, format: Format, channel: &str) -> Option<Bytes> {
        self.batches.back().map(|batch| format.pushes(channel, batch.said(0, u64::MAX)))
    }

    /// Lets go what is too old.
    pub(super) fn expire(&mut self, now: Instant) {
        let is_old = |batch: &Batch| now.saturating_duration_since(batch.pushed_at) > limits::WINDOW_AGE;
        while self.batches.front().is_some_and(is_old) {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) -> bool {
        let Some(oldest) = self.batches.pop_front() else {
            return false;
        };
        self.messages -= oldest.marks.len();
        self.bytes -= oldest.frames.len();
        true
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
        self.missing(offset).map(|missing| self.recent(missing))
    }

    /// How many messages came after `offset`, if all of them are here.
    fn missing(&self, offset: Offset) -> Option<usize> {
        let missing = self.tail.get().checked_sub(offset.get())?;
        usize::try_from(missing).ok().filter(|missing| *missing <= self.messages)
    }

    /// The last `count` messages, or as many as there are, in pieces of one or more frames.
    pub fn recent(&self, count: usize) -> impl Iterator<Item = Bytes> + Clone + '_ {
        let position = self.tail.get() - count_of(count.min(self.messages));
        self.batches_after(position).map(move |batch| batch.after(position))
    }

    /// The messages with offsets in this range that are here, oldest first.
    pub(super) fn said(&self, first: u64, last: u64) -> impl Iterator<Item = Said> + '_ {
        self.batches_after(first.saturating_sub(1)).flat_map(move |batch| batch.said(first, last))
    }

    /// The answer to a `subscribe` with everything after `offset`, under the same condition as [`since`](Self::since).
    pub(super) fn recovered(
        &self,
        format: Format,
        command: u32,
        offset: Offset,
        result: SubscribeResult,
    ) -> Option<Vec<Bytes>> {
        self.missing(offset)?;
        let mut batches = self.batches_after(offset.get());
        let first = batches.next();
        // The first chunk is cut where the client stands, which is its own affair; all others are shared.
        let (head, mut fragments) = first.map(|batch| batch.list(format, offset.get())).unwrap_or_default();
        batches.for_each(|batch| fragments.extend(batch.fragments_from(format, 0)));
        Some(if head.is_empty() {
            let reply = Reply { subscribe: Some(result), ..Reply::to(command) };
            vec![format.single(&reply)]
        } else {
            format.recovered(command, result, &head, fragments)
        })
    }

    /// Everything after `offset` as pushes in one frame, or in none if there is nothing; under the condition of
    /// [`since`](Self::since).
    pub(super) fn pushes_since(
        &self,
        format: Format,
        channel: &str,
        offset: Offset,
    ) -> Option<Option<Bytes>> {
        let missing = self.missing(offset)?;
        Some((missing > 0).then(|| format.pushes(channel, self.said(offset.get() + 1, u64::MAX))))
    }

    fn batches_after(&self, position: u64) -> impl Iterator<Item = &Batch> + Clone {
        let first = self.batches.partition_point(|batch| batch.last() <= position);
        self.batches.range(first..)
    }
}

impl Batch {
    fn last(&self) -> u64 {
        self.before + count_of(self.marks.len())
    }

    /// The frames behind an offset.
    fn after(&self, position: u64) -> Bytes {
        let known = usize::try_from(position.saturating_sub(self.before)).unwrap_or(usize::MAX);
        self.frames.slice(self.start(known)..)
    }

    /// Where the frame of a place in the batch starts.
    fn start(&self, place: usize) -> usize {
        let previous = place.checked_sub(1).and_then(|previous| self.marks.get(previous));
        previous.map(|mark| mark.end).unwrap_or_default()
    }

    /// The messages with offsets in this range.
    fn said(&self, first: u64, last: u64) -> impl Iterator<Item = Said> + '_ {
        let skipped = first.saturating_sub(self.before + 1);
        let taken = last.saturating_sub(self.before).saturating_sub(skipped);
        let place = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        let marks = self.marks.iter().enumerate().skip(place(skipped)).take(place(taken));
        marks.map(|(place, mark)| Said {
            json: frame::payload(&self.frames.slice(self.start(place)..mark.end)),
            sender: mark.sender,
            offset: Offset::new(self.before + 1 + count_of(place)),
        })
    }

    /// What is behind a position: the rest of its chunk, as the beginning of a list, and the chunks after it.
    fn list(&self, format: Format, position: u64) -> (Bytes, Vec<Bytes>) {
        let known = position.saturating_sub(self.before);
        let chunk = known / CHUNK + 1;
        let end = self.before + chunk * CHUNK;
        let head = format.list(true, self.said(self.before + known + 1, end)).freeze();
        (head, self.fragments_from(format, usize::try_from(chunk).unwrap_or(usize::MAX)).collect())
    }

    fn fragments_from(&self, format: Format, chunk: usize) -> impl Iterator<Item = Bytes> + '_ {
        let [json, protobuf] = &self.fragments;
        let fragments = if format == Format::Json { json } else { protobuf };
        let chunks = count_of(self.marks.len()).div_ceil(CHUNK);
        let fragments = fragments.get_or_init(|| (0..chunks).map(|_| OnceLock::new()).collect());
        (0..chunks).zip(fragments).skip(chunk).map(move |(chunk, fragment)| {
            let first = self.before + 1 + chunk * CHUNK;
            fragment.get_or_init(|| format.list_fragment(self.said(first, first + CHUNK - 1))).clone()
        })
    }
}

/// Messages in a fragment of a list: few enough that cutting one costs little, enough that a window has few fragments.
const CHUNK: u64 = 64;

fn count_of(messages: usize) -> u64 {
    u64::try_from(messages).unwrap_or(u64::MAX)
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
                let marks: Vec<_> = batch.iter().map(|(_, frame)| {
                    frames.extend_from_slice(frame);
                    Mark { end: frames.len(), sender: UserId::new(1) }
                }).collect();
                window.push(frames.freeze(), &marks, Instant::now());
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

    /// A window of messages with the content of their offsets, in batches of these sizes.
    fn talk(start: u64, batches: &[usize], now: Instant) -> Window {
        let mut window = Window::new(Offset::new(start));
        for size in batches {
            let mut frames = BytesMut::new();
            let first = window.tail().get() + 1;
            let marks: Vec<_> = (first..)
                .take(*size)
                .map(|offset| {
                    frame::put_text(&mut frames, format!(r#"{{"content":"{offset}"}}"#).as_bytes());
                    Mark { end: frames.len(), sender: UserId::new(7) }
                })
                .collect();
            window.push(frames.freeze(), &marks, now);
        }
        window
    }

    proptest! {
        /// Wherever a client stands and however messages came, the reply lists exactly what it misses, in both formats.
        #[test]
        fn a_recovered_list_is_whole_or_nothing(
            start in 0u64..100,
            batches in prop::collection::vec(0usize..200, 0..6),
            asked in 0u64..1_000,
        ) {
            let window = talk(start, &batches, Instant::now());
            let result = SubscribeResult { recovered: true, ..SubscribeResult::default() };
            for format in Format::ALL {
                let frames = window.recovered(format, 5, Offset::new(asked), result.clone());
                prop_assert_eq!(frames.is_some(), asked >= start && asked <= window.tail().get());
                let Some(frames) = frames else { continue };
                let payload: Vec<u8> = frames.iter().flat_map(|frame| frame::payload(frame).to_vec()).collect();
                let reply: Reply = match format {
                    Format::Json => serde_json::from_slice(&payload).unwrap(),
                    Format::Protobuf => prost::Message::decode_length_delimited(&payload[..]).unwrap(),
                };
                let listed = reply.subscribe.unwrap().publications;
                let expected = asked + 1..=window.tail().get();
                prop_assert_eq!(listed.iter().map(|said| said.offset).collect::<Vec<_>>(), expected.collect::<Vec<_>>());
                for said in &listed {
                    prop_assert_eq!(&said.data, &Bytes::from(format!(r#"{{"content":"{}"}}"#, said.offset)));
                }
            }
            let said: Vec<_> = window.said(asked, asked + 70).map(|said| said.offset.get()).collect();
            let expected: Vec<_> = (asked.max(start + 1)..=(asked + 70).min(window.tail().get())).collect();
            prop_assert_eq!(said, expected);
        }
    }

    #[test]
    fn those_who_recover_share_what_they_are_given() {
        let window = talk(0, &[1_000], Instant::now());
        let frames = |offset| {
            window
                .recovered(
                    Format::Json,
                    1,
                    Offset::new(offset),
                    SubscribeResult { recovered: true, ..SubscribeResult::default() },
                )
                .unwrap()
        };
        let (one, other) = (frames(10), frames(20));
        assert_eq!((one.len(), other.len()), (17, 17));
        assert!(one[1..16].iter().zip(&other[1..16]).all(|(one, other)| one.as_ptr() == other.as_ptr()));
    }

    #[test]
    fn what_is_too_old_is_let_go_and_its_end_can_still_be_recovered() {
        let now = Instant::now();
        let mut window = talk(0, &[3, 3], now);
        window.expire(now + limits::WINDOW_AGE);
        assert_eq!(window.len(), 6);
        window.expire(now + limits::WINDOW_AGE * 2);
        assert!(window.is_empty() && window.since(Offset::new(5)).is_none());
        assert_eq!(window.since(Offset::new(6)).map(Iterator::count), Some(0));
    }

    #[test]
    fn an_empty_window_recovers_only_its_own_position() {
        let window = Window::new(Offset::new(7));
        assert_eq!(window.since(Offset::new(7)).map(Iterator::count), Some(0));
        assert!(window.since(Offset::new(6)).is_none() && window.since(Offset::new(8)).is_none());
    }
}
