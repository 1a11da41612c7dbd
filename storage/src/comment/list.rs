//! Pages of comments: two statements each, one for the comments with their authors, one for the reader's likes.

use std::collections::HashSet;

use super::{Comment, Comments};
use crate::user::author_columns;
use crate::{CommentId, PostId, StorageError, UserId};

/// A `select` of whole comments.
macro_rules! select_comments {
    ($condition:literal) => {
        concat!(
            "select c.id, c.post_id, c.parent_id, c.content, c.like_count, c.reply_count, c.created_at,
                c.updated_at, c.deleted_at, ",
            author_columns!(),
            " from comment c cross join users u where u.id = c.author_id and ",
            $condition
        )
    };
}

const GET: &str = select_comments!("c.id = $1");

const OF_POST: &str =
    select_comments!("c.post_id = $1 and c.parent_id is null and c.id > $2 order by c.id limit $3");

const REPLIES: &str = select_comments!("c.parent_id = $1 and c.id > $2 order by c.id limit $3");

const LIKED: &str = "select comment_id from comment_like where user_id = ? and comment_id in ";

impl Comments {
    /// This comment, as `reader` sees it; a tombstone is one, too.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn get(&self, id: CommentId, reader: Option<UserId>) -> Result<Option<Comment>, StorageError> {
        let select = self.database.query_as::<Comment>(GET).bind(id);
        let mut comment = select.fetch_all(self.database.reader()).await?;
        self.add_likes(&mut comment, reader).await?;
        Ok(comment.pop())
    }

    /// Up to `limit` comments on this post, without the replies, the oldest first, from behind `after` on.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn of_post(
        &self,
        post: PostId,
        after: Option<CommentId>,
        limit: u16,
        reader: Option<UserId>,
    ) -> Result<Vec<Comment>, StorageError> {
        self.page(OF_POST, post.get(), after, limit, reader).await
    }

    /// Up to `limit` replies to this comment, the oldest first, from behind `after` on.
    ///
    /// # Errors
    ///
    /// Only the engine's.
    pub async fn replies(
        &self,
        comment: CommentId,
        after: Option<CommentId>,
        limit: u16,
        reader: Option<UserId>,
    ) -> Result<Vec<Comment>, StorageError> {
        self.page(REPLIES, comment.get(), after, limit, reader).await
    }

    async fn page(
        &self,
        text: &'static str,
        of: i64,
        after: Option<CommentId>,
        limit: u16,
        reader: Option<UserId>,
    ) -> Result<Vec<Comment>, StorageError> {
        let after = after.map_or(i64::MIN, CommentId::get);
        let select = self.database.query_as::<Comment>(text).bind(of).bind(after).bind(i64::from(limit));
        let mut comments = select.fetch_all(self.database.reader()).await?;
        self.add_likes(&mut comments, reader).await?;
        Ok(comments)
    }

    async fn add_likes(&self, comments: &mut [Comment], reader: Option<UserId>) -> Result<(), StorageError> {
        let Some(reader) = reader.filter(|_| !comments.is_empty()) else {
            return Ok(());
        };
        let select = sqlx::query_scalar(self.database.among(LIKED, comments.len())).persistent(false);
        let select = comments.iter().fold(select.bind(reader), |select, comment| select.bind(comment.id));
        let liked: HashSet<CommentId> = select.fetch_all(self.database.reader()).await?.into_iter().collect();
        for comment in comments {
            comment.is_liked = liked.contains(&comment.id);
        }
        Ok(())
    }
}
