//! Posts as the API shows them.

use serde::Serialize;
use tickroom_storage::post::{Liked, Post};
use tickroom_storage::tag::Tag;
use tickroom_storage::user::Author;
use tickroom_storage::{MarketCode, PostId, TimestampMs, UserId};
use utoipa::ToSchema;

use super::Sort;
use crate::openapi::schema;
use crate::routes::page;

/// Who wrote something.
#[derive(Serialize, ToSchema)]
pub struct AuthorView {
    #[schema(value_type = schema::Id)]
    id: UserId,
    /// `null` for a deleted account: what one calls its owner is for each language to say.
    username: Option<String>,
    /// Whether the account was deleted.
    deleted: bool,
    profile_url: Option<String>,
}

/// A post.
#[derive(Serialize, ToSchema)]
pub struct PostView {
    #[schema(value_type = schema::Id)]
    id: PostId,
    author: AuthorView,
    title: String,
    /// Markdown; in lists its first 1,000 characters.
    content: String,
    /// Whether there is more of it than `content` has.
    truncated: bool,
    #[schema(value_type = Vec<schema::Tag>)]
    tags: Vec<Tag>,
    /// The markets that it mentions, e.g. `KRW-BTC`; the room of each bears the same name.
    #[schema(value_type = Vec<schema::MarketCode>)]
    markets: Vec<MarketCode>,
    like_count: u64,
    /// Comments and replies that can be read.
    comment_count: u64,
    view_count: u64,
    liked_by_me: bool,
    #[schema(value_type = schema::Time)]
    created_at: TimestampMs,
    /// The latest edit.
    #[schema(value_type = Option<schema::Time>)]
    updated_at: Option<TimestampMs>,
}

/// A page of posts.
#[derive(Serialize, ToSchema)]
pub struct PostsView {
    posts: Vec<PostView>,
    /// What to pass as `cursor` to go on; `null` at the end.
    next_cursor: Option<String>,
}

/// What a like or its withdrawal came to.
#[derive(Serialize, ToSchema)]
pub struct LikeView {
    liked_by_me: bool,
    like_count: u64,
}

impl LikeView {
    pub(in crate::routes) fn new(liked_by_me: bool, liked: Liked) -> Self {
        Self { liked_by_me, like_count: liked.like_count }
    }
}

impl From<Author> for AuthorView {
    fn from(author: Author) -> Self {
        let Author { id, name, avatar_url, is_deleted } = author;
        let username = (!is_deleted).then(|| name.to_string());
        Self { id, username, deleted: is_deleted, profile_url: avatar_url }
    }
}

impl From<Post> for PostView {
    fn from(post: Post) -> Self {
        Self {
            id: post.id,
            author: post.author.into(),
            title: post.title,
            content: post.content,
            truncated: !post.is_whole,
            tags: post.tags,
            markets: post.markets,
            like_count: post.like_count,
            comment_count: post.comment_count,
            view_count: post.view_count,
            liked_by_me: post.is_liked,
            created_at: post.created_at,
            updated_at: post.updated_at,
        }
    }
}

impl PostsView {
    /// Of one post more than `limit`, if there are so many.
    pub(in crate::routes) fn of(mut posts: Vec<Post>, sort: Sort, limit: u16) -> Self {
        let next_cursor = page::cut(&mut posts, limit, |last| match sort {
            Sort::Latest => last.id.to_string(),
            Sort::Popular => last.rank.to_string(),
        });
        Self { posts: posts.into_iter().map(PostView::from).collect(), next_cursor }
    }
}
