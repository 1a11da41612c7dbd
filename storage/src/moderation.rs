//! Keeping order in rooms: who may, who is kept out or silent, how fast people talk, and who decided that.
//!
//! A change locks its room's row first, so that those of one room go one by one, and leaves an entry of what was done in
//! the same transaction.

use crate::engine::{Database, Transaction};
use crate::limits::{MODERATORS_MAX, SANCTIONS_MAX};
use crate::prose::Reason;
use crate::user::Role;
use crate::{MessageId, ModerationId, RoomName, StorageError, TimestampMs, UserId};

mod list;
mod rules;
mod word;

pub use list::{Entry, Sanction};
pub use rules::{Rules, Standing};
pub use word::{Action, ActionError, SanctionKind, SanctionKindError};

/// Who decides something about which room, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The room.
    pub room: RoomName,
    /// Who decides.
    pub by: UserId,
    /// When.
    pub at: TimestampMs,
}

/// What somebody shall not do, until when, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSanction {
    /// What.
    pub kind: SanctionKind,
    /// Who.
    pub user: UserId,
    /// Until when; for good if `None`.
    pub ends_at: Option<TimestampMs>,
    /// Why.
    pub reason: Option<Reason>,
}

/// What became of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decided {
    /// It holds.
    Done,
    /// It is about somebody who keeps order: moderators have to be dismissed before, administrators stand above.
    Protected,
    /// The room has as many as it may; see [`SANCTIONS_MAX`] and [`MODERATORS_MAX`].
    TooMany,
}

const LOCK_ROOM: &str = "select name from room where name = $1";

const SET_SLOW_MODE: &str = "update room set slow_mode_s = $1 where name = $2 and slow_mode_s <> $3";

const ROLE: &str = "select role from users where id = $1 and deleted_at is null";

const IS_MODERATOR: &str = "select user_id from room_moderator where room = $1 and user_id = $2";

const COUNT_MODERATORS: &str = "select count(*) from room_moderator where room = $1";

const APPOINT: &str = "insert into room_moderator (room, user_id, created_at) values ($1, $2, $3)";

const DISMISS: &str = "delete from room_moderator where room = $1 and user_id = $2";

const COUNT_SANCTIONS: &str = "select count(*) from room_sanction where room = $1";

const FORGET_OVER: &str = "delete from room_sanction where room = $1 and ends_at <= $2";

const LIFT: &str = "delete from room_sanction where room = $1 and kind = $2 and user_id = $3";

const IMPOSE: &str = "
    insert into room_sanction (room, kind, user_id, id, ends_at, reason) values ($1, $2, $3, $4, $5, $6)";

const NOTE: &str = "
    insert into moderation (id, room, actor_id, action, target_id, message_id, ends_at, seconds, reason, created_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

/// What is noted beside the decision itself.
#[derive(Default)]
struct Note<'a> {
    target: Option<UserId>,
    message: Option<MessageId>,
    ends_at: Option<TimestampMs>,
    seconds: Option<i64>,
    reason: Option<&'a Reason>,
}

/// The order in all rooms.
#[derive(Clone, Debug)]
pub struct Moderation {
    database: Database,
}

impl Moderation {
    /// The order in the rooms of this database.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// Bans or mutes somebody, in place of what there was of that kind.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such room or person.
    pub async fn impose(&self, decision: &Decision, new: &NewSanction) -> Result<Decided, StorageError> {
        let Decision { room, at, .. } = decision;
        let mut transaction = self.begin(room).await?;
        let keeps_order = self.role(&mut transaction, new.user).await? == Role::Admin
            || self.has_moderator(&mut transaction, room, new.user).await?;
        if keeps_order {
            return Ok(Decided::Protected);
        }
        self.database.query(FORGET_OVER).bind(room).bind(at).execute(&mut *transaction).await?;
        self.delete_sanction(&mut transaction, room, new.kind, new.user).await?;
        if self.count(&mut transaction, COUNT_SANCTIONS, room).await? >= i64::from(SANCTIONS_MAX) {
            return Ok(Decided::TooMany);
        }
        let note = Note {
            target: Some(new.user),
            ends_at: new.ends_at,
            reason: new.reason.as_ref(),
            ..Note::default()
        };
        let id = self.note(&mut transaction, decision, new.kind.imposed(), &note).await?;
        let insert = self.database.query(IMPOSE).bind(room).bind(new.kind).bind(new.user).bind(id);
        insert.bind(new.ends_at).bind(new.reason.as_ref()).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(Decided::Done)
    }

    /// Lets somebody be or speak in a room again. Says whether they could not.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such room.
    pub async fn lift(
        &self,
        decision: &Decision,
        kind: SanctionKind,
        user: UserId,
    ) -> Result<bool, StorageError> {
        let mut transaction = self.begin(&decision.room).await?;
        if !self.delete_sanction(&mut transaction, &decision.room, kind, user).await? {
            return Ok(false);
        }
        let note = Note { target: Some(user), ..Note::default() };
        self.note(&mut transaction, decision, kind.lifted(), &note).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Has everybody wait so many seconds between two messages.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such room.
    pub async fn set_slow_mode(&self, decision: &Decision, seconds: u32) -> Result<(), StorageError> {
        let seconds = i64::from(seconds);
        let mut transaction = self.begin(&decision.room).await?;
        let update = self.database.query(SET_SLOW_MODE).bind(seconds).bind(&decision.room).bind(seconds);
        if update.execute(&mut *transaction).await?.rows_affected() > 0 {
            let note = Note { seconds: Some(seconds), ..Note::default() };
            self.note(&mut transaction, decision, Action::SlowMode, &note).await?;
            transaction.commit().await?;
        }
        Ok(())
    }

    /// Has somebody keep order in a room.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such room or person.
    pub async fn appoint(&self, decision: &Decision, user: UserId) -> Result<Decided, StorageError> {
        let Decision { room, at, .. } = decision;
        let mut transaction = self.begin(room).await?;
        self.role(&mut transaction, user).await?;
        if self.has_moderator(&mut transaction, room, user).await? {
            return Ok(Decided::Done);
        }
        if self.count(&mut transaction, COUNT_MODERATORS, room).await? >= i64::from(MODERATORS_MAX) {
            return Ok(Decided::TooMany);
        }
        self.database.query(APPOINT).bind(room).bind(user).bind(at).execute(&mut *transaction).await?;
        let note = Note { target: Some(user), ..Note::default() };
        self.note(&mut transaction, decision, Action::Appoint, &note).await?;
        transaction.commit().await?;
        Ok(Decided::Done)
    }

    /// Has somebody keep order no more. Says whether they did.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such room.
    pub async fn dismiss(&self, decision: &Decision, user: UserId) -> Result<bool, StorageError> {
        let mut transaction = self.begin(&decision.room).await?;
        let delete = self.database.query(DISMISS).bind(&decision.room).bind(user);
        if delete.execute(&mut *transaction).await?.rows_affected() == 0 {
            return Ok(false);
        }
        let note = Note { target: Some(user), ..Note::default() };
        self.note(&mut transaction, decision, Action::Dismiss, &note).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Notes that somebody took back a message of another, which the log has done.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such room.
    pub async fn note_deletion(
        &self,
        decision: &Decision,
        message: MessageId,
        sender: UserId,
    ) -> Result<(), StorageError> {
        let mut transaction = self.begin(&decision.room).await?;
        let note = Note { target: Some(sender), message: Some(message), ..Note::default() };
        self.note(&mut transaction, decision, Action::DeleteMessage, &note).await?;
        Ok(transaction.commit().await?)
    }

    async fn begin(&self, room: &RoomName) -> Result<Transaction, StorageError> {
        let mut transaction = self.database.begin().await?;
        let select = sqlx::query_scalar::<_, RoomName>(self.database.locking(LOCK_ROOM)).bind(room);
        let found = select.fetch_optional(&mut *transaction).await?;
        found.map(|_| transaction).ok_or(StorageError::NotFound { what: "room" })
    }

    async fn role(&self, transaction: &mut Transaction, user: UserId) -> Result<Role, StorageError> {
        let role = self.database.query_scalar(ROLE).bind(user).fetch_optional(&mut **transaction).await?;
        role.ok_or(StorageError::NotFound { what: "user" })
    }

    async fn has_moderator(
        &self,
        transaction: &mut Transaction,
        room: &RoomName,
        user: UserId,
    ) -> Result<bool, StorageError> {
        let select = self.database.query_scalar::<UserId>(IS_MODERATOR).bind(room).bind(user);
        Ok(select.fetch_optional(&mut **transaction).await?.is_some())
    }

    async fn count(
        &self,
        transaction: &mut Transaction,
        text: &'static str,
        room: &RoomName,
    ) -> Result<i64, StorageError> {
        Ok(self.database.query_scalar(text).bind(room).fetch_one(&mut **transaction).await?)
    }

    async fn delete_sanction(
        &self,
        transaction: &mut Transaction,
        room: &RoomName,
        kind: SanctionKind,
        user: UserId,
    ) -> Result<bool, StorageError> {
        let delete = self.database.query(LIFT).bind(room).bind(kind).bind(user);
        Ok(delete.execute(&mut **transaction).await?.rows_affected() > 0)
    }

    async fn note(
        &self,
        transaction: &mut Transaction,
        decision: &Decision,
        action: Action,
        note: &Note<'_>,
    ) -> Result<ModerationId, StorageError> {
        let id: ModerationId = transaction.next_id();
        let Decision { room, by, at } = decision;
        let insert = self.database.query(NOTE).bind(id).bind(room).bind(by).bind(action).bind(note.target);
        let insert = insert.bind(note.message).bind(note.ends_at).bind(note.seconds).bind(note.reason);
        insert.bind(at).execute(&mut **transaction).await?;
        Ok(id)
    }
}
