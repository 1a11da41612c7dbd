//! One-time tickets: how a client that can set neither header nor cookie opens a socket. A URL ends up in logs and
//! histories, so what stands in it is good for one use within half a minute.
//!
//! Tickets live in this process: a client redeems its ticket at the server that gave it.

use moka::{policy::EvictionPolicy, sync::Cache};
use tickroom_storage::TimestampMs;

use super::{Identity, later, secret};
use crate::{
    error::ApiError,
    limits::{TICKET_TTL, TICKETS_MAX},
};

/// The tickets that wait for their sockets.
pub(super) struct Tickets {
    waiting: Cache<String, Ticket>,
}

#[derive(Clone)]
struct Ticket {
    identity: Identity,
    expires_at: TimestampMs,
}

impl Tickets {
    pub(super) fn new() -> Self {
        // Least recently used, because moka's default policy may turn away a new entry in favour of old ones.
        let waiting = Cache::builder()
            .max_capacity(TICKETS_MAX)
            .eviction_policy(EvictionPolicy::lru())
            .time_to_live(TICKET_TTL)
            .build();
        Self { waiting }
    }

    /// A ticket that stands for `identity`, for as long as that is good and not longer.
    pub(super) fn issue(&self, identity: Identity, now: TimestampMs) -> Result<String, ApiError> {
        let secret = secret::generate()?;
        let expires_at = later(now, TICKET_TTL).min(identity.expires_at);
        self.waiting.insert(secret.clone(), Ticket { identity, expires_at });
        Ok(secret)
    }

    /// Whom the ticket stands for. Removing is atomic, so of two who come with one ticket only one gets in.
    pub(super) fn redeem(&self, secret: &str, now: TimestampMs) -> Option<Identity> {
        // The cache drops what has expired when it gets to it, and by its own clock.
        let ticket = self.waiting.remove(secret)?;
        (now < ticket.expires_at).then_some(ticket.identity)
    }
}
