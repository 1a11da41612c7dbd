//! Commands of the native dialects: to say something in the one room, to watch a market.

use super::subscription::Subscription;
use super::{Dialect, Identity, Inbound, SessionState};
use crate::limits;
use crate::room::{Publish, Receipt, RoomMessage, RoomSlot};
use crate::rooms::RoomsMessage;
use crate::wire::{self, Refusal, native, ticker::Watch};
use std::sync::Arc;
use tickroom_storage::MarketCode;
use tickroom_storage::candle::Series;
use tickroom_storage::message::Sender;

impl From<Identity> for Sender {
    fn from(identity: Identity) -> Self {
        Self { id: identity.user, name: identity.name, profile_url: identity.profile_url }
    }
}

impl SessionState {
    /// Asks for the room. A session that was restarted is a member already and just goes on.
    pub(super) fn on_join(&mut self) {
        if let (Dialect::Chat { room, resume }, None) = (&self.slot.dialect, self.slot.room()) {
            let message = RoomMessage::Join { session: Arc::clone(&self.slot), resume: resume.clone() };
            // While the rooms are down nobody answers, and the shard asks again.
            self.services.rooms.cast(RoomsMessage::Ask { room: room.clone(), message });
        }
    }

    pub(super) fn on_inbound(&mut self, inbound: &Inbound) {
        let Inbound::Text(text) = inbound else {
            return self.slot.refuse(&Refusal::Binary, None);
        };
        if self.services.is_draining() {
            return self.slot.refuse(&Refusal::ShuttingDown, None);
        }
        if let Err(refusal) = self.spend() {
            return self.slot.refuse(&refusal, None);
        }
        match self.slot.dialect {
            Dialect::Ticker => return self.on_watch(text),
            Dialect::Candle => return self.on_watch_series(text),
            Dialect::Chat { .. } | Dialect::Centrifuge(_) => {}
        }
        match (self.slot.room(), self.slot.identity()) {
            (Some(room), Some(identity)) => self.on_say(text, &room, identity),
            _ => self.slot.refuse(&Refusal::NotJoined, None),
        }
    }

    fn on_say(&self, text: &str, room: &Arc<RoomSlot>, identity: Identity) {
        match native::decode(text) {
            Ok(say) => room.publish(Publish {
                sender: identity.into(),
                content: say.content,
                receipt: Receipt::new(Arc::clone(&self.slot), say.client_id),
            }),
            Err((refusal, id)) => self.slot.refuse(&refusal, id.as_ref()),
        }
    }

    fn on_watch(&self, text: &str) {
        let outcome = wire::ticker::decode(text).and_then(|watch| match watch {
            Watch::Start(code) => self.watch(code),
            Watch::Stop(code) => self.unwatch(&code),
        });
        if let Err(refusal) = outcome {
            self.slot.refuse(&refusal, None);
        }
    }

    /// Watches a market. Twice is once.
    pub(super) fn watch(&self, code: MarketCode) -> Result<(), Refusal> {
        let subscriptions = &self.slot.subscriptions;
        if subscriptions.has_market(&code) {
            return Ok(());
        }
        if subscriptions.len() >= limits::SOCKET_MARKETS {
            return Err(Refusal::TooManyMarkets(limits::SOCKET_MARKETS));
        }
        subscriptions.add(Subscription::Ticker(code.clone()));
        let watching = self.services.hub.watch(&code, &self.slot);
        // Closed in the meantime: whoever closed it may have looked before the hub knew.
        if self.slot.is_closed() || watching.is_err() {
            subscriptions.remove_market(&code);
            let _ = self.services.hub.unwatch(&code, &self.slot);
        }
        watching.map_err(|_| Refusal::UnknownMarket(code.to_string()))
    }

    fn unwatch(&self, code: &MarketCode) -> Result<(), Refusal> {
        self.slot.subscriptions.remove_market(code);
        self.services.hub.unwatch(code, &self.slot).map_err(|_| Refusal::UnknownMarket(code.to_string()))
    }

    fn on_watch_series(&self, text: &str) {
        let outcome = wire::candle::decode(text).and_then(|watch| match watch {
            wire::candle::Watch::Start(series) => self.watch_series(series),
            wire::candle::Watch::Stop(series) => self.unwatch_series(&series),
        });
        if let Err(refusal) = outcome {
            self.slot.refuse(&refusal, None);
        }
    }

    /// Watches a market's candles of one length. Twice is once.
    pub(super) fn watch_series(&self, series: Series) -> Result<(), Refusal> {
        let subscriptions = &self.slot.subscriptions;
        if subscriptions.has_series(&series) {
            return Ok(());
        }
        if subscriptions.len() >= limits::SOCKET_SERIES {
            return Err(Refusal::TooManyMarkets(limits::SOCKET_SERIES));
        }
        subscriptions.add(Subscription::Candle(series.clone()));
        let watching = self.services.candles.watch(&series, &self.slot, &self.services.hub);
        // Closed in the meantime: whoever closed it may have looked before the hub knew.
        if self.slot.is_closed() || watching.is_err() {
            subscriptions.remove_series(&series);
            self.services.candles.unwatch(&series, &self.slot);
        }
        watching.map_err(|_| Refusal::UnknownMarket(series.market.to_string()))
    }

    fn unwatch_series(&self, series: &Series) -> Result<(), Refusal> {
        self.slot.subscriptions.remove_series(series);
        self.services.candles.unwatch(series, &self.slot);
        let known = self.services.hub.last(&series.market);
        known.map(|_| ()).map_err(|_| Refusal::UnknownMarket(series.market.to_string()))
    }
}
