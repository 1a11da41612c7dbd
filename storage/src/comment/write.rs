//! Making, editing and deleting comments. Whatever changes a thread changes its post's count first: that locks the
//! post's row, so that all who do stand in one line.

use super::{Comments, NewComment, NoParent};
use crate::engine::Transaction;
use crate::event::{self, Activity, NewEvent, ReplyTo};
use crate::idempotency::{Idempotency, Outcome, claim};
use crate::post::{author, rescore};
use crate::prose::CommentContent;
use crate::{CommentId, PostId, StorageError, TimestampMs, mention};

const INSERT: &str = "
    insert into comment (id, post_id, author_id, parent_id, content, created_at, like_count, reply_count)
    values ($1, $2, $3, $4, $5, $6, 0, 0)";

const COUNT_REPLY: &str = "
    update comment set reply_count = reply_count + 1
    where id = $1 and post_id = $2 and parent_id is null and deleted_at is null";

const PARENT: &str = "select parent_id from comment where id = $1 and post_id = $2";

const EDIT: &str =
    "update comment set content = $1, updated_at = $2 where id = $3 and content <> $4 and deleted_at is null";

const PLACE: &str = "select post_id, parent_id from comment where id = $1 and deleted_at is null";

/// A comment without replies, or a reply.
const DELETE: &str = "delete from comment where id = $1 and reply_count = 0 and deleted_at is null";

const BURY: &str = "
    update comment set content = '', like_count = 0, updated_at = null, deleted_at = $1
    where id = $2 and deleted_at is null";

const FORGET_LIKES: &str = "delete from comment_like where comment_id = $1";

const UNCOUNT_REPLY: &str = "update comment set reply_count = reply_count - 1 where id = $1";

const DELETE_TOMBSTONE: &str =
    "delete from comment where id = $1 and reply_count = 0 and deleted_at is not null";

const AUTHOR: &str = "select author_id from comment where id = $1";

const NO_COMMENT: StorageError = StorageError::NotFound { what: "comment" };

impl Comments {
    /// Makes a comment or a reply, unless this request was done before. The inner error says why nobody can reply
    /// there.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such post, or its author has no account.
    pub async fn create(
        &self,
        comment: &NewComment,
        request: Option<&Idempotency>,
    ) -> Result<Result<Outcome, NoParent>, StorageError> {
        let mut transaction = self.database.begin().await?;
        if let Some(request) = request {
            let (made, now) = (comment.id.get(), comment.created_at);
            let outcome = claim(&self.database, &mut transaction, request, made, now).await?;
            if outcome != Outcome::Done {
                return Ok(Ok(outcome));
            }
        }
        self.count(&mut transaction, comment.post_id, 1).await?;
        if let Some(parent) = comment.parent_id
            && let Err(reason) = self.count_reply(&mut transaction, parent, comment.post_id).await?
        {
            return Ok(Err(reason));
        }
        self.insert(&mut transaction, comment).await?;
        rescore(&self.database, &mut transaction, comment.post_id).await?;
        self.tell(&mut transaction, comment).await?;
        transaction.commit().await?;
        Ok(Ok(Outcome::Done))
    }

    /// Adds the event of a new comment.
    async fn tell(&self, transaction: &mut Transaction, comment: &NewComment) -> Result<(), StorageError> {
        let post_author = author(transaction, comment.post_id).await?;
        let reply_to = match comment.parent_id {
            Some(parent) => {
                let select = self.database.query_scalar(AUTHOR).bind(parent);
                Some(ReplyTo { comment: parent, author: select.fetch_one(&mut **transaction).await? })
            }
            None => None,
        };
        let mentioned = mention::resolve(transaction, &[comment.content.as_str()]).await?.concat();
        let activity = Activity::CommentCreated {
            comment: comment.id,
            post: comment.post_id,
            post_author,
            reply_to,
            mentioned,
        };
        let event = NewEvent { actor: comment.author_id, activity, time: comment.created_at };
        event::append(transaction, &event).await
    }

    async fn insert(&self, transaction: &mut Transaction, comment: &NewComment) -> Result<(), StorageError> {
        let insert = self
            .database
            .query(INSERT)
            .bind(comment.id)
            .bind(comment.post_id)
            .bind(comment.author_id)
            .bind(comment.parent_id)
            .bind(&comment.content)
            .bind(comment.created_at);
        insert.execute(&mut **transaction).await?;
        Ok(())
    }

    /// Changes a comment. Says whether anything was different: otherwise it does not count as edited.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such comment.
    pub async fn edit(
        &self,
        id: CommentId,
        content: &CommentContent,
        now: TimestampMs,
    ) -> Result<bool, StorageError> {
        let mut transaction = self.database.begin().await?;
        let update = self.database.query(EDIT).bind(content).bind(now).bind(id).bind(content);
        let is_changed = update.execute(&mut *transaction).await?.rows_affected() > 0;
        if !is_changed {
            self.place(&mut transaction, id).await?;
        }
        transaction.commit().await?;
        Ok(is_changed)
    }

    /// Deletes a comment or a reply. With replies, a comment stays as a tombstone; with its last reply, a tombstone
    /// goes.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such comment.
    pub async fn delete(&self, id: CommentId, now: TimestampMs) -> Result<(), StorageError> {
        let mut transaction = self.database.begin().await?;
        let (post, parent) = self.place(&mut transaction, id).await?;
        self.count(&mut transaction, post, -1).await?;
        // Whoever deletes it, the event is the author's: it comes after that of its making.
        let author = self.database.query_scalar(AUTHOR).bind(id);
        // While this waited for the post, somebody else may have deleted the comment.
        let actor = author.fetch_optional(&mut *transaction).await?.ok_or(NO_COMMENT)?;
        if !self.remove(&mut transaction, id, now).await? {
            return Err(NO_COMMENT);
        }
        if let Some(parent) = parent {
            for text in [UNCOUNT_REPLY, DELETE_TOMBSTONE] {
                self.database.query(text).bind(parent).execute(&mut *transaction).await?;
            }
        }
        rescore(&self.database, &mut transaction, post).await?;
        let activity = Activity::CommentDeleted { comment: id, post };
        event::append(&mut transaction, &NewEvent { actor, activity, time: now }).await?;
        Ok(transaction.commit().await?)
    }

    /// Takes a comment out of the thread; `false` when somebody else just did.
    async fn remove(
        &self,
        transaction: &mut Transaction,
        id: CommentId,
        now: TimestampMs,
    ) -> Result<bool, StorageError> {
        let delete = self.database.query(DELETE).bind(id).execute(&mut **transaction).await?;
        if delete.rows_affected() > 0 {
            return Ok(true);
        }
        let bury = self.database.query(BURY).bind(now).bind(id).execute(&mut **transaction).await?;
        self.database.query(FORGET_LIKES).bind(id).execute(&mut **transaction).await?;
        Ok(bury.rows_affected() > 0)
    }

    /// The post of a comment that can be read, and the comment that it replies to.
    async fn place(
        &self,
        transaction: &mut Transaction,
        id: CommentId,
    ) -> Result<(PostId, Option<CommentId>), StorageError> {
        let select = self.database.query_as(PLACE).bind(id);
        select.fetch_optional(&mut **transaction).await?.ok_or(NO_COMMENT)
    }

    async fn count(
        &self,
        transaction: &mut Transaction,
        post: PostId,
        change: i64,
    ) -> Result<(), StorageError> {
        let update = self.database.query("update post set comment_count = comment_count + $1 where id = $2");
        let update = update.bind(change).bind(post).execute(&mut **transaction).await?;
        if update.rows_affected() == 0 { Err(StorageError::NotFound { what: "post" }) } else { Ok(()) }
    }

    async fn count_reply(
        &self,
        transaction: &mut Transaction,
        parent: CommentId,
        post: PostId,
    ) -> Result<Result<(), NoParent>, StorageError> {
        let count = self.database.query(COUNT_REPLY).bind(parent).bind(post);
        if count.execute(&mut **transaction).await?.rows_affected() > 0 {
            return Ok(Ok(()));
        }
        let select = self.database.query_scalar::<Option<CommentId>>(PARENT).bind(parent).bind(post);
        Ok(Err(match select.fetch_optional(&mut **transaction).await? {
            None => NoParent::Missing,
            Some(Some(_)) => NoParent::Reply,
            Some(None) => NoParent::Deleted,
        }))
    }
}
