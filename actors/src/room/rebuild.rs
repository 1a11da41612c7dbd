//! How a starting room finds its place: from the message log, the writer's intake and its own slot.

use super::RoomSlot;
use super::moderation::without_deleted;
use crate::limits;
use crate::tree::Services;
use std::collections::BTreeMap;
use std::sync::Arc;
use tickroom_storage::Offset;
use tickroom_storage::message::{Message, PageBound};

/// What a room starts with.
pub(super) struct Rebuilt {
    pub(super) epoch: Arc<str>,
    /// Whether clients may go on with the positions they have.
    pub(super) same_epoch: bool,
    /// The offset before the first of `messages`.
    pub(super) before: Offset,
    /// An unbroken run that ends with the room's last message; empty if its end cannot be read.
    pub(super) messages: Vec<Arc<Message>>,
}

/// The message log must be read and does not answer.
#[derive(Debug, thiserror::Error)]
#[error("room {room} cannot start without the message log: {reason}")]
pub(super) struct Unreadable {
    room: String,
    reason: String,
}

/// Reads what is needed. Without the log a room that ran in this process can still go on with what is known here;
/// one that did not cannot know its last offset and does not start.
pub(super) async fn rebuild(services: &Services, slot: &RoomSlot) -> Result<Rebuilt, Unreadable> {
    // The intake first: what leaves it between the two reads is in the log by then.
    let unsaved = services.intake.unsaved(&slot.name);
    let known = slot.position();
    let stored = match read_log(services, slot).await {
        Ok(stored) => stored,
        Err(reason) if known.is_none() => {
            return Err(Unreadable { room: slot.name.to_string(), reason });
        }
        Err(_) => Vec::new(),
    };
    let tail = [
        known.as_ref().map(|position| position.offset),
        services.intake.spilled_tail(&slot.name),
        unsaved.last().map(|message| message.offset),
        stored.last().map(|message| message.offset),
    ];
    let tail = tail.into_iter().flatten().max().unwrap_or(Offset::ZERO);
    let entries = without_deleted(stored.into_iter().map(Arc::new).chain(unsaved).collect());
    let (before, messages) = unbroken_run(tail, entries.into_iter());
    // Readers hold everything up to the tail, or nothing was ever said.
    let complete = !messages.is_empty() || tail == Offset::ZERO;
    Ok(match known {
        Some(position) if complete => Rebuilt { epoch: position.epoch, same_epoch: true, before, messages },
        _ => Rebuilt { epoch: new_epoch(), same_epoch: false, before, messages },
    })
}

async fn read_log(services: &Services, slot: &RoomSlot) -> Result<Vec<Message>, String> {
    let page = services.log.page(&slot.name, PageBound::Latest, limits::REBUILD_MESSAGES);
    match tokio::time::timeout(limits::LOG_READ_TIMEOUT, page).await {
        Ok(page) => page.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer within {} s", limits::LOG_READ_TIMEOUT.as_secs())),
    }
}

/// The longest run of messages without a gap that ends at `tail`, and the offset before it.
fn unbroken_run(tail: Offset, messages: impl Iterator<Item = Arc<Message>>) -> (Offset, Vec<Arc<Message>>) {
    let by_offset: BTreeMap<u64, Arc<Message>> =
        messages.map(|message| (message.offset.get(), message)).collect();
    let mut run: Vec<_> =
        (1..=tail.get()).rev().map_while(|offset| by_offset.get(&offset).cloned()).collect();
    run.reverse();
    let before = run.first().map_or(tail, |first| Offset::new(first.offset.get() - 1));
    (before, run)
}

/// Eight characters out of 62: collisions only matter between two lives of one room.
fn new_epoch() -> Arc<str> {
    std::iter::repeat_with(fastrand::alphanumeric).take(8).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::message;

    fn run_of(tail: u64, offsets: &[u64]) -> (u64, Vec<u64>) {
        let messages = offsets.iter().map(|offset| Arc::new(message("KRW-BTC", *offset)));
        let (before, run) = unbroken_run(Offset::new(tail), messages);
        (before.get(), run.iter().map(|message| message.offset.get()).collect())
    }

    #[test]
    fn only_the_run_that_reaches_the_tail_counts() {
        assert_eq!(run_of(0, &[]), (0, vec![]));
        assert_eq!(run_of(3, &[1, 2, 3]), (0, vec![1, 2, 3]));
        assert_eq!(run_of(9, &[5, 6, 8, 9, 8]), (7, vec![8, 9]));
        assert_eq!(run_of(9, &[5, 6, 7]), (9, vec![]), "the end is missing");
    }
}
