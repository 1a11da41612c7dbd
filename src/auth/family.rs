//! A login and all tokens that descend from it: a family. Access tokens prove themselves without the database, so
//! this is where one learns that the login behind a token has ended.

use std::sync::Arc;

use moka::sync::Cache;
use tickroom_storage::{FamilyId, TimestampMs, UserId, token::Tokens};

use crate::{
    error::ApiError,
    limits::{FAMILIES_REMEMBERED_MAX, FAMILY_REMEMBERED_FOR},
};

/// Told of every family that ends before its time, so that the sockets which live on it can be closed.
pub type OnRevoked = Arc<dyn Fn(UserId, FamilyId) + Send + Sync>;

/// Which families are live.
pub(super) struct Families {
    tokens: Tokens,
    /// What the database said lately. Without it every request would cost a query.
    known: Cache<FamilyId, bool>,
    on_revoked: OnRevoked,
}

impl Families {
    pub(super) fn new(tokens: Tokens, on_revoked: OnRevoked) -> Self {
        let known = Cache::builder()
            .max_capacity(FAMILIES_REMEMBERED_MAX)
            .time_to_live(FAMILY_REMEMBERED_FOR)
            .build();
        Self { tokens, known, on_revoked }
    }

    /// Whether tokens of this family still count.
    pub(super) async fn is_live(&self, family: FamilyId, now: TimestampMs) -> Result<bool, ApiError> {
        if let Some(live) = self.known.get(&family) {
            return Ok(live);
        }
        let live = self.tokens.is_live(family, now).await?;
        // Never overwrite: the family may have been revoked while the database was looking.
        Ok(self.known.entry(family).or_insert(live).into_value())
    }

    /// Ends a family, in the database first.
    pub(super) async fn revoke(&self, user: UserId, family: FamilyId, now: TimestampMs) -> Result<(), ApiError> {
        self.tokens.revoke_family(family, now).await?;
        self.ended(user, family);
        Ok(())
    }

    /// Notes that the database has ended a family.
    pub(super) fn ended(&self, user: UserId, family: FamilyId) {
        self.known.insert(family, false);
        (self.on_revoked)(user, family);
    }
}
