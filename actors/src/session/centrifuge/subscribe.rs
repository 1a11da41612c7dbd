//! `subscribe` and `unsubscribe`.

use super::Turn;
use crate::limits::{CHANNEL_BYTES, SOCKET_CHANNELS};
use crate::metrics::REFUSALS;
use crate::room::Position;
use crate::session::subscription::Subscription;
use crate::session::{SessionState, take};
use crate::ticker::MARKET_CLOSED;
use crate::wire::centrifuge::message::{
    ERROR_IF_UNRECOVERABLE, Empty, Error, SubscribeRequest, SubscribeResult,
};
use crate::wire::centrifuge::{Channel, Reply};
use crate::wire::{CloseCode, Refusal};
use metrics::counter;
use tickroom_storage::candle::Series;
use tickroom_storage::{MarketCode, Offset, RoomName};

impl SessionState {
    pub(super) fn on_subscribe(&mut self, turn: &mut Turn, request: &SubscribeRequest) {
        if request.channel.is_empty() || !matches!(request.delta.as_str(), "" | "fossil") {
            return turn.close(CloseCode::BAD_REQUEST);
        }
        if let Err(error) = self.subscribe(turn, request) {
            turn.fail(error);
        }
    }

    fn subscribe(&mut self, turn: &mut Turn, request: &SubscribeRequest) -> Result<(), Error> {
        if request.channel.len() > CHANNEL_BYTES {
            return Err(Error::bad_request());
        }
        if self.slot.subscriptions.has(&request.channel) {
            return Err(Error::already_subscribed());
        }
        if self.slot.subscriptions.len() >= SOCKET_CHANNELS {
            return Err(Error::limit_exceeded());
        }
        self.spend_subscription()?;
        let channel = request.channel.parse().map_err(|_| Error::unknown_channel())?;
        if request.tf.is_some() {
            return Err(Error::bad_request());
        }
        if request.kind != 0 {
            return Err(Error::not_available());
        }
        match channel {
            Channel::Chat(room) => self.subscribe_to_room(turn, request, &room),
            Channel::Ticker(market) => self.subscribe_to_prices(turn, market),
            Channel::Candle(series) => self.subscribe_to_candles(turn, series),
            // One's own is subscribed to on connect.
            Channel::User(_) => Err(Error::permission_denied()),
        }
    }

    fn spend_subscription(&mut self) -> Result<(), Error> {
        let outcome = self.subscriptions.as_deref().map_or(Ok(()), take);
        self.note(outcome).map_err(|refusal| {
            counter!(REFUSALS, "code" => refusal.code()).increment(1);
            Error::from(&refusal)
        })
    }

    fn subscribe_to_room(
        &self,
        turn: &mut Turn,
        request: &SubscribeRequest,
        name: &RoomName,
    ) -> Result<(), Error> {
        let room = self.room(name)?;
        if self.slot.user().is_none() {
            return Err(Error::permission_denied());
        }
        if self.services.is_draining() {
            return Err((&Refusal::ShuttingDown).into());
        }
        let recover = request
            .recover
            .then(|| Position { epoch: request.epoch.as_str().into(), offset: Offset::new(request.offset) });
        let channel = request.channel.as_str().into();
        self.slot.subscriptions.add(Subscription::Joining { channel, command: turn.command() });
        turn.flush();
        let all_or_nothing = request.flag & ERROR_IF_UNRECOVERABLE != 0;
        turn.join(&self.services, room, recover, all_or_nothing, request.join_leave);
        Ok(())
    }

    /// The last price follows the answer at once, in the lane of prices.
    fn subscribe_to_prices(&self, turn: &mut Turn, market: MarketCode) -> Result<(), Error> {
        self.services.hub.last(&market).map_err(|_| Error::unknown_channel())?;
        turn.reply(Reply { subscribe: Some(SubscribeResult::default()), ..Reply::to(turn.command()) });
        turn.flush();
        let channel = Channel::Ticker(market.clone()).to_string();
        if self.watch(market).is_err() {
            self.tell_closed(&channel);
        }
        Ok(())
    }

    /// What is known follows the answer at once.
    fn subscribe_to_candles(&self, turn: &mut Turn, series: Series) -> Result<(), Error> {
        self.services.hub.last(&series.market).map_err(|_| Error::unknown_channel())?;
        turn.reply(Reply { subscribe: Some(SubscribeResult::default()), ..Reply::to(turn.command()) });
        turn.flush();
        let channel = Channel::Candle(series.clone()).to_string();
        if self.watch_series(series).is_err() {
            self.tell_closed(&channel);
        }
        Ok(())
    }

    /// The market was closed between the answer and the first price.
    fn tell_closed(&self, channel: &str) {
        let (code, reason) = MARKET_CLOSED;
        self.slot.unsubscribed(channel, code, reason);
    }

    /// Always succeeds, also for a channel that is not subscribed to: anything else would make the client reconnect.
    pub(super) fn on_unsubscribe(&self, turn: &mut Turn, channel: &str) {
        if let Some(subscription) = self.slot.subscriptions.take(channel) {
            self.slot.end(&self.services, &subscription);
        }
        turn.reply(Reply { unsubscribe: Some(Empty {}), ..Reply::to(turn.command()) });
    }
}
