//! What people post.
//!
//! | file | what it holds |
//! |---|---|
//! | `list` | pages of posts: the newest, the popular, of an author, of a tag, about a market, found by a search |
//! | `timeline` | pages of posts by those whom one follows |
//! | `write` | making, editing and deleting a post, with its tags, its markets and its words in the search |
//! | `like`, `view` | what is counted, exactly |
//! | `score` | what popular means |

use sqlx::any::AnyRow;
use sqlx::{FromRow, Row};

use crate::engine::{Database, Transaction};
use crate::prose::{PostContent, PostTitle};
use crate::tag::Tag;
use crate::user::Author;
use crate::{MarketCode, PostId, StorageError, TimestampMs, UserId, idempotency};

mod like;
mod list;
#[cfg(test)]
mod plan;
mod score;
mod timeline;
mod view;
mod write;

pub use like::Liked;
pub use list::{PostFilter, PostOrder, Rank, RankError};
pub use view::Viewer;

pub(crate) use score::rescore;

/// A post, as one reader sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// Which.
    pub id: PostId,
    /// Who wrote it, as she is now.
    pub author: Author,
    /// One line.
    pub title: String,
    /// Markdown; in lists its first [`POST_EXCERPT_CHARS`](crate::limits::POST_EXCERPT_CHARS) characters.
    pub content: String,
    /// Whether `content` is all of it.
    pub is_whole: bool,
    /// What it is about: listed by the author, then found in the text.
    pub tags: Vec<Tag>,
    /// The markets that it mentions.
    pub markets: Vec<MarketCode>,
    /// People who like it.
    pub like_count: u64,
    /// Comments and replies that can be read.
    pub comment_count: u64,
    /// Views, each viewer counted once in a day.
    pub view_count: u64,
    /// Whether the reader is among those who like it.
    pub is_liked: bool,
    /// When it was posted.
    pub created_at: TimestampMs,
    /// The latest edit.
    pub updated_at: Option<TimestampMs>,
    /// Its place among the popular ones.
    pub rank: Rank,
}

/// A post to be made.
#[derive(Clone, Debug)]
pub struct NewPost {
    /// Fresh from the generator.
    pub id: PostId,
    /// Who writes it.
    pub author_id: UserId,
    /// One line.
    pub title: PostTitle,
    /// Markdown.
    pub content: PostContent,
    /// The tags that the author lists; those of the text are found.
    pub tags: Vec<Tag>,
    /// Now.
    pub created_at: TimestampMs,
}

/// What to change of a post; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct PostEdit {
    /// One line.
    pub title: Option<PostTitle>,
    /// Markdown.
    pub content: Option<PostContent>,
    /// The tags that the author lists.
    pub tags: Option<Vec<Tag>>,
}

/// All posts.
#[derive(Clone, Debug)]
pub struct Posts {
    database: Database,
}

impl Posts {
    /// The posts in this database.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// Forgets who looked at what, and which requests came, once that is of no use any more. Returns how many rows that
    /// were.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn purge(&self, now: TimestampMs) -> Result<u64, StorageError> {
        Ok(self.purge_views(now).await? + idempotency::purge(&self.database, now).await?)
    }

    /// Who wrote this post, which never changes; `None` if there is no such post.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn author(&self, id: PostId) -> Result<Option<UserId>, StorageError> {
        let select = self.database.query_scalar("select author_id from post where id = $1").bind(id);
        Ok(select.fetch_optional(self.database.reader()).await?)
    }
}

/// A post's own row and its author; tags, markets and likes are added for all posts of a page at once.
impl FromRow<'_, AnyRow> for Post {
    fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        let id = row.try_get("id")?;
        let count = |column| row.try_get::<i64, _>(column).map(i64::unsigned_abs);
        Ok(Self {
            id,
            author: Author::from_row(row)?,
            title: row.try_get("title")?,
            content: row.try_get("content")?,
            is_whole: true,
            tags: Vec::new(),
            markets: Vec::new(),
            like_count: count("like_count")?,
            comment_count: count("comment_count")?,
            view_count: count("view_count")?,
            is_liked: false,
            created_at: row.try_get("created_at")?,
            updated_at: row.try_get("updated_at")?,
            rank: Rank { score: row.try_get("score")?, id },
        })
    }
}

/// Who wrote this post, within a unit of work that has made sure of it.
pub(crate) async fn author(transaction: &mut Transaction, id: PostId) -> Result<UserId, StorageError> {
    let select = transaction.database().query_scalar("select author_id from post where id = $1").bind(id);
    let author: Option<UserId> = select.fetch_optional(&mut **transaction).await?;
    author.ok_or(StorageError::NotFound { what: "post" })
}
