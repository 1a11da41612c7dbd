//! What people say about posts, and reply to each other: one level deep, oldest first.
//!
//! A comment that is deleted while it has replies stays as a tombstone, without author and text, so that the replies
//! can be understood; it goes with the last of them. A post's `comment_count` is the number of comments and replies
//! that can be read: tombstones do not count.

use sqlx::any::AnyRow;
use sqlx::{FromRow, Row};

use crate::engine::Database;
use crate::prose::CommentContent;
use crate::user::Author;
use crate::{CommentId, PostId, TimestampMs, UserId};

mod like;
mod list;
mod write;

/// A comment or a reply, as one reader sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// Which.
    pub id: CommentId,
    /// The post it is about.
    pub post_id: PostId,
    /// The comment that it replies to.
    pub parent_id: Option<CommentId>,
    /// Who wrote it and what; `None` once deleted.
    pub said: Option<Said>,
    /// People who like it.
    pub like_count: u64,
    /// Replies to it.
    pub reply_count: u64,
    /// Whether the reader is among those who like it.
    pub is_liked: bool,
    /// When it was written.
    pub created_at: TimestampMs,
    /// The latest edit.
    pub updated_at: Option<TimestampMs>,
}

/// What a tombstone no longer tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Who, as she is now.
    pub author: Author,
    /// What.
    pub content: String,
}

/// A comment or a reply to be made.
#[derive(Clone, Debug)]
pub struct NewComment {
    /// Fresh from the generator.
    pub id: CommentId,
    /// The post it is about.
    pub post_id: PostId,
    /// The comment that it replies to.
    pub parent_id: Option<CommentId>,
    /// Who writes it.
    pub author_id: UserId,
    /// What.
    pub content: CommentContent,
    /// Now.
    pub created_at: TimestampMs,
}

impl NewComment {
    /// The comment as it is once it is made.
    pub fn into_comment(self, author: Author) -> Comment {
        let Self { id, post_id, parent_id, content, created_at, .. } = self;
        let said = Some(Said { author, content: content.to_string() });
        Comment {
            id,
            post_id,
            parent_id,
            said,
            like_count: 0,
            reply_count: 0,
            is_liked: false,
            created_at,
            updated_at: None,
        }
    }
}

/// Why nobody can reply there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoParent {
    /// The post has no such comment.
    #[error("expected a comment on the same post")]
    Missing,
    /// It is itself a reply.
    #[error("expected a comment, got a reply: replies are one level deep")]
    Reply,
    /// It is deleted.
    #[error("expected a comment that is still there, got one that was deleted")]
    Deleted,
}

/// All comments and replies.
#[derive(Clone, Debug)]
pub struct Comments {
    database: Database,
}

impl Comments {
    /// The comments in this database.
    pub fn new(database: Database) -> Self {
        Self { database }
    }
}

impl FromRow<'_, AnyRow> for Comment {
    fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        let count = |column| row.try_get::<i64, _>(column).map(i64::unsigned_abs);
        let is_deleted = row.try_get::<Option<TimestampMs>, _>("deleted_at")?.is_some();
        let said = Said { author: Author::from_row(row)?, content: row.try_get("content")? };
        Ok(Self {
            id: row.try_get("id")?,
            post_id: row.try_get("post_id")?,
            parent_id: row.try_get("parent_id")?,
            said: (!is_deleted).then_some(said),
            like_count: count("like_count")?,
            reply_count: count("reply_count")?,
            is_liked: false,
            created_at: row.try_get("created_at")?,
            updated_at: row.try_get("updated_at")?,
        })
    }
}
