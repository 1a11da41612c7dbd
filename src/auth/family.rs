//! A login and all tokens that descend from it: a family. Access tokens prove themselves without the database, so
//! this is where one learns that the login behind a token has ended.
//!
//! What ends a family runs on a task of its own: a client that logs out and closes the tab at once must not leave its
//! sockets open.

use std::{net::IpAddr, sync::Arc};

use moka::sync::Cache;
use tickroom_storage::{
    FamilyId, StorageError, TimestampMs, UserId,
    token::{Holder, Login, NewFamily, Rotation, Tokens},
};
use tracing::Instrument;

use super::millis;
use crate::{
    error::ApiError,
    limits::{FAMILIES_REMEMBERED_MAX, FAMILY_REMEMBERED_FOR, REFRESH_GRACE},
    middleware::rate_limit::household,
};

/// Told of every family that ends before its time, so that the sockets which live on it can be closed. It may be told
/// of one twice.
pub type OnRevoked = Arc<dyn Fn(UserId, FamilyId) + Send + Sync>;

/// The families, which of them are live, and whose they are. Clones share everything.
#[derive(Clone)]
pub(super) struct Families {
    tokens: Tokens,
    /// What the database said lately; `None` of a family that has ended. Without it every request would cost a query.
    known: Cache<FamilyId, Option<Arc<Holder>>>,
    on_revoked: OnRevoked,
}

impl Families {
    pub(super) fn new(tokens: Tokens, on_revoked: OnRevoked) -> Self {
        let known = Cache::builder()
            .max_capacity(FAMILIES_REMEMBERED_MAX)
            .time_to_live(FAMILY_REMEMBERED_FOR)
            .support_invalidation_closures()
            .build();
        Self { tokens, known, on_revoked }
    }

    pub(super) async fn start(&self, family: NewFamily) -> Result<(), StorageError> {
        self.tokens.start_family(family).await
    }

    pub(super) async fn list(
        &self,
        user: UserId,
        before: Option<FamilyId>,
        limit: u16,
        now: TimestampMs,
    ) -> Result<Vec<Login>, ApiError> {
        Ok(self.tokens.logins(user, before, limit, now).await?)
    }

    /// Whether the user has logged in from this address before.
    pub(super) async fn know_address(&self, user: UserId, client: IpAddr) -> Result<bool, ApiError> {
        Ok(self.tokens.knows_address(user, &household(client).to_string()).await?)
    }

    /// Whose family it is, if its tokens still count.
    pub(super) async fn holder(
        &self,
        family: FamilyId,
        now: TimestampMs,
    ) -> Result<Option<Arc<Holder>>, ApiError> {
        if let Some(known) = self.known.get(&family) {
            return Ok(known);
        }
        let holder = self.tokens.holder(family, now).await?.map(Arc::new);
        // Never overwrite: the family may have been revoked while the database was looking.
        Ok(self.known.entry(family).or_insert(holder).into_value())
    }

    /// Asks anew whose families they are that belong to this person, for her name or picture has changed.
    pub(super) fn changed(&self, user: UserId) {
        let is_hers = move |_: &FamilyId, holder: &Option<Arc<Holder>>| {
            holder.as_ref().is_some_and(|holder| holder.user == user)
        };
        if let Err(error) = self.known.invalidate_entries_if(is_hers) {
            tracing::warn!(%error, "a changed name shows late");
        }
    }

    /// Exchanges a refresh token for its successor, both as fingerprints.
    pub(super) async fn rotate(
        &self,
        old: String,
        new: String,
        now: TimestampMs,
        expires_at: TimestampMs,
    ) -> Result<Rotation, ApiError> {
        let families = self.clone();
        to_the_end(async move {
            let grace_ms = millis(REFRESH_GRACE);
            let rotation = families.tokens.rotate(&old, &new, now, expires_at, grace_ms).await?;
            if let Rotation::Reused { user, family } = rotation {
                tracing::warn!(user_id = %user, family_id = %family, "replaced refresh token used again, login ended");
                families.ended(user, family);
            }
            Ok(rotation)
        })
        .await
        .map_err(Into::into)
    }

    /// Ends a family, in the database first.
    pub(super) async fn revoke(
        &self,
        user: UserId,
        family: FamilyId,
        now: TimestampMs,
    ) -> Result<(), ApiError> {
        let families = self.clone();
        to_the_end(async move {
            families.tokens.revoke_family(family, now).await?;
            families.ended(user, family);
            Ok(())
        })
        .await
        .map_err(Into::into)
    }

    /// Ends a family if it is this user's. Says whether it was, and still stood.
    pub(super) async fn revoke_own(
        &self,
        user: UserId,
        family: FamilyId,
        now: TimestampMs,
    ) -> Result<bool, ApiError> {
        let families = self.clone();
        let ended = to_the_end(async move {
            let ended = families.tokens.revoke_own(user, family, now).await?;
            if ended {
                families.ended(user, family);
            }
            Ok(ended)
        });
        Ok(ended.await?)
    }

    /// Ends all families of a user but one.
    pub(super) async fn revoke_others(
        &self,
        user: UserId,
        keep: Option<FamilyId>,
        now: TimestampMs,
    ) -> Result<(), ApiError> {
        let families = self.clone();
        let ended = to_the_end(async move {
            for family in families.tokens.revoke_others(user, keep, now).await? {
                families.ended(user, family);
            }
            Ok(())
        });
        Ok(ended.await?)
    }

    /// Makes known that a family has ended in the database.
    pub(super) fn ended(&self, user: UserId, family: FamilyId) {
        self.known.insert(family, None);
        (self.on_revoked)(user, family);
    }
}

/// Runs `work` to its end even if the client hangs up and its request is dropped.
pub(super) async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, StorageError>> + Send + 'static,
) -> Result<T, StorageError> {
    let outcome = tokio::spawn(work.in_current_span()).await;
    // It panicked, which has been reported.
    outcome.unwrap_or_else(|panic| Err(StorageError::Internal(panic.into())))
}
