//! What happens to an account after it was made, or while it is: mail links, passwords, roles, suspension, deletion.
//!
//! What ends logins says which, in the same breath, so that their live sockets can be told.

use crate::engine::{Database, Transaction, Turn};
use crate::follow;
use crate::token::end_logins;
use crate::user::{NewUser, Role, User, Users, forget_profile};
use crate::{FamilyId, StorageError, TimestampMs, UserId};

mod unproved;

/// What a link in a mail is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MailPurpose {
    /// To prove that the address is one's own. It may be followed again and again: programs that look into mails
    /// follow links, too.
    Verify,
    /// To choose a new password, once.
    Reset,
}

impl MailPurpose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::Reset => "reset",
        }
    }
}

/// A link that is about to be sent.
#[derive(Clone, Debug)]
pub struct NewMailToken {
    /// Lower-case hexadecimal SHA-256 of the token in the link.
    pub hash: String,
    /// To whom it is sent.
    pub user_id: UserId,
    /// What it is good for.
    pub purpose: MailPurpose,
    /// Now.
    pub created_at: TimestampMs,
    /// When it is of no use any more.
    pub expires_at: TimestampMs,
}

/// Logins that ended with a change of their account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedLogins {
    /// Whose.
    pub user: UserId,
    /// Which; in no particular order.
    pub families: Vec<FamilyId>,
}

const INSERT_MAIL_TOKEN: &str =
    "insert into mail_token (hash, user_id, purpose, created_at, expires_at) values ($1, $2, $3, $4, $5)";

const SELECT_OWNER: &str =
    "select user_id from mail_token where hash = $1 and purpose = $2 and expires_at > $3";

const VERIFY: &str =
    "update users set verified_at = $1 where id = $2 and verified_at is null and deleted_at is null";

const SET_PASSWORD: &str = "update users set password_hash = $1 where id = $2 and deleted_at is null";

/// Who has the link has the mailbox, so a reset proves the address, too.
const RESET_PASSWORD: &str = "
    update users set password_hash = $1, verified_at = coalesce(verified_at, $2)
    where id = $3 and deleted_at is null";

const SET_ROLE: &str = "update users set role = $1 where id = $2 and role <> $3 and deleted_at is null";

const SUSPEND: &str =
    "update users set suspended_at = $1 where id = $2 and suspended_at is null and deleted_at is null";

const LIFT_SUSPENSION: &str = "update users set suspended_at = null where id = $1 and deleted_at is null";

const BURY: &str = "
    update users set name = $1, name_folded = $2, email = $3, password_hash = '', role = 'user', verified_at = null,
        intro = null, avatar_url = null, deleted_at = $4
    where id = $5 and deleted_at is null";

/// What a person had beside the row in `users`. Each statement takes her id; a table with more of the kind adds a line.
const FORGET: [&str; 7] = [
    "delete from mail_token where user_id = $1",
    "delete from token_family where user_id = $1",
    "delete from notification where user_id = $1",
    "delete from notification_mute where user_id = $1",
    "delete from activity where user_id = $1",
    "delete from room_moderator where user_id = $1",
    "delete from room_sanction where user_id = $1",
];

/// All accounts, as things that change.
#[derive(Clone, Debug)]
pub struct Accounts {
    database: Database,
    users: Users,
}

impl Accounts {
    /// The accounts in this database.
    pub fn new(database: Database) -> Self {
        Self { users: Users::new(database.clone()), database }
    }

    /// Adds a person, together with the link that will prove her address: there is never one without the other.
    ///
    /// # Errors
    ///
    /// As [`Users::create`].
    pub async fn register(&self, user: &NewUser, link: Option<&NewMailToken>) -> Result<User, StorageError> {
        let mut transaction = self.database.begin().await?;
        let user = self.users.insert(&mut transaction, user).await?;
        if let Some(link) = link {
            self.insert_link(&mut transaction, link).await?;
        }
        transaction.commit().await?;
        Ok(user)
    }

    /// Remembers a link that is about to be sent. Earlier ones stay good: mails overtake each other.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such person.
    pub async fn add_link(&self, link: &NewMailToken) -> Result<(), StorageError> {
        let mut transaction = self.database.begin().await?;
        self.insert_link(&mut transaction, link).await?;
        Ok(transaction.commit().await?)
    }

    /// To whom a link was sent, while it is good for `purpose`.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn owner_of_link(
        &self,
        hash: &str,
        purpose: MailPurpose,
        now: TimestampMs,
    ) -> Result<Option<UserId>, StorageError> {
        let select = self.database.query_scalar(SELECT_OWNER).bind(hash).bind(purpose.as_str()).bind(now);
        Ok(select.fetch_optional(self.database.reader()).await?)
    }

    /// Takes an address for proved. Doing so again changes nothing, not even the moment.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn verify(&self, user: UserId, now: TimestampMs) -> Result<(), StorageError> {
        let verify = self.database.query(VERIFY).bind(now).bind(user);
        verify.execute(self.database.writer()).await?;
        Ok(())
    }

    /// Replaces the password, and ends all logins but `keep`: whoever changes a password may do so because somebody
    /// else knows it. Links for a reset are of no use any more.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such person.
    pub async fn set_password(
        &self,
        user: UserId,
        password_hash: &str,
        keep: Option<FamilyId>,
        now: TimestampMs,
    ) -> Result<EndedLogins, StorageError> {
        let mut transaction = self.database.begin().await?;
        let update = self.database.query(SET_PASSWORD).bind(password_hash).bind(user);
        one_user(update.execute(&mut *transaction).await?.rows_affected())?;
        self.forget_resets(&mut transaction, user).await?;
        let families = end_logins(&self.database, &mut transaction, user, keep, now).await?;
        transaction.commit().await?;
        Ok(EndedLogins { user, families })
    }

    /// Replaces the password of whoever got this link, and ends all logins. `None` when the link is no good; of two
    /// who come with one link, one gets in.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn reset_password(
        &self,
        link_hash: &str,
        password_hash: &str,
        now: TimestampMs,
    ) -> Result<Option<EndedLogins>, StorageError> {
        let mut transaction = self.database.begin().await?;
        let purpose = MailPurpose::Reset.as_str();
        let select = self.database.query_scalar(SELECT_OWNER).bind(link_hash).bind(purpose).bind(now);
        let Some(user) = select.fetch_optional(&mut *transaction).await? else {
            return Ok(None);
        };
        // The person's row first, as with every other change of a password, and then the link: whether it was there to be
        // deleted decides between two who look at once.
        let lock =
            sqlx::query_scalar::<_, UserId>(self.database.locking("select id from users where id = $1"));
        lock.bind(user).fetch_optional(&mut *transaction).await?;
        let spend = self.database.query("delete from mail_token where hash = $1").bind(link_hash);
        if spend.execute(&mut *transaction).await?.rows_affected() == 0 {
            return Ok(None);
        }
        let update = self.database.query(RESET_PASSWORD).bind(password_hash).bind(now).bind(user);
        one_user(update.execute(&mut *transaction).await?.rows_affected())?;
        self.forget_resets(&mut transaction, user).await?;
        let families = end_logins(&self.database, &mut transaction, user, None, now).await?;
        transaction.commit().await?;
        Ok(Some(EndedLogins { user, families }))
    }

    /// Gives a person another role. Whoever loses one is logged out, for her tokens say what she was.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such person.
    pub async fn set_role(
        &self,
        user: UserId,
        role: Role,
        now: TimestampMs,
    ) -> Result<EndedLogins, StorageError> {
        let mut transaction = self.database.begin().await?;
        let update = self.database.query(SET_ROLE).bind(role).bind(user).bind(role);
        let changed = update.execute(&mut *transaction).await?.rows_affected() == 1;
        let mut families = Vec::new();
        if !changed {
            self.require(&mut transaction, user).await?;
        } else if role == Role::User {
            families = end_logins(&self.database, &mut transaction, user, None, now).await?;
        }
        transaction.commit().await?;
        Ok(EndedLogins { user, families })
    }

    /// Keeps a person out until that is lifted, and ends her logins. Again, it changes nothing.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such person.
    pub async fn suspend(&self, user: UserId, now: TimestampMs) -> Result<EndedLogins, StorageError> {
        let mut transaction = self.database.begin().await?;
        let update = self.database.query(SUSPEND).bind(now).bind(user);
        if update.execute(&mut *transaction).await?.rows_affected() == 0 {
            self.require(&mut transaction, user).await?;
        }
        let families = end_logins(&self.database, &mut transaction, user, None, now).await?;
        transaction.commit().await?;
        Ok(EndedLogins { user, families })
    }

    /// Lets a person in again.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such person.
    pub async fn lift_suspension(&self, user: UserId) -> Result<(), StorageError> {
        let update = self.database.query(LIFT_SUSPENSION).bind(user);
        one_user(update.execute(self.database.writer()).await?.rows_affected())
    }

    /// Deletes an account: what is personal goes, name and address are free again, and a row without a person stays as
    /// the author of what was written.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such person.
    pub async fn delete(&self, user: UserId, now: TimestampMs) -> Result<EndedLogins, StorageError> {
        let mut transaction = self.database.begin().await?;
        // Before anybody's row is locked: who is being told of something waits for hers.
        transaction.take(Turn::Notification).await?;
        self.withdraw(&mut transaction, user, now).await?;
        let bury = self.database.query(BURY).bind(DELETED_NAME).bind(buried_name(user));
        let bury = bury.bind(buried_email(user, now)).bind(now).bind(user);
        one_user(bury.execute(&mut *transaction).await?.rows_affected())?;
        let families = end_logins(&self.database, &mut transaction, user, None, now).await?;
        self.forget(&mut transaction, user).await?;
        transaction.commit().await?;
        Ok(EndedLogins { user, families })
    }

    /// Forgets links that have expired. Says how many that was.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn purge_expired(&self, now: TimestampMs) -> Result<u64, StorageError> {
        let delete = self.database.query("delete from mail_token where expires_at <= $1").bind(now);
        Ok(delete.execute(self.database.writer()).await?.rows_affected())
    }

    /// Takes a person out of what others see.
    async fn withdraw(
        &self,
        transaction: &mut Transaction,
        user: UserId,
        now: TimestampMs,
    ) -> Result<(), StorageError> {
        follow::lock(&self.database, transaction, user).await?;
        forget_profile(&self.database, transaction, user, now).await?;
        follow::forget(&self.database, transaction, user).await
    }

    async fn forget(&self, transaction: &mut Transaction, user: UserId) -> Result<(), StorageError> {
        for statement in FORGET {
            self.database.query(statement).bind(user).execute(&mut **transaction).await?;
        }
        Ok(())
    }

    async fn insert_link(
        &self,
        transaction: &mut Transaction,
        link: &NewMailToken,
    ) -> Result<(), StorageError> {
        let NewMailToken { hash, user_id, purpose, created_at, expires_at } = link;
        let insert =
            self.database.query(INSERT_MAIL_TOKEN).bind(&**hash).bind(user_id).bind(purpose.as_str());
        insert.bind(created_at).bind(expires_at).execute(&mut **transaction).await?;
        Ok(())
    }

    async fn forget_resets(&self, transaction: &mut Transaction, user: UserId) -> Result<(), StorageError> {
        let delete = self.database.query("delete from mail_token where user_id = $1 and purpose = 'reset'");
        delete.bind(user).execute(&mut **transaction).await?;
        Ok(())
    }

    /// Holds that there is such a person, where an update that changed nothing leaves it open.
    async fn require(&self, transaction: &mut Transaction, user: UserId) -> Result<(), StorageError> {
        let select =
            self.database.query_scalar::<UserId>("select id from users where id = $1 and deleted_at is null");
        let found = select.bind(user).fetch_optional(&mut **transaction).await?;
        found.map(|_| ()).ok_or(StorageError::NotFound { what: "user" })
    }
}

/// What stands where a name stood. It is for the eye; `deleted_at` is what programs go by, as a living person may call
/// herself so.
const DELETED_NAME: &str = "deleted user";

/// Unique, and no name: those do not begin with a space.
fn buried_name(user: UserId) -> String {
    format!(" {user}")
}

/// Unique, and no address that anybody could have registered before, since nobody knows the millisecond. Mail never
/// arrives below `.invalid` (RFC 2606).
fn buried_email(user: UserId, now: TimestampMs) -> String {
    format!("{user}.{}@deleted.invalid", now.get())
}

fn one_user(rows_affected: u64) -> Result<(), StorageError> {
    if rows_affected == 0 { Err(StorageError::NotFound { what: "user" }) } else { Ok(()) }
}
