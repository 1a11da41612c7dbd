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
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;
use std::sync::OnceLock;
use tickroom_storage::{MessageId, Offset, UserId};
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
    /// The message.
    pub id: MessageId,
    /// Whether it says nothing: it was taken back, or takes another one back.
    pub is_gone: bool,
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

    /// The message of this id, if it is here. It is looked for among all: that is seldom.
    pub(super) fn find(&self, id: MessageId) -> Option<Mark> {
        self.batches.iter().rev().flat_map(|batch| &batch.marks).find(|mark| mark.id == id).copied()
    }

    /// Puts another frame in the place of a message, which says nothing any more.
    pub(super) fn replace(&mut self, id: MessageId, frame: impl FnOnce(Offset) -> Bytes) {
        let place = |batch: &Batch| batch.marks.iter().position(|mark| mark.id == id);
        let found = self.batches.iter_mut().rev().find_map(|batch| Some((place(batch)?, batch)));
        if let Some((place, batch)) = found {
            let before = batch.frames.len();
            batch.replace(place, &frame(Offset::new(batch.before + 1 + count_of(place))));
            self.bytes = self.bytes - before + batch.frames.len();
        }
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

    /// Puts another frame in a place. Whoever was given the old ones keeps them; what is given from now on is made anew.
    fn replace(&mut self, place: usize, frame: &Bytes) {
        let start = self.start(place);
        let Some(mark) = self.marks.get_mut(place) else { return };
        mark.is_gone = true;
        let end = mark.end;
        let mut frames = BytesMut::with_capacity(self.frames.len() - (end - start) + frame.len());
        frames.extend_from_slice(&self.frames.slice(..start));
        frames.extend_from_slice(frame);
        frames.extend_from_slice(&self.frames.slice(end..));
        for mark in self.marks.iter_mut().skip(place) {
            mark.end = mark.end - (end - start) + frame.len();
        }
        self.frames = frames.freeze();
        self.fragments = Default::default();
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
mod tests;
