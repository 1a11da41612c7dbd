//! What sessions of the Centrifuge protocol ask a room. Each is answered in one turn of the room, between two batches, so
//! that what is answered and what comes live meet without gap or overlap.

use super::{Position, RoomState};
use crate::limits::REPLAYS_BYTES;
use crate::session::SessionSlot;
use crate::wire::Refusal;
use crate::wire::centrifuge::message::{Error, SubscribeResult};
use crate::wire::centrifuge::publication::Said;
use crate::wire::centrifuge::{Format, Reply};
use std::sync::Arc;
use tickroom_storage::Offset;
use tokio::sync::oneshot;

/// A `subscribe`. The room writes the answer itself; `done` tells the session that it has.
pub struct SubscribeAsk {
    pub(crate) session: Arc<SessionSlot>,
    /// The command to answer.
    pub(crate) command: u32,
    /// Where the client was; an empty epoch is any.
    pub(crate) recover: Option<Position>,
    /// Whether the client would rather have an error than a subscription that has missed something.
    pub(crate) all_or_nothing: bool,
    /// Whether the client wants to know who comes and goes.
    pub(crate) is_curious: bool,
    pub(crate) done: oneshot::Sender<()>,
}

/// A `history`: which messages.
pub struct HistoryAsk {
    pub(crate) range: HistoryRange,
    pub(crate) answer: oneshot::Sender<HistoryPart>,
}

/// Which messages of a room are wanted.
#[derive(Debug, Clone, Copy)]
pub struct HistoryRange {
    pub(crate) limit: u64,
    /// Behind this offset; in reverse, before it.
    pub(crate) since: Option<u64>,
    pub(crate) reverse: bool,
}

impl HistoryRange {
    /// The first and the last offset, in a room that stands at `top`; the second is below the first when nothing is there.
    fn of(self, top: u64) -> (u64, u64) {
        if self.reverse {
            let last = self.since.map_or(top, |since| since.saturating_sub(1).min(top));
            (last.saturating_sub(self.limit).saturating_add(1), last)
        } else {
            let first = self.since.unwrap_or(0).saturating_add(1);
            (first, first.saturating_add(self.limit).saturating_sub(1).min(top))
        }
    }
}

/// What a room knows of it. What is missing is in the log.
pub struct HistoryPart {
    pub(crate) position: Position,
    /// The first and last offset that are wanted; the second is below the first when nothing is.
    pub(crate) range: (u64, u64),
    /// Those of them that the room has: an unbroken run up to the last, oldest first.
    pub(crate) recent: Vec<Said>,
}

impl RoomState {
    /// Adds a member in the terms of the Centrifuge protocol.
    pub(super) fn on_subscribe(&mut self, ask: SubscribeAsk) {
        let SubscribeAsk { session, command, recover, all_or_nothing, is_curious, done } = ask;
        let Some(format) = session.format() else { return };
        if self.is_banned(&session) {
            if session.abandon(self.slot.members.channel(), command) {
                session.outbox.push(format.single(&Reply::error(command, (&Refusal::Banned).into())));
            }
            _ = done.send(());
            return;
        }
        let wants = recover.is_some();
        let replay = recover.and_then(|position| self.replay(&session, format, command, &position));
        if wants && all_or_nothing && replay.is_none() {
            if session.abandon(self.slot.members.channel(), command) {
                let error = Reply::error(command, Error::unrecoverable_position());
                session.outbox.push(format.single(&error));
            }
        } else if session.enter_channel(&self.slot, command) {
            let answer = replay.unwrap_or_else(|| {
                let Position { epoch, offset } = self.position();
                let result = SubscribeResult { was_recovering: wants, ..subscribed(&epoch, offset) };
                vec![format.single(&Reply { subscribe: Some(result), ..Reply::to(command) })]
            });
            session.outbox.push_replay(answer.into_iter());
            self.slot.members.add(&session, self.window.tail(), is_curious);
        }
        // A session that died meanwhile does not hear it; its successor finds the membership in the slot.
        let _ = done.send(());
    }

    /// The answer to who was at `position`, if everything since is here.
    fn replay(
        &self,
        session: &SessionSlot,
        format: Format,
        command: u32,
        position: &Position,
    ) -> Option<Vec<bytes::Bytes>> {
        let is_ours = position.epoch.is_empty() || position.epoch == self.epoch;
        if !is_ours || session.outbox.replay_bytes() > REPLAYS_BYTES {
            return None;
        }
        let base = subscribed(&self.epoch, position.offset);
        let result = SubscribeResult { was_recovering: true, recovered: true, ..base };
        self.window.recovered(format, command, position.offset, result)
    }

    /// Answers with what is in the window.
    pub(super) fn on_history(&mut self, ask: HistoryAsk) {
        let position = self.position();
        let (first, last) = ask.range.of(position.offset.get());
        let recent = self.window.said(first, last).collect();
        // The session may have given up.
        let _ = ask.answer.send(HistoryPart { position, range: (first, last), recent });
    }
}

fn subscribed(epoch: &str, offset: Offset) -> SubscribeResult {
    SubscribeResult {
        recoverable: true,
        positioned: true,
        epoch: epoch.to_owned(),
        offset: offset.get(),
        ..SubscribeResult::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_history_begins_where_it_is_asked_to_and_ends_with_the_room() {
        let range = |limit, since, reverse| HistoryRange { limit, since, reverse };
        for (asked, top, expected) in [
            (range(3, None, false), 10, (1, 3)),
            (range(3, Some(8), false), 10, (9, 10)),
            (range(3, Some(10), false), 10, (11, 10)),
            (range(3, None, true), 10, (8, 10)),
            (range(3, Some(8), true), 10, (5, 7)),
            (range(9, Some(3), true), 10, (1, 2)),
            (range(3, Some(99), true), 10, (8, 10)),
            (range(3, Some(1), true), 10, (1, 0)),
            (range(0, None, false), 10, (1, 0)),
            (range(0, None, true), 10, (11, 10)),
            (range(300, Some(u64::MAX), false), 10, (u64::MAX, 10)),
        ] {
            assert_eq!(asked.of(top), expected, "{asked:?}");
        }
    }
}
