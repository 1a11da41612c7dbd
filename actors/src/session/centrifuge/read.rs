//! `history`, `presence` and `presence_stats`.

use super::Turn;
use crate::limits::{ANSWER_WITHIN, HISTORY_BYTES, HISTORY_MESSAGES};
use crate::room::{HistoryAsk, HistoryPart, HistoryRange, Position, RoomMessage, RoomSlot};
use crate::rooms::RoomsMessage;
use crate::session::SessionState;
use crate::wire::centrifuge::message::{
    Error, HistoryRequest, HistoryResult, PresenceResult, PresenceStatsResult,
};
use crate::wire::centrifuge::publication::Said;
use crate::wire::centrifuge::{Channel, Reply};
use crate::wire::native;
use std::sync::Arc;
use tickroom_storage::message::PageBound;
use tickroom_storage::{Offset, RoomName};
use tokio::sync::oneshot;
use tokio::time::timeout;

impl SessionState {
    pub(super) fn on_presence(&self, turn: &mut Turn, channel: &str) {
        match self.readable_room(channel) {
            Ok(room) => {
                let presence = Some(PresenceResult { presence: room.members.presence() });
                turn.reply(Reply { presence, ..Reply::to(turn.command()) });
            }
            Err(error) => turn.fail(error),
        }
    }

    pub(super) fn on_presence_stats(&self, turn: &mut Turn, channel: &str) {
        match self.readable_room(channel) {
            Ok(room) => {
                let (clients, users) = room.members.counts();
                let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
                let stats = PresenceStatsResult { num_clients: count(clients), num_users: count(users) };
                turn.reply(Reply { presence_stats: Some(stats), ..Reply::to(turn.command()) });
            }
            Err(error) => turn.fail(error),
        }
    }

    pub(super) async fn on_history(&self, turn: &mut Turn, request: HistoryRequest) {
        // Reading may take its time.
        turn.flush();
        match self.history(request).await {
            Ok(result) => turn.reply(Reply { history: Some(result), ..Reply::to(turn.command()) }),
            Err(error) => turn.fail(error),
        }
    }

    /// The room of a channel, for who may read it: anybody with a login.
    fn readable_room(&self, channel: &str) -> Result<Arc<RoomSlot>, Error> {
        let room: RoomName = match channel.parse().map_err(|_| Error::unknown_channel())? {
            Channel::Chat(room) => room,
            _ => return Err(Error::not_available()),
        };
        let room = self.room(&room)?;
        if self.slot.user().is_some() { Ok(room) } else { Err(Error::permission_denied()) }
    }

    async fn history(&self, request: HistoryRequest) -> Result<HistoryResult, Error> {
        let room = self.readable_room(&request.channel)?;
        let has_since = request.since.is_some();
        let since = request.since.unwrap_or_default();
        if request.reverse && has_since && since.offset == 0 {
            return Err(Error::bad_request());
        }
        let limit = u64::try_from(request.limit).unwrap_or(u64::MAX).min(HISTORY_MESSAGES.into());
        let range =
            HistoryRange { limit, since: has_since.then_some(since.offset), reverse: request.reverse };
        let read = timeout(ANSWER_WITHIN, self.read(&room, range)).await;
        let (Position { epoch, offset }, mut said) = read.unwrap_or_else(|_| Err(Error::internal()))?;
        if !since.epoch.is_empty() && *since.epoch != *epoch {
            return Err(Error::unrecoverable_position());
        }
        if request.reverse {
            said.reverse();
        }
        let mut bytes = 0;
        let fits = |said: &Said| {
            let is_first = bytes == 0;
            bytes += said.json.len();
            is_first || bytes <= HISTORY_BYTES
        };
        let publications = said.into_iter().take_while(fits).map(Into::into).collect();
        Ok(HistoryResult { publications, epoch: epoch.to_string(), offset: offset.get() })
    }

    /// The messages of a range, oldest first: from the room's window, and what came before that from the log.
    async fn read(&self, room: &RoomSlot, range: HistoryRange) -> Result<(Position, Vec<Said>), Error> {
        let (answer, part) = oneshot::channel();
        let message = RoomMessage::History(HistoryAsk { range, answer });
        self.services.rooms.cast(RoomsMessage::Ask { room: room.name.clone(), message });
        // A room that dies, or is dead, does not answer; the client is told to ask again.
        let HistoryPart { position, range: (first, last), recent } =
            part.await.map_err(|_| Error::internal())?;
        let known_from = recent.first().map_or(last.saturating_add(1), |said| said.offset.get());
        if first >= known_from {
            return Ok((position, recent));
        }
        let mut said = self.read_log(room, first, known_from - 1).await?;
        said.extend(recent);
        Ok((position, said))
    }

    /// Messages of the log, or an error while some of them wait to be stored. An offset without a message is no gap: it
    /// was given to a repeat that only the log recognised.
    async fn read_log(&self, room: &RoomSlot, first: u64, last: u64) -> Result<Vec<Said>, Error> {
        // The intake first: what leaves it between the two looks is in the log by then.
        let intake = &self.services.intake;
        let waits = intake.unsaved(&room.name).first().is_some_and(|message| message.offset.get() <= last);
        let is_spilled = intake.spilled_tail(&room.name).is_some_and(|tail| tail.get() >= first);
        if waits || is_spilled {
            return Err(Error::internal());
        }
        let count = u16::try_from(last - first + 1).unwrap_or(HISTORY_MESSAGES);
        let bound = PageBound::After(Offset::new(first - 1));
        let page = self.services.log.page(&room.name, bound, count).await.map_err(|error| {
            tracing::warn!(room = %room.name, %error, "history cannot be read");
            Error::internal()
        })?;
        let page = page.iter().filter(|message| message.offset.get() <= last);
        let said = page.map(|message| Said {
            json: native::message(message),
            sender: message.sender.id,
            offset: message.offset,
        });
        Ok(said.collect())
    }
}
