//! One's own logins: where they are, and how to end them from somewhere else.

use tickroom_storage::{FamilyId, token::Login};

use super::{Auth, Identity};
use crate::error::ApiError;

impl Auth {
    /// One's logins that stand, the newest first, from those older than `before` on.
    ///
    /// # Errors
    ///
    /// Only the server's own.
    pub async fn logins(
        &self,
        identity: &Identity,
        before: Option<FamilyId>,
        limit: u16,
    ) -> Result<Vec<Login>, ApiError> {
        self.0.families.list(identity.user_id, before, limit, self.now()).await
    }

    /// Ends one of one's own logins, and its sockets.
    ///
    /// # Errors
    ///
    /// 404 for one that has ended, or is somebody else's: nobody learns which.
    pub async fn end_login(&self, identity: &Identity, family: FamilyId) -> Result<(), ApiError> {
        let ended = self.0.families.revoke_own(identity.user_id, family, self.now()).await?;
        if ended { Ok(()) } else { Err(ApiError::not_found("session")) }
    }

    /// Ends all of one's logins but the one that asks.
    ///
    /// # Errors
    ///
    /// Only the server's own.
    pub async fn end_other_logins(&self, identity: &Identity) -> Result<(), ApiError> {
        self.0.families.revoke_others(identity.user_id, identity.family, self.now()).await
    }
}
