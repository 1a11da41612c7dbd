//! Logins. A login is a *family* of refresh tokens: each use of the newest one replaces it, and a second use of an
//! old one means that somebody else has a copy, which ends the login.

use sqlx::any::AnyRow;
use sqlx::{FromRow, Row};

use crate::engine::{Database, Transaction};
use crate::limits::USER_AGENT_CHARS_MAX;
use crate::{FamilyId, StorageError, TimestampMs, UserId};

mod holder;

pub use holder::Holder;

/// A login that begins.
#[derive(Clone, Debug)]
pub struct NewFamily {
    /// Which login, fresh from the generator.
    pub id: FamilyId,
    /// Who logs in.
    pub user_id: UserId,
    /// The password's hash that the login was proved against. If it has been replaced since, nothing begins.
    pub proved_against: String,
    /// What the browser says it is, cut to a readable length when stored.
    pub user_agent: Option<String>,
    /// From where, as text.
    pub address: Option<String>,
    /// Lower-case hexadecimal SHA-256 of the first refresh token.
    pub token_hash: String,
    /// The moment of the login.
    pub now: TimestampMs,
    /// When the first token, and the login with it, expires unless it is used.
    pub expires_at: TimestampMs,
}

/// A login that stands, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// Which.
    pub id: FamilyId,
    /// What the browser said it is.
    pub user_agent: Option<String>,
    /// From where it began.
    pub address: Option<String>,
    /// When it began.
    pub created_at: TimestampMs,
    /// When a token of it was last refreshed.
    pub last_used_at: TimestampMs,
}

impl FromRow<'_, AnyRow> for Login {
    fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            user_agent: row.try_get("user_agent")?,
            address: row.try_get("address")?,
            created_at: row.try_get("created_at")?,
            last_used_at: row.try_get("last_used_at")?,
        })
    }
}

/// What became of a refresh token that was presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// It was the newest and is now replaced: mint an access token and hand out the new refresh token.
    Rotated {
        /// The login.
        family: FamilyId,
        /// Whose.
        user: UserId,
    },
    /// It was presented again within the grace (parallel tabs): mint an access token, no new refresh token.
    Replayed {
        /// The login.
        family: FamilyId,
        /// Whose.
        user: UserId,
    },
    /// It was presented again after the grace: theft. The family is now revoked.
    Reused {
        /// The login that ended.
        family: FamilyId,
        /// Whose.
        user: UserId,
    },
    /// It is too old. That is no theft even of a replaced one: a stale tab or a restored backup looks the same, and
    /// it opens nothing any more.
    Expired,
    /// Its login was ended before.
    Revoked,
    /// Nobody issued it, or it expired long ago.
    Unknown,
}

/// A presented token and its family, as they are inside the transaction.
struct Presented {
    family: FamilyId,
    user: UserId,
    expires_at: TimestampMs,
    rotated_at: Option<TimestampMs>,
    revoked_at: Option<TimestampMs>,
}

impl Presented {
    /// What becomes of it. `claimed`: it was this call that marked it as rotated.
    fn judge(&self, claimed: bool, now: TimestampMs, grace_ms: i64) -> Rotation {
        let &Self { family, user, expires_at, rotated_at, revoked_at } = self;
        match rotated_at {
            _ if revoked_at.is_some() => Rotation::Revoked,
            _ if expires_at <= now => Rotation::Expired,
            _ if claimed => Rotation::Rotated { family, user },
            Some(at) if now.millis_since(at) > grace_ms => Rotation::Reused { family, user },
            _ => Rotation::Replayed { family, user },
        }
    }
}

impl FromRow<'_, AnyRow> for Presented {
    fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            family: row.try_get("family_id")?,
            user: row.try_get("user_id")?,
            expires_at: row.try_get("expires_at")?,
            rotated_at: row.try_get("rotated_at")?,
            revoked_at: row.try_get("revoked_at")?,
        })
    }
}

const INSERT_FAMILY: &str = "
    insert into token_family (id, user_id, created_at, last_used_at, expires_at, user_agent, address)
    values ($1, $2, $3, $4, $5, $6, $7)";

const SELECT_ADMITTED: &str = "
    select id from users where id = $1 and password_hash = $2 and suspended_at is null and deleted_at is null";

const INSERT_TOKEN: &str =
    "insert into refresh_token (hash, family_id, issued_at, expires_at) values ($1, $2, $3, $4)";

const CLAIM_TOKEN: &str = "update refresh_token set rotated_at = $1 where hash = $2 and rotated_at is null";

const SELECT_PRESENTED: &str = "
    select refresh_token.family_id, token_family.user_id, refresh_token.expires_at, refresh_token.rotated_at,
        token_family.revoked_at
    from refresh_token join token_family on token_family.id = refresh_token.family_id
    where refresh_token.hash = $1";

const TOUCH_FAMILY: &str = "update token_family set last_used_at = $1, expires_at = $2 where id = $3";

const REVOKE_FAMILY: &str = "update token_family set revoked_at = $1 where id = $2 and revoked_at is null";

const REVOKE_OWN: &str =
    "update token_family set revoked_at = $1 where id = $2 and user_id = $3 and revoked_at is null";

const REVOKE_USER: &str =
    "update token_family set revoked_at = $1 where user_id = $2 and id <> $3 and revoked_at is null";

const SELECT_LOGINS: &str = "
    select id, user_agent, address, created_at, last_used_at from token_family
    where user_id = $1 and id < $2 and revoked_at is null and expires_at > $3
    order by id desc limit $4";

const SELECT_ADDRESS: &str = "select id from token_family where user_id = $1 and address = $2 limit 1";

const SELECT_REVOKED: &str = "select id from token_family where user_id = $1 and revoked_at = $2 order by id";

/// All logins.
#[derive(Clone, Debug)]
pub struct Tokens {
    database: Database,
}

impl Tokens {
    /// The logins in this database.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// Begins a login with its first refresh token.
    ///
    /// # Errors
    ///
    /// `NotFound` when the user does not exist, or may not log in any more, or has another password by now; `Conflict`
    /// when the id or the token exists.
    pub async fn start_family(&self, family: NewFamily) -> Result<(), StorageError> {
        let NewFamily { id, user_id, proved_against, user_agent, address, token_hash, now, expires_at } =
            family;
        let user_agent = user_agent.map(|text| text.chars().take(USER_AGENT_CHARS_MAX).collect::<String>());
        let mut transaction = self.database.begin().await?;
        // A password takes a while to check, in which it may have been replaced, and all logins ended but this one.
        // The row is locked, so that what ends logins waits for this one, and ends it, too.
        let select = sqlx::query_scalar::<_, UserId>(self.database.locking(SELECT_ADMITTED));
        let select = select.bind(user_id).bind(proved_against);
        if select.fetch_optional(&mut *transaction).await?.is_none() {
            return Err(StorageError::NotFound { what: "user" });
        }
        let insert = self.database.query(INSERT_FAMILY).bind(id).bind(user_id).bind(now).bind(now);
        insert.bind(expires_at).bind(user_agent).bind(address).execute(&mut *transaction).await?;
        self.insert_token(&mut transaction, &token_hash, id, now, expires_at).await?;
        Ok(transaction.commit().await?)
    }

    /// Exchanges a refresh token for its successor, both given as lower-case hexadecimal SHA-256. However many
    /// present the same token at once, exactly one rotates it.
    ///
    /// # Errors
    ///
    /// `Conflict` when the new token exists already.
    pub async fn rotate(
        &self,
        old_hash: &str,
        new_hash: &str,
        now: TimestampMs,
        expires_at: TimestampMs,
        grace_ms: i64,
    ) -> Result<Rotation, StorageError> {
        let mut transaction = self.database.begin().await?;
        // The update comes before the look: it takes the row's lock, so whoever comes second sees the token rotated.
        let claim = self.database.query(CLAIM_TOKEN).bind(now).bind(old_hash);
        let claimed = claim.execute(&mut *transaction).await?.rows_affected() == 1;
        let select = self.database.query_as::<Presented>(SELECT_PRESENTED).bind(old_hash);
        let presented = select.fetch_optional(&mut *transaction).await?;
        let rotation = presented.map_or(Rotation::Unknown, |token| token.judge(claimed, now, grace_ms));
        match rotation {
            Rotation::Rotated { family, .. } => {
                self.insert_token(&mut transaction, new_hash, family, now, expires_at).await?;
                let touch = self.database.query(TOUCH_FAMILY).bind(now).bind(expires_at).bind(family);
                touch.execute(&mut *transaction).await?;
                transaction.commit().await?;
            }
            Rotation::Reused { family, .. } => {
                let revoke = self.database.query(REVOKE_FAMILY).bind(now).bind(family);
                revoke.execute(&mut *transaction).await?;
                transaction.commit().await?;
            }
            // A claim on an expired or revoked token is taken back.
            _ => transaction.rollback().await?,
        }
        Ok(rotation)
    }

    /// Ends a login. Says whether it still stood.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn revoke_family(&self, family: FamilyId, now: TimestampMs) -> Result<bool, StorageError> {
        let revoke = self.database.query(REVOKE_FAMILY).bind(now).bind(family);
        Ok(revoke.execute(self.database.writer()).await?.rows_affected() == 1)
    }

    /// Ends a login if it is this person's. Says whether it was, and still stood.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn revoke_own(
        &self,
        user: UserId,
        family: FamilyId,
        now: TimestampMs,
    ) -> Result<bool, StorageError> {
        let revoke = self.database.query(REVOKE_OWN).bind(now).bind(family).bind(user);
        Ok(revoke.execute(self.database.writer()).await?.rows_affected() == 1)
    }

    /// Ends all logins of a person but `keep` and says which, so that their live sockets can be told.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn revoke_others(
        &self,
        user: UserId,
        keep: Option<FamilyId>,
        now: TimestampMs,
    ) -> Result<Vec<FamilyId>, StorageError> {
        let mut transaction = self.database.begin().await?;
        let families = end_logins(&self.database, &mut transaction, user, keep, now).await?;
        transaction.commit().await?;
        Ok(families)
    }

    /// Logins of a person that stand, the newest first, from those older than `before` on.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn logins(
        &self,
        user: UserId,
        before: Option<FamilyId>,
        limit: u16,
        now: TimestampMs,
    ) -> Result<Vec<Login>, StorageError> {
        let before = before.unwrap_or(FamilyId::new(i64::MAX));
        let select = self.database.query_as(SELECT_LOGINS).bind(user).bind(before).bind(now);
        Ok(select.bind(i64::from(limit)).fetch_all(self.database.reader()).await?)
    }

    /// Whether this person has logged in from this address, as far as that is remembered: until the login expires.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn knows_address(&self, user: UserId, address: &str) -> Result<bool, StorageError> {
        let select = self.database.query_scalar::<FamilyId>(SELECT_ADDRESS).bind(user).bind(address);
        Ok(select.fetch_optional(self.database.reader()).await?.is_some())
    }

    /// Forgets what has expired. Says how many tokens and logins that was.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn purge_expired(&self, now: TimestampMs) -> Result<u64, StorageError> {
        let mut transaction = self.database.begin().await?;
        let tokens = self.database.query("delete from refresh_token where expires_at <= $1").bind(now);
        let tokens = tokens.execute(&mut *transaction).await?.rows_affected();
        let families = self.database.query("delete from token_family where expires_at <= $1").bind(now);
        let families = families.execute(&mut *transaction).await?.rows_affected();
        transaction.commit().await?;
        Ok(tokens + families)
    }

    async fn insert_token(
        &self,
        transaction: &mut Transaction,
        hash: &str,
        family: FamilyId,
        now: TimestampMs,
        expires_at: TimestampMs,
    ) -> Result<(), StorageError> {
        let insert = self.database.query(INSERT_TOKEN).bind(hash).bind(family).bind(now).bind(expires_at);
        insert.execute(&mut **transaction).await?;
        Ok(())
    }
}

/// Ends all logins of a person but `keep`, as part of a larger change, and says which.
pub(crate) async fn end_logins(
    database: &Database,
    transaction: &mut Transaction,
    user: UserId,
    keep: Option<FamilyId>,
    now: TimestampMs,
) -> Result<Vec<FamilyId>, StorageError> {
    // No login has the id 0.
    let keep = keep.unwrap_or(FamilyId::new(0));
    let revoke = database.query(REVOKE_USER).bind(now).bind(user).bind(keep);
    revoke.execute(&mut **transaction).await?;
    // This may also name a login that was ended by another call in the same millisecond, which does no harm.
    let select = database.query_scalar(SELECT_REVOKED).bind(user).bind(now);
    Ok(select.fetch_all(&mut **transaction).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAMILY: FamilyId = FamilyId::new(1);
    const USER: UserId = UserId::new(2);

    fn presented(rotated_at: Option<i64>, revoked_at: Option<i64>) -> Presented {
        Presented {
            family: FAMILY,
            user: USER,
            expires_at: TimestampMs::new(1_000),
            rotated_at: rotated_at.map(TimestampMs::new),
            revoked_at: revoked_at.map(TimestampMs::new),
        }
    }

    #[test]
    fn a_replaced_token_is_replayed_up_to_the_grace_and_reused_after_it() {
        let judge = |now| presented(Some(100), None).judge(false, TimestampMs::new(now), 10);
        assert_eq!(judge(110), Rotation::Replayed { family: FAMILY, user: USER });
        assert_eq!(judge(111), Rotation::Reused { family: FAMILY, user: USER });
        assert_eq!(judge(99), Rotation::Replayed { family: FAMILY, user: USER }, "the clock was set back");
        assert_eq!(judge(1_000), Rotation::Expired);
    }

    #[test]
    fn nothing_rotates_after_the_end_of_its_login() {
        let judge = |token: Presented, now| token.judge(true, TimestampMs::new(now), 10);
        assert_eq!(judge(presented(Some(100), None), 100), Rotation::Rotated { family: FAMILY, user: USER });
        assert_eq!(judge(presented(Some(100), Some(50)), 100), Rotation::Revoked);
        assert_eq!(judge(presented(Some(1_000), None), 1_000), Rotation::Expired);
    }
}
