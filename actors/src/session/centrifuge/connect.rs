//! `connect` and `refresh`: who is at the other end.

use super::Turn;
use crate::limits::ANSWER_WITHIN;
use crate::session::subscription::Subscription;
use crate::session::{Identity, SessionState, Stage, Terms, Unproven};
use crate::sessions::SessionsMessage;
use crate::wire::CloseCode;
use crate::wire::centrifuge::message::{
    ConnectResult, Error, RefreshResult, ServerSubscription, SubscribeResult,
};
use crate::wire::centrifuge::{Channel, Reply};
use std::sync::Arc;
use tickroom_storage::TimestampMs;
use tokio::time::timeout;

/// Sent to clients, which show it in their logs.
const VERSION: &str = concat!("tickroom ", env!("CARGO_PKG_VERSION"));

impl SessionState {
    /// Lets a client in, or says why not.
    pub(super) async fn on_connect(&mut self, terms: &Terms, turn: &mut Turn, token: &str) {
        if self.services.is_draining() {
            return turn.close(CloseCode::SHUTDOWN);
        }
        self.enter(Stage::Connecting);
        if !token.is_empty() {
            let id = turn.command();
            if let Err(refused) = self.adopt(terms, token).await {
                match refused {
                    Adoption::Refused(error) => {
                        turn.reply(Reply::error(id, error));
                        turn.end();
                        self.enter(Stage::Refused);
                    }
                    Adoption::Closed(code) => turn.close(code),
                }
                return;
            }
        }
        let renewable = !token.is_empty();
        let interval_ms = self.services.config.ping_interval.as_millis();
        // In whole seconds, never too few.
        let ping = if terms.frame_pings {
            0
        } else {
            u32::try_from(interval_ms.div_ceil(1_000)).unwrap_or(u32::MAX)
        };
        let result = ConnectResult {
            client: self.slot.client.to_string(),
            version: VERSION.to_owned(),
            expires: renewable,
            ttl: if renewable { self.ttl_s() } else { 0 },
            subs: self.own_channel().into_iter().collect(),
            ping,
            pong: !terms.frame_pings,
        };
        self.enter(Stage::Connected { renewable });
        turn.reply(Reply { connect: Some(result), ..Reply::to(turn.command()) });
        // What concerns the user must not overtake the answer.
        turn.flush();
        if let Some(user) = self.slot.user() {
            self.slot.subscriptions.add(Subscription::User(user));
        }
        self.tell_shard(SessionsMessage::Identified(Arc::clone(&self.slot)));
    }

    /// Goes on with another token of the same user.
    pub(super) async fn on_refresh(&mut self, terms: &Terms, turn: &mut Turn, token: &str) {
        if token.is_empty() {
            return turn.close(CloseCode::BAD_REQUEST);
        }
        let id = turn.command();
        match self.adopt(terms, token).await {
            Ok(()) => {
                // The shard looks at the new time when the old one is over.
                self.enter(Stage::Connected { renewable: true });
                let result = RefreshResult { expires: true, ttl: self.ttl_s() };
                turn.reply(Reply { refresh: Some(result), ..Reply::to(id) });
            }
            // As an error this would be the end for the client; closed like this it comes back and gets another token.
            Err(Adoption::Refused(error)) if error.code == Error::token_expired().code => {
                turn.close(CloseCode::EXPIRED);
            }
            Err(Adoption::Refused(error)) => turn.reply(Reply::error(id, error)),
            Err(Adoption::Closed(code)) => turn.close(code),
        }
    }

    /// Takes the user of a token for the one at the other end. Once connected, it must be the same one.
    async fn adopt(&self, terms: &Terms, token: &str) -> Result<(), Adoption> {
        let identity = prove(terms, token).await?;
        let is_connected = self.slot.connection.as_ref().is_some_and(|connection| connection.is_connected());
        if is_connected && self.slot.user() != Some(identity.user) {
            return Err(Adoption::Closed(CloseCode::INVALID_TOKEN));
        }
        let max = self.services.config.sockets_per_user;
        let registered = self.services.registry.identify(&self.slot, identity, max);
        registered.map_err(|_| Adoption::Closed(CloseCode::TOO_MANY_SOCKETS))?;
        // A login that ended before the registry knew its socket found nobody to send away.
        prove(terms, token).await.map(drop)
    }

    /// A user is subscribed to what concerns them, whether they ask or not.
    fn own_channel(&self) -> Option<ServerSubscription> {
        let user = self.slot.user()?;
        let (channel, result) = (Channel::User(user).to_string(), Some(SubscribeResult::default()));
        Some(ServerSubscription { channel, result })
    }

    /// Seconds until the client has to bring another token; at least one, for zero would be never.
    fn ttl_s(&self) -> u32 {
        let expires_at = self.slot.identity().map(|identity| identity.expires_at.as_millis());
        let left_ms = expires_at.unwrap_or_default() - TimestampMs::now().as_millis();
        u32::try_from(left_ms / 1_000).unwrap_or_default().max(1)
    }

    fn enter(&self, stage: Stage) {
        if let Some(connection) = &self.slot.connection {
            connection.enter(stage);
        }
    }
}

/// Why a token did not help.
enum Adoption {
    /// The client is told.
    Refused(Error),
    /// The socket is closed.
    Closed(CloseCode),
}

async fn prove(terms: &Terms, token: &str) -> Result<Identity, Adoption> {
    let proof = timeout(ANSWER_WITHIN, terms.authority.identify(token)).await;
    proof.unwrap_or(Err(Unproven::Unavailable)).map_err(|unproven| match unproven {
        Unproven::Expired => Adoption::Refused(Error::token_expired()),
        Unproven::Unavailable => Adoption::Refused(Error::internal()),
        Unproven::Invalid => Adoption::Closed(CloseCode::INVALID_TOKEN),
    })
}
